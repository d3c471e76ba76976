"""Incidents: opened by signals, joined by cause, acknowledged by people, closed with evidence.

Belongs here: what a set of signals does to the incidents of a product, and what people do to them. Does not belong here: tables
(`tables`), asking for lists (`asking`), telling people (`delivery`).

    open ------> acknowledged ----> resolved ----> reopened (what comes back soon is the same incident)
      \\________________________________^  by itself once nothing fires, with the evidence, or by a person who says why

Flapping is damped: what came back twice is resolved only after an hour of quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from civicops.audit import Event, outbox
from civicops.errors import CivicopsError
from civicops.observe.signals import SEVERITIES, Signal
from civicops.observe.tables import EVENT, INCIDENT, SIGNAL, Database, moment, stamp
from civicops.observe.watched import Learning

State = Literal["open", "acknowledged", "resolved", "reopened"]
ITSELF = "civicops"
"""Who acts when nobody does."""
QUIET_AFTER_FLAPPING = timedelta(hours=1)
_FLAPPING = 2
_UPSTREAM_CAUSES = ("runs", "late")
"""Causes that make everything downstream late as well."""


class IncidentError(CivicopsError):
    """There is no such incident, or it cannot be changed like that."""


@dataclass(frozen=True)
class Change:
    """One thing that happened to an incident just now."""

    incident_id: int
    kind: str
    """opened, joined, worse, affects, reopened, resolved, acknowledged, note."""
    event_id: int


@dataclass(frozen=True)
class Rules:
    """What decides between a new incident and an old one."""

    flapping: timedelta
    upstream: tuple[str, ...] = ()
    """Products whose releases this one reads, directly or not."""


def apply(
    database: Database,
    product: str,
    signals: Sequence[Signal],
    *,
    covers: Callable[[str], bool],
    now: datetime,
    rules: Rules,
) -> tuple[Change, ...]:
    """Bring the incidents of a product in line with what its monitors say now.

    `covers` says of a monitor id whether it was asked this time; what was not asked stays as it was.
    """
    causes: dict[str, list[Signal]] = {}
    for signal in signals:
        causes.setdefault(signal.cause, []).append(signal)
    changes: list[Change] = []
    with database.writing() as con:
        going = {row.cause: row for row in con.execute(_going(product)).all()}
        for cause in dict.fromkeys([*causes, *going]):
            mine = causes.get(cause, [])
            firing = [signal for signal in mine if signal.is_firing]
            if cause in going:
                changes += _update(con, going[cause], mine, covers, now)
            elif firing:
                changes += _open(con, product, cause, firing, now, rules)
    return tuple(changes)


def _going(product: str) -> sa.Select[Any]:
    return sa.select(INCIDENT).where(INCIDENT.c.product == product, INCIDENT.c.state != "resolved")


def _open(
    con: sa.Connection, product: str, cause: str, firing: Sequence[Signal], now: datetime, rules: Rules
) -> list[Change]:
    if cause in _UPSTREAM_CAUSES and (changes := _join_upstream(con, product, firing, now, rules)) is not None:
        return changes
    worst = _worst(firing)
    since = min((signal.since for signal in firing if signal.since), default=now)
    last = con.execute(
        sa.select(INCIDENT)
        .where(INCIDENT.c.product == product, INCIDENT.c.cause == cause, INCIDENT.c.resolved_at.is_not(None))
        .order_by(INCIDENT.c.id.desc())
        .limit(1)
    ).first()
    values = {"title": worst.title, "severity": worst.severity, "runbook": worst.runbook, "subject": worst.subject}
    if last is not None and now - moment(last.resolved_at) <= rules.flapping and last.resolved_by == ITSELF:
        con.execute(
            sa.update(INCIDENT).where(INCIDENT.c.id == last.id).values(
                **values, state="reopened", changed_at=stamp(now), resolved_at=None, resolved_by=None, quiet_since=None,
                acknowledged_by=None, reopened_count=last.reopened_count + 1,
            )
        )  # fmt: skip
        number, kind = int(last.id), "reopened"
    else:
        inserted = con.execute(
            sa.insert(INCIDENT).values(
                **values, product=product, cause=cause, state="open", since=stamp(since), opened_at=stamp(now),
                changed_at=stamp(now), reopened_count=0,
            )
        )  # fmt: skip
        number, kind = _key(inserted), "opened"
    for signal in firing:
        _save(con, number, signal, now)
    return [_event(con, number, kind, ITSELF, worst.title, now, content=_content(firing))]


def _join_upstream(
    con: sa.Connection, product: str, firing: Sequence[Signal], now: datetime, rules: Rules
) -> list[Change] | None:
    """What is late because its upstream is late is part of the upstream's incident; None when the upstream is well."""
    if not rules.upstream or any(signal.monitor_id == "run" for signal in firing):
        return None
    above = con.execute(
        sa.select(INCIDENT.c.id)
        .where(INCIDENT.c.product.in_(rules.upstream), INCIDENT.c.state != "resolved")
        .where(INCIDENT.c.cause.in_(_UPSTREAM_CAUSES))
        .order_by(INCIDENT.c.id)
    ).first()
    if above is None:
        return None
    known: Sequence[Mapping[str, Any]] = (
        con.execute(sa.select(EVENT.c.content).where(EVENT.c.incident_id == above.id, EVENT.c.kind == "affects"))
        .scalars()
        .all()
    )
    if any(content.get("product") == product for content in known):
        return []
    return [_event(con, above.id, "affects", ITSELF, _worst(firing).title, now, content={"product": product})]


