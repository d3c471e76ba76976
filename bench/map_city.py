"""A made-up city of the real one's size for the map's benchmark: 99 councils, 15 districts in two plans, 900,000 addresses.

Belongs here: shapes and places, the same every time. Does not belong here: requests (`map_requests`).

Outlines are as awkward as real ones: some 47,000 corners, and one in five councils drawn by somebody else, so that their
edges miss the neighbour's by a step or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from civicops.geo import Area, PlaceIndex

WEST, SOUTH, EAST, NORTH = -118.66, 33.72, -118.17, 34.33
COUNCILS, DISTRICTS, STREETS, ZIPS, REGIONS = 99, 15, 6_000, 130, 12
CORNER = 0.0004  # degrees between corners: about 40 m
FIRST = (
    "ALDER BOBCAT CORMORANT DUNE EGRET FOXTAIL GULL HARBOR IRIS JUNIPER KESTREL LANTERN MALLOW OSPREY PELICAN QUARTZ "
    "RAVEN SAGE"
)
SECOND = (
    "BEND CREEK CREST DALE FIELD GATE HOLLOW KNOLL LAKE MEADOW MILL OAK PINE REACH SHORE SPRING TRACE VISTA WELL WOOD"
)
SUFFIXES = ("ST", "ST", "ST", "AVE", "AVE", "BLVD", "DR", "PL", "WAY", "RD", "LN", "CT")


@dataclass(frozen=True)
class City:
    """`areas`: rows of the dataset areas; `councils`: those of councils; `addresses`: one row per address, with what holds it."""

    areas: Sequence[tuple[object, ...]]
    councils: Sequence[tuple[object, ...]]
    addresses: pa.Table


def make_city(addresses: int, seed: int = 311) -> City:
    """The city with about so many addresses."""
    rng = np.random.default_rng(seed)
    body = (
        shapely.Point((WEST + EAST) / 2, (SOUTH + NORTH) / 2)
        .buffer(0.235)
        .intersection(shapely.box(WEST, SOUTH, EAST, NORTH))
    )
    body = shapely.affinity.scale(body, 1.0, 1.28)
    plain = _cells(rng, body, COUNCILS)
    councils = [_drawn(rng, cell) if rng.random() < 0.2 else cell for cell in (_bent(one) for one in plain)]
    plans = {name: [_bent(one) for one in _cells(rng, body, DISTRICTS)] for name in ("cd_2012", "cd_2021")}
    codes = [str(number + 4) for number in range(COUNCILS)]
    names = [f"{a} {b} NC" for a, b in _pairs(COUNCILS)]
    rows: list[tuple[object, ...]] = [
        ("council", "nc_current", code, name, True, None, None, _km2(shape), shapely.to_geojson(shape))
        for code, name, shape in zip(codes, names, councils, strict=True)
    ]
    for name, cells in plans.items():
        new = name == "cd_2021"
        days = ("2022-12-12", None) if new else ("2012-07-01", "2022-12-11")
        rows += [
            ("district", name, str(n + 1), None, new, *days, _km2(cell), shapely.to_geojson(cell))
            for n, cell in enumerate(cells)
        ]
    people = [
        (
            code,
            name,
            True,
            str(n % REGIONS + 1),
            f"REGION {n % REGIONS + 1}",
            int(rng.integers(15_000, 80_000)),
            _km2(shape),
        )
        for n, (code, name, shape) in enumerate(zip(codes, names, councils, strict=True))
    ]
    table = _addresses(rng, addresses)
    lon, lat = (np.asarray(table.column(name)) for name in ("longitude", "latitude"))
    held = {"council": _held(codes, councils, lon, lat)}
    for name, cells in plans.items():
        held[name] = _held([str(n + 1) for n in range(DISTRICTS)], cells, lon, lat)
    for name, column in held.items():
        table = table.append_column(name, column)
    # Streets run on into the neighbouring cities; of what lies there the city hears little.
    inside = np.asarray(table.column("council").is_valid()) | (rng.random(len(table)) < 0.05)
    return City(rows, people, table.filter(pa.array(inside)))


def _cells(rng: np.random.Generator, body: BaseGeometry, count: int) -> list[BaseGeometry]:
    """The body cut into cells of like size."""
    seeds = np.column_stack([rng.uniform(WEST, EAST, 4_000), rng.uniform(SOUTH, NORTH, 4_000)])
    seeds = seeds[shapely.contains_xy(body, seeds[:, 0], seeds[:, 1])]
    chosen = [seeds[0]]
    for _ in range(count - 1):
        # Of some candidates the one farthest from all others: spreads them without making a grid.
        pool = seeds[rng.integers(0, len(seeds), 12)]
        gaps = np.min(np.linalg.norm(pool[:, None, :] - np.array(chosen)[None, :, :], axis=2), axis=1)
        chosen.append(pool[int(np.argmax(gaps))])
    cells = shapely.voronoi_polygons(shapely.MultiPoint(np.array(chosen)), extend_to=body.envelope)
    return [cell.intersection(body) for cell in shapely.get_parts(cells)]


def _bent(cell: BaseGeometry) -> BaseGeometry:
    """The cell with many corners, moved by a field, so that two cells with one edge still have one edge."""

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points[:, 0], points[:, 1]
        shift = np.zeros_like(points)
        for size, wave in ((0.0015, 170.0), (0.0006, 900.0), (0.00015, 5_100.0)):
            shift[:, 0] += size * np.sin(wave * y + 0.3 * wave * x)
            shift[:, 1] += size * np.cos(wave * x - 0.2 * wave * y)
        return np.round(points + shift, 7)

    return shapely.make_valid(shapely.transform(shapely.segmentize(cell, CORNER), moved))


def _drawn(rng: np.random.Generator, cell: BaseGeometry) -> BaseGeometry:
    """The cell as another hand drew it: corners off by about a meter."""
    ring = shapely.get_coordinates(cell)
    ring = ring + rng.normal(0.0, 0.00001, ring.shape)
    ring[-1] = ring[0]
    return shapely.make_valid(shapely.Polygon(np.round(ring, 7))) if cell.geom_type == "Polygon" else cell


def _addresses(rng: np.random.Generator, count: int) -> pa.Table:
    middles = np.column_stack([rng.uniform(WEST, EAST, 60), rng.uniform(SOUTH, NORTH, 60)])
    middle = middles[rng.integers(0, 60, STREETS)] + rng.normal(0.0, 0.03, (STREETS, 2))
    length = np.clip(rng.lognormal(-4.6, 0.9, STREETS), 0.002, 0.25)
    is_along = rng.random(STREETS) < 0.5
    pairs = _pairs(STREETS)
    names = [
        (a if n % 5 else f"{a} {b}", SUFFIXES[n % len(SUFFIXES)])
        if n < 90
        else (f"{a} {b}", SUFFIXES[n % len(SUFFIXES)])
        for n, (a, b) in enumerate(pairs)
    ]
    street = np.sort(rng.choice(STREETS, count, p=length / length.sum()))
    part = rng.random(count)
    offset = (part - 0.5) * length[street]
    side = rng.choice([-0.00015, 0.00015], count)
    lon = middle[street, 0] + np.where(is_along[street], offset, side)
    lat = middle[street, 1] + np.where(is_along[street], side, offset)
    number = 100 + (part * length[street] * 80_000).astype(int) * 2 + (side > 0)
    zips = _nearest(
        np.column_stack([lon, lat]), np.column_stack([rng.uniform(WEST, EAST, ZIPS), rng.uniform(SOUTH, NORTH, ZIPS)])
    )
    is_crossing = rng.random(count) < 0.05
    other = rng.integers(0, STREETS, count)
    texts = [
        f"{' '.join(names[s])} AT {' '.join(names[o])}, {90001 + z}" if cross
        else f"{n} {'EW'[n % 2] if s % 3 else 'NS'[n % 2]} {' '.join(names[s])}, {90001 + z}"
        for s, o, n, z, cross in zip(street.tolist(), other.tolist(), number.tolist(), zips.tolist(), is_crossing.tolist(),
        strict=True)
    ]  # fmt: skip
    table = pa.table(
        {
            "address": texts,
            "zip_code": [str(90001 + z) for z in zips.tolist()],
            "longitude": np.round(lon, 7),
            "latitude": np.round(lat, 7),
        }
    )
    box = (lon > WEST) & (lon < EAST) & (lat > SOUTH) & (lat < NORTH)
    return table.filter(pa.array(box)).take(rng.permutation(int(box.sum())))


def _pairs(count: int) -> list[tuple[str, str]]:
    first, second = FIRST.split(), SECOND.split()
    kinds = (
        "",
        "OLD ",
        "NEW ",
        "UPPER ",
        "LOWER ",
        "GRAND ",
        "LITTLE ",
        "FAR ",
        "EL ",
        "LA ",
        "DEL ",
        "SAN ",
        "CASA ",
        "MT ",
        "ST ",
        "VIA ",
        "PORT ",
    )
    return [
        (
            kinds[n // (len(first) * len(second)) % len(kinds)] + first[n % len(first)],
            second[n // len(first) % len(second)],
        )
        for n in range(count)
    ]


def _nearest(points: NDArray[np.float64], to: NDArray[np.float64]) -> NDArray[np.int64]:
    tree = shapely.STRtree([shapely.Point(*spot) for spot in to])
    return np.asarray(tree.nearest(shapely.points(points)), dtype=np.int64)


def _held(
    codes: list[str], shapes: list[BaseGeometry], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> pa.Array[Any]:
    index = PlaceIndex.build([Area(code, shape) for code, shape in zip(codes, shapes, strict=True)])
    placed = index.place(lon, lat)
    return pa.array(index.codes, pa.string()).take(pa.array(placed.area, pa.int16(), mask=placed.area < 0))


def _km2(shape: BaseGeometry) -> float:
    return round(shape.area * 111.2 * 92.2, 3)
