"""The models on releases of 311's shape: their own unit tests, and that every status 311 knows is one ending.

Belongs here: what the models count. Does not belong here: a whole run (`tests/flow/test_change_howto`).
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pytest

from civicops.contracts import Contract
from civicops.transform import build, run_unit_tests
from civicops.workspace import Workspace

ROOT = Path(__file__).parents[4]
MODELS = ROOT / "products" / "request_channels" / "models"
STATUSES = ROOT / "products" / "requests_311" / "lookups" / "status_codes.csv"


@pytest.fixture(scope="module")
def shapes() -> dict[str, Contract]:
    """The contracts of what is read, by the name that models give it."""
    source = Workspace.find(ROOT).product("requests_311")
    return {f"requests_311__{name}": source.contract(name) for name in ("requests", "councils")}


def empty(contract: Contract, **values: str) -> str:
    """A SELECT of one row in a contract's shape; columns that are not given are null."""
    listed = (f"CAST({values.get(c.name, 'NULL')} AS {c.sql_type}) AS {c.name}" for c in contract.columns)
    return f"SELECT {', '.join(listed)}"


def test_rows_in_rows_out(tmp_path: Path, shapes: dict[str, Contract]) -> None:
    contracts = Workspace.find(ROOT).product("request_channels").contracts
    results = run_unit_tests(
        "request_channels", MODELS, tmp_path, lookups={}, contracts=contracts,
        releases={name: empty(contract) for name, contract in shapes.items()},
    )  # fmt: skip
    assert [(r.model, r.name, r.message) for r in results if r.status != "pass"] == []
    assert {contract.dataset for contract in contracts} <= {result.model for result in results}


def test_every_status_of_311_is_one_ending(tmp_path: Path, shapes: dict[str, Contract]) -> None:
    with STATUSES.open(encoding="utf-8", newline="") as stream:
        statuses = list(csv.DictReader(stream))
    requests = " UNION ALL ".join(
        empty(
            shapes["requests_311__requests"],
            created_on="'2025-01-01'", council_code="'10'", source_code=f"'{one['status_code']}'", status_code=f"'{one['status_code']}'",
            is_open=f"'{one['is_open']}'" if one["is_open"] else "NULL", is_closed=f"'{one['is_closed']}'" if one["is_closed"] else "NULL",
        )
        for one in statuses
    )  # fmt: skip
    councils = empty(shapes["requests_311__councils"], council_code="'10'", council_name="'WEST NC'")
    warehouse = tmp_path / "var" / "t.duckdb"
    build(
        "request_channels", MODELS, warehouse, accepted={}, lookups={},
        releases={"requests_311__requests": requests, "requests_311__councils": councils},
    )  # fmt: skip
    table = Workspace.find(ROOT).product("request_channels").contract("channel_months")
    endings = [name for name in table.column_names if name.endswith("_count") and "request" not in name]
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute(f"SELECT source_code, {' + '.join(endings)} FROM channel_months ORDER BY 1").fetchall()
    assert found == [(code, 1) for code in sorted(one["status_code"] for one in statuses)] and len(found) > 5
