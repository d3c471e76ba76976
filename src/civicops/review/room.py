"""The door to review: a workspace's tasks with the kinds and the database they live in.

Belongs here: opening, transactions, reading rows of one task. Does not belong here: what is done to tasks (`filing`, `taking`,
`deciding`, `asking`).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from civicops.audit import Event, open_log
from civicops.audit.outbox import put
from civicops.contracts.problems import nearest
from civicops.database import Database, moment, stamp
from civicops.errors import CivicopsError
from civicops.review.kinds import Kind, KindError, all_kinds
from civicops.review.people import ITSELF
from civicops.review.rules import Settled, settle
from civicops.review.tables import DECISION, EVENT, LANDED, SECRET, TASK, VERSION, open_tables
from civicops.review.values import Decision, NoTaskError
from civicops.workspace import Workspace

_log = logging.getLogger("civicops.review")
_POSTED = "civicops.review.posted"
_TOLD = ("assigned", "reopened", "snoozed", "woken", "contact")
"""Events the audit log hears of when a person did it, besides all decisions. What a pipeline files, it hears in one sum."""


@dataclass(frozen=True)
class Review:
    """Review in one workspace. Holds no state of its own; several processes may use it at once."""

    workspace: Workspace
    database: Database
    kinds: Mapping[str, Kind]
    """Every kind by its id, `product.kind`."""
    secret: bytes = field(repr=False)
    """What draws samples and signs links; never shown."""

    def kind(self, name: str) -> Kind:
        """One kind by its id. Raises `KindError` that names the nearest one."""
        if name not in self.kinds:
            raise KindError(f"There is no kind of task '{name}'.", hint=f"{nearest(name, self.kinds)}.")
        return self.kinds[name]

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self.database.reading() as con:
            yield con

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that writes: all of it or nothing.

        What it tells the audit log is part of it; should the process die before the log has it, the next one that is told, or
        `flush`, brings it there.
        """
        with self.database.writing() as con:
            con.info.pop(_POSTED, None)
            yield con
            posted = bool(con.info.pop(_POSTED, False))
        if posted:
            self.flush()

    def flush(self) -> None:
        """Bring to the audit log what waits for it. Never raises: what cannot be logged now goes on waiting, and it is said."""
        try:
            open_log(self.workspace).flush()
        except (CivicopsError, OSError) as error:
            _log.error("The audit log could not be written: %s. What was done is kept and waits.", error)

    def draw(self, purpose: str, *parts: object) -> float:
        """A number from 0 to 1 that is the same every time and that nobody without the secret can foresee."""
        text = "\0".join([purpose, *map(str, parts)]).encode()
        digest = hmac.new(self.secret, text, hashlib.sha256).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


def open_review(workspace: Workspace, kinds: Mapping[str, Kind] | None = None) -> Review:
    """Review in a workspace. `kinds` saves reading them again. Raises `CivicopsError` for a database that cannot be used,
    `ContractFileError` for faults in the files of kinds."""
    database = open_tables(workspace)
    open_log(workspace)  # its outbox is written in the transactions of this room
    return Review(workspace, database, all_kinds(workspace) if kinds is None else kinds, _secret(database))


def _secret(database: Database) -> bytes:
    """The workspace's secret, made by whoever needs it first."""
    query = sa.select(SECRET.c.value).where(SECRET.c.name == "review")
    with database.reading() as con:
        found: str | None = con.execute(query).scalar()
    if found is None:
        once = sa.text("INSERT INTO review_secret (name, value) VALUES ('review', :value) ON CONFLICT DO NOTHING")
        with database.writing() as con:
            con.execute(once, {"value": secrets.token_hex(32)})  # another process may have been first
            found = con.execute(query).scalar_one()
    return bytes.fromhex(found)


def tell(
    con: sa.Connection,
    kind: Literal["decision", "task", "policy", "suggestion"],
    who: str,
    subject: str,
    now: datetime,
    *,
    key: str,
    content: Mapping[str, Any],
    personal: Mapping[str, str] | None = None,
    about: str = "",
) -> None:
    """Tell the audit log, as part of the transaction. `content` holds no personal data, `personal` may (it can be erased)."""
    kept = {name: text for name, text in (personal or {}).items() if text}
    put(con, Event(kind, who, subject, dict(content), kept, about=about, key=key, happened_at=now))
    con.info[_POSTED] = True


