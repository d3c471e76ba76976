"""Running a product's steps beside the real workspace, on what has landed: nothing is fetched, nobody is told, nothing is
published.

Belongs here: the folder of a trial, and the run that the steps are given. Does not belong here: which products to try
(`planning`), the steps (`steps`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from civicops.change.previews import share
from civicops.checks.batches import BatchStore
from civicops.checks.suppressed import Suppression
from civicops.ingest.declared import product_sources
from civicops.ingest.landing import Landing
from civicops.orchestrate.context import ProductRun, engine
from civicops.release.keys import HashKeys
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, new_record
from civicops.workspace import Product, Workspace

SHARED = ("accepted", "quarantine", "releases")


def trial_folder(workspace: Workspace, folder: Path) -> Workspace:
    """A workspace whose data lie in `folder` and share accepted rows, quarantine and releases with the real one."""
    shutil.rmtree(folder, ignore_errors=True)
    for room in SHARED:
        share(workspace.folder(room), folder / room)
    return with_data(workspace, folder)


def with_data(workspace: Workspace, folder: Path) -> Workspace:
    """The same workspace with its data elsewhere."""
    table = workspace.settings.workspace.model_copy(update={"data": str(folder)})
    return replace(workspace, settings=workspace.settings.model_copy(update={"workspace": table}))


@contextmanager
def trial_run(
    trial: Workspace,
    landing: Path,
    product: Product,
    now: datetime | None = None,
    suppressing: tuple[Suppression, ...] = (),
) -> Iterator[ProductRun]:
    """A run of `product` in a trial, on the landing zone of the real workspace, which it only reads.

    `suppressing`: rows to leave out besides those of the product's `suppressed/` folder.
    """
    record = new_record(product.name, "plan")
    temp = trial.folder("tmp") / record.run_id
    temp.mkdir(parents=True, exist_ok=True)
    con = engine(trial, temp)
    try:
        yield ProductRun(
            workspace=trial,
            product=product,
            sources=product_sources(trial, product),
            record=record,
            runs=RunLog(trial.folder("runs")),
            con=con,
            landing=Landing(landing),
            batches=BatchStore(trial.folder("accepted"), trial.folder("quarantine"), product.name),
            releases=ReleaseStore(trial.folder("releases")),
            temp=temp,
            now=now or datetime.now(UTC),
            suppressing=suppressing,
            keys=HashKeys(landing.parent / "keys"),  # what is applied later must be what was tried
        )
    finally:
        con.close()
        shutil.rmtree(temp, ignore_errors=True)
