"""Importing a table that somebody has: look at it first, then take it in as the rows of one list.

Belongs here: `preview`, which changes nothing, and `take_in`, which keeps the file and writes the list's rows where the next run
fetches them. Does not belong here: reading tables and layouts (`civicops.ingest.tables`), printing (`cli.importing`).

A dataset can be imported into when its contract has the columns `source_code` (which list), `source_id`, `retrieved_at`,
`layout_code`, `source_file_id` (SHA-256 of the file), `source_line` and `source_row` (the row as it came, as JSON). A list is
always given whole: importing it again replaces its rows.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from civicops.checks.batches import BatchStore, RawBatch
from civicops.checks.sql import parquet
from civicops.contracts import Contract
from civicops.ingest.disk import writing
from civicops.ingest.files import fetch_files
from civicops.ingest.landing import Landing
from civicops.ingest.layout import place
from civicops.ingest.read import raw_rows
from civicops.ingest.tables.fields import BOOKKEEPING, fields_of
from civicops.ingest.tables.kept import source_name
from civicops.ingest.tables.layout import (
    PREFIX,
    Layout,
    Suggestion,
    best_layout,
    layouts_of,
    missing_columns,
    read_layout,
    suggest,
    unknown_columns,
)
from civicops.ingest.tables.mapped import MappedRow, as_json, mapped_rows
from civicops.ingest.tables.read import open_table
from civicops.ingest.values import FileSource, NoProgress, SourceError
from civicops.orchestrate.context import engine
from civicops.orchestrate.gathering import Gathering
from civicops.workspace import Product, Workspace

FILES = "files"
LIST_CODE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class RowProblem:
    """A row that is not taken in, or one about which something is worth saying (`is_error` false)."""

    number: int
    message: str
    is_error: bool = True


@dataclass(frozen=True)
class Preview:
    """What a file would give, without having changed anything."""

    file: str
    layout: str
    list_code: str
    header: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    remarks: tuple[str, ...]
    rows: int
    usable: int
    problems: tuple[RowProblem, ...]
    problem_count: int
    held: Mapping[str, int] = field(default_factory=dict)
    """Rows that the contract would quarantine, by check."""
    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    sample: tuple[Mapping[str, str], ...] = ()

    @property
    def can_be_imported(self) -> bool:
        """Whether every column is known and at least one row can be used."""
        return not self.unknown and self.usable > 0


SHOWN = 50
"""Row problems that a preview keeps; all of them are counted."""


def choose_layout(product: Product, contract: Contract, path: Path, *, sheet: str = "") -> tuple[Layout, float] | None:
    """The layout of the product that fits a file best, and the share of its columns that it knows."""
    fields = list(fields_of(contract))
    return best_layout(layouts_of(product.lookups, fields), open_table(path, sheet=sheet).header)


def suggestions_for(product: Product, contract: Contract, path: Path, *, sheet: str = "") -> tuple[Suggestion, ...]:
    """A field for each column of a file for which one is likely."""
    titles = fields_of(contract)
    return suggest(open_table(path, sheet=sheet).header, titles, layouts_of(product.lookups, list(titles)))


def preview(
    workspace: Workspace,
    product: Product,
    contract: Contract,
    path: Path,
    *,
    layout: str,
    list_code: str,
    given: Gathering,
    sheet: str = "",
    columns: Path | None = None,
) -> Preview:
    """What `path` would give under `layout` as the rows of list `list_code`. Raises `SourceError` for a file that is no table.

    `columns`: the layout's file where it is no lookup of the product.
    """
    rows, found = _read(product, contract, path, layout, list_code, sheet, given.now, columns)
    before = {
        row["source_id"]: _content(row)
        for row in given.rows(source_name(product, contract))
        if row["source_code"] == list_code
    }
    now = {row["source_id"]: _content(row) for row in rows}
    return Preview(
        **found,
        held=_held(workspace, contract, product, rows),
        new=len(now.keys() - before.keys()),
        gone=len(before.keys() - now.keys()),
        changed=sum(before[key] != now[key] for key in now.keys() & before.keys()),
        same=sum(before[key] == now[key] for key in now.keys() & before.keys()),
        sample=tuple({name: row[name] for name in row if name not in BOOKKEEPING} for row in rows[:5]),
    )


def take_in(
    product: Product,
    contract: Contract,
    path: Path,
    *,
    layout: str,
    list_code: str,
    given: Gathering,
    sheet: str = "",
    columns: Path | None = None,
) -> Preview:
    """Keep the file and write the list's rows; gives what `preview` would, without what the contract says.

    Raises `SourceError` when a column is unknown or no row can be used; then nothing changes.
    """
    rows, found = _read(product, contract, path, layout, list_code, sheet, given.now, columns)
    done = Preview(**found)
    if done.unknown:
        known = {item.column: item for item in done.suggestions}
        first = known.get(done.unknown[0])
        words = f"column{'s' if len(done.unknown) > 1 else ''} {', '.join(done.unknown)}"
        raise SourceError(
            f"{path.name}: layout '{layout}' does not know the {words}.",
            hint=f"Add a line to lookups/layout_{layout}.csv"
            + (f"; '{first.column}' may be '{first.field}'." if first else ", or mark it as ignored with the reason."),
        )
    if not rows:
        why = done.problems[0].message if done.problems else "it has none"
        raise SourceError(f"{path.name}: no row can be used; the first: {why}", hint="Nothing was changed.")
    folder = given.folder / FILES
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{rows[0]['source_file_id']}{path.suffix.lower()}"
        if not kept.exists():
            part = kept.with_suffix(".part")
            shutil.copyfile(path, part)
            part.replace(kept)
    source = source_name(product, contract)
    old = [row for row in given.rows(source) if row["source_code"] == list_code]
    if [_content(row) for row in old] != [_content(row) for row in rows]:
        given.write_rows(source, list_code, rows)
    return done


def _read(
    product: Product,
    contract: Contract,
    path: Path,
    layout_code: str,
    list_code: str,
    sheet: str,
    now: datetime,
    columns: Path | None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if not LIST_CODE.fullmatch(list_code):
        raise SourceError(
            f"'{list_code}' cannot be the name of a list.", hint="Use lower-case letters, digits and '_'."
        )
    titles = fields_of(contract)
    lookups = product.lookups if columns is None else {f"{PREFIX}{layout_code}": columns}
    layout = read_layout(lookups, layout_code, list(titles))
    table = open_table(path, sheet=sheet)
    unknown = unknown_columns(layout, table.header)
    digest = _digest(path)
    rows, problems, count, total = list[dict[str, Any]](), list[RowProblem](), 0, 0
    for row in mapped_rows(table, layout):
        total += 1
        for message, is_error in [*((text, True) for text in row.errors), *((text, False) for text in row.remarks)]:
            count += 1
            if len(problems) < SHOWN:
                problems.append(RowProblem(row.number, message, is_error))
        if row.values:
            rows.append(_booked(row, list_code, layout_code, digest, now))
    found = {
        "file": path.name,
        "layout": layout_code,
        "list_code": list_code,
        "header": table.header,
        "unknown": unknown,
        "missing": missing_columns(layout, table.header),
        "remarks": table.remarks,
        "rows": total,
        "usable": len(rows),
        "suggestions": suggest(unknown, titles, layouts_of(product.lookups, list(titles))) if unknown else (),
        "problems": tuple(problems),
        "problem_count": count,
    }
    return rows, found


def _booked(row: MappedRow, list_code: str, layout_code: str, digest: str, now: datetime) -> dict[str, Any]:
    return {
        **row.values,
        "source_code": list_code,
        "layout_code": layout_code,
        "source_file_id": digest,
        "source_line": row.number,
        "source_row": as_json(row.raw),
        "retrieved_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _content(row: Mapping[str, Any]) -> str:
    """What of a row counts when two imports are compared."""
    left_out = {"retrieved_at", "source_file_id", "source_line"}
    return json.dumps({name: value for name, value in row.items() if name not in left_out}, sort_keys=True)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _held(
    workspace: Workspace, contract: Contract, product: Product, rows: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """How many rows the contract would hold back, by check: the same code that a run uses, in a folder that goes again."""
    if not rows:
        return {}
    with tempfile.TemporaryDirectory(prefix="civicops-") as name:
        folder = Path(name)
        (folder / "rows.ndjson").write_text("".join(_lines(rows)), encoding="utf-8")
        source = FileSource("preview", contract.dataset, folder / "rows.ndjson")
        landing = Landing(folder / "landing")
        fetched = fetch_files(source, landing, product.name, progress=NoProgress())
        con = engine(workspace, folder / "tmp")
        try:
            raw = raw_rows(con, landing, product.name, source.name, fetched.live, contract)
            keys = [(item.landed.sha256, item.sequence) for item in place(fetched.live)]
            store = BatchStore(folder / "accepted", folder / "quarantine", product.name)
            batch = store.check(
                con,
                contract,
                RawBatch(source.name, tuple(keys), raw.select_sql, raw.source_fields, raw.rejects_sql, raw.rows_landed),
                product.lookup_values(contract),
                "preview",
            )
            if not batch.quarantined:
                return {}
            held = con.execute(f"SELECT unnest(_checks) FROM {parquet([store.held(batch)])}").fetchall()
            return dict(Counter(str(check) for (check,) in held))
        finally:
            con.close()


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
