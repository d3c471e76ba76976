"""A renamed column: both names until the day, one afterwards, and history that goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from release_kit import THING_COLUMNS, column, contract_text, things

from civicops.contracts import Contract, ContractFileError, load_contract
from civicops.release import Provenance, Release, ReleaseStore, diff, publish, stage

UNTIL = date(2026, 6, 30)
COARSE = {"id": "coarse", "description": "Roughly.", "when": "kind_code = 'tree'"}


def renamed(**more: Any) -> list[dict[str, Any]]:
    was = {"property": "was", "value": {"name": "latitude", "until": "2026-06-30"}}
    unit = {"property": "unit", "value": "degrees"}
    return [
        column("lat", "number", customProperties=[unit, was], **more) if c["name"] == "latitude" else c
        for c in THING_COLUMNS
    ]


def released(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, contract: Contract, select: str, today: date, second: int
) -> Release:
    staged = stage(con, contract=contract, select_sql=select, provenance=Provenance("run"), store=store, today=today)
    publish([staged], store=store, now=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC))
    found = store.current(contract.product, contract.dataset)
    assert found is not None
    return found


def names(con: duckdb.DuckDBPyConnection, release: Release) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE FROM read_parquet('{release.data}')").fetchall()]


def test_both_names_until_the_day_and_then_one(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: Callable[..., Contract]
) -> None:
    treated = [{**COARSE, "treatments": [{"column": "lat", "treatment": "round", "decimals": 1}]}]
    contract = make_contract(columns=renamed(), privacy=treated)
    select = f"SELECT * RENAME (latitude AS lat) FROM ({things(50)})"
    last = released(con, store, contract, select, UNTIL, 1)
    assert names(con, last) == ["thing_id", "kind_code", "lat", "seen_at", "tags", "latitude"]
    # The old name gives the treated value: a privacy rule cannot be got around by it.
    assert con.execute(f"SELECT count(*) FROM '{last.data}' WHERE lat IS DISTINCT FROM latitude").fetchone() == (0,)
    assert con.execute(
        f"SELECT count(*) FROM '{last.data}' WHERE kind_code = 'tree' AND lat <> round(lat, 1)"
    ).fetchone() == (0,)
    field = next(f for f in last.package()["resources"][0]["schema"]["fields"] if f["name"] == "latitude")
    assert field["deprecated"] == {"replaced_by": "lat", "until": "2026-06-30"}
    after = released(con, store, contract, select, date(2026, 7, 1), 2)
    assert after.version != last.version
    assert names(con, after) == ["thing_id", "kind_code", "lat", "seen_at", "tags"]


def test_a_difference_follows_the_rename(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: Callable[..., Contract]
) -> None:
    before = released(con, store, make_contract(), things(100), UNTIL, 1)
    select = f"SELECT * REPLACE (CASE WHEN thing_id = 7 THEN 0.0 ELSE lat END AS lat) FROM (SELECT * RENAME (latitude AS lat) FROM ({things(100)}))"
    after = released(con, store, make_contract(columns=renamed()), select, UNTIL, 2)
    found = diff(con, before, after)
    assert (found.added, found.removed, found.changed) == (0, 0, 1)
    assert [(c.column, c.count) for c in found.columns] == [("lat", 1)]
    assert [(s.kind, s.before, s.after) for s in found.schema] == [("renamed", "latitude", "lat")]
    assert dict(found.samples[0].before)["lat"] != "0.0" and dict(found.samples[0].after)["lat"] == "0.0"


def test_a_renamed_key_still_joins(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: Callable[..., Contract]
) -> None:
    was = {"property": "was", "value": {"name": "thing_id", "until": "2026-06-30"}}
    columns = [column("number", "integer", primaryKey=True, required=True, customProperties=[was]), *THING_COLUMNS[1:]]
    before = released(con, store, make_contract(), things(40), UNTIL, 1)
    select = f"SELECT * RENAME (thing_id AS number) FROM ({things(41)})"
    found = diff(con, before, released(con, store, make_contract(columns=columns), select, UNTIL, 2))
    assert (found.added, found.removed, found.changed, found.unchanged) == (1, 0, 0, 40)


@pytest.mark.parametrize("taken", ["kind_code", "latitude"])
def test_an_old_name_is_nobody_elses(tmp_path: Path, taken: str) -> None:
    was = {"property": "was", "value": {"name": taken, "until": "2026-06-30"}}
    path = tmp_path / "items.yaml"
    columns = [*THING_COLUMNS, column("other", customProperties=[was])]
    path.write_text(contract_text("items", columns), encoding="utf-8")
    with pytest.raises(ContractFileError, match=f"was '{taken}', but another column"):
        load_contract(path)


def test_a_merge_that_nobody_finished_is_named_by_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "items.yaml"
    text = contract_text("items", THING_COLUMNS)
    path.write_text(
        text.replace("name: Things\n", "<<<<<<< HEAD\nname: Things\n=======\nname: Stuff\n>>>>>>> other\n"),
        encoding="utf-8",
    )
    with pytest.raises(ContractFileError, match="two branches changed this") as raised:
        load_contract(path)
    lines = text.splitlines().index("name: Things") + 1
    assert [problem.line for problem in raised.value.problems] == [lines, lines + 4]
