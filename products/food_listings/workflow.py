"""A listing's way through verification, folded from decisions: its state, its approved versions, what was confirmed when.

Belongs here: which decision may follow which, and what it does. Pure: the same decisions give the same state, in whatever order
they arrive. Does not belong here: who may decide (the kinds of review tasks and the portal), what is public (models).

    needs_verification --assigned--> assigned --submitted--> submitted --approved--> approved
                       <-handed_off-          <-changes_requested-
    any --needs_verification--> needs_verification       approved --unpublished--> unpublished --restored--> approved
    any --submitted--> submitted (what is due again)     any --merged--> merged --unmerged--> what it was before

An approved version stays public while verification begins anew. A decision that may not follow is refused and kept with the
reason; so is an approval by whoever submitted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

CONFIRMING = ("name", "categories", "address", "phone", "email", "hours", "food_types", "status")
COLUMNS_OF = {
    "name": ("name",),
    "categories": ("category_codes",),
    "address": ("address_1", "address_2", "city", "state_province", "postal_code", "latitude", "longitude"),
    "phone": ("phone_number", "phone_extension"),
    "email": ("email",),
    "hours": ("hours_text",),
    "food_types": ("food_types", "has_bakery", "has_dry_goods", "has_produce", "has_dairy", "has_prepared", "has_meat"),
    "status": ("status_code",),
}
"""Critical field -> columns of a listing that make it up."""
MUST = {"address": ("address_1", "city", "postal_code", "latitude", "longitude")}
"""Of a field with several columns, those that must have a value for it to have one."""

LIST = "list:"
"""Stands before a listing's number where its row in a list is meant, not a decision about it."""


@dataclass(frozen=True)
class Step:
    """One decision on one listing."""

    decision_id: str
    listing_id: str
    event_code: str
    decided_at: datetime
    role_code: str
    actor_id: str
    content: Mapping[str, Any] = field(default_factory=dict)
    confirmed: Mapping[str, str] = field(default_factory=dict)
    """Critical field -> `has_value` or `none`: somebody looked, and there is one, or there is none."""
    evidence: str = ""
    outcome_code: str = ""
    other_listing_id: str = ""
    restores_version: int | None = None
    until_on: date | None = None
    reason: str = ""
    question: str = ""
    """What it answers: two questions about one listing may be open at once, and an approval is of the answer to its own."""
    is_partial: bool = False
    """An answer to a correction from outside: `content` says only some columns, the others stay as they are."""


