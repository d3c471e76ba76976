"""Runs whose process is gone, in our records and in Dagster's, and joint switches that one of them left half done.

Belongs here: bringing the first to `failed`, finishing the second. Does not belong here: how a dead run is known (`locks`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from civicops.observe.watch import after_run
from civicops.orchestrate.locks import GONE, sweep
from civicops.release.store import ReleaseBusyError, ReleaseStore
from civicops.release.together import recover_together
from civicops.runs import RunLog
from civicops.workspace import Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance


def sweep_all(workspace: Workspace, instance: DagsterInstance | None = None) -> tuple[str, ...]:
    """Fail every run whose process is gone; returns their ids. With `instance`, Dagster's records are brought in line too."""
    with contextlib.suppress(ReleaseBusyError):
        recover_together(ReleaseStore(workspace.folder("releases")))
    runs = RunLog(workspace.folder("runs"))
    failed = [record for name in workspace.product_names for record in sweep(runs, name)]
    for record in failed:
        # The process that would have said so is gone: the incident of its crash is opened here.
        after_run(workspace, record)
    if instance is not None:
        _sweep_dagster(runs, instance)
    return tuple(record.run_id for record in failed)


def _sweep_dagster(runs: RunLog, instance: DagsterInstance) -> None:
    """Dagster runs that claim to run while our record of them says `failed`."""
    from dagster import DagsterRunStatus, RunsFilter  # noqa: PLC0415 - half a second that most commands do not need

    going = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING]))
    if not going:
        return
    over = {record.dagster_run_id: record for _, record in zip(range(200), runs.runs(), strict=False) if record.is_over}
    for run in going:
        record = over.get(run.run_id)
        if record is not None and record.status == "failed":
            instance.report_run_failed(run, message=record.message or GONE)
