"""Hours that can be but hardly are: nights, days of 20 hours, openings that overlap or stand twice.

Belongs here: findings on rules. Does not belong here: findings on texts (`texts`, `legacy`), what comes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations

from .falling import falls_on
from .findings import Finding
from .model import DAY, WEEKDAYS, Recurrence, Rule, Schedule, clock

LONGEST_MINUTES = 16 * 60
"""Longer than this is odd, unless it is around the clock."""
NIGHT = range(0, 5 * 60)
"""Minutes at which hardly any place opens."""
_LOOK_DAYS = 800
"""Rules that may meet are followed day by day for so long: more than two years, so every season and fifth weekday comes."""


def findings(schedule: Schedule, today: date | None = None) -> tuple[Finding, ...]:
    """What is odd about a schedule. `today`: to find rules that have ended; without it that is not asked."""
    found = [Finding("unreadable", schedule.text)] if schedule.text else []
    for at, rule in enumerate(schedule.rules):
        found += _one(at, rule, schedule.rules)
    for (a, first), (b, second) in combinations(enumerate(schedule.rules), 2):
        found += _two(a, first, b, second)
    for exception in schedule.exceptions:
        for times in exception.times:
            if times.minutes > LONGEST_MINUTES and times.minutes != DAY:
                found.append(
                    Finding(
                        "too_long", f"{exception.first or exception.reason} {clock(times.opens)}–{clock(times.closes)}"
                    )
                )
    if today and schedule.rules and all(rule.on.valid_to and rule.on.valid_to < today for rule in schedule.rules):
        found.append(Finding("ended", str(max(rule.on.valid_to for rule in schedule.rules if rule.on.valid_to))))
    return tuple(found)


def _one(at: int, rule: Rule, rules: Sequence[Rule]) -> list[Finding]:
    times, about, found = rule.times, told(rule), []
    if times.minutes > LONGEST_MINUTES and times.minutes != DAY:
        found.append(Finding("too_long", about, (at,)))
    if times.opens in NIGHT and times.minutes != DAY and not _goes_on(rule, rules):
        found.append(Finding("opens_at_night", about, (at,)))
    if times.closes > DAY:
        found.append(Finding("over_midnight", about, (at,)))
    is_bounded = rule.on.valid_to is not None and rule.on.valid_from is not None
    if (is_bounded or rule.on.month_days) and not _falls(rule.on):
        found.append(Finding("never", about, (at,)))
    return found


def _goes_on(rule: Rule, rules: Sequence[Rule]) -> bool:
    """Whether an opening at midnight only continues the evening before, as where 20:00–24:00 and 00:00–02:00 are two rows."""
    return rule.times.opens == 0 and any(
        other.times.closes == DAY and other.times.opens > rule.times.closes for other in rules
    )


def _falls(on: Recurrence) -> bool:
    start = max(filter(None, (on.valid_from, on.starts_on)), default=date(2024, 1, 1))
    # Four years hold every day of a year, 29 February too.
    length = min(((on.valid_to - start).days + 1) if on.valid_to else 1500, 1500)
    return any(falls_on(on, start + timedelta(days=n)) for n in range(length))


def _two(a: int, first: Rule, b: int, second: Rule) -> list[Finding]:
    """Findings on a pair. Times are compared first: most pairs end there."""
    late, early = (first, second) if first.times.opens >= second.times.opens else (second, first)
    if late.times.opens >= early.times.closes:
        return []
    code = "duplicate" if first.times == second.times else "overlap"
    if not _may_meet(first.on, second.on):
        return []
    one, other = first.on, second.on
    if not _is_plain(one) or not _is_plain(other):
        bounds = filter(None, (one.valid_from, other.valid_from, one.starts_on, other.starts_on))
        start = max(bounds, default=date(2024, 1, 1))
        span = (start + timedelta(days=n) for n in range(_LOOK_DAYS))
        if not any(falls_on(one, day) and falls_on(other, day) for day in span):
            return []
    return [Finding(code, f"{told(first)} / {told(second)}", (a, b))]


def _is_plain(on: Recurrence) -> bool:
    """Whether it is every week, always."""
    return on.freq == "WEEKLY" and not (on.valid_from or on.valid_to or on.starts_on or on.months)


def _may_meet(first: Recurrence, second: Recurrence) -> bool:
    if first.month_days or second.month_days:
        return True
    return any(
        one.weekday == other.weekday
        and (one.nth == other.nth or not one.nth or not other.nth or one.nth * other.nth < 0)
        for one in first.days
        for other in second.days
    )


def told(rule: Rule) -> str:
    """A rule in few signs, for findings: 'MO,TU 09:00–17:00', '2SA 10:00–12:00'."""
    names = [f"{day.nth or ''}{WEEKDAYS[day.weekday]}" for day in rule.on.days] + [
        str(day) for day in rule.on.month_days
    ]
    return f"{','.join(names)} {clock(rule.times.opens)}–{clock(rule.times.closes)}"
