"""A text is found in every kind of file a workspace keeps, packed or not."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import duckdb
import pytest

from civicops.govern import searching
from civicops.govern.searching import search
from civicops.ingest.landing import Landing
from civicops.workspace import Workspace
from tests.unit.review.pantries import write

TEXT = "Quill Made-Up 4711"


def plant(var: Path, kind: str) -> str:
    """Put the text into a file of a kind; returns the file's beginning."""
    match kind:
        case "parquet" | "nested.parquet":
            value = f"['{TEXT}']" if kind != "parquet" else f"'{TEXT}'"
            with duckdb.connect() as con:
                con.execute(
                    f"COPY (SELECT {value} AS a, i FROM range(5000) t(i)) TO '{var}/x.parquet' (FORMAT parquet, COMPRESSION zstd)"
                )
            return "x.parquet"
        case "duckdb":
            with duckdb.connect(str(var / "x.duckdb")) as con:
                con.execute(f"CREATE SCHEMA s; CREATE TABLE s.t AS SELECT '{TEXT}' || i AS a FROM range(5000) t(i)")
            return "x.duckdb"
        case "sqlite":
            con = sqlite3.connect(var / "x.sqlite3")
            con.execute("CREATE TABLE t (a TEXT)")
            con.execute("INSERT INTO t VALUES (?)", ["-" * 5000 + TEXT + "-" * 5000])
            con.commit()
            con.close()
            return "x.sqlite3"
        case "landed":
            Landing(var / "landing").put("p", "s", f"a\n{TEXT}\n".encode(), "csv", url="made:up")
            return "landing/"
        case "gz":
            (var / "x.json.gz").write_bytes(gzip.compress(json.dumps({"a": TEXT}).encode()))
            return "x.json.gz"
        case _:
            (var / "x.log").write_text("-" * (searching.BLOCK - 7) + TEXT)
            return "x.log"


@pytest.mark.parametrize("kind", ["parquet", "nested.parquet", "duckdb", "sqlite", "landed", "gz", "across blocks"])
def test_it_is_found_in(kind: str, tmp_path: Path) -> None:
    workspace = write(tmp_path)
    assert list(search(workspace, [TEXT])) == []
    workspace.data.mkdir(exist_ok=True)
    where = plant(workspace.data, kind)
    found = list(search(workspace, ["nowhere to be found", TEXT]))
    assert [item.text for item in found] == [1] and found[0].path.startswith(where)
    assert TEXT not in str(found[0]) and list(search(workspace, [])) == []


def test_requests_and_keys_are_not_searched(tmp_path: Path) -> None:
    workspace: Workspace = write(tmp_path)
    for room in searching.NOT_SEARCHED:
        (workspace.data / room).mkdir(parents=True)
        (workspace.data / room / "x").write_text(TEXT)
    assert list(search(workspace, [TEXT])) == []
