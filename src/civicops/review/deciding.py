"""Decisions: answering, approving, adjudicating, taking back, asking again.

Belongs here: what writes to the log of decisions on behalf of a person. Does not belong here: what the log comes to (`rules`).

A decision names the hash of what its maker saw. When the task is about something else by then, nothing is decided, and the error
carries both versions: no update is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from civicops.contracts.problems import nearest
from civicops.database import stamp
from civicops.review import rules
from civicops.review.forms import FormError, checked
from civicops.review.kinds import Kind
from civicops.review.people import Person
from civicops.review.room import (
    Review,
    decision_of,
    key_of,
    log_of,
    next_round,
    note,
    row_of,
    settle_row,
    taken_up,
    tell,
    version_of,
)
from civicops.review.tables import DECISION, DRAFT, EVENT, TASK, VERSION
from civicops.review.taking import let_go
from civicops.review.values import (
    ConflictError,
    Decision,
    NotAllowedError,
    ReviewError,
    State,
    canonical,
    difference,
    plain,
)

MAX_REASON = 5_000
MAX_SECONDS = 86_400.0


@dataclass(frozen=True)
class Decided:
    """What an answer did."""

    decision_id: int
    task_id: int
    state: State
    """The task's state after it."""
    left: int
    """Ratings that are still missing."""


def decide(
    review: Review,
    task_id: int,
    person: Person,
    *,
    outcome: str,
    seen: str,
    now: datetime,
    value: Mapping[str, Any] | None = None,
    reason: str = "",
    seconds: float | None = None,
) -> Decided:
    """Answer a task, or approve or adjudicate it, whichever it waits for.

    `seen` is the hash of what the person was shown (`TaskView.seen`). `value`: for `edit` the columns that differ from the
    suggestion; for `merge` and `split` also `members` (ids to join) or `parts` (lists of ids). `seconds`: how long it took.

    Raises `ConflictError` when the task has changed since, `NotAllowedError`, `FormError` for values that the contract does
    not allow, `ReviewError` for the rest; then nothing is decided.
    """
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        kind = review.kind(row.kind)
        version = _version_seen(con, row, seen)
        log = log_of(con, task_id, row.round)
        so_far = rules.settle(kind.file, row.needed, log)
        _refuse_second_editor(kind, row.state, so_far.effective, person, outcome, value)
        part, words = rules.part_of(kind.file, row.state, so_far.people, row.filed_by, person)
        if part is None:
            raise NotAllowedError(f"Nothing was decided on task {task_id}. {words}", hint="Take the next one.")
        if row.assigned_to not in (None, person.name) and not person.may(kind.file.who.assign):
            raise NotAllowedError(f"Task {task_id} was given to {row.assigned_to}.", hint="Ask who gave it.")
        choices = rules.allowed(kind.file, part)
        if outcome not in choices:
            raise ReviewError(
                f"'{outcome}' cannot be answered here; {nearest(outcome, choices)}", hint="Nothing was decided."
            )
        if rules.needs_reason(kind.file, outcome) and not reason.strip():
            raise ReviewError(f"'{outcome}' needs a reason.", hint="Say why in a few words; nothing was decided.")
        outcome, full = _answer(kind, outcome, version.content, value)
        made = _write(
            con, row, person.name, now, stage=rules.stage_of(part), outcome=outcome, value=full, reason=reason.strip(),
            seconds=seconds, content_hash=version.content_hash, seen_hash=version.seen_hash,
        )  # fmt: skip
        settled = settle_row(con, kind, row, now)
        if settled.state == "decided" and settled.effective is not None:
            note(con, task_id, "decided", person.name, now, round=row.round, decision_id=settled.effective.id)
        elif settled.state == "disputed" and row.state != "disputed":
            why = "Raters disagree." if not settled.left else "Too many could not tell."
            note(con, task_id, "escalated", person.name, now, why, to=kind.file.escalation.to)
        let_go(con, task_id, person.name, now)
        con.execute(sa.delete(DRAFT).where(DRAFT.c.task_id == task_id, DRAFT.c.who == person.name))
        return Decided(made, task_id, settled.state, settled.left)


