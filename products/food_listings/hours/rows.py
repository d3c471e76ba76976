"""Schedules as rows of the dataset `listing_schedules`, and back.

Belongs here: the columns of that contract, in the words of RRULE. Does not belong here: HSDS objects (`hsds`), reading what
others wrote (`texts`, `legacy`).

Every schedule that `model` can hold goes there and back without loss, but for `Schedule.text`, which is the `hours_text` of the
listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, time
from typing import Any

from .model import (
    DAY,
    WEEKDAYS,
    Effect,
    ExceptionDays,
    HolidayRule,
    HoursError,
    Recurrence,
    Rule,
    Schedule,
    Times,
    days,
)

COLUMNS = (
    "rule_code", "freq", "repeat_interval", "byday", "bymonthday", "bymonth", "dtstart_on", "valid_from", "valid_to",
    "holiday_code", "opens_time", "closes_time", "is_all_day", "timezone", "notes",
)  # fmt: skip
_EMPTY: Mapping[str, Any] = {**dict.fromkeys(COLUMNS), "repeat_interval": 1, "is_all_day": False}


def to_rows(schedule: Schedule) -> list[dict[str, Any]]:
    """One row per rule, exception and holiday, in that order, with `schedule_number` from 1."""
    rows = []
    for rule in schedule.rules:
        code = "appointment" if rule.is_by_appointment else "regular"
        notes = "\n".join(filter(None, (rule.notes, f"attending: {rule.attending}" if rule.attending else "")))
        rows.append({"rule_code": code, **_on(rule.on), **_times(rule.times), "notes": notes or None})
    if schedule.is_any_time_by_appointment:
        rows.append({"rule_code": "appointment"})
    for one in schedule.exceptions:
        common = {**(_on(one.on) if one.on else {}), "notes": one.reason or None}
        # The bounds of the exception itself; those of its days are the same or wider once they met.
        common |= {"valid_from": one.first or common.get("valid_from"), "valid_to": one.last or common.get("valid_to")}
        for times in one.times or (None,):
            rows.append({"rule_code": f"exception_{one.effect}", **common, **(_times(times) if times else {})})
    for holiday in schedule.holidays:
        for times in holiday.times or (None,):
            row = {"rule_code": f"holiday_{holiday.effect}", "holiday_code": holiday.name}
            rows.append(row | (_times(times) if times else {}))
    return [
        {"schedule_number": at, **_EMPTY, **row, "timezone": schedule.timezone} for at, row in enumerate(rows, start=1)
    ]


def _on(on: Recurrence) -> dict[str, Any]:
    return {
        "freq": on.freq, "repeat_interval": on.interval, "dtstart_on": on.starts_on,
        "byday": byday(on) or None, "bymonthday": ",".join(map(str, on.month_days)) or None,
        "bymonth": ",".join(map(str, on.months)) or None, "valid_from": on.valid_from, "valid_to": on.valid_to,
    }  # fmt: skip


def byday(on: Recurrence) -> str:
    """The days in RFC 5545's words: 'MO,2TU'."""
    return ",".join(f"{day.nth or ''}{WEEKDAYS[day.weekday]}" for day in on.days)


