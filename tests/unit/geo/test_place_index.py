"""`PlaceIndex` against shapely asked about every area and every point, on areas that overlap, touch and leave gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from civicops.geo import Area, AreaError, PlaceIndex

Floats = NDArray[np.float64]


def reference(areas: Sequence[Area], x: Floats, y: Floats) -> tuple[list[list[int]], list[int]]:
    """All areas that hold each point by unprepared shapely geometry, and the one the documented rule chooses."""
    points = shapely.points(x, y)
    holds = np.array([shapely.intersects(shapely.from_wkb(shapely.to_wkb(a.geometry)), points) for a in areas])
    finite = np.isfinite(x) & np.isfinite(y)
    every = [np.flatnonzero(holds[:, i] & finite[i]).tolist() for i in range(len(x))]
    chosen = [min(found, key=lambda a: (areas[a].geometry.area, areas[a].code), default=-1) for found in every]
    return every, chosen


def agree(areas: Sequence[Area], index: PlaceIndex, x: Floats, y: Floats) -> None:
    every, chosen = reference(areas, x, y)
    placed = index.place(x, y)
    assert placed.area.tolist() == chosen
    assert placed.matches.tolist() == [len(found) for found in every]
    pairs = index.place_all(x, y)
    by_point: list[list[int]] = [[] for _ in x]
    for point, area in zip(pairs.point.tolist(), pairs.area.tolist(), strict=True):
        by_point[point].append(area)
    assert [sorted(found) for found in by_point] == every
    assert [found[0] if found else -1 for found in by_point] == chosen


@st.composite
def polygons(draw: st.DrawFn) -> BaseGeometry:
    """Concave polygons, holes, several parts; corners on a small lattice, so that areas share edges and corners."""
    corner = st.tuples(st.integers(0, 8), st.integers(0, 8))
    rings = draw(st.lists(st.lists(corner, min_size=3, max_size=7, unique=True), min_size=1, max_size=3))
    shapes = [shapely.make_valid(Polygon(ring), method="structure", keep_collapsed=False) for ring in rings]
    whole = shapes[0]
    for number, shape in enumerate(shapes[1:]):
        whole = whole.difference(shape) if number % 2 == 0 else whole.union(shape)
    parts = [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon" and not p.is_empty]
    assume(parts)
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


@st.composite
def layers(draw: st.DrawFn) -> list[Area]:
    shapes = draw(st.lists(polygons(), min_size=1, max_size=5))
    scale = draw(st.sampled_from([1.0, 0.01, 1 / 3, 1e-7, 1e4]))
    east, north = draw(st.sampled_from([(0.0, 0.0), (-118.3, 34.05), (-4.1, -4.3), (1e6, -1e6)]))
    moved = [shapely.transform(shape, lambda xy: xy * scale + (east, north)) for shape in shapes]
    assume(all(shape.is_valid and shape.area > 0 for shape in moved))
    codes = draw(st.permutations([str(i) for i in range(len(moved))]))
    return [Area(code, shape) for code, shape in zip(codes, moved, strict=True)]


def telling_points(areas: Sequence[Area], index: PlaceIndex, seed: int) -> tuple[Floats, Floats]:
    """Corners, points on edges, cell borders, the floating-point neighbours of these, points all over, no points."""
    rng = np.random.default_rng(seed)
    corners = shapely.get_coordinates([a.geometry for a in areas])
    share = rng.random((len(corners) - 1, 1))
    on_edges = np.concatenate([corners[:-1] * share + corners[1:] * (1 - share), (corners[:-1] + corners[1:]) / 2])
    grid = index._grid
    steps = grid.coarse * grid.fine
    lattice = np.column_stack(
        [
            grid.x_origin + rng.integers(0, steps + 1, 60) / (grid.x_scale * grid.fine),
            grid.y_origin + rng.integers(0, steps + 1, 60) / (grid.y_scale * grid.fine),
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    around = rng.uniform(low - (high - low) / 4, high + (high - low) / 4, (60, 2))
    mixed = np.column_stack([rng.choice(corners[:, 0], 40), rng.choice(lattice[:, 1], 40)])
    exact = np.concatenate([corners, on_edges, lattice, mixed])
    nudged = [np.nextafter(exact, target) for target in (-np.inf, np.inf)]
    odd = [(np.nan, low[1]), (low[0], np.nan), (np.inf, low[1]), (low[0], -np.inf), (1e308, 1e308), (-1e308, 0.0)]
    points = np.concatenate([exact, *nudged, around, np.array(odd)])
    return points[:, 0].copy(), points[:, 1].copy()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    areas=layers(),
    cells=st.sampled_from([4, 5, 16, 33]),
    split=st.sampled_from([2, 4, 16]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equal_to_shapely_on_any_areas(areas: list[Area], cells: int, split: int, seed: int) -> None:
    index = PlaceIndex.build(areas, cells=cells, split=split)
    agree(areas, index, *telling_points(areas, index, seed))


def test_equal_to_shapely_on_round_outlines_at_the_usual_size() -> None:
    rng = np.random.default_rng(7)
    areas = [
        Area(str(i), Point(*rng.uniform(-1, 1, 2)).buffer(rng.uniform(0.05, 0.6), quad_segs=int(rng.integers(8, 64))))
        for i in range(12)
    ]
    areas.append(Area("ring", Point(0, 0).buffer(0.9).difference(Point(0, 0).buffer(0.7))))
    index = PlaceIndex.build(areas)
    agree(areas, index, *telling_points(areas, index, 3))
    x, y = rng.uniform(-2, 2, (2, 40_000))  # more than one chunk
    agree(areas, index, x, y)


def test_the_smallest_area_wins_in_any_order_and_matches_are_counted() -> None:
    town, quarter, block = box(0, 0, 9, 9), box(1, 1, 5, 5), box(2, 2, 3, 3)
    for order in ([town, quarter, block], [block, town, quarter], [quarter, block, town]):
        areas = [Area(f"{shape.area:g}", shape) for shape in order]
        index = PlaceIndex.build(areas, cells=16, split=4)
        placed = index.place([2.5, 4.5, 8.5, 3.0, 9.0, 9.5], [2.5, 4.5, 8.5, 3.0, 9.0, 9.5])
        named = [index.codes[i] if i >= 0 else None for i in placed.area]
        assert named == ["1", "16", "81", "1", "81", None]
        assert placed.matches.tolist() == [3, 2, 1, 3, 1, 0]


def test_of_equally_large_areas_the_lower_code_wins_on_the_shared_border() -> None:
    west, east = box(0, 0, 1, 1), box(1, 0, 2, 1)
    for codes in (("a", "b"), ("b", "a")):
        index = PlaceIndex.build([Area(codes[0], west), Area(codes[1], east)], cells=8, split=2)
        placed = index.place([1.0], [0.5])
        assert index.codes[placed.area[0]] == "a"
        assert placed.matches.tolist() == [2]


def test_missing_coordinates_are_nowhere_in_every_spelling() -> None:
    index = PlaceIndex.build([Area("all", box(-180, -90, 180, 90))], cells=4, split=2)
    assert index.place([None, 1.0, np.nan], [1.0, None, np.nan]).area.tolist() == [-1, -1, -1]
    masked = np.ma.MaskedArray([1.0, 1.0], mask=[True, False])
    assert index.place(masked, [1.0, 1.0]).area.tolist() == [-1, 0]
    assert index.place([np.inf, -np.inf, 0.0], [0.0, 0.0, np.inf]).matches.tolist() == [0, 0, 0]


@pytest.mark.parametrize("steps", [2, 7, 40, 3000])
def test_areas_only_some_rounding_steps_wide_are_answered_exactly(steps: int) -> None:
    """Smaller than a cell can be: the free cells around the areas must not vanish in rounding."""
    east, north = float(np.spacing(118.3)), float(np.spacing(34.0))
    corners = [(-118.3, 34.0), (-118.3 + steps * east, 34.0), (-118.3, 34.0 + steps * north)]
    areas = [Area("speck", Polygon(corners))]
    index = PlaceIndex.build(areas, cells=64, split=4)
    x, y = np.meshgrid(np.arange(-3, min(steps, 60) + 3) * east - 118.3, np.arange(-3, min(steps, 60) + 3) * north + 34)
    agree(areas, index, x.ravel(), y.ravel())


def test_no_points_and_no_areas_are_ordinary() -> None:
    index = PlaceIndex.build([Area("one", box(0, 0, 1, 1))], cells=4, split=2)
    assert index.place([], []).area.tolist() == []
    assert index.place_all([], []).point.tolist() == []
    nothing = PlaceIndex.build([], cells=4, split=2)
    assert nothing.codes == ()
    assert nothing.place([0.0, np.nan], [0.0, 0.0]).area.tolist() == [-1, -1]
    assert nothing.place_all([0.0], [0.0]).point.tolist() == []


def test_more_than_255_matches_are_reported_as_255() -> None:
    areas = [Area(str(i), box(0, 0, 1 + i / 1000, 1)) for i in range(300)]
    index = PlaceIndex.build(areas, cells=8, split=2)
    placed = index.place([0.5, 0.0, 1.2995], [0.5, 0.0, 0.5])
    assert placed.matches.tolist() == [255, 255, 0]
    assert placed.area.tolist() == [0, 0, -1]
    assert len(index.place_all([0.5], [0.5]).area) == 300


def test_the_same_areas_make_the_same_grid() -> None:
    areas = [Area("a", Point(0, 0).buffer(1)), Area("b", Point(0.5, 0).buffer(1))]
    one, two = (PlaceIndex.build(areas, cells=32, split=4)._grid for _ in range(2))
    assert np.array_equal(one.coarse_table, two.coarse_table)
    assert np.array_equal(one.fine_table, two.fine_table)
    assert one.cases == two.cases


def test_the_grid_decides_most_points_without_shapely() -> None:
    """A grid that put everything to shapely would be right and useless: cells off the border must have an answer."""
    grid = PlaceIndex.build([Area("disc", Point(0, 0).buffer(1))], cells=256, split=8)._grid
    decided = np.isin(grid.coarse_table, [-1, 0]).mean()
    assert decided > 0.97
    assert (grid.coarse_table == 0).mean() == pytest.approx(np.pi / 4, abs=0.03)
    assert np.isin(grid.fine_table, [-1, 0]).mean() > 0.8


@pytest.mark.parametrize(
    ("areas", "problem"),
    [
        ([Area("a", box(0, 0, 1, 1)), Area("a", box(2, 0, 3, 1))], "used twice"),
        ([Area("bow", Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))], "Self-intersection"),
        ([Area("line", shapely.LineString([(0, 0), (1, 1)]))], "LineString"),
        ([Area("void", Polygon())], "empty"),
        ([Area("nan", shapely.from_wkt("POLYGON ((0 0, 1 nan, 1 1, 0 0))"))], "Invalid Coordinate"),
    ],
)
def test_areas_that_cannot_be_indexed_are_refused(areas: list[Area], problem: str) -> None:
    with pytest.raises(AreaError, match=problem):
        PlaceIndex.build(areas)


@pytest.mark.parametrize(("cells", "split"), [(3, 2), (8, 3), (8, 1), (8, 0), (4096, 16)])
def test_impossible_grids_are_refused(cells: int, split: int) -> None:
    with pytest.raises(AreaError, match="not possible"):
        PlaceIndex.build([Area("a", box(0, 0, 1, 1))], cells=cells, split=split)


def test_points_that_do_not_pair_up_are_refused() -> None:
    index = PlaceIndex.build([Area("a", box(0, 0, 1, 1))], cells=4, split=2)
    with pytest.raises(AreaError, match="do not pair up"):
        index.place([0.0, 1.0], [0.0])
    with pytest.raises(AreaError, match="do not pair up"):
        index.place([[0.0]], [[0.0]])
