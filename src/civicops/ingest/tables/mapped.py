"""A table's rows under the columns of a dataset, by its layout.

Belongs here: one row in, one row or its errors out; nothing is dropped, for the row as it came goes with it. Does not belong
here: what a value means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from civicops.ingest.tables.layout import Layout, key_of
from civicops.ingest.tables.read import Table

ID_FIELD = "source_id"


@dataclass(frozen=True)
class MappedRow:
    """One row: `values` by field when it can be used, else empty with `errors`; `raw` is the row as it came."""

    number: int
    values: Mapping[str, str]
    raw: Mapping[str, str]
    errors: tuple[str, ...]
    remarks: tuple[str, ...]


def mapped_rows(table: Table, layout: Layout) -> Iterator[MappedRow]:
    """Every row of the table. One without a number of its own gets a hash of its `identity` columns as `source_id`."""
    lines = [layout.columns.get(key_of(name)) for name in table.header]
    identity = [index for index, line in enumerate(lines) if line is not None and line.rule == "identity"]
    seen: dict[str, int] = {}
    for row in table.rows:
        raw = {name: cell for name, cell in zip(table.header, row.cells, strict=True) if cell.strip()}
        errors = list(row.errors)
        values: dict[str, str] = dict(layout.constants)
        for line, cell in zip(lines, row.cells, strict=True):
            text = cell.strip()
            if line is None or line.rule == "ignore" or not text:
                continue
            values[line.field] = f"{values[line.field]}; {text}" if line.field in values else text
        if ID_FIELD not in values:
            parts = [" ".join(row.cells[index].lower().split()) for index in identity]
            if any(parts):
                values[ID_FIELD] = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
            else:
                errors.append("Nothing in it says which place it is.")
        number = seen.setdefault(values.get(ID_FIELD, ""), row.number)
        if number != row.number and not errors:
            errors.append(f"It is the same place as row {number}.")
        yield MappedRow(row.number, {} if errors else values, raw, tuple(errors), row.remarks)


def as_json(raw: Mapping[str, str]) -> str:
    """The row as it came, as it is kept."""
    return json.dumps(raw, ensure_ascii=False, sort_keys=True)
