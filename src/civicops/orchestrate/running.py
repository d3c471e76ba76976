"""Running a product from the command line, in the same history as the daemon's runs.

Belongs here: the way from a product's name to its finished record. Does not belong here: printing (`cli`).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from civicops.errors import CivicopsError
from civicops.ingest.values import NoProgress, Progress
from civicops.orchestrate import steps
from civicops.orchestrate.ahead import Ahead
from civicops.orchestrate.context import ProductRun, open_run
from civicops.orchestrate.order import read_by, refuse_circles
from civicops.orchestrate.sweeping import sweep_all
from civicops.runs import RunRecord
from civicops.workspace import Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance


def run_product(
    workspace: Workspace, name: str, *, full: bool = False, wait: float = 0.0, progress: Progress | None = None
) -> RunRecord:
    """Fetch, check, build, gate and publish one product; returns the record of the run.

    `full` fetches every source as a whole. `wait`: seconds to wait for another run of the product. A run with nothing new
    ends as `unchanged` after the fetch. Raises the `CivicopsError` that stopped the run; its record then says `failed`;
    `CircleError` before anything is done.
    """
    refuse_circles(read_by(workspace, name))
    ahead = Ahead(workspace, workspace.product(name), progress or NoProgress())
    with open_run(workspace, name, trigger="command", wait=wait, full=full, progress=ahead) as run:
        # The fetch comes before Dagster is even loaded: most runs find nothing new and are over in a second.
        steps.fetch(run)
        if not steps.end_if_unchanged(run):
            with ahead.instance() as instance:
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
