"""Figures of a team: backlog, throughput, who did how much.

Belongs here: counting tasks and answers. Does not belong here: agreement (`agreement`) and confidence (`calibration`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

import sqlalchemy as sa

from civicops.database import moment, stamp
from civicops.review.room import Review
from civicops.review.tables import CLAIM, DECISION, TASK


@dataclass(frozen=True)
class Backlog:
    """What one kind has to do: numbers of tasks, and the age of the oldest open one in days."""

    kind: str
    title: str
    open: int
    submitted: int
    disputed: int
    decided: int
    withdrawn: int
    overdue: int
    snoozed: int
    in_hand: int
    oldest_days: float | None

    @property
    def going(self) -> int:
        """Tasks that somebody has to do something about."""
        return self.open + self.submitted + self.disputed


@dataclass(frozen=True)
class Day:
    """What was answered on one day (UTC): by people, and accepted without one."""

    day: date
    answers: int
    automatic: int


@dataclass(frozen=True)
class Member:
    """What one person did: answers, approvals and adjudications, how many were taken back, median seconds of an answer."""

    name: str
    answers: int
    judged: int
    undone: int
    median_seconds: float | None
    last_at: datetime


def backlog(review: Review, now: datetime, kinds: Sequence[str] | None = None) -> tuple[Backlog, ...]:
    """The backlog of each kind, in the order of their ids."""
    wanted = sorted(review.kind(name).id for name in (kinds if kinds is not None else review.kinds))
    at = stamp(now)
    going = TASK.c.state.in_(("open", "submitted", "disputed"))
    one = sa.literal(1)
    query = (
        sa.select(
            TASK.c.kind, TASK.c.state, sa.func.count().label("tasks"),
            sa.func.count(sa.case((sa.and_(going, TASK.c.due_at < at), one))).label("overdue"),
            sa.func.count(sa.case((sa.and_(going, TASK.c.snoozed_until > at), one))).label("snoozed"),
            sa.func.min(TASK.c.opened_at).label("oldest"),
        )
        .where(TASK.c.kind.in_(wanted))
        .group_by(TASK.c.kind, TASK.c.state)
    )  # fmt: skip
    held = (
        sa.select(TASK.c.kind, sa.func.count(sa.distinct(CLAIM.c.task_id)).label("tasks"))
        .join(TASK, TASK.c.id == CLAIM.c.task_id)
        .where(CLAIM.c.until > at, going)
        .group_by(TASK.c.kind)
    )
    with review.reading() as con:
        rows = con.execute(query).all()
        in_hand = {row.kind: int(row.tasks) for row in con.execute(held)}
    found = []
    for kind in wanted:
        mine = {row.state: row for row in rows if row.kind == kind}
        count = {state: row.tasks for state, row in mine.items()}
        oldest = [row.oldest for state, row in mine.items() if state in ("open", "submitted", "disputed")]
        found.append(
            Backlog(
                kind, review.kinds[kind].file.title, count.get("open", 0), count.get("submitted", 0),
                count.get("disputed", 0), count.get("decided", 0), count.get("withdrawn", 0),
                sum(row.overdue for row in mine.values()), sum(row.snoozed for row in mine.values()), in_hand.get(kind, 0),
                round((now - moment(min(oldest))).total_seconds() / 86400, 2) if oldest else None,
            )
        )  # fmt: skip
    return tuple(found)


def throughput(review: Review, now: datetime, *, days: int = 30, kinds: Sequence[str] | None = None) -> tuple[Day, ...]:
    """Answers per day of the last `days` days, today included, days without any too."""
    wanted = [review.kind(name).id for name in (kinds if kinds is not None else review.kinds)]
    first = now.date() - timedelta(days=days - 1)
    query = sa.select(DECISION.c.at, DECISION.c.stage).where(
        DECISION.c.kind.in_(wanted), DECISION.c.at >= first.isoformat(), DECISION.c.outcome != "undo"
    )
    with review.reading() as con:
        counted = Counter((row.at[:10], row.stage == "automatic") for row in con.execute(query))
    every = [first + timedelta(days=number) for number in range(days)]
    return tuple(Day(d, counted[d.isoformat(), False], counted[d.isoformat(), True]) for d in every)


def members(review: Review, now: datetime, *, days: int = 30, kinds: Sequence[str] | None = None) -> tuple[Member, ...]:
    """What each person did in the last `days` days, who did most first."""
    wanted = [review.kind(name).id for name in (kinds if kinds is not None else review.kinds)]
    query = sa.select(DECISION).where(
        DECISION.c.kind.in_(wanted), DECISION.c.at >= stamp(now - timedelta(days=days)), DECISION.c.stage != "automatic"
    )
    with review.reading() as con:
        rows = con.execute(query).all()
    found = []
    for name in {row.who for row in rows}:
        mine = [row for row in rows if row.who == name]
        made = [row for row in mine if row.outcome != "undo"]
        took = [row.seconds for row in made if row.stage == "rating" and row.seconds is not None]
        rated = sum(row.stage == "rating" for row in made)
        found.append(
            Member(
                name, rated, len(made) - rated, len(mine) - len(made), median(took) if took else None,
                moment(max(row.at for row in mine)),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda item: (-item.answers - item.judged, item.name)))
