"""How right the machine is when it is so sure: pure functions of past decisions.

Belongs here: calibrated confidence, bounds, the threshold above which a stated precision is proved, and when audits say that
it no longer holds. Does not belong here: looking decisions up and acting on it (`automatic`).

The threshold is found by testing a family of candidates so that the chance of any false proof stays below what was asked for:
several walks from high to low confidence, each stopping at the first candidate that is not proved (fixed-sequence testing with
several starts, as in Angelopoulos et al., "Learn then Test", 2021), the error probability shared out between the walks. Where
candidates lie depends on confidences only, never on who was right. Measuring again and again is paid for as well: the k-th
measurement may spend 6 / (pi^2 k^2) of the error probability, which adds up to the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

STARTS = 4
GROWTH = 1.1
"""Each candidate takes in at least a tenth more samples than the one before."""


@dataclass(frozen=True)
class Sample:
    """One suggestion that a person has judged without knowing what the machine would have done.

    `is_audit`: it was sure enough to be accepted without a person, and was drawn for one all the same.
    """

    confidence: float
    is_right: bool
    decision_id: int
    is_audit: bool = False


@dataclass(frozen=True)
class Curve:
    """Calibrated confidence: what share of suggestions that sure were right. Never falls as confidence grows."""

    confidences: tuple[float, ...]
    shares: tuple[float, ...]

    def __call__(self, confidence: float) -> float:
        """The share at a confidence, between the nearest ones that were seen."""
        return float(np.interp(confidence, self.confidences, self.shares))


@dataclass(frozen=True)
class Threshold:
    """From this confidence on, `right` of `samples` were right, and the true share is proved to be at least `bound`."""

    confidence: float
    samples: int
    right: int
    bound: float


@dataclass(frozen=True)
class Bin:
    """Suggestions between two confidences: how sure the machine was on average, and what share of them was right."""

    low: float
    high: float
    samples: int
    mean_confidence: float
    right_share: float


def curve(samples: Sequence[Sample]) -> Curve | None:
    """Isotonic regression of being right on confidence (scipy); None without samples."""
    if not samples:
        return None
    levels, where = np.unique([item.confidence for item in samples], return_inverse=True)
    right = np.asarray([item.is_right for item in samples], dtype=float)
    counts = np.bincount(where)
    fitted = optimize.isotonic_regression(np.bincount(where, weights=right) / counts, weights=counts)
    return Curve(tuple(map(float, levels)), tuple(map(float, fitted.x)))


def bins(samples: Sequence[Sample], count: int = 10) -> tuple[Bin, ...]:
    """The reliability table: equal steps of confidence, those without samples left out."""
    found = []
    for step in range(count):
        low, high = step / count, (step + 1) / count
        mine = [s for s in samples if low <= s.confidence < high or (step == count - 1 and s.confidence == high)]
        if mine:
            mean = sum(s.confidence for s in mine) / len(mine)
            found.append(Bin(low, high, len(mine), round(mean, 4), round(sum(s.is_right for s in mine) / len(mine), 4)))
    return tuple(found)


def brier(samples: Sequence[Sample]) -> float | None:
    """Brier's score: the mean squared distance between confidence and outcome; 0 is perfect."""
    if not samples:
        return None
    return float(np.mean([(item.confidence - item.is_right) ** 2 for item in samples]))


def lower_bound(right: int, samples: int, error: float) -> float:
    """Clopper and Pearson's one-sided lower bound of a share, wrong with at most the probability `error`."""
    if right <= 0:
        return 0.0
    return float(stats.beta.ppf(error, right, samples - right + 1))


def error_of(measurement: int, confidence: float) -> float:
    """The error probability that the k-th measurement (from 1) may spend, of the `1 - confidence` there is in all."""
    return (1 - confidence) * 6 / (math.pi**2 * measurement**2)


def fewest(precision: float, error: float) -> int:
    """How many samples, all of them right, it takes to prove a precision."""
    return math.ceil(math.log(error) / math.log(precision))


def threshold(samples: Sequence[Sample], precision: float, error: float) -> Threshold | None:
    """The lowest confidence from which on the precision is proved; None where there is none.

    The probability that a threshold is given whose true precision is lower is at most `error`, for suggestions that come as those
    of the samples came.
    """
    ranked = sorted(samples, key=lambda item: (-item.confidence, item.decision_id))
    ends = [n for n in range(1, len(ranked) + 1) if n == len(ranked) or ranked[n].confidence < ranked[n - 1].confidence]
    rights = np.concatenate([[0], np.cumsum([item.is_right for item in ranked], dtype=int)])
    share = error / STARTS
    needed = fewest(precision, share)
    best: Threshold | None = None
    for start in range(STARTS):
        wanted = max(math.ceil(len(ranked) / 2**start), needed)
        for end in _walk(ends, wanted):
            right = int(rights[end])
            bound = lower_bound(right, end, share)
            if bound < precision:
                break
            found = Threshold(ranked[end - 1].confidence, end, right, bound)
            best = found if best is None or found.samples > best.samples else best
        if wanted == needed:
            break
    return best


def _walk(ends: Sequence[int], wanted: int) -> list[int]:
    """Numbers of samples to test in turn: the first end that has `wanted`, then each that has a tenth more."""
    found: list[int] = []
    for end in ends:
        if end >= wanted:
            found.append(end)
            wanted = math.ceil(end * GROWTH)
    return found


def falls_short(audits: Sequence[Sample], precision: float, confidence: float) -> bool:
    """Whether audits speak against the precision: so many wrong ones would be seen by chance with at most `1 - confidence`.

    Asked after every audit, so it rather stops too early than too late.
    """
    wrong = sum(not item.is_right for item in audits)
    return wrong > 0 and float(stats.binom.sf(wrong - 1, len(audits), 1 - precision)) < 1 - confidence
