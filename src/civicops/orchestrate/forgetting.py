"""Overwriting a person's texts in what people and monitors wrote down: tasks, decisions, incidents, the log's personal parts.

Belongs here: which tables and columns hold words about records, and putting a mark in the place of a text. Does not belong here:
what is to be forgotten and the proof (`erasing`), how a text may be spelt (`civicops.govern.searching`).

Tasks and decisions stay, with their hashes, times and choices; only the words go. The log itself holds none: what is personal of
its entries lies apart, and goes as `civicops audit erase` makes it go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from civicops.audit import open_log
from civicops.audit.tables import PERSONAL
from civicops.database import Database
from civicops.govern.searching import spellings
from civicops.observe import tables as observed
from civicops.review import tables as reviewed
from civicops.workspace import Workspace

NAMES = ("subject", "record")
"""Short columns that may hold a record's key. Other short ones hold codes, hashes, moments and accounts."""


def forget(workspace: Workspace, texts: Sequence[str], *, mark: str, who: str) -> dict[str, int]:
    """Put `mark` in the place of each text, however it is spelt; table to rows that were changed, without those that held none.

    Raises `CivicopsError` when the database cannot be used.
    """
    # The longest first, as a shorter one may be a part of it.
    wanted = [one.pattern for one in sorted(spellings(texts), key=lambda one: -len(one.text))]
    if not wanted:
        return {}
    changed: dict[str, int] = {}
    for database, metadata in (
        (reviewed.open_tables(workspace), reviewed.METADATA),
        (observed.open_database(workspace), observed.METADATA),
    ):
        tables = [table for table in metadata.sorted_tables if _worded(table)]
        # Looked at first without keeping anybody waiting: mostly there is nothing.
        with database.reading() as con:
            held = [table for table in tables if next(_rows(con, table, wanted, mark), None)]
        changed |= _overwrite(database, held, wanted, mark)
    log = open_log(workspace)
    log.catch_up()
    with log.database.reading() as con:
        rows = con.execute(sa.select(PERSONAL.c.entry_index, PERSONAL.c.value)).all()
    entries = sorted({row.entry_index for row in rows if any(pattern.search(row.value) for pattern in wanted)})
    for entry in entries:
        log.erase(reason=mark, who=who, index=entry)
    return changed | ({PERSONAL.name: len(entries)} if entries else {})


def _overwrite(
    database: Database, tables: Sequence[sa.Table], wanted: Sequence[re.Pattern[str]], mark: str
) -> dict[str, int]:
    if not tables:
        return {}
    changed = {}
    with database.amending(tables) as con:
        for table in tables:
            found = list(_rows(con, table, wanted, mark))
            for key, values in found:
                same = [column == value for column, value in zip(table.primary_key, key, strict=True)]
                con.execute(sa.update(table).where(*same).values(**values))
            changed[table.name] = len(found)
    return changed


def _worded(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, sa.Text | sa.JSON) or column.name in NAMES]


def _rows(
    con: sa.Connection, table: sa.Table, wanted: Sequence[re.Pattern[str]], mark: str
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Keys of the rows that hold a text, each with its columns that change."""
    keys, worded = list(table.primary_key), _worded(table)
    for row in con.execute(sa.select(*keys, *worded)):
        before = dict(zip((column.name for column in worded), row[len(keys) :], strict=True))
        after = {name: _without(value, wanted, mark) for name, value in before.items()}
        if after != before:
            yield tuple(row[: len(keys)]), {name: value for name, value in after.items() if value != before[name]}


def _without(value: Any, wanted: Sequence[re.Pattern[str]], mark: str) -> Any:
    match value:
        case str():
            for pattern in wanted:
                value = pattern.sub(lambda _: mark, value)
            return value
        case dict():
            return {_without(name, wanted, mark): _without(item, wanted, mark) for name, item in value.items()}
        case list():
            return [_without(item, wanted, mark) for item in value]
        case int() | float() if not isinstance(value, bool) and any(
            pattern.fullmatch(str(value)) for pattern in wanted
        ):
            return mark
        case _:
            return value
