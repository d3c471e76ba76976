"""A text is found in every kind of file a workspace keeps, packed or not."""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
import sqlite3
import unicodedata
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.govern import searching
from civicops.govern.searching import search
from civicops.ingest.landing import Landing
from civicops.workspace import Workspace
from tests.unit.review.pantries import write

TEXT = "Quill Made-Up 4711"


def test_what_is_in_a_zip_or_a_spreadsheet_is_found_and_a_locked_one_counts_as_found(tmp_path: Path) -> None:
    parquet = tmp_path / "rows.parquet"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT '{TEXT}' AS a) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)")
    for name, member, content in (
        ("a.zip", "one.csv", TEXT.encode()), ("b.xlsx", "xl/sharedStrings.xml", TEXT.encode()),
        ("c.zip", "rows.parquet", parquet.read_bytes()), ("d.zip", f"{TEXT}.txt", b""), ("e.zip", "other.csv", b"Kim"),
    ):  # fmt: skip
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
        assert searching.is_in(tmp_path / name, [TEXT]) is (name != "e.zip"), name
    locked = bytearray((tmp_path / "e.zip").read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(sign) + at] |= 1  # the bit that says that a password is needed
    (tmp_path / "e.zip").write_bytes(locked)
    assert searching.is_in(tmp_path / "e.zip", [TEXT])


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
                con.execute(f"CREATE SCHEMA s; CREATE TABLE s.t AS SELECT '{TEXT} ' || i AS a FROM range(5000) t(i)")
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


HARD = (
    "Quill O'Made-Up 4711",
    'Quill "Bo" Made-Up',
    "Peña Made-Up 4711",
    "Quill & Bo Made-Up",
    "Quill\\Made-Up",
    "a\tb Made-Up",
)


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize(
    "kind", ["parquet", "list", "struct", "duckdb", "json", "ascii json", "json in sqlite", "csv", "html", "nfd"]
)
def test_it_is_found_however_a_kind_of_file_spells_it(kind: str, text: str, tmp_path: Path) -> None:
    workspace = write(tmp_path)
    workspace.data.mkdir(exist_ok=True)
    var, sql = workspace.data, "'" + text.replace("'", "''") + "'"
    match kind:
        case "parquet" | "list" | "struct":
            value = {"parquet": sql, "list": f"[{sql}]", "struct": f"{{'deep': [{{'name': {sql}}}]}}"}[kind]
            with duckdb.connect() as con:
                con.execute(f"COPY (SELECT {value} AS a) TO '{var}/x.parquet'")
        case "duckdb":
            with duckdb.connect(str(var / "x.duckdb")) as con:
                con.execute(f"CREATE TABLE t AS SELECT {sql} AS a")
        case "json" | "ascii json":
            (var / "x.json").write_text(json.dumps({"a": text}, ensure_ascii=kind == "ascii json"), encoding="utf-8")
        case "json in sqlite":
            with sqlite3.connect(var / "x.sqlite3") as made:
                made.execute("CREATE TABLE t (a TEXT)")
                made.execute("INSERT INTO t VALUES (?)", [json.dumps({"a": text})])
        case "csv":
            with (var / "x.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([["a"], [text]])
        case "html":
            (var / "x.html").write_text(f"<p>{html.escape(text)}</p>", encoding="utf-8")
        case _:
            (var / "x.txt").write_text(unicodedata.normalize("NFD", text), encoding="utf-8")
    assert {item.text for item in search(workspace, ["nowhere to be found", text])} == {1}


@pytest.mark.parametrize("kind", ["parquet", "sqlite", "log"])
@pytest.mark.parametrize(
    ("written", "is_found"),
    [
        ("10001", True),
        ("100012", False),
        ("910001", False),
        ("n10001x", True),
        ("1-10001,2", True),
        ("100012 10001", True),
    ],
)
def test_a_number_is_not_cut_out_of_a_longer_one(kind: str, written: str, is_found: bool, tmp_path: Path) -> None:
    """Otherwise no request for a record with a numeric key would ever be done: another's key begins with it."""
    workspace = write(tmp_path)
    workspace.data.mkdir(exist_ok=True)
    match kind:
        case "parquet":
            with duckdb.connect() as con:
                con.execute(f"COPY (SELECT '{written}' AS a) TO '{workspace.data}/x.parquet'")
        case "sqlite":
            with sqlite3.connect(workspace.data / "x.sqlite3") as made:
                made.execute("CREATE TABLE t (a TEXT)")
                made.execute("INSERT INTO t VALUES (?)", [written])
        case _:
            (workspace.data / "x.log").write_text(written)
    assert [item.text for item in search(workspace, ["nowhere to be found", "10001"])] == [1] * is_found


@given(
    st.lists(st.sampled_from(("10001", "0", "1", "x", " ")), max_size=12).map("".join),
    st.integers(min_value=1, max_value=7),
)
def test_where_a_file_is_cut_into_blocks_changes_nothing(written: str, block: int) -> None:
    whole = {0} if re.search(r"(?<![0-9])10001(?![0-9])", written) else set()
    assert searching._in_bytes(io.BytesIO(written.encode()), searching.spellings(["10001"]), block=block) == whole
