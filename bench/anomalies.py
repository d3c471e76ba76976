"""Finding faults in daily counts, beside the plain rule: three deviations from the mean of the last fourteen days.

Belongs here: planting faults into daily counts and counting who finds them. Does not belong here: the detector
(`civicops.observe.detect`).

Series: made-up city counts (weekly and yearly season, trend, holidays, noise that goes with the level) at three sizes, and real
daily counts of a volunteer group where the samples are. Each series is replayed day by day through its last two quarters: clean
for the false alarms, and with one fault at a time for the finds. A fault counts as found when an alarm comes on one of its days,
a slow decline within the 60 days that it takes. An alarm on a clean day is false; consecutive ones for the same reason are one.
"""

from __future__ import annotations

import csv
import gzip
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from bench.table import Row, Table, main
from civicops.observe.calendar import Calendar
from civicops.observe.detect import judge, judge_slope

REALDATA = Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[2] / "shared" / "realdata"))
FIRST = date(2023, 1, 2)
DAYS = 550
QUARTER = 91
WATCHED = 2 * QUARTER
"""Days at the end of a series that are replayed."""
WEEKDAYS = np.array([1.12, 1.15, 1.1, 1.08, 1.05, 0.62, 0.5])
CALENDAR = Calendar(ZoneInfo("America/Los_Angeles"), "US", "CA")
SIZES = {"large (3,000 a day)": 3000.0, "middle (300 a day)": 300.0, "small (30 a day)": 30.0}
DECLINE_DAYS = 60

Counts = npt.NDArray[np.float64]
Alarms = Callable[["Daily", int], set[str]]
"""What a rule says on one day of a series: the kinds of its alarms."""


@dataclass(frozen=True)
class Daily:
    """Consecutive days and their counts."""

    days: list[date]
    counts: Counts
    holidays: frozenset[date]


@dataclass(frozen=True)
class Fault:
    """A planted fault: what it does to the counts from one day on, and on how many days it can be found."""

    name: str
    factor: Callable[[int, int], Counts]
    span: int


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


def _on(at: int, n: int, factor: float) -> Counts:
    factors = np.ones(n)
    factors[at] = factor
    return factors


def city(size: float, seed: int) -> Daily:
    """A city's requests per day: weekly and yearly season, a mild trend, quiet holidays, noise."""
    random = np.random.default_rng(seed)
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    holidays = CALENDAR.holidays(days)
    numbers = np.arange(DAYS)
    level = size * (1 + 0.1 * numbers / 365) * (1 + 0.12 * np.sin(2 * np.pi * (numbers - 60) / 365))
    # Weather and the like last for days: noise with a memory.
    noise = np.zeros(DAYS)
    for number in range(1, DAYS):
        noise[number] = 0.6 * noise[number - 1] + random.normal(0, 0.045)
    level = level * WEEKDAYS[[day.weekday() for day in days]] * np.exp(noise)
    level = level * np.where([day in holidays for day in days], random.uniform(0.35, 0.6, DAYS), 1.0)
    return Daily(days, random.poisson(level).astype(np.float64), holidays)


