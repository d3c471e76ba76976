"""Earlier releases of datasets that are restricted now: closed to other accounts of the machine.

Belongs here: taking the rights away. Does not belong here: who may read by the portal (it asks the contract each time), the
rights of new releases (`civicops.release.publish`).

The bytes of a release never change; who may open its files may. They are not opened again: once a dataset is public, its next
release is.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, Workspace

_OTHERS = 0o077
_log = logging.getLogger("civicops.orchestrate")


def close_releases(workspace: Workspace) -> int:
    """Close every release of every restricted dataset that is still open; returns how many were.

    A product whose files have faults is left as it is: new releases of it are not made either.
    """
    closed = 0
    for name in workspace.product_names:
        with contextlib.suppress(CivicopsError):
            closed += close_product(workspace, workspace.product(name))
    return closed


def close_product(workspace: Workspace, product: Product) -> int:
    """The same for one product."""
    store = ReleaseStore(workspace.folder("releases"))
    folders = [
        release.path
        for contract in product.published
        if contract.access != "public"
        for release in store.versions(product.name, contract.dataset)
    ]
    return sum(_close(folder) for folder in folders)


def _close(folder: Path) -> bool:
    try:
        if not folder.stat().st_mode & _OTHERS:
            return False
        folder.chmod(0o700)  # first: nobody gets in while its files are closed
        for path in folder.iterdir():
            path.chmod(0o400)
    except OSError as error:  # pruned meanwhile, or somebody else's; the next look tries again
        _log.warning("%s could not be closed: %s", folder, error)
        return False
    return True
