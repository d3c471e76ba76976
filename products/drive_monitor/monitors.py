"""What the drive monitor raises: one incident per drive and day with losses, one per drive whose state is not well.

Belongs here: from the release `alerts` to signals, and when a signal no longer fires. Does not belong here: the thresholds
(lookups/thresholds.csv, models/alerts.sql) or telling people (`civicops.observe`).

A loss fires until everything of it came back or was ticked off, or nothing of it can be restored any more. A state (a look that
was not whole, a drive that is gone, near its limit or without a manager) fires as long as the newest day shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb

from civicops.observe.signals import MonitorContext, Severity, Signal

DAYS = 60
"""Older losses are history: the trash is empty and an administrator's 25 days are over."""
LOSSES = {"deleted_files", "deleted_bytes", "left_files", "whole_folders"}
RUNBOOKS = {
    "left_files": "Files left a drive", "incomplete_looks": "A look was not whole", "is_gone": "A drive is gone",
    "item_slots": "A drive is nearly full", "is_without_manager": "A drive without a manager", "new_managers": "A new manager",
}  # fmt: skip

_ALERTS = """
SELECT a.*,
    (SELECT max(observed_on) FROM read_parquet(?)) AS newest_on,
    (SELECT count(*) FROM read_parquet(?) d WHERE d.drive_id = a.drive_id AND d.observed_on <= a.observed_on
        AND d.observed_on > a.observed_on - CAST(a.window_days AS INTEGER) AND NOT d.is_folder
        AND d.is_deletion = (a.measure_code <> 'left_files') AND d.event_code <> 'moved_to_drive') AS lost_count,
    (SELECT count(*) FROM read_parquet(?) d WHERE d.drive_id = a.drive_id AND d.observed_on <= a.observed_on
        AND d.observed_on > a.observed_on - CAST(a.window_days AS INTEGER) AND NOT d.is_folder
        AND d.is_deletion = (a.measure_code <> 'left_files') AND d.event_code <> 'moved_to_drive' AND d.returned_at IS NULL
        AND d.settled_tick IS NULL AND coalesce(d.restore_by_at, d.observed_at + INTERVAL 30 DAY) > ?) AS open_count,
    (SELECT min(d.restore_by_at) FROM read_parquet(?) d WHERE d.drive_id = a.drive_id AND d.observed_on <= a.observed_on
        AND d.observed_on > a.observed_on - CAST(a.window_days AS INTEGER) AND d.returned_at IS NULL) AS restore_by_at,
    (SELECT string_agg(DISTINCT d.actor, ', ' ORDER BY d.actor) FROM read_parquet(?) d WHERE d.drive_id = a.drive_id
        AND d.observed_on = a.observed_on) AS actors
FROM read_parquet(?) a
WHERE a.observed_on >= CAST(? AS DATE) - ?
ORDER BY a.observed_on, a.drive_id, a.rule_code, a.subject
"""


def monitors(context: MonitorContext) -> Iterable[Signal]:
    """The signals of all drives; none before the first release."""
    if not {"alerts", "deletions", "drive_days"} <= set(context.releases):
        return ()
    return tuple(_signals(context))


def _signals(context: MonitorContext) -> Iterator[Signal]:
    files = {name: str(context.releases[name].data) for name in ("alerts", "deletions", "drive_days")}
    lost, now = files["deletions"], context.now.astimezone(UTC)
    given = [files["drive_days"], lost, lost, now, lost, lost, files["alerts"], now.date(), DAYS]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        answer = con.execute(_ALERTS, given)
        names = [column[0] for column in answer.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    losses: dict[tuple[Any, ...], dict[str, Any]] = {}
    states: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        if row["measure_code"] in LOSSES:
            # Several folders or people of one drive and day are one signal: the worst of them.
            key = (row["drive_id"], row["observed_on"], row["rule_code"])
            losses[key] = max(losses.get(key, row), row, key=lambda one: float(one["measured"]))
        else:
            # Of a state that lasts, the newest day says whether it still does.
            states[row["drive_id"], row["rule_code"]] = row
    yield from map(_loss, losses.values())
    yield from map(_state, states.values())


def _loss(row: dict[str, Any]) -> Signal:
    kind = "left" if row["measure_code"] == "left_files" else "deleted"
    until = row["restore_by_at"]
    what = (
        f"{row['lost_count']:,} files {'are out of sight' if kind == 'left' else 'were deleted'} in {row['drive_name']}"
    )
    by = f" by {row['actors']}" if row["actors"] else "; nothing says by whom"
    deadline = f" The first can be restored until {until:%d %B %Y}." if until else ""
    return Signal(
        monitor_id=str(row["rule_code"]),
        subject=f"{row['drive_name']}, {row['observed_on']:%d %B %Y}",
        is_firing=row["open_count"] > 0,
        severity=_severity(row),
        title=f"{what}: {row['meaning']}",
        detail=f"Changed{by}. {row['open_count']:,} of {row['lost_count']:,} are not back yet.{deadline}",
        since=_morning(row),
        values={
            "measured": row["measured"], "percent": row["percent"], "threshold": row["minimum"],
            "threshold_percent": row["minimum_percent"], "window_days": row["window_days"],
            "lost_files": row["lost_count"], "not_back": row["open_count"],
        },
        runbook=RUNBOOKS.get(row["measure_code"], "Files were deleted"),
        group=f"{row['drive_id']}:{row['observed_on']}:{kind}",
        evidence={"came_back": row["lost_count"] - row["open_count"], "scope": row["scope_code"]},
        pii=True,
    )  # fmt: skip


def _state(row: dict[str, Any]) -> Signal:
    return Signal(
        monitor_id=str(row["rule_code"]),
        subject=str(row["drive_name"]),
        is_firing=row["observed_on"] == row["newest_on"],
        severity=_severity(row),
        title=f"{row['drive_name']}: {row['meaning']}",
        detail=str(row["reason"] or ""),
        since=_morning(row),
        values={"measured": row["measured"], "threshold": row["minimum"]},
        runbook=RUNBOOKS.get(row["measure_code"], ""),
        group=f"{row['drive_id']}:{row['rule_code']}",
        evidence={"day": row["observed_on"].isoformat()},
    )


def _severity(row: dict[str, Any]) -> Severity:
    found: Severity = row["severity_code"]
    return found


def _morning(row: dict[str, Any]) -> datetime:
    return datetime.combine(row["observed_on"], datetime.min.time(), UTC)