def real() -> Iterator[tuple[str, Daily]]:
    """Comments and commits per day of a volunteer group, where the samples are: quiet, bursty counts with real gaps."""
    path = REALDATA / "engagement" / "contributor_counts_changes.csv.gz"
    if not path.is_file():
        return
    found: dict[str, dict[date, float]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["delta"] and int(row["delta"]) > 0:
                day = datetime.fromisoformat(row["snapshot_at"]).date()
                of_kind = found.setdefault(row["kind"], {})
                of_kind[day] = of_kind.get(day, 0.0) + int(row["delta"])
    for kind, counts in found.items():
        # Two years without one of the long outages, which would be faults of their own.
        days = [date(2021, 5, 1) + timedelta(days=number) for number in range(DAYS)]
        yield (
            f"real {kind} per day",
            Daily(days, np.array([counts.get(day, 0.0) for day in days]), CALENDAR.holidays(days)),
        )


def ours(series: Daily, at: int) -> set[str]:
    """The detector of civicops with its defaults, knowing the days up to `at`."""
    days, counts = series.days[: at + 1], series.counts[: at + 1].tolist()
    found = {"day" for item in judge(days, counts, holidays=series.holidays) if item.is_fault}
    slope = judge_slope(days, counts, holidays=series.holidays)
    return found | ({"slope"} if slope is not None and slope.is_fault else set())


def plain(series: Daily, at: int) -> set[str]:
    """Three deviations from the mean of the fourteen days before."""
    window = series.counts[at - 14 : at]
    return {"day"} if abs(series.counts[at] - window.mean()) > 3 * max(window.std(ddof=1), 1e-9) else set()


def false_alarms(series: Daily, rule: Alarms) -> float:
    """False alarms per quarter on a clean series; what is reported day after day for one reason is one alarm."""
    count, before = 0, set[str]()
    for at in range(len(series.days) - WATCHED, len(series.days)):
        now = rule(series, at)
        count += len(now - before)
        before = now
    return count / (WATCHED / QUARTER)


def finds(series: Daily, fault: Fault, starts: Sequence[int], rule: Alarms) -> tuple[int, int]:
    """How many of the planted faults are found, of how many."""
    found = 0
    for start in starts:
        spoiled = Daily(series.days, np.round(series.counts * fault.factor(start, len(series.days))), series.holidays)
        found += any(rule(spoiled, at) for at in range(start, min(start + fault.span, len(series.days))))
    return found, len(starts)


def starts(series: Daily, fault: Fault, each: int) -> list[int]:
    """Days to plant at: spread over the watched part, never a holiday."""
    first, last = len(series.days) - WATCHED, len(series.days) - fault.span
    picked = np.linspace(first, last - 1, each).astype(int).tolist()
    return [next(at for at in range(start, last + 7) if series.days[at] not in series.holidays) for start in picked]


def run(quick: bool) -> Table:
    """Recall and false alarms of both rules, by series and by fault."""
    each, seeds = (2, 1) if quick else (8, 3)
    groups: list[tuple[str, list[Daily]]] = [
        (name, [city(size, seed) for seed in range(seeds)]) for name, size in SIZES.items()
    ]
    groups += [(name, [daily]) for name, daily in real()]
    rows = []
    for name, many in groups:
        for words, rule in (("civicops", ours), ("3 sigma, 14 days", plain)):
            hits: dict[str, tuple[int, int]] = {}
            for fault in FAULTS:
                pairs = [
                    finds(series, fault, starts(series, fault, 3 if fault.span > 14 else each), rule) for series in many
                ]
                hits[fault.name] = (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
            wrong = sum(false_alarms(series, rule) for series in many) / len(many)
            total = [sum(pair[index] for pair in hits.values()) for index in (0, 1)]
            figures = {fault: f"{pair[0] / pair[1]:.2f}" for fault, pair in hits.items()}
            per = total[0] / total[1]
            figures |= {"recall": f"{per:.2f}", "false alarms per quarter": f"{wrong:.2f}"}
            rows.append(Row(f"{name}: {words}", figures))
    datasets = 50 if quick else 500
    seconds, busy = evaluation(datasets)
    notes = (
        "Share of planted faults that were found, and false alarms per dataset and quarter on the same counts without faults, "
        "public holidays included. A category gone is two fifths of the rows, found within 14 days; a slow decline takes 60 "
        "days to half. Real counts are small and bursty: on a day with few rows a lost day is no surprise.",
        f"All monitors of {datasets} datasets with a year of daily history, evaluated in one process: {seconds:.1f} s, of them "
        f"{busy:.1f} s of processor time; the goal is 10 s.",
    )
    return Table("anomalies", tuple(rows), notes)


def evaluation(datasets: int) -> tuple[float, float]:
    """Seconds, by the clock and of the processor, to evaluate every monitor of so many one-dataset products, each with a year of
    daily runs and 30 profiles."""
    from bench.observed import made_workspace, signals_of_all

    with tempfile.TemporaryDirectory() as folder:
        workspace = made_workspace(Path(folder), datasets)
        workspace.products  # noqa: B018 - reading contracts is not what is measured
        began, busy = time.perf_counter(), time.process_time()
        asked = signals_of_all(workspace)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
    if asked < datasets * 8:
        raise RuntimeError(f"only {asked} signals of {datasets} datasets: something was not evaluated")
    return seconds, busy


if __name__ == "__main__":
    main(run)
