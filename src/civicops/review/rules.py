"""What the log of a task comes to: pure functions of a kind's rules and the decisions of one round.

Belongs here: when raters agree, when it goes to an approver or an adjudicator, which decision counts, who may do what. Does not
belong here: the database.

    open --ratings in, all agree--> decided                       (`stages: single`)
      |                       \\---> submitted --approve--> decided  (`submit_approve`; request changes sends it back to open)
      \\--they disagree, or too many cannot tell--> disputed --adjudicate--> decided
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from civicops.review.kindfile import KindFile
from civicops.review.people import Person
from civicops.review.values import Decision, Stage, State

Part = Literal["rating", "approval", "adjudication"]
"""What a person can do to a task now."""


@dataclass(frozen=True)
class Settled:
    """What a round has come to."""

    state: State
    left: int
    """Ratings that are still missing."""
    effective: Decision | None
    """The decision whose value counts or would count; None while there is none."""
    approved: Decision | None
    people: tuple[str, ...]
    """Who has rated or abstained in this round, and so must neither be asked again nor judge it."""
    returned_to: str | None = None
    """Who is asked to change what they submitted."""


def living(log: Sequence[Decision]) -> tuple[Decision, ...]:
    """The decisions that were not taken back, in their order."""
    undone = {item.undoes for item in log if item.outcome == "undo"}
    return tuple(item for item in log if item.outcome != "undo" and item.id not in undone)


def settle(file: KindFile, needed: int, log: Sequence[Decision]) -> Settled:
    """What the decisions of one round come to, for a task that needs so many ratings."""
    live = living(log)
    back = max((place for place, item in enumerate(live) if item.outcome == "request_changes"), default=-1)
    since = live[back + 1 :]
    returned = next((item.who for item in reversed(live[: max(back, 0)]) if item.stage == "rating"), None)
    people = tuple(dict.fromkeys(item.who for item in since if item.stage == "rating"))
    judged = next((item for item in reversed(since) if item.stage in ("adjudication", "automatic")), None)
    if judged is not None:
        return Settled("decided", 0, judged, judged, people)
    given = {item.who: item for item in since if item.stage == "rating"}
    ratings = [item for item in given.values() if item.outcome != "abstain"]
    left = max(needed - len(ratings), 0)
    if left:
        unsure = len(given) - len(ratings) >= file.escalation.abstentions
        return Settled("disputed" if unsure else "open", left, None, None, people, None if people else returned)
    winner = _winner(file, ratings)
    if winner is None:
        return Settled("disputed", 0, None, None, people)
    if file.stages == "single":
        return Settled("decided", 0, winner, None, people)
    approval = next((item for item in reversed(since) if item.outcome == "approve"), None)
    return Settled("decided" if approval else "submitted", 0, winner, approval, people)


def _winner(file: KindFile, ratings: Sequence[Decision]) -> Decision | None:
    """The first rating with the answer that carries the day."""
    answers = Counter(item.answer for item in ratings)
    answer, count = answers.most_common(1)[0]
    enough = count == len(ratings) if file.agreement == "all" else 2 * count > len(ratings)
    return min((item for item in ratings if item.answer == answer), key=lambda item: item.id) if enough else None


def part_of(
    file: KindFile, state: State, people: Sequence[str], filed_by: str, person: Person
) -> tuple[Part | None, str]:
    """What a person can do to a task now, or None and the reason in words."""
    if state in ("decided", "withdrawn"):
        return None, "It is decided." if state == "decided" else "The question is gone."
    if person.name == filed_by:
        return None, "It is your own submission; somebody else decides."
    part: Part = {"open": "rating", "submitted": "approval", "disputed": "adjudication"}[state]  # type: ignore[assignment]
    least = {"rating": file.who.decide, "approval": file.who.approve, "adjudication": file.who.adjudicate}[part]
    if not person.may(least):
        return None, f"This needs the role {least}."
    if person.name in people:
        words = {
            "rating": "You have answered; somebody else does as well.",
            "approval": "You submitted it; somebody else approves.",
            "adjudication": "You are one of those who disagree; somebody else decides.",
        }
        return None, words[part]
    return part, ""


def allowed(file: KindFile, part: Part) -> tuple[str, ...]:
    """What may be answered in that part."""
    if part == "approval":
        return ("approve", "request_changes")
    return tuple(item for item in file.decisions if part == "rating" or item != "abstain")


def needs_reason(file: KindFile, outcome: str) -> bool:
    """Whether an answer needs a reason in words."""
    return outcome in file.reason_for or outcome == "request_changes"


def stage_of(part: Part) -> Stage:
    """The stage a decision of that part is logged under."""
    return part
