"""The strict reader: no row lost, no field guessed, every misfit counted."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from civicops.contracts import Contract
from civicops.ingest.landing import Landing
from civicops.ingest.read import raw_rows
from civicops.ingest.values import SourceError
from tests.unit.ingest.conftest import PRODUCT, SOURCE, Deliver, Rows, make_contract

Read = Callable[[Contract], Rows]
AB = make_contract({"first": ["a"], "second": ["b"]})


@pytest.mark.parametrize(
    "content",
    [
        b'a,b\r\n1,"x, y"\r\n2,\r\n',
        b'a,b\n1,"x, y"\n2,\n',
        b'a,b\n1,"x, y"\n2,',
        b'\xef\xbb\xbfa,b\n1,"x, y"\n2,\n',
        b' A ,"B"\r\n1,"x, y"\r\n2,""\r\n',
        b'a,b\r\n1,"x, y"\n2,\n',
        b'a,b\n\n1,"x, y"\n\n2,\n\n',
        b'a,b\r1,"x, y"\r2,\r',
    ],
    ids=["crlf", "lf", "no last line end", "bom", "untidy header", "mixed line ends", "blank lines", "cr only"],
)
def test_one_table_in_many_dialects_reads_the_same(content: bytes, deliver: Deliver, read: Read) -> None:
    deliver(content)
    found = read(AB)
    assert [(row["a"], row["b"]) for row in found.rows] == [("1", "x, y"), ("2", None)]
    assert found.findings == {}
    assert found.types == {"VARCHAR", "BIGINT"}
    found.assert_conserved()


def test_the_text_null_is_text_and_spaces_stay(deliver: Deliver, read: Read) -> None:
    deliver(b"a,b\nNULL, x \nnull,NaN\n")
    assert [(row["a"], row["b"]) for row in read(AB).rows] == [("NULL", " x "), ("null", "NaN")]


def test_rows_carry_their_object_and_delivery(deliver: Deliver, read: Read) -> None:
    first = deliver(b"a,b\n1,x\n", b"a,b\n2,y\n")
    second = deliver(b"a,b\n1,z\n", kind="increment")
    found = read(AB)
    assert {(row["a"], row["b"], row["_object"], row["_delivery"]) for row in found.rows} == {
        ("1", "x", first.objects[0].sha256, 1),
        ("2", "y", first.objects[1].sha256, 1),
        ("1", "z", second.objects[0].sha256, 2),
    }
    assert found.raw.rows_landed == 3


def test_identical_bytes_are_read_once_under_their_newest_delivery(deliver: Deliver, read: Read) -> None:
    deliver(b"a,b\n1,x\n")
    deliver(b"a,b\n1,y\n", kind="increment")
    deliver(b"a,b\n1,x\n", kind="increment")
    found = read(AB)
    assert sorted((row["b"], row["_delivery"]) for row in found.rows) == [("x", 3), ("y", 2)]
    found.assert_conserved()


BROKEN = b"""a,b
1,fine
2,too,many
3
4,5" pipe
5,"never closed
6,"over
two lines"
7,"a"b
8,na\xefve
9,last
"""


def test_unreadable_rows_are_kept_apart_one_by_one(deliver: Deliver, read: Read) -> None:
    delivery = deliver(BROKEN)
    found = read(AB)
    assert [(row["a"], row["b"]) for row in found.rows] == [
        ("1", "fine"),
        ("4", '5" pipe'),
        ("6", "over\ntwo lines"),
        ("9", "last"),
    ]
    assert [(line, text) for _, _, line, text, _ in found.rejects] == [
        (3, "2,too,many"),
        (4, "3"),
        (6, '5,"never closed'),
        (9, '7,"a"b'),
        (10, "8,na\\xefve"),
    ]
    assert {(row[0], row[1]) for row in found.rejects} == {(delivery.objects[0].sha256, 1)}
    assert found.rejects[0][4] == "has 3 fields where the header has 2"
    assert found.findings == {"text_not_utf8": 5}
    found.assert_conserved()


def test_clean_and_broken_pages_of_one_layout_read_together(deliver: Deliver, read: Read) -> None:
    deliver(b"a,b\n1,x\n", b"a,b\n2\n3,z\n", b"a,b\n4,w\n")
    found = read(AB)
    assert sorted(row["a"] for row in found.rows) == ["1", "3", "4"]
    found.assert_conserved()


def test_columns_that_appear_go_or_are_renamed_are_counted(deliver: Deliver, read: Read) -> None:
    contract = make_contract(
        {"key": ["id", "number"], "kind": ["kind"], "note": ["note"]}, ignored=[":@computed*", "x"]
    )
    deliver(b"id,kind,note,x\n1,a,b,c\n", b"number,kind,:@computed_region_1,colour\n2,a,9,red\n3,b,9,blue\n")
    found = read(contract)
    assert found.findings == {"column_unknown": 2, "column_missing": 2}
    assert found.raw.columns["key"] == ("id", "number")
    assert found.raw.fields[0] == {"key": "id", "kind": "kind", "note": "note"}
    assert found.raw.fields[1] == {"key": "number", "kind": "kind", "note": None}
    sql = f"SELECT {found.raw.expression('key')} FROM ({found.raw.select_sql}) ORDER BY 1"
    assert found.con.sql(sql).fetchall() == [("1",), ("2",), ("3",)]


def test_a_missing_critical_column_stops(deliver: Deliver, read: Read) -> None:
    deliver(b"kind\na\nb\n")
    found = read(make_contract({"key": ["id"], "kind": ["kind"]}, critical=["key"]))
    assert [(finding.check_id, finding.count, finding.severity) for finding in found.raw.findings] == [
        ("column_missing_required", 2, "stop")
    ]
    assert found.raw.expression("key") == "CAST(NULL AS VARCHAR)"


def test_two_fields_for_one_column_stop(deliver: Deliver, read: Read) -> None:
    deliver(b"id,number\n1,2\n")
    found = read(make_contract({"key": ["id", "number"]}))
    assert [(item.check_id, item.count, item.severity) for item in found.raw.findings] == [
        ("column_ambiguous", 1, "stop")
    ]


@pytest.mark.parametrize("header", ["a,b,a", "a,b,A ", "a,b,_object"])
def test_a_name_twice_or_reserved_stops_and_still_reads(header: str, deliver: Deliver, read: Read) -> None:
    deliver(f"{header}\n1,2,3\n".encode())
    found = read(AB)
    assert [item.severity for item in found.raw.findings if item.check_id == "header_duplicate"] == ["stop"]
    assert sorted(str(value) for value in found.rows[0].values())[:3] == ["1", "1", "2"]
    found.assert_conserved()


def test_an_empty_object_stops_and_a_header_alone_does_not(deliver: Deliver, read: Read) -> None:
    deliver(b"a,b\n")
    assert (read(AB).rows, read(AB).findings) == ([], {})
    deliver(b"")
    assert [item.check_id for item in read(AB).raw.findings] == ["header_unreadable"]
    assert read(AB).rows == []


def test_names_and_paths_cannot_break_out_of_the_sql(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "it's; DROP TABLE x --")
    names = ['a"; DROP TABLE x; --', "b'); --", "c}", "_unnamed_4"]
    content = io.StringIO()
    csv.writer(content).writerows([[*names[:3], ""], ["1", "2'", '3"', "4"]])
    with landing.fetching(PRODUCT, SOURCE):
        part = landing.begin(PRODUCT, SOURCE, {})
        part = landing.add(part, landing.put(PRODUCT, SOURCE, content.getvalue().encode(), "csv", url="u"))
        landing.complete(part, part.delivery(kind="full"))
    found = Rows(landing, make_contract({"first": [names[0]]}))
    assert found.rows[0] | {"_object": "", "_delivery": 0} == {
        **{name.lower(): value for name, value in zip(names, ["1", "2'", '3"', "4"], strict=True)},
        "_object": "",
        "_delivery": 0,
    }


def test_no_delivery_at_all_is_an_empty_relation(landing: Landing) -> None:
    con = duckdb.connect()
    raw = raw_rows(con, landing, PRODUCT, SOURCE, (), AB)
    assert con.sql(raw.select_sql).fetchall() == []
    assert (raw.rows_landed, raw.rejects_sql) == (0, None)


def test_json_values_become_text_as_a_csv_would_write_them(deliver: Deliver, read: Read) -> None:
    rows = '[{"A": "x", "b": 34.10}, {"a": null, "b": 12345678901234567890, "C": {"k": [1, 2.5, null]}}, {"a": true, "b": ""}]'
    deliver(rows.encode(), media="json")
    found = read(make_contract({"first": ["a"], "second": ["b"], "third": ["c"]}))
    assert [(row["a"], row["b"], row["c"]) for row in found.rows] == [
        ("x", "34.10", None),
        (None, "12345678901234567890", '{"k":[1,2.5,null]}'),
        ("true", None, None),
    ]
    assert found.findings == {}
    found.assert_conserved()


def test_json_pages_that_leave_out_nulls_are_one_layout(deliver: Deliver, read: Read) -> None:
    deliver(b'[{"a": "1"}]', b'[{"b": "2"}]', b"[]", media="json")
    found = read(AB)
    assert sorted((row["a"] or "", row["b"] or "") for row in found.rows) == [("", "2"), ("1", "")]
    assert found.findings == {}


def test_a_broken_line_of_ndjson_costs_itself_only(deliver: Deliver, read: Read) -> None:
    deliver(
        b'\xef\xbb\xbf{"a": "1"}\n\n{"a": "2"\n[3]\n{"a": "4", "A": "5"}\n{"a": NaN}\n{"a": "\xff"}\n{"a": "\\ud800"}\n'
        b'{}\n{"a": "6", "a": "7"}\n{"b": "8"}',
        media="ndjson",
    )
    found = read(AB)
    assert [(row["a"], row["b"]) for row in found.rows] == [("1", None), (None, "8")]
    assert [row[2] for row in found.rejects] == [3, 4, 5, 6, 7, 8, 9, 10]
    found.assert_conserved()


@pytest.mark.parametrize(
    "content",
    [b'[{"a": 1}, {"a": 2', b'[{"a": 1},]', b'[{"a": 1} {"a": 2}]', b'{"a": 1}', b"[1] x", b"", b"[\xff]", b"<html>"],
)
def test_half_an_array_is_no_delivery(content: bytes, deliver: Deliver, landing: Landing) -> None:
    with pytest.raises(SourceError):
        deliver(content, media="json")
    assert landing.live(PRODUCT, SOURCE) == ()
    assert not list(landing.root.rglob("*.zst"))


def test_a_long_array_is_read_in_pieces(deliver: Deliver, read: Read) -> None:
    rows = [{"a": str(number), "b": "x" * (number % 700)} for number in range(9_000)]
    deliver(json.dumps(rows).encode(), media="json")
    found = read(AB)
    assert [row["a"] for row in found.rows] == [row["a"] for row in rows]
    assert [row["b"] or "" for row in found.rows] == [row["b"] for row in rows]


def test_geojson_features_are_rows(deliver: Deliver, read: Read) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1.5], [0, 0]]]}
    crs = {"type": "name", "properties": {"name": "EPSG:3857"}}
    features = [
        {"type": "Feature", "id": 7, "properties": {"Name": "North", "N": 1}, "geometry": square},
        {"type": "Feature", "properties": None, "geometry": None},
        {"type": "Nothing"},
        {"type": "Feature", "properties": {"_geometry": 1}, "geometry": None},
    ]
    content = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}).encode()
    deliver(content, media="geojson")
    contract = make_contract({"name": ["name"], "geometry": ["_geometry"], "crs": ["_crs"]}, ignored=["n"])
    found = read(contract)
    assert [(row["name"], row["_crs"], row["_feature_id"]) for row in found.rows] == [
        ("North", "EPSG:3857", "7"),
        (None, "EPSG:3857", None),
    ]
    assert json.loads(found.rows[0]["_geometry"]) == square
    assert found.rows[1]["_geometry"] is None
    assert [row[2] for row in found.rejects] == [3, 4]
    assert found.findings == {"column_unknown": 4}  # _feature_id
    found.assert_conserved()


def test_parquet_is_read_as_text(deliver: Deliver, read: Read) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"A": [1, 2, None], "b": ["x", "", "NULL"]}), buffer)
    deliver(buffer.getvalue(), media="parquet")
    found = read(AB)
    assert [(row["a"], row["b"]) for row in found.rows] == [("1", "x"), ("2", None), (None, "NULL")]
    found.assert_conserved()
    with pytest.raises(SourceError, match="Parquet"):
        deliver(b"PAR1 not really", media="parquet")


def test_values_that_look_like_rows_do_not_fool_a_large_read(deliver: Deliver, read: Read) -> None:
    """More than one buffer of DuckDB's reader, so that a thread could start in the middle of a quoted value."""
    fake = "\n".join(f'"k{number}",fake' for number in range(3_000))
    content = io.StringIO()
    csv.writer(content).writerows([["a", "b"], *([str(number), fake] for number in range(900))])
    delivery = deliver(content.getvalue().encode())
    assert delivery.objects[0].shape.multiline and delivery.objects[0].bytes_size > 35_000_000
    found = read(AB)
    assert [row["a"] for row in found.rows] == [str(number) for number in range(900)]
    assert {row["b"] for row in found.rows} == {fake}


