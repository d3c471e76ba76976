"""Rows in a sheet: written once however often, people's own columns untouched, nothing that a spreadsheet would run."""

from __future__ import annotations

from typing import Any

import pytest

from civicops.ingest.google.sheets import Written, read_rows, sheets_account, write_rows
from civicops.ingest.values import FetchError
from simulators.google.server import SPREADSHEET
from tests.unit.ingest.google.conftest import Watch

Row = dict[str, Any]


def write(watch: Watch, rows: list[Row], sheet: str = "Restore list") -> Written:
    account = sheets_account("GOOGLE_SERVICE_ACCOUNT_FILE", url=watch.google.url)
    return write_rows(account, SPREADSHEET, sheet, rows, key=["item"])


def grid(watch: Watch, sheet: str = "Restore list") -> list[list[Any]]:
    return watch.google.sheets.grids[SPREADSHEET][sheet]


def test_the_same_rows_again_write_nothing_and_ticks_stay(watch: Watch) -> None:
    rows: list[Row] = [{"item": f"i{n}", "path": f"/a/{n}", "bytes": n, "until": None} for n in range(12_000)]
    assert write(watch, rows) == Written(12_000, 0, 0)
    assert len(grid(watch)) == 12_001 and grid(watch)[0] == ["item", "path", "bytes", "until"]
    assert watch.google.sheets.calls <= 8
    grid(watch)[3].append("done")
    before = [list(row) for row in grid(watch)]
    assert write(watch, list(reversed(rows))) == Written(0, 0, 12_000)
    assert grid(watch) == before
    rows[2]["path"] = "/b/2"
    assert write(watch, [*rows[:5], {"item": "new", "path": "/n", "bytes": 0, "until": None}]) == Written(1, 1, 4)
    assert grid(watch)[3] == ["i2", "/b/2", 2, "", "done"] and grid(watch)[-1][0] == "new"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "  =1", "\t=1"])
def test_nothing_is_a_formula(watch: Watch, text: str) -> None:
    assert write(watch, [{"item": text, "path": text}]).added == 1
    assert write(watch, [{"item": text, "path": text}]).same == 1
    assert grid(watch)[1] == [f"'{text}"] * 2 and watch.google.sheets.formulas == []


def test_what_people_wrote_beside_is_read_back(watch: Watch) -> None:
    write(watch, [{"item": "a", "path": "/a"}, {"item": "b", "path": "/b"}])
    for row, mark in zip(grid(watch), ("done", "yes", ""), strict=True):
        row.append(mark)
    account = sheets_account("GOOGLE_SERVICE_ACCOUNT_FILE", url=watch.google.url)
    assert read_rows(account, SPREADSHEET, "Restore list") == [
        {"item": "a", "path": "/a", "done": "yes"}, {"item": "b", "path": "/b", "done": ""},
    ]  # fmt: skip


def test_a_sheet_with_other_columns_or_out_of_reach_is_left_alone(watch: Watch) -> None:
    write(watch, [{"item": "a", "path": "/a"}])
    with pytest.raises(FetchError, match="other columns"):
        write(watch, [{"item": "a", "size": 1}])
    account = sheets_account("GOOGLE_SERVICE_ACCOUNT_FILE", url=watch.google.url)
    with pytest.raises(FetchError, match="cannot be written"):
        write_rows(account, "another", "S", [{"item": "a"}], key=["item"])
