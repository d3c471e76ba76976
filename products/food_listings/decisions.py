"""Decisions of all sources as steps of the workflow: what was imported as approved, and answers to review tasks.

Belongs here: rows of accepted datasets -> `workflow.Step`. Does not belong here: what a step does (`workflow`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .workflow import COLUMNS_OF, Step

TEXT_LISTS = ("category_codes", "tag_names", "language_names", "other_phone_numbers")
"""Columns of a listing that are lists; in answers they are text, split by commas."""
ASKED_NOT_TO_CALL = "asked_not_to_call"
"""Outcome of a contact that also is a step: nobody calls there for a while."""
ROLE_OF_STAGE = {"rating": "data_entry", "approval": "coordinator", "adjudication": "admin", "automatic": "machine"}


def steps_of_decisions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Rows of `listing_decisions`."""
    for row in rows:
        version = row["restores_version"]
        yield Step(
            str(row["decision_id"]),
            row["listing_id"],
            row["event_code"],
            _utc(row["decided_at"]),
            row["role_code"],
            row["actor_id"],
            json.loads(row["content"] or "{}"),
            json.loads(row["confirmed_fields"] or "{}"),
            row["evidence"] or "",
            row["outcome_code"] or "",
            row["other_listing_id"] or "",
            int(version) if version else None,
            row["until_on"],
            row["reason"] or "",
        )


def steps_of_verifications(
    rows: Iterable[Mapping[str, Any]], columns: Iterable[str], quiet_days: int
) -> Iterator[Step]:
    """Rows of `verify_answers`: a rating is a submission, an approval approves what was submitted in its round.

    A question of its own about a listing (its subject is not the listing's) came from outside and says only what is different:
    what is empty in its answer stays as it is, unless somebody confirmed that there is none. `quiet_days`: how long nobody
    calls where they asked for it without naming a day.
    """
    names = tuple(columns)
    for row in rows:
        if row["is_undone"] or row["outcome_code"] == "abstain":
            continue
        stage, outcome = row["stage_code"], row["outcome_code"]
        event = {"approve": "approved", "request_changes": "changes_requested", "reject": "rejected"}.get(outcome)
        if event is None:
            event = "submitted" if stage == "rating" else "approved"
        listing = row["record_id"] or row["subject"]
        is_partial = listing != row["subject"]
        content = {} if event in ("changes_requested", "rejected") else content_of(row, names)
        if is_partial:
            content = _said(content, listed(row["confirmed_none_fields"]))
        confirmed = dict.fromkeys(listed(row["confirmed_fields"]), "has_value") | dict.fromkeys(
            listed(row["confirmed_none_fields"]), "none"
        )
        if event == "approved" and outcome == "approve":
            content, confirmed = {}, {}  # it approves what was submitted; that carries them
        step = Step(
            f"verify:{row['rating_id']}",
            listing,
            event,
            _utc(row["rated_at"]),
            ROLE_OF_STAGE.get(stage, "data_entry"),
            row["rated_by"],
            content,
            confirmed,
            row["evidence_code"] or "",
            reason=row["reason"] or "",
            question=f"task:{row['task_id']}",
            is_partial=is_partial,
        )
        yield step
        if row["is_do_not_call"]:
            yield _quiet(step, quiet_days, row["do_not_call_until_on"])


def _said(content: Mapping[str, Any], none: Iterable[str]) -> dict[str, Any]:
    """What an answer about a part of a listing says."""
    gone = {column for name in none for column in COLUMNS_OF.get(name, ())}
    return {name: value for name, value in content.items() if name in gone or value not in (None, "", [])}


def _quiet(step: Step, days: int, until: Any = None) -> Step:
    """Nobody calls from this step on, until the day that was named or for so many days."""
    day = until or (step.decided_at + timedelta(days=days)).date()
    role, actor = step.role_code, step.actor_id
    return Step(f"{step.decision_id}:call", step.listing_id, "do_not_call", step.decided_at, role, actor, until_on=day)


