"""Hours of a row, whichever of its columns they stand in, as rules of listing_schedules.

Belongs here: choosing the columns, and turning a `hours.Schedule` into rows. Does not belong here: reading hours (`hours.reading`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from ..hours import Schedule, Times
from ..hours import reading as hours_reading
from ..hours.plausible import findings as implausible
from ..hours.reading.entries import read_tuples
from .notes import Notes

WEEKS = {"hours_weekly": 0, "hours_week_1": 1, "hours_week_2": 2, "hours_week_3": 3, "hours_week_4": 4, "hours_week_5": 5,
         "hours_week_last": -1}  # fmt: skip
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CHECK_OF = {
    "equal_times": "hours_close_before_open", "close_before_open": "hours_close_before_open", "overlap": "hours_overlap",
    "duplicate": "hours_overlap", "too_long": "hours_implausible", "opens_at_night": "hours_implausible", "never": "hours_implausible",
    "ended": "hours_implausible", "over_midnight": "", "end_of_day": "",
}  # fmt: skip
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
    readings: list[Any] = []
    for name, value in given.items():
        if name in WEEKS:
            readings.append(read_tuples(value, timezone, WEEKS[name]))
        elif value.startswith(("(", "[", "{")):
            readings.append(read_tuples(_as_tuples(value), timezone))
        else:
            readings.append(_words(value, timezone))
    readings = [reading for reading in readings if reading is not None]
    rules: list[Mapping[str, Any]] = []
    understood = bool(readings) or not given
    for reading in readings:
        rules.extend(_rows(reading.schedule))
        rest = (reading.schedule.text or "").strip()
        if rest:
            understood = False
            notes.find("hours_unreadable", "hours", rest, "This part of the hours cannot be read.")
        for found in (*reading.findings, *implausible(reading.schedule)):
            check = _CHECK_OF.get(found.code, "hours_unreadable")
            if check and (check != "hours_unreadable" or not rest):
                notes.find(check, "hours", found.about or found.code, found.meaning)
    if given and not readings:
        notes.find("hours_unreadable", "hours", "; ".join(given.values()), "These hours cannot be read.")
    text = "; ".join(given.values())
    return Hours(tuple({**rule, "schedule_number": number} for number, rule in enumerate(rules, 1)), text, bool(given), understood)


def _words(text: str, timezone: str) -> Any:
    reader = getattr(hours_reading, "read_text", None)
    return None if reader is None else reader(text, timezone)


def _as_tuples(text: str) -> str:
    """JSON of the existing project's interface, `[{"weekOfMonth": 0, "dayOfWeek": "Mon", ...}]`, as its lists of tuples."""
    if not text.startswith(("[", "{")) or '"' not in text:
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


def _rows(schedule: Schedule) -> Iterator[Mapping[str, Any]]:
    for rule in schedule.rules:
        season = rule.season
        yield _row(
            schedule, rule.times,
            rule_code="appointment" if rule.is_by_appointment else "regular", freq=rule.freq, repeat_interval=rule.interval,
            byday=",".join(f"{day.nth or ''}{WEEKDAYS[day.weekday]}" for day in rule.days) or None,
            bymonthday=",".join(map(str, rule.month_days)) or None,
            bymonth=_months(season.first[0], season.last[0]) if season else None, dtstart_on=rule.starts_on,
            valid_from=rule.valid_from, valid_to=rule.valid_to, notes=rule.notes or None,
        )  # fmt: skip
    for exception in schedule.exceptions:
        for times in exception.times or (None,):
            yield _row(
                schedule, times, rule_code=f"exception_{_effect(exception.effect)}", valid_from=exception.first,
                valid_to=exception.last, notes=exception.reason or None,
            )  # fmt: skip
    for holiday in schedule.holidays:
        for times in holiday.times or (None,):
            yield _row(schedule, times, rule_code=f"holiday_{_effect(holiday.effect)}", holiday_code=holiday.name)


def _effect(effect: str) -> str:
    return "closed" if effect == "closed" else "open"


def _months(first: int, last: int) -> str:
    months = [*range(first, last + 1)] if first <= last else [*range(first, 13), *range(1, last + 1)]
    return ",".join(map(str, months))


def _row(schedule: Schedule, times: Times | None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"repeat_interval": 1, "is_all_day": bool(times and times.is_all_day), "timezone": schedule.timezone}
    if times is not None:
        row |= {"opens_time": _time(times.opens), "closes_time": _time(times.closes)}
    return row | more


def _time(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


COLUMNS: Sequence[str] = (
    "rule_code", "freq", "repeat_interval", "byday", "bymonthday", "bymonth", "dtstart_on", "valid_from", "valid_to",
    "holiday_code", "opens_time", "closes_time", "is_all_day", "timezone", "notes", "source_text",
)  # fmt: skip
