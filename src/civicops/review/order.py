"""The order of work: what is most useful to decide next, and why.

Belongs here: points of a task and the sentences that explain them. Does not belong here: looking tasks up (`taking`).

Points are uncertainty + value + age, each with the kind's weight. Age grows alike for all tasks, so the order of two tasks never
changes with time and an index can hold it: `rank` is the points a task would have had at a fixed moment long ago.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from civicops.review.kindfile import KindFile, Priority

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
UNKNOWN = 0.5
"""Uncertainty of a suggestion without a confidence, and of a question without a suggestion."""


def uncertainty(confidence: float | None, others: Sequence[float | None] = ()) -> float:
    """From 0 (sure) to 1 (no idea): the entropy of the suggestions' confidences, as a share of the most there could be.

    Shannon's entropy over the choices where each has a confidence, else over right and wrong of the one suggestion.
    """
    known = [share for share in others if share is not None]
    if len(known) > 1 and len(known) == len(others) and sum(known) > 0:
        shares = [share / sum(known) for share in known if share > 0]
        return -sum(share * math.log(share) for share in shares) / math.log(len(known))
    if confidence is None:
        return UNKNOWN
    return -sum(share * math.log2(share) for share in (confidence, 1 - confidence) if share > 0)


def rank(rule: Priority, unsure: float, value: float, filed_at: datetime) -> float:
    """The points of a task at `EPOCH`; the higher, the sooner."""
    return rule.uncertainty * unsure + rule.value * value - rule.age_per_day * _days(filed_at - EPOCH)


def points(rule: Priority, rank_: float, now: datetime) -> float:
    """The points of a task now."""
    return rank_ + rule.age_per_day * _days(now - EPOCH)


def due_soon(file: KindFile, now: datetime) -> datetime:
    """What is due before this moment goes first."""
    return now + timedelta(days=file.priority.due_soon_days)


def why(
    file: KindFile,
    *,
    state: str,
    unsure: float,
    value: float,
    filed_at: datetime,
    due_at: datetime | None,
    escalated_to: str | None,
    is_mine: bool,
    is_drawn: bool,
    now: datetime,
) -> tuple[str, ...]:
    """Why this task comes now, as sentences, what weighs most first."""
    found = []
    if is_mine:
        found.append("It was given to you.")
    if due_at is not None and due_at <= due_soon(file, now):
        late = _days(now - due_at)
        found.append(f"It is {_span(late)} overdue." if late > 0 else f"It is due in {_span(-late)}.")
    if escalated_to is not None and state == "open":
        found.append("It waited too long and went to those who may do more.")
    if state == "disputed":
        found.append("People disagree, or could not tell.")
    if state == "submitted":
        found.append("Somebody has done the work; it counts once you approve.")
    rule = file.priority
    if is_drawn:
        found.append("It was drawn at random, as some tasks are to check the work.")
        unsure = 0.0
    weights = [
        (rule.uncertainty * unsure, f"The machine is {_sure(unsure)}"),
        (rule.value * value, f"Much depends on it ({value:g})"),
        (rule.age_per_day * max(_days(now - filed_at), 0), f"It has waited {_span(_days(now - filed_at))}"),
    ]
    found += [f"{words} (+{weight:.2f})." for weight, words in sorted(weights, key=lambda item: -item[0]) if weight > 0]
    return tuple(found)


def _sure(unsure: float) -> str:
    return "quite sure" if unsure < 0.3 else "not sure" if unsure < 0.8 else "as good as guessing"


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86400


def _span(days: float) -> str:
    if days < 2:
        return f"{max(days * 24, 0):.0f} hours"
    return f"{days:.0f} days"
