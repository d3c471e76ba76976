"""The browser's hours answer what Python's do: thousands of schedules and moments, asked of both.

Belongs here: the comparison. Does not belong here: whether the answers are right (`test_hours_open.py`).
"""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from products.food_listings.hours import Schedule, next_close, next_open, open_intervals, status, to_plain, write
from tests.unit.products.food_listings.hours_made import HOLIDAYS, schedules
from tests.unit.products.food_listings.hours_telling import TELLING
from tools.web import node

pytestmark = pytest.mark.xdist_group("food_find_hours")
ANSWER = Path(__file__).parents[4] / "products" / "food_listings" / "pages" / "find" / "hours" / "answer.mjs"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The nights of the changes in the zones of the schedules, where mistakes live.
NIGHTS = (
    "2026-03-08T08:00",
    "2026-11-01T07:00",
    "2026-03-28T23:00",
    "2026-10-24T23:00",
    "2026-04-04T14:00",
    "2026-10-03T14:30",
)
MOMENTS = 14


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - EPOCH) // timedelta(milliseconds=1)


def made() -> list[Schedule]:
    """The telling schedules and many drawn ones, the same in every run."""
    found = list(TELLING.values())

    @seed(20260101)
    @settings(
        max_examples=270, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(schedules())
    def draw(schedule: Schedule) -> None:
        found.append(schedule)

    draw()
    return found


def moments(chance: random.Random) -> list[datetime]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    anywhere = [start + timedelta(minutes=chance.randrange(365 * 1440)) for _ in range(MOMENTS - len(NIGHTS))]
    nights = [
        datetime.fromisoformat(night).replace(tzinfo=UTC) + timedelta(minutes=chance.randrange(240)) for night in NIGHTS
    ]
    return anywhere + nights


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Schedule, list[datetime], dict[str, Any]]]:
    """Each schedule with the moments it was asked about, and what Node answered."""
    folder = tmp_path_factory.mktemp("hours")
    chance = random.Random(7)
    cases = [(schedule, moments(chance)) for schedule in made()]
    content = {
        "holidays": {day.isoformat(): sorted(names) for day, names in HOLIDAYS.items()},
        "cases": [
            {"schedule": to_plain(schedule), "moments": [milliseconds(one) for one in asked]}
            for schedule, asked in cases
        ],
    }
    (folder / "cases.json").write_text(json.dumps(content), encoding="utf-8")
    command = [str(node()), "--no-warnings", str(ANSWER), str(folder / "cases.json"), str(folder / "answers.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return [(*case, answer) for case, answer in zip(cases, answers, strict=True)]


def test_states_and_changes_are_the_same(answered: list[tuple[Schedule, list[datetime], dict[str, Any]]]) -> None:
    compared, states = 0, set()
    for schedule, asked, answer in answered:
        for moment, found in zip(asked, answer["moments"], strict=True):
            here = status(schedule, moment, HOLIDAYS)
            expected = [
                here.state,
                *map(
                    milliseconds,
                    (here.until, next_open(schedule, moment, HOLIDAYS), next_close(schedule, moment, HOLIDAYS)),
                ),
            ]
            assert found == expected, (schedule, moment)
            compared += 1
            states.add(here.state)
    assert compared > 4_000 and states == {"open", "appointment", "closed", "unknown"}


def test_intervals_are_the_same(answered: list[tuple[Schedule, list[datetime], dict[str, Any]]]) -> None:
    for schedule, asked, answer in answered:
        spans = open_intervals(schedule, asked[0], asked[0] + timedelta(days=120), HOLIDAYS)
        assert answer["intervals"] == [[milliseconds(one.start), milliseconds(one.end)] for one in spans]


def test_words_are_the_same(answered: list[tuple[Schedule, list[datetime], dict[str, Any]]]) -> None:
    for schedule, _, answer in answered:
        assert answer["en"] == write(schedule, "en")
        assert answer["es"] == write(schedule, "es")
