"""Rows in, accepted and quarantined rows out."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civicops.checks.batches import BatchStore, ConservationError, RawBatch, fingerprint_of
from civicops.checks.compile import compile_checks
from civicops.checks.current import DUPLICATE, SUPERSEDED, current_rows
from civicops.checks.sql import parquet
from civicops.contracts import Contract
from tests.unit.checks.conftest import FIELDS, LOOKUPS, Check

GOOD = ("v1", "2020-05-01 10:00", "2020-05-01 11:00", "30", "1.5", "adult", "34.1", "-118.3", "90001", "yes")


def altered(**changes: str | None) -> tuple[str | None, ...]:
    return tuple(changes.get(field, value) for field, value in zip(FIELDS, GOOD, strict=True))


def accepted(con: duckdb.DuckDBPyConnection, store: BatchStore, batch: Any) -> list[dict[str, Any]]:
    relation = con.sql(f"SELECT * FROM {parquet(store.rows(batch))} ORDER BY visit_id")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_a_good_row_is_typed_and_carries_no_finding(con: Any, store: BatchStore, check: Check) -> None:
    batch = check([GOOD])
    assert (batch.rows_in, batch.accepted, batch.quarantined, batch.counts) == (1, 1, 0, {})
    row = accepted(con, store, batch)[0]
    assert row["came_at"].astimezone(ZoneInfo("UTC")) == datetime(2020, 5, 1, 17, tzinfo=ZoneInfo("UTC"))
    assert (row["age"], row["score"], row["is_ok"]) == (30, 1.5, True)
    assert (row["_flags"], row["_blanked"], row["_source"]) == ([], None, "desk")


@pytest.mark.parametrize(
    ("changes", "ids", "held", "nulls"),
    [
        ({"id": " "}, ["visit_id_required"], True, []),
        ({"came": None}, ["came_at_required"], True, []),
        ({"came": "yesterday"}, ["came_at_required", "came_readable"], True, []),
        ({"came": "2020-03-08 02:30"}, ["came_one_moment"], False, []),
        ({"came": "2020-11-01 01:30", "left": None}, ["came_one_moment"], False, ["left_at"]),
        ({"came": "2020-11-01 02:30", "left": None}, [], False, ["left_at"]),
        ({"came": "1900-01-01 00:00"}, ["came_recently"], True, []),
        ({"left": "2020-05-01 09:59"}, ["left_after_came"], False, ["left_at"]),
        ({"left": "soon"}, ["left_readable"], False, ["left_at"]),
        ({"age": "121"}, ["age_human"], False, ["age"]),
        ({"age": "12.7"}, ["age_parses"], True, []),
        ({"age": "1e2"}, ["age_parses"], True, []),
        ({"age": "12.0"}, [], False, []),
        ({"age": "5"}, ["old_enough"], True, []),
        ({"age": "5", "kind": "child"}, [], False, []),
        ({"score": "nan"}, ["score_readable"], False, ["score"]),
        ({"kind": "ghost"}, ["kind_known"], False, []),
        ({"lat": "0", "lon": "0"}, ["in_box"], False, ["lat", "lon"]),
        ({"lat": None}, ["lat_with_lon"], False, ["lat"]),
        ({"lat": None, "lon": None}, [], False, ["lat", "lon"]),
        ({"zip": "0"}, ["zip_form", "zip_length"], False, ["zip"]),
        ({"ok": "maybe"}, ["ok_readable"], False, ["is_ok"]),
    ],
)  # fmt: skip
def test_each_rule_finds_its_fault_and_does_what_it_says(
    con: Any,
    store: BatchStore,
    check: Check,
    changes: dict[str, str | None],
    ids: list[str],
    held: bool,
    nulls: list[str],
) -> None:
    batch = check([altered(**changes)])
    assert batch.counts == dict.fromkeys(sorted(ids), 1)
    assert (batch.accepted, batch.quarantined) == ((0, 1) if held else (1, 0))
    if held:
        row = con.sql(f"SELECT _raw, _checks, _contract, _run FROM '{store.held(batch)}'").fetchone()
        assert json.loads(row[0]) == dict(zip(FIELDS, altered(**changes), strict=True))
        assert (sorted(row[1]), row[2], row[3]) == (sorted(ids), "1.2.3", "run-1")
    else:
        row = accepted(con, store, batch)[0]
        assert sorted(row["_flags"]) == sorted(ids)
        assert [
            name for name in ("left_at", "age", "score", "lat", "lon", "zip", "is_ok") if row[name] is None
        ] == nulls


@pytest.mark.parametrize("around", ["{} ", " {}", "\t{}", "{}\t", " \t {} \t "])
def test_white_space_around_a_value_is_no_part_of_it(con: Any, store: BatchStore, check: Check, around: str) -> None:
    batch = check([[around.format(value) for value in GOOD]])
    assert batch.counts == {}
    row = accepted(con, store, batch)[0]
    assert (row["visit_id"], row["kind"], row["age"], row["score"], row["is_ok"]) == ("v1", "adult", 30, 1.5, True)


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("007", 7), ("+7", 7), ("-0", 0), ("7.00", 7), ("7.", 7), ("1_0", None), ("0x7", None), ("7e0", None)],
)
def test_whole_numbers_are_read_strictly(
    con: Any, store: BatchStore, check: Check, text: str, number: int | None
) -> None:
    batch = check([altered(age=text, kind="child")])
    assert batch.accepted == (number is not None)
    if number is not None:
        assert accepted(con, store, batch)[0]["age"] == number


def test_accepted_rows_have_the_columns_of_the_contract_and_their_origin(
    con: Any, store: BatchStore, contract: Contract, check: Check
) -> None:
    batch = check([GOOD, altered(id=None)])
    columns = con.sql(f"SELECT * FROM {parquet(store.rows(batch))}").columns
    added = {"_flags", "_blanked", "_source", "_object", "_delivery"}
    assert sorted(columns) == sorted({*contract.column_names, *added})


def test_a_blanked_value_is_kept_beside(con: Any, store: BatchStore, check: Check) -> None:
    batch = check([altered(zip='9"1', lat="0", lon="0")])
    row = accepted(con, store, batch)[0]
    assert json.loads(row["_blanked"]) == {"zip": '9"1', "lat": "0", "lon": "0"}


def test_rows_that_cannot_be_split_are_held_back_too(con: Any, store: BatchStore, contract: Contract) -> None:
    con.execute(
        "CREATE TABLE r AS SELECT 'x' AS _object, 1::BIGINT AS _delivery, '1,2,3' AS raw_text, 'too many' AS error"
    )
    nothing = ", ".join(f'NULL::VARCHAR AS "{field}"' for field in FIELDS)
    raw = RawBatch(
        "desk",
        (("x", 1),),
        f"SELECT {nothing}, 'x' AS _object, 1::BIGINT AS _delivery WHERE FALSE",
        FIELDS,
        "SELECT * FROM r",
        1,
    )
    batch = store.check(con, contract, raw, LOOKUPS, "run-1")
    assert (batch.accepted, batch.quarantined, batch.counts) == (0, 1, {"row_readable": 1})


def test_a_row_too_few_is_a_fault_of_ours_and_keeps_nothing(store: BatchStore, check: Check) -> None:
    with pytest.raises(ConservationError, match="2 rows landed from 'desk', but 1 were accepted and 0 held back"):
        check([GOOD], rows_in=2)
    assert store.batches("visits") == ()


def test_the_same_objects_are_checked_once(store: BatchStore, check: Check) -> None:
    first = check([GOOD])
    assert check([GOOD]) == first
    assert store.batches("visits") == (first,)


def test_a_mended_lookup_lets_the_row_in_and_the_old_batch_no_longer_counts(
    con: Any, store: BatchStore, contract: Contract, check: Check
) -> None:
    old = check([altered(kind="ghost")])
    assert old.counts == {"kind_known": 1}
    mended = {("kinds", "kind"): ("adult", "child", "ghost")}
    new = check([altered(kind="ghost")], lookups=mended)
    live = [("a" * 64, 1)]
    assert store.valid("visits", fingerprint_of(contract, mended), live) == (new,)
    assert store.valid("visits", fingerprint_of(contract, LOOKUPS), live) == (old,)
    assert store.sweep("visits", [new]) == 1
    assert store.batches("visits") == (new,)


def test_only_live_objects_count(store: BatchStore, contract: Contract, check: Check) -> None:
    first, second = check([GOOD]), check([altered(id="v2")], sha="b" * 64, sequence=2)
    fingerprint = fingerprint_of(contract, LOOKUPS)
    assert store.valid("visits", fingerprint, [("a" * 64, 1), ("b" * 64, 2)]) == (first, second)
    assert store.valid("visits", fingerprint, [("b" * 64, 2)]) == (second,)


def test_one_row_per_key_the_newest_and_every_other_is_named(
    con: Any, store: BatchStore, contract: Contract, check: Check
) -> None:
    older, newer = altered(came="2020-05-01 08:00"), altered(came="2020-05-01 10:30", kind="child")
    batches = (
        check([newer, altered(id="v2")], sha="a" * 64, sequence=1),
        check([older, newer, altered(id="v3")], sha="b" * 64, sequence=2),
    )
    current = current_rows(con, contract, store, batches)
    assert current.rows == 3
    assert current.ignored == {SUPERSEDED: 1, DUPLICATE: 1}
    rows = con.sql(f"SELECT visit_id, kind FROM ({current.select}) ORDER BY ALL").fetchall()
    assert rows == [("v1", "child"), ("v2", "adult"), ("v3", "adult")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(4)),
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["08:00", "09:00"]), st.sampled_from(["adult", "child"])), min_size=4, max_size=12),
)  # fmt: skip
def test_the_order_in_which_the_same_objects_are_checked_changes_nothing(
    con: Any,
    contract: Contract,
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    rows: list[tuple[str, str, str]],
) -> None:
    results = []
    for sequence in (list(range(4)), order):
        folder = tmp_path_factory.mktemp("order")
        store = BatchStore(folder / "accepted", folder / "quarantine", "library")
        batches = []
        for number in sequence:
            part = [altered(id=i, came=f"2020-05-01 {t}", kind=k) for i, t, k in rows[number::4]]
            values = ", ".join(str((*row, f"{number:064d}", 1)) for row in part)
            names = ", ".join(f'"{name}"' for name in [*FIELDS, "_object", "_delivery"])
            select = f"SELECT * FROM (VALUES {values}) t({names})" if part else None
            if select:
                batches.append(
                    store.check(
                        con,
                        contract,
                        RawBatch("desk", ((f"{number:064d}", 1),), select, FIELDS, None, len(part)),
                        LOOKUPS,
                        "r",
                    )
                )
        current = current_rows(con, contract, store, tuple(batches))
        results.append(con.sql(f"SELECT visit_id, came_at, kind FROM ({current.select}) ORDER BY ALL").fetchall())
        assert current.rows + sum(current.ignored.values()) == len(rows)
    assert results[0] == results[1]


def test_nothing_in_a_name_or_value_is_read_as_sql(con: Any, contract: Contract) -> None:
    evil = {("kinds", "kind"): ("x'); DROP TABLE users; --", "]", '"')}
    con.execute("CREATE TABLE users (i INT)")
    relation = (
        "SELECT " + ", ".join(f"'x' AS \"{f}\"" for f in FIELDS) + ", 's' AS _source, 'o' AS _object, 1 AS _delivery"
    )
    compiled = compile_checks(contract, relation, FIELDS, evil)
    con.execute(compiled.select).fetchall()
    assert con.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_the_checks_can_be_said_in_another_dialect(contract: Contract) -> None:
    relation = "SELECT * FROM raw_visits"
    compiled = compile_checks(contract, relation, FIELDS, LOOKUPS)
    assert "SELECT" in compiled.dialect("spark")
    assert "SELECT" in compiled.dialect("bigquery")
