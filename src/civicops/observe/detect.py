"""Whether the newest days of a daily count are what season and trend of the days before let one expect.

Belongs here: numbers in, judgements out. Does not belong here: what is expected (`expect`), where the numbers come from and what
follows (`volume`).

    a day      so far from what was expected that chance alone comes to it less than once in a quarter or two (`LOW_BUDGET`,
               `HIGH_BUDGET`), and no day of this very history was further off as often; and by a quarter of what was expected
    a level    the last 7 or 14 days against the level before them, or the last 14 against four weeks a month earlier: further off
               than such weeks ever were. Small counts show here what no single day of theirs can: a category gone, a slow decline

Losing rows gets more of the budget for false alarms than getting too many: half of a day is harder to see than its double.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from civicops.observe.expect import SLOW, WEEK, Array, Learned, Mask, learn, levels

HISTORY_DAYS = 540
QUARTER = 91
LOW_BUDGET, HIGH_BUDGET = 0.6, 0.2
"""False alarms per quarter that chance may cause, of days with too few rows and of days with too many."""
DAY_LEAST = 0.25
"""A day nearer than this share to what was expected is not told of."""
LEVEL_WINDOWS = (7, 14)
LEVEL_BAND, RISE_BAND = 3.0, 4.0
"""Usual deviations that a level must be off; more for a rise, as groups grow."""
LEVEL_LEAST = 0.15
SLOPE_DAYS, SLOPE_GAP_DAYS = 14, 28
HELD_DAYS = 14
"""A level that was off stays told of for so long, so that one that comes and goes is one alarm."""

Kind = Literal["low", "high", "missing", "decline", "rise"]


@dataclass(frozen=True)
class Judgement:
    """One day, or the `window` days up to it: what was counted, what was expected, and whether it is a fault.

    `score` is the distance from what was expected in usual deviations; `sureness` (0 to 1) the share of the days of the
    history that were nearer to what was expected of them, so it can be no surer than the history is long. Of a window,
    `observed` and the others are rows a day.
    """

    day: date
    observed: float
    expected: float
    low: float
    high: float
    score: float
    sureness: float
    kind: Kind | None
    points: int
    window: int = 1

    @property
    def is_fault(self) -> bool:
        return self.kind is not None


def judge(
    days: Sequence[date],
    counts: Sequence[float | None],
    *,
    holidays: Collection[date] = (),
    wrong: Collection[date] = (),
    newest: int = 1,
    points: int = 42,
    strictness: float = 1.0,
) -> tuple[Judgement, ...]:
    """Judge the last `newest` days of a run of consecutive days; a count of None is unknown and not judged.

    `wrong`: days that are known to be faults; nothing is learned from them. Returns nothing for a history of fewer than `points`
    usable days before those that are judged.
    """
    days, raw, teaches = _history(days, counts, holidays, wrong)
    start = len(days) - newest
    if start < 2 * WEEK or int(teaches[:start].sum()) < points:
        return ()
    learned = learn(days[:start], raw[:start], teaches[:start], holidays)
    bands = (_band(learned.low_scores, LOW_BUDGET) * strictness, _band(learned.high_scores, HIGH_BUDGET) * strictness)
    past = np.maximum(learned.low_scores, learned.high_scores)
    level, known, found = learned.level, int(teaches[:start].sum()), []
    for index in range(start, len(days)):
        if math.isnan(raw[index]):
            continue
        weekday, is_holiday = days[index].weekday(), days[index] in holidays
        expected = learned.expected(level, weekday)
        low, high = _day_band(learned, expected, weekday, bands, is_holiday=is_holiday)
        kind: Kind | None = None
        if raw[index] < low:
            kind = "missing" if raw[index] == 0 and expected >= 1 else "low"
        elif raw[index] > high:
            kind = "high"
        below, above = learned.scores(raw[index : index + 1], np.array([expected]))
        score = max(float(below[0]), float(above[0]), 0.0)
        near = float((past < score).mean()) if len(past) else 0.0
        found.append(Judgement(
            days[index], float(raw[index]), round(expected, 1), round(low, 1), round(high, 1), round(score, 2),
            round(min(near, 1 - 1 / (len(past) + 1)), 4), kind, known,
        ))  # fmt: skip
        if kind is None and not is_holiday:
            level += learned.memory * (learned.flattened(float(raw[index]), weekday) - level)
            known += 1
    return tuple(found)


def judge_slope(
    days: Sequence[date],
    counts: Sequence[float | None],
    *,
    holidays: Collection[date] = (),
    wrong: Collection[date] = (),
    points: int = 42,
    strictness: float = 1.0,
) -> Judgement | None:
    """Judge the level of the newest days; None for a short history. Of the windows that were looked at, the one furthest off."""
    days, raw, teaches = _history(days, counts, holidays, wrong)
    need = SLOPE_DAYS + 2 * SLOPE_GAP_DAYS + 4 * WEEK
    if int(teaches.sum()) < max(points, need):
        return None
    learned = learn(days, raw, teaches, holidays)
    found = list(_windows(days, raw, teaches, learned, strictness))
    faults = [item for item in found if item.is_fault]
    return max(faults or found, key=lambda item: item.score, default=None)


@dataclass(frozen=True)
class _Compared:
    """Days up to each end of a window beside what was expected of them: rows a day, without what weekdays add."""

    window: int
    ends: npt.NDArray[np.int64]
    late: Array
    early: Array
    blind: int
    """Newest windows that say nothing about what is usual, as they may share days with what is judged."""


def _windows(
    days: Sequence[date], raw: Array, teaches: Mask, learned: Learned, strictness: float
) -> Iterator[Judgement]:
    for one in _compared(raw, teaches, learned, days):
        off = (
            one.late - one.early if learned.is_signed else np.log((one.late + _least(one)) / (one.early + _least(one)))
        )
        past = off[: -one.blind - HELD_DAYS]
        past = past[~np.isnan(past)]
        if len(past) < 2 * WEEK:
            continue
        middle = float(np.median(past))
        width = max(1.4826 * float(np.median(np.abs(past - middle))), _smallest(one, learned))
        newest = off[-HELD_DAYS:] - middle
        if np.isnan(newest).all():
            continue
        down = max(LEVEL_BAND * strictness * width, middle - float(past.min()))
        up = max(RISE_BAND * strictness * width, float(past.max()) - middle)
        if not learned.is_signed:
            down, up = max(down, LEVEL_LEAST), max(up, LEVEL_LEAST)
        low_at, high_at = int(np.nanargmin(newest)), int(np.nanargmax(newest))
        kind: Kind | None = "decline" if newest[low_at] < -down else "rise" if newest[high_at] > up else None
        at = low_at if kind == "decline" else high_at if kind == "rise" else len(newest) - 1
        if math.isnan(newest[at]):
            continue
        where = len(off) - len(newest) + at
        score = abs(float(newest[at])) / width
        near = float((np.abs(past - middle) < abs(newest[at])).mean())
        early = float(one.early[where])
        low, high = (
            (early + middle - down, early + middle + up)
            if learned.is_signed
            else (early * math.exp(middle - down), early * math.exp(middle + up))
        )
        yield Judgement(
            days[int(one.ends[where]) - 1], round(float(one.late[where]), 1), round(early, 1), round(low, 1), round(high, 1),
            round(score, 2), round(min(near, 1 - 1 / (len(past) + 1)), 4), kind, int(teaches.sum()), one.window,
        )  # fmt: skip


def _compared(raw: Array, teaches: Mask, learned: Learned, days: Sequence[date]) -> Iterator[_Compared]:
    """The windows that are looked at; what teaches nothing is left out of both sides."""
    season = learned.season[np.array([day.weekday() for day in days])]
    seen = np.where(teaches, raw - season if learned.is_signed else raw, 0.0)
    weight = np.where(teaches, 1.0 if learned.is_signed else season, 0.0)
    sums, weights = (np.concatenate([[0.0], np.cumsum(one)]) for one in (seen, weight))
    slow = levels(learned.flat, SLOW)

    def mean(ends: npt.NDArray[np.int64], span: int) -> Array:
        """Rows a day of the days before each end; NaN where fewer than half of them are known."""
        heavy = weights[ends] - weights[ends - span]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(heavy >= span / 2, (sums[ends] - sums[ends - span]) / heavy, math.nan)

    first = SLOPE_DAYS + 2 * SLOPE_GAP_DAYS
    ends = np.arange(first, len(raw) + 1, dtype=np.int64)
    for span in LEVEL_WINDOWS:
        yield _Compared(span, ends, mean(ends, span), slow[ends - span - 1], 2 * span)
    begin = ends - SLOPE_DAYS - SLOPE_GAP_DAYS
    yield _Compared(SLOPE_DAYS, ends, mean(ends, SLOPE_DAYS), mean(begin, SLOPE_GAP_DAYS), 2 * SLOPE_GAP_DAYS)


def _least(one: _Compared) -> float:
    """Half a row in the whole window, so that none is a number too."""
    return 0.5 / one.window


def _smallest(one: _Compared, learned: Learned) -> float:
    """The width that chance alone gives."""
    if learned.is_signed:
        return learned.spread / math.sqrt(one.window)
    rows = max(float(np.nanmedian(one.early)) * one.window, 0.5)
    return max(math.sqrt(1.2 / rows), 0.02)


def _history(
    days: Sequence[date], counts: Sequence[float | None], holidays: Collection[date], wrong: Collection[date]
) -> tuple[Sequence[date], Array, Mask]:
    """The newest days, their counts (NaN: not known), and which of them may teach."""
    days, counts = days[-HISTORY_DAYS:], counts[-HISTORY_DAYS:]
    raw = np.array([math.nan if value is None else float(value) for value in counts], dtype=np.float64)
    bad = {*wrong, *holidays}
    return days, raw, ~np.isnan(raw) & np.array([day not in bad for day in days], dtype=bool)


def _band(scores: Array, budget: float) -> float:
    """From how many deviations on a day is told of: chance, and this history, went beyond them `budget` times a quarter."""
    from scipy import special  # noqa: PLC0415 - half a second that only a changed release needs

    share = budget / QUARTER
    # A short history knows its own spread less well: Student's distribution has the wider tail that makes up for it.
    chance = float(special.stdtrit(max(len(scores) - 1, 3), 1 - share))
    return max(chance, float(np.quantile(scores, 1 - share)) if len(scores) else chance)


def _day_band(
    learned: Learned, expected: float, weekday: int, bands: tuple[float, float], *, is_holiday: bool
) -> tuple[float, float]:
    low, high = learned.bounds(expected, *bands)
    if learned.is_signed:
        return low, high
    if is_holiday:
        # A holiday may look like the quietest day of the week, or be as quiet as the quietest holiday of the past.
        quiet = expected * min(learned.quiet, float(learned.season.min() / learned.season[weekday]))
        low, _ = learned.bounds(quiet, *bands)
        expected_low = quiet
    else:
        expected_low = expected
    return min(low, (1 - DAY_LEAST) * expected_low), max(high, (1 + DAY_LEAST) * expected)
