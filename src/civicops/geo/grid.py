"""The cell grid behind `PlaceIndex`: which areas a cell meets, found by drawing every edge onto a fine grid.

Belongs here: arithmetic on cells, edges and sets of areas, all of it vectorised, none of it knowing what an area stands
for. Does not belong here: answering points (`place.py`), reading files (`boundaries.py`).

How it stays exact. A coordinate x becomes the cell coordinate fl(fl(x - x0) * s). Each of the two roundings has a
relative error of at most 2**-53, so for up to 2**15 cells the result is within 1e-11 of a cell of the true value,
whatever the magnitude of x. Every edge is drawn `MARGIN` (1e-6 of a cell) fatter than it is, hence a point whose
computed cell was not drawn on is on the same side of every edge as the middle of that cell, and the middle was
decided by counting crossings. Cells that were drawn on are never decided here: each keeps the list of areas whose
edge meets it, and the point is put to shapely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

MARGIN = 1e-6
NOWHERE = -1
# Values of the tables: >= 0 is the one area that holds the whole cell, NOWHERE is no area; anything lower is a case
# (see `Case`), and in the coarse table what is lower still is a block of fine cells.
FIRST_CASE = -2


@dataclass(frozen=True)
class Case:
    """A cell without a single answer: the areas that hold all of it, and those to be asked point by point."""

    certain: tuple[int, ...]
    asked: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """A two-level grid. Cells of the coarse table that meet an edge point to a block of `fine` x `fine` cells.

    `x_scale` and `y_scale` are coarse cells per unit of the coordinate; multiplying them by `fine`, a power of two, is
    exact, so that a point's fine cell always lies in its coarse cell. The outermost ring of coarse cells is outside
    every area, so coordinates can be clipped into the grid instead of masked.
    """

    x_origin: float
    y_origin: float
    x_scale: float
    y_scale: float
    coarse: int
    fine: int
    coarse_table: NDArray[np.int32]  # coarse * coarse values, row by row
    fine_table: NDArray[np.int32]  # blocks * fine * fine values
    cases: tuple[Case, ...]

    @property
    def first_block(self) -> int:
        """The coarse value of block 0; block b has the value `first_block - b`."""
        return FIRST_CASE - len(self.cases)


@dataclass(frozen=True)
class _Edges:
    """Edges in fine-cell coordinates, and the number of the area each belongs to."""

    u1: NDArray[np.float64]
    v1: NDArray[np.float64]
    u2: NDArray[np.float64]
    v2: NDArray[np.float64]
    area: NDArray[np.int64]


@dataclass(frozen=True)
class _States:
    """Along the middle of every row of fine cells: behind each crossing, the set of areas one is in.

    `keys` are the cells (row * width + column) of the crossings, ascending; `after[i]` is the number of the set that
    holds once `i` crossings are passed; `sets[n]` is that set.
    """

    keys: NDArray[np.int64]
    after: NDArray[np.int64]
    sets: tuple[frozenset[int], ...]

    def at(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the set that holds in each cell, provided that nothing crosses inside the cell itself."""
        return self.after[np.searchsorted(self.keys, cells, side="left")]


