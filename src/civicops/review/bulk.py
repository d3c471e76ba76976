"""One action on many tasks: first what it would do to each, then doing it.

Belongs here: the plan of a bulk action and carrying it out. Does not belong here: what an action means (`deciding`, `taking`).

A plan is a value: it names the tasks, what each person doing it would see, and which are refused and why. Carrying it out goes
task by task; one that has changed since the plan was made is left alone and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from civicops.errors import CivicopsError
from civicops.review.asking import task
from civicops.review.deciding import decide
from civicops.review.people import Person
from civicops.review.room import Review
from civicops.review.rules import needs_reason
from civicops.review.taking import assign, snooze
from civicops.review.values import ReviewError

Action = Literal["accept", "reject", "approve", "request_changes", "assign", "snooze"]
ACTIONS: tuple[Action, ...] = ("accept", "reject", "approve", "request_changes", "assign", "snooze")
MOST = 200


@dataclass(frozen=True)
class PlannedTask:
    """What would happen to one task; `refusal` says why nothing would."""

    id: int
    title: str
    seen: str
    words: str
    refusal: str = ""


@dataclass(frozen=True)
class BulkPlan:
    """What one person would do to several tasks at once."""

    action: Action
    person: Person
    tasks: tuple[PlannedTask, ...]
    reason: str = ""
    to: str | None = None
    until: datetime | None = None

    @property
    def will(self) -> tuple[PlannedTask, ...]:
        """Those to which something would happen."""
        return tuple(item for item in self.tasks if not item.refusal)


@dataclass(frozen=True)
class BulkDone:
    """What was done: tasks by number, and for those left alone the reason."""

    done: tuple[int, ...]
    left: tuple[tuple[int, str], ...]


def plan(
    review: Review,
    person: Person,
    action: str,
    numbers: Sequence[int],
    now: datetime,
    *,
    reason: str = "",
    to: str | None = None,
    until: datetime | None = None,
) -> BulkPlan:
    """What an action would do to each of some tasks; changes nothing.

    Raises `ReviewError` for an unknown action, too many tasks, or a missing reason, person or day.
    """
    known = next((item for item in ACTIONS if item == action), None)
    if known is None:
        raise ReviewError(f"'{action}' cannot be done to many tasks.", hint=f"Valid here: {', '.join(ACTIONS)}.")
    if not numbers or len(numbers) > MOST:
        raise ReviewError(f"Choose between 1 and {MOST} tasks.", hint="Do it in several steps.")
    if known == "assign" and not to:
        raise ReviewError("Say who gets the tasks.", hint="Name an account.")
    if known == "snooze" and (until is None or until <= now or not reason.strip()):
        raise ReviewError("Say until when, a later day, and why.", hint="The next person will want to know.")
    found = tuple(_planned(review, person, known, number, now, reason, to, until) for number in dict.fromkeys(numbers))
    return BulkPlan(known, person, found, reason, to, until)


def _planned(
    review: Review, person: Person, action: Action, number: int, now: datetime, reason: str, to: str | None,
    until: datetime | None,
) -> PlannedTask:  # fmt: skip
    try:
        view = task(review, number, person, now)
    except ReviewError as error:
        return PlannedTask(number, "", "", "", str(error))
    refusal, words = "", ""
    match action:
        case "assign":
            words = f"is given to {to}"
            if not person.may(view.kind.file.who.assign) and to != person.name:
                refusal = f"Giving tasks to others needs the role {view.kind.file.who.assign}."
            elif view.line.state in ("decided", "withdrawn"):
                refusal = f"It is {view.line.state}."
        case "snooze":
            words = f"is put off until {until:%Y-%m-%d}"
        case _:
            values = ", ".join(f"{name}: {value}" for name, value in view.base.items() if value is not None)
            words = {"accept": f"is accepted ({values})", "reject": "is rejected", "approve": "is approved"}.get(
                action, "goes back to who submitted it"
            )
            if view.part is None or action not in view.outcomes:
                refusal = view.refusal or f"'{action}' cannot be answered here."
            elif needs_reason(view.kind.file, action) and not reason.strip():
                refusal = f"'{action}' needs a reason."
            elif view.line.claimed_by and person.name not in view.line.claimed_by:
                refusal = f"{' and '.join(view.line.claimed_by)} has it in hand."
    return PlannedTask(number, view.line.title, view.seen, words, refusal)


def as_seen(planned: BulkPlan, seen: Mapping[int, str]) -> BulkPlan:
    """The plan as somebody saw it before: each task with the hash that was shown then. One that was not shown is refused."""
    tasks = tuple(
        item if item.refusal
        else replace(item, seen=seen[item.id]) if item.id in seen
        else replace(item, refusal="It was not in the preview.")
        for item in planned.tasks
    )  # fmt: skip
    return replace(planned, tasks=tasks)


def apply(review: Review, planned: BulkPlan, now: datetime) -> BulkDone:
    """Carry out a plan, task by task; what cannot be done any more is named and left alone."""
    done: list[int] = []
    left = [(item.id, item.refusal) for item in planned.tasks if item.refusal]
    for item in planned.will:
        try:
            _apply(review, planned, item, now)
        except CivicopsError as error:
            left.append((item.id, error.message))
        else:
            done.append(item.id)
    return BulkDone(tuple(done), tuple(left))


def _apply(review: Review, planned: BulkPlan, item: PlannedTask, now: datetime) -> None:
    match planned.action:
        case "assign":
            assign(review, item.id, planned.to, planned.person, now, planned.reason)
        case "snooze":
            snooze(review, item.id, planned.person, planned.until, planned.reason, now)
        case _:
            decide(
                review, item.id, planned.person, outcome=planned.action, seen=item.seen, now=now, reason=planned.reason
            )
