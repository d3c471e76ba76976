"""Versions that were withdrawn: what is known of a release whose data are gone on purpose.

Belongs here: the note that stays in place of such a version. Does not belong here: why one is withdrawn
(`civicops.govern.erasure`).

    releases/<product>/<dataset>/withdrawn.jsonl     version, rows, hash of the data, request, when
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from civicops.durable import sync
from civicops.release.files import explained
from civicops.release.store import ReleaseStore

FILE = "withdrawn.jsonl"


@dataclass(frozen=True)
class Withdrawn:
    """One version that is gone. `rows`: how many of its rows were the reason; `sha256`: of the data that were."""

    version: str
    request: str
    rows: int
    sha256: str
    at: str


def note_withdrawn(
    store: ReleaseStore, product: str, dataset: str, version: str, *, request: str, rows: int
) -> Withdrawn:
    """Write the note before the version is removed; doing it twice writes one. Raises `ReleaseWriteError`."""
    for known in withdrawn(store, product, dataset):
        if known.version == version:
            return known
    try:
        sha256 = str(store.release(product, dataset, version).package()["resources"][0].get("hash", ""))
    except (OSError, ValueError, KeyError):
        sha256 = ""
    note = Withdrawn(version, request, rows, sha256, datetime.now(UTC).isoformat(timespec="seconds"))
    path = store.dataset_folder(product, dataset) / FILE
    with (
        explained(f"note a withdrawn release of {product}.{dataset}", path.parent),
        path.open("a", encoding="utf-8") as file,
    ):
        file.write(json.dumps(asdict(note)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
    return note


def withdrawn(store: ReleaseStore, product: str, dataset: str) -> tuple[Withdrawn, ...]:
    """Every version of a dataset that was withdrawn, oldest first."""
    path = store.dataset_folder(product, dataset) / FILE
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            found.append(Withdrawn(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # killed while it was written; the next try writes it anew
    return tuple(found)