@dataclass(frozen=True)
class Version:
    """An approved version; numbers begin at 1."""

    number: int
    approved_at: datetime
    role_code: str
    decision_id: str
    content: Mapping[str, Any]
    changed: tuple[str, ...]
    restores: int | None = None
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> whose word it is: ids of decisions, and `list:<listing>` for the row of a list that was merged in."""


@dataclass(frozen=True)
class Confirmed:
    """When a critical field was last confirmed, as what, by which role, on what evidence."""

    state: str
    """`confirmed` or `confirmed_none`."""
    value: str
    at: datetime
    role_code: str
    evidence: str
    decision_id: str = ""


@dataclass
class State:
    """Where a listing stands."""

    listing_id: str
    code: str = "needs_verification"
    begun_by: str = ""
    """The first decision about it."""
    versions: list[Version] = field(default_factory=list)
    is_unpublished: bool = False
    assigned_at: datetime | None = None
    submitted_at: datetime | None = None
    pending: dict[str, Step] = field(default_factory=dict)
    """Question -> what was submitted and nobody has judged."""
    merged_into: str = ""
    merged_by: str = ""
    before_merge: str = ""
    fields: dict[str, Confirmed] = field(default_factory=dict)
    attempts: int = 0
    last_attempt_at: datetime | None = None
    last_outcome: str = ""
    do_not_call_until: date | None = None
    asked: set[str] = field(default_factory=set)
    """Suggestions and corrections of the public that nobody has judged."""
    apart_from: set[str] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)

    @property
    def demand(self) -> int:
        """How many suggestions and corrections wait."""
        return len(self.asked)

    @property
    def current(self) -> Version | None:
        """The version that is public as far as decisions go: the newest, unless it was taken down or merged away."""
        return None if self.is_unpublished or self.merged_into or not self.versions else self.versions[-1]


def fold(steps: Iterable[Step]) -> dict[str, State]:
    """The state of every listing that any decision is about. The order in which `steps` come does not matter."""
    states: dict[str, State] = {}
    for step in sorted(steps, key=lambda item: (item.decided_at, item.decision_id)):
        state = states.setdefault(step.listing_id, State(step.listing_id, begun_by=step.decision_id))
        why = _refusal(state, step)
        if why:
            state.refused.append((step.decision_id, why))
            continue
        _apply(states, state, step)
    return states


def _refusal(state: State, step: Step) -> str:
    event = step.event_code
    if state.merged_into and event not in ("unmerged", "suggested", "contact_attempted"):
        return f"it was merged into {state.merged_into}"
    needs = {
        "changes_requested": ("submitted",),
        "handed_off": ("assigned",),
        "rejected": ("submitted",),
    }.get(event)
    if needs and state.code not in needs and not step.is_partial:
        return f"it is {state.code.replace('_', ' ')}"
    pending = state.pending.get(step.question)
    if event == "approved" and pending is not None and pending.actor_id == step.actor_id:
        return "nobody approves their own submission"
    if event == "approved" and step.role_code == "data_entry":
        return "data entry does not approve"
    if event == "approved" and step.is_partial and state.is_unpublished:
        return "it was taken down"
    if event == "approved" and step.is_partial and not state.versions and not is_new(state.listing_id):
        return "no version was ever approved that could be corrected"
    if event == "unpublished" and not state.versions:
        return "no version was ever approved"
    if event == "restored" and not any(version.number == step.restores_version for version in state.versions):
        return f"there is no version {step.restores_version}"
    if event == "merged" and (not step.other_listing_id or step.other_listing_id == step.listing_id):
        return "it cannot be merged into itself"
    if event == "unmerged" and not state.merged_into:
        return "it was not merged"
    return ""


def _apply(states: dict[str, State], state: State, step: Step) -> None:
    match step.event_code:
        case "assigned":
            state.code, state.assigned_at = "assigned", step.decided_at
            _confirm(state, step)
        case "submitted" | "changes_requested" | "rejected" if step.is_partial:
            _correct(state, step)
        case "submitted":
            state.code, state.submitted_at = "submitted", step.decided_at
            state.pending[step.question] = step
            _confirm(state, step)
        case "changes_requested" | "rejected":
            state.code = "assigned" if step.event_code == "changes_requested" else "needs_verification"
        case "handed_off" | "needs_verification":
            state.code, state.pending = "needs_verification", {}
        case "approved":
            _approve(state, step)
        case "unpublished":
            state.is_unpublished, state.code = True, "unpublished"
        case "restored":
            _restore(state, step, next(v for v in state.versions if v.number == step.restores_version))
        case "merged":
            _merge(states, state, step)
        case "unmerged":
            _unmerge(states, state, step)
        case "not_duplicate":
            state.apart_from.add(step.other_listing_id)
        case "contact_attempted":
            state.attempts, state.last_attempt_at, state.last_outcome = (
                state.attempts + 1,
                step.decided_at,
                step.outcome_code,
            )
        case "do_not_call":
            state.do_not_call_until = step.until_on
        case "suggested":
            state.asked.add(step.question or step.decision_id)
        case "created":
            _confirm(state, step)
        case _:
            pass  # claimed: on record, without effect on the state


def _correct(state: State, step: Step) -> None:
    """A correction on its way: the listing's own verification goes on as if there were none."""
    if step.event_code == "submitted":
        state.pending[step.question] = step
    else:
        state.pending.pop(step.question, None)
    if step.event_code == "rejected":
        state.asked.discard(step.question)


def _approve(state: State, step: Step) -> None:
    before = state.versions[-1].content if state.versions else {}
    pending = state.pending.pop(step.question, None)
    content = {**before, **(_since(state, pending) if pending else {}), **step.content}
    if pending is not None:
        _confirm(state, pending, content)
    _confirm(state, step, content)
    waiting, code = dict(state.pending), state.code
    submitted = pending.content if pending else {}
    own = (step.decision_id,)
    both = (pending.decision_id, *own) if pending else own
    said = {name: both if name in submitted and name not in step.content else own for name in content}
    _add(state, step, content, said)
    if step.is_partial:
        # The whole of it was not looked at: what was under way stays so.
        state.pending = waiting
        state.code = code if len(state.versions) > 1 else "approved"
        state.asked.discard(step.question)
    else:
        state.attempts, state.asked = 0, set()


def _since(state: State, pending: Step) -> Mapping[str, Any]:
    """What a submission says, without what it left as it was and somebody else's approval changed meanwhile."""
    seen = [version for version in state.versions if version.approved_at <= pending.decided_at]
    if not seen or seen[-1] is state.versions[-1]:
        return pending.content
    was, now = seen[-1].content, state.versions[-1].content
    return {
        name: value
        for name, value in pending.content.items()
        if value != was.get(name) or now.get(name) == was.get(name)
    }


def _restore(state: State, step: Step, old: Version) -> None:
    said = {name: (*old.said.get(name, ()), step.decision_id) for name in old.content}
    _add(state, step, old.content, said, restores=old.number)


