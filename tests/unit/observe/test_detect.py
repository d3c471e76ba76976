"""Judging daily counts: what is a fault, what is not, and what is learned from."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from civicops.observe.detect import Judgement, judge, judge_slope

START = date(2025, 1, 6)
DAYS = [START + timedelta(days=number) for number in range(200)]
WEEK = [1.1, 1.1, 1.1, 1.05, 1.0, 0.6, 0.5]


def counts(size: float = 1000.0, days: int = 200, noise: float = 0.05, seed: int = 3) -> list[float]:
    random = np.random.default_rng(seed)
    return [float(random.poisson(size * WEEK[day.weekday()] * np.exp(random.normal(0, noise)))) for day in DAYS[:days]]


def newest(values: list[float], **options: object) -> Judgement:
    (found,) = judge(DAYS[: len(values)], values, **options)  # type: ignore[arg-type]
    return found


def test_an_ordinary_day_is_none_and_says_what_was_expected() -> None:
    found = newest(counts())
    assert found.kind is None
    assert found.low < found.observed < found.high
    assert found.expected == pytest.approx(1000 * WEEK[found.day.weekday()], rel=0.1)


@pytest.mark.parametrize(("factor", "kind"), [(0.0, "missing"), (0.5, "low"), (2.0, "high")])
def test_a_lost_half_or_doubled_day_is_found_with_its_kind(factor: float, kind: str) -> None:
    values = counts()
    values[-1] = round(values[-1] * factor)
    found = newest(values)
    assert found.kind == kind and found.sureness > 0.98


def test_it_says_nothing_before_it_has_enough_days() -> None:
    assert judge(DAYS[:40], counts(days=40), points=42) == ()
    assert len(judge(DAYS[:60], counts(days=60), points=42)) == 1


def test_a_quiet_holiday_is_no_fault_but_a_lost_one_is() -> None:
    values = counts()
    weekday = next(index for index in range(199, 0, -1) if DAYS[index].weekday() == 2)
    values, day = values[: weekday + 1], DAYS[weekday]
    values[-1] = round(values[-1] * 0.5)
    assert newest(values).kind == "low"
    assert newest(values, holidays={day}).kind is None
    values[-1] = 0
    assert newest(values, holidays={day}).kind == "missing"


def test_nothing_is_learned_from_days_that_are_known_to_be_wrong() -> None:
    values = counts()
    for index in range(150, 190):
        values[index] = round(values[index] * 0.3)
    wrong = set(DAYS[150:190])
    taught = newest(values, wrong=wrong)
    assert taught.kind is None and taught.expected == pytest.approx(1000 * WEEK[taught.day.weekday()], rel=0.1)


def test_several_days_are_judged_each_by_those_before_and_a_fault_does_not_teach_the_next() -> None:
    values = counts()
    values[-3] = 0
    found = judge(DAYS, values, newest=7)
    assert [item.kind for item in found] == [None, None, None, None, "missing", None, None]


def test_a_day_without_a_count_is_not_judged() -> None:
    values: list[float | None] = [*counts()]
    values[-1] = None
    assert judge(DAYS, values) == ()


def test_a_slow_decline_is_found_and_a_steady_level_is_not() -> None:
    values = counts()
    steady = judge_slope(DAYS, values)
    assert steady is not None and steady.kind is None
    falling = [round(value * (1 - 0.45 * max(0, index - 150) / 50)) for index, value in enumerate(values)]
    found = judge_slope(DAYS, falling)
    assert found is not None and found.kind == "decline"
    assert found.observed < found.low


def test_differences_may_be_negative() -> None:
    random = np.random.default_rng(1)
    values = [float(random.normal(0, 3)) for _ in DAYS]
    assert newest(values).kind is None
    values[-1] = -400.0
    assert newest(values).kind == "low"
