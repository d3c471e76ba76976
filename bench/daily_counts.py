"""Daily counts for `bench.anomalies`: made-up cities of two kinds and real counts of a volunteer group; faults to plant in them.

Belongs here: series and faults. Does not belong here: rules that look for them, and counting who finds what.

The detector's constants were chosen on the first kind of city and two real series (`TUNED`); the others were held out until
they were written down.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from civicops.observe.calendar import Calendar

REALDATA = Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[2] / "shared" / "realdata"))
FIRST = date(2023, 1, 2)
DAYS = 550
CALENDAR = Calendar(ZoneInfo("America/Los_Angeles"), "US", "CA")
DECLINE_DAYS = 60

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Daily:
    """Consecutive days and their counts; NaN where it is not known."""

    days: list[date]
    counts: Counts
    holidays: frozenset[date]

    def until(self, at: int) -> list[float | None]:
        """The counts up to a day, as a detector is given them."""
        return [None if np.isnan(count) else float(count) for count in self.counts[: at + 1]]


@dataclass(frozen=True)
class Fault:
    """A planted fault: what it does to the counts from one day on, and on how many days it can be found."""

    name: str
    factor: Callable[[int, int], Counts]
    span: int


def _on(at: int, n: int, factor: float) -> Counts:
    factors = np.ones(n)
    factors[at] = factor
    return factors


FAULTS = (
    Fault("a lost day", lambda at, n: _on(at, n, 0.0), 1),
    Fault("half a day", lambda at, n: _on(at, n, 0.5), 1),
    Fault("doubled rows", lambda at, n: _on(at, n, 2.0), 1),
    # A category of two fifths of the rows, from then on.
    Fault("a category gone", lambda at, n: np.where(np.arange(n) >= at, 0.6, 1.0), 14),
    Fault(
        "a slow decline", lambda at, n: np.clip(1 - 0.5 * (np.arange(n) - at) / DECLINE_DAYS, 0.5, 1.0), DECLINE_DAYS
    ),
)


def city(size: float, seed: int) -> Daily:
    """A city's requests per day: weekly and yearly season, a mild trend, quiet holidays, noise that lasts for days."""
    random = np.random.default_rng(seed)
    weekdays = np.array([1.12, 1.15, 1.1, 1.08, 1.05, 0.62, 0.5])
    year = 1 + 0.12 * np.sin(2 * np.pi * (np.arange(DAYS) - 60) / 365)
    trend = 1 + 0.1 * np.arange(DAYS) / 365
    return _made(size * trend * year, weekdays, random, lasting=(0.6, 0.045), holiday=(0.35, 0.6))


def other_city(size: float, seed: int) -> Daily:
    """Another kind: it shrinks, has a stronger year at a phase of its own, other weekdays, holidays of every sort, days that are
    off by themselves."""
    random = np.random.default_rng(1000 + seed)
    kinds = ([1.0, 1.25, 1.1, 1.0, 0.9, 0.85, 0.9], [1.3, 1.2, 1.15, 1.1, 1.0, 0.3, 0.15])
    year = 1 + 0.2 * np.sin(2 * np.pi * (np.arange(DAYS) - random.integers(0, 365)) / 365)
    trend = 1 - 0.15 * np.arange(DAYS) / 365
    level = size * trend * year * random.gamma(200, 1 / 200, DAYS)
    return _made(level, np.array(kinds[seed % 2]), random, lasting=(0.8, 0.03), holiday=(0.2, 0.9))


def _made(
    level: Counts,
    weekdays: Counts,
    random: np.random.Generator,
    *,
    lasting: tuple[float, float],
    holiday: tuple[float, float],
) -> Daily:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    holidays = CALENDAR.holidays(days)
    noise = np.zeros(DAYS)
    for number in range(1, DAYS):
        noise[number] = lasting[0] * noise[number - 1] + random.normal(0, lasting[1])
    level = level * weekdays[[day.weekday() for day in days]] * np.exp(noise)
    level = level * np.where([day in holidays for day in days], random.uniform(*holiday, DAYS), 1.0)
    return Daily(days, random.poisson(level).astype(np.float64), holidays)


TUNED = ("comments", "issues of one project")


def real() -> Iterator[tuple[str, Daily]]:
    """Real counts per day of a volunteer group, where the samples are: small, bursty, with changes of level of their own."""
    folder = REALDATA / "github"
    if (path := folder / "label_survey_2022-06-26.csv.gz").is_file():
        for name, only in (("issues of one project", "website"), ("issues of 118 projects", None)):
            yield name, _daily(_issues(path, only), date(2020, 12, 1))
    if (path := folder / "merged_prs.csv.gz").is_file():
        merged = Counter(date.fromisoformat(row["merged_at"][:10]) for row in _rows(path))
        yield "merged changes", _daily(merged, date(2023, 1, 1))
    if (REALDATA / "engagement" / "snapshots.csv").is_file():
        yield from _snapshot_counts()


def _issues(path: Path, only: str | None) -> Counter[date]:
    """Issues by the day they were opened; a row per label, so each issue is counted once."""
    opened = {
        (row["Organization"], row["Repository"], row["IssueNbr"]): row["CreatedAt"]
        for row in _rows(path)
        if only is None or row["Repository"] == only
    }
    return Counter(date.fromisoformat(text[:10]) for text in opened.values() if text[:2] == "20")


def _snapshot_counts() -> Iterator[tuple[str, Daily]]:
    """Comments and commits by differences between daily snapshots. Days without a snapshot, and the day after, are not known."""
    with (REALDATA / "engagement" / "snapshots.csv").open(encoding="utf-8", newline="") as stream:
        taken = {datetime.fromisoformat(row["snapshot_at"]).date() for row in csv.DictReader(stream)}
    found: dict[str, Counter[date]] = {}
    for row in _rows(REALDATA / "engagement" / "contributor_counts_changes.csv.gz"):
        if row["delta"] and int(row["delta"]) > 0:
            day = datetime.fromisoformat(row["snapshot_at"]).date()
            found.setdefault(row["kind"], Counter())[day] += int(row["delta"])
    for kind, counts in found.items():
        daily = _daily(counts, date(2021, 5, 1))
        unknown = [day not in taken or day - timedelta(days=1) not in taken for day in daily.days]
        yield kind, Daily(daily.days, np.where(unknown, np.nan, daily.counts), daily.holidays)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


def _daily(counts: Counter[date], first: date) -> Daily:
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return Daily(days, np.array([float(counts[day]) for day in days]), CALENDAR.holidays(days))