def _update(
    con: sa.Connection, row: Any, signals: Sequence[Signal], covers: Callable[[str], bool], now: datetime
) -> list[Change]:
    before = {
        (item.monitor_id, item.subject): item
        for item in con.execute(sa.select(SIGNAL).where(SIGNAL.c.incident_id == row.id)).all()
    }
    said = {(signal.monitor_id, signal.subject): signal for signal in signals}
    changes: list[Change] = []
    for key, signal in said.items():
        old = before.get(key)
        if signal.is_firing and (old is None or not old.is_firing):
            changes.append(_event(con, row.id, "joined", ITSELF, signal.title, now, content=_content([signal])))
        if signal.is_firing or old is not None:
            _save(con, row.id, signal, now)
    still = [signal for signal in said.values() if signal.is_firing]
    silent = [item for key, item in before.items() if key not in said and item.is_firing]
    for item in silent:
        if covers(item.monitor_id):
            con.execute(
                sa.update(SIGNAL)
                .where(SIGNAL.c.incident_id == row.id, SIGNAL.c.monitor_id == item.monitor_id)
                .where(SIGNAL.c.subject == item.subject)
                .values(is_firing=False, at=stamp(now))
            )
    unasked = [item for item in silent if not covers(item.monitor_id)]
    if still or unasked:
        changes += _still_firing(con, row, still, unasked, now)
    else:
        changes += _quiet(con, row, signals, now)
    return changes


def _still_firing(
    con: sa.Connection, row: Any, still: Sequence[Signal], unasked: Sequence[Any], now: datetime
) -> list[Change]:
    """Title and severity follow the worst that fires; getting worse is an event of its own."""
    values: dict[str, Any] = {"quiet_since": None}
    changes: list[Change] = []
    ranks = [*(SEVERITIES.index(item.severity) for item in unasked)]
    if still:
        worst = _worst(still)
        if SEVERITIES.index(worst.severity) >= max(ranks, default=0):
            values |= {"title": worst.title, "severity": worst.severity, "runbook": worst.runbook}
            if SEVERITIES.index(worst.severity) > SEVERITIES.index(row.severity):
                changes.append(_event(con, row.id, "worse", ITSELF, worst.title, now, content=_content(still)))
                values["changed_at"] = stamp(now)
    con.execute(sa.update(INCIDENT).where(INCIDENT.c.id == row.id).values(**values))
    return changes


def _quiet(con: sa.Connection, row: Any, signals: Sequence[Signal], now: datetime) -> list[Change]:
    """Nothing fires any more: resolve, at once or, after flapping, once it has been quiet for long enough."""
    if row.reopened_count >= _FLAPPING:
        if row.quiet_since is None:
            con.execute(sa.update(INCIDENT).where(INCIDENT.c.id == row.id).values(quiet_since=stamp(now)))
            return []
        if now - moment(row.quiet_since) < QUIET_AFTER_FLAPPING:
            return []
    evidence = {f"{signal.monitor_id} {signal.subject}": dict(signal.evidence) for signal in signals}
    text = "; ".join(dict.fromkeys(signal.title for signal in signals)) or "The monitors no longer report it."
    _resolve(con, row.id, ITSELF, now)
    return [_event(con, row.id, "resolved", ITSELF, text, now, content={"evidence": evidence})]


def acknowledge(database: Database, number: int, who: str, note: str, now: datetime) -> Change:
    """Somebody takes care: repeats stop. Raises `IncidentError` for an incident that is resolved or does not exist."""
    with database.writing() as con:
        row = _must_be_going(con, number)
        con.execute(
            sa.update(INCIDENT)
            .where(INCIDENT.c.id == row.id)
            .values(state="acknowledged", acknowledged_by=who, changed_at=stamp(now))
        )
        _audit(con, number, "acknowledged", who, note)
        return _event(con, number, "acknowledged", who, note, now)


