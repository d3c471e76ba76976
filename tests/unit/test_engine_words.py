"""No value of a row in the engine's words, for every fault the engine is known to put one into, and for those it is not."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.engine_words import without_values

VALUE = "Quirina O'Zabel"
FAULTS = (
    "SELECT CAST(v AS INTEGER) FROM (VALUES (?)) t(v)", "SELECT CAST(v AS DATE) FROM (VALUES (?)) t(v)", "SELECT CAST(v AS UUID) FROM (VALUES (?)) t(v)",
    "SELECT strptime(v, '%Y') FROM (VALUES (?)) t(v)", "SELECT error(v) FROM (VALUES (?)) t(v)", "SELECT CAST(v AS BOOLEAN) FROM (VALUES (?)) t(v)",
    "SELECT json_extract(v, '$.a') FROM (VALUES (?)) t(v)", "SELECT regexp_matches('a', v || '(') FROM (VALUES (?)) t(v)",
    "SELECT CAST(v AS TIMESTAMP) FROM (VALUES (?)) t(v)", "SELECT CAST('[' || v || ']' AS INTEGER[]) FROM (VALUES (?)) t(v)",
)  # fmt: skip


@pytest.mark.parametrize("query", FAULTS)
@pytest.mark.parametrize("value", [VALUE, f"{VALUE}\nLINE", f"a' to INT32 {VALUE}"])
def test_no_value_is_left(query: str, value: str) -> None:
    with duckdb.connect() as con, pytest.raises(duckdb.Error) as caught:
        con.execute(query, [value]).fetchall()
    told = without_values(str(caught.value))
    assert "Zabel" not in told
    assert " Error" in told


def test_numbers_and_keys_go_too() -> None:
    with duckdb.connect() as con:
        for query in (
            "SELECT CAST(v AS TINYINT) FROM (VALUES (2135550187)) t(v)",
            "SELECT CAST(v AS DECIMAL(3, 1)) FROM (VALUES (2135550187.5)) t(v)",
            "CREATE TABLE t (a BIGINT PRIMARY KEY); INSERT INTO t VALUES (2135550187), (2135550187)",
        ):
            with pytest.raises(duckdb.Error) as caught:
                con.execute(query).fetchall()
            told = without_values(str(caught.value)).partition("LINE")[0]  # which quotes the query
            assert "2135550187" not in told


def test_what_helps_to_mend_it_stays() -> None:
    text = "Conversion Error: Could not convert string 'Ana' to INT32 when casting from source column phone\n\nLINE 1: select cast(phone"
    assert without_values(text) == (
        "Conversion Error: Could not convert a text to INT32 when casting from source column phone.\n\nLINE 1: select cast(phone"
    )
    binder = 'Binder Error: Referenced column "nope" not found in FROM clause!'
    assert without_values(binder) == binder


@given(st.text(min_size=12, max_size=80))
def test_whatever_the_value_is(value: str) -> None:
    told = without_values(f"Conversion Error: Could not convert string '{value}' to INT32")
    assert value not in told or value in "Conversion Error: Could not convert a text to INT32."
