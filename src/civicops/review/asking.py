"""Questions about tasks: one task as a person sees it, lists, what somebody did.

Belongs here: reading for pages, the interface and commands. Does not belong here: changing anything, figures of a team (`team`).

Raters stay blind: whoever may still answer a task is not told what others answered in the same round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from civicops.database import moment, stamp
from civicops.review import order, rules
from civicops.review.forms import Field
from civicops.review.kinds import Kind
from civicops.review.people import Person
from civicops.review.room import Review, decision_of, log_of, row_of, version_of
from civicops.review.tables import CLAIM, DECISION, DRAFT, EVENT, TASK, VERSION
from civicops.review.values import STATES, Decision, NotAllowedError, ReviewError, State, difference

GOING = ("open", "submitted", "disputed")
MOST = 1_000
_HIDDEN_EVENTS = ("audited",)
_HIDDEN_CONTENT = ("decision_id", "is_automatic")


@dataclass(frozen=True)
class TaskLine:
    """A task in a list."""

    id: int
    kind: str
    subject: str
    record: str
    title: str
    state: State
    points: float
    confidence: float | None
    value: float
    filed_at: datetime
    changed_at: datetime
    due_at: datetime | None
    snoozed_until: datetime | None
    assigned_to: str | None
    escalated_to: str | None
    claimed_by: tuple[str, ...]
    is_overdue: bool


@dataclass(frozen=True)
class Happened:
    """One event of a task."""

    kind: str
    who: str
    at: datetime
    text: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class TaskView:
    """One task with all that a person needs to decide it.

    `seen` goes back with the decision. `base` holds the value of every field as it would be accepted. `changes`: what is not as
    it was when it was last decided upon, or in the version before. `part` is what this person can do now, None with `refusal` why
    not. `draft` is their own half-finished answer; `is_draft_old` when the question has changed since. `decisions` are those they
    may see.
    """

    line: TaskLine
    kind: Kind
    seen: str
    content: Mapping[str, Any]
    shown: Mapping[str, Any]
    base: Mapping[str, Any]
    fields: tuple[Field, ...]
    changes: Mapping[str, Any]
    part: rules.Part | None
    refusal: str
    outcomes: tuple[str, ...]
    reasons_for: tuple[str, ...]
    why: tuple[str, ...]
    draft: Mapping[str, Any] | None
    is_draft_old: bool
    decisions: tuple[Decision, ...]
    effective: Decision | None
    submitted: Decision | None
    """What waits for approval."""
    can_undo: bool
    events: tuple[Happened, ...]


def task(review: Review, task_id: int, person: Person, now: datetime) -> TaskView:
    """One task as a person sees it. Raises `ReviewError` when there is none, `NotAllowedError` below the kind's least role."""
    with review.reading() as con:
        row = row_of(con, task_id)
        kind = review.kind(row.kind)
        if not person.may(kind.file.who.decide):
            raise NotAllowedError(f"This needs the role {kind.file.who.decide}.", hint="Ask an admin for it.")
        version = version_of(con, row.version_id)
        log = log_of(con, task_id)
        mine = [item for item in log if item.round == row.round]
        settled = rules.settle(kind.file, row.needed, mine)
        part, refusal = rules.part_of(kind.file, row.state, settled.people, row.filed_by, person)
        is_blind = row.state == "open"
        decisions = tuple(
            item for item in log if not (is_blind and item.round == row.round and item.who != person.name)
        )
        effective = next((item for item in log if item.id == row.decision_id), None)
        draft = con.execute(sa.select(DRAFT).where(DRAFT.c.task_id == task_id, DRAFT.c.who == person.name)).first()
        before = _version_before(con, row, effective)
        events = con.execute(sa.select(EVENT).where(EVENT.c.task_id == task_id).order_by(EVENT.c.id)).all()
        line = _line(kind, row, _claims(con, [task_id], now), now)
    content = version.content
    choices = [choice["confidence"] for choice in version.shown["choices"]]
    living = rules.living(mine)
    last = living[-1] if living else None
    outcomes = rules.allowed(kind.file, part) if part else ()
    return TaskView(
        line=line, kind=kind, seen=version.seen_hash, content=content, shown=version.shown,
        base={f.name: content["proposed"].get(f.name, content["current"].get(f.name)) for f in kind.fields},
        fields=kind.fields, changes=difference(before, content) if before is not None else {},
        part=part, refusal=refusal, outcomes=outcomes,
        reasons_for=tuple(item for item in outcomes if rules.needs_reason(kind.file, item)),
        why=order.why(
            kind.file, state=row.state, unsure=order.uncertainty(row.confidence, choices), value=row.value,
            filed_at=moment(row.opened_at), due_at=line.due_at, escalated_to=row.escalated_to,
            is_mine=row.assigned_to == person.name, is_drawn=row.is_audit or row.needed > kind.file.raters, now=now,
        ),
        draft=draft.content if draft else None, is_draft_old=bool(draft and draft.seen_hash != version.seen_hash),
        decisions=decisions, effective=effective, submitted=settled.effective if row.state == "submitted" else None,
        can_undo=last is not None and last.who == person.name and row.state != "withdrawn",
        events=tuple(
            Happened(e.kind, e.who, moment(e.at), e.text, {k: v for k, v in e.content.items() if k not in _HIDDEN_CONTENT})
            for e in events if e.kind not in _HIDDEN_EVENTS
        ),
    )  # fmt: skip


