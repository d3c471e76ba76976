"""Lists of incidents, for the command line, the portal and messages.

Belongs here: reading incidents with all that belongs to them, and maintenance windows. Does not belong here: changing incidents
(`incidents`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from civicops import audit
from civicops.audit import outbox
from civicops.observe.incidents import IncidentError
from civicops.observe.tables import ATTEMPT, EVENT, INCIDENT, SIGNAL, WINDOW, Database, moment, stamp
from civicops.workspace import Workspace


@dataclass(frozen=True)
class Said:
    """What one monitor said last, as an incident keeps it."""

    monitor_id: str
    subject: str
    is_firing: bool
    severity: str
    title: str
    detail: str
    is_personal: bool
    values: Mapping[str, Any]
    evidence: Mapping[str, Any]
    runbook: str


@dataclass(frozen=True)
class Event:
    """Something that happened to an incident."""

    id: int
    at: datetime
    kind: str
    who: str
    text: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One try to tell somebody."""

    at: datetime
    route: str
    kind: str
    is_delivered: bool
    error: str


@dataclass(frozen=True)
class Incident:
    """An incident as it is now. Moments are in UTC."""

    id: int
    product: str
    cause: str
    subject: str
    title: str
    severity: str
    state: str
    since: datetime
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    acknowledged_by: str | None
    reopened_count: int
    runbook: str
    signals: tuple[Said, ...] = ()
    affected: tuple[str, ...] = ()
    """Datasets, and products downstream, that suffer from it."""
    maintenance: str = ""
    """The reason of the announced work it falls into, if any."""

    @property
    def is_over(self) -> bool:
        return self.state == "resolved"

    def details(self, *, people: bool) -> tuple[str, ...]:
        """What the monitors that fire say; without `people` what may name somebody is left out."""
        mine = [said for said in self.signals if said.is_firing] or list(self.signals)
        shown = [said.detail for said in mine if said.detail and (people or not said.is_personal)]
        hidden = any(said.is_personal and said.detail for said in mine) and not people
        return (*shown, *(["Who did it is not shown here."] if hidden else []))


@dataclass(frozen=True)
class Window:
    """Announced work on a product or a dataset (`product.dataset`)."""

    id: int
    scope: str
    reason: str
    who: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, subject: str, product: str, at: datetime) -> bool:
        """Whether a subject of a product falls into it at a moment."""
        return self.starts_at <= at < self.ends_at and self.scope in (subject, product, "all")


def incidents(
    database: Database,
    workspace: Workspace,
    now: datetime,
    *,
    every: bool = False,
    product: str | None = None,
    limit: int = 200,
) -> tuple[Incident, ...]:
    """Incidents that are not resolved, the worst and oldest first; with `every` resolved ones too, newest first."""
    query = sa.select(INCIDENT)
    if not every:
        query = query.where(INCIDENT.c.state != "resolved")
    if product is not None:
        query = query.where(INCIDENT.c.product == product)
    with database.reading() as con:
        rows = con.execute(query.order_by(INCIDENT.c.id.desc()).limit(limit)).all()
        said = _said(con, [row.id for row in rows])
        windows = _windows(con, now)
    down = downstream(workspace)
    found = [_incident(row, said.get(row.id, ()), down, windows, now) for row in rows]
    if not every:
        order = {"critical": 0, "warning": 1, "info": 2}
        found.sort(key=lambda item: (order[item.severity], item.since))
    return tuple(found)


def incident(database: Database, workspace: Workspace, number: int, now: datetime) -> Incident:
    """One incident. Raises `IncidentError` when there is none of that number."""
    with database.reading() as con:
        row = con.execute(sa.select(INCIDENT).where(INCIDENT.c.id == number)).first()
        if row is None:
            raise IncidentError(
                f"There is no incident {number}.", hint="`civicops incidents list --all` shows every one."
            )
        return _incident(row, _said(con, [number]).get(number, ()), downstream(workspace), _windows(con, now), now)


def events(database: Database, number: int) -> tuple[Event, ...]:
    """All that happened to an incident, oldest first."""
    with database.reading() as con:
        rows = con.execute(sa.select(EVENT).where(EVENT.c.incident_id == number).order_by(EVENT.c.id)).all()
    return tuple(Event(row.id, moment(row.at), row.kind, row.who, row.text, row.content) for row in rows)


def attempts(database: Database, number: int | None = None, limit: int = 100) -> tuple[Attempt, ...]:
    """Tries to tell somebody, newest first; of one incident if named."""
    query = sa.select(ATTEMPT).order_by(ATTEMPT.c.id.desc()).limit(limit)
    if number is not None:
        query = query.where(ATTEMPT.c.incident_id == number)
    with database.reading() as con:
        rows = con.execute(query).all()
    return tuple(Attempt(moment(row.at), row.route, row.kind, row.is_delivered, row.error) for row in rows)


