"""A plan: what a change will do, as one value that never changes.

Belongs here: the value, its id (a hash of what it says), its file `plans/<id>.json`. Does not belong here: working it out or
doing it (`civicops.orchestrate`), how it reads (`plan_words`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from civicops.change.grades import Comparison, Grade
from civicops.errors import CivicopsError
from civicops.runs import write_json

FORMAT = 1
FOLDER = "plans"
"""Where plans are kept, in the workspace's data."""
_APART = frozenset({"id", "made_at", "seconds"})
"""Fields that the id does not cover: two plans that differ only in them are one plan."""


class PlanError(CivicopsError):
    """There is no such plan, or its file is not as it was written."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


GradeName = Literal["cosmetic", "additive", "dangerous", "breaking"]


class GradedChange(_Value):
    """One change of a contract with both grades and reasons."""

    what: str
    column: str | None
    before: str
    after: str
    consumers: GradeName
    consumers_reason: str
    producers: GradeName
    producers_reason: str


class ContractChange(_Value):
    """All changes of one contract."""

    contract: str
    owner: str
    old_version: str | None
    new_version: str | None
    consumers: GradeName
    producers: GradeName
    changes: tuple[GradedChange, ...]


class ChangedFile(_Value):
    """One file that differs between the two states."""

    product: str
    path: str
    kind: str
    how: str


class RuleEffect(_Value):
    """What a changed rule does to all rows that have landed, or to all rows that would be released.

    `broken_before` and `broken_after` count rows that break it, `None` where there is no such rule on that side; `held` and
    `let_in` count rows newly held back and newly accepted because of it. `samples` show a few of them, personal values hidden.
    """

    dataset: str
    check: str
    description: str
    layer: str
    rows: int
    broken_before: int | None
    broken_after: int | None
    held: int
    let_in: int
    samples: tuple[dict[str, str | None], ...] = ()


class AcceptedEffect(_Value):
    """What became of the landed rows of one accepted dataset."""

    dataset: str
    rows_in: int
    accepted_before: int
    accepted_after: int
    held: int
    let_in: int


class RowSample(_Value):
    """One row that was added, removed or changed; personal values hidden."""

    kind: str
    key: dict[str, str | None]
    before: dict[str, str | None]
    after: dict[str, str | None]


class ReleaseEffect(_Value):
    """How one release will differ from the current one. `data_sha256` is what applying must give."""

    dataset: str
    current: str | None
    data_sha256: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    is_same: bool
    columns: dict[str, int] = {}
    schema_changes: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    samples: tuple[RowSample, ...] = ()
    size_bytes: int = 0
    note: str = ""


class Reader(_Value):
    """Something downstream that uses what changed: a model, release, page, chart, API field, export, sheet, monitor or alert."""

    kind: str
    product: str
    name: str
    columns: tuple[str, ...]
    owner: str
    because: tuple[str, ...]
    """The changed columns it uses, as `product.dataset.column`."""
    grade: GradeName


class Approval(_Value):
    """Somebody who must agree, and why."""

    who: str
    why: tuple[str, ...]


class Cost(_Value):
    """What applying will do at most: rows written, bytes written, requests to sources. Seconds stand beside the plan."""

    rows: int
    size_bytes: int
    requests: int
    notes: tuple[str, ...] = ()


class World(_Value):
    """What must still be so when the plan is applied: hashes of files and code, landed deliveries, current releases."""

    head: str
    code: str
    landed: dict[str, str]
    releases: dict[str, dict[str, str]]


class Plan(_Value):
    """Everything a change will do. Equal plans have equal ids."""

    format: int = FORMAT
    id: str = ""
    base: str
    base_commit: str
    head_commit: str | None
    is_dirty: bool
    files: tuple[ChangedFile, ...]
    contracts: tuple[ContractChange, ...]
    accepted: tuple[AcceptedEffect, ...]
    rules: tuple[RuleEffect, ...]
    releases: tuple[ReleaseEffect, ...]
    readers: tuple[Reader, ...]
    approvals: tuple[Approval, ...]
    cost: Cost
    untouched: tuple[str, ...]
    problems: tuple[str, ...]
    """Why it cannot be applied; empty when it can."""
    behind: dict[str, str] = {}
    """Products whose current releases were not made of the base's files, with the files that differ: what became of these is not
    in the plan."""
    world: World
    made_at: str
    seconds: dict[str, float]
    """How long each part took here: what applying takes where nothing can be reused."""

    @property
    def grade(self) -> Grade:
        """The worst grade of all contract changes, for anybody."""
        names = [name for one in self.contracts for name in (one.consumers, one.producers)]
        return max((Grade[name.upper()] for name in names), default=Grade.COSMETIC)

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.made_at)

    @property
    def products(self) -> tuple[str, ...]:
        """The products whose releases it looks at, by name."""
        return tuple(sorted(self.world.releases))

    @property
    def changes_releases(self) -> bool:
        return any(not effect.is_same for effect in self.releases)


def sealed(plan: Plan) -> Plan:
    """The same plan with its id."""
    return plan.model_copy(update={"id": digest(plan)[:16]})


def digest(plan: Plan) -> str:
    """SHA-256 (64 hex digits) over all that a plan says; its id is the beginning of it."""
    content = plan.model_dump(mode="json", exclude=set(_APART))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def save(plan: Plan, folder: Path) -> Path:
    """Write a sealed plan to `<folder>/<id>.json`; one that is there already stays as it is. Raises `OSError`."""
    path = folder / f"{plan.id}.json"
    if path.exists():
        path.touch()
    else:
        write_json(path, plan.model_dump(mode="json"))
    return path


def plans(folder: Path, most: int) -> list[Plan]:
    """The newest plans that are kept in a folder, at most so many; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("*.json"), key=lambda item: -item.stat().st_mtime)[:most]:
        try:
            found.append(load(str(path), folder))
        except PlanError:
            continue
    return found


