"""Whether the newest days of a daily count are what season and trend of the days before let one expect.

Belongs here: numbers in, judgements out. Does not belong here: where the numbers come from and what follows (`volume`).

The weekly season is taken out with STL (statsmodels) of the logarithm (of small counts: of the root, which evens out their
chance). What remains is compared with the median of its last two weeks; how far that comparison is usually off, over the whole
history, is the width of the band. Holidays and days that are marked as wrong teach nothing. Two things are looked for:

    a day      far outside the band: lost, half, doubled
    a slope    the last two weeks lie below, or above, those a month before, by more than such weeks ever did: a slow decline
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

WEEK = 7
BASE_DAYS = 14
BAND = 3.2
"""Half the width of the band, in usual deviations."""
SLOPE_BAND = 3.5
SLOPE_GAP_DAYS = 28
SLOPE_LEAST = 0.15
"""A slope below this share of the level is not told of."""
HISTORY_DAYS = 540
_FLOOR = 0.02
_SMALL_COUNT = 200

Kind = Literal["low", "high", "missing", "decline", "rise"]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judgement:
    """One day: what was counted, what was expected with the band around it, and whether it is a fault.

    `score` is the distance from what was expected in usual deviations; `sureness` (0 to 1) the share of the days of the
    history that were nearer to what was expected of them, so it can be no surer than the history is long.
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

    @property
    def is_fault(self) -> bool:
        return self.kind is not None


@dataclass(frozen=True)
class _Scale:
    """From counts to a scale on which they vary evenly, and back."""

    name: Literal["log", "root", "plain"]

    def there(self, counts: Array) -> Array:
        if self.name == "log":
            return np.asarray(np.log1p(counts))
        return np.asarray(np.sqrt(counts + 0.375)) if self.name == "root" else counts

    def back(self, value: float) -> float:
        if self.name == "log":
            return max(0.0, math.expm1(min(value, 700)))
        return max(0.0, max(value, 0.0) ** 2 - 0.375) if self.name == "root" else value


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
    days, counts = days[-HISTORY_DAYS:], counts[-HISTORY_DAYS:]
    raw = np.array([math.nan if value is None else float(value) for value in counts], dtype=np.float64)
    start = len(days) - newest
    bad = {*wrong, *holidays}
    learn = ~np.isnan(raw) & np.array([day not in bad for day in days], dtype=bool)
    if start < 2 * WEEK or int(learn[:start].sum()) < points:
        return ()
    scale = _scale(raw[:start][learn[:start]])
    values = scale.there(raw) if scale.name != "plain" else raw
    weekday = np.array([day.weekday() for day in days])
    season, learn[:start] = _season(values[:start], learn[:start], weekday[:start])
    flat = values - season[weekday]
    errors = _errors(flat[:start], learn[:start])
    width = _width(errors)
    found = []
    for index in range(start, len(days)):
        if math.isnan(raw[index]):
            continue
        base = _base(flat[:index], learn[:index])
        expected = base + season[weekday[index]]
        off = float(values[index] - expected)
        low, high = BAND * strictness * width, BAND * strictness * width
        if days[index] in holidays:
            # A holiday may look like the quietest day of the week, and as much quieter as holidays of the past were.
            low += float(season[weekday[index]] - season.min()) + _holiday_effect(
                flat[:start], days[:start], holidays, base
            )
        kind = _kind(raw[index], off, low, high, scale.back(expected))
        score = abs(off) / width
        near = float((np.abs(errors) < abs(off)).mean()) if len(errors) else 0.0
        found.append(Judgement(
            days[index], float(raw[index]), round(scale.back(expected), 1), round(scale.back(expected - low), 1),
            round(scale.back(expected + high), 1), round(score, 2), round(min(near, 1 - 1 / (len(errors) + 1)), 4), kind,
            int(learn[:index].sum()),
        ))  # fmt: skip
        if kind is not None or days[index] in holidays:
            learn[index] = False
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
    """Judge the level of the last two weeks against that of the four weeks before the last month; None for a short history."""
    days, counts = days[-HISTORY_DAYS:], counts[-HISTORY_DAYS:]
    raw = np.array([math.nan if value is None else float(value) for value in counts], dtype=np.float64)
    bad = {*wrong, *holidays}
    learn = ~np.isnan(raw) & np.array([day not in bad for day in days], dtype=bool)
    need = BASE_DAYS + 2 * SLOPE_GAP_DAYS
    if int(learn.sum()) < max(points, need + 4 * WEEK) or len(days) < need + 4 * WEEK:
        return None
    scale = _scale(raw[learn])
    values = scale.there(raw) if scale.name != "plain" else raw
    weekday = np.array([day.weekday() for day in days])
    season, learn = _season(values, learn, weekday)
    flat = _filled(values - season[weekday], learn)
    sums = np.concatenate([[0.0], np.cumsum(flat)])
    ends = np.arange(need, len(flat) + 1)
    late = (sums[ends] - sums[ends - BASE_DAYS]) / BASE_DAYS
    begin = ends - BASE_DAYS - SLOPE_GAP_DAYS
    early = (sums[begin] - sums[begin - SLOPE_GAP_DAYS + BASE_DAYS]) / (SLOPE_GAP_DAYS - BASE_DAYS)
    contrast = late - early
    past = contrast[: -2 * SLOPE_GAP_DAYS] if len(contrast) > 4 * SLOPE_GAP_DAYS else contrast[:-BASE_DAYS]
    if len(past) < 2 * WEEK:
        return None
    width = max(1.4826 * float(np.median(np.abs(past - np.median(past)))), _FLOOR)
    off = float(contrast[-1] - np.median(past))
    now, before = scale.back(float(late[-1])), scale.back(float(early[-1]))
    change = abs(now - before) / before if before > 0 else 0.0
    is_fault = (
        abs(off) > SLOPE_BAND * strictness * width and change >= SLOPE_LEAST and abs(off) > float(np.abs(past).max())
    )
    kind: Kind | None = ("decline" if off < 0 else "rise") if is_fault else None
    half = SLOPE_BAND * strictness * width
    near = float((np.abs(past) < abs(off)).mean())
    return Judgement(
        days[-1], round(now, 1), round(before, 1), round(scale.back(float(early[-1]) - half), 1),
        round(scale.back(float(early[-1]) + half), 1), round(abs(off) / width, 2),
        round(min(near, 1 - 1 / (len(past) + 1)), 4), kind, int(learn.sum()),
    )  # fmt: skip


