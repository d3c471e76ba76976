"""The values of review: what a product files, what a person is shown, what they decided.

Belongs here: frozen values, their canonical form and hashes, the errors. Does not belong here: anything that touches a database.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from civicops.errors import CivicopsError
from civicops.review.kindfile import Outcome

State = Literal["open", "submitted", "disputed", "decided", "withdrawn"]
"""`open`: answers are missing. `submitted`: somebody has to approve. `disputed`: raters disagree, or nobody could tell.
`decided`: the decision counts. `withdrawn`: the question is gone; everything about it is kept."""
STATES: tuple[State, ...] = ("open", "submitted", "disputed", "decided", "withdrawn")
Stage = Literal["rating", "approval", "adjudication", "automatic"]
EvidenceKind = Literal["source_row", "check", "model", "page", "contact", "suggestion", "note"]


class ReviewError(CivicopsError):
    """It cannot be done like that: no such task, not allowed, not in this state."""


class NoTaskError(ReviewError):
    """There is no such task."""


class NotAllowedError(ReviewError):
    """The person may not do it."""


class ConflictError(ReviewError):
    """What was decided upon is no longer what the task is about; both versions are carried along."""

    def __init__(self, seen: Mapping[str, Any] | None, now: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.seen, self.now, self.changes = seen, now, dict(changes)
        words = ", ".join(self.changes) or "what it is about"
        super().__init__(
            f"The task has changed since you opened it ({words}); nothing was decided.",
            hint="Look at the difference and decide again. What you entered is kept.",
        )


@dataclass(frozen=True)
class Evidence:
    """One thing that helps to decide: a source's row, a check's result, what a model said, a page."""

    kind: EvidenceKind
    title: str
    text: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True)
class Choice:
    """One of several suggestions, with how sure the machine is of it (0 to 1)."""

    value: Mapping[str, Any]
    label: str = ""
    confidence: float | None = None


@dataclass(frozen=True)
class TaskDraft:
    """A question that a product's pipeline files. `subject` is what it is about, the same in every run.

    `proposed`: the machine's suggestion by column. `current`: what the data say now. `members`: ids that a merge or split is
    about. `confidence`: how sure the machine is of `proposed` (0 to 1). `value`: how much depends on it, in a unit of the
    product's choice. What a person is asked about is `subject`, `proposed`,
    `current`, `choices` and `members`: when one of them changes, the question is put anew; the rest may change in silence.
    """

    subject: str
    title: str
    record: str = ""
    """The record it is about, where one record may have several questions; the subject when left out."""
    proposed: Mapping[str, Any] = field(default_factory=dict)
    current: Mapping[str, Any] = field(default_factory=dict)
    choices: Sequence[Choice] = ()
    members: Sequence[str] = ()
    evidence: Sequence[Evidence] = ()
    confidence: float | None = None
    value: float = 0.0
    due_at: datetime | None = None
    place: tuple[float, float] | None = None
    """Longitude and latitude in degrees."""
    filed_by: str = ""
    """The account of the person whose submission it is, who may then not decide on it; empty: nobody's."""

    def __post_init__(self) -> None:
        if not self.subject or max(len(self.subject), len(self.record)) > 300 or not self.title:
            raise ValueError("a task needs a title, and a subject and record of at most 300 characters")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError("'confidence' lies between 0 and 1")
        if not math.isfinite(self.value):
            raise ValueError("'value' is a number")
        if self.due_at is not None and self.due_at.tzinfo is None:
            raise ValueError("'due_at' needs a time zone")

    @cached_property
    def content(self) -> dict[str, Any]:
        """What a person is asked about, as plain JSON."""
        found = {
            "subject": self.subject, "proposed": dict(self.proposed), "current": dict(self.current),
            "choices": [dict(choice.value) for choice in self.choices], "members": sorted(self.members),
        }  # fmt: skip
        return plain(found)  # type: ignore[no-any-return]

    @cached_property
    def shown(self) -> dict[str, Any]:
        """What a person sees besides the content, as plain JSON."""
        found = {
            "title": self.title, "evidence": [vars(item) for item in self.evidence], "confidence": self.confidence,
            "choices": [{"label": item.label, "confidence": item.confidence} for item in self.choices],
            "place": list(self.place) if self.place else None,
        }  # fmt: skip
        return plain(found)  # type: ignore[no-any-return]

    @cached_property
    def hashes(self) -> tuple[str, str]:
        """Hash of what is under review, and hash of everything a person sees."""
        first = _hash(self.content)
        return first, _hash({"content": first, "shown": self.shown})


@dataclass(frozen=True)
class Decision:
    """One line of the log of a task: an answer, an approval, or that one was taken back. Never changed."""

    id: int
    task_id: int
    round: int
    stage: Stage
    outcome: str
    """A kind's outcome; `approve` or `request_changes` of an approval; `undo`."""
    who: str
    at: datetime
    value: Mapping[str, Any] | None
    """Every field, as decided; None where an outcome has no value."""
    reason: str
    seconds: float | None
    content_hash: str
    seen_hash: str
    undoes: int | None = None

    @property
    def answer(self) -> str:
        """What is compared between raters: the values if it was accepted, whoever edited what, else the outcome."""
        kind = "value" if self.outcome in ("accept", "edit") else self.outcome
        return canonical([kind, self.value])


def plain(value: Any) -> Any:
    """A value as JSON can hold it: moments and days as ISO text, decimals as numbers, tuples as lists.

    Raises `ValueError` for what is no value of data (NaN, infinity, objects of other classes).
    """
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool:
        return value
    if kind is dict:
        return {name if type(name) is str else str(name): plain(item) for name, item in value.items()}
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no value")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Decimal):
        return plain(float(value))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(item) for item in value]
        return sorted(items, key=canonical) if isinstance(value, set | frozenset) else items
    raise ValueError(f"a {type(value).__name__} cannot be part of a task")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _hash(value: Any) -> str:
    """The hash of a value that is plain already."""
    return hashlib.sha256(_ENCODER.encode(value).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces, whole numbers without a fraction."""
    return _ENCODER.encode(plain(value))


def hash_of(value: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return _hash(plain(value))


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What changed between two contents: `part.column` -> [before, after]."""
    found: dict[str, list[Any]] = {}
    old: Mapping[str, Any] = before or {}
    for part in ("proposed", "current"):
        was, now = old.get(part) or {}, after.get(part) or {}
        for name in dict.fromkeys([*was, *now]):
            if canonical(was.get(name)) != canonical(now.get(name)):
                found[f"{part}.{name}"] = [was.get(name), now.get(name)]
    for part in ("choices", "members"):
        if canonical(old.get(part) or []) != canonical(after.get(part) or []):
            found[part] = [old.get(part) or [], after.get(part) or []]
    return found


def answer_of(outcome: Outcome | str, value: Mapping[str, Any] | None) -> str:
    """`Decision.answer` of an answer that is not logged yet."""
    return canonical(["value" if outcome in ("accept", "edit") else outcome, value])
