"""The tables of the audit log.

Belongs here: tables. Does not belong here: the log itself, which is files (`tiles`); what is written into the tables (`log`,
`personal`, `outbox`).

Only `audit_person` and `audit_personal` hold personal data, and only until it is erased; `audit_outbox` does for a moment.
"""

from __future__ import annotations

import sqlalchemy as sa

from civicops import database
from civicops.database import Database
from civicops.workspace import Workspace

METADATA = sa.MetaData()

ENTRY = sa.Table(
    "audit_entry",
    METADATA,
    sa.Column("entry_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf_hash", sa.String(64), nullable=False),
    sa.Column("at", sa.String(40), nullable=False, index=True),
    sa.Column("kind", sa.String(30), nullable=False, index=True),
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("actor", sa.String(50), nullable=False, index=True),
    sa.Column("about", sa.String(50), nullable=False),
    sa.Column("key", sa.Text, unique=True),
)
"""What is in the log, to find it fast and to have a second copy of every leaf hash; append-only. Made again from the files when
it is behind them."""

PERSON = sa.Table(
    "audit_person",
    METADATA,
    sa.Column("pseudonym", sa.String(50), primary_key=True),
    sa.Column("name", sa.String(150), nullable=False, unique=True),
    sa.Column("salt", sa.String(64), nullable=False),
)
"""Who a pseudonym is. Written once, and deleted when the person is erased."""

PERSONAL = sa.Table(
    "audit_personal",
    METADATA,
    sa.Column("entry_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("field", sa.String(60), primary_key=True),
    sa.Column("salt", sa.String(64), nullable=False),
    sa.Column("value", sa.Text, nullable=False),
)
"""The personal fields of entries. Written once, and deleted when they are erased."""

OUTBOX = sa.Table(
    "audit_outbox",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("event", sa.Text, nullable=False),
)
"""Events written in the transaction of what they are about, until the log has them."""


def open_database(workspace: Workspace) -> Database:
    """The workspace's database with the tables of the audit log in it. Raises `CivicopsError` when it cannot be used."""
    return database.open_database(workspace, METADATA, append_only=(ENTRY,), write_once=(PERSON, PERSONAL, OUTBOX))
