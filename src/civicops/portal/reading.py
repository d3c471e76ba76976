"""What the portal knows of the workspace, read from files and kept as long as they do not change.

Belongs here: products with their contracts, descriptions of releases, newest runs. Does not belong here: saying it in words
(`state`, `catalogue`) or reading the rows of a dataset (`api`, `downloads`).

Nothing here grows with a table: it reads contracts, `datapackage.json`, run records and the footers of Parquet files.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from civicops.contracts import Contract
from civicops.contracts.ethics import FILE as ETHICS_FILE
from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Product, Workspace

_LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Shelf:
    """All products as they can be read now; one whose files have faults is named with them."""

    workspace: Workspace
    products: tuple[Product, ...]
    faults: tuple[tuple[str, str], ...]
    """(product, what is wrong with its files)."""

    def product(self, name: str) -> Product | None:
        """The product of that name, if its files can be read."""
        return next((product for product in self.products if product.name == name), None)

    def contract(self, product: str, dataset: str) -> Contract | None:
        """The contract of a published dataset."""
        found = self.product(product)
        return next((item for item in found.published if item.dataset == dataset), None) if found else None


class _Kept:
    shelf: Shelf | None = None
    stamp: tuple[Any, ...] = ()
    looked = 0.0
    lock = threading.Lock()


def workspace() -> Workspace:
    """The workspace that this process serves."""
    found: Workspace = settings.CIVICOPS_WORKSPACE
    return found


def store() -> ReleaseStore:
    """Its releases."""
    return ReleaseStore(workspace().folder("releases"))


def run_log() -> RunLog:
    """Its run records."""
    return RunLog(workspace().folder("runs"))


def shelf() -> Shelf:
    """Every product, read again when one of its files changed, and on each new day, as ethics reviews end on one; files are
    looked at once a second at most."""
    with _Kept.lock:
        now = time.monotonic()
        if _Kept.shelf is not None and now - _Kept.looked < _LOOK_AGAIN_SECONDS:
            return _Kept.shelf
        stamp = (workspace().day, *_stamp(workspace().products_folder))
        if _Kept.shelf is None or stamp != _Kept.stamp:
            _Kept.shelf, _Kept.stamp = _read(), stamp
        _Kept.looked = now
        return _Kept.shelf


def _stamp(folder: Path) -> tuple[Any, ...]:
    paths = [*folder.glob("*/product.yaml"), *folder.glob("*/contracts/*.yaml"), *folder.glob("*/lookups/*.csv")]
    paths += [*folder.glob("*/models/*.sql"), *folder.glob(f"*/{ETHICS_FILE}")]
    return tuple((str(path), (at := path.stat()).st_mtime_ns, at.st_size) for path in sorted(paths))


def _read() -> Shelf:
    fresh = replace(workspace())  # what a workspace has read once it does not read again
    products, faults = [], []
    for name in fresh.product_names:
        try:
            products.append(fresh.product(name))
        except CivicopsError as error:
            faults.append((name, str(error)))
    return Shelf(fresh, tuple(products), tuple(faults))


def newest_run(product: str) -> RunRecord | None:
    """The newest run of a product, however it ended."""
    return next(run_log().runs(product), None)


def last_good_run(product: str) -> RunRecord | None:
    """The newest run that ended with everything in order: something new was published, or there was nothing new."""
    return next((run for run in run_log().runs(product) if run.status in ("succeeded", "unchanged")), None)
