"""Taking tasks: the next one, a claim that expires, half-finished answers, giving tasks to people, putting them off.

Belongs here: who has which task in hand. Does not belong here: answers (`deciding`), lists (`asking`).

Two people at once never get the same task: the row of a task is locked while its claims are looked at and one is added (SQLite
lets one writer in at a time anyway).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from civicops.database import stamp
from civicops.review import order
from civicops.review.kinds import Kind
from civicops.review.people import Person
from civicops.review.room import Review, log_of, note, row_of
from civicops.review.rules import part_of, settle
from civicops.review.tables import CLAIM, DECISION, DRAFT, TASK
from civicops.review.values import NotAllowedError, ReviewError, plain

_FEW = 20
"""Tasks that are looked at together; the first that can be had is given."""


def next_task(
    review: Review,
    person: Person,
    now: datetime,
    *,
    kinds: Sequence[str] | None = None,
    skip: Collection[int] = (),
) -> int | None:
    """Claim the most useful task for a person and give its number; None when there is nothing for them.

    A task they already hold comes first, unless it is in `skip`. Then: given to them; overdue or nearly due; disputed and
    submitted ones, where their role is asked for; all others by points. `kinds`: ids; all when left out.
    """
    mine = [review.kind(name) for name in kinds] if kinds is not None else list(review.kinds.values())
    with review.writing() as con:
        for row in _candidates(con, mine, person, now, skip):
            found = _take(con, review.kinds[row.kind], row.id, person, now)
            if found:
                return int(row.id)
    return None


def _candidates(
    con: sa.Connection, kinds: Sequence[Kind], person: Person, now: datetime, skip: Collection[int]
) -> Iterator[Any]:
    """Rows that look free, the most useful first; each has still to be taken."""
    at = stamp(now)
    # Asked first: with it as a part of the next query, SQLite looks through all tasks of the kinds.
    held: Sequence[int] = (
        con.execute(sa.select(CLAIM.c.task_id).where(CLAIM.c.who == person.name, CLAIM.c.until > at)).scalars().all()
    )
    known = TASK.c.kind.in_([kind.id for kind in kinds])
    base = sa.select(TASK.c.id, TASK.c.kind, TASK.c.rank, TASK.c.due_at)
    if skip:
        base = base.where(TASK.c.id.not_in(list(skip)))
    if held:
        yield from con.execute(base.where(known, TASK.c.id.in_(held)).order_by(TASK.c.id)).all()
    awake = sa.or_(TASK.c.snoozed_until.is_(None), TASK.c.snoozed_until <= at)
    ready = base.where(awake)
    going = TASK.c.state.in_(("open", "submitted", "disputed"))
    yield from con.execute(
        ready.where(known, TASK.c.assigned_to == person.name, going).order_by(TASK.c.rank.desc(), TASK.c.id).limit(_FEW)
    ).all()
    free = ready.where(_free(person, at), TASK.c.filed_by != person.name)
    pairs = [
        (kind, state) for state in ("disputed", "submitted", "open") for kind in kinds if _fits(kind, state, person)
    ]
    soon: list[Any] = []
    for kind, state in pairs:
        until = stamp(order.due_soon(kind.file, now))
        query = free.where(TASK.c.kind == kind.id, TASK.c.state == state, TASK.c.due_at <= until)
        soon += con.execute(query.order_by(TASK.c.due_at, TASK.c.id).limit(_FEW)).all()
    yield from sorted(soon, key=lambda row: (row.due_at, row.id))
    for wanted in ("disputed", "submitted", "open"):
        rest: list[Any] = []
        for kind, state in pairs:
            if state == wanted:
                query = free.where(TASK.c.kind == kind.id, TASK.c.state == state)
                rest += con.execute(query.order_by(TASK.c.rank.desc(), TASK.c.id).limit(_FEW)).all()
        yield from sorted(rest, key=lambda row: (-row.rank, row.id))


def _fits(kind: Kind, state: str, person: Person) -> bool:
    """Whether tasks of a kind in a state can be for a person at all."""
    who = kind.file.who
    if state == "open":
        return kind.file.assignment == "open" and person.may(who.decide)
    return person.may(who.approve if state == "submitted" else who.adjudicate)


def _free(person: Person, at: str) -> sa.ColumnElement[bool]:
    """A task that is nobody else's, has a seat left, and that this person has not answered in this round."""
    held = (
        sa.select(sa.func.count())
        .where(CLAIM.c.task_id == TASK.c.id, CLAIM.c.until > at, CLAIM.c.who != person.name)
        .correlate(TASK)
        .scalar_subquery()
    )
    undo = DECISION.alias("undo")
    rated = (
        sa.select(sa.literal(1))
        .where(DECISION.c.task_id == TASK.c.id, DECISION.c.round == TASK.c.round, DECISION.c.who == person.name)
        .where(DECISION.c.stage == "rating", DECISION.c.outcome != "undo")
        .where(
            ~sa.select(sa.literal(1))
            .where(undo.c.task_id == DECISION.c.task_id, undo.c.undoes == DECISION.c.id)
            .exists()
        )
        .correlate(TASK)
        .exists()
    )
    seats = sa.case((TASK.c.state == "open", TASK.c.left), else_=1)
    return sa.and_(TASK.c.assigned_to.is_(None), held < seats, ~rated)


