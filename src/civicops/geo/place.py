"""Points to polygons: `PlaceIndex`, built once from areas, answers arrays of points.

Belongs here: the index and the rules by which a point gets its area. Does not belong here: reading or mending boundary
files (`boundaries.py`, `repair.py`), how the grid is drawn (`grid.py`), what the areas mean.

The rules
- A point on a boundary belongs to the area: the answer is that of `shapely.intersects_xy`, edges and vertices included.
- Where several areas hold a point, the smallest one (by planar area in the units of the coordinates) gets it; of equal
  sizes the one with the lower code. People who live where a small area was carved out of a large one look for the
  small one, and the answer does not change when somebody exports the same areas in another order.
  `Placement.matches` says how many held it.
- A point with a coordinate that is NaN, None or infinite is nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from civicops.errors import CivicopsError
from civicops.geo.grid import FIRST_CASE, NOWHERE, Grid, build_grid

Coordinates = ArrayLike | Sequence[float | None]
CHUNK = 16_384  # points at a time: their scratch arrays stay in the second-level cache


class AreaError(CivicopsError):
    """Areas that an index cannot be built from."""


@dataclass(frozen=True)
class Area:
    """A code that is unique within its index, and a valid Polygon or MultiPolygon."""

    code: str
    geometry: BaseGeometry


@dataclass(frozen=True)
class Placement:
    """Answers in the order of the points.

    `area` is an index into `PlaceIndex.codes`, -1 for none; `matches` is how many areas hold the point, at most 255.
    """

    area: NDArray[np.int16]
    matches: NDArray[np.uint8]


@dataclass(frozen=True)
class AllPlacements:
    """Pairs of a point's position and an area that holds it, by point, the area that `place` would choose first."""

    point: NDArray[np.int64]
    area: NDArray[np.int16]


