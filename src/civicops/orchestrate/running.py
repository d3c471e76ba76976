"""Running a product from the command line, in the same history as the daemon's runs.

Belongs here: the way from a product's name to its finished record. Does not belong here: printing (`cli`).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from civicops.errors import CivicopsError
from civicops.ingest.values import NoProgress, Progress
from civicops.orchestrate import steps
from civicops.orchestrate.context import ProductRun, open_run
from civicops.orchestrate.sweeping import sweep_all
from civicops.runs import RunRecord
from civicops.workspace import Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAGSTER_YAML = """\
# Made by civicops; changes here are overwritten.
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
run_monitoring:
  enabled: true
  poll_interval_seconds: 10
  start_timeout_seconds: 60
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    max_concurrent_runs: 1
"""


def dagster_home(workspace: Workspace) -> Path:
    """The folder of Dagster's own files in this workspace, made if need be, with its settings written."""
    folder = workspace.folder("dagster")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "dagster.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != DAGSTER_YAML:
        path.write_text(DAGSTER_YAML, encoding="utf-8")
    return folder


def open_instance(workspace: Workspace) -> DagsterInstance:
    """Dagster's storage of this workspace, with its telemetry off."""
    os.environ["DAGSTER_HOME"] = str(dagster_home(workspace))
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    from dagster import DagsterInstance  # noqa: PLC0415 - slow to import, and only runs need it

    return DagsterInstance.from_config(str(dagster_home(workspace)))


class _Preload:
    """Passes progress on; as soon as a source has something new, loads Dagster and dbt on the side.

    Together they take some five seconds to import, and a fetch leaves a processor idle. A run with nothing new loads neither.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._thread: threading.Thread | None = None

    def start(self, label: str, total: int | None) -> None:
        """A source has something new."""
        if self._thread is None:
            self._thread = threading.Thread(target=_import_heavy, name="preload", daemon=True)
            self._thread.start()
        self._progress.start(label, total)

    def advance(self, rows: int) -> None:
        """Passed on."""
        self._progress.advance(rows)

    def done(self) -> None:
        """Passed on."""
        self._progress.done()


def _import_heavy() -> None:
    with contextlib.suppress(ImportError):  # whoever needs it says so
        importlib.import_module("dagster")
        importlib.import_module("dbt.cli.main")
        importlib.import_module("dbt.adapters.duckdb")
        importlib.import_module("statsmodels.tsa.seasonal")


def run_product(
    workspace: Workspace, name: str, *, full: bool = False, wait: float = 0.0, progress: Progress | None = None
) -> RunRecord:
    """Fetch, check, build, gate and publish one product; returns the record of the run.

    `full` fetches every source as a whole. `wait`: seconds to wait for another run of the product. A run with nothing new
    ends as `unchanged` after the fetch. Raises the `CivicopsError` that stopped the run; its record then says `failed`.
    """
    watched = _Preload(progress or NoProgress())
    with open_run(workspace, name, trigger="command", wait=wait, full=full, progress=watched) as run:
        # The fetch comes before Dagster is even loaded: most runs find nothing new and are over in a second.
        steps.fetch(run)
        if not steps.end_if_unchanged(run):
            with open_instance(workspace) as instance:
                sweep_all(workspace, instance)
                _execute(run, instance)
        return run.record


def _execute(run: ProductRun, instance: DagsterInstance) -> None:
    """Run the product's Dagster job in this process; the original error comes out, not Dagster's wrapping of it."""
    from civicops.orchestrate.definitions import job_for  # noqa: PLC0415 - loads Dagster

    run_id = str(uuid.uuid4())
    run.note(dagster_run_id=run_id)
    run.runs.save(run.record)  # at once: should this process die now, the sweep finds Dagster's run by it
    tags = {"civicops/product": run.product.name, "civicops/run": run.record.run_id}
    # Named, or Dagster takes its own logger, which prints every event.
    config: dict[str, Any] = {"loggers": {"console": {}}}
    result = job_for(run).execute_in_process(config, instance=instance, raise_on_error=False, run_id=run_id, tags=tags)
    if result.success:
        return
    if run.failure is not None:
        raise run.failure
    raise CivicopsError(
        f"{run.product.name} failed inside Dagster.",
        hint="`civicops up` shows the log of the run on Dagster's own pages.",
    )
