"""Privacy rules on the way into a release: what each treatment leaves, which one wins, what keys do, what is refused."""

from __future__ import annotations

import hashlib
import hmac
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from release_kit import column

from civicops.contracts import Contract, ContractFileError
from civicops.release import Provenance, ReleaseRefusedError, ReleaseStore, publish, stage
from civicops.release.keys import HashKeyError, HashKeys, period_id

MakeContract = Callable[..., Contract]
DAY = date(2026, 11, 26)
COLUMNS = [
    column("n", "integer", primaryKey=True, required=True),
    column("phone"),
    column("zip"),
    column("email"),
    column("born", "date"),
    column("age", "integer"),
]
ROWS = """SELECT * FROM (VALUES
    (1, '(213) 555-0142', '90012-1234', 'a@example.org', DATE '1990-05-17', 37),
    (2, '12', '90', 'b@example.org', DATE '2001-12-31', 40),
    (3, NULL, NULL, NULL, NULL, NULL),
    (4, '(213) 555-0199', '90210', 'a@example.org', DATE '1960-01-01', -3)
) AS t(n, phone, zip, email, born, age)"""


def rule(*treatments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "people", "description": "People are protected.", "treatments": list(treatments)} | more


ALL = rule(
    {"column": "phone", "treatment": "mask", "keep": 4},
    {"column": "zip", "treatment": "coarsen", "keep": 3},
    {"column": "email", "treatment": "hash", "rotates": "quarter"},
    {"column": "born", "treatment": "coarsen", "to": "year"},
    {"column": "age", "treatment": "coarsen", "width": 10},
)


@pytest.fixture
def keys(tmp_path: Path) -> HashKeys:
    return HashKeys(tmp_path / "keys")


@pytest.fixture
def released(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, keys: HashKeys
) -> Callable[..., tuple[list[tuple[Any, ...]], str]]:
    """Publishes the rows under a contract; gives the rows and the hash of the bytes."""

    def run(contract: Contract, day: date = DAY, rows: str = ROWS) -> tuple[list[tuple[Any, ...]], str]:
        made = stage(
            con, contract=contract, select_sql=rows, provenance=Provenance("run"), store=store, today=day, keys=keys
        )
        release = publish([made], store=store).releases[0]
        return con.execute(f"FROM read_parquet('{release.data}')").fetchall(), made.data_sha256

    return run


def test_each_treatment_leaves_what_it_says(
    make_contract: MakeContract, released: Callable[..., Any], keys: HashKeys, con: duckdb.DuckDBPyConnection
) -> None:
    rows, _ = released(make_contract("items", COLUMNS, privacy=[ALL]))
    _, key = keys.current("things", "quarter", DAY)

    def hashed(text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]

    assert rows == [
        (1, "***0142", "900", hashed("a@example.org"), date(1990, 1, 1), 30),
        (2, "***", "90", hashed("b@example.org"), date(2001, 1, 1), 40),
        (3, None, None, None, None, None),
        (4, "***0199", "902", hashed("a@example.org"), date(1960, 1, 1), -10),
    ]
    # Nothing of the key stays in the engine.
    assert con.execute("SELECT getvariable('civicops_quarter_inner')").fetchone() == (None,)


def test_the_same_rows_and_key_give_the_same_bytes_and_another_quarter_gives_others(
    make_contract: MakeContract, released: Callable[..., Any]
) -> None:
    contract = make_contract("items", COLUMNS, privacy=[ALL])
    rows, first = released(contract)
    assert released(contract, date(2026, 12, 31), f"SELECT * FROM ({ROWS}) ORDER BY n DESC")[1] == first
    later, other = released(contract, date(2027, 1, 1))
    assert other != first
    assert {row[3] for row in rows if row[3]}.isdisjoint({row[3] for row in later})


def test_the_descriptor_names_the_key_and_never_holds_it(
    make_contract: MakeContract, released: Callable[..., Any], store: ReleaseStore, keys: HashKeys
) -> None:
    contract = make_contract("items", COLUMNS, privacy=[ALL])
    released(contract)
    release = store.current("things", "items")
    assert release is not None
    told = {c["name"]: c for c in release.package()["civicops"]["privacy"][0]["columns"]}
    assert told["email"] == {"name": "email", "treatment": "hash", "rotates": "quarter", "key": "2026-Q4"}
    assert told["phone"] == {"name": "phone", "treatment": "mask", "keep": 4}
    secret = keys.current("things", "quarter", DAY)[1]
    for path in release.path.iterdir():
        assert secret not in path.read_bytes()
        assert secret.hex().encode() not in path.read_bytes()


def test_the_strictest_of_several_rules_wins(make_contract: MakeContract, released: Callable[..., Any]) -> None:
    rules = [
        rule({"column": "phone", "treatment": "mask", "keep": 4}, when="n < 3"),
        rule({"column": "phone", "treatment": "null"}, when="n = 1") | {"id": "one"},
        rule({"column": "phone", "treatment": "mask", "keep": 2}, when="n = 2 OR n = 4") | {"id": "two"},
    ]
    rows, _ = released(make_contract("items", COLUMNS, privacy=rules))
    assert [row[1] for row in rows] == [None, "***", None, "***99"]


