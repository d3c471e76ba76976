"""Schedules as plain JSON values, for the browser.

Belongs here: the form that `pages/find/hours/` reads. Does not belong here: rows of the dataset (`rows`).

What is empty is left out. Days are `[weekday, nth]`, times `[opens, closes]` in minutes, dates `YYYY-MM-DD`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from .model import ExceptionDays, HolidayRule, Recurrence, Rule, Schedule, Times


def to_plain(schedule: Schedule) -> dict[str, Any]:
    """The schedule as a value that `json.dumps` takes."""
    return _full(
        zone=schedule.timezone,
        rules=[_rule(rule) for rule in schedule.rules],
        exceptions=[_exception(one) for one in schedule.exceptions],
        holidays=[_holiday(one) for one in schedule.holidays],
        anyTime=schedule.is_any_time_by_appointment,
        text=schedule.text,
    )


def _full(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", False, [], ())}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _times(times: Times) -> list[int]:
    return [times.opens, times.closes]


def _on(on: Recurrence) -> dict[str, Any]:
    return _full(
        days=[[day.weekday, day.nth] for day in on.days],
        monthly=on.freq == "MONTHLY",
        interval=on.interval if on.interval > 1 else None,
        start=_iso(on.starts_on),
        monthDays=list(on.month_days),
        months=list(on.months),
        first=_iso(on.valid_from),
        last=_iso(on.valid_to),
    )


def _rule(rule: Rule) -> dict[str, Any]:
    return _full(
        on=_on(rule.on), times=_times(rule.times), asked=rule.is_by_appointment, attending=rule.attending, notes=rule.notes
    )  # fmt: skip


def _exception(one: ExceptionDays) -> dict[str, Any]:
    return _full(
        first=_iso(one.first), last=_iso(one.last), times=[_times(times) for times in one.times], reason=one.reason,
        on=_on(one.on) if one.on else None,
    )  # fmt: skip


def _holiday(one: HolidayRule) -> dict[str, Any]:
    return _full(name=one.name, open=one.effect == "open", times=[_times(times) for times in one.times])
