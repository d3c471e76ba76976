"""The rows that an observation lands: one per drive, one per item that was lost or came back.

Belongs here: their columns. Does not belong here: finding out what they say (`observe`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from civicops.ingest.google.drive import SharedDrive
from civicops.ingest.google.evidence import Fate
from civicops.ingest.google.listing import Listing, moment, person
from civicops.ingest.snapshots.difference import subtree_losses
from civicops.ingest.snapshots.items import COLUMNS, FOLDER, SCHEMA, ordered
from civicops.ingest.snapshots.store import Snapshot

DELETIONS = ("trashed", "purged")
"""Events that are deletions; what left the drive or cannot be seen any more is not."""


def stamp(moment: datetime) -> str:
    """A moment as the rows have it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def observed(
    drive: SharedDrive,
    when: datetime,
    day: str,
    base: Snapshot | None,
    *,
    listing: Listing | None = None,
    items: pa.Table | None = None,
    sealed: Snapshot | None = None,
    state: str = "present",
    reason: str | None = None,
    managers: tuple[str, ...] | None = None,
    changed: Mapping[str, int] | None = None,
    slipped: int = 0,
    files_before: int | None = None,
) -> dict[str, Any]:
    """One drive as it was observed. Without `sealed` the observation is incomplete and says nothing about items."""
    table = items if items is not None else listing.items if listing is not None and sealed is not None else None
    count = changed or {}
    row: dict[str, Any] = {
        "drive_id": drive.id, "drive_name": drive.name or None,
        "taken_at": stamp(when), "observed_on": day, "is_complete": sealed is not None,
        "state": state, "reason": reason, "compared_with": stamp(base.taken_at) if base else None,
        "sequence": sealed.sequence if sealed else None, "content": sealed.content if sealed else None,
        "seal": sealed.seal if sealed else None, "previous_seal": sealed.previous or None if sealed else None,
        "listed": listing.listed if listing else None, "repeated": listing.repeated if listing else None,
        "unreadable": listing.unreadable if listing else None, "slipped": slipped, "files_before": files_before,
        "unknown_fields": " ".join(listing.unknown_fields) or None if listing else None,
        "managers": " ".join(managers) if managers is not None else None,
        "manager_count": len(managers) if managers is not None else None,
        **dict.fromkeys(("items", "files", "folders", "trashed_items", "size_bytes")),
        **{f"{name}_items": count.get(name, 0) for name in ("added", "moved", "renamed", "modified", "emptied")},
    }  # fmt: skip
    if table is not None:
        live = table.filter(pc.invert(table["is_trashed"]))
        folders = live["mime_type"].to_pylist().count(FOLDER)
        row |= {
            "items": len(table), "files": len(live) - folders, "folders": folders, "trashed_items": len(table) - len(live),
            "size_bytes": pc.sum(live["size_bytes"]).as_py() or 0,
        }  # fmt: skip
    return row


def live_files(items: pa.Table) -> int:
    """How many files (no folders) are not in the trash."""
    live = items.filter(pc.invert(items["is_trashed"]))
    return len(live) - live["mime_type"].to_pylist().count(FOLDER)


def event_rows(
    drive: SharedDrive,
    when: datetime,
    day: str,
    base: Snapshot,
    sealed: Snapshot,
    changed: pa.Table,
    fates: Mapping[str, Fate],
    returned: Collection[str],
) -> list[dict[str, Any]]:
    """One row per item that was lost (its fate) or came back (`returned`), in the order of their ids."""
    rows = []
    for one in changed.to_pylist():
        fate = _event(one, fates, returned)
        if fate is None:
            continue
        lost = fate.fate != "returned"
        path = one["path"] if lost else one["path_after"]
        rows.append({
            "drive_id": drive.id, "drive_name": drive.name or None, "observed_at": stamp(when), "observed_on": day,
            "since": stamp(base.taken_at), "item_id": one["id"], "event": fate.fate, "name": one["name"], "path": path,
            "top_folder": (path or "/").split("/")[1] if (path or "").count("/") > 1 or one["is_folder"] else None,
            "top_folder_files": one["top_folder_files"],
            "is_folder": one["is_folder"], "mime_type": one["mime_type"], "size_bytes": one["size_bytes"],
            "parent_id": one["parent_id"], "editor": one["editor"],
            "happened_at": stamp(fate.at) if fate.at else None, "actor": fate.actor or None,
            "known_by": fate.known_by or None, "moved_to": fate.moved_to, "seal": sealed.seal,
        })  # fmt: skip
    return rows


def folder_rows(
    drive: SharedDrive, when: datetime, day: str, old: pa.Table, events: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """One row per folder, at any depth, below which files were deleted since the last good look; in the order of their paths."""
    lost = [row["item_id"] for row in events if row["event"] in DELETIONS]
    if not lost:
        return []
    return [
        {
            "drive_id": drive.id, "folder_id": one["folder_id"], "observed_at": stamp(when), "observed_on": day,
            "path": one["path"], "level": one["level"], "files_before": one["files"], "deleted_files": one["lost_files"],
            "deleted_bytes": one["lost_bytes"],
        }
        for one in subtree_losses(old, lost).to_pylist()
    ]  # fmt: skip


def _event(one: Mapping[str, Any], fates: Mapping[str, Fate], returned: Collection[str]) -> Fate | None:
    change = one["change"]
    if change == "absent":
        fate = fates[one["id"]]
        return None if fate.fate == "still_there" else fate
    if change == "trashed":
        return Fate("trashed", one["trashed_at"], one["trashed_by"], None, "drive")
    if change == "restored" or (change == "added" and one["id"] in returned):
        return Fate("returned", None, None, None, "drive")
    return None


def came_back(changed: pa.Table, gone_before: Collection[str]) -> set[str]:
    """Ids that are new in this snapshot though an earlier one had lost them."""
    return set(ids_of(changed, "added")) & set(gone_before)


def ids_of(changed: pa.Table, change: str) -> list[str]:
    """The ids that changed in one way, sorted."""
    both = zip(changed["id"].to_pylist(), changed["change"].to_pylist(), strict=True)
    return [str(one) for one, kind in both if kind == change]


def with_slipped(items: pa.Table, fates: Mapping[str, Fate], drive: str) -> pa.Table:
    """The items with those that the listing passed over, as Drive shows each by its id."""
    files = [fate.file for fate in fates.values() if fate.file is not None and fate.file.get("driveId") == drive]
    if not files:
        return items
    rows = [
        (
            file["id"], file["name"], file["mimeType"], (file.get("parents") or [None])[0],
            int(file["size"]) if "size" in file else None, file.get("md5Checksum"), moment(file.get("createdTime")),
            moment(file.get("modifiedTime")), person(file.get("lastModifyingUser")), bool(file.get("trashed")),
            moment(file.get("trashedTime")), person(file.get("trashingUser")),
        )
        for file in files
    ]  # fmt: skip
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    more = pa.Table.from_arrays([pa.array(columns[f.name], f.type) for f in SCHEMA], schema=SCHEMA)
    return ordered(pa.concat_tables([items, more]))
