"""Proving that the snapshots of a product are those that were sealed.

Belongs here: the chain of seals in the store, held against the seals that landed with each look. Does not belong here: sealing
(`civicops.ingest.snapshots.store`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from civicops.errors import CivicopsError
from civicops.ingest.declared import product_sources
from civicops.ingest.google.observe import snapshot_store
from civicops.ingest.landing import Landing
from civicops.ingest.snapshots.store import SnapshotStore
from civicops.ingest.values import DriveSource
from civicops.workspace import Workspace


@dataclass(frozen=True)
class Verified:
    """One drive: how many snapshots were sealed, how many are kept in whole, and what is wrong, the first bad one first."""

    drive: str
    sealed: int
    kept: int
    problems: tuple[str, ...]


def verify_snapshots(workspace: Workspace, name: str, drive: str = "") -> tuple[Verified, ...]:
    """Walk the chain of every drive (or of one) and rebuild every kept snapshot.

    The seals that landed with the looks are the second witness: the newest snapshots cannot be cut off unnoticed. Raises
    `CivicopsError` for a product without snapshots or a drive without any.
    """
    product = workspace.product(name)
    landing = Landing(workspace.folder("landing"))
    store = snapshot_store(landing, name)
    landed = dict(_landed(workspace, landing, name))
    drives = sorted({*store.drives(), *(of for of, _ in landed)})
    if drive:
        if drive not in drives:
            raise CivicopsError(f"'{name}' has no snapshot of a drive '{drive}'.", hint=f"It has: {', '.join(drives)}.")
        drives = [drive]
    if not drives:
        raise CivicopsError(f"'{product.name}' has no snapshots.", hint=f"`civicops run {name}` takes the first ones.")
    return tuple(_verified(store, one, landed) for one in drives)


def _verified(store: SnapshotStore, drive: str, landed: dict[tuple[str, int], str]) -> Verified:
    problems = list(store.verify(drive))
    try:
        every = store.snapshots(drive)
    except CivicopsError:
        return Verified(drive, 0, 0, tuple(problems))
    there = {one.sequence: one.seal for one in every}
    for (of, sequence), seal in sorted(landed.items()):
        if of == drive and there.get(sequence) != seal:
            words = "is missing" if sequence not in there else "has another seal than the one that landed with its look"
            problems.append(f"Snapshot {sequence} of drive {drive} {words}.")
    return Verified(drive, len(every), sum(one.is_kept for one in every), tuple(problems))


def _landed(workspace: Workspace, landing: Landing, name: str) -> Iterator[tuple[tuple[str, int], str]]:
    """(drive, sequence) and seal of every look that landed."""
    for source in product_sources(workspace, workspace.product(name)):
        if not isinstance(source, DriveSource):
            continue
        for delivery in landing.deliveries(name, source.name):
            for item in delivery.objects:
                with landing.open_bytes(name, source.name, item) as stream:
                    for line in stream:
                        row = json.loads(line)
                        if row.get("seal"):
                            yield (row["drive_id"], row["sequence"]), row["seal"]
