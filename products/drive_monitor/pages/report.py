"""The daily report for those who may see names: every drive, what was above a threshold, and the restore list.

Belongs here: what the page shows. Does not belong here: how it looks (`report.html`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from civicops.marks import key_text
from civicops.portal.pages import Marks, Page
from civicops.portal.releases import Releases

from ._tables import RESTORE, rows, write_restore_list

NEEDED = {"drives", "drive_days", "deletions", "alerts", "daily_reports"}
DRIVES = """
    SELECT d.drive_name, d.state_code, d.is_complete, d.reason, d.looked_at, d.last_good_at, d.file_count, d.item_count,
        d.size_bytes, d.manager_count, round(100.0 * d.item_count / 500000, 1) AS full_percent,
        n.deleted_files, n.left_files, n.returned_files,
        n.added_item_count, n.moved_item_count,
        (SELECT sum(w.deleted_files) FROM drive_days w
            WHERE w.drive_id = d.drive_id AND w.observed_on > n.observed_on - 30) AS deleted_30
    FROM drives d JOIN drive_days n ON n.drive_id = d.drive_id
    WHERE n.observed_on = (SELECT max(observed_on) FROM drive_days x WHERE x.drive_id = d.drive_id)
    ORDER BY d.drive_name"""
ALERTS = """
    SELECT * FROM alerts WHERE observed_on > (SELECT max(observed_on) FROM daily_reports) - 30
    ORDER BY observed_on DESC, drive_name, severity_code, rule_code"""


def context(releases: Releases) -> Mapping[str, Any]:
    """The tables of the page; `is_ready` is false before the first release."""
    if not set(releases) >= NEEDED:
        return {"is_ready": False}
    restore = [with_tick(row, releases) for row in rows(releases, RESTORE)]
    return {
        "is_ready": True,
        "today": rows(releases, "SELECT * FROM daily_reports ORDER BY observed_on DESC LIMIT 1")[0],
        "drives": rows(releases, DRIVES),
        "alerts": rows(releases, ALERTS),
        "open": [row for row in restore if _is_open(row)][:500],
        "open_count": sum(map(_is_open, restore)),
        "settled": [row for row in restore if row["returned_at"] is None and row["tick"] is not None][:500],
        "settled_count": sum(row["returned_at"] is None and row["tick"] is not None for row in restore),
        "returned_count": sum(row["returned_at"] is not None for row in restore),
    }


def with_tick(row: dict[str, Any], releases: Releases) -> dict[str, Any]:
    """The row with its `key`, its `mark` in the portal, and its `tick`: what was written, by whom, when and where; None if open.

    The portal's ticks are shown at once; the release has them from the next run on, so one that was undone since does not count.
    """
    key = key_text((row["drive_id"], row["item_id"], row["observed_at"]))
    mark = releases.marks.get(key)
    tick: dict[str, Any] | None = None
    if mark is not None:
        tick = {"note": mark.note or "done", "who": mark.who, "at": mark.at, "where": "portal"}
    elif row["settled_tick"] is not None and row["settled_by"] is None:
        tick = {"note": row["settled_tick"], "who": "", "at": None, "where": "sheet"}
    return row | {"key": key, "mark": mark, "tick": tick}


def _is_open(row: Mapping[str, Any]) -> bool:
    """Whether somebody still has to see to it."""
    return row["returned_at"] is None and row["tick"] is None


PAGE = Page(
    title="Shared drives: daily report",
    summary="Every drive as it stands, what was above a threshold, and what can still be restored.",
    is_public=False,
    role="steward",
    template="report.html",
    context=context,
    build=write_restore_list,
    marks=Marks("deletions", role="steward"),
)
