"""The operational database of a workspace: what people do, as against the data they do it to.

Belongs here: where it is (`app.sqlite3`, or what `DATABASE_URL` names; the portal's accounts lie in the same one), transactions,
and tables whose rows cannot be changed. Does not belong here: tables; each room that keeps something in it has its own.

Moments are texts in UTC, ISO with microseconds, so that SQLite and PostgreSQL sort and show them alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from civicops.errors import CivicopsError
from civicops.workspace import Workspace


def stamp(moment: datetime) -> str:
    """A moment as the tables hold it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The reverse of `stamp`."""
    return datetime.fromisoformat(text)


def named_database(workspace: Workspace) -> str:
    """What `DATABASE_URL` names, or nothing: a preview has a database of its own, whatever the environment says."""
    return "" if workspace.settings.workspace.preview else os.environ.get("DATABASE_URL", "")


def database_url(workspace: Workspace) -> str:
    """SQLAlchemy's address of the workspace's database."""
    named = named_database(workspace)
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


def open_database(
    workspace: Workspace,
    metadata: sa.MetaData,
    *,
    append_only: tuple[sa.Table, ...] = (),
    write_once: tuple[sa.Table, ...] = (),
) -> Database:
    """The workspace's database with the tables of `metadata` made; made once per process.

    Rows of the tables in `append_only` can be added and never changed or removed, rows of those in `write_once` never changed:
    triggers of the database itself refuse it. Raises `CivicopsError` when the database cannot be used.
    """
    return _open(database_url(workspace), metadata, append_only, write_once)


class Database:
    """Transactions on the database of a workspace."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as con:
            yield con

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the file `app.sqlite3`."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        """A transaction that writes: all of it or nothing. Writers wait for each other.

        `durable`: once it ends well it outlives a power cut (PostgreSQL's always do), and what is deleted is overwritten.
        """
        with self.engine.connect().execution_options(writes=True) as con:
            raw = con.connection.driver_connection
            if durable and self.is_sqlite and raw is not None:
                raw.execute("PRAGMA synchronous = FULL")
                raw.execute("PRAGMA secure_delete = ON")
            with con.begin():
                yield con

    @contextmanager
    def amending(self, tables: Iterable[sa.Table]) -> Iterator[sa.Connection]:
        """A durable transaction in which rows of append-only tables may be changed: for what must go by law, and nothing else.

        Other writers wait. The rules stand again when it ends; when it fails nothing has changed.
        """
        names = [table.name for table in tables]
        with self.writing(durable=True) as con:
            if self.is_sqlite:
                listed = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN :names")
                rules = con.execute(listed.bindparams(sa.bindparam("names", names, expanding=True))).all()
                for rule in rules:
                    con.exec_driver_sql(f"DROP TRIGGER {rule.name}")
                yield con
                for rule in rules:
                    con.exec_driver_sql(rule.sql)
            else:
                for name in names:
                    con.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
                yield con
                for name in names:
                    con.exec_driver_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")
        self.empty_journal()

    def empty_journal(self) -> None:
        """Leave no copy of what was changed or deleted in SQLite's journal; a server's is its own affair."""
        if self.is_sqlite:
            raw = self.engine.raw_connection()
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.close()


@lru_cache(maxsize=8)
def _open(
    url: str, metadata: sa.MetaData, append_only: tuple[sa.Table, ...], write_once: tuple[sa.Table, ...]
) -> Database:
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
            if not is_sqlite:  # two processes that start at once must not both make the same table
                con.execute(sa.text("SELECT pg_advisory_xact_lock(720113)"))
            metadata.create_all(con)
            for table in append_only:
                _forbid(con, table.name, ("UPDATE", "DELETE", "TRUNCATE"), "append-only", is_sqlite=is_sqlite)
            for table in write_once:
                _forbid(con, table.name, ("UPDATE", "TRUNCATE"), "written once", is_sqlite=is_sqlite)
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


def _forbid(con: sa.Connection, table: str, actions: tuple[str, ...], words: str, *, is_sqlite: bool) -> None:
    if is_sqlite:
        for what in actions:
            if what != "TRUNCATE":  # SQLite has none
                con.exec_driver_sql(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{what.lower()} BEFORE {what} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is {words}'); END"
                )
        return
    con.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION civicops_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is ' || TG_ARGV[0]; END $$"
    )
    con.exec_driver_sql(
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE {' OR '.join(actions)} ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION civicops_refuse('{words}')"
    )