def _take(con: sa.Connection, kind: Kind, task_id: int, person: Person, now: datetime) -> bool:
    """Lock a task, look again, and claim it; false when somebody was faster."""
    locked = con.execute(sa.select(TASK).where(TASK.c.id == task_id).with_for_update(skip_locked=True)).first()
    return locked is not None and not _refusal(con, kind, locked, person, now) and _hold(con, kind, locked, person, now)


def _refusal(con: sa.Connection, kind: Kind, row: Any, person: Person, now: datetime) -> str:
    """Why a person cannot take a task now; nothing when they can. The row is locked."""
    people = settle(kind.file, row.needed, log_of(con, row.id, row.round)).people
    part, words = part_of(kind.file, row.state, people, row.filed_by, person)
    if part is None:
        return words
    if row.assigned_to not in (None, person.name) and not person.may(kind.file.who.assign):
        return f"It was given to {row.assigned_to}."
    others: Sequence[str] = con.execute(
        sa.select(CLAIM.c.who).where(CLAIM.c.task_id == row.id, CLAIM.c.until > stamp(now), CLAIM.c.who != person.name)
    ).scalars().all()  # fmt: skip
    if len(others) >= (row.left if row.state == "open" else 1):
        return f"{' and '.join(others)} {'has' if len(others) == 1 else 'have'} it in hand."
    return ""


def _hold(con: sa.Connection, kind: Kind, row: Any, person: Person, now: datetime) -> bool:
    until = stamp(now + timedelta(minutes=kind.file.claim_minutes))
    key = (CLAIM.c.task_id == row.id, CLAIM.c.who == person.name)
    had = con.execute(sa.select(CLAIM.c.until).where(*key)).scalar()
    if had is None:
        con.execute(sa.insert(CLAIM).values(task_id=row.id, who=person.name, since=stamp(now), until=until))
    else:
        con.execute(
            sa.update(CLAIM).where(*key).values(until=until, **({} if had > stamp(now) else {"since": stamp(now)}))
        )
    if had is None or had <= stamp(now):
        note(con, row.id, "claimed", person.name, now, until=until)
    return True


def claim(review: Review, task_id: int, person: Person, now: datetime) -> None:
    """Take one certain task. Raises `ReviewError` when somebody else has it in hand or it is not for this person."""
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        kind = review.kind(row.kind)
        if words := _refusal(con, kind, row, person, now):
            raise NotAllowedError(f"Task {task_id} cannot be taken: {words}", hint="Take the next one.")
        _hold(con, kind, row, person, now)


def release(review: Review, task_id: int, person: Person, now: datetime) -> None:
    """Give a task back; what was entered stays as a draft. Does nothing when the person does not hold it."""
    with review.writing() as con:
        row_of(con, task_id, lock=True)
        let_go(con, task_id, person.name, now, "released")


