"""One person's work: what waits for them, what they have in hand.

Belongs here: counts and lists for one person. Does not belong here: one task (`asking`), figures of a team (`team`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from civicops.database import stamp
from civicops.review.asking import GOING, TaskLine, lines_of
from civicops.review.people import ITSELF, Person
from civicops.review.room import Review
from civicops.review.tables import CLAIM, DECISION, DRAFT, TASK


@dataclass(frozen=True)
class Mine:
    """A task that a person has something to do with; `words` says what."""

    line: TaskLine
    words: str


def counts(review: Review, person: Person, now: datetime) -> Mapping[str, int]:
    """How many tasks of each kind wait for a person's role; those put off, and those given to others, left out."""
    awake = sa.or_(TASK.c.snoozed_until.is_(None), TASK.c.snoozed_until <= stamp(now))
    free = sa.or_(TASK.c.assigned_to.is_(None), TASK.c.assigned_to == person.name)
    query = (
        sa.select(TASK.c.kind, TASK.c.state, sa.func.count().label("number"))
        .where(TASK.c.state.in_(GOING), awake, free, TASK.c.filed_by != person.name)
        .group_by(TASK.c.kind, TASK.c.state)
    )
    found: Counter[str] = Counter()
    with review.reading() as con:
        rows = con.execute(query).all()
    for row in rows:
        kind = review.kinds.get(row.kind)
        if kind is None:
            continue
        who = kind.file.who
        least = {"open": who.decide, "submitted": who.approve, "disputed": who.adjudicate}[row.state]
        if person.may(least):
            found[row.kind] += row.number
    return found


def mine(review: Review, person: Person, now: datetime) -> tuple[Mine, ...]:
    """What a person has in hand, began, or was given, the most useful first."""
    at = stamp(now)
    with review.reading() as con:
        held = set(_values(con, sa.select(CLAIM.c.task_id).where(CLAIM.c.who == person.name, CLAIM.c.until > at)))
        begun = set(_values(con, sa.select(DRAFT.c.task_id).where(DRAFT.c.who == person.name)))
        query = sa.select(TASK).where(
            TASK.c.kind.in_(list(review.kinds)),
            TASK.c.state.in_(GOING),
            sa.or_(TASK.c.id.in_(held | begun), TASK.c.assigned_to == person.name),
        )
        rows = con.execute(query.order_by(TASK.c.rank.desc(), TASK.c.id).limit(200)).all()
        lines = lines_of(review, con, rows, now)
    found = []
    for line in lines:
        words = "in hand" if line.id in held else "begun" if line.id in begun else "given to you"
        if line.snoozed_until is not None and line.snoozed_until > now:
            words = f"put off until {line.snoozed_until:%-d %B}"
        found.append(Mine(line, words))
    return tuple(found)


def people(review: Review, kind: str) -> tuple[str, ...]:
    """Names of those who ever answered or were given a task of a kind, for lists to choose from."""
    with review.reading() as con:
        answered = _values(con, sa.select(DECISION.c.who).where(DECISION.c.kind == kind).distinct())
        given = _values(con, sa.select(TASK.c.assigned_to).where(TASK.c.kind == kind, TASK.c.assigned_to.is_not(None)))
    return tuple(sorted({*answered, *given} - {ITSELF}))


def _values(con: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    """The only column of a query."""
    return [row[0] for row in con.execute(query)]
