"""The ground of Marisol: neighbourhood councils, council districts, regions, as exact polygons with known truth.

Belongs here: shapes and who owns which piece of ground. Does not belong here: addresses (`places`), requests, file
formats beyond GeoJSON.

The city is drawn as a map of 16 x 12 cells (below). Cell corners are shaken by the seed and each cell side is a crooked
line of shared vertices, so that neighbours share their border vertex for vertex. A council is a union of cells; for
any cell we therefore know the council without asking a geometry library, which is what makes the world a yardstick.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from simulators.world import names

# The one place where the city lies. Longitude first: west, south, east, north (degrees, WGS84). It lies inside the box
# of the real city (-118.67..-118.15, 33.70..34.34), so that one contract serves both.
BBOX: Final = (-118.66, 33.80, -118.16, 34.16)

# North at the top. "." is outside the city, "~" is in the city but in no council, a letter is a council.
# Y has a hole, b is concave around f, R has a second part by the harbour.
CELL_MAP: Final = (
    "..AABBBCCDDEE...",
    ".AAABBCCCDEEFF..",
    "GGAHHIICJJ~EFFK.",
    "GGLH~IIJJMMENKKK",
    "OLLHHIPPQMMNNKRR",
    "OOLSSPPQQTTNUURR",
    "VVSSWWXXQTYYYUZZ",
    "VaaWWWbbbcY~YUZZ",
    "ddaeeebfbcYYYggZ",
    "dhheiibffccjjgg.",
    ".hhkiillmmnjjRo.",
    "..kkkll~mnnnpp..",
)
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
GAP, OUTSIDE = "~", "."
ROWS, COLS = len(CELL_MAP), len(CELL_MAP[0])
SIDE_POINTS: Final = 8

# The western or eastern half of a neighbour's cell also belongs to this council: legal overlaps, as in the real city.
OVERLAPS: Final = (("P", 5, 7, "west"), ("S", 6, 4, "west"), ("K", 4, 14, "west"), ("e", 9, 4, "west"))
# Councils certified late, numbered after all others; the source sometimes gives code 0 with their name.
LATE_COUNCILS: Final = {"f": 127, "o": 128}
# Carved out of another council (child: parent); in requests of older years the source says the parent.
CARVED_OUT: Final = {"o": "j"}
CARVED_OUT_SINCE_YEAR: Final = 2019
# Ground in no council where the source nevertheless gives the code of a council that has no polygon.
GHOST_COUNCIL: Final = (2, 10, 117, "OLD TANNERY FLATS NC")
HOLE_CELL: Final = (7, 11)

# District plans: the rows and columns at which the city is cut, and the days a plan was in force (None = still is).
DISTRICT_PLANS: Final[dict[str, dict[str, Any]]] = {
    "2012": {"cols": (5, 11), "rows": (4, 8), "valid_from": "2012-07-01", "valid_to": "2022-12-11"},
    "2021": {"cols": (6, 10), "rows": (4, 9), "valid_from": "2022-12-12", "valid_to": None},
}
NEW_PLAN_FIRST_YEAR: Final = 2023

Geometry = Polygon | MultiPolygon


@dataclass(frozen=True)
class Council:
    """One certified neighbourhood council: its code in 311 rows (`code`), its place in the world, its people."""

    letter: str
    code: int
    name: str
    old_name: str
    region: int
    region_name: str
    population: int
    geometry: Geometry
    parent_letter: str | None


@dataclass(frozen=True)
class District:
    """One council district (1..9) of one plan."""

    plan: str
    number: int
    member: str
    valid_from: str
    valid_to: str | None
    geometry: Geometry


@dataclass(frozen=True)
class City:
    """The whole ground truth. `cells[row][col]` is the polygon of a cell of `CELL_MAP` (also of cells outside)."""

    seed: int
    cells: tuple[tuple[Polygon, ...], ...]
    councils: tuple[Council, ...]
    districts: tuple[District, ...]

    def council(self, letter: str) -> Council:
        """The council drawn with `letter`. Raises KeyError for a letter that is not on the map."""
        return self.councils[LETTERS.index(letter)]

    def districts_of(self, plan: str) -> tuple[District, ...]:
        """The nine districts of a plan named in `DISTRICT_PLANS`."""
        return tuple(d for d in self.districts if d.plan == plan)


def _corners(rng: np.random.Generator) -> NDArray[np.float64]:
    """Shaken lattice corners, shape (ROWS + 1, COLS + 1, 2) as lon, lat; row 0 is the northern edge."""
    west, south, east, north = BBOX
    margin = 0.03
    lon = np.linspace(west + margin, east - margin, COLS + 1)
    lat = np.linspace(north - margin, south + margin, ROWS + 1)
    grid = np.stack(np.meshgrid(lon, lat), axis=-1)
    step = np.array([lon[1] - lon[0], lat[0] - lat[1]])
    corners: NDArray[np.float64] = grid + rng.uniform(-0.2, 0.2, grid.shape) * step
    return corners


def _sides(starts: NDArray[np.float64], ends: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Crooked lines from each start to its end: (..., SIDE_POINTS + 1, 2), ends included, 9 decimals (0.1 mm)."""
    t = np.linspace(0.0, 1.0, SIDE_POINTS + 1)[:, None]
    line = starts[..., None, :] * (1 - t) + ends[..., None, :] * t
    across = (ends - starts)[..., ::-1] * np.array([-1.0, 1.0])
    bend = rng.uniform(-0.03, 0.03, (*starts.shape[:-1], SIDE_POINTS + 1, 1))
    bend[..., [0, -1], :] = 0.0
    crooked: NDArray[np.float64] = np.round(line + bend * across[..., None, :], 9)
    return crooked


