"""Exported dbt tests, run by the real dbt on DuckDB, break on exactly the rows that the contract's checks break on.

Belongs here: running what was exported, and the commands. Does not belong here: what becomes what (`tests/unit/govern`). Great
Expectations is too heavy for this suite: `make bench NAME=exchange` does the same with it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from bench.exchange_rows import COLUMNS, CONTRACT, LOOKUPS, NOW, rows
from civicops.checks.compile import compile_checks
from civicops.checks.gate import GateContext, judge_dataset
from civicops.checks.rules import broken
from civicops.cli import app
from civicops.contracts import Contract, load_contract
from civicops.govern.exchange import Source
from civicops.govern.exchange_dbt_out import to_dbt
from tests.flow.dbt_packages import lay
from tests.flow.portal_kit import PROGRAM
from tools.setup_env import ROOT

DBT = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]


@dataclass(frozen=True)
class Ran:
    """What dbt said of each test, and the database with the rows that failed."""

    contract: Contract
    failures: dict[str, int]
    status: dict[str, str]
    tables: dict[str, str]
    database: Path
    parquet: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("dbt")
    path = folder / "visits.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    contract = load_contract(path)
    parquet = folder / "visits.parquet"
    rows(random.Random(7), parquet)
    (folder / "models").mkdir()
    (folder / "models" / "visits.sql").write_text(f"select * from read_parquet('{parquet}')", encoding="utf-8")
    (folder / "models" / "branches.sql").write_text(
        "select unnest(['north', 'o''hill', 'south']) as branch_code", encoding="utf-8"
    )
    data, _ = to_dbt([Source(contract, LOOKUPS)])
    (folder / "models" / "schema.yml").write_text(
        yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    (folder / "dbt_project.yml").write_text(
        "name: visits\nversion: 1.0.0\nconfig-version: 2\nprofile: p\nmodels: {visits: {+materialized: table}}\n"
        "flags: {send_anonymous_usage_stats: false}\n",
        encoding="utf-8",
    )
    database = folder / "visits.duckdb"
    profile = {"p": {"target": "t", "outputs": {"t": {"type": "duckdb", "path": str(database), "threads": 1}}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    lay(folder / "dbt_packages")
    done = subprocess.run(
        [*DBT, "build", "--store-failures", "--project-dir", str(folder), "--profiles-dir", str(folder)],
        capture_output=True, text=True, check=False, cwd=folder, env=os.environ | {"DO_NOT_TRACK": "1"},
    )  # fmt: skip
    assert "Compilation Error" not in done.stdout and "deprecat" not in done.stdout.lower(), done.stdout + done.stderr
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    tests = {
        one["unique_id"].split(".")[2].removeprefix("visits__"): one
        for one in results
        if one["unique_id"].startswith("test.")
    }
    assert not [one for one in tests.values() if one["status"] == "error"], done.stdout
    manifest = json.loads((folder / "target" / "manifest.json").read_text())["nodes"]
    yield Ran(
        contract,
        {name: one["failures"] for name, one in tests.items()},
        {name: one["status"] for name, one in tests.items()},
        {name: manifest[one["unique_id"]]["relation_name"] for name, one in tests.items()},
        database,
        parquet,
    )


def test_row_by_row_dbt_says_what_the_contract_says(ran: Ran) -> None:
    con = duckdb.connect(str(ran.database), read_only=True)
    compared = 0
    with con:
        for check in ran.contract.row_checks:
            if check.kind in ("parses", "local_time"):
                continue
            where = broken(ran.contract, check, LOOKUPS)
            ours = sorted(con.execute(f"SELECT visit_id FROM '{ran.parquet}' WHERE {where}").fetchall(), key=str)
            if check.kind == "allowed":
                column = check.column
                values = con.execute(f"SELECT value_field, n_records FROM {ran.tables[check.id]}").fetchall()
                counted = con.execute(
                    f"SELECT {column}, count(*) FROM '{ran.parquet}' WHERE {where} GROUP BY 1"
                ).fetchall()
                assert sorted(values, key=str) == sorted(counted, key=str), check.id
            else:
                theirs = sorted(con.execute(f"SELECT visit_id FROM {ran.tables[check.id]}").fetchall(), key=str)
                assert theirs == ours, check.id
            assert 0 < len(ours) < 400, f"{check.id} breaks {len(ours)} rows: that compares nothing"
            compared += 1
    assert compared == 12


def test_the_rows_that_fail_are_the_rows_that_are_held_back(ran: Ran) -> None:
    con = duckdb.connect(str(ran.database), read_only=True)
    with con:
        relation = f"SELECT *, '' AS _source, '' AS _object, '' AS _delivery FROM '{ran.parquet}'"
        compiled = compile_checks(ran.contract, relation, (), LOOKUPS, typed=True)
        held = con.execute(f"SELECT _raw->>'visit_id' FROM ({compiled.quarantined()})").fetchall()
        failed: set[Any] = set()
        for check in ran.contract.row_checks:
            if check.action in ("quarantine", "stop") and check.id in ran.tables and check.kind != "allowed":
                failed |= set(con.execute(f"SELECT visit_id FROM {ran.tables[check.id]}").fetchall())
            if check.action in ("quarantine", "stop") and check.kind == "allowed":
                select = f"SELECT value_field FROM {ran.tables[check.id]}"
                failed |= set(con.execute(f"SELECT visit_id FROM visits WHERE {check.column} IN ({select})").fetchall())
    assert set(held) == failed and 0 < len(failed) < 400
    for check in ran.contract.row_checks:
        if check.id in ran.status:
            level = "fail" if check.action in ("quarantine", "stop") else "warn"
            assert ran.status[check.id] == level, check.id


def test_of_the_whole_table_dbt_says_what_the_gate_says(ran: Ran) -> None:
    con = duckdb.connect(str(ran.database), read_only=True)
    with con:
        context = GateContext(now=NOW, datasets={"branches": "SELECT * FROM branches"}, rows_in=400, quarantined=0)
        # Rows without the key are held back before a dataset is judged; dbt's `unique` passes them.
        select = f"SELECT {', '.join(COLUMNS)} FROM visits WHERE visit_id IS NOT NULL"
        results = judge_dataset(con, ran.contract, select, context)
    said = {"passed": "pass", "stopped": "fail", "warned": "warn"}
    ours = {one.check_id: said[one.outcome] for one in results if one.check_id in ran.status}
    theirs = {name: status for name, status in ran.status.items() if name in ours}
    for name in ran.status:
        if name.endswith("__most") and ran.status[name] != "pass":
            theirs[name.removesuffix("__most")] = ran.status[name]
    assert theirs == ours and {"pass", "fail", "warn"} <= set(ours.values())


def command(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], cwd=root, capture_output=True, text=True, check=False)


def test_the_commands_write_and_read_and_say_what_was_lost(tmp_path: Path) -> None:
    (tmp_path / "civicops.toml").write_text("")
    product = tmp_path / "products" / "library"
    (product / "contracts").mkdir(parents=True)
    (product / "contracts" / "visits.yaml").write_text(CONTRACT)
    (product / "lookups").mkdir()
    kinds = "\n".join(LOOKUPS["kinds", "kind_code"])
    (product / "lookups" / "kinds.csv").write_text(f"kind_code\n{kinds}\n")
    (product / "product.yaml").write_text(
        'title: Library\nsummary: Visits.\nowner: ada-example\nstage: pilot\nschedule: "0 8 * * *"\n'
    )
    (product / "contracts" / "branches.yaml").write_text(
        CONTRACT.partition("schema:")[0].replace("visits", "branches").replace("accepted", "published")
        + "schema:\n  - name: branches\n    properties:\n      - {name: branch_code, logicalType: string, primaryKey: true, description: x}\n"
    )
    done = command(tmp_path, "contract", "export", "dbt", "library", "--out", "out/schema.yml", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    lost = {loss["check"] for loss in told["lost"]}
    assert "held_share" in lost and all(":" in loss["where"] and loss["todo"] for loss in told["lost"])
    again = command(tmp_path, "contract", "import", "dbt", "out/schema.yml", "--product", "library")
    assert again.returncode == 1 and "exists already" in again.stderr and "--force" in again.stderr
    before = load_contract(product / "contracts" / "visits.yaml")
    again = command(tmp_path, "contract", "import", "dbt", "out/schema.yml", "--product", "library", "--force")
    assert again.returncode == 0 and "visits.yaml: complete" in again.stdout, again.stdout + again.stderr
    after = load_contract(product / "contracts" / "visits.yaml")
    assert {check.id for check in before.checks} - {check.id for check in after.checks} == lost - {""}
    done = command(tmp_path, "contract", "export", "ge", "library.visits", "--out", "suites")
    assert done.returncode == 0 and "Lost: " in done.stdout and "Next: " in done.stdout
    suite = json.loads((tmp_path / "suites" / "library.visits.json").read_text())
    assert set(suite) == {"name", "expectations", "meta"}
    for one in suite["expectations"]:
        assert set(one) <= {"type", "kwargs", "severity", "description", "meta"} and one.get("severity") in (
            None,
            "critical",
            "warning",
        )
    done = command(
        tmp_path,
        "contract",
        "import",
        "ge",
        "suites/library.visits.json",
        "--product",
        "library",
        "--dataset",
        "copies",
        "--json",
    )
    assert done.returncode == 0 and json.loads(done.stdout)["contracts"][0]["faults"] == []
    for words, part in (
        (("export", "dbtt", "library"), "did you mean 'dbt'"),
        (("export", "dbt", "libary"), "did you mean 'library'"),
        (("import", "dbt", "out/schema.yml", "--product", "libary"), "did you mean 'library'"),
        (("import", "dbt", "out/schema.yml", "--product", "library", "--dataset", "visit"), "did you mean 'visits'"),
    ):
        done = command(tmp_path, "contract", *words)
        assert done.returncode == 1 and part in done.stderr, done.stderr


@pytest.mark.parametrize("tool", ["dbt", "ge"])
def test_what_is_lost_is_named_by_a_path_that_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    home = tmp_path / "var" / "demo"
    home.mkdir(parents=True)
    (tmp_path / "products").mkdir()
    shutil.copytree(ROOT / "products" / "run_history", tmp_path / "products" / "run_history")
    (home / "civicops.toml").write_text('[workspace]\ndata = "."\nproducts = "../../products"\n', encoding="utf-8")
    monkeypatch.setenv("CIVICOPS_WORKSPACE", str(home))
    for here, begins in ((tmp_path, "products/run_history/"), (home, f"{tmp_path}/products/run_history/")):
        monkeypatch.chdir(here)
        done = CliRunner().invoke(app, ["contract", "export", tool, "run_history"])
        assert done.exit_code == 0, done.output
        lines = [line for line in done.output.splitlines() if "run_history/contracts/" in line and ".yaml:" in line]
        assert ".." not in "".join(lines)
        assert lines and all(line.startswith(f"  {begins}") for line in lines), lines[0]
