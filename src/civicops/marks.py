"""What people tick off on pages of products: each tick and each undoing is a row that is appended and never changed.

Belongs here: the table, adding to it, and what holds now. Does not belong here: who may tick (`portal.access`),
what a tick means (the product that reads it as a source, `civicops.ingest.marks`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from civicops import database
from civicops.database import Database, moment, stamp
from civicops.workspace import Workspace

METADATA = sa.MetaData()
MARK = sa.Table(
    "marks_mark",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("product", sa.String(100), nullable=False),
    sa.Column("dataset", sa.String(100), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("version", sa.String(100), nullable=False),
    sa.Column("is_set", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("who", sa.String(150), nullable=False),
    sa.Index("marks_mark_dataset", "product", "dataset"),
)
"""Ticks; append-only. `key` is that of the row (`key_text`), `version` the release in which the person saw it."""
NOTE_LENGTH = 500


@dataclass(frozen=True)
class Mark:
    """One tick (`is_set`) or its undoing."""

    at: datetime
    product: str
    dataset: str
    key: str
    version: str
    is_set: bool
    note: str
    who: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the key, as text."""
        return tuple(json.loads(self.key))


def open_marks(workspace: Workspace) -> Database:
    """The workspace's database with the table of ticks. Raises `CivicopsError` when it cannot be used."""
    return database.open_database(workspace, METADATA, append_only=(MARK,))


def key_text(values: Iterable[Any]) -> str:
    """The key of a row as one text: a JSON list of texts, moments in UTC to the second."""
    return json.dumps([_text(value) for value in values], ensure_ascii=False)


def add_mark(db: Database, mark: Mark) -> None:
    """Append a tick or its undoing."""
    row = {name: getattr(mark, name) for name in ("product", "dataset", "key", "version", "is_set", "note", "who")}
    with db.writing() as con:
        con.execute(sa.insert(MARK).values(at=stamp(mark.at), **row))


def current_marks(db: Database, product: str, dataset: str) -> dict[str, Mark]:
    """The ticks that hold now, by key: of each row the newest, unless it was undone."""
    query = sa.select(MARK).where(MARK.c.product == product, MARK.c.dataset == dataset).order_by(MARK.c.id)
    with db.reading() as con:
        newest = {str(row.key): _mark(row) for row in con.execute(query).all()}
    return {key: mark for key, mark in newest.items() if mark.is_set}


def _mark(row: Any) -> Mark:
    return Mark(moment(row.at), row.product, row.dataset, row.key, row.version, bool(row.is_set), row.note, row.who)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)