def _add(
    state: State,
    step: Step,
    content: Mapping[str, Any],
    said: Mapping[str, tuple[str, ...]],
    restores: int | None = None,
) -> None:
    """One more version; what stays as it was is still the word of whoever said it first."""
    before, kept = (state.versions[-1].content, state.versions[-1].said) if state.versions else ({}, {})
    changed = tuple(sorted(name for name in {*before, *content} if before.get(name) != content.get(name)))
    whose = {name: said[name] if name in changed or name not in kept else kept[name] for name in content}
    number = len(state.versions) + 1
    state.versions.append(
        Version(number, step.decided_at, step.role_code, step.decision_id, dict(content), changed, restores, whose)
    )
    state.code, state.is_unpublished, state.pending = "approved", False, {}


def _confirm(state: State, step: Step, content: Mapping[str, Any] | None = None) -> None:
    values = content if content is not None else step.content
    for name, what in step.confirmed.items():
        if name in CONFIRMING:
            kind = "confirmed_none" if what == "none" else "confirmed"
            state.fields[name] = Confirmed(
                kind,
                value_text(name, values),
                step.decided_at,
                step.role_code,
                step.evidence or "other",
                step.decision_id,
            )


def _merge(states: dict[str, State], state: State, step: Step) -> None:
    """`state` goes into the other; `content`, where given, is what the other one says from then on, field by field."""
    survivor = states.setdefault(step.other_listing_id, State(step.other_listing_id, begun_by=step.decision_id))
    if _root(states, survivor) == state.listing_id:
        state.refused.append((step.decision_id, "they would be merged into each other"))
        return
    state.before_merge, state.code = state.code, "merged"
    state.merged_into, state.merged_by = step.other_listing_id, step.decision_id
    if step.content and survivor.versions:
        content = {**survivor.versions[-1].content, **step.content}
        gone = state.versions[-1].said if state.versions else {}
        theirs = (f"{LIST}{state.listing_id}",)
        _add(survivor, step, content, {name: (*gone.get(name, theirs), step.decision_id) for name in content})


def _unmerge(states: dict[str, State], state: State, step: Step) -> None:
    survivor = states.get(state.merged_into)
    merge, state.merged_by = state.merged_by, ""
    state.merged_into, state.code = "", state.before_merge or "needs_verification"
    # What the merge had changed of the survivor goes back, if nobody has approved anything since.
    if survivor is not None and len(survivor.versions) > 1 and survivor.versions[-1].decision_id == merge:
        _restore(survivor, step, survivor.versions[-2])


def _root(states: Mapping[str, State], state: State) -> str:
    seen: set[str] = set()
    while state.merged_into and state.listing_id not in seen:
        seen.add(state.listing_id)
        state = states[state.merged_into]
    return state.listing_id


def is_new(listing_id: str) -> bool:
    """Whether the public named a place that no list knows; review gives those such numbers."""
    return listing_id.startswith("new-")


def value_text(field_code: str, content: Mapping[str, Any]) -> str:
    """A critical field of a listing in words."""
    parts = []
    for column in COLUMNS_OF[field_code]:
        value = content.get(column)
        if value is None or value == [] or column in ("latitude", "longitude"):
            continue
        if isinstance(value, bool):
            parts.append(column.removeprefix("has_").replace("_", " ") if value else "")
        else:
            parts.append(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    return ", ".join(part for part in parts if part)


def has_value(field_code: str, content: Mapping[str, Any]) -> bool:
    """Whether a listing says anything of a critical field; an address needs street, city, zip code and point."""
    if field_code in MUST:
        return all(content.get(column) not in (None, "", []) for column in MUST[field_code])
    return bool(value_text(field_code, content))


@dataclass(frozen=True)
class Critical:
    """The one rule: how many fields count for a listing, how many of them are confirmed, and whether it may be approved."""

    count: int
    confirmed: int
    is_ready: bool

    @property
    def share(self) -> float:
        """Confirmed of those that count."""
        return round(self.confirmed / self.count, 4) if self.count else 0.0


def critical_fields(rules: Mapping[str, Mapping[str, str]], status_code: str) -> tuple[str, ...]:
    """The fields that count for a listing of this status, by lookups/critical_fields.csv."""
    is_closed = status_code != "active"
    return tuple(name for name, rule in rules.items() if not is_closed or rule["when_closed"] == "true")


def critical(rules: Mapping[str, Mapping[str, str]], content: Mapping[str, Any], confirmed: Iterable[str]) -> Critical:
    """Hold a listing against the rule."""
    names = critical_fields(rules, str(content.get("status_code") or "active"))
    done = set(confirmed) & set(names)
    musts = [name for name in names if rules[name]["must_have_value"] == "true"]
    return Critical(len(names), len(done), len(done) == len(names) and all(has_value(name, content) for name in musts))


def as_json(content: Mapping[str, Any]) -> str:
    """A version's content as it is kept."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)


def columns_of(fields: Sequence[str]) -> tuple[str, ...]:
    """The columns that make up critical fields."""
    return tuple(column for name in fields for column in COLUMNS_OF[name])
