"""On which days a rule falls, and what times a day has after exceptions and holidays.

Belongs here: arithmetic of calendar days. Does not belong here: moments, clocks and zones (`opening`).

The nth weekday of a month is counted by day: days 1 to 7 hold every weekday for the first time, whatever weekday the month
begins with. Counting calendar weeks (rows of a wall calendar) instead is wrong on most days of a year.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from .model import EVERY_HOLIDAY, ExceptionDays, Holidays, Recurrence, Schedule, Times

NONE: Holidays = {}


def nth_of_month(day: date) -> tuple[int, int]:
    """Which of its weekday in its month a day is, from the front (1 to 5) and from the end (-1 to -5)."""
    length = calendar.monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1, -((length - day.day) // 7 + 1)


def falls_on(on: Recurrence, day: date) -> bool:
    """Whether a recurrence holds a day."""
    if (on.valid_from and day < on.valid_from) or (on.valid_to and day > on.valid_to):
        return False
    if on.months and day.month not in on.months:
        return False
    if on.starts_on:
        if day < on.starts_on:
            return False
        if on.interval > 1 and _periods(on, on.starts_on, day) % on.interval:
            return False
    if on.freq == "WEEKLY":
        return any(wanted.weekday == day.weekday() for wanted in on.days)
    if on.month_days:
        length = calendar.monthrange(day.year, day.month)[1]
        if day.day not in on.month_days and day.day - length - 1 not in on.month_days:
            return False
        if not on.days:
            return True
    counts = (0, *nth_of_month(day))
    return any(wanted.weekday == day.weekday() and wanted.nth in counts for wanted in on.days)


def _periods(on: Recurrence, start: date, day: date) -> int:
    """Weeks (from Monday) or months between the one that `start` is in and that of `day`."""
    if on.freq == "MONTHLY":
        return (day.year - start.year) * 12 + day.month - start.month
    monday = start - timedelta(days=start.weekday())
    return (day - monday).days // 7


def times_on(schedule: Schedule, day: date, holidays: Holidays = NONE) -> list[tuple[Times, bool]]:
    """When it opens on a day: times, and whether only by appointment.

    An exception goes before a holiday, a holiday before the rules; each concerns openings that begin on that day, so a night that
    began the day before goes on. Of several exceptions for a day the narrowest counts, of equally narrow ones the last.
    """
    exceptions = [one for one in schedule.exceptions if _concerns(one, day)]
    if exceptions:
        chosen = min(reversed(exceptions), key=lambda one: one.length_days)
        return [(times, False) for times in chosen.times]
    if schedule.holidays and (names := holidays.get(day)):
        special = _holiday(schedule, names)
        if special is not None:
            return [(times, False) for times in special]
    return [(rule.times, rule.is_by_appointment) for rule in schedule.rules if falls_on(rule.on, day)]


def _concerns(exception: ExceptionDays, day: date) -> bool:
    if (exception.first and day < exception.first) or (exception.last and day > exception.last):
        return False
    return exception.on is None or falls_on(exception.on, day)


def _holiday(schedule: Schedule, names: frozenset[str]) -> tuple[Times, ...] | None:
    """The times of a holiday, none for closed; `None` when it is a day like any other. Of equally named rules the last counts."""
    own = [rule for rule in schedule.holidays if rule.name in names]
    chosen = own or [rule for rule in schedule.holidays if rule.name == EVERY_HOLIDAY]
    if not chosen or (chosen[-1].effect == "open" and not chosen[-1].times):
        return None
    return chosen[-1].times
