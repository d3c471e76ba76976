"""Typed Parquet files: the same rows, flags and quarantine as from text; and contracts with many checks."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civicops.checks.batches import Batch, BatchStore, ConservationError, RawBatch, TypedBatch
from civicops.checks.sql import parquet
from civicops.contracts import Contract, load_contract
from tests.unit.checks.conftest import CONTRACT, FIELDS, LOOKUPS, column, rule

SHA = "c" * 64

values = st.fixed_dictionaries({
    "id": st.sampled_from([None, "v1", "v2"]),
    "came": st.sampled_from([None, "2020-05-01 10:00", "1999-01-01 00:00"]),
    "left": st.sampled_from([None, "2020-05-01 11:00", "2020-05-01 09:00"]),
    "age": st.sampled_from([None, "30", "5", "121", "-1"]),
    "score": st.sampled_from([None, "1.5"]),
    "kind": st.sampled_from([None, "adult", "child", "gh'ost"]),
    "lat": st.sampled_from([None, "34.1", "0.0"]),
    "lon": st.sampled_from([None, "-118.3", "118.3"]),
    "zip": st.sampled_from([None, "90001", '9"1', "Ä0001"]),
    "ok": st.sampled_from([None, "true", "false"]),
})  # fmt: skip


def raw_select(rows: list[dict[str, str | None]]) -> str:
    listed = ", ".join(
        "("
        + ", ".join("NULL" if row[f] is None else "'" + row[f].replace("'", "''") + "'" for f in FIELDS)
        + f", '{SHA}', 1)"
        for row in rows
    )
    names = ", ".join(f'"{name}"' for name in [*FIELDS, "_object", "_delivery"])
    casts = ", ".join(f'"{name}"::VARCHAR AS "{name}"' for name in FIELDS)
    return f"SELECT {casts}, _object, _delivery::BIGINT AS _delivery FROM (VALUES {listed}) t({names})"


def write_typed(con: Any, rows: list[dict[str, str | None]], path: Path) -> None:
    """What the text means, said by DuckDB's plain casts rather than by the code under test."""
    moments = ", ".join(
        f"timezone('America/Los_Angeles', \"{source}\"::TIMESTAMP) AS {name}"
        for source, name in (("came", "came_at"), ("left", "left_at"))
    )
    con.execute(
        f"COPY (SELECT id AS visit_id, {moments}, age::BIGINT AS age, score::DOUBLE AS score, kind, lat::DOUBLE AS lat, "
        f"lon::DOUBLE AS lon, zip, ok::BOOLEAN AS is_ok FROM ({raw_select(rows)})) TO '{path}' (FORMAT parquet)"
    )


