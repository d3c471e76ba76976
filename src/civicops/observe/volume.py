"""The volume monitor: rows per day against what season and trend let one expect.

Belongs here: where the daily counts come from and what a judgement means for people. Does not belong here: the statistics
(`detect`).

Two sources of daily counts. Where a contract names a column (`monitors: {volume: {column: created_on}}`), the rows of the release
by that day: a whole history from the first release on. Else how many rows each day's last release had more than that of the day
before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from civicops.contracts import Contract
from civicops.contracts.monitoring import Severity, Volume
from civicops.observe.detect import Judgement, judge, judge_slope
from civicops.observe.history import last_rows_per_day
from civicops.observe.signals import Signal
from civicops.observe.watched import Learning, Watched, days_between

RUNBOOK = "A volume anomaly"
NEWEST_DAYS = 7
"""So many days are judged again each time where rows are counted by their own day: what was mended is then seen to be."""


@dataclass(frozen=True)
class Series:
    """Consecutive days and their counts; None where it is not known."""

    days: list[date]
    counts: list[float | None]
    newest: int
    """How many of the newest days are judged."""


def volume_signals(watched: Watched, contract: Contract) -> Iterator[Signal]:
    """One signal for single days and one for a slow change of level; none without enough history."""
    rule = watched.product.monitors(contract).volume
    series = daily_series(watched, contract, rule) if rule.enabled else None
    if series is None or len(series.days) < rule.points:
        return
    subject = watched.subject(contract)
    learning = watched.learning.get(subject, Learning())
    holidays = watched.calendar.holidays(series.days)
    wrong = learning.wrong_days(series.days[: -series.newest], watched.zone)
    options = {"holidays": holidays, "wrong": wrong, "points": rule.points, "strictness": rule.strictness}
    found = judge(series.days, series.counts, newest=series.newest, **options)  # type: ignore[arg-type]
    if learning.accepted_at is not None:
        # Somebody said that what was found until then is right.
        accepted = learning.accepted_at.astimezone(watched.zone).date()
        found = tuple(replace(item, kind=None) if item.day < accepted else item for item in found)
    if found:
        yield _day_signal(watched, contract, rule, found)
    slope = judge_slope(series.days, series.counts, **options)  # type: ignore[arg-type]
    if slope is not None:
        yield _slope_signal(watched, contract, rule.severity, slope)


def daily_series(watched: Watched, contract: Contract, rule: Volume) -> Series | None:
    """The daily counts of a dataset up to the newest day that is settled; None where there are none yet."""
    if rule.column is not None:
        current, _ = watched.profiles(contract)
        counted = {date.fromisoformat(day): float(count) for day, count in (current or {}).get("days", {}).items()}
        today = watched.now.astimezone(watched.zone).date()
        counted = {day: count for day, count in counted.items() if day <= today}
        if not counted:
            return None
        last = max(counted) - timedelta(days=rule.settle_days)
        days = days_between(min(counted), last)
        # A day without a row is a day of none: nothing else would tell of it.
        return Series(days, [counted.get(day, 0.0) for day in days], NEWEST_DAYS)
    rows = last_rows_per_day(watched.by_dataset.get(contract.dataset, ()), watched.zone)
    known = {date.fromisoformat(day): count for day, count in rows.items()}
    if len(known) < 2:
        return None
    days = days_between(min(known) + timedelta(days=1), max(known))
    return Series(days, [_added(known, day) for day in days], 1)


def _added(known: dict[date, int], day: date) -> float | None:
    before = known.get(day - timedelta(days=1))
    return float(known[day] - before) if day in known and before is not None else None


def _day_signal(watched: Watched, contract: Contract, rule: Volume, found: Sequence[Judgement]) -> Signal:
    faults = [item for item in found if item.is_fault]
    worst = max(faults, key=lambda item: item.score) if faults else found[-1]
    severity: Severity = "critical" if any(item.kind == "missing" for item in faults) else rule.severity
    word = {"missing": "no rows at all", "low": "far fewer rows than expected", "high": "far more rows than expected"}
    title = (
        f"{contract.title}: {word[worst.kind or 'low']} on {worst.day}"
        if faults
        else f"{contract.title}: days as expected"
    )
    return Signal(
        "volume", watched.subject(contract), bool(faults), severity, title,
        detail="\n".join(sentence(item) for item in faults),
        since=watched.day_start(min(item.day for item in faults)) if faults else None,
        values=values_of(worst), runbook=RUNBOOK, group=f"data:{contract.dataset}",
        evidence={"judged": [values_of(item) for item in found]},
    )  # fmt: skip


def _slope_signal(watched: Watched, contract: Contract, severity: Severity, slope: Judgement) -> Signal:
    # A cause of its own: a lost day that is found again closes its incident, whatever the level has done for weeks.
    word = "has fallen" if slope.kind == "decline" else "has risen"
    return Signal(
        "volume_trend", watched.subject(contract), slope.is_fault, severity,
        f"{contract.title}: the number of rows a day {word}" if slope.is_fault else f"{contract.title}: level as expected",
        detail=f"About {slope.observed:,.1f} rows a day in the {slope.window} days to {slope.day}, {slope.expected:,.1f} before; "
        f"such days usually lie between {slope.low:,.1f} and {slope.high:,.1f}." if slope.is_fault else "",
        since=watched.day_start(slope.day - timedelta(days=slope.window - 1)) if slope.is_fault else None,
        values=values_of(slope), runbook=RUNBOOK, group=f"trend:{contract.dataset}", evidence=values_of(slope),
    )  # fmt: skip


def sentence(item: Judgement) -> str:
    """A judgement for people: what was expected and how sure that is."""
    return (
        f"{item.day:%A} {item.day}: {item.observed:,.0f} rows; expected about {item.expected:,.0f}, between {item.low:,.0f} and "
        f"{item.high:,.0f} (nearer than this were {item.sureness:.1%} of {item.points} days)."
    )


def values_of(item: Judgement) -> dict[str, float | str | int | None]:
    """A judgement for JSON."""
    return {
        "day": item.day.isoformat(), "observed": item.observed, "expected": item.expected, "low": item.low, "high": item.high,
        "score": item.score, "sureness": item.sureness, "kind": item.kind, "points": item.points, "window_days": item.window,
    }  # fmt: skip
