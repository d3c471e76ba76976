"""What the Python of the food listings says its tables are made of: change one column of a source, and only what is said to be made
of it may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest

from civicops.checks.current import BESIDES
from civicops.transform.prepared import find_prepared
from civicops.workspace import Product
from products.food_listings.cleaning.lists import NAMES

ROW = {
    "source_code": "plain", "source_id": "7", "retrieved_at": "2026-01-01", "layout_code": "plain", "source_file_id": "f",
    "source_line": "1", "source_row": "{}", "name": "MARISOL PANTRY", "description": "Food for all", "categories": "Food pantry",
    "address_1": "12 Alder Street", "city": "LOS ANGELES", "state_province": "California", "postal_code": "90012",
    "latitude": "34.05", "longitude": "-118.24", "phones": "213.485.0111", "email": "a@example.org", "url": "example.org",
    "facebook": "marisol", "hours": "Monday 9am-11am", "food_bakery": "yes", "languages": "English", "source_status": "1",
    "source_modified": "2026-01-01", "admin_contact_name": "Ada Example",
}  # fmt: skip
OTHER = {
    "source_code": "larfb", "source_id": "8", "name": "BIRCH PANTRY", "categories": "Food bank", "city": "POMONA",
    "state_province": "Nevada", "postal_code": "91766", "latitude": "34.06", "longitude": "-118.25", "phones": "213.485.0199",
    "phone_extension": "12", "email": "b@example.org", "url": "other.example.org", "hours": "Tuesday 1pm-3pm",
    "food_bakery": "no", "source_modified": "2026-02-02", "retrieved_at": "2026-01-02", "source_line": "2",
    "hours_weekly": "(0,Wed,08:00:00,10:00:00)", "source_inactive": "yes", "source_inactive_temporary": "yes",
}  # fmt: skip
DECIDED = {
    "verify_answers": {"phone_number": "(213) 485-0222", "email": "c@example.org", "category_codes": "food_bank"}
}
ROWS_BY = ("source_code", "source_id", "rating_id", "subject", "record_id")
Tables = Mapping[str, Mapping[str, list[Any]]]


@pytest.fixture
def con(product: Product) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the Python reads: one row of a list that was submitted, approved, and nothing else."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'; CREATE SCHEMA accepted; CREATE SCHEMA lookup")
        for contract in product.accepted:
            kinds = {column.name: column.sql_type for column in contract.columns} | BESIDES
            listed = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
            con.execute(f"CREATE TABLE accepted.{contract.dataset} ({listed})")
        for name in NAMES:
            con.execute(
                f"CREATE TABLE lookup.{name} AS SELECT * FROM read_csv('{product.lookups[name]}', header = true, all_varchar = true)"
            )
        _insert(con, "source_listings", ROW)
        con.execute("INSERT INTO accepted.run_days BY NAME SELECT DATE '2026-03-01' AS day_on")
        common = {
            "task_id": 1,
            "round": 1,
            "subject": "plain:7",
            "content_hash": "c",
            "seen_hash": "s",
            "is_undone": "false",
        }
        first = {
            "rating_id": 1,
            "stage_code": "rating",
            "outcome_code": "edit",
            "rated_by": "ana",
            "rated_at": "2026-02-01",
        }
        then = {
            "rating_id": 2,
            "stage_code": "approval",
            "outcome_code": "approve",
            "rated_by": "stella",
            "rated_at": "2026-02-02",
        }
        said = {
            "name": "Marisol Pantry",
            "status_code": "active",
            "confirmed_fields": "phone",
            **DECIDED["verify_answers"],
        }
        _insert(con, "verify_answers", common | first | said)
        _insert(con, "verify_answers", common | then)
        yield con


def _insert(con: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    values = ", ".join(f"'{value}' AS {name}" for name, value in row.items())
    con.execute(f"INSERT INTO accepted.{table} BY NAME SELECT {values}")


def made(con: duckdb.DuckDBPyConnection, product: Product) -> Tables:
    found = find_prepared(product.folder)
    assert found is not None
    return {name: table.to_pydict() for name, table in found.prepare(con).items()}


def changed(before: Tables, after: Tables) -> set[tuple[str, str]]:
    return {
        (table, column)
        for table, columns in before.items()
        for column in columns
        if columns[column] != after[table][column]
    }


@pytest.mark.parametrize("table", ["source_listings", "verify_answers"])
def test_only_what_is_said_to_be_made_of_a_column_changes_with_it(
    con: duckdb.DuckDBPyConnection, product: Product, table: str
) -> None:
    found = find_prepared(product.folder)
    assert found is not None and set(found.lineage) == set(found.tables)
    before, wrong, moved = made(con, product), set(), 0
    for column in product.contract(table).columns:
        other = OTHER.get(column.name, "changed")
        if column.name in DECIDED.get(table, ()):
            other = {"phone_number": "(213) 485-0333", "category_codes": "closet"}.get(column.name, other)
        # Another key or subject is another row, which is no change of this one; numbers and moments are not words to change.
        if column.name in ROWS_BY or (column.logical_type != "string" and table == "verify_answers"):
            continue
        con.execute(
            f"BEGIN; UPDATE accepted.{table} SET {column.name} = '{other}' WHERE {column.name} IS NOT NULL OR rowid = 0"
        )
        after = made(con, product)
        con.execute("ROLLBACK")
        source = f"accepted.{table}"
        for name, made_column in changed(before, after):
            moved += 1
            said = found.lineage[name]
            inputs = (*said.columns[made_column], *said.which)
            rows = len(after[name][made_column]) != len(before[name][made_column])
            if f"{source}.{column.name}" not in inputs and f"{source}.*" not in inputs and not rows:
                wrong.add(f"{column.name} changes {name}.{made_column}")
    assert sorted(wrong) == []
    assert moved > 30, "and not because nothing changes"