def windows(database: Database, now: datetime) -> tuple[Window, ...]:
    """Announced work that goes on or is to come."""
    with database.reading() as con:
        return _windows(con, now)


def announce(
    database: Database, *, scope: str, reason: str, who: str, starts_at: datetime, ends_at: datetime
) -> Window:
    """Announce work: until it ends nobody is alerted of what happens to `scope`. Raises `IncidentError` without a reason."""
    if not reason.strip():
        raise IncidentError("Say what the work is.", hint="Others read it beside the incidents that it explains.")
    if ends_at <= starts_at:
        raise IncidentError("Work ends after it begins.", hint="Give the hours it takes.")
    values = {"scope": scope, "reason": reason, "who": who, "starts_at": stamp(starts_at), "ends_at": stamp(ends_at)}
    with database.writing() as con:
        done = con.execute(sa.insert(WINDOW).values(**values)).inserted_primary_key
        assert done is not None  # noqa: S101 - the table has a key of its own
        content = {"action": "announced", "scope": scope, "starts_at": stamp(starts_at), "ends_at": stamp(ends_at)}
        outbox.put(con, audit.Event("incident.action", who, f"maintenance/{done[0]}", content, {"reason": reason}))
        return Window(int(done[0]), scope, reason, who, starts_at, ends_at)


def end_window(database: Database, number: int, now: datetime, who: str = "civicops") -> None:
    """End announced work now. Raises `IncidentError` when it is over or does not exist."""
    with database.writing() as con:
        query = sa.update(WINDOW).where(WINDOW.c.id == number, WINDOW.c.ends_at > stamp(now)).values(ends_at=stamp(now))
        if not con.execute(query).rowcount:
            raise IncidentError(f"No work {number} goes on.", hint="`civicops maintenance list` shows what does.")
        outbox.put(con, audit.Event("incident.action", who, f"maintenance/{number}", {"action": "ended"}))


def downstream(workspace: Workspace) -> Mapping[str, tuple[str, ...]]:
    """Product or `product.dataset` to the products that read it, directly or through others."""
    reads: dict[str, set[str]] = {}
    for product in workspace.products:
        for name in product.file.reads:
            reads.setdefault(name.partition(".")[0], set()).add(product.name)
            reads.setdefault(name, set()).add(product.name)
    return {name: tuple(sorted(_closure(reads, name) - {name})) for name in reads}


def upstream(workspace: Workspace, product: str) -> tuple[str, ...]:
    """The products that a product reads, directly or through others."""
    reads = {item.name: {name.partition(".")[0] for name in item.file.reads} for item in workspace.products}
    return tuple(sorted(_closure(reads, product) - {product}))


def _closure(reads: Mapping[str, set[str]], name: str) -> set[str]:
    found: set[str] = set()
    wanted = [name]
    while wanted:
        for below in reads.get(wanted.pop(), ()):
            if below not in found:
                found.add(below)
                wanted.append(below)
    return found


def _incident(
    row: Any, said: tuple[Said, ...], down: Mapping[str, tuple[str, ...]], known: tuple[Window, ...], now: datetime
) -> Incident:
    subjects = sorted({item.subject for item in said if "." in item.subject})
    affected = dict.fromkeys([*subjects, *(name for key in (*subjects, row.product) for name in down.get(key, ()))])
    reason = next((w.reason for w in known if w.covers(row.subject, row.product, now)), "")
    return Incident(
        row.id, row.product, row.cause, row.subject, row.title, row.severity, row.state, moment(row.since),
        moment(row.opened_at), moment(row.changed_at), moment(row.resolved_at) if row.resolved_at else None,
        row.resolved_by, row.acknowledged_by, row.reopened_count, row.runbook, said, tuple(affected), reason,
    )  # fmt: skip


def _said(con: sa.Connection, numbers: list[int]) -> dict[int, tuple[Said, ...]]:
    found: dict[int, list[Said]] = {}
    query = sa.select(SIGNAL).where(SIGNAL.c.incident_id.in_(numbers)).order_by(SIGNAL.c.monitor_id, SIGNAL.c.subject)
    for row in con.execute(query).all():
        found.setdefault(row.incident_id, []).append(Said(
            row.monitor_id, row.subject, row.is_firing, row.severity, row.title, row.detail, row.is_personal,
            row._mapping["values"], row.evidence, row.runbook,
        ))  # fmt: skip
    return {number: tuple(items) for number, items in found.items()}


def _windows(con: sa.Connection, now: datetime) -> tuple[Window, ...]:
    rows = con.execute(sa.select(WINDOW).where(WINDOW.c.ends_at > stamp(now)).order_by(WINDOW.c.starts_at)).all()
    return tuple(
        Window(row.id, row.scope, row.reason, row.who, moment(row.starts_at), moment(row.ends_at)) for row in rows
    )
