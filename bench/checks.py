"""Contract check of five million requests from Parquet, beside Great Expectations, pandera, dbt tests and no check at all.

Everybody gets the same file and the same rules (`contracts/requests.yaml`), each run in a process of its own, so that peak
memory is its own; loading libraries is not counted. All must find the same number of rows for every check, or this fails.
Belongs here: who is run when, and the table. Does not belong here: the work itself (`checks_contenders`).
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.checks_contenders import Outcome
from bench.checks_rules import CHECKS, HELD_BY
from bench.requests_data import requests
from bench.table import Row, Table, main


@dataclass(frozen=True)
class Entry:
    """One contender: how it is called, what it must have installed, and on which share of the rows it is run."""

    name: str
    contender: str
    needs: str = "duckdb"
    share: float = 1.0
    every: int = 1
    """Slow ones are run in every so many of the rounds."""


ENTRIES = (
    Entry("civicops", "ours"),
    Entry("civicops, only which rows broke what", "ours_found"),
    Entry("DuckDB, rewriting the columns without a check", "rewrite"),
    Entry("the same, written with civicops' Parquet options", "rewrite_alike"),
    Entry("pandera, polars", "pandera_polars", "pandera"),
    Entry("pandera, pandas", "pandera_pandas", "pandera", 0.2),
    Entry("dbt tests on DuckDB", "dbt", "dbt", every=2),
    Entry("Great Expectations, pandas", "great_expectations", "great_expectations", 0.2, every=2),
)


class CountsDifferError(Exception):
    """A contender found other rows than civicops; the table would compare different work."""


def run(quick: bool) -> Table:
    """Measure everybody in turn, several rounds; `quick` takes a hundredth of the rows and one round."""
    rows, rounds = (50_000, 1) if quick else (5_000_000, 5)
    files = {share: requests(int(rows * share)) for share in sorted({entry.share for entry in ENTRIES})}
    here = [entry for entry in ENTRIES if importlib.util.find_spec(entry.needs)]
    expected = {share: _measure("ours", file) for share, file in files.items()}
    for outcome in expected.values():
        if set(outcome.counts) != {check.id for check in CHECKS}:
            raise CountsDifferError("A check without a row that breaks it measures nothing.")
    found: dict[str, list[Outcome]] = {entry.contender: [] for entry in here}
    for number in range(rounds):
        # In turn, so that whatever else the machine does meets all of them.
        for entry in here:
            if number % entry.every == 0:
                outcome = _measure(entry.contender, files[entry.share])
                _agree(entry, outcome, expected[entry.share])
                found[entry.contender].append(outcome)
    table = tuple(
        _row(entry, rows, found)
        if entry in here
        else Row(entry.name, {"rows": f"not measured: {entry.needs} is missing"})
        for entry in ENTRIES
    )
    return Table("checks", table, _notes(rows, expected[1.0]))


def _measure(contender: str, file: Path) -> Outcome:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        code = "from bench.checks_contenders import main; main()"
        command = [sys.executable, "-W", "ignore", "-c", code, contender, str(file), folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        if done.returncode:
            raise RuntimeError(f"{contender} failed:\n{done.stderr[-3000:]}")
        return Outcome(**json.loads(done.stdout.strip().splitlines()[-1]))


def _agree(entry: Entry, outcome: Outcome, expected: Outcome) -> None:
    if entry.contender.startswith("rewrite"):
        return
    wrong = {
        check.id: (outcome.counts.get(check.id, 0), expected.counts[check.id])
        for check in CHECKS
        if outcome.counts.get(check.id, 0) != expected.counts[check.id]
    }
    split = (outcome.accepted, outcome.held) not in ((None, None), (expected.accepted, expected.held))
    if wrong or split:
        raise CountsDifferError(f"{entry.name}: {wrong or (outcome.accepted, outcome.held)}")


def _row(entry: Entry, rows: int, found: dict[str, list[Outcome]]) -> Row:
    outcomes = found[entry.contender]
    mine = statistics.median(_seconds(item) for item in found["ours"])
    seconds = [_seconds(item) for item in outcomes]
    checked = int(rows * entry.share)
    rate = checked / statistics.median(seconds)
    figures = {
        "rows": f"{checked:,}",
        "seconds": f"{statistics.median(seconds):.3g} ({min(seconds):.3g} to {max(seconds):.3g})",
        "of it writing": f"{statistics.median(item.writing for item in outcomes):.2g}" if outcomes[0].writing else "-",
        "M rows/s": f"{rate / 1e6:.2f}",
        "time beside civicops": f"{rows / rate / mine:.2f} x",
        "peak memory": f"{statistics.median(item.peak_mb for item in outcomes):,.0f} MB",
        "writes accepted and held rows": "yes" if outcomes[0].accepted is not None else "no",
    }
    return Row(entry.name, figures)


def _seconds(outcome: Outcome) -> float:
    return outcome.checking + outcome.writing


def _notes(rows: int, ours: Outcome) -> tuple[str, ...]:
    broken = sum(ours.counts.values())
    return (
        f"{rows:,} made-up requests of 24 typed columns (Parquet, snappy); {len(CHECKS)} row checks, each broken by some rows, "
        f"{broken:,} findings in all; {len(HELD_BY)} of the checks hold a row back, {ours.held:,} rows are held. Everybody found "
        "exactly as many rows per check. *Time beside civicops*: the median time for as many rows, as a multiple of civicops'.",
        "civicops writes accepted rows with their flags, blanked values and origin, and held rows with raw values as JSON, the "
        "ids of their checks, contract and run. pandera and Great Expectations say which rows failed; accepted rows are then "
        "written as they are, held ones with the ids, by pandas or polars. dbt keeps the failing rows of each test as a table; "
        "its accepted_values names values instead of rows, so a generic test with the condition stands in its place, and it "
        "writes no accepted rows. A check over two columns (a point in a box, a pair) is one in civicops, pandera and dbt; Great "
        "Expectations has no such one, so two expectations are joined by row. Slow contenders get a fifth of the rows.",
        "Great Expectations over DuckDB by SQL is not measured: with duckdb-engine 0.17.0 its 1.24.1 fails at counting rows.",
    )


if __name__ == "__main__":
    main(run)