def let_go(con: sa.Connection, task_id: int, who: str, now: datetime, word: str = "") -> None:
    """Remove a claim, within a transaction; `word` names the event, none when an answer says it already."""
    done = con.execute(sa.delete(CLAIM).where(CLAIM.c.task_id == task_id, CLAIM.c.who == who))
    if done.rowcount and word:
        note(con, task_id, word, who, now)


def save_draft(review: Review, task_id: int, person: Person, seen: str, content: dict[str, Any], now: datetime) -> None:
    """Keep a half-finished answer: anything of the form, per person, until they decide. Nothing of it is checked."""
    values = {"seen_hash": seen[:64], "content": plain(content), "at": stamp(now)}
    if len(str(values["content"])) > 200_000:
        raise ReviewError("This draft is too long to be kept.", hint="Shorten it.")
    key = (DRAFT.c.task_id == task_id, DRAFT.c.who == person.name)
    with review.writing() as con:
        row_of(con, task_id, lock=True)
        if not con.execute(sa.update(DRAFT).where(*key).values(**values)).rowcount:
            con.execute(sa.insert(DRAFT).values(task_id=task_id, who=person.name, **values))


def assign(review: Review, task_id: int, to: str | None, by: Person, now: datetime, reason: str = "") -> None:
    """Give a task to somebody, or to nobody in particular (`None`). Raises `NotAllowedError`, `ReviewError`."""
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        kind = review.kind(row.kind)
        if to != by.name and not by.may(kind.file.who.assign):
            raise NotAllowedError(
                f"Giving tasks to others needs the role {kind.file.who.assign}.", hint="Ask a steward."
            )
        if row.state in ("decided", "withdrawn"):
            raise ReviewError(f"Task {task_id} is {row.state}; nobody needs it.", hint="Take the next one.")
        if to == by.name and row.assigned_to not in (None, by.name) and not by.may(kind.file.who.assign):
            raise NotAllowedError(f"Task {task_id} was given to {row.assigned_to}.", hint="Ask who gave it.")
        if to is not None:
            con.execute(sa.delete(CLAIM).where(CLAIM.c.task_id == task_id, CLAIM.c.who != to))
        con.execute(sa.update(TASK).where(TASK.c.id == task_id).values(assigned_to=to, changed_at=stamp(now)))
        note(con, task_id, "assigned", by.name, now, reason, to=to, before=row.assigned_to)


def snooze(review: Review, task_id: int, person: Person, until: datetime | None, reason: str, now: datetime) -> None:
    """Put a task off until a moment ("do not call until"); `None` wakes it. Needs a reason; nobody gets it before then."""
    if until is not None and not reason.strip():
        raise ReviewError("Say why it has to wait.", hint="The next person will want to know.")
    if until is not None and until <= now:
        raise ReviewError("It can only be put off to a later day.", hint="Choose a day that is still to come.")
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        if not person.may(review.kind(row.kind).file.who.decide):
            raise NotAllowedError("Your role may not put this off.", hint="Ask a steward.")
        text = stamp(until) if until else None
        con.execute(sa.update(TASK).where(TASK.c.id == task_id).values(snoozed_until=text, changed_at=stamp(now)))
        note(con, task_id, "snoozed" if until else "woken", person.name, now, reason, until=text)
        let_go(con, task_id, person.name, now)


def contacted(
    review: Review, task_id: int, person: Person, channel: str, outcome: str, text: str, now: datetime
) -> None:
    """Log that somebody was asked, how, and what came of it. Raises `ReviewError` for a word the kind does not list."""
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        file = review.kind(row.kind).file
        if not person.may(file.who.decide):
            raise NotAllowedError("Your role may not log contacts here.", hint="Ask a steward.")
        for word, words in ((channel, file.contact_channels), (outcome, file.contact_outcomes)):
            if word not in words:
                raise ReviewError(f"'{word}' is not listed.", hint=f"Valid here: {', '.join(words) or 'nothing'}.")
        note(con, task_id, "contact", person.name, now, text[:5000], channel=channel, outcome=outcome)