def steps_of_contacts(rows: Iterable[Mapping[str, Any]], quiet_days: int) -> Iterator[Step]:
    """Rows of `contact_attempts`: an attempt each; where they asked not to be called, nobody does for `quiet_days`."""
    for row in rows:
        step = Step(
            f"contact:{row['contact_id']}",
            row["record_id"],
            "contact_attempted",
            _utc(row["contacted_at"]),
            "data_entry",
            "",
            outcome_code=row["outcome_code"],
        )
        yield step
        if row["outcome_code"] == ASKED_NOT_TO_CALL:
            yield _quiet(step, quiet_days)


def steps_of_suggestions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Rows of `public_suggestions`: somebody outside says that a listing is wrong, until their correction is judged."""
    for row in rows:
        if row["is_correction"]:
            at, task = _utc(row["suggested_at"]), f"task:{row['task_id']}"
            number = f"suggestion:{row['suggestion_id']}"
            yield Step(number, row["record_id"], "suggested", at, "public", "", question=task)


def in_hand(states: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows of states, with what people have in hand by rows of `open_questions`, before it is final.

    A listing that was merged or taken down keeps its state; a correction from outside is no verification of the listing.
    """
    known = {row["record_id"]: row for row in rows if row["record_id"] == row["subject"]}
    for state in states:
        row = known.get(state["listing_id"])
        if row is None or state["state_code"] in ("merged", "unpublished"):
            yield state
        else:
            code = row["state_code"]
            yield {
                **state,
                "state_code": code,
                "assigned_at": None,
                "submitted_at": None,
                f"{code}_at": row["since_at"],
            }


def steps_of_duplicates(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[Step]:
    """Rows of `duplicate_answers`: subject is `first|second`; a merge keeps `survivor_id`, a rejection tells them apart."""
    names = tuple(columns)
    for row in rows:
        first, _, second = row["subject"].partition("|")
        common = {
            "decided_at": _utc(row["decided_at"]),
            "role_code": "coordinator",
            "actor_id": row["decided_by"],
            "reason": row["reason"] or "",
        }
        decision = f"duplicate:{row['decision_id']}"
        if row["outcome_code"] == "merge" and not row["is_withdrawn"]:
            survivor = row["survivor_id"] if row["survivor_id"] in (first, second) else first
            gone = second if survivor == first else first
            yield Step(decision, gone, "merged", content=content_of(row, names), other_listing_id=survivor, **common)
        elif row["outcome_code"] == "split":
            for one, other in ((first, second), (second, first)):
                yield Step(f"{decision}:{one}", one, "unmerged", other_listing_id=other, **common)
        elif row["outcome_code"] == "reject":
            for one, other in ((first, second), (second, first)):
                yield Step(f"{decision}:{one}", one, "not_duplicate", other_listing_id=other, **common)


def steps_of_status(rows: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Rows of `status_answers`: taking down, bringing back a version, asking for verification, contact attempts."""
    for row in rows:
        if row["is_undone"] or row["outcome_code"] not in ("accept", "edit", "approve"):
            continue
        if not row["event_code"]:
            continue
        yield Step(
            f"status:{row['rating_id']}",
            row["subject"].partition("#")[0],
            row["event_code"],
            _utc(row["rated_at"]),
            "coordinator",
            row["rated_by"],
            outcome_code=row["contact_outcome_code"] or "",
            restores_version=int(row["restores_version"]) if row["restores_version"] else None,
            until_on=row["do_not_call_until_on"],
            reason=row["reason"] or "",
        )


def content_of(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """The columns of a listing that an answer holds, lists as lists."""
    found: dict[str, Any] = {}
    for name in columns:
        if name in row:
            value = row[name]
            found[name] = listed(value) if name in TEXT_LISTS else value
    return found


def listed(text: str | None) -> list[str]:
    """A text of values split by commas as a list; empty for none."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
