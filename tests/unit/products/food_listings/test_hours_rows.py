"""Hours as rows of the dataset and as HSDS objects, there and back.

Belongs here: round trips, and the columns of the contract. Does not belong here: the whole HSDS download (`test_find_files.py`).
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from products.food_listings.hours import (
    Day,
    ExceptionDays,
    HoursError,
    Recurrence,
    Rule,
    Schedule,
    Times,
    falls_on,
    from_hsds,
    from_rows,
    to_hsds,
    to_rows,
    weekly,
)
from products.food_listings.hours.rows import COLUMNS
from tests.unit.products.food_listings.hours_made import schedules
from tests.unit.products.food_listings.hours_telling import LA, TELLING

CONTRACT = Path(__file__).parents[4] / "products" / "food_listings" / "contracts" / "listing_schedules.yaml"


def test_the_columns_are_those_of_the_contract() -> None:
    properties = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))["schema"][0]["properties"]
    assert {one["name"] for one in properties} == {*COLUMNS, "listing_id", "schedule_number", "source_text"}


@pytest.mark.parametrize("name", TELLING)
def test_rows_and_back(name: str) -> None:
    schedule = TELLING[name]
    rows = to_rows(schedule)
    if not rows:
        with pytest.raises(HoursError, match="0 time zones"):
            from_rows(rows)
        return
    assert [row["schedule_number"] for row in rows] == list(range(1, len(rows) + 1))
    shuffled = random.Random(1).sample(rows, len(rows))
    assert from_rows(shuffled, schedule.text) == schedule


@given(schedules())
@settings(max_examples=200, deadline=None)
def test_any_schedule_goes_there_and_back(schedule: Schedule) -> None:
    if rows := to_rows(schedule):
        assert from_rows(rows, schedule.text) == schedule


def test_what_rows_say_in_the_words_of_others() -> None:
    row = {"schedule_number": 1, "rule_code": "regular", "freq": "YEARLY", "repeat_interval": 1, "byday": "2SA", "bymonth": "12",
           "opens_time": "22:00:00", "closes_time": time(2, 0), "timezone": LA}  # fmt: skip
    assert from_rows([row]).rules == (Rule(Recurrence((Day(5, 2),), "MONTHLY", months=(12,)), Times(1320, 1560)),)
    one_day = {"rule_code": "exception_closed", "dtstart_on": "2026-12-24", "timezone": LA}
    assert from_rows([one_day]).exceptions == (ExceptionDays(date(2026, 12, 24), date(2026, 12, 24), "closed"),)
    asked = {"rule_code": "appointment", "freq": "WEEKLY", "byday": "MO", "timezone": LA}
    assert from_rows([asked]).rules == (Rule(Recurrence((Day(0),)), Times(0, 1440), True),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"opens_time": None}, "One of two times"), ({"opens_time": None, "closes_time": None}, "A rule without times"),
        ({"byday": "XX"}, "'XX' is no day"), ({"byday": "0MO"}, "'0MO' is no day"), ({"byday": None}, "A rule has no days"),
        ({"opens_time": "25:00"}, "'25:00' is no time"), ({"valid_from": "soon"}, "'soon' is no day"),
        ({"rule_code": "maybe"}, "'maybe' is no kind"), ({"freq": "DAILY"}, "repeats 'DAILY'"), ({"freq": "YEARLY"}, "A yearly rule"),
        ({"bymonthday": "x", "freq": "MONTHLY"}, "'x' are no numbers"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_say_why(change: dict[str, object], message: str) -> None:
    row = to_rows(Schedule(LA, (weekly("MO", 540, 600),)))[0]
    with pytest.raises(HoursError, match=message):
        from_rows([{**row, **change}])
    with pytest.raises(HoursError, match="2 time zones"):
        from_rows([row, {**row, "timezone": "Europe/Berlin"}])


# HSDS --------------------------------------------------------------------------------------------------------------------

MOMENT = datetime(2026, 7, 1, tzinfo=UTC)


@given(schedules())
@settings(max_examples=150, deadline=None)
def test_hsds_opens_on_the_same_days_at_the_same_times(schedule: Schedule) -> None:
    rules = tuple(replace(rule, notes="by the door", attending="in person") for rule in schedule.rules)
    given_ = Schedule(schedule.timezone, rules)
    back, findings = from_hsds(to_hsds(given_, range(2025, 2028), MOMENT), schedule.timezone)
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(1095)]
    # Hours of which nothing falls into those years are told in words alone.
    assert not findings or not any(falls_on(rule.on, day) for rule in rules for day in days)
    for day in days:
        found = {(r.times, r.is_by_appointment, r.notes, r.attending) for r in back.rules if falls_on(r.on, day)}
        assert found == {(r.times, r.is_by_appointment, r.notes, r.attending) for r in rules if falls_on(r.on, day)}
    if not findings and not any(rule.on.months for rule in rules):
        assert back.rules == rules, "what HSDS can say comes back as it was"


def test_hsds_fields() -> None:
    (one,) = to_hsds(TELLING["over midnight"], [2026], MOMENT)
    assert one == {
        "freq": "WEEKLY", "interval": 1, "byday": "FR,SA", "wkst": "MO", "opens_at": "22:00", "closes_at": "02:00", "timezone": -7.0,
        "description": "Every Friday and Saturday 10 pm–2 am", "notes": "Time zone: America/Los_Angeles",
    }  # fmt: skip
    summer = [one for one in to_hsds(TELLING["summer"], [2026], MOMENT) if one["freq"] == "WEEKLY"]
    assert [(one["valid_from"], one["valid_to"]) for one in summer] == [("2026-07-01", "2026-07-31")]


def test_hsds_that_cannot_be_said_here_stays_text() -> None:
    objects: list[dict[str, Any]] = [
        {"freq": "WEEKLY", "byday": "MO", "opens_at": "09:00:00", "closes_at": "17:00-07:00", "until": "2026-12-31", "valid_to": "2027-01-31"},
        {"freq": "WEEKLY", "byday": "MO", "opens_at": "09:00", "closes_at": "10:00", "count": 3, "description": "Three Mondays"},
        {"freq": "DAILY", "opens_at": "09:00", "closes_at": "10:00", "description": "Daily"},
        {"description": "When the flag is up"}, {"freq": "WEEKLY", "byday": "MO", "description": "Mondays"},
    ]  # fmt: skip
    schedule, findings = from_hsds(objects, LA)
    assert schedule.rules == (Rule(Recurrence((Day(0),), valid_to=date(2026, 12, 31)), Times(540, 1020)),)
    assert [finding.code for finding in findings] == ["not_supported", "unreadable", "unreadable", "unreadable"]
    assert schedule.text.split("\n") == ["Three Mondays", "Daily", "When the flag is up", "Mondays"]
