"""The pages of one drive, read strictly into the table of a snapshot.

Belongs here: every item of every page, counted: kept, repeated, or unreadable; and what makes a listing incomplete. Does not
belong here: fetching pages (`observe`) or judging a drop (`evidence`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from civicops.ingest.snapshots.items import COLUMNS, item_table

_KNOWN = frozenset({
    "id", "name", "mimeType", "parents", "driveId", "size", "md5Checksum", "sha1Checksum", "createdTime", "modifiedTime",
    "trashed", "trashedTime", "trashingUser", "lastModifyingUser", "kind",
})  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """What the pages of a drive hold: `listed` = rows of `items` + `repeated` + `unreadable`."""

    items: pa.Table
    pages: int
    listed: int
    repeated: int
    unreadable: int
    unknown_fields: tuple[str, ...]
    problems: tuple[str, ...]
    """Why it is not complete; empty when it is."""


def read_listing(drive: str, pages: Iterable[bytes]) -> Listing:
    """Read the pages of one drive in their order. An id that comes twice counts once, as it stood last."""
    rows: dict[str, tuple[Any, ...]] = {}
    count = listed = unreadable = 0
    unknown: dict[str, None] = {}
    problems: dict[str, None] = {}
    more: Any = None
    for content in pages:
        count += 1
        try:
            answer = json.loads(content)
            files = answer["files"]
        except (ValueError, KeyError, TypeError):
            problems["A page could not be read."] = None
            continue
        if answer.get("incompleteSearch"):
            problems["Google said that its search was not complete."] = None
        more = answer.get("nextPageToken")
        for file in files:
            listed += 1
            row = _row(drive, file)
            if row is None:
                unreadable += 1
                continue
            unknown.update(dict.fromkeys(set(file) - _KNOWN))
            rows[row[0]] = row
    if more or not count:
        problems["The last page is missing."] = None
    if unreadable:
        problems[f"{unreadable} items could not be read."] = None
    columns = zip(*rows.values(), strict=True) if rows else [[] for _ in COLUMNS]
    table = item_table(dict(zip(COLUMNS, columns, strict=True)))
    repeated = listed - unreadable - len(rows)
    return Listing(table, count, listed, repeated, unreadable, tuple(sorted(unknown)), tuple(problems))


def _row(drive: str, file: Any) -> tuple[Any, ...] | None:
    """One item in the order of the snapshot's columns; None when it has not what every item has."""
    try:
        if file.get("driveId", drive) != drive or not file["id"]:
            return None
        return (
            str(file["id"]), str(file["name"]), str(file["mimeType"]), (file.get("parents") or [None])[0],
            int(file["size"]) if "size" in file else None, file.get("md5Checksum") or file.get("sha1Checksum"),
            moment(file.get("createdTime")), moment(file.get("modifiedTime")), person(file.get("lastModifyingUser")),
            bool(file["trashed"]), moment(file.get("trashedTime")), person(file.get("trashingUser")),
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def moment(text: str | None) -> datetime | None:
    """A time as Google writes it."""
    return datetime.fromisoformat(text) if text else None


def person(user: dict[str, Any] | None) -> str | None:
    """A person's address, or the name where Google keeps the address to itself."""
    return (user.get("emailAddress") or user.get("displayName")) if user else None
