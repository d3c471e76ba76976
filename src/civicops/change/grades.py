"""The four grades of a change, and the values that carry them.

Belongs here: `Grade`, `Side`, `Change`, `Comparison`, and which step of the version a grade asks for. Does not belong here:
deciding on a grade (`grade` and the modules beside it).

    grade       for consumers                                         for producers
    breaking    code fails, or goes on and is wrong                   rows good until now are refused, mean something else, or
                                                                      lose a protection that was promised
    dangerous   code goes on; what it shows can shift                 rows are taken, but treated otherwise
    additive    more, or firmer, than before                          more is taken than before
    cosmetic    nobody's code notices                                 nobody's rows notice
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

ETHICS = "ethics review"
"""The part that stands in a file beside the contract, so that no version of the contract has to move for it."""


class Grade(IntEnum):
    """How much a change is to be feared; the larger, the more."""

    COSMETIC = 0
    ADDITIVE = 1
    DANGEROUS = 2
    BREAKING = 3

    def __str__(self) -> str:
        return self.name.lower()


Step = Literal["none", "patch", "minor", "major"]


@dataclass(frozen=True)
class Side:
    """A grade for one side, and the reason in a sentence."""

    grade: Grade
    reason: str


@dataclass(frozen=True)
class Change:
    """One difference between two states of a contract.

    `what` names the part (`height_m: unit`); `before` and `after` are its texts, empty where there is none.
    """

    what: str
    column: str | None
    before: str
    after: str
    consumers: Side
    producers: Side

    @property
    def grade(self) -> Grade:
        """The worse of the two."""
        return max(self.consumers.grade, self.producers.grade)


@dataclass(frozen=True)
class Comparison:
    """Every difference between two states of one contract. A version that is `None`: there is no such contract on that side."""

    contract: str
    old_version: str | None
    new_version: str | None
    changes: tuple[Change, ...]

    @property
    def consumers(self) -> Grade:
        return max((change.consumers.grade for change in self.changes), default=Grade.COSMETIC)

    @property
    def producers(self) -> Grade:
        return max((change.producers.grade for change in self.changes), default=Grade.COSMETIC)

    @property
    def grade(self) -> Grade:
        """The worst of all changes for anybody."""
        return max(self.consumers, self.producers)

    @property
    def step(self) -> Step:
        """The step of the version that these changes ask for, at least."""
        mine = [change.grade for change in self.changes if change.what != ETHICS]
        return _STEPS[max(mine)] if mine else "none"

    @property
    def version_problem(self) -> str:
        """Why the version did not move as it must, in a sentence; empty when it did."""
        if self.old_version is None or self.new_version is None:
            return ""
        old, new = parsed(self.old_version), parsed(self.new_version)
        if new < old:
            return f"{self.contract}: the version goes back from {self.old_version} to {self.new_version}."
        least = next_version(self.old_version, self.step)
        if new < parsed(least):
            mine = [change for change in self.changes if change.what != ETHICS]
            worst = max(mine, key=lambda change: change.grade)
            return (
                f"{self.contract}: version {self.new_version} must be {least} or higher, because of a {worst.grade} change "
                f"({worst.what})."
            )
        return ""


_STEPS: dict[Grade, Step] = {
    Grade.COSMETIC: "patch",
    Grade.ADDITIVE: "minor",
    Grade.DANGEROUS: "minor",
    Grade.BREAKING: "major",
}


def parsed(version: str) -> tuple[int, int, int]:
    """`1.4.2` as numbers. Raises `ValueError` for anything else."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def next_version(version: str, step: Step) -> str:
    """The version after `version` by a step; below 1.0.0 nothing is promised yet, so `major` moves the second number."""
    major, minor, patch = parsed(version)
    match step:
        case "major" if major:
            return f"{major + 1}.0.0"
        case "major" | "minor":
            return f"{major}.{minor + 1}.0"
        case "patch":
            return f"{major}.{minor}.{patch + 1}"
    return version


def change(
    what: str,
    before: object,
    after: object,
    consumers: tuple[Grade, str],
    producers: tuple[Grade, str],
    column: str | None = None,
) -> Change:
    """A `Change` from loose parts."""
    return Change(what, column, text(before), text(after), Side(*consumers), Side(*producers))


def text(value: object) -> str:
    """How a value stands in a plan; nothing for none."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, value)) if isinstance(value, set | frozenset) else map(str, value))
    return str(value)