def _version_seen(con: sa.Connection, row: Any, seen: str) -> Any:
    """The version with that hash; `ConflictError` when the task is about something else now."""
    query = (
        sa.select(VERSION).where(VERSION.c.task_id == row.id, VERSION.c.seen_hash == seen).order_by(VERSION.c.id.desc())
    )
    version = con.execute(query.limit(1)).first()
    now = version_of(con, row.version_id)
    if version is None or version.content_hash != row.content_hash:
        before = version.content if version is not None else None
        raise ConflictError(before, now.content, difference(before, now.content))
    return version


def _refuse_second_editor(
    kind: Kind, state: str, theirs: Decision | None, person: Person, outcome: str, mine: Mapping[str, Any] | None
) -> None:
    """Somebody else answered while this person was at it: a conflict that shows both answers."""
    if state not in ("decided", "submitted") or theirs is None or theirs.who == person.name:
        return
    if outcome not in kind.file.decisions:
        return
    yours, value = dict(mine or {}), dict(theirs.value or {})
    changes: dict[str, Any] = {
        name: [yours[name], value.get(name)] for name in yours if canonical(yours[name]) != canonical(value.get(name))
    }
    if outcome != theirs.outcome:
        changes["outcome"] = [outcome, theirs.outcome]
    raise ConflictError({"outcome": outcome, "value": yours}, {"outcome": theirs.outcome, "value": value}, changes)


def _answer(
    kind: Kind, outcome: str, content: Mapping[str, Any], given: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any] | None]:
    """The outcome and the full value of it. An edit that changes nothing is an acceptance."""
    if outcome in ("reject", "abstain", "approve", "request_changes"):
        return outcome, None
    current, proposed = content["current"], content["proposed"]
    base = {field.name: proposed.get(field.name, current.get(field.name)) for field in kind.fields}
    entered = dict(given or {})
    groups: dict[str, Any] = {}
    if outcome in ("merge", "split"):
        groups = _groups(outcome, entered, content["members"])
        return outcome, {**checked(kind.fields, base | entered), **groups}
    if outcome == "accept":
        return outcome, checked(kind.fields, base)
    full = checked(kind.fields, base | entered)
    try:
        is_same = bool(proposed) and canonical(full) == canonical(checked(kind.fields, base))
    except FormError:
        is_same = False
    return ("accept" if is_same and "accept" in kind.file.decisions else "edit"), full


def _groups(outcome: str, entered: dict[str, Any], members: list[str]) -> dict[str, Any]:
    """Which of the members are joined, or how they are taken apart; sorted, so that equal answers look alike."""
    if outcome == "merge":
        chosen = sorted({str(item) for item in entered.pop("members", members) or ()})
        if len(chosen) < 2 or set(chosen) - set(members):
            raise FormError({"members": "at least two of those that the task is about are needed"})
        return {"members": chosen}
    parts = sorted(sorted({str(item) for item in part}) for part in entered.pop("parts", ()) or () if part)
    flat = [item for part in parts for item in part]
    if len(parts) < 2 or sorted(flat) != sorted(set(members)):
        raise FormError({"parts": "each of those that the task is about belongs to exactly one of at least two parts"})
    return {"parts": parts}


def _write(
    con: sa.Connection,
    row: Any,
    who: str,
    now: datetime,
    *,
    stage: str,
    outcome: str,
    value: Mapping[str, Any] | None,
    reason: str,
    seconds: float | None,
    content_hash: str,
    seen_hash: str,
    undoes: int | None = None,
) -> int:
    if len(reason) > MAX_REASON or "\0" in reason:
        raise ReviewError(f"A reason has at most {MAX_REASON:,} characters.", hint="Shorten it; nothing was decided.")
    took = None if seconds is None else min(max(float(seconds), 0.0), MAX_SECONDS)
    kept = None if value is None else plain(value)
    number = key_of(con.execute(
        sa.insert(DECISION).values(
            task_id=row.id, kind=row.kind, round=row.round, stage=stage, outcome=outcome, who=who, at=stamp(now),
            value=kept, reason=reason, seconds=took, content_hash=content_hash, seen_hash=seen_hash, undoes=undoes,
        )
    ))  # fmt: skip
    said = {
        "kind": row.kind, "task_id": row.id, "decision_id": number, "round": row.round, "stage": stage, "outcome": outcome,
        "content_hash": content_hash, "seen_hash": seen_hash, "undoes": undoes,
    }  # fmt: skip
    personal = {"reason": reason, "value": "" if kept is None else canonical(kept)}
    tell(
        con,
        "decision",
        who,
        f"review/task/{row.id}",
        now,
        key=f"review/decision/{number}",
        content=said,
        personal=personal,
    )
    return number


