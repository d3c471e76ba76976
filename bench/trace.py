"""From a value to the bytes it was made from, and the graph of everything, on 13 million rows.

Belongs here: whole commands as a user types them on ten years of made-up requests, each in a process of its own, and the graph
of the repository's products. Does not belong here: making those rows current (`pipeline`), peers: none of those that are
measured elsewhere traces a value to its bytes.

The workspace is made once and kept in `bench/data/pipeline/kept`; it needs 15 GB and some minutes.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from bench.pipeline import (
    DATA,
    PROGRAM,
    ROOT,
    TEN_YEARS_ROWS,
    YEARS,
    Measured,
    boundaries,
    make_year,
    measure,
    workspace,
)
from bench.table import Row, Table, main, spread

KEYS = 5
INSTALLED = ROOT / ".venv" / "bin" / "python"
"""What people have, from `make setup`: in the benches' environment DuckDB finds a peer's pandas and loads it with each answer."""
QUICK_ROWS = 200_000


def kept(rows: int) -> Path:
    """The workspace with so many rows of nine years, run once."""
    folder = DATA / ("kept" if rows == TEN_YEARS_ROWS else f"kept_{rows}")
    if not (folder / "var" / "runs" / "last" / "requests_311.json").is_file():
        share = rows // len(YEARS)
        files = {f"requests_{year}": make_year(year, share) for year in YEARS} | boundaries()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        workspace(folder, files, "2GB")
        measure([*PROGRAM, "run", "requests_311", "--json"], folder)
    return folder


def keys(folder: Path, count: int) -> tuple[list[str], list[str]]:
    """Keys of released rows and of rows held back, drawn by chance, always the same ones."""
    var = folder / "var"
    release = next((var / "releases" / "requests_311" / "requests").glob("*/data.parquet"))
    held = [str(path) for path in (var / "quarantine" / "requests_311" / "legacy_requests").glob("*.parquet")]
    with duckdb.connect() as con:
        total = (con.execute(f"SELECT count(*) FROM '{release}'").fetchone() or (0,))[0]
        places = sorted(random.Random(11).sample(range(total), count))
        numbers = ", ".join(map(str, places))
        found = con.execute(
            f"SELECT request_id FROM read_parquet('{release}', file_row_number = true) WHERE file_row_number IN ({numbers})"
        ).fetchall()
        kept_back = con.execute(
            "SELECT DISTINCT _raw->>'srnumber' AS key FROM read_parquet(?, union_by_name = true) "
            "WHERE key IS NOT NULL ORDER BY 1",
            [held],
        ).fetchall()
    return [row[0] for row in found], [row[0] for row in kept_back][:count]


def run(quick: bool) -> Table:
    """Five values of 13 million rows; with `quick` 4 of 200,000."""
    rows, count = (QUICK_ROWS, 4) if quick else (TEN_YEARS_ROWS, KEYS)
    folder = kept(rows)
    released, held = keys(folder, count)

    def traced(dataset: str, *words: str) -> Measured:
        return measure([str(INSTALLED), *PROGRAM[1:], "trace", dataset, *words, "--json"], folder)

    traced("requests_311.requests", released[0])  # follows the models, and brings the files into memory
    plain = [traced("requests_311.requests", key) for key in released]
    status = [traced("requests_311.requests", key, "status_code") for key in released]
    council = [traced("requests_311.requests", key, "council_code") for key in released]
    back = [traced("requests_311.legacy_requests", key) for key in held]
    for item in (*plain, *status, *council):
        answer = json.loads(item.output)
        if not any(row["origin"]["line"] for row in answer["accepted"]):
            raise RuntimeError("a value was not traced to its line")
    graphs = _graphs()
    notes = (
        f"{rows:,} made-up legacy rows of nine years ({len(YEARS)} landed files of {_megabytes(rows)} MB). Each line is one "
        "whole command: the released row, the accepted rows, the rules, the line and byte in the landed file and its text. With "
        "a column the models are also run over that one row, and the lookup lines without which it would be another are found. "
        "Files are in the page cache. *Processor*: seconds of all threads, start of Python and imports included.",
        "The graph is that of this repository's products: columns of sources, models, releases, pages, monitors. *First* asks "
        "dbt for the SQL of every model, *again* finds what was kept.",
    )
    table = [
        _row("trace, the whole row", plain), _row("trace, status_code with its lookup lines", status),
        _row("trace, council_code placed again", council), _row("trace, a row held back", back),
    ]  # fmt: skip
    return Table("trace", (*table, *graphs), notes)


def _graphs() -> list[Row]:
    from civicops.lineage import graph_of
    from civicops.workspace import Workspace

    found: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        for label, runs in (("graph of all products, first", 1), ("graph of all products, again", 10)):
            seconds = []
            for _ in range(runs):
                began = time.perf_counter()
                graph = graph_of(Workspace.find(ROOT), cache=Path(name))
                seconds.append(time.perf_counter() - began)
            figures = {"seconds": spread(seconds), "processor": "-", "runs": str(runs), "peak memory": "-"}
            found.append(Row(f"{label}: {len(graph.nodes):,} nodes, {len(graph.edges):,} edges", figures))
    return found


def _megabytes(rows: int) -> str:
    """From the smallest to the largest made file of a workspace with so many rows."""
    sizes = [path.stat().st_size for path in DATA.glob(f"2*_{rows // len(YEARS)}.csv")]
    return f"{min(sizes) / 1e6:,.0f} to {max(sizes) / 1e6:,.0f}" if sizes else "-"


def _row(name: str, found: list[Measured]) -> Row:
    seconds = [item.seconds for item in found]
    figures = {
        "seconds": spread(seconds),
        "processor": spread([item.processor for item in found]),
        "runs": str(len(found)),
        "peak memory": f"{max(item.memory for item in found) / 1e6:,.0f} MB",
    }
    return Row(name, figures)


if __name__ == "__main__":
    if not INSTALLED.exists():
        sys.exit("Run make setup first: it is the installed program that is measured.")
    if shutil.disk_usage(ROOT).free < 20e9:
        print("This needs about 20 GB of free disk; there is less.", file=sys.stderr)
    main(run)
