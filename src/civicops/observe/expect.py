"""What a daily count may be expected to be: season, level and how far days are usually off.

Belongs here: learning these three from a history. Does not belong here: judging the newest days (`detect`).

    expected = level x what the weekday adds       counts; of differences, which may be negative: level + what it adds

The weekday's share is a quotient of sums (what Poisson counts ask for: a weekday with few rows is not divided by), newer weeks
counting more. The level is an exponential mean whose memory is the one that would have foretold this history best. Counts spread
as a negative binomial does: chance of its own (Poisson) and a share on top, taken from the errors of the history without their
extremes. Differences spread as a normal distribution. Holidays and days known to be wrong teach nothing; what lies far out is
drawn in before it teaches.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

WEEK = 7
HALF_LIFE_WEEKS = 10.0
"""After so many weeks a day counts half as much for what weekdays add."""
MEMORIES = (0.05, 0.1, 0.2, 0.35, 0.5)
"""Weights of the newest day that are tried for the level: from three weeks' memory to two days'."""
SLOW = 0.06
"""The weight of the level that weeks are compared with."""
WARM_UP_DAYS = 28
QUIET_HOLIDAY = 0.5
"""The share of an ordinary day that a holiday may have before any holiday was seen."""
_TRIMMED, _TRIMMED_SHARE = 0.98, 0.8735
"""Errors beyond this quantile teach nothing of the spread; of a normal distribution the rest has this share of the variance."""
_FAR = 3.5
_ROUND = 15

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Learned:
    """What a history taught. Days that could not be foretold, and those that teach nothing, are False in `usable`."""

    is_signed: bool
    season: Array
    """What each weekday adds, Monday first: a factor around 1, of differences a summand around 0."""
    flat: Array
    """The history without its season and its extremes."""
    memory: float
    level: float
    """The level after the last day."""
    spread: float
    """Counts: the deviation beyond chance as a share. Differences: the deviation."""
    foretold: Array
    """What each day would have been expected to be, from those before it."""
    usable: Mask
    low_scores: Array
    high_scores: Array
    """Of each usable day: how far below and above what was expected it was, as a normal distribution's deviations."""
    quiet: float
    """The lowest share of an ordinary day that a holiday of the history had, at most `QUIET_HOLIDAY`."""

    def expected(self, level: float, weekday: int) -> float:
        """What a weekday is expected to bring at a level."""
        added = float(self.season[weekday])
        return level + added if self.is_signed else max(level, 0.0) * added

    def flattened(self, count: float, weekday: int) -> float:
        """A count without what its weekday adds."""
        return float(count - self.season[weekday] if self.is_signed else count / self.season[weekday])

    def scores(self, counts: Array, expected: Array) -> tuple[Array, Array]:
        """How far below, and above, what was expected some counts are (`low_scores`)."""
        from scipy import stats  # noqa: PLC0415 - half a second that only a changed release needs

        if self.is_signed:
            far = (counts - expected) / max(self.spread, 1e-9)
            return -far, far
        many, chance = _binomial(expected, self.spread)
        below = stats.nbinom.cdf(counts, many, chance)
        above = stats.nbinom.sf(counts - 1, many, chance)
        return _deviations(below), _deviations(above)

    def bounds(self, expected: float, low: float, high: float) -> tuple[float, float]:
        """The smallest and the largest count that are no further out than so many deviations."""
        from scipy import stats  # noqa: PLC0415 - see above

        if self.is_signed:
            return expected - low * self.spread, expected + high * self.spread
        many, chance = _binomial(np.array([expected]), self.spread)
        below = float(stats.nbinom.ppf(stats.norm.sf(low), many, chance)[0])
        return below, float(stats.nbinom.isf(stats.norm.sf(high), many, chance)[0])


