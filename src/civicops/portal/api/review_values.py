"""The shapes of what the interface asks and answers about review.

Belongs here: closed models, which the OpenAPI description is made from. Does not belong here: filling them (`review_routes`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from civicops.portal.api.values import Problem


class _Asked(Schema):
    model_config = ConfigDict(extra="forbid")


class Conflict(Problem):
    """The task has changed since it was seen, or somebody else has answered. `changes`: what differs, as [seen, now]."""

    seen: dict[str, Any] | None
    now: dict[str, Any]
    changes: dict[str, Any]


class Faults(Problem):
    """Values that the contract does not allow: a sentence per column."""

    faults: dict[str, str] = Field(default_factory=dict)


class FieldOut(Schema):
    """One field of a form, as the contract describes its column."""

    name: str
    title: str
    description: str
    kind: str
    required: bool
    choices: list[str | int | float | bool]
    pattern: str | None
    minimum: int | float | str | None
    maximum: int | float | str | None
    shortest: int | None
    longest: int | None
    unit: str | None
    examples: list[str]


class KindOut(Schema):
    """A kind of task: its question, its form, what may be answered, and how much there is."""

    id: str
    title: str
    instructions: str
    fields: list[FieldOut]
    decisions: list[str]
    reason_for: list[str]
    stages: str
    raters: int
    contact_channels: list[str]
    contact_outcomes: list[str]
    open: int
    submitted: int
    disputed: int
    overdue: int
    decided: int


class KindList(Schema):
    """Kinds, by id."""

    kinds: list[KindOut]


class TaskLineOut(Schema):
    """A task in a list."""

    id: int
    kind: str
    subject: str
    record: str
    title: str
    state: str
    points: float
    confidence: float | None
    filed_at: datetime
    due_at: datetime | None
    snoozed_until: datetime | None
    assigned_to: str | None
    escalated_to: str | None
    claimed_by: list[str]
    is_overdue: bool


class TaskList(Schema):
    """Tasks, the most useful first."""

    tasks: list[TaskLineOut]


class DecisionOut(Schema):
    """One line of the log of a task."""

    id: int
    round: int
    stage: str
    outcome: str
    who: str
    at: datetime
    value: dict[str, Any] | None
    reason: str
    seconds: float | None
    content_hash: str
    seen_hash: str
    undoes: int | None


class TaskOut(TaskLineOut):
    """One task with all that it takes to decide it. `seen` goes back with the answer."""

    seen: str
    content: dict[str, Any]
    shown: dict[str, Any]
    base: dict[str, Any] = Field(description="The value of every field as `accept` would take it.")
    fields: list[FieldOut]
    changes: dict[str, Any] = Field(description="What differs from what was last decided upon: [before, now].")
    part: str | None = Field(description="rating, approval or adjudication; null when it is not for this person now.")
    refusal: str
    outcomes: list[str]
    reasons_for: list[str]
    why: list[str]
    draft: dict[str, Any] | None
    is_draft_old: bool
    can_undo: bool
    decisions: list[DecisionOut]


class NextOut(Schema):
    """The task that was claimed; null when there is nothing."""

    task: TaskOut | None


class NextIn(_Asked):
    """Which task."""

    kinds: list[str] | None = Field(default=None, max_length=100, description="Only these; all when left out.")
    skip: list[int] = Field(default=[], max_length=200, description="Numbers of tasks that are not wanted now.")


class DecideIn(_Asked):
    """An answer."""

    outcome: str = Field(max_length=20)
    seen: str = Field(max_length=64)
    value: dict[str, Any] | None = Field(default=None, description="Columns that differ from the suggestion.")
    reason: str = Field(default="", max_length=5000)
    seconds: float | None = Field(default=None, ge=0)


class DecidedOut(Schema):
    """What an answer did."""

    decision_id: int
    task_id: int
    state: str
    left: int


class DraftIn(_Asked):
    """A half-finished answer, kept as it is."""

    seen: str = Field(max_length=64)
    content: dict[str, Any]


class AssignIn(_Asked):
    """Who gets it; null: nobody in particular."""

    to: str | None = Field(max_length=150)
    reason: str = Field(default="", max_length=5000)


class SnoozeIn(_Asked):
    """Until when it waits, and why; null wakes it."""

    until: datetime | None
    reason: str = Field(default="", max_length=5000)


class ContactIn(_Asked):
    """That somebody was asked, how, and what came of it."""

    channel: str = Field(max_length=100)
    outcome: str = Field(max_length=100)
    text: str = Field(default="", max_length=5000)


class ReasonIn(_Asked):
    """Why."""

    reason: str = Field(max_length=5000)


class BulkIn(_Asked):
    """One action on many tasks. With `is_preview` nothing is done; without, only to tasks whose `seen` is still right."""

    action: str = Field(max_length=20)
    tasks: list[int] = Field(max_length=200)
    seen: dict[str, str] = Field(
        default={}, description="Number of a task to its hash in the preview; needed to do it."
    )
    reason: str = Field(default="", max_length=5000)
    to: str | None = Field(default=None, max_length=150)
    until: datetime | None = None
    is_preview: bool = True


class PlannedOut(Schema):
    """What would happen to one task, or why nothing would."""

    id: int
    title: str
    seen: str
    words: str
    refusal: str


class BulkOut(Schema):
    """The plan, and what was done of it."""

    planned: list[PlannedOut]
    done: list[int]
    left: dict[str, str] = Field(description="Number of a task that was left alone to the reason.")


class Done(Schema):
    """It is done."""

    id: int


class TeamOut(Schema):
    """Figures of a team."""

    backlog: list[dict[str, Any]]
    days: list[dict[str, Any]]
    members: list[dict[str, Any]]


class AgreementOut(Schema):
    """How far raters agree, over all and per month."""

    periods: list[dict[str, Any]]


class SuggestIn(_Asked):
    """A suggestion of something new, or a correction of `subject`."""

    kind: str = Field(max_length=200)
    subject: str | None = Field(default=None, max_length=280)
    fields: dict[str, Any] = Field(default={})
    text: str = Field(default="", max_length=5000)
    contact: dict[str, str] = Field(default={}, description="name, email, phone; all optional, kept apart.")


class SuggestedOut(Schema):
    """It was taken. With the token its sender can ask what became of it."""

    token: str


class AnswerOut(Schema):
    """One answer and the task it was given to."""

    task: TaskLineOut
    decision: DecisionOut


class MineOut(Schema):
    """A person's answers, newest first."""

    answers: list[AnswerOut]


class ConfirmableOut(Schema):
    """What a confirmation link is about."""

    title: str
    subject: str
    values: dict[str, Any]
    fields: list[FieldOut]
    expires_at: datetime


class ConfirmIn(_Asked):
    """The columns that are not right; none: all is right."""

    fields: dict[str, Any] = Field(default={})
    text: str = Field(default="", max_length=5000)


class ConfirmedOut(Schema):
    """The link is used."""

    is_used: bool


class SuggestionOut(Schema):
    """What became of a suggestion."""

    subject: str
    received_at: datetime
    status: str
    changed_at: datetime
