"""Review as the portal shows it: the person at the keyboard, forms from contracts, values beside each other.

Belongs here: turning `civicops.review` into what templates and scripts read, and a posted form into an answer. Does not belong
here: the rules of review (`civicops.review`), who may ask for which page (`access`), what pages look like (templates).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, QueryDict

from civicops.errors import CivicopsError
from civicops.portal.access import role_of
from civicops.portal.reading import Shelf, shelf, workspace
from civicops.review.asking import TaskView
from civicops.review.forms import Field
from civicops.review.kinds import FOLDER, Kind, load_kinds
from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.values import canonical

FIELD = "field-"
"""Before the name of a column in a posted form, so that no column collides with what the form itself sends."""
LONG_TEXT = 120
"""From so many allowed characters on a text gets a box of several lines."""
FEW_CHOICES = 6
"""Up to so many choices are shown as buttons side by side; more become a list."""
WORDS = {
    "accept": "Accept",
    "edit": "Accept with my changes",
    "reject": "Reject",
    "abstain": "I cannot tell",
    "split": "These are different things",
    "merge": "These are the same",
    "approve": "Approve",
    "request_changes": "Ask for changes",
}
"""What the buttons say."""
KEYS = {
    "accept": "a",
    "edit": "e",
    "reject": "r",
    "abstain": "t",
    "split": "d",
    "merge": "m",
    "approve": "a",
    "request_changes": "r",
}
"""The key of each button."""
SAID = {
    "accept": "Accepted", "edit": "Accepted with changes", "reject": "Rejected", "abstain": "Left to others",
    "split": "Kept apart", "merge": "Joined", "approve": "Approved",
    "request_changes": "Sent back for changes", "undo": "Taken back",
}  # fmt: skip
"""What is said once it is done."""


class _Kept:
    lock = threading.Lock()
    shelf: Shelf | None = None
    stamp: tuple[Any, ...] = ()
    kinds: Mapping[str, Kind] = {}
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Control:
    """One field of a form as a template draws it."""

    field: Field
    name: str
    kind: str
    """radio, select, checkboxes, textarea, yesno, date, datetime-local, time, number or text."""
    value: Any
    """What stands in it: a text, or a tuple of texts for checkboxes."""
    before: Any
    """What the data say now."""
    proposed: Any
    """What the machine suggests; the same as `before` where it suggests nothing."""
    is_changed: bool
    """Whether the suggestion differs from what the data say now."""
    fault: str = ""
    step: str = "any"

    @property
    def is_aside(self) -> bool:
        """Whether nothing stands in it and nothing has to: such fields are folded away where there are many."""
        return not (self.value or self.before or self.is_changed or self.fault or self.field.required)


@dataclass(frozen=True)
class Answer:
    """What somebody sent from the form of a task."""

    outcome: str
    seen: str
    value: Mapping[str, Any]
    reason: str
    seconds: float | None


def review() -> Review:
    """Review in the workspace that is served. Kinds are read again when one of their files changed."""
    kept = shelf()
    stamp = _stamps(kept.workspace.products_folder)
    with _Kept.lock:
        if kept is not _Kept.shelf or stamp != _Kept.stamp:
            kinds: dict[str, Kind] = {}
            faults: list[tuple[str, str]] = []
            for product in kept.products:
                try:
                    kinds |= {kind.id: kind for kind in load_kinds(product)}
                except CivicopsError as error:
                    faults.append((product.name, str(error)))
            _Kept.kinds, _Kept.faults = kinds, tuple(faults)
            _Kept.shelf, _Kept.stamp = kept, stamp
        return open_review(kept.workspace, _Kept.kinds)


def has_kinds() -> bool:
    """Whether any product asks people anything."""
    return any(workspace().products_folder.glob(f"*/{FOLDER}/*.yaml"))


def faults() -> tuple[tuple[str, str], ...]:
    """(product, what is wrong) for products whose kinds of task cannot be read; their tasks wait."""
    review()
    return _Kept.faults


def _stamps(folder: Any) -> tuple[Any, ...]:
    paths = sorted(folder.glob(f"*/{FOLDER}/*.yaml"))
    return tuple((str(path), (at := path.stat()).st_mtime_ns, at.st_size) for path in paths)


def person_of(user: AbstractBaseUser | AnonymousUser) -> Person | None:
    """The person behind an account; None without a role."""
    role = role_of(user)
    return Person(user.get_username(), role) if role is not None else None


def public_address(request: HttpRequest) -> str:
    """Where a request comes from, past as many proxies of ours as `[portal] proxies` says."""
    count = workspace().settings.portal.proxies
    hops: list[str] = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if count and len(hops) >= count:
        return hops[-count]
    return str(request.META.get("REMOTE_ADDR", ""))


def kinds_for(person: Person) -> tuple[Kind, ...]:
    """The kinds of task that a person may work on, by product and title."""
    mine = [kind for kind in review().kinds.values() if person.may(kind.file.who.decide)]
    return tuple(sorted(mine, key=lambda kind: (kind.product, kind.file.title)))


def controls(
    view: TaskView, entered: Mapping[str, Any] | None = None, faults: Mapping[str, str] | None = None
) -> tuple[Control, ...]:
    """The form of a task.

    In it stands what was just entered, else the draft, else what waits for approval, else the suggestion.
    """
    current: Mapping[str, Any] = view.content.get("current") or {}
    proposed: Mapping[str, Any] = view.content.get("proposed") or {}
    stands: dict[str, Any] = dict(view.base)
    if view.submitted is not None and view.submitted.value is not None:
        stands |= view.submitted.value
    if entered is not None:
        stands |= entered
    elif view.draft is not None:
        stands |= {name: value for name, value in (view.draft.get("value") or {}).items() if name in stands}
    return tuple(
        control_of(
            item, stands.get(item.name), before=current.get(item.name), proposed=proposed.get(item.name, current.get(item.name)),
            fault=(faults or {}).get(item.name, ""),
        )
        for item in view.fields
    )  # fmt: skip


def control_of(item: Field, value: Any, *, before: Any = None, proposed: Any = None, fault: str = "") -> Control:
    """How one field is drawn."""
    kind = _kind(item)
    shown: Any = as_text(value)
    if kind == "checkboxes":
        shown = tuple(map(str, value or ())) if isinstance(value, list | tuple) else (str(value),) if value else ()
    elif kind == "yesno":
        shown = "" if value is None else "yes" if value in (True, "yes", "true", "on") else "no"
    elif kind == "datetime-local" and shown:
        shown = str(shown)[:16]
    changed = canonical(before) != canonical(proposed)
    step = "1" if item.kind == "integer" else "any"
    return Control(item, FIELD + item.name, kind, shown, as_text(before), as_text(proposed), changed, fault, step)


def _kind(item: Field) -> str:
    if item.kind == "array" and item.choices:
        return "checkboxes"
    if item.choices:
        return "radio" if len(item.choices) <= FEW_CHOICES else "select"
    plain = {
        "boolean": "yesno",
        "date": "date",
        "timestamp": "datetime-local",
        "time": "time",
        "integer": "number",
        "number": "number",
    }
    if item.kind in plain:
        return plain[item.kind]
    if item.pattern is not None and item.longest is None:
        return "text"
    if item.kind in ("array", "object") or item.longest is None or item.longest > LONG_TEXT:
        return "textarea"
    return "text"


def as_text(value: Any) -> str:
    """A value as a person reads and edits it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return str(value)


