"""The addresses of Marisol: a pool of points whose council, district, region and grid cell are known by construction.

Belongs here: where a request can be and what the city's systems would say about that place. Does not belong here: what
happens there (requests). Requests pick places by index, so that a million rows cost one `take`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from simulators.world import names
from simulators.world.arrow import Array, pa, pc
from simulators.world.city import (
    BBOX,
    CARVED_OUT,
    CARVED_OUT_SINCE_YEAR,
    CELL_MAP,
    COLS,
    DISTRICT_PLANS,
    GHOST_COUNCIL,
    LETTERS,
    OUTSIDE,
    OVERLAPS,
    ROWS,
    City,
    district_number,
    half_cell,
    letters_at,
    make_city,
)

POOL_SIZE: Final = 60_000
# Source systems place by parcel and street side, not by our polygons: this close to a border they often say the
# neighbour. Degrees; about 55 m.
BORDER_DEGREES: Final = 0.0005
INTERSECTION_SHARE: Final = 0.065
NOWHERE: Final = -1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """`POOL_SIZE` places, one entry per column and place.

    `letter`, `second_letter`: index into `LETTERS` of the council(s) whose polygon holds the point, -1 for none; two
    are set only in an overlap. `source_letter`: what the city's systems say (`GHOST` for the council without polygon).
    `district`: plan -> district number by our polygons. The Arrow columns are texts and numbers as the source has them.
    """

    lon: Floats
    lat: Floats
    letter: Ints
    second_letter: Ints
    source_letter: Ints
    district: dict[str, Ints]
    area: Ints
    columns: dict[str, Array]


GHOST: Final = len(LETTERS)


def _scatter(city: City, rng: np.random.Generator) -> tuple[Floats, Floats, Ints, Ints]:
    """Points strictly inside their cells: lon, lat, row, col. Cells differ in density as real neighbourhoods do."""
    inside = [(r, c) for r in range(ROWS) for c in range(COLS) if CELL_MAP[r][c] != OUTSIDE]
    # Few people live in the gaps (a rail yard, a park): real points in no council are 1.1-1.6 %.
    weight = np.array([1.5 if CELL_MAP[r][c] == "~" else rng.gamma(3.0) for r, c in inside])
    counts = rng.multinomial(POOL_SIZE, weight / weight.sum())
    xs, ys, rows, cols = [], [], [], []
    for (row, col), count in zip(inside, counts, strict=True):
        cell = city.cells[row][col]
        west, south, east, north = cell.bounds
        tries = int(count) * 3 + 60
        lon = np.round(rng.uniform(west, east, tries), 9)
        lat = np.round(rng.uniform(south, north, tries), 10)
        hit = np.flatnonzero(shapely.contains_xy(cell, lon, lat))[:count]
        if len(hit) < count:
            raise AssertionError(f"cell {row},{col} fills less than a third of its box")
        xs.append(lon[hit])
        ys.append(lat[hit])
        rows.append(np.full(count, row))
        cols.append(np.full(count, col))
    order = rng.permutation(POOL_SIZE)
    lon, lat = np.concatenate(xs)[order], np.concatenate(ys)[order]
    return lon, lat, np.concatenate(rows)[order], np.concatenate(cols)[order]


def _councils(city: City, lon: Floats, lat: Floats, rows: Ints, cols: Ints) -> tuple[Ints, Ints]:
    first = np.array(
        [[LETTERS.index(x[0]) if (x := letters_at(r, c)) else NOWHERE for c in range(COLS)] for r in range(ROWS)]
    )
    letter = first[rows, cols]
    second = np.full(POOL_SIZE, NOWHERE)
    for who, row, col, side in OVERLAPS:
        here = np.flatnonzero((rows == row) & (cols == col))
        inside = shapely.contains_xy(half_cell(city.cells[row][col], side), lon[here], lat[here])
        second[here[inside]] = LETTERS.index(who)
    return letter, second


def _source_says(city: City, rng: np.random.Generator, lon: Floats, lat: Floats, letter: Ints, second: Ints) -> Ints:
    """The council the city's systems give: ours, or near a border often the neighbour's; a ghost's in one gap."""
    source = letter.copy()
    swap = (second != NOWHERE) & (rng.random(POOL_SIZE) < 0.5)
    source[swap] = second[swap]
    tree = shapely.STRtree([c.geometry for c in city.councils])
    points = shapely.points(lon, lat)
    which, council = tree.query(points, predicate="dwithin", distance=BORDER_DEGREES)
    neighbour = (council != letter[which]) & (council != second[which]) & (letter[which] != NOWHERE)
    neighbour &= rng.random(len(which)) < 0.3
    source[which[neighbour]] = council[neighbour]
    return source