def learn(days: Sequence[date], counts: Array, teaches: Mask, holidays: Collection[date] = ()) -> Learned:
    """Learn from a history; `teaches` is False for days that are unknown, wrong, or holidays. At least 14 days must teach."""
    from scipy import ndimage  # noqa: PLC0415 - see above

    weekday = np.array([day.weekday() for day in days])
    known = np.flatnonzero(teaches)
    is_signed = bool(counts[known].min() < 0)
    season = np.zeros(WEEK) if is_signed else np.ones(WEEK)
    flat = counts
    for _ in range(3):
        flat = np.interp(np.arange(len(days)), known, _without(counts[known], season[weekday[known]], is_signed))
        middle = ndimage.median_filter(flat, _ROUND, mode="nearest")
        far = _FAR * max(1.4826 * float(np.median(np.abs(flat - middle))), _chance(flat, is_signed))
        flat = np.clip(flat, middle - far if is_signed else np.maximum(middle - far, 0.0), middle + far)
        level = ndimage.uniform_filter1d(flat, _ROUND, mode="nearest")
        season = _season(_with(flat, season[weekday], is_signed), level, teaches, weekday, is_signed)
    flat = np.interp(np.arange(len(days)), known, _without(counts[known], season[weekday[known]], is_signed))
    flat = np.clip(flat, middle - far if is_signed else np.maximum(middle - far, 0.0), middle + far)
    usable = teaches.copy()
    usable[: min(WARM_UP_DAYS, len(days) // 3)] = False
    memory, foretold = _memory(counts, flat, season[weekday], usable, is_signed)
    spread = _spread(counts[usable], foretold[usable], is_signed)
    empty = np.zeros(0)
    found = Learned(
        is_signed, season, flat, memory, float(levels(flat, memory)[-1]), spread, foretold, usable, empty, empty,
        _quiet(days, counts, foretold, holidays),
    )  # fmt: skip
    low, high = found.scores(counts[usable], foretold[usable])
    return Learned(**{**found.__dict__, "low_scores": low, "high_scores": high})


def levels(flat: Array, memory: float) -> Array:
    """The exponential mean after each day."""
    from scipy import signal  # noqa: PLC0415 - see above

    first = float(np.mean(flat[: 2 * WEEK]))
    found, _ = signal.lfilter([memory], [1, memory - 1], flat, zi=[(1 - memory) * first])
    return np.asarray(found)


def _memory(counts: Array, flat: Array, added: Array, usable: Mask, is_signed: bool) -> tuple[float, Array]:
    """The memory that foretells best, by the errors without their largest twentieth, and what it foretold."""
    best = (math.inf, MEMORIES[0], counts)
    for memory in MEMORIES:
        after = levels(flat, memory)
        foretold = _with(np.concatenate([after[:1], after[:-1]]), added, is_signed)
        errors = (
            np.abs(counts[usable] - foretold[usable])
            if is_signed
            else np.abs(np.sqrt(counts[usable]) - np.sqrt(np.maximum(foretold[usable], 0)))
        )
        loss = float(np.mean(np.minimum(errors, np.quantile(errors, 0.95))))
        if loss < best[0]:
            best = (loss, memory, foretold)
    return best[1], best[2]


def _season(values: Array, level: Array, teaches: Mask, weekday: npt.NDArray[np.int64], is_signed: bool) -> Array:
    weight = 0.5 ** ((len(values) - np.arange(len(values))) / (WEEK * HALF_LIFE_WEEKS)) * teaches
    if is_signed:
        added = np.bincount(weekday, weight * (values - level), WEEK)
        found = added / np.maximum(np.bincount(weekday, weight, WEEK), 1e-9)
        return np.asarray(found - found.mean())
    share = (np.bincount(weekday, weight * values, WEEK) + 0.5) / (np.bincount(weekday, weight * level, WEEK) + 0.5)
    return np.asarray(np.maximum(share / share.mean(), 0.02))


def _spread(counts: Array, foretold: Array, is_signed: bool) -> float:
    """From the squares of the errors, without their largest fiftieth."""
    squares = (counts - foretold) ** 2
    if is_signed:
        kept = squares[squares <= np.quantile(squares, _TRIMMED)]
        return max(math.sqrt(float(kept.mean()) / _TRIMMED_SHARE), 1e-9)
    expected = np.maximum(foretold, 0.05)
    relative = squares / expected
    kept_too = relative <= np.quantile(relative, _TRIMMED)
    beyond = float(squares[kept_too].sum()) / _TRIMMED_SHARE - float(expected[kept_too].sum())
    return math.sqrt(max(0.0, beyond / float((expected[kept_too] ** 2).sum())))


def _quiet(days: Sequence[date], counts: Array, foretold: Array, holidays: Collection[date]) -> float:
    seen = [
        count / max(expected, 0.1)
        for day, count, expected in zip(
            days[WARM_UP_DAYS:], counts[WARM_UP_DAYS:], foretold[WARM_UP_DAYS:], strict=True
        )
        if day in holidays and not math.isnan(count)
    ]
    return float(min([QUIET_HOLIDAY, *seen]))


def _binomial(expected: Array, spread: float) -> tuple[float, Array]:
    """A negative binomial with this mean and variance mean + (spread x mean)^2, in scipy's terms."""
    many = 1 / max(spread * spread, 1e-6)
    return many, many / (many + np.maximum(expected, 1e-3))


def _deviations(chance: Array) -> Array:
    from scipy import special  # noqa: PLC0415 - see above

    return np.asarray(-special.ndtri(np.clip(chance, 1e-300, 1 - 1e-9)))


def _chance(flat: Array, is_signed: bool) -> float:
    return 1e-9 if is_signed else math.sqrt(max(float(np.mean(flat)), 0.01))


def _without(values: Array, added: Array, is_signed: bool) -> Array:
    return values - added if is_signed else values / added


def _with(values: Array, added: Array, is_signed: bool) -> Array:
    return values + added if is_signed else values * added
