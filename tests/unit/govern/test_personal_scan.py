"""Looking through a table: which columns, what is counted, when it counts, what a sample may miss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from civicops.contracts import Contract, load_contract
from civicops.govern.personal_scan import Found, counting, scan, scanned_columns
from tests.flow.orchard import column, contract, rule

SELECT = "SELECT * FROM rows"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def made(tmp_path: Path) -> Any:
    def make(*columns: dict[str, Any]) -> Contract:
        path = tmp_path / "notes.yaml"
        path.write_text(yaml.safe_dump(contract("desk.notes", list(columns))), encoding="utf-8")
        return load_contract(path)

    return make


def expects(*kinds: str) -> list[dict[str, Any]]:
    value = {"kinds": list(kinds), "reason": "The number of an office."}
    return [{"property": "personalDataExpected", "value": value}]


def table(con: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]], names: str) -> None:
    con.execute(f"CREATE OR REPLACE TABLE rows ({', '.join(f'{name} VARCHAR' for name in names.split())})")
    con.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(names.split()))})", rows)


def test_declared_and_listed_columns_are_not_looked_at(made: Any) -> None:
    found = made(
        column("a", primaryKey=True),
        column("b", classification="person"),
        column("c", quality=[rule("known", check="allowed", values=["x"], action="stop")]),
        column("d", "integer"),
        column("e", "array"),
        column("f", quality=[rule("known_f", check="allowed", values=["x"], action="flag")]),
    )
    assert [item.name for item in scanned_columns(found)] == ["a", "e", "f"]


def test_values_and_rows_are_counted_and_no_value_is_told(made: Any, con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        ("1", "call (213) 555-0142"),
        ("2", "call (213) 555-0142"),
        ("3", "a@example.org"),
        ("4", "nothing"),
        ("5", None),
    ]
    table(con, rows, "note_id note")
    found = scan(con, made(column("note_id", primaryKey=True), column("note")), SELECT)
    assert [(item.kind, item.values, item.rows, item.status) for item in found] == [
        ("phone", 1, 2, "found"),
        ("email", 1, 1, "found"),
    ]
    assert found[0].shapes == ("(###) ###-####",)
    assert "555" not in repr(found)
    assert "example" not in repr(found)
    assert found[0].words == (
        "desk.notes.note holds what looks like telephone numbers in 1 values, 2 rows, such as (###) ###-####."
    )


def test_what_the_contract_expects_does_not_count(made: Any, con: duckdb.DuckDBPyConnection) -> None:
    table(con, [("1", "(213) 555-0142, a@example.org")], "note_id note")
    found = scan(
        con, made(column("note_id", primaryKey=True), column("note", customProperties=expects("phone"))), SELECT
    )
    assert [(item.kind, item.status, item.reason) for item in found] == [
        ("phone", "expected", "The number of an office."),
        ("email", "found", ""),
    ]
    assert [item.kind for item in counting(found)] == ["email"]


def test_names_count_from_several_on(made: Any, con: duckdb.DuckDBPyConnection) -> None:
    people = ["Maria Lopez", "Jose Hernandez", "Ana Torres"]
    notes = made(column("note_id", primaryKey=True), column("note"))
    for many, status in ((2, "below"), (3, "found")):
        table(con, [(str(i), name) for i, name in enumerate(people[:many])], "note_id note")
        assert [(item.kind, item.status) for item in scan(con, notes, SELECT)] == [("name", status)]


def test_a_column_of_ten_digits_is_a_column_of_phones_only_when_nearly_all_are(
    made: Any, con: duckdb.DuckDBPyConnection
) -> None:
    notes = made(column("note_id", "integer", primaryKey=True), column("note"))
    con.execute("CREATE TABLE rows AS SELECT i AS note_id, CAST(2135550100 + i AS VARCHAR) AS note FROM range(50) t(i)")
    assert [(item.kind, item.values) for item in scan(con, notes, SELECT)] == [("phone", 50)]
    con.execute(
        "CREATE OR REPLACE TABLE rows AS SELECT i AS note_id, CAST(1000000000 + hash(i) % 8999999999 AS VARCHAR) AS note FROM range(2000) t(i)"
    )
    assert scan(con, notes, SELECT) == ()


def test_lists_of_texts_are_read(made: Any, con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE rows AS SELECT 1 AS note_id, ['x', 'a@example.org'] AS note")
    found = scan(con, made(column("note_id", "integer", primaryKey=True), column("note", "array")), SELECT)
    assert [item.kind for item in found] == ["email"]


def test_a_long_column_is_sampled_but_no_mail_address_escapes(made: Any, con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE rows AS SELECT i AS note_id, CASE WHEN i = 777 THEN 'a@example.org' WHEN i % 2 = 0 "
        "THEN 'call (213) 555-' || lpad(CAST(i % 10000 AS VARCHAR), 4, '0') ELSE 'note ' || i END AS note FROM range(8000) t(i)"
    )
    notes = made(column("note_id", "integer", primaryKey=True), column("note"))
    found: dict[str, Found] = {item.kind: item for item in scan(con, notes, SELECT, most=1000)}
    assert found["email"].values == 1
    share = found["phone"].share
    assert 0.1 <= share <= 0.13
    assert 0.6 * 4000 * share <= found["phone"].values <= 1.4 * 4000 * share
    assert "of its values were looked at" in found["phone"].words
    again: dict[str, Found] = {item.kind: item for item in scan(con, notes, SELECT + " ORDER BY note", most=1000)}
    assert again == found


def test_an_expectation_needs_a_known_kind_and_a_reason(made: Any) -> None:
    from civicops.contracts import ContractFileError

    for value, words in (
        ({"kinds": ["phones"], "reason": "The number of an office."}, "phone"),
        ({"kinds": ["phone"], "reason": "ok"}, "reason"),
    ):
        with pytest.raises(ContractFileError, match=words):
            made(column("a", primaryKey=True, customProperties=[{"property": "personalDataExpected", "value": value}]))
