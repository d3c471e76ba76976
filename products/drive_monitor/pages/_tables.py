"""Rows of the drive monitor's releases, ready for a page or a file.

Belongs here: what both pages and the CSV show, and making text harmless for spreadsheets. Does not belong here: drawing.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from civicops.portal.releases import Releases

RESTORE = """
    SELECT drive_name, path, is_folder, event_code, size_bytes, editor, actor, known_by, happened_at, observed_at,
        restore_by_at, returned_at, settled_tick, settled_by, settled_at, drive_id, item_id, link
    FROM deletions WHERE event_code <> 'moved_to_drive'
    ORDER BY returned_at IS NOT NULL OR settled_tick IS NOT NULL, restore_by_at NULLS LAST, drive_name, path"""


def rows(releases: Releases, sql: str) -> list[dict[str, Any]]:
    """The answer to a query as one mapping per row."""
    found: list[dict[str, Any]] = releases.table(sql).to_pylist()
    return found


def harmless(value: Any) -> Any:
    """A value that no spreadsheet runs: text that begins like a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


def write_restore_list(releases: Releases, out: Path) -> None:
    """`restore-list.csv`: everything that was lost, what is not back first, by its deadline."""
    found = rows(releases, RESTORE)
    with (out / "restore-list.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        hidden = ("drive_id", "item_id")
        names = [name for name in (found[0] if found else ("drive_name", "path")) if name not in hidden]
        writer.writerow([*names, "done"])
        writer.writerows([*(harmless(row[name]) for name in names), ""] for row in found)
