"""Sheets v4 as far as a writer of rows needs it: sheets of a spreadsheet, values read, updated, appended and cleared.

Belongs here: grids of values and A1 ranges. Does not belong here: formats, formulas (a value entered as `USER_ENTERED` that
begins with `=` is remembered as a formula, so that a test can see one got through).
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from simulators.google.drive import RefusedError

Grid = list[list[Any]]


@dataclass
class Spreadsheets:
    """Spreadsheet id to sheet title to rows. Only ids in `known` exist."""

    known: set[str] = field(default_factory=set)
    grids: dict[str, dict[str, Grid]] = field(default_factory=dict)
    formulas: list[str] = field(default_factory=list)
    calls: int = 0

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        """One call below `/v4/spreadsheets/`."""
        self.calls += 1
        identity, _, rest = path.partition("/")
        identity, _, verb = identity.partition(":")
        if identity not in self.known:
            raise RefusedError(404, "notFound", "Requested entity was not found.")
        book = self.grids.setdefault(identity, {"Sheet1": []})
        if verb == "batchUpdate":
            return self._sheets(identity, book, body)
        if not rest:
            sheets = [{"properties": {"sheetId": n, "title": title, "index": n}} for n, title in enumerate(book)]
            return {"spreadsheetId": identity, "sheets": sheets}
        if rest == "values:batchUpdate":
            data = body.get("data", [])
            for one in data:
                self._write(book, one["range"], one.get("values", []), body.get("valueInputOption", ""))
            return {"spreadsheetId": identity, "totalUpdatedRows": sum(len(one.get("values", [])) for one in data)}
        where, _, verb = unquote(rest.removeprefix("values/")).rpartition(":")
        if verb == "append":
            return self._append(identity, book, where, body.get("values", []), query.get("valueInputOption", ""))
        if verb == "clear":
            title, top, _, bottom, _ = _range(where)
            self._grid(book, title)[top:bottom] = []
            return {"spreadsheetId": identity, "clearedRange": where}
        if method == "GET":
            text = unquote(rest.removeprefix("values/"))
            return {"range": text, "majorDimension": "ROWS", "values": self._read(book, text)}
        raise RefusedError(404, "notFound", "There is no such method here.")

    def _sheets(self, identity: str, book: dict[str, Grid], body: dict[str, Any]) -> dict[str, Any]:
        for request in body.get("requests", []):
            title = request["addSheet"]["properties"]["title"]
            if title in book:
                raise RefusedError(400, "badRequest", f'A sheet with the name "{title}" already exists.')
            book[title] = []
        return {"spreadsheetId": identity, "replies": [{} for _ in body.get("requests", [])]}

    def _append(self, identity: str, book: dict[str, Grid], where: str, rows: Grid, option: str) -> dict[str, Any]:
        title = _range(where)[0]
        first = len(self._grid(book, title)) + 1
        self._write(book, f"'{title}'!A{first}", rows, option)
        return {"spreadsheetId": identity, "updates": {"updatedRange": f"'{title}'!A{first}", "updatedRows": len(rows)}}

    def _write(self, book: dict[str, Grid], where: str, rows: Grid, option: str) -> None:
        if option not in ("RAW", "USER_ENTERED"):
            raise RefusedError(400, "badRequest", "'valueInputOption' is required but not specified")
        title, top, left, _, _ = _range(where)
        grid = self._grid(book, title)
        for offset, row in enumerate(rows):
            while len(grid) <= top + offset:
                grid.append([])
            line = grid[top + offset]
            line.extend([""] * (left + len(row) - len(line)))
            for column, value in enumerate(row):
                if option == "USER_ENTERED" and str(value).startswith(("=", "+", "-", "@")):
                    self.formulas.append(str(value))
                line[left + column] = value

    def _read(self, book: dict[str, Grid], where: str) -> Grid:
        title, top, left, bottom, right = _range(where)
        return [row[left:right] for row in self._grid(book, title)[top:bottom]]

    def _grid(self, book: dict[str, Grid], title: str) -> Grid:
        if title not in book:
            raise RefusedError(400, "badRequest", f"Unable to parse range: {title}")
        return book[title]


def _range(text: str) -> tuple[str, int, int, int | None, int | None]:
    """`'Title'!A2:C9` as title, first row, first column, end row, end column, counted from 0; ends are exclusive."""
    title, _, cells = text.rpartition("!") if "!" in text else (text, "", "")
    title = title.strip("'").replace("''", "'")
    first, _, last = cells.partition(":")
    top, left = _cell(first)
    bottom, right = _cell(last)
    return title, (top or 1) - 1, (left or 1) - 1, bottom, right


def _cell(text: str) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"([A-Z]*)(\d*)", text)
    if match is None:
        raise RefusedError(400, "badRequest", f"Unable to parse range: {text}")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return (int(match[2]) if match[2] else None), (column or None)
