"""When something is due, and which days do not count."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from civicops.observe.calendar import Calendar, CalendarError, last_due
from civicops.observe.watched import country_of

LA = ZoneInfo("America/Los_Angeles")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_last_due_moment_is_that_of_the_schedules_time_zone() -> None:
    assert last_due("30 6 * * *", LA, at("2026-01-15 14:29")) == at("2026-01-14 14:30")
    assert last_due("30 6 * * *", LA, at("2026-01-15 14:30")) == at("2026-01-15 14:30")
    assert last_due("30 6 * * *", LA, at("2026-07-15 14:29")) == at("2026-07-15 13:30")
    assert last_due("0 7 * * 1", LA, at("2026-01-15 00:00")) == at("2026-01-12 15:00")


def test_a_schedule_within_the_hour_that_clocks_skip_still_comes_that_day() -> None:
    # On 2026-03-08 clocks go from 02:00 to 03:00.
    assert last_due("30 2 * * *", LA, at("2026-03-08 20:00")).date() == date(2026, 3, 8)


def test_a_wrong_schedule_is_said_in_a_sentence() -> None:
    with pytest.raises(CalendarError, match="cannot be read"):
        last_due("every day", LA, at("2026-01-15 00:00"))


def test_holidays_and_quiet_months_do_not_count() -> None:
    calendar = Calendar(LA, "US", "CA")
    start, end = at("2026-07-02 07:00"), at("2026-07-05 07:00")  # midnight to midnight there; the 3rd is the day off
    assert calendar.hours_that_count(start, end, holidays=False) == 72
    assert calendar.hours_that_count(start, end, holidays=True) < 72
    assert calendar.hours_that_count(start, end, holidays=False, quiet_months=(7,)) == 0
    assert (
        calendar.hours_that_count(at("2026-06-30 07:00"), at("2026-07-02 07:00"), holidays=False, quiet_months=[7])
        == 24
    )
    assert calendar.hours_that_count(end, start, holidays=True) == 0


def test_the_day_clocks_change_has_its_own_length() -> None:
    calendar = Calendar(LA, "US", "CA")
    day = (at("2026-03-08 08:00"), at("2026-03-09 07:00"))
    assert calendar.hours_that_count(*day, holidays=True) == 23


def test_the_country_is_that_of_the_time_zone() -> None:
    assert (country_of("America/Los_Angeles"), country_of("Europe/Lisbon"), country_of("UTC")) == ("US", "PT", "")


def test_an_unknown_country_is_said_in_a_sentence() -> None:
    with pytest.raises(CalendarError, match="No public holidays"):
        Calendar(LA, "XX").is_holiday(date(2026, 1, 1))
