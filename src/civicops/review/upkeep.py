"""What has to happen to tasks without anybody asking: escalation, accepting what is sure, telling observation.

Belongs here: the one function that a run and a tick call. Does not belong here: what each part of it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from civicops.database import stamp
from civicops.observe.incidents import Rules, apply
from civicops.observe.signals import Signal
from civicops.observe.tables import open_database
from civicops.review.automatic import accept_sure, policy
from civicops.review.kinds import Kind
from civicops.review.people import ITSELF
from civicops.review.room import Review, note
from civicops.review.tables import CLAIM, TASK

MONITORS = ("review_precision", "review_overdue")
"""What this room says to observation; `observe.watch` leaves monitors with this beginning to it."""


@dataclass(frozen=True)
class Kept:
    """What was done: tasks escalated, accepted without a person, drawn for audits."""

    escalated: int
    accepted: int
    drawn: int


def keep_up(review: Review, now: datetime, *, product: str | None = None) -> Kept:
    """Bring all kinds, or those of one product, up to date. Safe to kill and repeat."""
    kinds = [kind for kind in review.kinds.values() if product in (None, kind.product)]
    escalated = accepted = drawn = 0
    for kind in kinds:
        escalated += _escalate(review, kind, now)
        done = accept_sure(review, kind, now)
        accepted, drawn = accepted + done[0], drawn + done[1]
    for name in sorted({kind.product for kind in kinds}):
        _signal(review, name, [kind for kind in kinds if kind.product == name], now)
    with review.writing() as con:
        con.execute(sa.delete(CLAIM).where(CLAIM.c.until < stamp(now - timedelta(days=1))))
    review.flush()
    return Kept(escalated, accepted, drawn)


def _escalate(review: Review, kind: Kind, now: datetime) -> int:
    """What is long overdue goes to the role that the kind names; from whom it was given to it is taken, unless in hand."""
    rule = kind.file.escalation
    if rule.overdue_days is None:
        return 0
    late = stamp(now - timedelta(days=rule.overdue_days))
    held = sa.select(sa.literal(1)).where(CLAIM.c.task_id == TASK.c.id, CLAIM.c.until > stamp(now)).exists()
    awake = sa.or_(TASK.c.snoozed_until.is_(None), TASK.c.snoozed_until <= stamp(now))
    with review.writing() as con:
        rows = con.execute(
            sa.select(TASK.c.id)
            .where(TASK.c.kind == kind.id, TASK.c.state.in_(("open", "submitted")), TASK.c.due_at < late)
            .where(TASK.c.escalated_to.is_(None), awake, ~held)
            .order_by(TASK.c.id)
            .with_for_update()
        ).all()
        for row in rows:
            con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(escalated_to=rule.to, assigned_to=None))
            note(con, row.id, "escalated", ITSELF, now, "It is long overdue.", to=rule.to)
    return len(rows)


def _signal(review: Review, product: str, kinds: Sequence[Kind], now: datetime) -> None:
    signals = [signal for kind in kinds for signal in (*_precision(review, kind), *_overdue(review, kind, now))]
    rules = Rules(timedelta(hours=review.workspace.settings.observe.flapping_hours))
    apply(
        open_database(review.workspace),
        product,
        signals,
        covers=lambda monitor: monitor in MONITORS,
        now=now,
        rules=rules,
    )


def _precision(review: Review, kind: Kind) -> list[Signal]:
    if kind.file.automatic is None:
        return []
    stands = policy(review, kind)
    is_short = stands.what == "short"
    title = (
        f"{kind.file.title}: nothing is accepted without a person any more"
        if is_short
        else f"{kind.file.title}: sure enough"
    )
    detail = (
        f"{stands.content['wrong']} of {stands.content['audits']} audits were wrong; {kind.file.automatic.precision:.0%} "
        "have to be right. All suggestions go to people until new decisions prove it again."
        if is_short
        else ""
    )
    return [
        Signal(
            "review_precision", kind.id, is_short, "warning", title, detail=detail, since=stands.at if is_short else None,
            values=dict(stands.content), runbook="Suggestions are less right than they were",
            group=f"review:{kind.name}:precision",
        )
    ]  # fmt: skip


def _overdue(review: Review, kind: Kind, now: datetime) -> list[Signal]:
    if kind.file.escalation.overdue_days is None:
        return []
    with review.reading() as con:
        count = con.execute(
            sa.select(sa.func.count()).where(
                TASK.c.kind == kind.id, TASK.c.state.in_(("open", "submitted", "disputed")), TASK.c.escalated_to.is_not(None),
                TASK.c.due_at < stamp(now),
            )
        ).scalar_one()  # fmt: skip
    words = f"{count:,} tasks wait too long" if count else "no task waits too long"
    return [
        Signal(
            "review_overdue", kind.id, count > 0, "warning", f"{kind.file.title}: {words}", values={"tasks": count},
            runbook="Tasks wait too long", group=f"review:{kind.name}:overdue",
        )
    ]  # fmt: skip
