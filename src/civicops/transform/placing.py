"""The placing functions that models call, over the outlines in `geo.area`.

Belongs here: reading `geo.area` and one SQL function per layer. Does not belong here: filling that table (`layers`), what a
point's area is (`civicops.geo`), how a model writes the call (`macros/areas.sql`), dbt (`plugin`).

A layer that is not in the table has no function, so a model that asks for it fails by name instead of placing nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias, cast

import duckdb
import numpy as np
import pyarrow as pa
import shapely
from duckdb.func import FunctionNullHandling, PythonUDFType
from duckdb.sqltypes import BOOLEAN, DATE, DOUBLE, INTEGER, VARCHAR
from numpy.typing import NDArray

from civicops.geo import Area, PlaceIndex

Chunks: TypeAlias = "pa.ChunkedArray[Any]"
CELLS = 512  # for a million points a coarser grid costs less in all than the finest: it is built anew in every run
EPOCH = date(1970, 1, 1)
FIRST, LAST = (date.min - EPOCH).days, (date.max - EPOCH).days  # days of sets that are open at that end
NOT_A_DAY = np.iinfo(np.int64).min
ARROW_TYPE = pa.struct([("code", pa.string()), ("matches", pa.int32())])


@dataclass(frozen=True)
class AreaSet:
    """One boundary set: the days (since 1970) it is in force, both included, and its areas."""

    first_day: int
    last_day: int
    areas: tuple[Area, ...]

    def contains(self, days: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the days this set is in force on."""
        return (days >= self.first_day) & (days <= self.last_day)


class LayerIndex:
    """All sets of one layer, indexed when the first point is asked for; safe to call from several threads."""

    def __init__(self, sets: tuple[AreaSet, ...], *, by_day: bool, cells: int = CELLS) -> None:
        self._sets = sets
        self._by_day = by_day
        self._cells = cells
        shapely.prepare([area.geometry for item in sets for area in item.areas])
        self._indexes: dict[int, PlaceIndex] = {}
        self._lock = threading.Lock()
        self._asking = threading.Lock()

    def day_macro(self) -> str:
        """The body of the SQL macro that gives any moment a day of the set in force then; `moment` and `tz` are its parameters.

        Local midnights are constants to the engine, so a moment is only turned into a local date where no set is in force:
        that day is then in no set either.
        """
        if not self._by_day:
            return f"CAST('{EPOCH}' AS DATE)"
        arms = ""
        for item in self._sets:
            tests = []
            if item.first_day > FIRST:
                tests.append(f"moment >= timezone(tz, TIMESTAMP '{_date(item.first_day)} 00:00:00')")
            if item.last_day < LAST:
                tests.append(f"moment < timezone(tz, TIMESTAMP '{_date(item.last_day + 1)} 00:00:00')")
            inside = next((day for day in (item.first_day, item.last_day) if FIRST < day < LAST), 0)
            arms += f"WHEN {' AND '.join(tests) or 'moment IS NOT NULL'} THEN CAST('{_date(inside)}' AS DATE) "
        return f"CASE {arms}ELSE CAST(timezone(tz, moment) AS DATE) END"

    def _index(self, number: int) -> PlaceIndex:
        with self._lock:
            if number not in self._indexes:
                self._indexes[number] = PlaceIndex.build(self._sets[number].areas, cells=self._cells)
            return self._indexes[number]

    def place(self, lon: Chunks, lat: Chunks, day: Chunks) -> pa.StructArray:
        """Code of the area of each point (null: none) and how many areas hold it, as a struct array.

        `day` decides which set is asked where the layer goes by day; a null day has no set.
        """
        x, y = _numbers(lon), _numbers(lat)
        if not self._by_day:
            return self._answer(0, x, y)
        days = _days(day)
        codes = pa.nulls(len(x), pa.string())
        matches = np.zeros(len(x), np.int32)
        for number, item in enumerate(self._sets):
            chosen = item.contains(days)
            if not chosen.any():
                continue
            if chosen.all():
                return self._answer(number, x, y)
            part = self._answer(number, x[chosen], y[chosen])
            codes = pa.compute.replace_with_mask(codes, pa.array(chosen), part.field("code"))
            matches[chosen] = part.field("matches").to_numpy()
        return pa.StructArray.from_arrays([codes, pa.array(matches)], fields=list(ARROW_TYPE))

    def holds(self, lon: Chunks, lat: Chunks, day: Chunks, code: Chunks) -> pa.BooleanArray:
        """Whether the area with that code holds the point, though a smaller one may be its answer; null without a code."""
        x, y = _numbers(lon), _numbers(lat)
        days = _days(day)
        codes = code.combine_chunks().to_numpy(zero_copy_only=False)
        found = np.zeros(len(x), np.bool_)
        for item in self._sets:
            in_force = item.contains(days) if self._by_day else np.ones(len(x), np.bool_)
            for area in item.areas:
                asked = np.flatnonzero(in_force & (codes == area.code))
                if len(asked):
                    # GEOS makes the index of a prepared geometry when it is first asked, and not for two threads at once.
                    with self._asking:
                        found[asked] = shapely.intersects_xy(area.geometry, x[asked], y[asked])
        return pa.array(found, mask=np.array([name is None for name in codes], dtype=np.bool_))

    def place_one(self, lon: float | None, lat: float | None, day: date | None) -> dict[str, Any]:
        """The same as `place` for one point, with nothing of Arrow's: to load its functions takes longer than to ask."""
        for number in self._in_force(day):
            index = self._index(number)
            placed = index.place([lon], [lat])
            area = int(placed.area[0])
            return {"code": index.codes[area] if area >= 0 else None, "matches": int(placed.matches[0])}
        return {"code": None, "matches": 0}

    def holds_one(self, lon: float | None, lat: float | None, day: date | None, code: str | None) -> bool | None:
        """The same as `holds` for one point."""
        if code is None:
            return None
        point = (np.nan if lon is None else lon), (np.nan if lat is None else lat)
        areas = [area for number in self._in_force(day) for area in self._sets[number].areas if area.code == code]
        return any(bool(shapely.intersects_xy(area.geometry, *point)) for area in areas)

    def _in_force(self, day: date | None) -> list[int]:
        if not self._by_day:
            return list(range(len(self._sets)))
        if day is None:
            return []
        number = (day - EPOCH).days
        return [place for place, item in enumerate(self._sets) if item.first_day <= number <= item.last_day]

    def _answer(self, number: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> pa.StructArray:
        index = self._index(number)
        placed = index.place(x, y)
        names = pa.array(index.codes, pa.string())
        where = pa.array(placed.area, pa.int16(), mask=placed.area < 0)
        return pa.StructArray.from_arrays(
            [names.take(where), pa.array(placed.matches.astype(np.int32))], fields=list(ARROW_TYPE)
        )


def _numbers(values: Chunks) -> NDArray[np.float64]:
    return np.asarray(values.to_numpy(), dtype=np.float64)


def _days(values: Chunks) -> NDArray[np.int64]:
    return np.asarray(
        values.cast(pa.int32()).cast(pa.int64()).fill_null(pa.scalar(NOT_A_DAY)).to_numpy(), dtype=np.int64
    )


def read_layers(con: duckdb.DuckDBPyConnection, *, cells: int = CELLS) -> dict[str, LayerIndex]:
    """The layers that `geo.area` holds; none where the table is not there. Few `cells` do for few points."""
    found = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'geo' AND table_name = 'area' AND NOT internal"
    ).fetchone()
    if not found or not found[0]:
        return {}
    rows = con.execute(
        "SELECT layer, policy, set_id, valid_from, valid_to, is_newest, area_code, geometry FROM geo.area "
        "ORDER BY layer, valid_from NULLS FIRST, set_id, area_code"
    ).fetchall()
    sets: dict[str, dict[str, AreaSet]] = {}
    by_day: dict[str, bool] = {}
    for layer, policy, set_id, first, last, is_newest, code, wkb in rows:
        by_day[layer] = policy == "as_of"
        if policy == "current" and not is_newest:
            continue
        own = sets.setdefault(layer, {})
        before = own.get(set_id, AreaSet(_day(first, date.min), _day(last, date.max), ()))
        own[set_id] = AreaSet(before.first_day, before.last_day, (*before.areas, Area(code, shapely.from_wkb(wkb))))
    return {layer: LayerIndex(tuple(own.values()), by_day=by_day[layer], cells=cells) for layer, own in sets.items()}