def _version_before(con: sa.Connection, row: Any, effective: Decision | None) -> Mapping[str, Any] | None:
    """The content that was last decided upon, or of the round before; None when the question was never another one."""
    query = sa.select(VERSION.c.content).where(VERSION.c.task_id == row.id).order_by(VERSION.c.id.desc()).limit(1)
    if effective is not None and effective.content_hash != row.content_hash:
        query = query.where(VERSION.c.content_hash == effective.content_hash)
    else:
        query = query.where(VERSION.c.content_hash != row.content_hash, VERSION.c.id < row.version_id)
    found: Mapping[str, Any] | None = con.execute(query).scalar()
    return found


def tasks(
    review: Review,
    now: datetime,
    *,
    kinds: Sequence[str] | None = None,
    states: Sequence[str] = GOING,
    assigned_to: str | None = None,
    record: str | None = None,
    text: str = "",
    after: int = 0,
    limit: int = 50,
) -> tuple[TaskLine, ...]:
    """Tasks, the most useful first; `after` skips as many. `record`: about this one only. `text` stands in the title
    or is the subject.

    Raises `KindError` for an unknown kind, `ReviewError` for an unknown state.
    """
    wanted = [review.kind(name).id for name in kinds] if kinds is not None else list(review.kinds)
    for state in states:
        if state not in STATES:
            raise ReviewError(f"'{state}' is no state of a task.", hint=f"Valid here: {', '.join(STATES)}.")
    query = sa.select(TASK).where(TASK.c.kind.in_(wanted), TASK.c.state.in_(list(states)))
    if assigned_to is not None:
        query = query.where(TASK.c.assigned_to == assigned_to)
    if record is not None:
        query = query.where(TASK.c.record == record)
    if text:
        query = query.where(sa.or_(TASK.c.subject == text, TASK.c.title.icontains(text, autoescape=True)))
    query = query.order_by(TASK.c.rank.desc(), TASK.c.id).offset(max(after, 0)).limit(min(max(limit, 1), MOST))
    with review.reading() as con:
        return lines_of(review, con, con.execute(query).all(), now)


def find(review: Review, kind: str, subject: str) -> int | None:
    """The number of the task about a subject, or None."""
    with review.reading() as con:
        found = con.execute(sa.select(TASK.c.id).where(TASK.c.kind == kind, TASK.c.subject == subject)).scalar()
    return None if found is None else int(found)


def history(review: Review, who: str, *, limit: int = 50) -> tuple[tuple[TaskLine, Decision], ...]:
    """What a person decided last, newest first, each with its task."""
    query = (
        sa.select(DECISION).where(DECISION.c.who == who, DECISION.c.kind.in_(list(review.kinds)))
        .order_by(DECISION.c.id.desc()).limit(min(limit, MOST))
    )  # fmt: skip
    with review.reading() as con:
        made = [decision_of(row) for row in con.execute(query)]
        numbers = {item.task_id for item in made}
        rows = {row.id: row for row in con.execute(sa.select(TASK).where(TASK.c.id.in_(numbers)))}
    now = max((item.at for item in made), default=order.EPOCH)
    return tuple((_line(review.kinds[rows[d.task_id].kind], rows[d.task_id], {}, now), d) for d in made)


def lines_of(review: Review, con: sa.Connection, rows: Sequence[Any], now: datetime) -> tuple[TaskLine, ...]:
    """Rows of `review_task` as lines, in their order."""
    claims = _claims(con, [row.id for row in rows], now)
    return tuple(_line(review.kinds[row.kind], row, claims, now) for row in rows)


def _claims(con: sa.Connection, numbers: Sequence[int], now: datetime) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    query = sa.select(CLAIM).where(CLAIM.c.task_id.in_(numbers), CLAIM.c.until > stamp(now)).order_by(CLAIM.c.who)
    for row in con.execute(query):
        found[row.task_id] = (*found.get(row.task_id, ()), row.who)
    return found


def _line(kind: Kind, row: Any, claims: Mapping[int, tuple[str, ...]], now: datetime) -> TaskLine:
    due = moment(row.due_at) if row.due_at else None
    return TaskLine(
        row.id, row.kind, row.subject, row.record, row.title, row.state,
        round(order.points(kind.file.priority, row.rank, now), 4),
        row.confidence, row.value, moment(row.filed_at), moment(row.changed_at), due,
        moment(row.snoozed_until) if row.snoozed_until else None, row.assigned_to, row.escalated_to,
        claims.get(row.id, ()), due is not None and due < now and row.state in GOING,
    )  # fmt: skip
