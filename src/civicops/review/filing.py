"""Filing tasks: what a pipeline asks becomes rows, once, however often it is asked.

Belongs here: new tasks, new versions of old ones, opening again, withdrawing. Does not belong here: what a product asks
(`products/<product>/reviews.py`, called by `asked`), or answers.

Safe to kill and repeat: every batch is a transaction, a task is found again by its kind and subject, and half-finished answers
and decisions are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa

from civicops.database import stamp
from civicops.errors import CivicopsError
from civicops.review import order
from civicops.review.forms import FormError, checked
from civicops.review.kinds import Kind
from civicops.review.people import ITSELF
from civicops.review.room import Review, key_of, next_round, note, tell, version_of
from civicops.review.tables import DECISION, EVENT, TASK, VERSION
from civicops.review.values import TaskDraft, canonical, difference, hash_of

Origin = Literal["pipeline", "public", "person"]
BATCH = 500


class FilingError(CivicopsError):
    """A product asks something that cannot be asked."""


@dataclass(frozen=True)
class Filed:
    """What one filing came to, in numbers of tasks. `ids`: subject to task, of those that were asked for."""

    new: int = 0
    changed: int = 0
    """Open ones that are about something else now."""
    reopened: int = 0
    refreshed: int = 0
    """Same question, newer evidence or priority."""
    same: int = 0
    withdrawn: int = 0
    ids: Mapping[str, int] = ()  # type: ignore[assignment]


def file_tasks(
    review: Review,
    kind: Kind,
    drafts: Iterable[TaskDraft],
    now: datetime,
    *,
    run_id: str = "",
    is_complete: bool = True,
    origin: Origin = "pipeline",
) -> Filed:
    """File drafts of one kind. With `is_complete` they are all there are: open tasks of the pipeline that are not among them
    are withdrawn.

    Raises `FilingError` for two drafts with one subject or a suggestion with columns the kind does not have; whole batches
    before it stay filed, and filing again goes on from there.
    """
    counts = dict.fromkeys(("new", "changed", "reopened", "refreshed", "same"), 0)
    ids: dict[str, int] = {}
    stream = iter(drafts)
    while batch := list(islice(stream, BATCH)):
        for draft in batch:
            _check(kind, draft, ids)
            ids[draft.subject] = 0
        with review.writing() as con:
            known = _known(con, kind, [draft.subject for draft in batch])
            fresh = [draft for draft in batch if draft.subject not in known]
            ids |= _insert(con, review, kind, fresh, now, run_id, origin)
            counts["new"] += len(fresh)
            for draft in batch:
                if (row := known.get(draft.subject)) is not None:
                    ids[draft.subject] = row.id
                    counts[_update(con, review, kind, row, draft, now, run_id)] += 1
    withdrawn = _withdraw(review, kind, set(ids), now) if is_complete else 0
    found = Filed(**counts, withdrawn=withdrawn, ids=ids)
    if found.new or found.changed or found.reopened or found.withdrawn:
        said = {"kind": kind.id, "origin": origin, "run_id": run_id, "withdrawn": withdrawn, **counts}
        with review.writing() as con:
            key = f"review/filed/{kind.id}/{stamp(now)}/{hash_of(said)[:16]}"
            tell(con, "task", ITSELF, f"review/{kind.id}", now, key=key, content=said)
    return found


def file_within(con: sa.Connection, review: Review, kind: Kind, draft: TaskDraft, now: datetime, origin: Origin) -> int:
    """File one draft as part of a transaction; gives its number. Raises `FilingError`."""
    _check(kind, draft, {})
    row = _known(con, kind, [draft.subject]).get(draft.subject)
    if row is None:
        return _insert(con, review, kind, [draft], now, "", origin)[draft.subject]
    _update(con, review, kind, row, draft, now, "")
    return int(row.id)


def _check(kind: Kind, draft: TaskDraft, before: Mapping[str, int]) -> None:
    where = f"Task '{draft.subject}' of {kind.id}"
    if draft.subject in before:
        raise FilingError(f"{where} is filed twice in one run.", hint="A subject stands for one question.")
    names = {field.name for field in kind.fields}
    for part in (draft.proposed, *(choice.value for choice in draft.choices)):
        if stray := sorted(set(part) - names):
            raise FilingError(
                f"{where} suggests '{stray[0]}', which is not among the columns of the kind.",
                hint=f"It has: {', '.join(sorted(names))}.",
            )


def _known(con: sa.Connection, kind: Kind, subjects: Sequence[str]) -> dict[str, Any]:
    """Tasks about some subjects, locked, each with the hashes of the version it shows."""
    query = (
        sa.select(TASK, VERSION.c.content_hash.label("old_content_hash"), VERSION.c.seen_hash.label("old_seen_hash"))
        .join(VERSION, VERSION.c.id == TASK.c.version_id)
        .where(TASK.c.kind == kind.id, TASK.c.subject.in_(subjects))
        .order_by(TASK.c.id)
        .with_for_update(of=TASK)
    )
    return {row.subject: row for row in con.execute(query)}


def _insert(
    con: sa.Connection,
    review: Review,
    kind: Kind,
    drafts: Sequence[TaskDraft],
    now: datetime,
    run_id: str,
    origin: Origin,
) -> dict[str, int]:
    """New tasks, their first versions and events; subject to number."""
    if not drafts:
        return {}
    at = stamp(now)
    made: list[dict[str, Any]] = []
    for draft in drafts:
        content_hash, _ = draft.hashes
        needed = _needed(review, kind, draft.subject, 1, content_hash)
        made.append({
            "kind": kind.id, "subject": draft.subject, "record": draft.record or draft.subject, "origin": origin,
            "filed_by": draft.filed_by, "state": "open", "round": 1, "content_hash": content_hash, "needed": needed,
            "left": needed, "is_audit": False, "filed_at": at, "opened_at": at, "changed_at": at,
            **_priority(kind, draft, now, now),
        })  # fmt: skip
    returning = sa.insert(TASK).returning(TASK.c.id, sort_by_parameter_order=True)
    numbers: Sequence[int] = con.execute(returning, made).scalars().all()
    rows = [_version_row(number, 1, draft, now, run_id) for number, draft in zip(numbers, drafts, strict=True)]
    versions: Sequence[int] = (
        con.execute(sa.insert(VERSION).returning(VERSION.c.id, sort_by_parameter_order=True), rows).scalars().all()
    )
    places = [{"task": number, "version": version} for number, version in zip(numbers, versions, strict=True)]
    first = sa.update(TASK).where(TASK.c.id == sa.bindparam("task")).values(version_id=sa.bindparam("version"))
    con.execute(first, places)
    events = [
        {"task_id": number, "kind": "filed", "who": draft.filed_by or ITSELF, "at": at, "text": "",
         "content": {"run_id": run_id, "content_hash": task["content_hash"]}}
        for number, draft, task in zip(numbers, drafts, made, strict=True)
    ]  # fmt: skip
    con.execute(sa.insert(EVENT), events)
    return {draft.subject: number for draft, number in zip(drafts, numbers, strict=True)}


def _update(
    con: sa.Connection, review: Review, kind: Kind, row: Any, draft: TaskDraft, now: datetime, run_id: str
) -> str:
    content_hash, seen_hash = draft.hashes
    opened = datetime.fromisoformat(row.opened_at)
    values = _priority(kind, draft, opened, now)
    if row.old_content_hash == content_hash and row.state != "withdrawn":
        word = "same" if row.old_seen_hash == seen_hash else "refreshed"
        if word == "refreshed":
            values["version_id"] = _version(con, row.id, row.round, draft, now, run_id)
        if draft.due_at is None and row.due_at:  # what was reckoned once stays until the question is another one
            values["due_at"] = row.due_at
        if row.is_audit:
            values.pop("rank")
        if any(getattr(row, name) != value for name, value in values.items()):
            con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(**values))
        return word
    changes = difference(version_of(con, row.version_id).content, draft.content)
    decided = con.execute(sa.select(DECISION).where(DECISION.c.id == row.decision_id)).first()
    if decided is not None and decided.content_hash == content_hash:
        values |= {
            "state": "decided", "round": decided.round, "left": 0, "content_hash": content_hash, "changed_at": stamp(now),
            "version_id": _version(con, row.id, decided.round, draft, now, run_id), "assigned_to": None, "escalated_to": None,
        }  # fmt: skip
        con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(**values))
        note(con, row.id, "restored", ITSELF, now, "It is again what was decided upon.", run_id=run_id, changes=changes)
        return "refreshed"
    if row.state == "decided" and decided is not None and _is_what_was_decided(kind, decided, draft):
        values["version_id"] = _version(con, row.id, row.round, draft, now, run_id)
        con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(**values, content_hash=content_hash))
        note(con, row.id, "followed", ITSELF, now, "The data now say what was decided.", run_id=run_id, changes=changes)
        return "refreshed"
    number = next_round(con, row)
    needed = _needed(review, kind, draft.subject, number, content_hash)
    values |= {
        "state": "open", "round": number, "content_hash": content_hash, "needed": needed, "left": needed, "is_audit": False,
        "changed_at": stamp(now), "filed_by": draft.filed_by,
        "version_id": _version(con, row.id, number, draft, now, run_id),
    }  # fmt: skip
    is_again = row.state in ("decided", "withdrawn")
    if is_again:
        values |= {
            **_priority(kind, draft, now, now),
            "opened_at": stamp(now),
            "assigned_to": None,
            "escalated_to": None,
        }
    con.execute(sa.update(TASK).where(TASK.c.id == row.id).values(**values))
    note(
        con, row.id, "reopened" if is_again else "changed", ITSELF, now, run_id=run_id, changes=changes,
        before=row.old_content_hash, content_hash=content_hash, round=number,
    )  # fmt: skip
    return "reopened" if is_again else "changed"


def _is_what_was_decided(kind: Kind, decided: Any, draft: TaskDraft) -> bool:
    """Whether the data have only become what people decided, so that there is nothing to ask again."""
    if decided.value is None or decided.outcome not in ("accept", "edit"):
        return False
    names = [field.name for field in kind.fields]
    now_it_says = {name: draft.current.get(name) for name in names}
    suggested = {name: draft.proposed.get(name, draft.current.get(name)) for name in names}
    try:
        same = {canonical(checked(kind.fields, values)) for values in (now_it_says, suggested)}
    except FormError:
        return False
    return same == {canonical(decided.value)}


def _version(con: sa.Connection, task_id: int, round_: int, draft: TaskDraft, now: datetime, run_id: str) -> int:
    return key_of(con.execute(sa.insert(VERSION).values(**_version_row(task_id, round_, draft, now, run_id))))


def _version_row(task_id: int, round_: int, draft: TaskDraft, now: datetime, run_id: str) -> dict[str, Any]:
    content_hash, seen_hash = draft.hashes
    return {
        "task_id": task_id, "round": round_, "content_hash": content_hash, "seen_hash": seen_hash, "content": draft.content,
        "shown": draft.shown, "at": stamp(now), "run_id": run_id,
    }  # fmt: skip


def _priority(kind: Kind, draft: TaskDraft, opened: datetime, now: datetime) -> dict[str, Any]:
    """Title and all that decides when a task comes."""
    rule = kind.file.priority
    unsure = order.uncertainty(draft.confidence, [choice.confidence for choice in draft.choices])
    days = kind.file.due_days
    due = draft.due_at or (now + timedelta(days=days) if days is not None else None)
    return {
        "title": draft.title, "confidence": draft.confidence, "value": float(draft.value),
        "rank": order.rank(rule, unsure, draft.value, opened), "due_at": stamp(due) if due else None,
    }  # fmt: skip


def _needed(review: Review, kind: Kind, subject: str, round_: int, content_hash: str) -> int:
    """How many people answer: one more than usual for the share that is drawn."""
    share = kind.file.second_rating_share
    drawn = share > 0 and review.draw("second", kind.id, subject, round_, content_hash) < share
    return kind.file.raters + int(drawn)


def _withdraw(review: Review, kind: Kind, subjects: set[str], now: datetime) -> int:
    with review.reading() as con:
        query = sa.select(TASK.c.id, TASK.c.subject).where(TASK.c.kind == kind.id, TASK.c.origin == "pipeline")
        open_now = con.execute(query.where(TASK.c.state.in_(("open", "submitted", "disputed")))).all()
    gone = [row.id for row in open_now if row.subject not in subjects]
    for start in range(0, len(gone), BATCH):
        with review.writing() as con:
            for number in gone[start : start + BATCH]:
                done = con.execute(
                    sa.update(TASK)
                    .where(TASK.c.id == number, TASK.c.state.in_(("open", "submitted", "disputed")))
                    .values(state="withdrawn", changed_at=stamp(now), assigned_to=None, escalated_to=None)
                )
                if done.rowcount:
                    note(con, number, "withdrawn", ITSELF, now, "The pipeline no longer asks this.")
    return len(gone)


def file_by_hand(review: Review, kind: Kind, draft: TaskDraft, who: str, now: datetime) -> int:
    """A person files a task; gives its number. That person may not decide on it."""
    filed = file_tasks(review, kind, [replace(draft, filed_by=who)], now, is_complete=False, origin="person")
    return filed.ids[draft.subject]
