"""Decisions as a source like any other: what counts is landed as bytes, checked by a contract, built and released.

Belongs here: which decisions count now, and landing them for a `DecisionSource`. Does not belong here: checking or building.

Only what is final lands: after all raters, approval, adjudication. A decision stays in force until a later one replaces it, also
while its question is open again; `is_current` says whether the question is still the one that was answered. Before the bytes are
written, the decisions in them are marked as taken up, so that nobody can undo what a run may already have read. The same
decisions give the same bytes, however often a run is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from civicops.database import stamp
from civicops.ingest.landing import Landing
from civicops.ingest.values import DecisionSource, FetchResult
from civicops.review.kinds import Kind
from civicops.review.room import Review, taken_up
from civicops.review.tables import DECISION, EVENT, LANDED, SUGGESTION, TASK
from civicops.review.values import canonical


def land_decisions(
    review: Review, source: DecisionSource, landing: Landing, product: str, now: datetime
) -> FetchResult:
    """Land what a source of decisions holds now as a full delivery; none when it is as it was.

    Raises `KindError` for an unknown kind, `LandingError` when the bytes cannot be written.
    """
    kind = review.kind(f"{product}.{source.kind}")
    with landing.fetching(product, source.name):
        match source.what:
            case "decisions" | "ratings":
                rows = take_up(review, kind, now, source.what)
            case what:
                rows = _OTHERS[what](review, kind)
        content = "".join(canonical(row) + "\n" for row in rows).encode("utf-8", "replace")
        live = landing.live(product, source.name)
        if not content and not live:
            return FetchResult(None, live)
        landed = landing.put(product, source.name, content, "ndjson", url=f"review:{kind.id}/{source.what}")
        if live and [item.sha256 for item in live[-1].objects] == ([landed.sha256] if content else []):
            return FetchResult(None, live)
        part = landing.begin(product, source.name, {"connector": "review"})
        if content:
            part = landing.add(part, landed)
        delivery = landing.complete(part, part.delivery(kind="full"))
        return FetchResult(delivery, landing.live(product, source.name))


def take_up(
    review: Review, kind: Kind, now: datetime, what: Literal["decisions", "ratings"] = "decisions"
) -> list[dict[str, Any]]:
    """The decisions that count, one row per task in the order of the tasks, and from now on none of them can be undone.

    With `ratings` every answer of the rounds that are over (`ratings`): a run that reads those acts on them just as well.
    """
    with review.writing() as con:
        before = taken_up(con, kind.id)
        rows = list(_effective(con, kind)) if what == "decisions" else _ratings(con, kind)
        newest = con.execute(sa.select(sa.func.max(DECISION.c.id)).where(DECISION.c.kind == kind.id)).scalar() or 0
        if newest > before:
            con.execute(sa.update(LANDED).where(LANDED.c.kind == kind.id).values(decision_id=newest, at=stamp(now)))
    return rows


def effective(review: Review, kind: Kind) -> list[dict[str, Any]]:
    """The decisions that count, as `take_up` gives them, without taking them up."""
    with review.reading() as con:
        return list(_effective(con, kind))


def _effective(con: sa.Connection, kind: Kind) -> Iterator[dict[str, Any]]:
    approvals: dict[tuple[int, int], Any] = {}
    query = (
        sa.select(DECISION).where(DECISION.c.kind == kind.id, DECISION.c.outcome == "approve").order_by(DECISION.c.id)
    )
    for row in con.execute(query):
        approvals[row.task_id, row.round] = row
    query = (
        sa.select(
            DECISION, TASK.c.subject, TASK.c.record, TASK.c.state, TASK.c.confidence, TASK.c.content_hash.label("asked_hash"),
        )
        .join(TASK, TASK.c.decision_id == DECISION.c.id)
        .where(TASK.c.kind == kind.id)
        .order_by(TASK.c.id)
    )  # fmt: skip
    for row in con.execute(query):
        approval = approvals.get((row.task_id, row.round))
        yield {
            "task_id": row.task_id, "decision_id": row.id, "round": row.round, "subject": row.subject,
            "record_id": row.record, "outcome_code": row.outcome, "reason": row.reason or None,
            "decided_by": row.who, "decided_at": _moment(row.at),
            "approved_by": approval.who if approval else None, "approved_at": _moment(approval.at) if approval else None,
            "content_hash": row.content_hash, "seen_hash": row.seen_hash, "confidence": row.confidence,
            "is_automatic": row.stage == "automatic", "is_withdrawn": row.state == "withdrawn",
            "is_current": row.state == "decided" or row.asked_hash == row.content_hash,
            **_values(kind, row.value),
        }  # fmt: skip


def ratings(review: Review, kind: Kind) -> list[dict[str, Any]]:
    """Every answer, approval and automatic acceptance in rounds that are over, in the order of the log.

    What was answered in a round that still goes on is left out: raters would read in a release what others said.
    """
    with review.reading() as con:
        return _ratings(con, kind)


def _ratings(con: sa.Connection, kind: Kind) -> list[dict[str, Any]]:
    undone: set[int] = set(con.execute(sa.select(DECISION.c.undoes).where(DECISION.c.undoes.is_not(None))).scalars())
    query = (
        sa.select(DECISION, TASK.c.subject, TASK.c.record)
        .join(TASK, TASK.c.id == DECISION.c.task_id)
        .where(DECISION.c.kind == kind.id, DECISION.c.outcome != "undo")
        .where(sa.or_(DECISION.c.round != TASK.c.round, TASK.c.state == "decided"))
        .order_by(DECISION.c.id)
    )
    return [
        {
            "rating_id": row.id, "task_id": row.task_id, "round": row.round, "subject": row.subject,
            "record_id": row.record, "stage_code": row.stage, "outcome_code": row.outcome,
            "rated_by": row.who, "rated_at": _moment(row.at),
            "reason": row.reason or None, "seconds": row.seconds, "content_hash": row.content_hash,
            "seen_hash": row.seen_hash, "is_undone": row.id in undone, **_values(kind, row.value),
        }
        for row in con.execute(query)
    ]  # fmt: skip


def contacts(review: Review, kind: Kind) -> list[dict[str, Any]]:
    """Every logged attempt to reach somebody, in the order of the log. Who tried, and what they noted, stays in review."""
    query = (
        sa.select(EVENT.c.id, EVENT.c.task_id, EVENT.c.at, EVENT.c.content, TASK.c.subject, TASK.c.record)
        .join(TASK, TASK.c.id == EVENT.c.task_id)
        .where(TASK.c.kind == kind.id, EVENT.c.kind == "contact")
        .order_by(EVENT.c.id)
    )
    with review.reading() as con:
        return [
            {
                "contact_id": row.id, "task_id": row.task_id, "subject": row.subject, "record_id": row.record,
                "contacted_at": _moment(row.at), "channel_code": row.content["channel"], "outcome_code": row.content["outcome"],
            }
            for row in con.execute(query)
        ]  # fmt: skip


def suggestions(review: Review, kind: Kind) -> list[dict[str, Any]]:
    """That the public sent something in, in the order of arrival: about which record and which columns.

    What they wrote counts once somebody has accepted it, and then comes as a decision; who they are never comes.
    """
    query = (
        sa.select(SUGGESTION.c.id, SUGGESTION.c.task_id, SUGGESTION.c.at, SUGGESTION.c.content, SUGGESTION.c.subject)
        .add_columns(TASK.c.record, TASK.c.subject.label("asked"))
        .join(TASK, TASK.c.id == SUGGESTION.c.task_id)
        .where(SUGGESTION.c.kind == kind.id)
        .order_by(SUGGESTION.c.id)
    )
    with review.reading() as con:
        return [
            {
                "suggestion_id": row.id, "task_id": row.task_id, "subject": row.asked, "record_id": row.record,
                "suggested_at": _moment(row.at), "column_names": ", ".join(sorted(row.content["fields"])) or None,
                "is_correction": bool(row.subject),
            }
            for row in con.execute(query)
        ]  # fmt: skip


def open_tasks(review: Review, kind: Kind) -> list[dict[str, Any]]:
    """Tasks that somebody was given (`assigned`), or whose answer waits for approval or adjudication (`submitted`), by number.

    Neither who has them nor what was answered: that is not final.
    """
    given = _last(EVENT, EVENT.c.kind == "assigned")
    answered = _last(DECISION, sa.and_(DECISION.c.round == TASK.c.round, DECISION.c.outcome != "undo"))
    waits = TASK.c.state.in_(("submitted", "disputed"))
    query = (
        sa.select(TASK, given.label("given_at"), answered.label("answered_at"), waits.label("waits"))
        .where(TASK.c.kind == kind.id)
        .where(waits | ((TASK.c.state == "open") & TASK.c.assigned_to.is_not(None)))
        .order_by(TASK.c.id)
    )
    with review.reading() as con:
        return [
            {
                "task_id": row.id, "subject": row.subject, "record_id": row.record,
                "state_code": "submitted" if row.waits else "assigned",
                "since_at": _moment((row.answered_at if row.waits else row.given_at) or row.opened_at),
            }
            for row in con.execute(query)
        ]  # fmt: skip


def _last(table: sa.Table, condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """When the last such thing happened to a task."""
    return (
        sa.select(sa.func.max(table.c.at))
        .where(table.c.task_id == TASK.c.id, condition)
        .correlate(TASK)
        .scalar_subquery()
    )


_OTHERS: Mapping[str, Callable[[Review, Kind], list[dict[str, Any]]]] = {
    "contacts": contacts,
    "suggestions": suggestions,
    "open": open_tasks,
}
"""What else than decisions can be landed; nothing of it is taken up, so it can still be taken back."""


def _moment(text: str) -> str:
    """As contracts read moments in UTC: `%Y-%m-%dT%H:%M:%S.%fZ`."""
    return text.removesuffix("+00:00") + "Z"


def _values(kind: Kind, value: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns of the kind, all of them, and what a merge or split is about."""
    found = value or {}
    names: Iterable[str] = (field.name for field in kind.fields)
    groups = {name: found.get(name) for name in ("members", "parts") if {"merge", "split"} & set(kind.file.decisions)}
    return {name: found.get(name) for name in names} | groups