def _times(times: Times) -> dict[str, Any]:
    closes = times.closes % DAY
    return {
        "opens_time": time(times.opens // 60, times.opens % 60), "closes_time": time(closes // 60, closes % 60),
        "is_all_day": times.is_all_day,
    }  # fmt: skip


def from_rows(rows: Iterable[Mapping[str, Any]], text: str = "") -> Schedule:
    """The schedule of one listing's rows, in any order. `text`: hours that stand in no row.

    Times may be `time` or 'HH:MM[:SS]', days `date` or 'YYYY-MM-DD'. Raises `HoursError` for rows of two zones, for a rule that
    cannot be, and for no rows at all: without one, no zone is known.
    """
    ordered = sorted(rows, key=lambda row: row.get("schedule_number") or 0)
    zones = {row["timezone"] for row in ordered}
    if len(zones) != 1:
        raise HoursError(f"Hours in {len(zones)} time zones.", hint="All rows of a listing are in one.")
    schedule = Schedule(zones.pop(), text=text)
    for row in ordered:
        schedule = _with(schedule, row)
    return schedule


def _with(schedule: Schedule, row: Mapping[str, Any]) -> Schedule:
    code = row["rule_code"]
    times = read_times(row.get("opens_time"), row.get("closes_time"), is_all_day=bool(row.get("is_all_day")))
    notes = row.get("notes") or ""
    if code == "appointment" and not row.get("freq") and times is None:
        return replace(schedule, is_any_time_by_appointment=True)
    if code in ("regular", "appointment"):
        if times is None and code == "appointment":
            times = Times(0, DAY)
        if times is None:
            raise HoursError("A rule without times.", hint="Give opens_time and closes_time, or is_all_day.")
        attending = next((line[11:] for line in notes.split("\n") if line.startswith("attending: ")), "")
        notes = "\n".join(line for line in notes.split("\n") if not line.startswith("attending: "))
        made = Rule(_recurrence(row), times, code == "appointment", attending, notes)
        return replace(schedule, rules=(*schedule.rules, made))
    effect: Effect = "open" if code.endswith("_open") else "closed"
    given = (times,) if times else ()
    if code.startswith("exception_"):
        return replace(schedule, exceptions=_exceptions(schedule.exceptions, row, effect, given, notes))
    if code.startswith("holiday_"):
        name = row.get("holiday_code") or ""
        last = schedule.holidays[-1] if schedule.holidays else None
        if last and given and (last.name, last.effect) == (name, effect) and last.times:
            return replace(
                schedule, holidays=(*schedule.holidays[:-1], HolidayRule(name, effect, (*last.times, *given)))
            )
        return replace(schedule, holidays=(*schedule.holidays, HolidayRule(name, effect, given)))
    raise HoursError(f"'{code}' is no kind of rule.", hint="The contract listing_schedules names them.")


def _exceptions(
    before: tuple[ExceptionDays, ...], row: Mapping[str, Any], effect: Effect, times: tuple[Times, ...], reason: str
) -> tuple[ExceptionDays, ...]:
    """Exceptions with one more row: rows that differ in their times only are one exception."""
    on = _recurrence({**row, "valid_from": None, "valid_to": None}) if row.get("freq") else None
    first = read_date(row.get("valid_from")) or (None if on else read_date(row.get("dtstart_on")))
    last = read_date(row.get("valid_to")) or (None if on else first)
    made = ExceptionDays(first, last, effect, times, reason, on)
    if before and times and before[-1].times and replace(before[-1], times=times) == made:
        return (*before[:-1], replace(made, times=(*before[-1].times, *times)))
    return (*before, made)


def _recurrence(row: Mapping[str, Any]) -> Recurrence:
    freq = str(row.get("freq") or "WEEKLY").upper()
    interval = int(row.get("repeat_interval") or 1)
    months = _numbers(row.get("bymonth"))
    if freq == "YEARLY":
        if not months or interval != 1:
            raise HoursError("A yearly rule without months, or not of every year.", hint="Name the months in bymonth.")
        freq = "MONTHLY"
    if freq not in ("WEEKLY", "MONTHLY"):
        raise HoursError(f"A rule that repeats '{freq}'.", hint="Known are WEEKLY, MONTHLY and YEARLY.")
    return Recurrence(
        days(str(row.get("byday") or "")),
        "MONTHLY" if freq == "MONTHLY" else "WEEKLY",
        interval,
        read_date(row.get("dtstart_on")),
        _numbers(row.get("bymonthday")),
        months,
        read_date(row.get("valid_from")),
        read_date(row.get("valid_to")),
    )


def _numbers(text: Any) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(text or "").split(",") if part.strip())
    except ValueError as error:
        raise HoursError(f"'{text}' are no numbers.", hint="Write them with commas: 1,15.") from error


def read_times(opens: Any, closes: Any, *, is_all_day: bool = False) -> Times | None:
    """Times of a row; `None` where there are none. Closing at or before opening is on the next day."""
    if is_all_day:
        return Times(0, DAY)
    if opens is None or closes is None or opens == "" or closes == "":
        if opens or closes:
            raise HoursError("One of two times is missing.", hint="Give when it opens and when it closes.")
        return None
    start, end = read_minute(opens), read_minute(closes)
    return Times(start, end if end > start else end + DAY)


def read_minute(value: Any) -> int:
    """Minutes after midnight of a `time` or of 'HH:MM', with seconds that are not looked at. Raises `HoursError`."""
    if isinstance(value, time):
        return value.hour * 60 + value.minute
    parts = str(value).split(":")
    try:
        hour, minute = int(parts[0]), int(parts[1])
    except (ValueError, IndexError) as error:
        raise HoursError(f"'{value}' is no time.", hint="Write it as 14:30.") from error
    if not 0 <= hour < 24 or not 0 <= minute < 60:
        raise HoursError(f"'{value}' is no time.", hint="Write it as 14:30.")
    return hour * 60 + minute


def read_date(value: Any) -> date | None:
    """A day of a row, empty for none. Raises `HoursError`."""
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise HoursError(f"'{value}' is no day.", hint="Write it as 2026-01-31.") from error