def outcome(con: Any, store: BatchStore, batch: Batch) -> tuple[Any, ...]:
    kept, held = [], []
    if files := store.rows(batch):
        columns = "* EXCLUDE (_flags, _blanked), list_sort(_flags)"
        kept = con.sql(f"SELECT {columns} FROM {parquet(files)} ORDER BY ALL").fetchall()
    if store.held(batch).exists():
        held = con.sql(f"SELECT list_sort(_checks) FROM '{store.held(batch)}' ORDER BY ALL").fetchall()
    return batch.accepted, batch.quarantined, batch.counts, kept, held


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(values, min_size=1, max_size=30))
def test_a_typed_file_is_split_like_the_same_rows_as_text(
    con: Any, contract: Contract, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("typed")
    write_typed(con, rows, folder / "in.parquet")
    text, typed = (BatchStore(folder / n / "accepted", folder / n / "held", "library") for n in ("text", "typed"))
    of_text = text.check(
        con, contract, RawBatch("desk", ((SHA, 1),), raw_select(rows), FIELDS, None, len(rows)), LOOKUPS, "r"
    )
    of_typed = typed.check(con, contract, TypedBatch("desk", (SHA, 1), folder / "in.parquet", len(rows)), LOOKUPS, "r")
    assert of_typed.rows_in == len(rows)
    assert outcome(con, typed, of_typed) == outcome(con, text, of_text)


def test_a_typed_row_keeps_what_was_blanked_and_what_is_held_back(
    con: Any, store: BatchStore, contract: Contract, tmp_path: Path
) -> None:
    good = dict.fromkeys(FIELDS) | {
        "id": "v1",
        "came": "2020-05-01 10:00",
        "age": "30",
        "zip": '9"1',
        "lat": "0",
        "lon": "0",
    }
    write_typed(con, [good, good | {"id": None}], tmp_path / "in.parquet")
    batch = store.check(con, contract, TypedBatch("desk", (SHA, 7), tmp_path / "in.parquet", 2), LOOKUPS, "run-1")
    row = con.sql(
        f"SELECT _blanked, zip, lat, _flags, _source, _object, _delivery FROM {parquet(store.rows(batch))}"
    ).fetchone()
    assert json.loads(row[0]) == {"zip": '9"1', "lat": "0.0", "lon": "0.0"}
    assert row[1:] == (None, None, ["zip_form", "zip_length", "in_box"], "desk", SHA, 7)
    raw, checks, source, run = con.sql(f"SELECT _raw, _checks, _source, _run FROM '{store.held(batch)}'").fetchone()
    assert (json.loads(raw)["age"], json.loads(raw)["visit_id"]) == (30, None)
    assert (checks[0], source, run) == ("visit_id_required", "desk", "run-1")


def test_a_typed_file_with_another_number_of_rows_keeps_nothing(
    con: Any, store: BatchStore, contract: Contract, tmp_path: Path
) -> None:
    good = dict.fromkeys(FIELDS) | {"id": "v1", "came": "2020-05-01 10:00", "age": "30"}
    write_typed(con, [good], tmp_path / "in.parquet")
    with pytest.raises(ConservationError, match="2 rows landed from 'desk', but 1 were accepted and 0 held back"):
        store.check(con, contract, TypedBatch("desk", (SHA, 1), tmp_path / "in.parquet", 2), LOOKUPS, "run-1")
    assert store.batches("visits") == ()


def test_more_checks_than_an_integer_has_bits(
    con: duckdb.DuckDBPyConnection, store: BatchStore, tmp_path: Path
) -> None:
    many = [rule(f"not_{n}", check="expression", expression=f"age <> {n}", action="blank" if n % 2 else "flag", **({"blanks": ["age"]} if n % 2 else {})) for n in range(130)]  # fmt: skip
    many.append(rule("not_999", check="expression", expression="age <> 999", action="quarantine"))
    table = {"name": "visits", "quality": many, "properties": [column("visit_id", "string", physicalName="id"), column("age", "integer")]}  # fmt: skip
    path = tmp_path / "visits.yaml"
    path.write_text(yaml.safe_dump(CONTRACT | {"schema": [table]}, sort_keys=False), encoding="utf-8")
    ages = [0, 1, 61, 62, 63, 124, 129, 500, 999]
    select = f"SELECT 'v' AS id, unnest({ages})::VARCHAR AS age, '{SHA}' AS _object, 1::BIGINT AS _delivery"
    batch = store.check(
        con, load_contract(path), RawBatch("desk", ((SHA, 1),), select, ("id", "age"), None, len(ages)), {}, "r"
    )
    assert batch.counts == {f"not_{age}": 1 for age in ages if age != 500}
    assert (batch.accepted, batch.quarantined) == (8, 1)
    rows = con.sql(f"SELECT age, _flags, _blanked FROM {parquet(store.rows(batch))}").fetchall()
    assert sorted(age for age, _, _ in rows if age is not None) == [0, 62, 124, 500]
    assert sorted(json.loads(blanked)["age"] for _, _, blanked in rows if blanked) == ["1", "129", "61", "63"]
