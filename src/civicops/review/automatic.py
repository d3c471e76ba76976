"""Accepting without a person: switched on by proof, checked by audits, switched off by itself.

Belongs here: measuring a kind, the switch, accepting sure suggestions, drawing audits. Does not belong here: the statistics
(`calibration`).

Every measurement and every switch is a line of `review_measure`, append-only. `on`: a threshold is proved. `off`: measured, and
nothing is proved. `short`: audits speak against it; from then on every suggestion goes to a person, and only decisions made after
that count for the next proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from civicops.database import moment, stamp
from civicops.review import calibration, order
from civicops.review.calibration import Bin, Curve, Sample
from civicops.review.deciding import record_automatic
from civicops.review.forms import FormError
from civicops.review.kindfile import Automatic
from civicops.review.kinds import Kind
from civicops.review.people import ITSELF
from civicops.review.room import Review, key_of, note, tell
from civicops.review.tables import CLAIM, DECISION, DRAFT, EVENT, MEASURE, TASK, VERSION

What = Literal["on", "off", "short"]
BATCH = 500
AGAIN = 1.5
"""It is measured again once there are half as many decisions more."""
RECENT = 5_000
"""So many of the newest decisions are looked at."""


@dataclass(frozen=True)
class Policy:
    """How accepting without a person stands. `measurement`: how often it was measured since it began, or began anew."""

    what: What
    threshold: float | None
    measurement: int
    samples: int
    since_decision: int
    """Decisions after this one count."""
    on_since: int
    """Audits after this decision count; of the switch that is on."""
    at: datetime | None
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """What is known of a kind's confidence, for pages and commands."""

    kind: str
    samples: int
    right: int
    brier: float | None
    bins: tuple[Bin, ...]
    policy: Policy | None
    precision: float | None
    confidence: float | None
    audits: int
    audits_wrong: int
    automatic: int
    """Tasks whose decision was accepted without a person."""


def policy(review: Review, kind: Kind) -> Policy:
    """How accepting without a person stands for a kind now."""
    query = sa.select(MEASURE).where(MEASURE.c.kind == kind.id).order_by(MEASURE.c.id)
    with review.reading() as con:
        rows = con.execute(query).all()
    found = Policy("off", None, 0, 0, 0, 0, None, {})
    for row in rows:
        if row.what == "short":
            found = Policy("short", None, 0, 0, row.decision_id, 0, moment(row.at), row.content)
            continue
        is_same = found.what == "on" and row.what == "on"
        found = Policy(
            row.what, row.threshold, found.measurement + 1, row.content["samples"], found.since_decision,
            found.on_since if is_same else row.decision_id, moment(row.at), row.content,
        )  # fmt: skip
    return found


def samples(review: Review, kind: Kind, *, after: int = 0) -> list[Sample]:
    """Suggestions with a confidence that people have decided, the newest `RECENT` of those after a decision, oldest first."""
    query = (
        sa.select(EVENT.c.id, EVENT.c.task_id, EVENT.c.content)
        .join(TASK, TASK.c.id == EVENT.c.task_id)
        .where(TASK.c.kind == kind.id, EVENT.c.kind == "decided")
        .order_by(EVENT.c.id.desc())
        .limit(4 * RECENT)
    )
    with review.reading() as con:
        ends: dict[tuple[int, int], int] = {}
        for row in con.execute(query):
            ends.setdefault((row.task_id, row.content["round"]), row.content["decision_id"])
        audits = {
            (row.task_id, row.content["round"])
            for row in con.execute(
                sa.select(EVENT.c.task_id, EVENT.c.content)
                .join(TASK, TASK.c.id == EVENT.c.task_id)
                .where(TASK.c.kind == kind.id, EVENT.c.kind == "audited")
            )
        }
        undone: set[int] = set(con.execute(
            sa.select(DECISION.c.undoes).where(DECISION.c.kind == kind.id, DECISION.c.undoes.is_not(None))
        ).scalars())  # fmt: skip
        wanted = sorted((n for n in ends.values() if n > after and n not in undone), reverse=True)[:RECENT]
        found: dict[int, Sample] = {}
        for start in range(0, len(wanted), BATCH):
            rows = con.execute(
                sa.select(
                    DECISION.c.id,
                    DECISION.c.task_id,
                    DECISION.c.round,
                    DECISION.c.outcome,
                    DECISION.c.stage,
                    VERSION.c.shown,
                )
                .join(
                    VERSION,
                    sa.and_(VERSION.c.task_id == DECISION.c.task_id, VERSION.c.seen_hash == DECISION.c.seen_hash),
                )
                .where(DECISION.c.id.in_(wanted[start : start + BATCH]), DECISION.c.stage != "automatic")
            )
            for row in rows:
                sure = row.shown["confidence"]
                if sure is not None:
                    is_audit = (row.task_id, row.round) in audits
                    found[row.id] = Sample(float(sure), row.outcome == "accept", row.id, is_audit)
    return [found[number] for number in sorted(found)]


def calibrated(review: Review, kind: Kind) -> Curve | None:
    """The kind's calibrated confidence from its past decisions; None without any."""
    return calibration.curve(samples(review, kind))


