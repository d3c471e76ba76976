"""An exported expectation suite, run by the real Great Expectations, finds the rows that the contract's own checks find.

Nothing is timed: this is a comparison that is too heavy for the tests, whose counterpart for dbt is `tests/flow/test_exchange`.
Conditions over several columns are queries; they are asked of SQLite, all else of a data frame. It fails where a count differs.
Belongs here: running both and the table. Does not belong here: what becomes what (`civicops.govern.exchange_ge_out`), the rows
(`exchange_rows`).
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from bench.exchange_rows import CONTRACT as TEXT
from bench.exchange_rows import LOOKUPS, rows
from bench.table import Row, Table, main
from civicops.checks.rules import broken
from civicops.contracts import Contract, load_contract
from civicops.contracts.checktypes import NullShare, RowCount, UniqueKey
from civicops.govern.exchange import OURS, Source
from civicops.govern.exchange_ge_out import to_ge

ONLY_DUCKDB = ("children_come_by_day", "came_after_opening")
"""Their conditions use functions that SQLite does not have."""


def ours(contract: Contract, parquet: Path) -> dict[str, int]:
    """How many rows break each check, by our own SQL; for shares and counts of rows, 1 where the check is broken."""
    found: dict[str, int] = {}
    with duckdb.connect() as con:
        for check in contract.row_checks:
            if check.kind != "parses":
                where = broken(contract, check, LOOKUPS)
                found[check.id] = con.execute(f"SELECT count(*) FROM '{parquet}' WHERE {where}").fetchall()[0][0]
        for check in contract.dataset_checks:
            spec = check.spec
            if isinstance(spec, UniqueKey):
                # Great Expectations counts every row of a repeated key, and passes empty ones where one column is the key.
                names = ", ".join(spec.columns)
                given = f"WHERE {names} IS NOT NULL" if len(spec.columns) == 1 else ""
                grouped = f"SELECT count(*) AS n FROM '{parquet}' {given} GROUP BY {names} HAVING count(*) > 1"
                found[check.id] = con.execute(f"SELECT coalesce(sum(n), 0)::BIGINT FROM ({grouped})").fetchall()[0][0]
            elif isinstance(spec, RowCount):
                count = con.execute(f"SELECT count(*) FROM '{parquet}'").fetchall()[0][0]
                found[check.id] = int(count < (spec.minimum or 0) or count > (spec.maximum or count))
            elif isinstance(spec, NullShare):
                share = con.execute(f"SELECT avg(({spec.column} IS NULL)::INT) FROM '{parquet}'").fetchall()[0][0]
                found[check.id] = int(
                    share < (spec.minimum or 0) or share > (1 if spec.maximum is None else spec.maximum)
                )
    return found


def theirs(suite: dict[str, Any], parquet: Path, folder: Path) -> dict[str, int]:
    """The same, by Great Expectations."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx, pd = import_module("great_expectations"), import_module("pandas")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    frame = pd.read_parquet(parquet, dtype_backend="numpy_nullable")
    plain = frame.copy()
    # As Python's own dates: Great Expectations compares those with a bound that is text, pandas' timestamps it does not.
    days = [None if pd.isna(day) else pd.Timestamp(day).date() for day in frame["came_on"]]
    plain["came_on"] = pd.Series(days, dtype=object)
    with sqlite3.connect(folder / "visits.sqlite") as connection:
        frame.astype(object).where(frame.notna(), None).assign(
            came_at=frame["came_at"].astype(str),
            left_at=frame["left_at"].astype(str),
            came_on=frame["came_on"].astype(str),
        ).to_sql("visits", connection, index=False)
    connection.close()
    asset = context.data_sources.add_pandas("frame").add_dataframe_asset("visits")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": plain})
    table = context.data_sources.add_sqlite(
        "sql", connection_string=f"sqlite:///{folder / 'visits.sqlite'}"
    ).add_table_asset("visits", table_name="visits")
    asked = table.add_batch_definition_whole_table("all").get_batch()
    found: dict[str, int] = {}
    for item in suite["expectations"]:
        identity = item["meta"].get(OURS, {}).get("id", "")
        if identity in ONLY_DUCKDB:
            continue
        one = gx.ExpectationSuite(name="one", expectations=[item])
        sql = item["type"] == "unexpected_rows_expectation"
        result = (asked if sql else batch).validate(one, result_format="COMPLETE")["results"][0]
        if result["exception_info"].get("raised_exception") is not False:
            raise RuntimeError(f"{identity}: {result['exception_info']}")
        told = result["result"]
        if "mostly" in item["kwargs"] or "row_count" in item["type"]:
            found[identity] = max(found.get(identity, 0), int(not result["success"]))
        elif identity:
            found[identity] = (
                told["observed_value"] if sql else told.get("unexpected_count", int(not result["success"]))
            )
    return found


def run(quick: bool) -> Table:
    """Compare both on made-up rows; fails with the checks that differ."""
    rounds, pairs, rowcount = (1, 0, 400) if quick else (5, 0, 2000)
    kinds: dict[str, int] = {}
    for seed in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "visits.yaml").write_text(TEXT, encoding="utf-8")
            contract = load_contract(folder / "visits.yaml")
            parquet = folder / "visits.parquet"
            rows(random.Random(seed), parquet, rowcount)
            suite, losses = to_ge(Source(contract, LOOKUPS))
            mine, other = ours(contract, parquet), theirs(suite, parquet, folder)
        lost = {loss.check for loss in losses if loss.check}
        expected = {key: value for key, value in mine.items() if key not in lost and key not in ONLY_DUCKDB}
        wrong = {key: (value, other.get(key)) for key, value in expected.items() if other.get(key) != value}
        if wrong or set(other) - set(expected):
            raise SystemExit(f"not the same (ours, theirs): {wrong}; only there: {set(other) - set(expected)}")
        pairs += len(expected)
        for check in contract.checks:
            if check.id in expected:
                kinds[check.kind] = kinds.get(check.kind, 0) + expected[check.id]
    shown = tuple(Row(kind, {"broken in both": f"{count:,}"}) for kind, count in sorted(kinds.items()))
    note = (
        f"{pairs} comparisons on {rounds} made-up tables of {rowcount:,} rows: every check of the exported suite finds as many "
        f"rows in Great Expectations {import_module('great_expectations').__version__} as in civicops. Not compared, because "
        f"SQLite lacks their functions: {', '.join(ONLY_DUCKDB)}. Not exported: quarantine_share, freshness, foreign_key."
    )
    return Table("exchange", shown, (note,))


if __name__ == "__main__":
    main(run)