def test_a_key_column_may_be_hashed_in_every_row_and_stays_a_key(
    make_contract: MakeContract, released: Callable[..., Any]
) -> None:
    columns = [column("who", primaryKey=True, required=True), column("n", "integer")]
    hashing = rule({"column": "who", "treatment": "hash", "rotates": "month"})
    rows, _ = released(
        make_contract("items", columns, privacy=[hashing]), rows="SELECT 'p' || i AS who, i AS n FROM range(50) t(i)"
    )
    assert len({row[0] for row in rows}) == 50
    assert rows == sorted(rows)  # by the hash, so that the order tells nothing of the names
    with pytest.raises(ReleaseRefusedError, match="key column"):
        released(make_contract("items", columns, privacy=[hashing | {"when": "n > 3"}]))


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        ({"column": "age", "treatment": "mask", "keep": 2}, "is a integer; mask is for string"),
        ({"column": "age", "treatment": "hash", "rotates": "year"}, "hash is for string"),
        ({"column": "phone", "treatment": "coarsen", "to": "year"}, "coarsen is for date and timestamp"),
        ({"column": "phone", "treatment": "coarsen", "width": 3}, "coarsen is for number and integer"),
        ({"column": "age", "treatment": "coarsen", "keep": 3}, "coarsen is for string"),
    ],
)
def test_a_treatment_of_the_wrong_type_refuses_the_release(
    make_contract: MakeContract, released: Callable[..., Any], treatment: dict[str, Any], words: str
) -> None:
    with pytest.raises(ReleaseRefusedError, match=words):
        released(make_contract("items", COLUMNS, privacy=[rule(treatment)]))


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        ({"treatment": "hash"}, "needs 'rotates'"),
        ({"treatment": "hash", "rotates": "month", "keep": 3}, "takes no keep"),
        ({"treatment": "mask"}, "needs 'keep'"),
        ({"treatment": "coarsen", "to": "year", "keep": 2}, "needs one of"),
        ({"treatment": "coarsen"}, "needs one of"),
        ({"treatment": "hashed"}, "hash"),
        ({"treatment": "null", "decimals": 3}, "takes no decimals"),
    ],
)
def test_a_treatment_that_says_too_little_or_too_much_is_a_fault_of_the_file(
    make_contract: MakeContract, treatment: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractFileError, match=words):
        make_contract("items", COLUMNS, privacy=[rule({"column": "phone"} | treatment)])


def test_keys_are_private_rotate_early_and_never_come_back(keys: HashKeys) -> None:
    first_id, first = keys.current("things", "month", DAY)
    assert first_id == "2026-11"
    assert keys.current("things", "month", DAY) == (first_id, first)
    assert keys.current("others", "month", DAY)[1] != first
    (key,) = keys.all("things")
    assert stat.S_IMODE(key.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.path.parent.stat().st_mode) == 0o700
    keys.destroy(key)
    assert not key.path.exists()
    assert first.hex() not in key.path.with_suffix(".destroyed").read_text()
    assert keys.current_id("things", "month", DAY) == "2026-11.2"
    second_id, second = keys.current("things", "month", DAY)
    assert (second_id, second == first) == ("2026-11.2", False)
    assert keys.tidy("things", 30, date(2026, 12, 30)) == ()
    assert [item.id for item in keys.tidy("things", 30, date(2026, 12, 31))] == ["2026-11.2"]
    assert [(item.product, item.is_destroyed) for item in keys.all()] == [
        ("others", False),
        ("things", True),
        ("things", True),
    ]


def test_a_key_that_others_may_read_or_that_is_damaged_is_refused(keys: HashKeys) -> None:
    keys.current("things", "year", DAY)
    (key,) = keys.all()
    key.path.chmod(0o644)
    with pytest.raises(HashKeyError, match="read by others"):
        keys.current("things", "year", DAY)
    key.path.chmod(0o600)
    key.path.write_text("short")
    with pytest.raises(HashKeyError, match="damaged"):
        keys.current("things", "year", DAY)


def test_without_a_place_for_keys_nothing_is_hashed(
    make_contract: MakeContract, con: duckdb.DuckDBPyConnection, store: ReleaseStore
) -> None:
    with pytest.raises(ReleaseRefusedError, match="no place for its keys"):
        stage(
            con,
            contract=make_contract("items", COLUMNS, privacy=[ALL]),
            select_sql=ROWS,
            provenance=Provenance("run"),
            store=store,
        )


def test_periods_have_names() -> None:
    assert [period_id(p, date(2026, 3, 31)) for p in ("month", "quarter", "year")] == ["2026-03", "2026-Q1", "2026"]
    assert period_id("quarter", date(2026, 4, 1)) == "2026-Q2"
