"""Hours of a row, whichever of its columns they stand in, as rules of listing_schedules.

Belongs here: choosing the columns and what of the reading is a finding. Does not belong here: reading hours (`hours`).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..hours import Reading, findings, read_text, read_tuples, to_rows
from .notes import Notes

WEEKS = {
    "hours_weekly": 0,
    "hours_week_1": 1,
    "hours_week_2": 2,
    "hours_week_3": 3,
    "hours_week_4": 4,
    "hours_week_5": 5,
    "hours_week_last": -1,
}
_CHECK_OF = {
    "equal_times": "hours_close_before_open",
    "close_before_open": "hours_close_before_open",
    "overlap": "hours_overlap",
    "duplicate": "hours_overlap",
    "too_long": "hours_implausible",
    "opens_at_night": "hours_implausible",
    "never": "hours_implausible",
    "ended": "hours_implausible",
    "over_midnight": "",
    "end_of_day": "",
}
"""Codes of `hours.findings` -> checks; the others are text that could not be read, which is one finding per text."""


@dataclass(frozen=True)
class Hours:
    """What was read: rows of listing_schedules, whether there was any text, and whether all of it was understood."""

    rules: tuple[Mapping[str, Any], ...]
    text: str
    has_text: bool
    is_understood: bool


def clean_hours(row: Mapping[str, str | None], timezone: str, notes: Notes) -> Hours:
    """The hours of a row. Columns per week add up; a text that looks like a list is read as one, any other as words."""
    given = {name: (row.get(name) or "").strip() for name in ("hours", *WEEKS)}
    given = {name: value for name, value in given.items() if value and value not in ("[]", "{}", "null")}
    rules: list[Mapping[str, Any]] = []
    understood = True
    for name, value in given.items():
        reading, more = _read(value, WEEKS.get(name) if name in WEEKS else None, timezone)
        rules.extend(to_rows(reading.schedule))
        rest = (reading.schedule.text or "").strip()
        if rest:
            understood = False
            notes.find("hours_unreadable", "hours", rest, "This part of the hours cannot be read.")
        for found in more:
            check = _CHECK_OF.get(found.code, "hours_unreadable")
            if check and (check != "hours_unreadable" or not rest):
                notes.find(check, "hours", found.about or found.code, found.meaning)
    numbered = tuple({**rule, "schedule_number": number} for number, rule in enumerate(rules, 1))
    return Hours(numbered, "; ".join(given.values()), bool(given), understood)


@functools.lru_cache(maxsize=50_000)
def _read(value: str, week: int | None, timezone: str) -> tuple[Reading, tuple[Any, ...]]:
    if week is not None:
        reading = read_tuples(value, timezone, week)
    elif value.startswith(("(", "[", "{")):
        reading = read_tuples(_as_tuples(value), timezone)
    else:
        reading = read_text(value, timezone)
    return reading, (*reading.findings, *findings(reading.schedule))


def _as_tuples(text: str) -> str:
    """JSON of the existing project's interface, `[{"weekOfMonth": 0, "dayOfWeek": "Mon", ...}]`, as its lists of tuples."""
    if '"' not in text:
        return text
    try:
        items = json.loads(text)
    except ValueError:
        return text
    parts = []
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict):
            day = item.get("dayOfWeek", item.get("day_of_week", ""))
            week = item.get("weekOfMonth", item.get("week_of_month", 0))
            parts.append(f"({week},{day},{item.get('open') or ''},{item.get('close') or ''})")
    return ",".join(parts)
