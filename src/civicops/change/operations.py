"""Dangerous operations as reviewed files: `changes/operations/<id>.yaml`.

Belongs here: the closed value of such a file, reading and writing it, and which state may follow which, by whom. Does not belong
here: doing anything with data (`civicops.orchestrate.operating`), what a comparison says (`comparing`).

    proposed    somebody wrote down what is to be done, why, and what may come of it
    staged      it was done beside the real workspace, on the same data
    validated   somebody else has seen the comparison, which keeps to what was expected
    complete    all releases it changes were switched in together
    cancelled   it will not be done

After Mozilla's `backfill.yaml` (bigquery-etl, "Backfilling a table"): one reviewed file, a staging table, a swap.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from civicops.change.accepting import FOLDER as CHANGES
from civicops.contracts.explain import explain_validation
from civicops.contracts.problems import ContractFileError, Problem, nearest
from civicops.contracts.yaml_lines import read_yaml
from civicops.durable import sync
from civicops.errors import CivicopsError
from civicops.workspace import Workspace

FOLDER = "operations"
Kind = Literal["backfill", "replay", "delete", "rekey", "retention"]
KINDS: tuple[str, ...] = get_args(Kind)
State = Literal["proposed", "staged", "validated", "complete", "cancelled"]
NEXT: dict[str, tuple[str, ...]] = {
    "proposed": ("staged", "cancelled"),
    "staged": ("staged", "validated", "cancelled"),
    "validated": ("staged", "complete", "cancelled"),
    "complete": (),
    "cancelled": (),
}
"""Which state may follow which. Staging again takes a validation back."""
_HEAD = """\
# A dangerous operation, reviewed like code. `civicops operation` moves its state; what is above `state` may be
# edited by hand until it is validated, and is then staged or compared again. See docs/howto/dangerous-operations.md.
"""
_APART = frozenset({"state", "history", "comparison"})


class OperationError(CivicopsError):
    """There is no such operation, or it cannot go where it was told to."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Closed):
    """So many rows at least and at most; no `most`: as many as there are."""

    least: int = Field(default=0, ge=0)
    most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.most is not None and self.most < self.least:
            raise ValueError(f"at least {self.least} and at most {self.most} cannot both be")
        return self

    def holds(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.most == self.least:
            return f"{self.least:,}"
        return f"{self.least:,} or more" if self.most is None else f"{self.least:,} to {self.most:,}"


NONE = Range(least=0, most=0)


class Expected(_Closed):
    """What may become of one release. What is not named here may not happen; a release that is not named may not change."""

    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    added: Range = NONE
    removed: Range = NONE
    changed: Range = NONE
    within: str = ""
    """SQL over the release's columns: no row outside it may be added, removed or changed."""


class Merge(_Closed):
    """Old keys that become one new key, as it was meant."""

    old: tuple[tuple[str, ...], ...] = Field(min_length=2)
    new: tuple[str, ...] = Field(min_length=1)


class Event(_Closed):
    """One change of state: who, when, bound to which comparison, and why where that was asked."""

    state: State
    at: datetime
    by: str = Field(min_length=1)
    comparison: str = ""
    reason: str = ""


class Operation(_Closed):
    """Everything one file says."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$")
    kind: Kind
    product: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    reason: str = Field(min_length=10)
    proposed_by: str = Field(min_length=1)
    reviewers: tuple[str, ...] = Field(min_length=1)
    dataset: str = ""
    """Of delete the accepted dataset whose rows leave; of rekey and retention the dataset whose contract changes."""
    condition: str = ""
    """Of delete: true for the rows that leave."""
    sources: tuple[str, ...] = ()
    """Of backfill: the sources that are read again as a whole."""
    becomes: str = ""
    """Of retention the new time ('5 years'), of rekey the columns of the new key ('code, year')."""
    mapping: str = ""
    """Of rekey: a CSV file beside this one, a line per old key: `old_<column>` and `new_<column>` of either key."""
    merges: tuple[Merge, ...] = ()
    expected: tuple[Expected, ...] = ()
    state: State = "proposed"
    comparison: str = ""
    """SHA-256 of the comparison that was made last, `<id>.comparison.json` beside this file."""
    history: tuple[Event, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Operation:
        needs = {
            "backfill": ("sources",), "replay": (), "delete": ("dataset", "condition"),
            "rekey": ("dataset", "becomes", "mapping"), "retention": ("dataset", "becomes"),
        }  # fmt: skip
        allowed = {**needs, "rekey": (*needs["rekey"], "merges")}
        for name in ("dataset", "condition", "sources", "becomes", "mapping", "merges"):
            given = bool(getattr(self, name))
            if name in needs[self.kind] and not given:
                raise ValueError(f"a {self.kind} needs '{name}'")
            if given and name not in allowed[self.kind]:
                raise ValueError(f"'{name}' has no meaning for a {self.kind}")
        if self.mapping and Path(self.mapping).name != self.mapping:
            raise ValueError("the mapping is the name of a file beside this one")
        names = [one.dataset for one in self.expected]
        if len(set(names)) != len(names):
            raise ValueError("a dataset is expected twice")
        return self

    @model_validator(mode="after")
    def _lawful(self) -> Operation:
        first = self.history[0]
        if first.state != "proposed" or first.by != self.proposed_by:
            raise ValueError(f"the history begins with its proposal by {self.proposed_by}")
        for before, after in zip(self.history, self.history[1:], strict=False):
            if after.state not in NEXT[before.state]:
                raise ValueError(f"'{after.state}' cannot follow '{before.state}'; {_may_follow(before.state)}")
            if after.at < before.at:
                raise ValueError(f"'{after.state}' is older than what came before it")
        for event in self.history:
            if problem := self.validator_problem(event.by) if event.state == "validated" else "":
                raise ValueError(problem)
            if event.state == "validated" and not event.comparison:
                raise ValueError("a validation names the comparison that was seen")
        if self.history[-1].state != self.state:
            raise ValueError(f"the state is '{self.state}', but its history ends with '{self.history[-1].state}'")
        return self

    def validator_problem(self, person: str) -> str:
        """Why this person may not validate it; empty when they may."""
        if person == self.proposed_by:
            return f"{person} proposed it, so somebody else must validate it"
        if person not in self.reviewers:
            return f"{person} is none of its reviewers ({', '.join(self.reviewers)})"
        return ""

    @property
    def digest(self) -> str:
        """A hash over everything it says, whatever its state: what somebody agrees to."""
        return self._hash(_APART)

    @property
    def deed(self) -> str:
        """A hash over what is done alone; who looks at it and what they expect of it does not change what is staged."""
        return self._hash(_APART | {"reason", "reviewers", "expected", "mapping", "merges"})

    def _hash(self, without: frozenset[str]) -> str:
        content = self.model_dump(mode="json", exclude=set(without))
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def is_agreed(self) -> bool:
        """Whether somebody else has agreed to it and it was not taken back."""
        return self.state in ("validated", "complete")

    def moved(
        self, state: State, by: str, *, comparison: str = "", reason: str = "", now: datetime | None = None
    ) -> Operation:
        """The same operation in its next state. Raises `OperationError` in words when it cannot go there."""
        if state not in NEXT[self.state]:
            raise OperationError(
                f"{self.id} is {self.state}; it cannot become {state}.", hint=f"{_may_follow(self.state).capitalize()}."
            )
        if state == "validated" and (problem := self.validator_problem(by)):
            raise OperationError(f"{self.id}: {problem}.", hint=f"One of them: {', '.join(self.others)}.")
        at = (now or datetime.now(UTC)).replace(microsecond=0)
        event = Event(state=state, at=max(at, self.history[-1].at), by=by, comparison=comparison, reason=reason)
        return self.changed(state=state, history=(*self.history, event))

    def changed(self, **fields: Any) -> Operation:
        """A copy with other values, held against every rule of the value."""
        return Operation.model_validate(self.model_dump() | fields)

    @property
    def others(self) -> tuple[str, ...]:
        """Reviewers who did not propose it."""
        return tuple(name for name in self.reviewers if name != self.proposed_by)


def _may_follow(state: str) -> str:
    words = NEXT[state]
    return f"after '{state}' comes {' or '.join(words)}" if words else f"'{state}' is the end of it; propose a new one"


def folder_of(workspace: Workspace) -> Path:
    """Where the files are: beside the products, in the repository."""
    return workspace.products_folder.parent / CHANGES / FOLDER


def read_operation(path: Path) -> Operation:
    """One file. Raises `ContractFileError` with file, line and the nearest valid word."""
    document = read_yaml(path)
    try:
        found = Operation.model_validate(document.data)
    except ValidationError as error:
        raise ContractFileError(tuple(explain_validation(document, error, Operation))) from error
    if found.id != path.stem:
        problem = Problem(
            path, document.line(("id",)), f"is operation '{found.id}', so its name must be {found.id}.yaml"
        )
        raise ContractFileError([problem])
    return found


def operations(workspace: Workspace) -> tuple[Operation, ...]:
    """All of them, by id. Raises `ContractFileError` with the faults of all files."""
    found: list[Operation] = []
    problems: list[Problem] = []
    for path in sorted(folder_of(workspace).glob("*.yaml")):
        try:
            found.append(read_operation(path))
        except ContractFileError as error:
            problems.extend(error.problems)
    if problems:
        raise ContractFileError(problems)
    return tuple(found)


def find(workspace: Workspace, name: str) -> Operation:
    """The operation of that id. Raises `OperationError` with the nearest one, `ContractFileError`."""
    folder = folder_of(workspace)
    path = folder / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        names = [item.stem for item in folder.glob("*.yaml")]
        hint = f"{nearest(name, names)}." if names else "`civicops operation new KIND PRODUCT` proposes one."
        raise OperationError(f"There is no operation '{name}'.", hint=hint)
    return read_operation(path)


def write_operation(workspace: Workspace, operation: Operation) -> Path:
    """Write its file, whole or not at all. Raises `OSError`."""
    path = folder_of(workspace) / f"{operation.id}.yaml"
    content = operation.model_dump(mode="json", exclude_defaults=True)
    content |= {"state": operation.state}
    order = [name for name in Operation.model_fields if name in content]
    text = yaml.safe_dump({name: content[name] for name in order}, sort_keys=False, allow_unicode=True, width=110)
    write_text(path, _HEAD + text)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file of the repository so that a kill leaves the old one or the new one. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name, whoever writes: what a kill leaves is written over, and no second file lies about in the repository.
    work = path.with_name(f".{path.name}")
    work.write_text(text, encoding="utf-8")
    sync(work)
    work.replace(path)
    sync(path.parent)


def free_id(workspace: Workspace, kind: str, product: str, today: date) -> str:
    """A name for a new one: the day, what and where; numbered where there is one already."""
    base = f"{today:%Y-%m-%d}-{kind}-{product.replace('_', '-')}"
    taken = {path.stem for path in folder_of(workspace).glob("*.yaml")}
    names: Iterable[str] = (base, *(f"{base}-{n}" for n in range(2, 1000)))
    return next(name for name in names if name not in taken)