def _kind(count: float, off: float, low: float, high: float, expected: float) -> Kind | None:
    if off < -low:
        return "missing" if count == 0 and expected >= 1 else "low"
    return "high" if off > high else None


def _scale(known: Array) -> _Scale:
    if len(known) and float(known.min()) < 0:
        return _Scale("plain")
    return _Scale("log" if len(known) and float(np.median(known)) >= _SMALL_COUNT else "root")


def _season(
    values: Array, learn: npt.NDArray[np.bool_], weekday: npt.NDArray[np.int64]
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """What each weekday adds now (Monday first), and which days taught it: outliers are left out in a second pass."""
    season = np.zeros(WEEK)
    for _ in range(2):
        known = int(learn.sum())
        season = _stl_season(_filled_by_weekday(values, learn, weekday), weekday)
        flat = values - season[weekday]
        errors = _rolling_errors(flat, learn)
        width = _width(errors[~np.isnan(errors)])
        with np.errstate(invalid="ignore"):
            learn = learn & ~(np.abs(errors) > 1.5 * BAND * width)
        if int(learn.sum()) == known:
            break
    return season, learn


def _stl_season(values: Array, weekday: npt.NDArray[np.int64]) -> Array:
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415 - a second that only a changed release needs

    # The jumps work out every third point and draw lines between them: four times as fast, and no other answer.
    jumps = {"seasonal_jump": 3, "trend_jump": 3, "low_pass_jump": 3}
    fitted = STL(values, period=WEEK, seasonal=29, trend=29, robust=False, **jumps).fit()
    last = np.asarray(fitted.seasonal)[-WEEK:]
    season = np.zeros(WEEK)
    season[weekday[-WEEK:]] = last
    return season


def _filled_by_weekday(values: Array, learn: npt.NDArray[np.bool_], weekday: npt.NDArray[np.int64]) -> Array:
    """Days that teach nothing get the value of the nearest same weekday that does."""
    filled = values.copy()
    for name in range(WEEK):
        mine = np.flatnonzero(weekday == name)
        known = mine[learn[mine]]
        if len(known):
            filled[mine] = np.interp(mine, known, values[known])
        elif learn.any():
            filled[mine] = float(np.median(values[learn]))
    return filled


def _filled(flat: Array, learn: npt.NDArray[np.bool_]) -> Array:
    known = np.flatnonzero(learn)
    return np.asarray(np.interp(np.arange(len(flat)), known, flat[known]))


def _rolling_errors(flat: Array, learn: npt.NDArray[np.bool_]) -> Array:
    """How far each day is from the median of the two weeks before it; NaN where that cannot be said."""
    errors = np.full(len(flat), math.nan)
    if len(flat) <= BASE_DAYS:
        return errors
    masked = np.where(learn, flat, math.nan)
    windows = np.lib.stride_tricks.sliding_window_view(masked[:-1], BASE_DAYS)
    enough = (~np.isnan(windows)).sum(axis=1) >= BASE_DAYS // 2
    base = np.full(len(windows), math.nan)
    base[enough] = np.nanmedian(windows[enough], axis=1)
    errors[BASE_DAYS:] = masked[BASE_DAYS:] - base
    return errors


def _errors(flat: Array, learn: npt.NDArray[np.bool_]) -> Array:
    errors = _rolling_errors(flat, learn)
    return errors[~np.isnan(errors)]


def _width(errors: Array) -> float:
    """The usual deviation: from the middle of the errors, and no less than their tail asks for."""
    if not len(errors):
        return 1.0
    middle = 1.4826 * float(np.median(np.abs(errors)))
    tail = float(np.quantile(np.abs(errors), 0.99)) / 3.0
    return max(middle, tail, _FLOOR)


def _base(flat: Array, learn: npt.NDArray[np.bool_]) -> float:
    known = flat[learn][-BASE_DAYS:]
    return float(np.median(known))


def _holiday_effect(flat: Array, days: Sequence[date], holidays: Collection[date], base: float) -> float:
    """How far below the usual level the quietest holiday of the past lay, on the flat scale; 0 without one."""
    past = [base - value for value, day in zip(flat, days, strict=True) if day in holidays and not math.isnan(value)]
    return max(0.0, *past) if past else 0.0
