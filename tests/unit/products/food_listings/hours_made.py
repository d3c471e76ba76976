"""Made schedules for tests of opening hours, and a slow second opinion on when they are open.

Belongs here: strategies for hypothesis, the oracle. Does not belong here: assertions, single telling schedules (hours_telling.py).
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

from dateutil.rrule import FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule
from hypothesis import strategies as st

from products.food_listings.hours import (
    Day,
    ExceptionDays,
    HolidayRule,
    HoursError,
    Recurrence,
    Rule,
    Schedule,
    Times,
    holiday_calendar,
)
from tests.unit.products.food_listings.hours_telling import LA

HOLIDAYS = holiday_calendar("US", "CA", range(2024, 2029))
_RRULE_DAYS = (MO, TU, WE, TH, FR, SA, SU)


def rrule_days(on: Recurrence, first: date, last: date) -> set[date]:
    """The days of a recurrence by dateutil, which knows RFC 5545.

    Days with and without a number are asked for apart: dateutil takes both together for a condition that a day has to meet twice.
    """
    start = max(filter(None, (first, on.valid_from)))
    found: set[date] = set()
    kinds = [tuple(day for day in on.days if not day.nth), tuple(day for day in on.days if day.nth)]
    for days in [kind for kind in kinds if kind] or [()]:
        moments = rrule(
            WEEKLY if on.freq == "WEEKLY" else MONTHLY,
            dtstart=datetime.combine(on.starts_on or start, datetime.min.time()),
            interval=on.interval,
            byweekday=[_RRULE_DAYS[day.weekday](day.nth) if day.nth else _RRULE_DAYS[day.weekday] for day in days]
            if days
            else None,
            bymonthday=list(on.month_days) or None,
            bymonth=list(on.months) or None,
            until=datetime.combine(min(filter(None, (last, on.valid_to))), datetime.min.time()),
        )
        found |= {moment.date() for moment in moments if moment.date() >= start}
    return found


def open_minutes(schedule: Schedule, first: date, last: date) -> dict[date, bytearray]:
    """Every minute on the wall of every day, 1 where it is open.

    The slow and plain way: a board of minutes per day, filled by dateutil's days; nothing of the code under test. It knows nothing
    of changes of the clock.
    """
    before = first - timedelta(days=1)
    spans = [(rule, rrule_days(rule.on, before, last)) for rule in schedule.rules]
    board = {first + timedelta(days=n): bytearray(1440) for n in range(-1, (last - first).days + 2)}
    for day in list(board)[:-1]:
        wanted = [rule.times for rule, falls in spans if day in falls]
        names = HOLIDAYS.get(day, frozenset())
        named = [rule for rule in schedule.holidays if rule.name in names]
        general = [rule for rule in schedule.holidays if names and rule.name == "public"]
        for holiday in (named or general)[-1:]:
            if holiday.effect == "closed":
                wanted = []
            elif holiday.times:
                wanted = list(holiday.times)
        special = [one for one in schedule.exceptions if one.first and one.last and one.first <= day <= one.last]
        if special:
            narrowest = min(one.length_days for one in special)
            wanted = list([one for one in special if one.length_days == narrowest][-1].times)
        for times in wanted:
            for minute in range(times.opens, times.closes):
                board[day + timedelta(days=minute // 1440)][minute % 1440] = 1
    return {day: minutes for day, minutes in board.items() if first <= day <= last}


_days = st.dates(date(2025, 6, 1), date(2026, 12, 31))
_times = st.builds(
    lambda opens, length: Times(opens, opens + length), st.integers(0, 95).map(lambda n: n * 15), st.integers(1, 96).map(lambda n: n * 15)
)  # fmt: skip


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    """Recurrences of every kind that can be."""
    is_weekly = draw(st.booleans())
    names = draw(
        st.lists(
            st.tuples(st.integers(0, 6), st.sampled_from((0, 1, 2, 3, 4, 5, -1, -2, -5))),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    ends = sorted(draw(st.tuples(_days, _days)))
    try:
        return Recurrence(
            tuple(dict.fromkeys(Day(weekday, 0 if is_weekly else nth) for weekday, nth in names)),
            "WEEKLY" if is_weekly else "MONTHLY",
            draw(st.sampled_from((1, 1, 2, 3))),
            draw(st.one_of(_days)),
            () if is_weekly else draw(st.sampled_from(((), (), (1, 15, -1)))),
            tuple(sorted(draw(st.sets(st.integers(1, 12), max_size=4)))),
            *draw(st.sampled_from(((None, None), (ends[0], None), (None, ends[1]), (ends[0], ends[1])))),
        )
    except HoursError:  # pragma: no cover - no such draw
        raise


_names = st.sampled_from(("public", "Christmas Day", "Thanksgiving Day", "Memorial Day"))
_rules = st.builds(Rule, recurrences(), _times, st.booleans())


@st.composite
def schedules(draw: st.DrawFn, *, appointments: bool = True) -> Schedule:
    """Schedules of every kind that can be, in several zones."""
    rules = draw(st.lists(_rules, max_size=4))
    if not appointments:
        rules = [Rule(rule.on, rule.times) for rule in rules]
    exceptions = []
    for first, length, times in draw(
        st.lists(
            st.tuples(_days, st.integers(0, 20), st.lists(_times, max_size=2)),
            max_size=3,
            unique_by=lambda one: one[:2],
        )
    ):
        last = first + timedelta(days=length)
        exceptions.append(ExceptionDays(first, last, "open" if times else "closed", tuple(dict.fromkeys(times))))
    holidays = [
        HolidayRule(name, "open" if times or is_open else "closed", tuple(dict.fromkeys(times)))
        for name, is_open, times in draw(
            st.lists(
                st.tuples(_names, st.booleans(), st.lists(_times, max_size=2)), max_size=3, unique_by=lambda one: one[0]
            )
        )
    ]
    zone = draw(st.sampled_from((LA, "Pacific/Honolulu", "Europe/Berlin", "Australia/Lord_Howe")))
    text = draw(st.sampled_from(("", "", "some evenings")))
    return Schedule(zone, tuple(rules), tuple(exceptions), tuple(holidays), appointments and draw(st.booleans()), text)


def week_of_month_by_rows(day: date) -> int:
    """The rule that an older project uses: ceil((day of month - 1 - weekday from Sunday) / 7), which counts rows of a calendar."""
    sunday = (day.weekday() + 1) % 7
    return -((-(day.day - 1 - sunday)) // 7)


def nth_by_counting(day: date) -> tuple[int, int]:
    """Which of its weekday a day is, by walking through the whole month."""
    same = [week[day.weekday()] for week in calendar.monthcalendar(day.year, day.month) if week[day.weekday()]]
    return same.index(day.day) + 1, same.index(day.day) - len(same)
