"""Open now, next open, next close: against slow oracles over whole years, and at both changes of the clock.

Belongs here: moments. Does not belong here: reading and writing of hours (`test_hours_text.py`, `test_hours_rows.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from products.food_listings.hours import (
    HoursError,
    Recurrence,
    Schedule,
    falls_on,
    holiday_calendar,
    monthly,
    next_close,
    next_open,
    nth_of_month,
    open_intervals,
    open_now,
    status,
    weekly,
)
from tests.unit.products.food_listings.hours_made import (
    HOLIDAYS,
    nth_by_counting,
    open_minutes,
    recurrences,
    rrule_days,
    schedules,
    week_of_month_by_rows,
)
from tests.unit.products.food_listings.hours_telling import LA, TELLING

YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
ZONE = ZoneInfo(LA)


def at(text: str, zone: str = LA, fold: int = 0) -> datetime:
    """A local time as a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def local(moment: datetime | None, zone: str = LA) -> str | None:
    return moment.astimezone(ZoneInfo(zone)).isoformat() if moment else None


# Days --------------------------------------------------------------------------------------------------------------------


def test_the_nth_weekday_is_right_on_every_day_of_2026_and_the_older_rule_is_wrong_on_242() -> None:
    wrong = 0
    for day in YEAR:
        assert nth_of_month(day) == nth_by_counting(day)
        for nth in (1, 2, 3, 4, 5, -1, -2, -3, -4, -5):
            name = f"{nth}{('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU')[day.weekday()]}"
            assert falls_on(monthly(name, 540, 600).on, day) == (nth in nth_by_counting(day))
        wrong += week_of_month_by_rows(day) != nth_by_counting(day)[0]
    assert wrong == 242
    friday = date(2026, 1, 2)
    assert nth_of_month(friday)[0] == 1 and week_of_month_by_rows(friday) != 1


@given(recurrences())
@settings(max_examples=150, deadline=None)
def test_a_recurrence_falls_where_rfc_5545_says(on: Recurrence) -> None:
    first, last = date(2025, 6, 1), date(2027, 1, 31)
    expected = rrule_days(on, first, last)
    found = {
        first + timedelta(days=n) for n in range((last - first).days + 1) if falls_on(on, first + timedelta(days=n))
    }
    assert found == expected


# Minutes -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [n for n in TELLING if n not in ("nothing known", "partly read", "Lord Howe", "any time by appointment", "by appointment", "closed first Fridays")]
)  # fmt: skip
def test_every_minute_of_2026(name: str) -> None:
    schedule = TELLING[name]
    zone = schedule.timezone
    intervals = open_intervals(schedule, at("2026-01-01T00:00", zone), at("2027-01-01T00:00", zone), HOLIDAYS)
    assert all(one.start < one.end for one in intervals)
    assert all(one.end < other.start for one, other in pairwise(intervals)), "merged and in order"
    expected = open_minutes(schedule, YEAR[0], YEAR[-1])
    changes = 0
    for day in YEAR:
        start, end = at(f"{day}T00:00", zone), at(f"{day + timedelta(days=1)}T00:00", zone)
        if end - start != timedelta(days=1):
            changes += 1  # these two days have tests of their own, below
            continue
        found = bytearray(1440)
        for one in intervals:
            first, last = (
                (max(start, min(edge, end)) - start) // timedelta(minutes=1) for edge in (one.start, one.end)
            )
            found[first:last] = b"\1" * (last - first)
        assert found == expected[day], day
    assert changes == (0 if zone == "Pacific/Honolulu" else 2)
    assert intervals


@given(schedules(appointments=False), st.integers(0, 360 * 1440))
@settings(max_examples=60, deadline=None)
def test_open_now_agrees_with_the_intervals_and_the_edges(schedule: Schedule, minute: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moment = start + timedelta(minutes=minute)
    intervals = open_intervals(schedule, start - timedelta(days=3), start + timedelta(days=800), HOLIDAYS)
    inside = [one for one in intervals if one.start <= moment < one.end]
    state = status(schedule, moment, HOLIDAYS)
    if not schedule.is_known:
        assert state.state == "unknown" and state.until is None
        return
    assert (state.state == "open") == bool(inside)
    assert open_now(schedule, moment, HOLIDAYS) == (True if inside else None if schedule.text else False)
    within = start + timedelta(days=400)
    later_opens = [one.start for one in intervals if one.start > moment]
    later_closes = [one.end for one in intervals if one.end > moment and one.end < start + timedelta(days=800)]
    found = next_open(schedule, moment, HOLIDAYS)
    assert found == (later_opens[0] if later_opens else None) or (found is None and later_opens[0] > within)
    found = next_close(schedule, moment, HOLIDAYS)
    assert found == (later_closes[0] if later_closes else None) or (found is None and later_closes[0] > within)
    if inside:
        assert state.until == found or (state.until is None and inside[0].end > within)


# The two nights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        (
            90,
            150,
            [("2026-03-08T01:30", 0, "2026-03-08T03:30", 0)],
        ),  # 02:30 is skipped: an hour and no more after 01:30
        (165, 195, []),  # 02:45 on the clock before is after 03:15 on the new one: the skip turned it around
        (125, 170, [("2026-03-08T03:05", 0, "2026-03-08T03:50", 0)]),
        (165, 300, [("2026-03-08T03:45", 0, "2026-03-08T05:00", 0)]),
        (0, 1440, [("2026-03-08T00:00", 0, "2026-03-09T00:00", 0)]),
    ],
)
def test_in_the_night_that_skips_an_hour(opens: int, closes: int, expected: list[tuple[str, int, str, int]]) -> None:
    schedule = Schedule(LA, (weekly("SU", opens, closes),))
    found = open_intervals(schedule, at("2026-03-07T12:00"), at("2026-03-09T12:00"))
    assert [(one.start, one.end) for one in found] == [(at(a, fold=x), at(b, fold=y)) for a, x, b, y in expected]