def resolve(database: Database, number: int, who: str, note: str, now: datetime) -> Change:
    """Somebody says it is over, and why. What was found is then taken for how it is now, and learned from.

    Raises `IncidentError` as `acknowledge` does, and for an empty note.
    """
    if not note.strip():
        raise IncidentError("Say why it is over.", hint='Add --note "what was done", so that the next person knows.')
    with database.writing() as con:
        _must_be_going(con, number)
        _resolve(con, number, who, now)
        _audit(con, number, "resolved", who, note)
        return _event(con, number, "resolved", who, note, now)


def learnings(database: Database, product: str) -> dict[str, Learning]:
    """What must not be learned from, by subject of the product."""
    query = (
        sa.select(
            SIGNAL.c.subject, SIGNAL.c.since, INCIDENT.c.opened_at, INCIDENT.c.resolved_at, INCIDENT.c.resolved_by
        )
        .join(INCIDENT, INCIDENT.c.id == SIGNAL.c.incident_id)
        .where(INCIDENT.c.product == product)
    )
    spans: dict[str, list[tuple[datetime, datetime | None]]] = {}
    accepted: dict[str, datetime] = {}
    with database.reading() as con:
        for row in con.execute(query).all():
            end = moment(row.resolved_at) if row.resolved_at else None
            if end is not None and row.resolved_by != ITSELF:
                accepted[row.subject] = max(accepted.get(row.subject, end), end)
                continue
            spans.setdefault(row.subject, []).append((moment(row.since or row.opened_at), end))
    return {name: Learning(tuple(spans.get(name, ())), accepted.get(name)) for name in spans.keys() | accepted.keys()}


def _must_be_going(con: sa.Connection, number: int) -> Any:
    row = con.execute(sa.select(INCIDENT).where(INCIDENT.c.id == number)).first()
    if row is None:
        raise IncidentError(f"There is no incident {number}.", hint="`civicops incidents list --all` shows every one.")
    if row.state == "resolved":
        raise IncidentError(
            f"Incident {number} was resolved {row.resolved_at[:16]} by {row.resolved_by}.",
            hint="Nothing is left to do.",
        )
    return row


def _resolve(con: sa.Connection, number: int, who: str, now: datetime) -> None:
    con.execute(
        sa.update(INCIDENT)
        .where(INCIDENT.c.id == number)
        .values(state="resolved", resolved_at=stamp(now), resolved_by=who, changed_at=stamp(now), quiet_since=None)
    )
    con.execute(sa.update(SIGNAL).where(SIGNAL.c.incident_id == number).values(is_firing=False))


def _save(con: sa.Connection, number: int, signal: Signal, now: datetime) -> None:
    key = (SIGNAL.c.incident_id == number, SIGNAL.c.monitor_id == signal.monitor_id, SIGNAL.c.subject == signal.subject)
    values = {
        "is_firing": signal.is_firing, "severity": signal.severity, "title": signal.title, "detail": signal.detail,
        "is_personal": signal.pii, "values": dict(signal.values), "evidence": dict(signal.evidence),
        "runbook": signal.runbook, "at": stamp(now),
    }  # fmt: skip
    if signal.is_firing:
        values["since"] = stamp(signal.since or now)
    if not con.execute(sa.update(SIGNAL).where(*key).values(**values)).rowcount:
        con.execute(
            sa.insert(SIGNAL).values(incident_id=number, monitor_id=signal.monitor_id, subject=signal.subject, **values)
        )


def _event(
    con: sa.Connection,
    number: int,
    kind: str,
    who: str,
    text: str,
    now: datetime,
    *,
    content: Mapping[str, Any] | None = None,
) -> Change:
    done = con.execute(
        sa.insert(EVENT).values(
            incident_id=number, at=stamp(now), kind=kind, who=who, text=text, content=dict(content or {})
        )
    )
    return Change(number, kind, _key(done))


def _audit(con: sa.Connection, number: int, action: str, who: str, note: str) -> None:
    """What a person did is an event of the audit log too; it waits in the outbox until the log has it."""
    personal = {"note": note} if note.strip() else {}
    outbox.put(con, Event("incident.action", who, f"incident/{number}", {"action": action}, personal))


def _key(inserted: sa.CursorResult[Any]) -> int:
    row = inserted.inserted_primary_key
    assert row is not None  # noqa: S101 - both tables have a key of their own
    return int(row[0])


def _worst(signals: Sequence[Signal]) -> Signal:
    return max(signals, key=lambda signal: SEVERITIES.index(signal.severity))


def _content(signals: Iterable[Signal]) -> dict[str, Any]:
    """What an event keeps of signals: no detail, as that may name people."""
    return {"signals": [{"monitor": s.monitor_id, "subject": s.subject, "values": dict(s.values)} for s in signals]}