def build_grid(geometries: Sequence[BaseGeometry], *, coarse: int, fine: int) -> Grid:
    """Draw valid polygons onto `coarse` x `coarse` cells, each split into `fine` x `fine` where an edge passes.

    `fine` must be a power of two, `coarse` at least 4. With no area at all every cell is outside.
    """
    bounds = shapely.total_bounds(np.asarray(geometries, dtype=object)) if len(geometries) else np.zeros(4)
    x_origin, x_scale = _axis(float(bounds[0]), float(bounds[2]), coarse)
    y_origin, y_scale = _axis(float(bounds[1]), float(bounds[3]), coarse)
    edges = _edges(geometries, (x_origin, y_origin), (x_scale * fine, y_scale * fine))
    width = coarse * fine
    drawn_cell, drawn_area = _draw(edges, width, len(geometries))
    states = _states(edges, width, len(geometries))

    cells, asked_number, asked_sets = _asked(drawn_cell, drawn_area, len(geometries))
    block_of = (cells // width // fine) * coarse + (cells % width) // fine
    blocks, block_index = np.unique(block_of, return_inverse=True)
    inner = (cells // width % fine) * fine + cells % fine
    fine_state = _fine_states(states, blocks, coarse=coarse, fine=fine)
    drawn_at = block_index * fine * fine + inner

    book = _CaseBook()
    value_of_state = np.array([book.value(held, frozenset()) for held in states.sets], dtype=np.int32)
    fine_table = value_of_state[fine_state]
    pair = fine_state[drawn_at].astype(np.int64) * len(asked_sets) + asked_number
    pairs, pair_index = np.unique(pair, return_inverse=True)
    value_of_pair = np.array(
        [book.value(states.sets[int(p) // len(asked_sets)], asked_sets[int(p) % len(asked_sets)]) for p in pairs],
        dtype=np.int32,
    )
    if len(cells):
        fine_table[drawn_at] = value_of_pair[pair_index]

    rows, columns = np.arange(coarse, dtype=np.int64), np.arange(coarse, dtype=np.int64)
    middles = (rows * fine + fine // 2)[:, None] * width + columns[None, :] * fine
    coarse_table = value_of_state[states.at(middles.ravel())]
    coarse_table[blocks] = FIRST_CASE - len(book.cases) - np.arange(len(blocks), dtype=np.int32)
    return Grid(
        x_origin=x_origin,
        y_origin=y_origin,
        x_scale=x_scale,
        y_scale=y_scale,
        coarse=coarse,
        fine=fine,
        coarse_table=coarse_table,
        fine_table=fine_table,
        cases=tuple(book.cases),
    )


class _CaseBook:
    """Numbers the distinct cases in the order they are met, and turns a set of areas into a table value."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._number: dict[Case, int] = {}

    def value(self, held: frozenset[int], asked: frozenset[int]) -> int:
        certain = held - asked
        if not asked and len(certain) <= 1:
            return next(iter(certain), NOWHERE)
        case = Case(tuple(sorted(certain)), tuple(sorted(asked)))
        if case not in self._number:
            self._number[case] = len(self.cases)
            self.cases.append(case)
        return FIRST_CASE - self._number[case]


def _axis(low: float, high: float, coarse: int) -> tuple[float, float]:
    """Origin and scale (coarse cells per unit) that leave one free cell and a bit on each side of [low, high]."""
    # A cell must be many steps of the floating-point numbers wide, or the free cells vanish in rounding.
    step = float(np.spacing(max(abs(low), abs(high))))
    extent = max(high - low, 32.0 * coarse * step)
    # An extent too small to divide by still has a scale; the cells are merely not all used.
    scale = min((coarse - 3) / extent, 1e300)
    return low - 1.5 / scale, scale


def _edges(geometries: Sequence[BaseGeometry], origin: tuple[float, float], scale: tuple[float, float]) -> _Edges:
    parts, part_area = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, point_ring = shapely.get_coordinates(rings, return_index=True)
    joined = np.flatnonzero(point_ring[1:] == point_ring[:-1])
    u = (xy[:, 0] - origin[0]) * scale[0]
    v = (xy[:, 1] - origin[1]) * scale[1]
    area = np.asarray(part_area, dtype=np.int64)[ring_part[point_ring[joined]]] if len(joined) else joined
    return _Edges(u[joined], v[joined], u[joined + 1], v[joined + 1], area.astype(np.int64))


def _spread(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For ranges first..last (inclusive): the range each value comes from, and the values, one after the other."""
    count = last - first + 1
    source = np.repeat(np.arange(len(first), dtype=np.int64), count)
    begin = np.cumsum(count) - count
    return source, np.arange(len(source), dtype=np.int64) - (begin - first)[source]


def _draw(edges: _Edges, width: int, areas: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The fine cells each area's edges meet, `MARGIN` included, as distinct pairs (cell, area) in order of the cell."""
    low, high = np.minimum(edges.v1, edges.v2), np.maximum(edges.v1, edges.v2)
    edge, row = _spread(np.floor(low - MARGIN).astype(np.int64), np.floor(high + MARGIN).astype(np.int64))
    ends = [_u_at(edges, edge, np.clip(row + offset, low[edge], high[edge])) for offset in (-MARGIN, 1.0 + MARGIN)]
    # A level edge runs through its row from end to end.
    level = low[edge] == high[edge]
    ends[0][level], ends[1][level] = edges.u1[edge[level]], edges.u2[edge[level]]
    first = np.floor(np.minimum(*ends) - MARGIN).astype(np.int64)
    last = np.floor(np.maximum(*ends) + MARGIN).astype(np.int64)
    span, column = _spread(first, last)
    key = (row[span] * width + column) * max(areas, 1) + edges.area[edge[span]]
    # Most edges are shorter than a cell, so most repeats stand next to each other: drop those before sorting.
    if len(key):
        key = key[np.flatnonzero(np.diff(key, prepend=key[0] - 1))]
    key = np.unique(key)
    return key // max(areas, 1), key % max(areas, 1)


def _u_at(edges: _Edges, edge: NDArray[np.int64], v: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    u1, v1, u2, v2 = edges.u1[edge], edges.v1[edge], edges.u2[edge], edges.v2[edge]
    rise = v2 - v1
    share = np.divide(v - v1, rise, out=np.zeros_like(rise), where=rise != 0)
    return np.asarray(u1 + np.clip(share, 0.0, 1.0) * (u2 - u1))


def _states(edges: _Edges, width: int, areas: int) -> _States:
    """Follow the middle of every row from left to right and note each crossing.

    Sets of areas are told apart by the exclusive or of one random 64-bit word per area; the words come from a fixed
    seed, so the same areas always make the same grid.
    """
    low, high = np.minimum(edges.v1, edges.v2), np.maximum(edges.v1, edges.v2)
    # Middles row + 0.5 with low < row + 0.5 <= high: half open, so that a vertex on a middle is counted once.
    first = np.floor(low - 0.5).astype(np.int64) + 1
    last = np.floor(high - 0.5).astype(np.int64)
    edge, row = _spread(first, np.maximum(last, first - 1))
    column = np.floor(_u_at(edges, edge, row + 0.5)).astype(np.int64)
    key = row * width + column
    order = np.argsort(key, kind="stable")
    key, area = key[order], edges.area[edge[order]]
    words = np.random.default_rng(20240229).integers(1, 2**63, size=max(areas, 1), dtype=np.uint64)
    state = np.concatenate([np.zeros(1, np.uint64), np.bitwise_xor.accumulate(words[area])])
    _, where, number = np.unique(state, return_index=True, return_inverse=True)
    begin = np.searchsorted(key, key // width * width)
    sets = []
    for (
        position
    ) in where.tolist():  # the set behind `position` crossings: areas crossed an odd number of times in its row
        inside: set[int] = set()
        for crossed in area[begin[position - 1] : position].tolist() if position else []:
            inside ^= {crossed}
        sets.append(frozenset(inside))
    return _States(key, number.astype(np.int64), tuple(sets))


def _asked(
    cell: NDArray[np.int64], area: NDArray[np.int64], areas: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[frozenset[int]]]:
    """Group the drawn pairs by cell: the distinct cells, the number of the set of areas met in each, and those sets."""
    if not len(cell):
        return cell, cell, [frozenset()]
    begin = np.flatnonzero(np.diff(cell, prepend=-1))
    words = np.random.default_rng(19880301).integers(1, 2**63, size=areas, dtype=np.uint64)
    _, where, number = np.unique(np.bitwise_xor.reduceat(words[area], begin), return_index=True, return_inverse=True)
    end = np.append(begin[1:], len(cell))
    return cell[begin], number, [frozenset(area[begin[i] : end[i]].tolist()) for i in where]


def _fine_states(states: _States, blocks: NDArray[np.int64], *, coarse: int, fine: int) -> NDArray[np.int32]:
    """State number of each fine cell of each block: the state at the block's left border, then what changes inside."""
    width = coarse * fine
    block_row, block_column = blocks // coarse, blocks % coarse
    rows = block_row[:, None] * fine + np.arange(fine)
    table = np.zeros((len(blocks), fine, fine), dtype=np.int32)
    table[:, :, 0] = states.at((rows * width + block_column[:, None] * fine).ravel()).reshape(rows.shape)
    # Every crossing lies in a cell that was drawn on, hence in a block.
    block = np.searchsorted(blocks, (states.keys // width // fine) * coarse + states.keys % width // fine)
    at = (block * fine + states.keys // width % fine) * fine + states.keys % fine
    np.add.at(table.reshape(-1), at, np.diff(states.after).astype(np.int32))
    return np.cumsum(table, axis=2, dtype=np.int32).reshape(-1)