def _day(value: date | None, default: date) -> int:
    return ((value or default) - EPOCH).days


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)


def register(con: duckdb.DuckDBPyConnection, layers: dict[str, LayerIndex], *, one_by_one: bool = False) -> None:
    """Make the functions of every layer known to the connection's database; `one_by_one` is quicker for a handful of points.

    `place_in__<layer>(longitude, latitude, day)` gives a struct of `code` and `matches`; `is_in__<layer>(longitude,
    latitude, day, code)` whether that area holds the point; `geo.day_of__<layer>(moment, tz)` is a day that stands for the
    set in force at that moment.
    """
    answer = con.struct_type({"code": VARCHAR, "matches": INTEGER})
    point: list[Any] = [DOUBLE, DOUBLE, DATE]
    kind = PythonUDFType.NATIVE if one_by_one else PythonUDFType.ARROW
    nulls = FunctionNullHandling.SPECIAL  # a point without a coordinate has an answer too: nowhere
    for name, layer in layers.items():
        # The stubs of DuckDB know functions of single values only, not of Arrow columns.
        place = cast("Callable[..., Any]", layer.place_one if one_by_one else layer.place)
        holds = cast("Callable[..., Any]", layer.holds_one if one_by_one else layer.holds)
        con.create_function(f"place_in__{name}", place, point, answer, type=kind, null_handling=nulls)
        con.create_function(f"is_in__{name}", holds, [*point, VARCHAR], BOOLEAN, type=kind, null_handling=nulls)
        con.execute(f"CREATE OR REPLACE MACRO geo.day_of__{name}(moment, tz) AS {layer.day_macro()}")