def record_automatic(con: sa.Connection, kind: Kind, row: Any, who: str, now: datetime, reason: str) -> Decision:
    """Log that a suggestion was accepted without a person, within a transaction that has locked the row."""
    version = version_of(con, row.version_id)
    _, full = _answer(kind, "accept", version.content, None)
    made = _write(
        con, row, who, now, stage="automatic", outcome="accept", value=full, reason=reason, seconds=None,
        content_hash=version.content_hash, seen_hash=version.seen_hash,
    )  # fmt: skip
    settle_row(con, kind, row, now)
    note(con, row.id, "decided", who, now, round=row.round, decision_id=made, is_automatic=True)
    return decision_of(con.execute(sa.select(DECISION).where(DECISION.c.id == made)).one())


def undo(review: Review, task_id: int, person: Person, now: datetime) -> Decided:
    """Take back one's own last answer, as long as no run has taken it up. It stays in the log; the task is open again.

    Raises `ReviewError` when there is nothing to take back or it is too late.
    """
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        kind = review.kind(row.kind)
        live = rules.living(log_of(con, task_id, row.round))
        mine = next((item for item in reversed(live) if item.who == person.name), None)
        if mine is None:
            raise ReviewError(
                f"You have decided nothing on task {task_id} that could be taken back.", hint="Look at its log."
            )
        if any(item.id > mine.id and item.stage != "rating" for item in live):
            raise ReviewError("Somebody has judged your answer since; it cannot be taken back.", hint="Ask them.")
        if row.state == "decided" and mine.id <= taken_up(con, row.kind):
            raise ReviewError(
                "A run has taken this decision up; it cannot be taken back.",
                hint="Ask the question again (reopen) and decide anew; the old decision counts until then.",
            )
        made = _write(
            con, row, person.name, now, stage=mine.stage, outcome="undo", value=None, reason="", seconds=None,
            content_hash=mine.content_hash, seen_hash=mine.seen_hash, undoes=mine.id,
        )  # fmt: skip
        settled = settle_row(con, kind, row, now)
        if row.state == "decided" and settled.state != "decided":
            before = _decided_before(con, row)
            con.execute(sa.update(TASK).where(TASK.c.id == task_id).values(**before))
        return Decided(made, task_id, settled.state, settled.left)


def _decided_before(con: sa.Connection, row: Any) -> dict[str, Any]:
    """The decision of an earlier round that counts again, or none."""
    query = sa.select(EVENT).where(EVENT.c.task_id == row.id, EVENT.c.kind == "decided").order_by(EVENT.c.id.desc())
    for event in con.execute(query):
        if event.content["round"] < row.round:
            return {"decision_id": event.content["decision_id"], "decided_at": event.at}
    return {"decision_id": None, "decided_at": None}


def reopen(review: Review, task_id: int, person: Person, reason: str, now: datetime) -> None:
    """Ask a decided question again; the old decision counts until there is a new one.

    Needs the role that adjudicates, and a reason. Raises `NotAllowedError`, `ReviewError`.
    """
    if not reason.strip():
        raise ReviewError("Say why it has to be asked again.", hint="The next person will want to know.")
    with review.writing() as con:
        row = row_of(con, task_id, lock=True)
        kind = review.kind(row.kind)
        if not person.may(kind.file.who.adjudicate):
            raise NotAllowedError(f"Asking again needs the role {kind.file.who.adjudicate}.", hint="Ask a steward.")
        if row.state != "decided":
            raise ReviewError(f"Task {task_id} is {row.state}, not decided.", hint="It can be answered as it is.")
        number = next_round(con, row)
        con.execute(
            sa.update(TASK)
            .where(TASK.c.id == task_id)
            .values(
                state="open", round=number, needed=kind.file.raters, left=kind.file.raters, is_audit=False,
                opened_at=stamp(now), changed_at=stamp(now),
            )
        )  # fmt: skip
        note(con, task_id, "reopened", person.name, now, reason.strip(), round=number, before=row.content_hash)