def _streets(rng: np.random.Generator, lon: Floats, lat: Floats) -> dict[str, Array]:
    """House number, direction, street, suffix and address text, by position: streets run along the grid."""
    west, south, east, north = BBOX
    slots = 180
    along_ns = rng.random(POOL_SIZE) < 0.5
    slot_x = ((lon - west) / (east - west) * slots).astype(np.int64).clip(0, slots - 1)
    slot_y = ((lat - south) / (north - south) * slots).astype(np.int64).clip(0, slots - 1)
    name_index = np.where(along_ns, slot_x * 7 % slots, (slot_y * 11 + 5) % slots)
    street = pa.array(names.STREET_NAMES).take(pa.array(name_index))
    suffix_of = rng.choice(len(names.SUFFIXES), size=2 * slots, p=names.SUFFIX_WEIGHTS)
    suffix_index = suffix_of[name_index + np.where(along_ns, 0, slots)]
    suffix = pa.array(names.SUFFIXES).take(pa.array(suffix_index))
    middle_lat, middle_lon = (south + north) / 2, (west + east) / 2
    offset = np.where(along_ns, np.abs(lat - middle_lat) / (north - south), np.abs(lon - middle_lon) / (east - west))
    number = 100 + (offset * 2 * 23_000).astype(np.int64) + rng.integers(0, 2, POOL_SIZE)
    direction_index = np.where(along_ns, np.where(lat > middle_lat, 0, 1), np.where(lon > middle_lon, 2, 3))
    direction = pa.array(["N", "S", "E", "W"]).take(pa.array(direction_index))
    cross = pa.array(names.STREET_NAMES).take(
        pa.array(np.where(along_ns, (slot_y * 11 + 5) % slots, slot_x * 7 % slots))
    )

    is_corner = rng.random(POOL_SIZE) < INTERSECTION_SHARE
    no_suffix = rng.random(POOL_SIZE) < 0.017
    zipcode = pc.cast(pa.array(90001 + (lat > middle_lat) * 18 + slot_x // 10 + (slot_y // 60)), pa.string())
    suffix = pc.if_else(pa.array(no_suffix), pa.scalar(None, pa.string()), suffix)
    plain = pc.binary_join_element_wise(
        pc.cast(pa.array(number), pa.string()), direction, street, suffix, " ", null_handling="skip"
    )
    corner = pc.binary_join_element_wise(street, suffix, "AT", cross, "ST", " ", null_handling="skip")
    corner_mask = pa.array(is_corner)
    none = pa.scalar(None, pa.string())
    return {
        "Address": pc.binary_join_element_wise(pc.if_else(corner_mask, corner, plain), zipcode, ", "),
        "HouseNumber": pc.if_else(corner_mask, pa.scalar(None, pa.int64()), pa.array(number)),
        "Direction": pc.if_else(corner_mask, none, direction),
        "StreetName": pc.if_else(corner_mask, none, street),
        "Suffix": pc.if_else(corner_mask, none, suffix),
        "ZipCode": zipcode,
    }


def _grid(lon: Floats, lat: Floats, area: Ints) -> dict[str, Array]:
    """Map-book page, column letter and row; planning area and police area: all functions of the position."""
    west, south, east, north = BBOX
    x, y = (lon - west) / (east - west), (north - lat) / (north - south)
    page_x, page_y = (x * 8).astype(np.int64).clip(0, 7), (y * 7).astype(np.int64).clip(0, 6)
    column = (x * 80).astype(np.int64) % 10
    row = (y * 49).astype(np.int64) % 7 + 1
    return {
        "TBMPage": pa.array(480 + page_y * 31 + page_x),
        "TBMColumn": pa.array(list("ABCDEFGHJK")).take(pa.array(column)),
        "TBMRow": pa.array(row),
        "APC": pa.array(names.PLANNING_AREAS).take(pa.array(area * 7 // 12)),
        "PolicePrecinct": pa.array(names.PRECINCTS).take(pa.array(area)),
    }


@lru_cache(maxsize=4)
def make_places(seed: int) -> Places:
    """The address pool of a seed (about half a second). Pure."""
    city = make_city(seed)
    rng = np.random.default_rng([seed, 3])
    lon, lat, rows, cols = _scatter(city, rng)
    letter, second = _councils(city, lon, lat, rows, cols)
    source = _source_says(city, rng, lon, lat, letter, second)
    ghost_row, ghost_col = GHOST_COUNCIL[:2]
    source[(rows == ghost_row) & (cols == ghost_col)] = GHOST
    plans = {
        plan: np.array([[district_number(plan, r, c) for c in range(COLS)] for r in range(ROWS)])[rows, cols]
        for plan in DISTRICT_PLANS
    }
    area = (rows // 4) * 4 + cols // 4
    return Places(
        lon=lon,
        lat=lat,
        letter=letter,
        second_letter=second,
        source_letter=source,
        district=plans,
        area=area,
        columns=_streets(rng, lon, lat) | _grid(lon, lat, area),
    )


def council_lookup(seed: int, year: int) -> dict[str, Any]:
    """Per letter index (and `GHOST`, and last: none): NC code, NC name, and the letter the source used that year.

    Returns arrays `code` (0 where none), `name` (None where none), `letter`: what stands in a request of that year for a
    place whose source council is that index. Before 2019 the carved-out councils still count to their parents.
    """
    city = make_city(seed)
    letters = np.arange(GHOST + 2)
    if year < CARVED_OUT_SINCE_YEAR:
        for child, parent in CARVED_OUT.items():
            letters[LETTERS.index(child)] = LETTERS.index(parent)
    codes: list[int] = []
    texts: list[str | None] = []
    for index in letters:
        if index < GHOST:
            council = city.councils[index]
            codes.append(council.code)
            texts.append(council.old_name if year < CARVED_OUT_SINCE_YEAR else council.name)
        elif index == GHOST:
            codes.append(GHOST_COUNCIL[2])
            texts.append(GHOST_COUNCIL[3])
        else:
            codes.append(0)
            texts.append(None)
    letters[-1] = NOWHERE
    return {"code": np.array(codes), "name": pa.array(texts, pa.string()), "letter": letters}