def answer_of(post: QueryDict, fields: Sequence[Field]) -> Answer:
    """A posted form as an answer; values stay as they were entered, `civicops.review` checks them."""
    value: dict[str, Any] = {}
    for item in fields:
        name = FIELD + item.name
        if _kind(item) == "checkboxes":
            if name in post or f"{name}-sent" in post:
                value[item.name] = post.getlist(name)
        elif name in post:
            value[item.name] = _as_json(item, str(post[name]))
    if "members" in post:
        value["members"] = post.getlist("members")
    groups: dict[str, list[str]] = {}
    for name, group in post.items():
        if name.startswith("part-") and isinstance(group, str):
            groups.setdefault(group, []).append(name.removeprefix("part-"))
    if groups:
        value["parts"] = list(groups.values())
    seconds = post.get("seconds", "")
    return Answer(
        outcome=post.get("outcome", ""),
        seen=post.get("seen", ""),
        value=value,
        reason=post.get("reason", ""),
        seconds=float(seconds) if seconds.replace(".", "", 1).isdigit() else None,
    )


def _as_json(item: Field, text: str) -> Any:
    """Lists and objects travel as JSON in a text box; what is not JSON stays a text and the check says so."""
    if item.kind in ("array", "object") and text.strip()[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def value_for(outcome: str, answer: Answer) -> Mapping[str, Any] | None:
    """What of an answer goes with an outcome: values with an edit, groups with a merge or a split, nothing with the rest."""
    if outcome == "edit":
        return {name: value for name, value in answer.value.items() if name not in ("members", "parts")}
    if outcome == "merge":
        return {name: value for name, value in answer.value.items() if name != "parts"}
    if outcome == "split":
        return {name: value for name, value in answer.value.items() if name != "members"}
    return None


def with_changes(view: TaskView, answer: Answer) -> str:
    """The outcome that is meant: who changes a field and presses Accept has edited."""
    if answer.outcome != "accept" or "edit" not in view.outcomes:
        return answer.outcome
    entered = {name: value for name, value in answer.value.items() if name in view.base}
    before = {item.name: control_of(item, view.base.get(item.name)).value for item in view.fields}
    after = {name: control_of(item, entered[name]).value for item in view.fields if (name := item.name) in entered}
    return "edit" if any(_plain(after[name]) != _plain(before[name]) for name in after) else "accept"


def _plain(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, tuple) else str(value).replace("\r\n", "\n").strip()