def now_utc() -> datetime:
    """This moment; every function that needs one takes it as `now`, so that a test can replay a year."""
    return datetime.now(UTC)


def row_of(con: sa.Connection, task_id: int, *, lock: bool = False) -> Any:
    """The row of a task; with `lock` nobody else changes it until the transaction ends. Raises `ReviewError`."""
    query = sa.select(TASK).where(TASK.c.id == task_id)
    row = con.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NoTaskError(f"There is no task {task_id}.", hint="`civicops review list` shows what there is.")
    return row


def log_of(con: sa.Connection, task_id: int, round_: int | None = None) -> tuple[Decision, ...]:
    """The decisions of a task, of one round if given, in their order."""
    query = sa.select(DECISION).where(DECISION.c.task_id == task_id).order_by(DECISION.c.id)
    if round_ is not None:
        query = query.where(DECISION.c.round == round_)
    return tuple(decision_of(row) for row in con.execute(query))


def decision_of(row: Any) -> Decision:
    """A row of the log as its value."""
    return Decision(
        row.id, row.task_id, row.round, row.stage, row.outcome, row.who, moment(row.at), row.value, row.reason, row.seconds,
        row.content_hash, row.seen_hash, row.undoes,
    )  # fmt: skip


def version_of(con: sa.Connection, version_id: int) -> Any:
    """The row of one version of a task."""
    return con.execute(sa.select(VERSION).where(VERSION.c.id == version_id)).one()


def next_round(con: sa.Connection, row: Any) -> int:
    """The number of a round that the task has never had."""
    used: list[int] = [
        con.execute(sa.select(sa.func.max(table.c.round)).where(table.c.task_id == row.id)).scalar() or 0
        for table in (VERSION, DECISION)
    ]
    return max(int(row.round), *used) + 1


def taken_up(con: sa.Connection, kind: str) -> int:
    """Up to which decision of a kind runs have taken them up; locked until the transaction ends."""
    once = sa.text("INSERT INTO review_landed (kind, decision_id, at) VALUES (:kind, 0, '') ON CONFLICT DO NOTHING")
    con.execute(once, {"kind": kind})
    query = sa.select(LANDED.c.decision_id).where(LANDED.c.kind == kind).with_for_update()
    return int(con.execute(query).scalar_one())


def note(con: sa.Connection, task_id: int, kind: str, who: str, now: datetime, text: str = "", **content: Any) -> int:
    """Write an event of a task; gives its number."""
    number = key_of(
        con.execute(
            sa.insert(EVENT).values(task_id=task_id, kind=kind, who=who, at=stamp(now), text=text, content=content)
        )
    )
    if kind in _TOLD and who != ITSELF:
        said = {"event": kind, "event_id": number, "task_id": task_id}
        about = str(content.get("to") or "") if kind == "assigned" else ""
        tell(con, "task", who, f"review/task/{task_id}", now, key=f"review/event/{number}", content=said,
             personal={"text": text}, about=about)  # fmt: skip
    return number


def key_of(inserted: sa.CursorResult[Any]) -> int:
    """The number the database gave a new row."""
    row = inserted.inserted_primary_key
    assert row is not None  # noqa: S101 - every table that is asked has a key of its own
    return int(row[0])


def settle_row(con: sa.Connection, kind: Kind, row: Any, now: datetime) -> Settled:
    """Bring the row of a task in line with the log of its round; gives what that came to."""
    found = settle(kind.file, row.needed, log_of(con, row.id, row.round))
    values: dict[str, Any] = {"state": found.state, "left": found.left, "changed_at": stamp(now)}
    if found.state == "decided" and found.effective is not None:
        values |= {
            "decision_id": found.effective.id,
            "decided_at": stamp(now),
            "assigned_to": None,
            "escalated_to": None,
        }
    elif found.state == "disputed" and row.state != "disputed":
        values |= {"escalated_to": kind.file.escalation.to, "assigned_to": None}
    elif found.state == "submitted":
        values |= {"assigned_to": None}
    if found.returned_to is not None:
        values["assigned_to"] = found.returned_to
    con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(**values))
    return found