@pytest.mark.parametrize(
    ("opens", "closes", "minutes", "start", "end"),
    [
        (30, 75, 45, ("2026-11-01T00:30", 0), ("2026-11-01T01:15", 0)),  # it closes when 01:15 comes for the first time
        (75, 105, 30, ("2026-11-01T01:15", 0), ("2026-11-01T01:45", 0)),
        (75, 150, 135, ("2026-11-01T01:15", 0), ("2026-11-01T02:30", 0)),
        (0, 1440, 1500, ("2026-11-01T00:00", 0), ("2026-11-02T00:00", 0)),
    ],
)
def test_in_the_night_that_repeats_an_hour(
    opens: int, closes: int, minutes: int, start: tuple[str, int], end: tuple[str, int]
) -> None:
    schedule = Schedule(LA, (weekly("SU", opens, closes),))
    (found,) = open_intervals(schedule, at("2026-10-31T12:00"), at("2026-11-02T12:00"))
    assert (found.start, found.end) == (at(start[0], fold=start[1]), at(end[0], fold=end[1]))
    assert found.end - found.start == timedelta(minutes=minutes)
    second = at("2026-11-01T01:20", fold=1)
    assert open_now(schedule, second) == (found.start <= second < found.end)


def test_a_saturday_night_is_an_hour_shorter_and_an_hour_longer() -> None:
    schedule = Schedule(LA, (weekly("SA", 22 * 60, 28 * 60),))
    spans = open_intervals(schedule, at("2026-03-07T12:00"), at("2026-03-08T12:00"))
    assert [one.end - one.start for one in spans] == [timedelta(hours=5)]
    spans = open_intervals(schedule, at("2026-10-31T12:00"), at("2026-11-01T12:00"))
    assert [one.end - one.start for one in spans] == [timedelta(hours=7)]
    assert open_now(schedule, at("2026-11-01T01:30")) and open_now(schedule, at("2026-11-01T01:30", fold=1))


# What a person asks ------------------------------------------------------------------------------------------------------


def test_next_open_and_close_in_words() -> None:
    schedule = TELLING["second and fourth Saturday"]
    moment = at("2026-01-10T09:00")
    assert open_now(schedule, moment) is False
    assert local(next_open(schedule, moment)) == "2026-01-10T10:00:00-08:00"
    assert local(next_close(schedule, moment)) == "2026-01-10T12:00:00-08:00"
    assert local(next_open(schedule, at("2026-01-10T10:00"))) == "2026-01-24T10:00:00-08:00", "the one after this"
    assert status(schedule, at("2026-01-10T11:59")).state == "open"
    assert status(schedule, at("2026-01-10T12:00")).state == "closed", "the closing minute is no longer open"


def test_around_the_clock_never_closes_and_nothing_known_is_not_closed() -> None:
    moment = at("2026-05-05T05:05")
    assert next_close(TELLING["around the clock"], moment) is None
    assert status(TELLING["around the clock"], moment) == status(TELLING["around the clock"], at("2026-11-01T01:30"))
    assert open_now(TELLING["nothing known"], moment) is None
    assert open_now(TELLING["partly read"], moment) is None, "what was not read may say that it is open"
    assert open_now(TELLING["partly read"], at("2026-05-04T10:00")) is True


def test_by_appointment_is_not_open() -> None:
    schedule = TELLING["by appointment"]
    states = [status(schedule, at(f"2026-05-04T{hour}")).state for hour in ("09:00", "11:30", "12:30", "15:00")]
    assert states == ["open", "open", "appointment", "closed"]
    spans = open_intervals(schedule, at("2026-05-04T00:00"), at("2026-05-05T00:00"), appointments=True)
    assert [(local(one.start), one.is_by_appointment) for one in spans] == [
        ("2026-05-04T09:00:00-07:00", False), ("2026-05-04T12:00:00-07:00", True),
    ]  # fmt: skip
    assert status(TELLING["any time by appointment"], at("2026-05-05T03:00")).state == "appointment"


def test_holidays_and_the_day_off_for_them() -> None:
    schedule = TELLING["holidays"]
    assert "Independence Day" in HOLIDAYS[date(2026, 7, 3)], "4 July 2026 is a Saturday: the Friday is the day off"
    assert open_now(schedule, at("2026-07-03T11:00"), HOLIDAYS) is False
    assert open_now(schedule, at("2026-11-26T08:30"), HOLIDAYS) is True, "Thanksgiving has times of its own"
    assert open_now(schedule, at("2026-12-25T11:00"), HOLIDAYS) is True, "and Christmas is a day as any"
    assert open_now(schedule, at("2026-07-06T11:00"), HOLIDAYS) is True
    with pytest.raises(HoursError, match="No holidays are known of XX"):
        holiday_calendar("XX", None, [2026])


def test_closed_on_first_fridays() -> None:
    schedule = TELLING["closed first Fridays"]
    fridays = [day for day in YEAR if day.weekday() == 4]
    opened = [day for day in fridays if open_now(schedule, at(f"{day}T11:00"))]
    assert [day for day in fridays if day not in opened] == [day for day in fridays if day.day <= 7]


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(HoursError, match="says no time zone"):
        open_now(TELLING["weekdays"], datetime(2026, 1, 1))