TEXT = st.text(st.one_of(st.sampled_from(list("\",\n\r\t; \\'#\0\ufeffé")), st.characters(codec="utf-8")), max_size=12)


@settings(max_examples=int(os.environ.get("CIVICOPS_EXAMPLES", "100")), deadline=None)
@given(
    width=st.integers(1, 5),
    table=st.lists(st.lists(TEXT, min_size=5, max_size=5), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    ending=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
@example(width=1, table=[[""] * 5], quoting=csv.QUOTE_MINIMAL, ending="\n", bom=False)
@example(width=2, table=[["\r"] * 5], quoting=csv.QUOTE_MINIMAL, ending="\r\n", bom=True)
@example(width=1, table=[["\ufeff"] * 5], quoting=csv.QUOTE_MINIMAL, ending="\n", bom=False)
def test_whatever_python_writes_as_csv_comes_back(
    width: int, table: list[list[str]], quoting: int, ending: str, bom: bool
) -> None:
    names = [f"c{index}" for index in range(width)]
    rows = [row[:width] for row in table]
    if ending == "\n" and any("\r" in value for row in rows for value in row):
        quoting = csv.QUOTE_ALL  # Python leaves a lone CR bare here, and then cannot read its own file either
    content = io.StringIO(newline="")
    csv.writer(content, quoting=quoting, lineterminator=ending).writerows([names, *rows])  # type: ignore[arg-type]
    data = content.getvalue().encode("utf-8-sig" if bom else "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        part = landing.begin(PRODUCT, SOURCE, {})
        part = landing.add(part, landing.put(PRODUCT, SOURCE, data, "csv", url="u"))
        landing.complete(part, part.delivery(kind="full"))
        found = Rows(landing, make_contract({name: [name] for name in names}))
        found.assert_conserved()
        assert part.rows == len(rows)
        assert found.rejects == []
        assert [[row[name] for name in names] for row in found.rows] == [
            [value or None for value in row] for row in rows
        ]
        with landing.open_bytes(PRODUCT, SOURCE, part.objects[0]) as stream:
            assert stream.read() == data


@settings(max_examples=int(os.environ.get("CIVICOPS_EXAMPLES", "150")), deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a", b",", b'"', b"\n", b"\r", b"\r\n", b'"a",', b"\xff", b"\xc3\xa9", b" "]), max_size=40
    )
)
def test_whatever_the_bytes_rows_are_conserved(pieces: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder))
        part = landing.begin(PRODUCT, SOURCE, {})
        part = landing.add(part, landing.put(PRODUCT, SOURCE, b"x,y\n" + b"".join(pieces), "csv", url="u"))
        landing.complete(part, part.delivery(kind="full"))
        found = Rows(landing, make_contract({"x": ["x"], "y": ["y"]}))
        found.assert_conserved()
