"""Opening hours of the real listings of 2020: how many are read, and that nothing is read by guessing.

Belongs here: rates on the samples. Does not belong here: what each format means (`tests/unit/products/food_listings`).

    python -m pytest tests/data/test_food_hours_real.py --log-cli-level INFO      prints the figures of docs/benchmarks.md
"""

from __future__ import annotations

import csv
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from products.food_listings.hours import Entry, Reading, findings, read_day_columns, read_entries, read_text, write
from products.food_listings.hours.words import WEEKDAYS
from tests.conftest import REALDATA

FOLDER = REALDATA / "foodoasis"
log = logging.getLogger(__name__)
ZONE = "America/Los_Angeles"
pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no such folder {FOLDER}")]


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def rates(name: str, readings: Iterable[Reading]) -> Counter[str]:
    """How many readings are whole, in part, or not at all; printed with the codes of the findings."""
    counted: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for reading in readings:
        schedule = reading.schedule
        counted["whole" if schedule.is_complete else "part" if schedule.rules else "none"] += 1
        codes.update(finding.code for finding in reading.findings)
        assert write(schedule, "en") or not schedule.is_known
        assert schedule.text or schedule.is_known or not reading.findings, "nothing is dropped without a word"
    total = sum(counted.values())
    log.info(
        "%s: %s read %s %s", name, total, {key: f"{n / total:.1%}" for key, n in counted.most_common()}, dict(codes)
    )
    return counted


@pytest.mark.parametrize("name", ["2020-04-25", "2020-06-01"])
def test_schedule_rows(name: str) -> None:
    by_listing: dict[str, list[Entry]] = defaultdict(list)
    given = rows(f"stakeholder_schedule_{name}.csv")
    for row in given:
        weekday = WEEKDAYS[row["day_of_week"].lower()]
        by_listing[row["stakeholder_id"]].append(Entry(int(row["week_of_month"]), weekday, row["open"], row["close"]))
    readings = [read_entries(entries, ZONE) for entries in by_listing.values()]
    counted = rates(f"schedule rows {name}", readings)
    kept = sum(len(reading.schedule.text.split("\n")) for reading in readings if reading.schedule.text)
    twice = sum(finding.code == "duplicate" for reading in readings for finding in reading.findings)
    log.info("%s rows, %s kept as text, %s twice", len(given), kept, twice)
    assert counted["whole"] / counted.total() > 0.97
    read = {
        (id_, day.weekday)
        for id_, one in zip(by_listing, readings, strict=True)
        for rule in one.schedule.rules
        for day in rule.on.days
    }
    in_text = sum(line.count(":") > 0 for reading in readings for line in reading.schedule.text.split("\n"))
    days = {(row["stakeholder_id"], WEEKDAYS[row["day_of_week"].lower()]) for row in given}
    assert len(read) + kept >= len(days) and in_text <= kept, "every day of every listing is in a rule or in the text"
    odd = Counter(finding.code for reading in readings for finding in findings(reading.schedule))
    log.info("plausibility: %s", dict(odd))


def test_columns_per_day() -> None:
    readings = [read_day_columns(row, ZONE) for row in rows("stakeholder_2020-04-25_legacy_day_columns.csv")]
    counted = rates("day columns", [reading for reading in readings if reading.schedule.rules or reading.findings])
    assert counted["whole"] / counted.total() > 0.98


@pytest.mark.parametrize(
    ("name", "least"), [("source_211_2020-04.csv", 0.85), ("source_open_la_data_2020-04.csv", 0.85)]
)
def test_free_texts(name: str, least: float) -> None:
    texts = [row["hours"] for row in rows(name) if row["hours"].strip()]
    counted = rates(name, [read_text(text, ZONE) for text in texts])
    assert counted["whole"] / counted.total() >= least
