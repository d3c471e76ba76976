"""On which days a rule falls, and what times a day has after exceptions and holidays.

Belongs here: arithmetic of calendar days. Does not belong here: moments, clocks and zones (`opening`).

The nth weekday of a month is counted by day: days 1 to 7 hold every weekday for the first time, whatever weekday the month
begins with. Counting calendar weeks (rows of a wall calendar) instead is wrong on most days of a year.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from .model import EVERY_HOLIDAY, Holidays, Rule, Schedule, Times

NONE: Holidays = {}


def nth_of_month(day: date) -> tuple[int, int]:
    """Which of its weekday in its month a day is, from the front (1 to 5) and from the end (-1 to -5)."""
    length = calendar.monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)


def falls_on(rule: Rule, day: date) -> bool:
    """Whether a rule opens on a day, exceptions and holidays apart."""
    if rule.valid_from and day < rule.valid_from or rule.valid_to and day > rule.valid_to:
        return False
    if rule.season and not rule.season.holds(day):
        return False
    if rule.starts_on:
        if day < rule.starts_on:
            return False
        if rule.interval > 1 and _periods(rule, rule.starts_on, day) % rule.interval:
            return False
    if rule.freq == "WEEKLY":
        return any(wanted.weekday == day.weekday() for wanted in rule.days)
    if rule.month_days:
        length = calendar.monthrange(day.year, day.month)[1]
        if day.day not in rule.month_days and day.day - length - 1 not in rule.month_days:
            return False
        if not rule.days:
            return True
    counts = (0, *nth_of_month(day))
    return any(wanted.weekday == day.weekday() and wanted.nth in counts for wanted in rule.days)


def _periods(rule: Rule, start: date, day: date) -> int:
    """Weeks (from Monday) or months between the one that `start` is in and that of `day`."""
    if rule.freq == "MONTHLY":
        return (day.year - start.year) * 12 + day.month - start.month
    monday = start - timedelta(days=start.weekday())
    return (day - monday).days // 7


def times_on(schedule: Schedule, day: date, holidays: Holidays = NONE) -> list[tuple[Times, bool]]:
    """When it opens on a day: times, and whether only by appointment.

    A dated exception goes before a holiday, a holiday before the rules; each concerns openings that begin on that day, so a night
    that began the day before goes on. Of several exceptions for a day the last one counts.
    """
    for exception in reversed(schedule.exceptions):
        if exception.first <= day <= exception.last:
            return [(times, False) for times in exception.times]
    if schedule.holidays and (names := holidays.get(day)):
        special = _holiday(schedule, names)
        if special is not None:
            return [(times, False) for times in special]
    return [(rule.times, rule.is_by_appointment) for rule in schedule.rules if falls_on(rule, day)]


def _holiday(schedule: Schedule, names: frozenset[str]) -> tuple[Times, ...] | None:
    """The times of a holiday, none for closed; `None` when it is a day like any other."""
    own = [rule for rule in schedule.holidays if rule.name in names]
    chosen = own or [rule for rule in schedule.holidays if rule.name == EVERY_HOLIDAY]
    if not chosen or (chosen[-1].effect == "open" and not chosen[-1].times):
        return None
    return chosen[-1].times
