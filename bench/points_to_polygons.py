"""Points to polygons on one core: `civicops.geo.PlaceIndex` beside shapely, geopandas, DuckDB spatial and SedonaDB.

Everybody gets the same longitudes and latitudes in memory. Ours gives each point its area and the number of areas that
hold it; the peers give all pairs (point, area). Slow peers are timed on fewer points, as stated. On a separate sample,
a third of it on corners and edges, everybody's pairs are compared with those of shapely's STRtree.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.table import Row, Table, main, spread, timed
from civicops.geo import Area, BoundarySpec, PlaceIndex, read_boundaries, repair_boundaries

REAL = Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[2] / "shared" / "realdata")) / "311"
CITY = (-118.67, 33.70, -118.15, 34.34)
Floats = NDArray[np.float64]
Pairs = NDArray[np.int64]  # point * number of areas + area
Peer = Callable[[Floats, Floats], Pairs]


class PeerMissingError(Exception):
    """The peer is not installed here; the message says what to install."""


@dataclass(frozen=True)
class Points:
    """Longitudes and latitudes of one length."""

    x: Floats
    y: Floats

    @classmethod
    def of(cls, xy: Floats) -> Points:
        return cls(xy[:, 0].copy(), xy[:, 1].copy())

    def first(self, number: int) -> Points:
        return Points(self.x[:number].copy(), self.y[:number].copy())


@dataclass(frozen=True)
class Trial:
    """What a contender is given, and how often; `expected` are shapely's pairs on `sample`, ascending."""

    areas: list[Area]
    even: Points
    clustered: Points
    sample: Points
    expected: Pairs
    runs: int

    def differing(self, pairs: Pairs) -> int:
        """Number of points of the sample whose set of areas is not that of shapely."""
        return len(np.unique(np.setxor1d(pairs, self.expected) // len(self.areas)))


def run(quick: bool) -> Table:
    """Measure everything; `quick` takes a hundredth of the points and one run."""
    cores = _pin()
    areas, origin = _areas()
    rng = np.random.default_rng(311)
    number, small, runs = (100_000, 10_000, 1) if quick else (10_000_000, 1_000_000, 5)
    clustered, clusters = _clustered(rng, areas, number)
    sample = _sample(rng, areas, clustered, small)
    expected = np.sort(_strtree(areas)(sample.x, sample.y))
    trial = Trial(areas, Points.of(rng.uniform(CITY[:2], CITY[2:], (number, 2))), clustered, sample, expected, runs)
    rate, row = _ours(trial)
    rows = [row]
    fewer = replace(trial, even=trial.even.first(small), clustered=clustered.first(small), runs=max(runs - 2, 1))
    for name, build, its in (
        ("SedonaDB", _sedona, replace(trial, runs=fewer.runs)),
        ("DuckDB spatial", _duckdb, fewer),
        ("shapely STRtree", _strtree, fewer),
        ("geopandas sjoin", _geopandas, fewer),
    ):
        try:
            rows.append(_peer(name, build(areas), its, rate))
        except PeerMissingError as missing:
            rows.append(Row(name, {"points": str(missing)}))
    corners = sum(len(shapely.get_coordinates(area.geometry)) for area in areas)
    notes = (
        f"{len(areas)} areas with {corners:,} corners ({origin}); {cores}. *Even*: evenly over the bounding box. "
        f"*Clustered*: {clusters}. Seconds are those of the even points, without building the index; *with building* "
        "counts it.",
        f"*Differ*: of {len(sample.x):,} points, a third of them on corners and edges, those whose answer is not that "
        "of shapely's STRtree, by which a point on a border belongs to the areas on both sides.",
    )
    return Table("points_to_polygons", tuple(rows), notes)


def _ours(trial: Trial) -> tuple[float, Row]:
    areas, sample = trial.areas, trial.sample
    build = timed(lambda: PlaceIndex.build(areas), max(trial.runs - 2, 1))
    index = PlaceIndex.build(areas)
    even = timed(lambda: index.place(trial.even.x, trial.even.y), trial.runs)
    close = timed(lambda: index.place(trial.clustered.x, trial.clustered.y), trial.runs)
    every = index.place_all(sample.x, sample.y)
    wrong = trial.differing(every.point * len(areas) + every.area)
    # What `place` gives must be the first of shapely's pairs by the rule (smallest area, lower code), and their number.
    by_rule = sorted(range(len(areas)), key=lambda i: (areas[i].geometry.area, areas[i].code))
    point, area = trial.expected // len(areas), trial.expected % len(areas)
    best = np.full(len(sample.x), len(areas))
    np.minimum.at(best, point, np.argsort(np.array(by_rule))[area])
    placed = index.place(sample.x, sample.y)
    count = np.bincount(point, minlength=len(sample.x))
    wrong += int(((placed.area != np.array([*by_rule, -1])[best]) | (placed.matches != count)).sum())
    number, seconds = len(trial.even.x), statistics.median(even)
    figures = _figures(number, even, close)
    figures["with building"] = f"{number / (seconds + statistics.median(build)) / 1e6:.1f} ({spread(build)} to build)"
    figures["ours is faster"] = "1"
    figures["differ"] = f"{wrong:,}"
    return number / seconds, Row("civicops.geo", figures)


def _peer(name: str, peer: Peer, trial: Trial, our_rate: float) -> Row:
    even = timed(lambda: peer(trial.even.x, trial.even.y), trial.runs)
    close = timed(lambda: peer(trial.clustered.x, trial.clustered.y), trial.runs)
    figures = _figures(len(trial.even.x), even, close)
    figures["ours is faster"] = f"{our_rate * statistics.median(even) / len(trial.even.x):.0f} x"
    figures["differ"] = f"{trial.differing(peer(trial.sample.x, trial.sample.y)):,}"
    return Row(name, figures)


def _figures(number: int, even: list[float], clustered: list[float]) -> dict[str, str]:
    return {
        "points": f"{number:,}",
        "seconds": spread(even),
        "M points/s, even": f"{number / statistics.median(even) / 1e6:.2f}",
        "M points/s, clustered": f"{number / statistics.median(clustered) / 1e6:.2f}",
    }


def _strtree(areas: list[Area]) -> Peer:
    tree = shapely.STRtree([area.geometry for area in areas])

    def ask(x: Floats, y: Floats) -> Pairs:
        point, area = tree.query(shapely.points(x, y), predicate="intersects")
        return np.asarray(point * len(areas) + area)

    return ask


def _geopandas(areas: list[Area]) -> Peer:
    geopandas = _module("geopandas")
    frame = geopandas.GeoDataFrame({"area": range(len(areas))}, geometry=[a.geometry for a in areas], crs=4326)

    def ask(x: Floats, y: Floats) -> Pairs:
        points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(x, y), crs=4326)
        joined = points.sjoin(frame, predicate="intersects")
        return np.asarray(joined.index.to_numpy() * len(areas) + joined["area"].to_numpy())

    return ask


def _duckdb(areas: list[Area]) -> Peer:
    duckdb, arrow = _module("duckdb"), _module("pyarrow")
    connection = duckdb.connect(config={"threads": 1})
    _load_spatial(duckdb, connection)
    wkb = arrow.table({"area": np.arange(len(areas)), "wkb": [shapely.to_wkb(a.geometry) for a in areas]})
    connection.register("wkb", wkb)
    connection.execute("CREATE TABLE areas AS SELECT area, ST_GeomFromWKB(wkb) AS shape FROM wkb")

    def ask(x: Floats, y: Floats) -> Pairs:
        connection.register("points", arrow.table({"point": np.arange(len(x)), "x": x, "y": y}))
        found = connection.execute(
            "SELECT point, area FROM points JOIN areas ON ST_Intersects(areas.shape, ST_Point(points.x, points.y))"
        ).fetchnumpy()
        return np.asarray(found["point"] * len(areas) + found["area"])

    return ask


def _load_spatial(duckdb: Any, connection: Any) -> None:
    """Load the extension from where DuckDB keeps it, else from its package; DuckDB checks the signature either way."""
    try:
        connection.execute("LOAD spatial")
        return
    except duckdb.Error as error:
        found = importlib.util.find_spec("duckdb_extension_spatial")
        folders = (found.submodule_search_locations if found else None) or []
        files = [file for folder in folders for file in Path(folder).glob(f"extensions/v{duckdb.__version__}/*")]
        if not files:
            raise PeerMissingError("not measured: no spatial extension here; install bench/peers.txt") from error
        connection.execute(f"LOAD '{files[0]}'")


def _sedona(areas: list[Area]) -> Peer:
    sedona, arrow = _module("sedonadb"), _module("pyarrow")
    _module("geoarrow.pyarrow")
    context = sedona.connect()
    wkb = arrow.table({"area": np.arange(len(areas)), "wkb": [shapely.to_wkb(a.geometry) for a in areas]})
    context.create_data_frame(wkb).to_view("wkb")

    def ask(x: Floats, y: Floats) -> Pairs:
        points = arrow.table({"point": np.arange(len(x)), "x": x, "y": y})
        context.create_data_frame(points).to_view("points", overwrite=True)
        found = context.sql(
            "SELECT point, area FROM points JOIN (SELECT area, ST_GeomFromWKB(wkb) AS shape FROM wkb) AS areas "
            "ON ST_Intersects(areas.shape, ST_Point(points.x, points.y))"
        ).to_arrow_table()
        return np.asarray(found["point"].to_numpy() * len(areas) + found["area"].to_numpy())

    return ask


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PeerMissingError(f"not measured: {name} is not installed; install bench/peers.txt") from error


def _pin() -> str:
    """Keep to one core; what starts threads by the number of cores then starts one."""
    if not hasattr(os, "sched_setaffinity"):
        return "this system cannot pin a process, so peers may have used several cores"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return "everything pinned to one core"


def _areas() -> tuple[list[Area], str]:
    """The real neighbourhood councils, mended, or as many made-up ones with about as many corners."""
    file = REAL / "geo" / "nc_current_99.geojson"
    if file.exists():
        spec = BoundarySpec("NC_ID", "NAME", CITY, 99)
        boundaries, _ = read_boundaries(file.read_bytes(), spec)
        mended, _ = repair_boundaries(boundaries, spec)
        return list(mended.areas()), "the neighbourhood councils of Los Angeles"
    rng = np.random.default_rng(99)
    seeds = shapely.multipoints(rng.uniform(CITY[:2], CITY[2:], (99, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(*CITY)))
    town = shapely.Point(-118.41, 34.02).buffer(0.28)

    def wind(xy: Floats) -> Floats:
        """Bend straight borders; neighbours bend alike, so they still share them."""
        return np.asarray(xy + 1e-3 * np.sin(900 * xy[:, ::-1]) + 1e-4 * np.sin(7000 * xy[:, ::-1]))

    shapes = [shapely.transform(shapely.segmentize(shapely.intersection(cell, town), 3e-4), wind) for cell in cells]
    areas = [Area(str(n), shapely.make_valid(s)) for n, s in enumerate(shapes) if not s.is_empty]
    return areas, "made up, for the real ones are not here"


def _clustered(rng: np.random.Generator, areas: list[Area], number: int) -> tuple[Points, str]:
    """Points as dense as requests are: around real ones, or around made-up addresses."""
    files = sorted((REAL / "requests").glob("myla311_201*_raw33_*.csv"))
    if files:
        origins = np.array([point for file in files for point in _addresses(file)])
        words = "around the addresses of real requests, 20 m away on average"
    else:
        corners = shapely.get_coordinates([area.geometry for area in areas])
        origins = corners[rng.integers(0, len(corners), 20_000)] + rng.normal(0, 5e-3, (20_000, 2))
        words = "around 20,000 made-up addresses"
    return Points.of(origins[rng.integers(0, len(origins), number)] + rng.normal(0, 1.6e-4, (number, 2))), words


def _addresses(file: Path) -> list[tuple[float, float]]:
    with file.open(newline="", encoding="utf-8-sig") as rows:
        return [(float(r["Longitude"]), float(r["Latitude"])) for r in csv.DictReader(rows) if r["Latitude"]]


def _sample(rng: np.random.Generator, areas: list[Area], clustered: Points, number: int) -> Points:
    """A third spread evenly, a third clustered, a third on corners, on edges, and a rounding step beside corners."""
    third = number // 3
    begin, end = _edges(areas)
    pick = rng.integers(0, len(begin), (3, third // 3))
    share = rng.random((third // 3, 1))
    on_edges = begin[pick[1]] * share + end[pick[1]] * (1 - share)
    beside = np.nextafter(begin[pick[2]], rng.choice([-np.inf, np.inf], (third // 3, 2)))
    dense = np.column_stack([clustered.x[:third], clustered.y[:third]])
    rest = rng.uniform(CITY[:2], CITY[2:], (number - third - 3 * (third // 3), 2))
    return Points.of(np.concatenate([begin[pick[0]], on_edges, beside, dense, rest]))


def _edges(areas: list[Area]) -> tuple[Floats, Floats]:
    rings = shapely.get_rings(shapely.get_parts([area.geometry for area in areas]))
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    return corners[joined], corners[joined + 1]


if __name__ == "__main__":
    main(run)
