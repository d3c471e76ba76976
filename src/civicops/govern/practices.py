"""What a product is held against, and what its people have written down: practices, pain points, goals.

Belongs here: the closed models of `practices.yaml` (the package's and the workspace's own) and of a product's `goals.yaml`, and
reading them. Does not belong here: measuring (`measures`), bringing results together (`scorecard`).
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from civicops.contracts import ContractFileError, Problem
from civicops.contracts.explain import explain_validation
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import Document, read_yaml
from civicops.workspace import Product, Workspace

PRACTICES_FILE, GOALS_FILE = "practices.yaml", "goals.yaml"
Weight = Literal["binds", "advises", "off"]
Stage = Literal["pilot", "stable", "retired"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stages(_Closed):
    """What a practice means for a product of each stage."""

    pilot: Weight
    stable: Weight
    retired: Weight

    def of(self, stage: Stage) -> Weight:
        """The weight for one stage."""
        weight: Weight = getattr(self, stage)
        return weight


class Practice(_Closed):
    """One practice of DataOps."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Its name in goals and files.")
    title: str = Field(description="What is so where it is met.")
    why: str = Field(description="Why it matters, for somebody who has never heard of it.")
    measure: str = Field(description="How it is measured: a function of civicops.govern.measures.")
    stages: Stages = Field(description="Whether it binds, advises or is off for pilot, stable and retired products.")
    page: str = Field(description="The page that says how to get there.")


class PracticesFile(_Closed):
    """`practices.yaml`."""

    practices: tuple[Practice, ...]


class Pain(_Closed):
    """Something that hurts those who work on a product or use it."""

    text: str = Field(min_length=10, description="What hurts, and whom.")
    since: date = Field(description="Since when it is known.")
    practice: str = Field(default="", description="The practice that it is about, if one is.")
    gone: date | None = Field(default=None, description="The day on which it no longer hurt; it stays in the list.")


class Goal(_Closed):
    """Where a product is to be, and by when. It is reached when its practice is met, or when somebody says so in `reached`."""

    text: str = Field(default="", description="What is to be so; the practice's title when left out.")
    practice: str = Field(default="", description="The practice that is then met.")
    by: date = Field(description="By when.")
    who: str = Field(description="Who sees to it: a user name.")
    reached: date | None = Field(default=None, description="For a goal that no practice measures: when it was reached.")

    @model_validator(mode="after")
    def _says_something(self) -> Goal:
        if not self.text and not self.practice:
            raise ValueError("a goal names a practice or says in 'text' what is to be so")
        if self.practice and self.reached:
            raise ValueError("whether a practice is met is measured; 'reached' is for goals without one")
        return self


class GoalsFile(_Closed):
    """A product's `goals.yaml`: what hurts, and what comes next."""

    pains: tuple[Pain, ...] = Field(default=(), description="What hurts.")
    goals: tuple[Goal, ...] = Field(default=(), description="What comes next.")


_Model = TypeVar("_Model", bound=_Closed)


def practices_of(workspace: Workspace, measures: tuple[str, ...]) -> tuple[Practice, ...]:
    """The package's practices, changed and added to by the workspace's own file.

    Raises `ContractFileError` for faults, also for a measure that is not among `measures`.
    """
    with as_file(files("civicops.govern") / PRACTICES_FILE) as path:
        found = {item.id: item for item in _read_practices(path, path.stat().st_mtime_ns).practices}
    own = workspace.root / PRACTICES_FILE
    if own.is_file():
        document = read_yaml(own)
        for number, item in enumerate(_validated(document, PracticesFile).practices):
            if item.measure not in measures:
                line = document.line(("practices", number, "measure"))
                message = f"there is no measure '{item.measure}'; {nearest(item.measure, measures)}"
                raise ContractFileError([Problem(own, line, message)])
            found[item.id] = item
    return tuple(found.values())


def goals_of(product: Product, known: tuple[Practice, ...]) -> GoalsFile | None:
    """A product's pain points and goals; None without the file. Raises `ContractFileError`, also for an unknown practice."""
    path = product.folder / GOALS_FILE
    if not path.is_file():
        return None
    document = read_yaml(path)
    file = _validated(document, GoalsFile)
    names = [practice.id for practice in known]
    named = [("pains", number, pain.practice) for number, pain in enumerate(file.pains)]
    named += [("goals", number, goal.practice) for number, goal in enumerate(file.goals)]
    problems = [
        Problem(
            path, document.line((part, number, "practice")), f"there is no practice '{name}'; {nearest(name, names)}"
        )
        for part, number, name in named
        if name and name not in names
    ]
    if problems:
        raise ContractFileError(problems)
    return file


@lru_cache(maxsize=2)
def _read_practices(path: Path, _changed: int) -> PracticesFile:
    return _validated(read_yaml(path), PracticesFile)


def _validated(document: Document, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise ContractFileError(list(explain_validation(document, error, model))) from error
