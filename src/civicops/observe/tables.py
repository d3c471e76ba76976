"""The tables of observation, and the database they lie in.

Belongs here: tables, and opening the database that the portal uses as well (`app.sqlite3`, or what `DATABASE_URL` names). Does
not belong here: what is written into them (`incidents`, `delivery`).

`observe_event` and `observe_attempt` are append-only; the other tables say how things are now. Moments are texts in UTC, ISO with
microseconds, so that both databases sort and show them alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from civicops.errors import CivicopsError
from civicops.workspace import Workspace

METADATA = sa.MetaData()

INCIDENT = sa.Table(
    "observe_incident",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("product", sa.String(100), nullable=False),
    sa.Column("cause", sa.String(300), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("since", sa.String(40), nullable=False),
    sa.Column("opened_at", sa.String(40), nullable=False),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.Column("quiet_since", sa.String(40)),
    sa.Column("resolved_at", sa.String(40)),
    sa.Column("resolved_by", sa.String(150)),
    sa.Column("acknowledged_by", sa.String(150)),
    sa.Column("reopened_count", sa.Integer, nullable=False, default=0),
    sa.Column("runbook", sa.Text, nullable=False, default=""),
    sa.Index("observe_incident_product", "product", "state"),
    # One cause, one incident: two processes that notice the same at once cannot open two.
    sa.Index(
        "observe_incident_one_open",
        "product",
        "cause",
        unique=True,
        sqlite_where=sa.text("state <> 'resolved'"),
        postgresql_where=sa.text("state <> 'resolved'"),
    ),
)
"""The current view of every incident."""

SIGNAL = sa.Table(
    "observe_signal",
    METADATA,
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), primary_key=True),
    sa.Column("monitor_id", sa.String(100), primary_key=True),
    sa.Column("subject", sa.String(300), primary_key=True),
    sa.Column("is_firing", sa.Boolean, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("is_personal", sa.Boolean, nullable=False),
    sa.Column("since", sa.String(40)),
    sa.Column("values", sa.JSON, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("runbook", sa.Text, nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
"""What each monitor of an incident said last."""

EVENT = sa.Table(
    "observe_event",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), nullable=False, index=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("who", sa.String(150), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
"""Everything that ever happened to an incident; append-only."""

WINDOW = sa.Table(
    "observe_maintenance",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("scope", sa.String(300), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.String(150), nullable=False),
    sa.Column("starts_at", sa.String(40), nullable=False),
    sa.Column("ends_at", sa.String(40), nullable=False),
)
"""Announced work: incidents within its scope are kept but nobody is alerted until it ends."""

ATTEMPT = sa.Table(
    "observe_attempt",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("incident_id", sa.ForeignKey("observe_incident.id"), index=True),
    sa.Column("route", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("event_id", sa.Integer),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("is_delivered", sa.Boolean, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
)
"""Every try to tell somebody; append-only."""

EVALUATED = sa.Table(
    "observe_evaluated",
    METADATA,
    sa.Column("product", sa.String(100), primary_key=True),
    sa.Column("run_id", sa.String(200), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
"""Up to which run the data of each product have been looked at."""

_APPEND_ONLY = (EVENT, ATTEMPT)


def stamp(moment: datetime) -> str:
    """A moment as the tables hold it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The reverse of `stamp`."""
    return datetime.fromisoformat(text)


def database_url(workspace: Workspace) -> str:
    """SQLAlchemy's address of the workspace's database."""
    named = os.environ.get("DATABASE_URL", "")
    if named:
        for short in ("postgres://", "postgresql://"):
            if named.startswith(short):
                return "postgresql+psycopg://" + named.removeprefix(short)
        if named.startswith("sqlite:"):
            return named
        raise CivicopsError(
            "DATABASE_URL cannot be read.", hint="It looks like postgres://USER:PASSWORD@HOST:5432/NAME."
        )
    workspace.data.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{workspace.data / 'app.sqlite3'}"


def open_database(workspace: Workspace) -> Database:
    """The database with its tables made; one per address and process. Raises `CivicopsError` when it cannot be used."""
    return _open(database_url(workspace))


class Database:
    """Transactions on the database of a workspace."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as con:
            yield con

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes: all of it or nothing. Writers wait for each other."""
        with self.engine.connect().execution_options(writes=True) as con, con.begin():
            yield con


@lru_cache(maxsize=8)
def _open(url: str) -> Database:
    # SQLite without a pool: a connection must not be carried into a forked process.
    is_sqlite = url.startswith("sqlite:")
    options: dict[str, Any] = (
        {"connect_args": {"timeout": 20}, "poolclass": sa.NullPool} if is_sqlite else {"pool_pre_ping": True}
    )
    engine = sa.create_engine(url, hide_parameters=True, **options)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine)
    try:
        with database.writing() as con:
            METADATA.create_all(con)
            if is_sqlite:
                _forbid_changes(con)
    except sa.exc.OperationalError as error:
        # SQLAlchemy's own text repeats the address, and with it the password.
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "no reason given"
        raise CivicopsError(
            f"The database cannot be used: {reason}.", hint="Look at DATABASE_URL, or at the free space of the disk."
        ) from None
    return database


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN below, so that a writer takes the lock at once
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(con: sa.Connection) -> None:
    con.exec_driver_sql("BEGIN IMMEDIATE" if con.get_execution_options().get("writes") else "BEGIN")


def _forbid_changes(con: sa.Connection) -> None:
    for table in _APPEND_ONLY:
        for what in ("UPDATE", "DELETE"):
            con.exec_driver_sql(
                f"CREATE TRIGGER IF NOT EXISTS {table.name}_no_{what.lower()} BEFORE {what} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
            )
