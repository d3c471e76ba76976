"""Comparing releases: against a plain Python comparison of the same rows, and the cases SQL gets wrong easily."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from release_kit import THING_COLUMNS, column, contract_text, things

from civicops.contracts import Contract, load_contract
from civicops.release import DiffError, Provenance, Release, ReleaseStore, diff, publish, stage
from civicops.release.diff import _Compared, _Sides, compare_on

MakeContract = Callable[..., Contract]
COLUMNS = [
    column("area_code", primaryKey=True, required=True, primaryKeyPosition=1),
    column("number", "integer", primaryKey=True, required=True, primaryKeyPosition=2),
    column("note"),
    column("share", "number"),
    column("tags", "array"),
]
_TYPES: dict[str, pa.DataType] = {
    "area_code": pa.string(),
    "number": pa.int64(),
    "note": pa.string(),
    "share": pa.float64(),
    "tags": pa.list_(pa.string()),
}
SCHEMA = pa.schema(_TYPES)
NAMES = SCHEMA.names

keys = st.tuples(st.sampled_from(["a", "b", "", "ä'b"]), st.integers(-3, 3))
values = st.tuples(
    st.none() | st.sampled_from(["", "x", "y", "None"]),
    st.none() | st.sampled_from([0.0, 1.5, float("nan"), float("inf"), 1e-300]),
    st.none() | st.lists(st.sampled_from(["a", "b"]) | st.none(), max_size=2),
)
tables = st.dictionaries(keys, values, max_size=12)
Table = dict[tuple[str, int], tuple[Any, ...]]


def released(con: duckdb.DuckDBPyConnection, store: ReleaseStore, contract: Contract, sql: str) -> Release:
    staged = stage(con, contract=contract, select_sql=sql, provenance=Provenance("run"), store=store)
    return publish([staged], store=store).releases[0]


def same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))  # noqa: PLR0124 - NaN is the value that is not itself


def in_order(rows: set[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(rows, key=lambda key: (key[0].encode(), key[1]))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=tables, after=tables, kept=st.booleans())
def test_diff_says_what_a_plain_comparison_says(before: Table, after: Table, kept: bool) -> None:
    if kept:  # most rows of a real release are the ones of the last
        after = before | after
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        path = Path(folder) / "items.yaml"
        path.write_text(contract_text("items", COLUMNS, sort_by=["note"]), encoding="utf-8")
        contract, store = load_contract(path), ReleaseStore(Path(folder) / "releases")
        releases = []
        for table in (before, after):
            rows = [dict(zip(NAMES, (*key, *value), strict=True)) for key, value in table.items()]
            arrow = pa.Table.from_pylist(rows, schema=SCHEMA)  # read by name in the SQL below
            assert arrow.num_rows == len(table)
            con.register("made", arrow)
            releases.append(released(con, store, contract, "FROM made"))
        result = diff(con, *releases, sample=3)

    common = before.keys() & after.keys()
    counts = Counter(
        name
        for key in common
        for name, old, new in zip(NAMES[2:], before[key], after[key], strict=True)
        if not same(old, new)
    )
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {key for key in common if not all(map(same, before[key], after[key]))}
    assert (result.added, result.removed, result.changed) == (len(added), len(removed), len(changed))
    assert result.unchanged == len(common) - len(changed)
    assert (result.rows_before, result.rows_after) == (len(before), len(after))
    assert {item.column: item.count for item in result.columns} == dict(counts)
    assert result.schema == ()
    for kind, expected in (("added", added), ("removed", removed), ("changed", changed)):
        shown = [item.key for item in result.samples if item.kind == kind]
        wanted = [(("area_code", key[0]), ("number", str(key[1]))) for key in in_order(expected)[:3]]
        assert shown == wanted
    for item in result.samples:
        if item.kind == "changed":
            key = (str(item.key[0][1]), int(str(item.key[1][1])))
            differ = [n for n, old, new in zip(NAMES[2:], before[key], after[key], strict=True) if not same(old, new)]
            assert [name for name, _ in item.before] == differ == [name for name, _ in item.after]
            assert dict(item.before).get("note", "-") == (before[key][0] if "note" in differ else "-")


def test_different_keys_with_one_hash_are_told_apart(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    """A hash that sends rows of different keys together is noticed, in every way in which it can go wrong."""
    cases = (
        (things(40), things(40)),  # many pairs
        ("FROM (VALUES (1, 'x')) v(thing_id, kind_code)", "FROM (VALUES (2, 'y')) v(thing_id, kind_code)"),  # one pair
    )
    small = [THING_COLUMNS[0], THING_COLUMNS[1]]
    for number, (before, after) in enumerate(cases):
        contract = make_contract(f"case_{number}", THING_COLUMNS if number == 0 else small)
        old = released(con, store, contract, before)
        new = released(con, store, contract, after.replace("34 +", "35 +"))
        names = [name for name in contract.column_names if name != "thing_id"]
        types = {item.name: item.sql_type for item in contract.columns}
        sides = _Sides(
            old=f"read_parquet('{old.data}', file_row_number = true)",
            new=f"read_parquet('{new.data}', file_row_number = true)",
            rows_before=old.package()["resources"][0]["rowcount"],
            rows_after=new.package()["resources"][0]["rowcount"],
            key=("thing_id",),
            compared=tuple(_Compared(name, name, name, types[name]) for name in names),
            columns_before=contract.column_names,
            columns_after=contract.column_names,
        )
        assert compare_on(con, sides, "hash(thing_id) * 0") is None
        good = compare_on(con, sides, "row(thing_id)")
        assert good == compare_on(con, sides, "hash(thing_id)")
        assert good is not None
        assert (good.added, good.removed, good.changed) == ((0, 0, 40) if number == 0 else (1, 1, 0))


def test_the_same_bytes_need_no_reading(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    columns = [dict(item) for item in THING_COLUMNS]
    old = released(con, store, make_contract(), things(20))
    columns[2]["customProperties"] = [{"property": "unit", "value": "gon"}]
    new = released(con, store, make_contract("items", columns, version="2.0.0"), things(20))
    result = diff(con, old, new)
    assert result.identical and old.version != new.version
    assert (result.added, result.removed, result.changed, result.unchanged) == (0, 0, 0, 20)
    assert [(item.kind, item.column, item.before, item.after) for item in result.schema] == [
        ("unit", "latitude", "degrees", "gon")
    ]


def test_columns_that_came_went_or_changed_type_are_named_and_the_rest_is_compared(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    old_columns = [THING_COLUMNS[0], column("size", "integer"), column("gone"), column("code", "integer")]
    new_columns = [THING_COLUMNS[0], column("size", "number"), column("come"), column("code")]
    old = released(
        con,
        store,
        make_contract("items", old_columns),
        "SELECT i AS thing_id, i AS size, 'g' AS gone, i AS code FROM range(10) t(i)",
    )
    new = released(
        con,
        store,
        make_contract("items", new_columns, version="2.0.0"),
        """SELECT i AS thing_id, CASE i WHEN 3 THEN 3.5 ELSE i END::DOUBLE AS size, 'c' AS come,
           CASE i WHEN 4 THEN 'four' ELSE i::VARCHAR END AS code FROM range(10) t(i)""",
    )
    result = diff(con, old, new)
    assert [(item.kind, item.column, item.before, item.after) for item in result.schema] == [
        ("removed", "gone", "VARCHAR", ""),
        ("added", "come", "", "VARCHAR"),
        ("type", "size", "BIGINT", "DOUBLE"),
        ("type", "code", "BIGINT", "VARCHAR"),
    ]
    assert {item.column: item.count for item in result.columns} == {"size": 1, "code": 1}
    assert [(item.before, item.after) for item in result.samples] == [
        ((("size", "3.0"),), (("size", "3.5"),)),
        ((("code", "4"),), (("code", "four"),)),
    ]


def test_without_a_key_rows_are_a_bag(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    contract = make_contract("notes", [column("note"), column("size", "integer")])
    old = released(
        con, store, contract, "FROM (VALUES ('a', 1), ('a', 1), ('a', 1), ('b', 2), (NULL, 3)) v(note, size)"
    )
    new = released(
        con, store, contract, "FROM (VALUES ('a', 1), ('b', 3), ('c', 4), (NULL, 3), (NULL, 3)) v(note, size)"
    )
    result = diff(con, old, new)
    assert (result.added, result.removed, result.changed, result.unchanged) == (3, 3, 0, 2)
    assert [(item.kind, dict(item.before or item.after)) for item in result.samples] == [
        ("added", {"note": "b", "size": "3"}),
        ("added", {"note": "c", "size": "4"}),
        ("added", {"note": None, "size": "3"}),
        ("removed", {"note": "a", "size": "1"}),
        ("removed", {"note": "b", "size": "2"}),
    ]


@pytest.mark.parametrize("copies", [("1, 1", "1, 1"), ("1", "1, 1"), ("1, 1", "1")])
def test_a_key_that_is_not_unique_is_an_error_not_a_wrong_count(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract, copies: tuple[str, str]
) -> None:
    contract = make_contract("items", [THING_COLUMNS[0], column("size", "integer")])
    releases = [
        released(
            con, store, contract, f"SELECT unnest([{ids}])::BIGINT AS thing_id, {n} + row_number() OVER () AS size"
        )
        for n, ids in enumerate(copies)
    ]
    with pytest.raises(DiffError, match=r"The key thing_id of things\.items is not unique"):
        diff(con, *releases)


def test_a_release_that_is_gone_or_damaged_is_named(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    old = released(con, store, make_contract(), things(20))
    new = released(con, store, make_contract(), things(21))
    new.data.chmod(0o644)
    new.data.write_bytes(b"PAR1 but no more")
    with pytest.raises(DiffError, match=f"Release {new.version} of things.items cannot be read"):
        diff(con, old, new)
    old.data.unlink()
    with pytest.raises(DiffError, match="cannot be read"):
        diff(con, old, new)


_MOMENTS_ANYWHERE = """
import sys
from pathlib import Path
import duckdb
from civicops.release import ReleaseStore, diff
old, new = ReleaseStore(Path(sys.argv[1])).versions("things", "moments")
with duckdb.connect() as con:
    print([dict(change.key) | dict(change.after) for change in diff(con, old, new).samples])
"""


def test_moments_are_shown_in_utc_wherever_the_machine_stands(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: MakeContract
) -> None:
    seen = column("seen_at", "timestamp", logicalTypeOptions={"defaultTimezone": "UTC"})
    contract = make_contract("moments", [column("thing_id", primaryKey=True, required=True), seen])
    for second in ("00", "30"):
        released(con, store, contract, f"SELECT 'a' AS thing_id, TIMESTAMPTZ '2026-01-01 00:00:{second}+00' AS seen_at")
    said = {
        zone: subprocess.run(
            [sys.executable, "-c", _MOMENTS_ANYWHERE, str(store.root)],
            env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=True,
        ).stdout
        for zone in ("UTC", "Asia/Kathmandu")
    }  # fmt: skip
    assert "2026-01-01 00:00:30+00" in said["Asia/Kathmandu"]
    assert said["UTC"] == said["Asia/Kathmandu"]