def _lattice(seed: int) -> tuple[tuple[Polygon, ...], ...]:
    """All cells, counter-clockwise, sharing their border vertices exactly."""
    rng = np.random.default_rng([seed, 1])
    corners = _corners(rng)
    eastward = _sides(corners[:, :-1], corners[:, 1:], rng)
    southward = _sides(corners[:-1], corners[1:], rng)
    cells = []
    for row in range(ROWS):
        line = []
        for col in range(COLS):
            ring = [
                *southward[row, col][:-1],
                *eastward[row + 1, col][:-1],
                *southward[row, col + 1][::-1][:-1],
                *eastward[row, col][::-1][:-1],
            ]
            line.append(Polygon(ring))
        cells.append(tuple(line))
    return tuple(cells)


def half_cell(cell: Polygon, side: str) -> Polygon:
    """The western or eastern half of a cell, cut between the middle vertices of its south and north sides."""
    ring = list(cell.exterior.coords)[:-1]
    half = SIDE_POINTS // 2
    south_mid, north_mid = SIDE_POINTS + half, 3 * SIDE_POINTS + half
    if side == "west":
        return Polygon([*ring[: south_mid + 1], *ring[north_mid:]])
    return Polygon(ring[south_mid : north_mid + 1])


def letters_at(row: int, col: int) -> tuple[str, ...]:
    """Councils that own the whole cell (none or one); overlaps of half cells are in `OVERLAPS`."""
    letter = CELL_MAP[row][col]
    return () if letter in (GAP, OUTSIDE) else (letter,)


def district_number(plan: str, row: int, col: int) -> int:
    """District 1..9 of a cell, numbered from the north-west in reading order."""
    cut = DISTRICT_PLANS[plan]
    band_row = sum(row >= r for r in cut["rows"])
    band_col = sum(col >= c for c in cut["cols"])
    return int(3 * band_row + band_col + 1)


def region_number(row: int, col: int) -> int:
    """Region 1..12 of a cell: four columns by three rows, in reading order."""
    return (row // 4) * 4 + col // 4 + 1


def _union(parts: list[Polygon]) -> Geometry:
    """The ground of several cells: shared borders dissolve exactly, rings run counter-clockwise as GeoJSON wants."""
    ground = shapely.orient_polygons(shapely.normalize(shapely.union_all(parts)))
    if not isinstance(ground, Polygon | MultiPolygon):
        raise TypeError(f"cells unite to a {ground.geom_type}")
    return ground


def _councils(seed: int, cells: tuple[tuple[Polygon, ...], ...]) -> tuple[Council, ...]:
    rng = np.random.default_rng([seed, 2])
    # Codes as in the real city: small integers with holes, and none that a ghost council uses.
    free = np.array([c for c in range(4, 117) if c != GHOST_COUNCIL[2]])
    codes = np.sort(rng.choice(free, len(LETTERS) - 2, replace=False)).tolist()
    by_letter = dict(zip([x for x in LETTERS if x not in LATE_COUNCILS], codes, strict=True)) | LATE_COUNCILS
    councils = []
    for letter, name in zip(LETTERS, names.COUNCIL_NAMES, strict=True):
        owned = [(r, c) for r in range(ROWS) for c in range(COLS) if CELL_MAP[r][c] == letter]
        parts = [cells[r][c] for r, c in owned]
        parts += [half_cell(cells[r][c], side) for who, r, c, side in OVERLAPS if who == letter]
        geometry = _union(parts)
        region = region_number(*owned[0])
        renamed = rng.random() < 0.3 and letter not in LATE_COUNCILS
        old_name = name.replace(" NC", " COMMUNITY").replace("NC ", "") if renamed else name
        councils.append(
            Council(
                letter=letter,
                code=int(by_letter[letter]),
                name=name,
                old_name=old_name,
                region=region,
                region_name=f"REGION {region} - {names.REGION_NAMES[region - 1]}",
                population=int(rng.integers(9_000, 34_000) * len(owned) // 3),
                geometry=geometry,
                parent_letter=CARVED_OUT.get(letter),
            )
        )
    return tuple(councils)


def _districts(cells: tuple[tuple[Polygon, ...], ...]) -> tuple[District, ...]:
    out = []
    for plan, facts in DISTRICT_PLANS.items():
        members = names.MEMBERS_OLD if plan == "2012" else names.MEMBERS_NEW
        grounds: dict[int, list[Polygon]] = {}
        for row in range(ROWS):
            for col in range(COLS):
                if CELL_MAP[row][col] != OUTSIDE:
                    grounds.setdefault(district_number(plan, row, col), []).append(cells[row][col])
        for number, parts in sorted(grounds.items()):
            out.append(
                District(
                    plan=plan,
                    number=number,
                    member=members[number - 1],
                    valid_from=str(facts["valid_from"]),
                    valid_to=None if facts["valid_to"] is None else str(facts["valid_to"]),
                    geometry=_union(parts),
                )
            )
    return tuple(out)


@lru_cache(maxsize=4)
def make_city(seed: int) -> City:
    """The city of a seed. Pure: the same seed gives the same polygons, codes and populations."""
    cells = _lattice(seed)
    return City(seed=seed, cells=cells, councils=_councils(seed, cells), districts=_districts(cells))