def load(name: str, folder: Path) -> Plan:
    """A plan by its id, the beginning of it, its file, or `last` for the newest.

    Raises `PlanError` when there is none, or it was changed by hand.
    """
    path = Path(name)
    if not (path.suffix == ".json" and path.is_file()):
        found = sorted(folder.glob(f"{name}*.json")) if name.isalnum() else []
        if name == "last":
            found = sorted(folder.glob("*.json"), key=lambda item: item.stat().st_mtime)[-1:]
        if len(found) != 1:
            what = "There is no plan" if not found else f"{len(found)} plans begin with"
            raise PlanError(f"{what} '{name}'.", hint="`civicops plan` makes one and prints its name.")
        path = found[0]
    try:
        plan = Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} cannot be read as a plan.", hint="Plan again.") from error
    if sealed(plan).id != plan.id:
        raise PlanError(f"{path} is not as it was written: its content and its name differ.", hint="Plan again.")
    return plan


def contract_change(found: Comparison, owner: str) -> ContractChange:
    """A comparison as it stands in a plan."""
    return ContractChange(
        contract=found.contract,
        owner=owner,
        old_version=found.old_version,
        new_version=found.new_version,
        consumers=_name(found.consumers),
        producers=_name(found.producers),
        changes=tuple(
            GradedChange(
                what=item.what,
                column=item.column,
                before=item.before,
                after=item.after,
                consumers=_name(item.consumers.grade),
                consumers_reason=item.consumers.reason,
                producers=_name(item.producers.grade),
                producers_reason=item.producers.reason,
            )
            for item in found.changes
        ),
    )


def _name(grade: Grade) -> Any:
    return str(grade)


def worst(grades: Iterable[Grade]) -> Any:
    """The name of the worst of some grades."""
    return str(max(grades, default=Grade.COSMETIC))
