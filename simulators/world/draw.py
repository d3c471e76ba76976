"""Drawing requests: which type, from where, when closed. What both 311 systems share.

Belongs here: random draws that do not depend on a system's column layout. Does not belong here: columns (`legacy`,
`cases`) and planted anomalies (`anomalies`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.world.arrow import Array, pa
from simulators.world.clock import Times, clear_of_clock_changes
from simulators.world.coded import blank, coded
from simulators.world.places import NOWHERE, POOL_SIZE, Places, council_lookup
from simulators.world.vocabulary import Kind311

Ints = NDArray[np.int64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Draw:
    """`n` requests in order of creation: type index, source text, place index, creation and closing (NaT = open)."""

    kind: Ints
    source: Array
    place: Ints
    created: Times
    closed: Times


def pick(rng: Rng, n: int, weights: Sequence[float]) -> Ints:
    """`n` indexes drawn with the given weights (they need not sum to one)."""
    cumulative = np.cumsum(weights)
    index: Ints = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right").clip(0, len(weights) - 1)
    return index


def choose(rng: Rng, n: int, options: Mapping[str, float] | Sequence[tuple[str, float]]) -> Array:
    """`n` texts drawn from texts with weights."""
    pairs = list(options.items()) if isinstance(options, Mapping) else list(options)
    return pa.array([k for k, _ in pairs], pa.string()).take(pa.array(pick(rng, n, [w for _, w in pairs])))


def seconds(days: Any) -> NDArray[np.timedelta64]:
    """Days (float) as whole seconds."""
    return (np.asarray(days) * 86_400).astype(np.int64).astype("timedelta64[s]")


def _durations(rng: Rng, kinds: Sequence[Kind311], kind: Ints, crew: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Days from creation to closing, NaN where a request is never closed. Crews mostly log work already done."""
    n = len(kind)
    at_once, median, sigma, never = (
        np.array(x)[kind] for x in zip(*((k.days[0], k.days[1], k.days[2], k.never_closed) for k in kinds), strict=True)
    )
    crew_done = crew & (rng.random(n) < 0.88)
    immediate = (rng.random(n) < at_once * 0.2) | crew_done | (at_once >= 0.9)
    days = median * np.exp(sigma * rng.standard_normal(n))
    days = np.where(immediate, np.where(rng.random(n) < 0.7, 0.0, 50 / 86_400 * rng.random(n)), days)
    days = days.clip(0.0, 540.0)
    days[rng.random(n) < never] = np.nan
    return days


def draw(rng: Rng, kinds: Sequence[Kind311], rare: Sequence[str], created: Times, until: np.datetime64) -> Draw:
    """Draw one request per creation time; those that would close after `until` are still open."""
    n = len(created)
    kind = pick(rng, n, [k.share for k in kinds])
    every = sorted({s for k in kinds for s in k.sources} | set(rare))
    index = np.zeros(n, dtype=np.int64)
    for number, k in enumerate(kinds):
        rows = np.flatnonzero(kind == number)
        local = np.array([every.index(s) for s in k.sources])
        index[rows] = local[pick(rng, len(rows), list(k.sources.values()))]
    odd = np.flatnonzero(rng.random(n) < 0.0012)
    index[odd] = np.array([every.index(s) for s in rare])[pick(rng, len(odd), [1 / (i + 1) for i in range(len(rare))])]
    crew = np.isin(index, [i for i, s in enumerate(every) if s.startswith("Driver")])
    # Some addresses call far more often than others.
    place = (POOL_SIZE * rng.random(n) ** 1.6).astype(np.int64)
    days = _durations(rng, kinds, kind, crew)
    closed = created + seconds(np.nan_to_num(days))
    closed = clear_of_clock_changes(closed)
    closed[np.isnan(days) | (closed > until)] = np.datetime64("NaT")
    return Draw(kind, pa.array(every, pa.string()).take(pa.array(index)), place, created, closed)


def updated_times(rng: Rng, drawn: Draw, until: np.datetime64, early: NDArray[np.bool_]) -> Times:
    """When each row was last touched: mostly at closing, sometimes later, where `early` a little before."""
    n = len(drawn.created)
    base = np.where(np.isnat(drawn.closed), drawn.created + seconds(rng.exponential(2.0, n)), drawn.closed)
    late = rng.random(n) < 0.42
    base = base + seconds(np.where(late, rng.exponential(1.2, n), 0.0))
    before = early & (rng.random(n) < 0.017) & ~np.isnat(drawn.closed)
    base = base - np.where(before, 30, 0).astype("timedelta64[s]")
    base = np.minimum(base, np.maximum(until, drawn.created))
    return clear_of_clock_changes(base)


def ascending_numbers(rng: Rng, n: int, start: int, span: int, step: int) -> Ints:
    """`n` strictly ascending numbers from `start` on, spread over about `span`, multiples of `step` apart."""
    most = max(2, 2 * span // (step * max(n, 1)))
    numbers: Ints = start + step * np.cumsum(rng.integers(1, most + 1 if most > 2 else 2, n))
    return numbers


def place_columns(places: Places, drawn: Draw, seed: int, year: int, plan: str) -> dict[str, Any]:
    """Columns that follow from the place: address parts, grid, areas, council code and name, district number.

    `_letter`, `_second` are the council(s) by our polygons, `_source` the council the source names (index into LETTERS).
    """
    out: dict[str, Any] = {name: coded(values, drawn.place) for name, values in places.columns.items()}
    lookup = council_lookup(seed, year)
    source = places.source_letter[drawn.place]
    out["_letter"] = places.letter[drawn.place]
    out["_second"] = places.second_letter[drawn.place]
    out["_source"] = lookup["letter"][source]
    out["_district"] = places.district[plan][drawn.place]
    code = lookup["code"][source]
    out["NC"] = blank(pa.array(code), source == NOWHERE)
    out["NCName"] = coded(lookup["name"], np.where(source == NOWHERE, 0, source), source == NOWHERE)
    out["CD"] = pa.array(out["_district"])
    out["Latitude"] = places.lat[drawn.place]
    out["Longitude"] = places.lon[drawn.place]
    return out