def report(review: Review, kind: Kind) -> Report:
    """What is known of a kind's confidence."""
    known = samples(review, kind)
    rule = kind.file.automatic
    now = policy(review, kind) if rule else None
    audits = [item for item in known if now and item.is_audit and item.decision_id > now.on_since]
    with review.reading() as con:
        automatic = con.execute(
            sa.select(sa.func.count()).select_from(TASK).join(DECISION, DECISION.c.id == TASK.c.decision_id)
            .where(TASK.c.kind == kind.id, DECISION.c.stage == "automatic")
        ).scalar_one()  # fmt: skip
    return Report(
        kind.id, len(known), sum(item.is_right for item in known), calibration.brier(known), calibration.bins(known), now,
        rule.precision if rule else None, rule.confidence if rule else None, len(audits),
        sum(not item.is_right for item in audits), automatic,
    )  # fmt: skip


def check_policy(review: Review, kind: Kind, now: datetime) -> Policy:
    """Look at the audits, and measure where it is time; gives how things stand then. Does nothing without `automatic`."""
    rule, found = kind.file.automatic, policy(review, kind)
    if rule is None:
        return found
    known = samples(review, kind, after=found.since_decision)
    newest = max((item.decision_id for item in known), default=found.since_decision)
    if found.what == "on":
        audits = [item for item in known if item.is_audit and item.decision_id > found.on_since]
        if calibration.falls_short(audits, rule.precision, rule.confidence):
            wrong = sum(not item.is_right for item in audits)
            said = {"audits": len(audits), "wrong": wrong, "precision": rule.precision, "confidence": rule.confidence}
            _switch(review, kind, "short", None, newest, said, now)
            return policy(review, kind)
    if len(known) < rule.minimum or len(known) < AGAIN * found.samples:
        return found
    error = calibration.error_of(found.measurement + 1, rule.confidence)
    proved = calibration.threshold(known, rule.precision, error)
    measured: dict[str, Any] = {
        "samples": len(known), "right": sum(item.is_right for item in known), "error": error, "precision": rule.precision,
        "proved": asdict(proved) if proved else None,
    }  # fmt: skip
    _switch(review, kind, "on" if proved else "off", proved.confidence if proved else None, newest, measured, now)
    return policy(review, kind)


def _switch(
    review: Review,
    kind: Kind,
    what: What,
    threshold: float | None,
    decision: int,
    said: Mapping[str, Any],
    now: datetime,
) -> None:
    with review.writing() as con:
        number = key_of(con.execute(
            sa.insert(MEASURE).values(
                kind=kind.id, at=stamp(now), what=what, threshold=threshold, decision_id=decision, content=dict(said)
            )
        ))  # fmt: skip
        content = {"kind": kind.id, "switch": what, "threshold": threshold, **said}
        tell(con, "policy", ITSELF, f"review/{kind.id}", now, key=f"review/measure/{number}", content=content)


def accept_sure(review: Review, kind: Kind, now: datetime) -> tuple[int, int]:
    """Accept what is sure enough, unless it is drawn for an audit; gives how many were accepted and drawn.

    The audits are looked at first, always. Left alone: what somebody has in hand, has begun, was given, or put off.
    """
    rule = kind.file.automatic
    if rule is None:
        return 0, 0
    stands = check_policy(review, kind, now)
    if stands.what != "on" or stands.threshold is None:
        return 0, 0
    accepted = drawn = 0
    last = 0
    while True:
        with review.writing() as con:
            rows = con.execute(_sure(kind, stands.threshold, last, now)).all()
            for row in rows:
                last = row.id
                if review.draw("audit", kind.id, row.subject, row.round, row.content_hash) < rule.audit_share:
                    _audit(con, kind, row, now)
                    drawn += 1
                else:
                    accepted += _accept(con, kind, row, stands.threshold, rule, now)
        if len(rows) < BATCH:
            return accepted, drawn


def _sure(kind: Kind, threshold: float, after: int, now: datetime) -> sa.Select[Any]:
    held = sa.select(sa.literal(1)).where(CLAIM.c.task_id == TASK.c.id, CLAIM.c.until > stamp(now)).exists()
    begun = sa.select(sa.literal(1)).where(DRAFT.c.task_id == TASK.c.id).exists()
    rated = sa.select(sa.literal(1)).where(DECISION.c.task_id == TASK.c.id, DECISION.c.round == TASK.c.round).exists()
    return (
        sa.select(TASK)
        .where(
            TASK.c.kind == kind.id, TASK.c.state == "open", TASK.c.confidence >= threshold, TASK.c.origin == "pipeline"
        )
        .where(
            TASK.c.is_audit.is_(False), TASK.c.assigned_to.is_(None), TASK.c.snoozed_until.is_(None), TASK.c.id > after
        )
        .where(~held, ~begun, ~rated)
        .order_by(TASK.c.id)
        .limit(BATCH)
        .with_for_update()
    )


def _audit(con: sa.Connection, kind: Kind, row: Any, now: datetime) -> None:
    """A person answers it, unknowingly; it comes as early as a guess would, or it would never come."""
    rank = order.rank(kind.file.priority, 1.0, row.value, moment(row.opened_at))
    con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(is_audit=True, rank=rank))
    note(con, row.id, "audited", ITSELF, now, round=row.round)


def _accept(con: sa.Connection, kind: Kind, row: Any, threshold: float, rule: Automatic, now: datetime) -> int:
    """One, or none when the contract does not allow the suggestion: then it stays for a person."""
    words = f"{row.confidence:.3f} sure; from {threshold:.3f} on {rule.precision:.0%} are right."
    try:
        record_automatic(con, kind, row, ITSELF, now, words)
    except FormError:
        return 0
    return 1
