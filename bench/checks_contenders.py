"""Who checks the requests in bench/checks.py: each contender is one function, run in a process of its own.

`main` is given NAME FILE FOLDER, does the work once and prints what it took as JSON. Belongs here: the work
with each library, and what it took. Does not belong here: the rules in its words (`checks_rules`), when who is run (`checks`).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from bench.checks_rules import (
    CHECKS,
    CONTRACT,
    HELD_BY,
    dbt_project,
    expectations,
    ids_of,
    pandas_rules,
    pandera_schema,
    polars_rules,
)
from civicops.checks.batches import BatchStore, TypedBatch
from civicops.checks.compile import compile_checks
from civicops.checks.split import ACCEPTED, BROKEN, find_broken, typed_rows


@dataclass
class Outcome:
    """Seconds of reading and checking, and of writing; rows broken by check; what was kept and held (None: not written)."""

    checking: float = 0.0
    writing: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    accepted: int | None = None
    held: int | None = None
    peak_mb: float = 0.0


Contender = Callable[[Path, Path], Outcome]


def ours(file: Path, folder: Path) -> Outcome:
    """What a run of a product does with a landed file: accepted rows with flags, quarantine with raw values and reasons."""
    connection = _duckdb()
    rows = _count(connection, file)
    begin = time.perf_counter()
    store = BatchStore(folder / "accepted", folder / "quarantine", CONTRACT.product)
    batch = store.check(connection, CONTRACT, TypedBatch("bench", ("0" * 64, 1), file, rows), {}, "bench")
    return Outcome(time.perf_counter() - begin, 0.0, batch.counts, batch.accepted, batch.quarantined)


def ours_found(file: Path, folder: Path) -> Outcome:  # noqa: ARG001 - every contender is called alike
    """Only the part that says which rows broke which checks, in memory."""
    connection = _duckdb()
    begin = time.perf_counter()
    compiled = compile_checks(CONTRACT, typed_rows(file, "bench", "0" * 64, 1), (), {}, typed=True)
    find_broken(connection, compiled)
    found = connection.execute(
        f"SELECT id, count(*) FROM (SELECT unnest({compiled.parts['_flags']}) AS id FROM {BROKEN}) GROUP BY id"
    ).fetchall()
    return Outcome(time.perf_counter() - begin, 0.0, dict(found))


def rewrite(file: Path, folder: Path, options: str = "FORMAT parquet") -> Outcome:
    """DuckDB reads and writes the same columns, without any check."""
    connection = _duckdb()
    begin = time.perf_counter()
    connection.execute(f"COPY (FROM read_parquet('{file}')) TO '{folder / 'rows.parquet'}' ({options})")
    return Outcome(time.perf_counter() - begin)


def rewrite_alike(file: Path, folder: Path) -> Outcome:
    """The same with the options under which civicops writes accepted rows."""
    return rewrite(file, folder, ACCEPTED)


def pandera_pandas(file: Path, folder: Path) -> Outcome:
    pd = import_module("pandas")
    pa = import_module("pandera.pandas")

    schema = pandera_schema(pa, pandas_rules())
    begin = time.perf_counter()
    frame = pd.read_parquet(file)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    ids = ids_of(cases["column"], cases["check"])
    # A check over a whole row is reported once per column; a row counts once.
    broken = pd.DataFrame({"row": cases["index"], "check": ids}).drop_duplicates()
    checking = time.perf_counter() - begin
    return _write_pandas(frame, broken.groupby("check")["row"].agg(list).to_dict(), folder, begin, checking)


def pandera_polars(file: Path, folder: Path) -> Outcome:
    pa = import_module("pandera.polars")
    pl = import_module("polars")

    schema = pandera_schema(pa, polars_rules())
    begin = time.perf_counter()
    frame = pl.read_parquet(file)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    broken = pl.DataFrame({"row": cases["index"], "check": ids_of(cases["column"], cases["check"])}).unique()
    counts = dict(broken["check"].value_counts().iter_rows())
    checking = time.perf_counter() - begin
    bad = broken.filter(pl.col("check").is_in(HELD_BY)).select(pl.col("row").cast(pl.UInt32)).unique()
    of_row = broken.group_by("row").agg(pl.col("check").alias("_checks")).with_columns(pl.col("row").cast(pl.UInt32))
    numbered = frame.with_row_index("row")
    accepted = numbered.join(bad, on="row", how="anti").drop("row")
    held = numbered.join(bad, on="row", how="semi").join(of_row, on="row").drop("row")
    accepted.write_parquet(folder / "rows.parquet", compression="snappy")
    held.write_parquet(folder / "held.parquet")
    return Outcome(checking, time.perf_counter() - begin - checking, counts, accepted.height, held.height)


def great_expectations(file: Path, folder: Path) -> Outcome:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    gx = import_module("great_expectations")
    pd = import_module("pandas")

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    definition = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("d")
    suite = context.suites.add(gx.ExpectationSuite("requests", expectations=expectations(gx.expectations)))
    begin = time.perf_counter()
    frame = pd.read_parquet(file)
    validation = gx.ValidationDefinition(data=definition, suite=suite, name="v")
    found = validation.run(
        batch_parameters={"dataframe": frame},
        result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
    )
    broken: dict[str, set[int]] = {}
    for result in found.results:
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(f"{result.expectation_config}: {result.exception_info}")
        rows = result.result.get("unexpected_index_list") or ()
        broken.setdefault(result.expectation_config.meta["check"], set()).update(rows)
    checking = time.perf_counter() - begin
    return _write_pandas(frame, {check: sorted(rows) for check, rows in broken.items()}, folder, begin, checking)


def dbt(file: Path, folder: Path) -> Outcome:
    """One test per check, failures stored; dbt has no notion of accepted rows, so none are written."""
    os.environ["DO_NOT_TRACK"] = "1"
    cli = import_module("dbt.cli.main")

    dbt_project(file, folder)
    where = ["--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet", "--no-send-anonymous-usage-stats"]
    runner = cli.dbtRunner()
    begin = time.perf_counter()
    done: Any = runner.invoke(["build", *where])
    if done.exception or done.result is None:
        raise RuntimeError(f"dbt: {done.exception}")
    seconds = time.perf_counter() - begin
    names = {check.id for check in CHECKS}
    counts = {item.node.name: item.failures for item in done.result.results if item.node.name in names}
    return Outcome(seconds, 0.0, counts)


def _duckdb() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    return connection


def _count(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    row = connection.execute(f"SELECT count(*) FROM read_parquet('{file}')").fetchone()
    return int(row[0]) if row else 0


def _write_pandas(frame: Any, broken: Mapping[str, list[int]], folder: Path, begin: float, checking: float) -> Outcome:
    """Accepted rows as they are, held rows with the ids of the checks they broke."""
    held_ids = sorted({row for check in HELD_BY for row in broken.get(check, ())})
    reasons: dict[int, list[str]] = {row: [] for row in held_ids}
    for check, rows in broken.items():
        for row in rows:
            if row in reasons:
                reasons[row].append(check)
    accepted = frame.drop(index=held_ids)
    held = frame.loc[held_ids].assign(_checks=[reasons[row] for row in held_ids])
    accepted.to_parquet(folder / "rows.parquet", index=False)
    held.to_parquet(folder / "held.parquet", index=False)
    counts = {check: len(rows) for check, rows in broken.items() if rows}
    return Outcome(checking, time.perf_counter() - begin - checking, counts, len(accepted), len(held))


CONTENDERS: dict[str, Contender] = {
    function.__name__: function
    for function in (ours, ours_found, rewrite, rewrite_alike, pandera_polars, pandera_pandas, dbt, great_expectations)
}


def main() -> None:
    """Run one contender once and print its outcome as the last line."""
    name, file, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    outcome = CONTENDERS[name](file, folder)
    # Kilobytes on Linux, bytes on macOS.
    outcome.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )
    print(json.dumps(asdict(outcome)))
