"""How long residents waited, by month, place and type, in bins from which any selection's quantiles can be estimated.

Belongs here: the bins, counting into them, and the estimate that a reader makes from them. Does not belong here: which waits
count; `WAITED` below says the rules of `models/time_to_close.sql` once more, and a test holds both together.

Bin i counts waits in (edges[i-1], edges[i]]; bin 0 those up to the first edge, the last bin those above the last edge. An
edge is 2^(1/4) times the one before, rounded to whole seconds, from a quarter of an hour up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGES_SECONDS = np.array([round(900 * 2 ** (step / 4)) for step in range(79)], dtype=np.int64)
EDGES_HOURS = EDGES_SECONDS / 3600.0

UNTIL = (
    "SELECT source_dataset, max(greatest(created_at, COALESCE(updated_at, created_at), COALESCE(closed_at, "
    "created_at))) AS until_at "
    "FROM requests GROUP BY source_dataset"
)
"""The moment until which open requests of a source were watched."""
_SECONDS = "(epoch_us({later}) // 1000000 - epoch_us(r.created_at) // 1000000)"
WAITED = (
    f"CASE WHEN r.is_closed THEN CASE WHEN r.hours_to_close IS NOT NULL THEN {_SECONDS.format(later='r.closed_at')} END "
    f"WHEN r.is_open THEN {_SECONDS.format(later='w.until_at')} "
    f"WHEN r.is_open IS NOT NULL AND r.closed_at >= r.created_at THEN {_SECONDS.format(later='r.closed_at')} END"
)
"""Seconds that a request of `requests AS r` waited, or was watched waiting (`w` is `UNTIL`); null where that is not known."""


@dataclass(frozen=True)
class WaitCells:
    """Counts of one month, sorted by place, type and bin: arrays of equal length."""

    place: NDArray[Any]
    type: NDArray[Any]
    bin: NDArray[Any]
    closed: NDArray[Any]
    censored: NDArray[Any]


def count_waits(
    place: NDArray[np.int64], kind_type: NDArray[np.int64], seconds: NDArray[np.int64], closed: NDArray[np.bool_]
) -> WaitCells:
    """Count the waits of one month; one element per resident request with a known wait."""
    bins = np.searchsorted(EDGES_SECONDS, seconds, side="left")
    keys = (place << 16) | (kind_type << 8) | bins
    unique, where = np.unique(keys, return_inverse=True)
    every = np.bincount(where, minlength=len(unique))
    done = np.bincount(where[closed], minlength=len(unique))
    return WaitCells(
        (unique >> 16).astype("<u2"),
        ((unique >> 8) & 255).astype("<u1"),
        (unique & 255).astype("<u1"),
        done.astype("<u4"),
        (every - done).astype("<u4"),
    )


def binned_quantile(closed: Sequence[int], censored: Sequence[int], share: float) -> float | None:
    """Hours within which `share` of the requests were closed, from counts by bin; `None` when that share was not reached.

    Kaplan-Meier over the bins: in each the share still waiting falls by the factor 1 - closed / waiting, where those who
    stopped being watched in the bin count half (they were watched for half of it, on average). Inside the bin that crosses
    the share, hours grow geometrically. This is what the map computes.
    """
    waiting, still, wanted = float(sum(closed) + sum(censored)), 1.0, 1.0 - share
    for number, (done, left) in enumerate(zip(closed, censored, strict=True)):
        if done:
            after = still * (1.0 - done / max(waiting - left / 2, done))
            if after <= wanted + 1e-9:
                return _inside(number, min(1.0, (still - wanted) / (still - after)))
            still = after
        waiting -= done + left
    return None


def _inside(number: int, part: float) -> float:
    """The hours at a part (0 to 1) of a bin. The first bin begins at half its edge, and the last ends where it begins."""
    upper = EDGES_HOURS[min(number, len(EDGES_HOURS) - 1)]
    lower = EDGES_HOURS[number - 1] if number else upper / 2
    return float(lower * (upper / lower) ** part)
