"""Boundary sets: what may stand in the lookup, what is mended, what is refused, and placing against plain geometry."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.geo import Area
from civicops.transform import TransformError
from civicops.transform.layers import read_layer_sets, store_layers
from civicops.transform.placing import EPOCH, AreaSet, LayerIndex, read_layers, register
from tests.unit.transform.conftest import BOUNDARY_HEADER

SQUARE = shapely.to_geojson(shapely.box(0, 0, 1, 1))
BOWTIE = '{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}'
TWO_PARTS = shapely.to_geojson(shapely.union_all([shapely.box(0, 0, 1, 1), shapely.box(50, 50, 51, 51)]))


def lookup(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "boundary_sets.csv"
    path.write_text(BOUNDARY_HEADER + "".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def accepted(rows: list[tuple[str | None, str, str, str]]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("CREATE SCHEMA accepted")
    con.execute("CREATE TABLE accepted.b (area_code VARCHAR, area_name VARCHAR, geometry VARCHAR, _source VARCHAR)")
    if rows:
        con.executemany("INSERT INTO accepted.b VALUES (?, ?, ?, ?)", rows)
    return con


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("zone,a,s,b,,,sometimes,0,0,9,9,",), "sometimes"),
        (("zone,a,s,b,2020-13-01,,as_of,0,0,9,9,",), ":2:"),
        (("zone,a,s,b,,,current,west,0,9,9,",), "west"),
        (("zo ne,a,s,b,,,current,0,0,9,9,",), "zo ne"),
        (("zone,a,s,b,,,current,0,0,9,9,", "zone,b,s,b,,,as_of,0,0,9,9,"), "both policies"),
        (("zone,a,s,b,,,current,0,0,9,9,", "zone,a,t,b,,,current,0,0,9,9,"), "set_id twice"),
        (("zone,a,s,b,,2020-01-01,as_of,0,0,9,9,", "zone,b,t,b,2020-01-01,,as_of,0,0,9,9,"), "same day"),
        (("zone,a,s,b,,,as_of,0,0,9,9,", "zone,b,t,b,2020-01-01,,as_of,0,0,9,9,"), "same day"),
    ],
)
def test_sets_that_do_not_go_together_are_refused(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(TransformError, match=said):
        read_layer_sets(lookup(tmp_path, *lines))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "boundary_sets.csv"
    path.write_text("layer,set_id\n", encoding="utf-8")
    with pytest.raises(TransformError, match="'source'"):
        read_layer_sets(path)


def test_a_set_without_rows_is_a_finding_a_layer_without_any_an_error(tmp_path: Path) -> None:
    sets = read_layer_sets(
        lookup(tmp_path, "zone,a,s,b,,2019-12-31,as_of,0,0,9,9,", "zone,b,t,b,2020-01-01,,as_of,0,0,9,9,")
    )
    findings = store_layers(accepted([("1", "One", SQUARE, "t")]), sets)
    assert [(f.set_id, f.check_id) for f in findings] == [("a", "boundary_set_missing")]
    with pytest.raises(TransformError, match="'s', 't'"):
        store_layers(accepted([]), sets)


def test_what_can_be_mended_is_mended_and_told(tmp_path: Path) -> None:
    sets = read_layer_sets(lookup(tmp_path, "zone,a,s,b,,,current,0,0,9,9,3"))
    con = accepted([("1", "One", BOWTIE, "s"), ("2", "Two", TWO_PARTS, "s")])
    findings = store_layers(con, sets)
    assert {(f.check_id, f.area_code) for f in findings} == {
        ("made_valid", "1"),
        ("dropped_part_outside_bbox", "2"),
        ("feature_count", None),
    }
    rows = con.execute("SELECT area_code, is_newest, geometry FROM geo.area ORDER BY area_code").fetchall()
    assert [(code, newest) for code, newest, _ in rows] == [("1", True), ("2", True)]
    assert all(shapely.from_wkb(wkb).is_valid for *_, wkb in rows)
    assert shapely.from_wkb(rows[1][2]).bounds == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("1", "One", SQUARE, "s"), ("1", "Other", SQUARE, "s")], "1"),
        ([("1", "One", '{"type":"Point","coordinates":[0,0]}', "s")], "Point"),
        ([("0", "None", SQUARE, "s")], "no area"),
    ],
)
def test_what_nobody_can_place_by_is_refused(
    tmp_path: Path, rows: list[tuple[str | None, str, str, str]], said: str
) -> None:
    sets = read_layer_sets(lookup(tmp_path, "zone,a,s,b,,,current,0,0,9,9,"))
    with pytest.raises(TransformError, match=said):
        store_layers(accepted(rows), sets)


def test_the_newest_set_of_a_current_layer_places(tmp_path: Path) -> None:
    sets = read_layer_sets(
        lookup(tmp_path, "zone,new,t,b,2020-01-01,,current,0,0,9,9,", "zone,old,s,b,,2019-12-31,current,0,0,9,9,")
    )
    con = accepted([("old", "Old", SQUARE, "s"), ("new", "New", SQUARE, "t")])
    store_layers(con, sets)
    index = read_layers(con)["zone"]
    answer = index.place(*points([0.5], [0.5], [date(2010, 1, 1)]))
    assert answer.field("code").to_pylist() == ["new"]
    assert con.execute("SELECT area_code FROM geo.area WHERE is_newest").fetchall() == [("new",)]


def test_without_areas_there_are_no_layers() -> None:
    assert read_layers(duckdb.connect()) == {}


def points(
    lon: list[float | None], lat: list[float | None], days: list[date | None]
) -> tuple[pa.ChunkedArray, pa.ChunkedArray, pa.ChunkedArray]:
    return (
        pa.chunked_array([pa.array(lon, pa.float64())]),
        pa.chunked_array([pa.array(lat, pa.float64())]),
        pa.chunked_array([pa.array(days, pa.date32())]),
    )


def random_set(seed: int, first: date, last: date) -> AreaSet:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 10, (6, 2))
    sizes = rng.uniform(0.5, 6, (6, 2))
    areas = tuple(Area(f"{seed}-{n}", shapely.box(*corners[n], *(corners[n] + sizes[n]))) for n in range(6))
    return AreaSet((first - EPOCH).days, (last - EPOCH).days, areas)


coordinate = st.one_of(st.none(), st.floats(-2, 14), st.just(float("nan")))
day = st.one_of(st.none(), st.dates(date(1999, 12, 1), date(2002, 2, 1)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate, day, st.integers(0, 5)), min_size=1, max_size=40), st.integers(0, 5))
def test_placing_equals_plain_geometry(
    rows: list[tuple[float | None, float | None, date | None, int]], seed: int
) -> None:
    """Rules of `civicops.geo`: edges count, the smallest area wins; and the set of the day is the one that answers."""
    sets = (
        random_set(seed, date(2000, 1, 1), date(2000, 12, 31)),
        random_set(seed + 100, date(2001, 1, 1), date(2001, 12, 31)),
    )
    index = LayerIndex(sets, by_day=True)
    lon, lat, days, asked = (list(column) for column in zip(*rows, strict=True))
    answer = index.place(*points(lon, lat, days))
    codes = [
        (sets[0] if when is None or when < date(2001, 1, 1) else sets[1]).areas[number].code
        for when, number in zip(days, asked, strict=True)
    ]
    holds = index.holds(*points(lon, lat, days), pa.chunked_array([pa.array(codes)]))
    for position, (x, y, when, _) in enumerate(rows):
        in_force = [s for s in sets if when is not None and s.first_day <= (when - EPOCH).days <= s.last_day]
        holding = [
            area
            for item in in_force
            for area in item.areas
            if x is not None and y is not None and shapely.intersects_xy(area.geometry, x, y)  # never for NaN
        ]
        best = min(holding, key=lambda area: (area.geometry.area, area.code)).code if holding else None
        assert answer[position].as_py() == {"code": best, "matches": len(holding)}
        assert holds[position].as_py() == (codes[position] in [area.code for area in holding])
        assert index.place_one(x, y, when) == answer[position].as_py()
        assert index.holds_one(x, y, when, codes[position]) is holds[position].as_py()
        assert index.holds_one(x, y, when, None) is None


def test_one_by_one_or_many_at_once_the_models_get_the_same_answer(tmp_path: Path) -> None:
    """Through the engine, as models ask: a point inside, one outside, none, no day, a code that is none."""
    sets = read_layer_sets(
        lookup(tmp_path, "zone,old,s,b,,2019-12-31,as_of,0,0,9,9,", "zone,new,t,b,2020-01-01,,as_of,0,0,9,9,")
    )
    found = []
    for one_by_one in (False, True):
        con = accepted([("old", "Old", SQUARE, "s"), ("new", "New", SQUARE, "t")])
        store_layers(con, sets)
        register(con, read_layers(con), one_by_one=one_by_one)
        asked = "(0.5::DOUBLE, 0.5::DOUBLE, DATE '2010-01-01', 'old'), (0.5, 0.5, DATE '2024-01-01', 'old'), (8, 8, DATE '2024-01-01', NULL), "
        asked += "(NULL, 0.5, DATE '2024-01-01', 'new'), (0.5, 0.5, NULL, 'new'), ('nan'::DOUBLE, 0.5, DATE '2024-01-01', 'none')"
        found.append(
            con.execute(
                f"SELECT place_in__zone(x, y, d), is_in__zone(x, y, d, c) FROM (VALUES {asked}) AS asked(x, y, d, c) ORDER BY ALL"
            ).fetchall()
        )
    assert found[0] == found[1]
    assert [row[0]["code"] for row in found[0]].count("old") == 1
