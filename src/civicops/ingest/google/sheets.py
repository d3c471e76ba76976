"""Rows written to a Google Sheet, again and again, without a row standing there twice.

Belongs here: writing rows by key in few calls, and making text harmless. Does not belong here: which rows; a product says so.

A sheet (tab) has one header row that civicops owns. Columns to the right of ours belong to people: a tick, a note. They stay
beside their row, for rows are found by key and never reordered. Values are entered as they are (`RAW`), and text that begins
like a formula gets an apostrophe before it all the same, for somebody will copy it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from civicops.ingest.google.client import WRITE_SHEETS, Google, RefusalError
from civicops.ingest.values import FetchError
from civicops.ingest.web import DEFAULT_PATIENCE, Patience

BATCH_ROWS = 5_000
"""Rows of one call; Google advises against more than about 2 MB."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Written:
    """What a write did: rows that are new, rows whose values changed, rows that were so already."""

    added: int
    changed: int
    same: int


def sheets_account(key_env: str, *, url: str = "", patience: Patience = DEFAULT_PATIENCE) -> Google:
    """A service account that may write sheets shared with it."""
    return Google(key_env, (WRITE_SHEETS,), url, patience=patience)


def harmless(value: Any) -> str | int | float | bool:
    """A value for a cell: no text that a spreadsheet would run, nothing that is not text, number or truth."""
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def write_rows(
    google: Google,
    spreadsheet: str,
    sheet: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    marks: Sequence[str] = (),
) -> Written:
    """Bring `sheet` up to date with `rows`, found by `key`; rows that are there and not given stay.

    `marks` are headings of people's columns, written once beside ours when the sheet is made.

    All rows have the same columns in the same order. Raises `FetchError` when the sheet cannot be reached, is not shared with
    the service account, or has other columns where ours belong; nothing is written then.
    """
    if not rows:
        return Written(0, 0, 0)
    service = google.service("sheets").spreadsheets()
    columns = list(rows[0])
    try:
        _make(google, service, spreadsheet, sheet)
        there = _read(google, service, spreadsheet, f"{_quoted(sheet)}!A1:{_column(len(columns))}")
        if there and there[0] != columns:
            raise FetchError(
                f"The sheet '{sheet}' has other columns than {', '.join(columns)}.",
                hint="Rename the old sheet; a new one is made by the next run.",
            )
        updates, added, changed = _updates(columns, there, rows, key)
        if not there:
            updates[0][1].extend(marks)
        wanted = [{"range": f"{_quoted(sheet)}!A{number}", "values": [values]} for number, values in updates]
        for start in range(0, len(wanted), BATCH_ROWS):
            body = {"valueInputOption": "RAW", "data": _joined(wanted[start : start + BATCH_ROWS])}
            google.ask(service.values().batchUpdate(spreadsheetId=spreadsheet, body=body))
    except RefusalError as refused:
        raise FetchError(
            f"The sheet cannot be written: {refused}.",
            hint="Share it with the service account as editor, and check its id.",
        ) from refused
    return Written(added, changed, len(rows) - added - changed)


def read_rows(google: Google, spreadsheet: str, sheet: str) -> list[dict[str, str]]:
    """Every row of a sheet by the names in its first row, people's columns too; none where there is no such sheet.

    Raises `FetchError`.
    """
    service = google.service("sheets").spreadsheets()
    try:
        if sheet not in _titles(google, service, spreadsheet):
            return []
        cells = _read(google, service, spreadsheet, f"{_quoted(sheet)}!A1:ZZ")
    except RefusalError as refused:
        raise FetchError(
            f"The sheet cannot be read: {refused}.", hint="Is it shared with the service account?"
        ) from refused
    names = [str(name) for name in cells[0]] if cells else []
    return [dict(zip(names, [str(cell) for cell in row] + [""] * len(names), strict=False)) for row in cells[1:]]


def _updates(
    columns: Sequence[str], there: Sequence[Sequence[Any]], rows: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> tuple[list[tuple[int, list[Any]]], int, int]:
    """Row number and cells of everything to write, and how many are new and changed."""
    places = [columns.index(name) for name in key]
    known = {
        tuple(_text(row, place) for place in places): (number, row) for number, row in enumerate(there[1:], start=2)
    }
    updates: list[tuple[int, list[Any]]] = [] if there else [(1, list(columns))]
    free, added, changed = max(len(there), 1) + 1, 0, 0
    for row in rows:
        cells: list[Any] = [harmless(row[name]) for name in columns]
        place = tuple(str(cells[index]) for index in places)
        number, old = known.get(place, (0, []))
        if not number:
            number, free, added = free, free + 1, added + 1
            updates.append((number, cells))
        elif [_text(old, index) for index in range(len(columns))] != [str(cell) for cell in cells]:
            changed += 1
            updates.append((number, cells))
        known[place] = (number, cells)
    return updates, added, changed


def _text(row: Sequence[Any], index: int) -> str:
    """A cell as text; Google leaves out empty cells at the end of a row."""
    return str(row[index]) if index < len(row) else ""


def _joined(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that follow each other as one range."""
    found: list[dict[str, Any]] = []
    last = 0
    for one in data:
        head, _, number = one["range"].rpartition("!A")
        if found and int(number) == last + 1:
            found[-1]["values"].extend(one["values"])
        else:
            found.append({"range": f"{head}!A{number}", "values": list(one["values"])})
        last = int(number)
    return found


def _make(google: Google, service: Any, spreadsheet: str, sheet: str) -> None:
    if sheet not in _titles(google, service, spreadsheet):
        body = {"requests": [{"addSheet": {"properties": {"title": sheet}}}]}
        google.ask(service.batchUpdate(spreadsheetId=spreadsheet, body=body))


def _titles(google: Google, service: Any, spreadsheet: str) -> set[str]:
    answer = json.loads(google.ask(service.get(spreadsheetId=spreadsheet, fields="sheets(properties(title))")))
    return {str(one["properties"]["title"]) for one in answer.get("sheets", ())}


def _read(google: Google, service: Any, spreadsheet: str, where: str) -> list[list[Any]]:
    answer = json.loads(google.ask(service.values().get(spreadsheetId=spreadsheet, range=where)))
    values: list[list[Any]] = answer.get("values", [])
    return values


def _quoted(sheet: str) -> str:
    return "'" + sheet.replace("'", "''") + "'"


def _column(number: int) -> str:
    """The letters of a column counted from 1."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