class PlaceIndex:
    """Areas and the grid over them. Immutable once built; safe to read from several threads."""

    def __init__(self, areas: Sequence[Area], grid: Grid) -> None:
        self._codes = tuple(area.code for area in areas)
        self._geometries = np.array([area.geometry for area in areas], dtype=object)
        shapely.prepare(self._geometries)
        self._grid = grid
        by_size = sorted(range(len(areas)), key=lambda i: (areas[i].geometry.area, areas[i].code))
        self._rank = np.empty(len(areas) + 1, dtype=np.int16)  # one more: the rank of nowhere is last
        self._rank[by_size] = np.arange(len(areas), dtype=np.int16)
        self._rank[-1] = len(areas)
        self._by_rank = np.array([*by_size, NOWHERE], dtype=np.int16)
        self._cases = _CaseTable.of(grid, self._rank)

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes in the order the areas were given."""
        return self._codes

    @classmethod
    def build(cls, areas: Sequence[Area], *, cells: int = 1024, split: int = 16) -> PlaceIndex:
        """Draw the areas onto `cells` x `cells` cells, each split into `split` x `split` where a boundary passes.

        Any sizes give the same answers; larger ones ask shapely about fewer points and take more memory. Raises
        `AreaError` for a repeated code, a geometry that is not a valid polygon, or more than 32,766 areas.
        """
        if cells < 4 or split < 2 or split & (split - 1) or cells * split > 2**15:
            raise AreaError(
                f"A grid of {cells} cells split by {split} is not possible.",
                hint="Use at least 4 cells, a split that is a power of two, and at most 32768 for both multiplied.",
            )
        _refuse_bad(areas)
        return cls(areas, build_grid([area.geometry for area in areas], coarse=cells, fine=split))

    def place(self, lon: Coordinates, lat: Coordinates) -> Placement:
        """Find the area of each point; `lon` and `lat` are one-dimensional, of one length, in the areas' coordinates.

        None and masked values count as NaN. Raises `AreaError` when the lengths differ.
        """
        x, y = _as_points(lon), _as_points(lat)
        if x.shape != y.shape or x.ndim != 1:
            raise AreaError(
                f"Longitudes {x.shape} and latitudes {y.shape} do not pair up.",
                hint="Pass two one-dimensional arrays of one length.",
            )
        area = np.empty(len(x), dtype=np.int16)
        matches = np.empty(len(x), dtype=np.uint8)
        waiting, cases = [], []
        # Far-away and non-finite points overflow on their way to being clipped to the outermost cells.
        with np.errstate(over="ignore", invalid="ignore"):
            scratch = _Scratch(min(CHUNK, len(x)))
            for start in range(0, len(x), CHUNK):
                stop = min(start + CHUNK, len(x))
                part = slice(start, stop)
                at, case = self._place_chunk(x[part], y[part], area[part], matches[part], scratch)
                if len(at):
                    waiting.append(at + start)
                    cases.append(case)
        if waiting:
            self._decide(x, y, np.concatenate(waiting), np.concatenate(cases), area, matches)
        return Placement(area, matches)

    def place_all(self, lon: Coordinates, lat: Coordinates) -> AllPlacements:
        """Find every area of each point, which `place` reduces to one; about as fast where areas seldom overlap."""
        x, y = _as_points(lon), _as_points(lat)
        placed = self.place(x, y)
        single = np.flatnonzero(placed.matches == 1)
        several = np.flatnonzero(placed.matches > 1)
        tree = shapely.STRtree(self._geometries)
        found, number = tree.query(shapely.points(x[several], y[several]), predicate="intersects")
        point = np.concatenate([single, several[found]])
        area = np.concatenate([placed.area[single], number.astype(np.int16)])
        order = np.lexsort((self._rank[area], point))
        return AllPlacements(point[order], area[order])

    def _place_chunk(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        area: NDArray[np.int16],
        matches: NDArray[np.uint8],
        scratch: _Scratch,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Fill in what the grid alone decides; return the positions and case numbers of the rest."""
        grid, n = self._grid, len(x)
        cell, column = scratch.cell[:n], scratch.column[:n]
        _cells_of(y, grid.y_origin, grid.y_scale, grid.coarse, scratch.real[:n], cell)
        _cells_of(x, grid.x_origin, grid.x_scale, grid.coarse, scratch.real[:n], column)
        np.multiply(cell, grid.coarse, out=cell)
        np.add(cell, column, out=cell)
        value = np.take(grid.coarse_table, cell, out=scratch.value[:n], mode="clip")
        np.copyto(area, value, casting="unsafe")
        np.greater(value, NOWHERE, out=matches.view(np.bool_))
        at = np.flatnonzero(np.less(value, NOWHERE, out=scratch.flag[:n]))
        if not len(at):
            return at, value[at]
        value = value[at]
        in_block = np.flatnonzero(value <= grid.first_block)
        inner = at[in_block]
        fine = self._fine_values(x[inner], y[inner], grid.first_block - value[in_block])
        value[in_block] = fine
        area[at] = value
        matches[at] = value > NOWHERE
        rest = np.flatnonzero(value < NOWHERE)
        return at[rest], FIRST_CASE - value[rest]

    def _fine_values(
        self, x: NDArray[np.float64], y: NDArray[np.float64], block: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        grid = self._grid
        column = ((x - grid.x_origin) * (grid.x_scale * grid.fine)).astype(np.int32)
        row = ((y - grid.y_origin) * (grid.y_scale * grid.fine)).astype(np.int32)
        mask = grid.fine - 1
        cell = (block.astype(np.int64) * grid.fine + (row & mask)) * grid.fine + (column & mask)
        values: NDArray[np.int32] = grid.fine_table[cell]
        return values

    def _decide(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        at: NDArray[np.int64],
        case: NDArray[np.int32],
        area: NDArray[np.int16],
        matches: NDArray[np.uint8],
    ) -> None:
        """Ask shapely, area by area, about the points whose cell an edge of that area meets."""
        best = self._cases.best_rank[case]
        count = self._cases.certain[case].astype(np.int64)
        begin, end = self._cases.begin[case], self._cases.begin[case + 1]
        number = end - begin
        point = np.repeat(np.arange(len(at)), number)
        offset = np.arange(len(point)) - np.repeat(np.cumsum(number) - number, number)
        asked = self._cases.asked[np.repeat(begin, number) + offset]
        order = np.argsort(asked, kind="stable")
        point, asked = point[order], asked[order]
        px, py = x[at[point]], y[at[point]]
        edges = np.flatnonzero(np.diff(asked, prepend=-1, append=-1))
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            number_of_area = int(asked[first])
            holds = shapely.intersects_xy(self._geometries[number_of_area], px[first:last], py[first:last])
            held = point[first:last][holds]  # a point occurs once per area, so plain indexing adds each once
            count[held] += 1
            best[held] = np.minimum(best[held], self._rank[number_of_area])
        area[at] = self._by_rank[best]
        matches[at] = np.minimum(count, 255)


@dataclass(frozen=True)
class _CaseTable:
    """The grid's cases as arrays, to be looked up for many points at once."""

    best_rank: NDArray[np.int16]  # of the areas that certainly hold the cell
    certain: NDArray[np.int16]  # how many those are
    begin: NDArray[np.int64]  # case c asks about asked[begin[c] : begin[c + 1]]
    asked: NDArray[np.int16]

    @classmethod
    def of(cls, grid: Grid, rank: NDArray[np.int16]) -> _CaseTable:
        nowhere = int(rank[-1])
        return cls(
            best_rank=np.array([min((int(rank[a]) for a in c.certain), default=nowhere) for c in grid.cases], np.int16),
            certain=np.array([len(c.certain) for c in grid.cases], np.int16),
            begin=np.cumsum([0, *(len(c.asked) for c in grid.cases)], dtype=np.int64),
            asked=np.array([a for c in grid.cases for a in c.asked], np.int16),
        )


class _Scratch:
    """Arrays reused from chunk to chunk."""

    def __init__(self, size: int) -> None:
        self.real = np.empty(size, np.float64)
        self.cell = np.empty(size, np.int32)
        self.column = np.empty(size, np.int32)
        self.value = np.empty(size, np.int32)
        self.flag = np.empty(size, np.bool_)


def _cells_of(
    values: NDArray[np.float64],
    origin: float,
    scale: float,
    cells: int,
    real: NDArray[np.float64],
    out: NDArray[np.int32],
) -> None:
    """Coarse cell number of each coordinate, clipped to the grid; fmax and fmin turn NaN into a border cell."""
    np.subtract(values, origin, out=real)
    np.multiply(real, scale, out=real)
    np.fmax(real, 0.0, out=real)
    np.fmin(real, float(cells - 1), out=real)
    np.copyto(out, real, casting="unsafe")


def _as_points(values: Coordinates) -> NDArray[np.float64]:
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    return np.asarray(values, dtype=np.float64)


def _refuse_bad(areas: Sequence[Area]) -> None:
    if len(areas) > 32_766:
        raise AreaError(f"{len(areas)} areas are more than one index can number.", hint="Split them by region.")
    seen: set[str] = set()
    for area in areas:
        problem = ""
        if area.code in seen:
            problem = "its code is used twice"
        elif area.geometry.geom_type not in {"Polygon", "MultiPolygon"}:
            problem = f"it is a {area.geometry.geom_type}, not a polygon"
        elif area.geometry.is_empty:
            problem = "it is empty"
        elif not area.geometry.is_valid:
            problem = shapely.is_valid_reason(area.geometry)
        if problem:
            raise AreaError(
                f"Area {area.code!r} cannot be indexed: {problem}.",
                hint="Read the file with read_boundaries to see what is wrong, and mend it with repair_boundaries.",
            )
        seen.add(area.code)
