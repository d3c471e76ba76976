"""Counts of a changed rule that people have accepted: small reviewed files in `changes/`, beside the products.

Belongs here: reading and writing those files, which counts of a plan need one, whether what was accepted is what would happen.
Does not belong here: counting (`civicops.orchestrate.effects`), who must agree (`plan`).

A rule decides which rows are let in, so nobody may change one without having seen what that does to all rows. `civicops ci
--accept` writes the counts it found into `changes/<branch>.yaml`; whoever reviews the change reviews that file with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civicops.change.plan import Plan
from civicops.errors import CivicopsError

FOLDER = "changes"
TOLERANCE = 0.1
"""Where more has landed since, counts may differ by this share from what the accepted ones come to for as many rows."""
ALL_RULES = "all rules"
"""Stands for the rows of a dataset that are held back or let in by the change as a whole, whatever the rule."""
_HEAD = "# What this change does to rows, seen and accepted. Written by `civicops ci --accept`; review it like code.\n"


class AcceptedFileError(CivicopsError):
    """A file in `changes/` cannot be read."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Closed):
    """What one changed rule does: `breaks` of `rows` rows break it now, `held` are newly held back, `let_in` newly let in."""

    dataset: str
    rule: str
    rows: int = Field(ge=0)
    breaks: int | None = Field(default=None, ge=0)
    held: int = Field(default=0, ge=0)
    let_in: int = Field(default=0, ge=0)

    @property
    def name(self) -> str:
        return f"{self.dataset} {self.rule}"


class Accepted(_Closed):
    """The counts on the data of one workspace; `data` is its organisation's name, for a demo's are others than the city's."""

    data: str
    counts: tuple[Count, ...]


class AcceptedFile(_Closed):
    """One file of `changes/`."""

    accepted: tuple[Accepted, ...]


@dataclass(frozen=True)
class NotAccepted:
    """One count that nobody has accepted, and what was accepted instead, if anything."""

    count: Count
    accepted: Count | None

    def __str__(self) -> str:
        what = f"{self.count.name}: {words(self.count)}"
        return what if self.accepted is None else f"{what}; accepted was: {words(self.accepted)}"


def words(count: Count) -> str:
    """A count in words."""
    parts = [f"{count.breaks:,} break it"] if count.breaks is not None else []
    parts += [f"{count.held:,} newly held back", f"{count.let_in:,} newly let in"]
    return f"of {count.rows:,} rows {', '.join(parts)}"


def counts_of(plan: Plan) -> tuple[Count, ...]:
    """What must be accepted: each changed rule, and each dataset of which rows come or go at the checks."""
    found = [
        Count(
            dataset=one.dataset,
            rule=one.check,
            rows=one.rows,
            breaks=one.broken_after,
            held=one.held,
            let_in=one.let_in,
        )
        for one in plan.rules
    ]
    found += [
        Count(dataset=one.dataset, rule=ALL_RULES, rows=one.rows_in, held=one.held, let_in=one.let_in)
        for one in plan.accepted
        if one.held or one.let_in
    ]
    return tuple(sorted(found, key=lambda item: (item.dataset, item.rule)))


def read_file(path: Path) -> AcceptedFile:
    """One file of `changes/`. Raises `AcceptedFileError`."""
    hint = f"`civicops ci --accept` writes it anew; or mend {path.name} by hand."
    try:
        return AcceptedFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise AcceptedFileError(f"{path}: {place}: {first['msg']}.", hint=hint) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AcceptedFileError(f"{path} cannot be read: {' '.join(str(error).split())}", hint=hint) from error


def not_accepted(counts: Iterable[Count], files: Iterable[AcceptedFile], data: str) -> tuple[NotAccepted, ...]:
    """The counts that no file accepts for the data of that name."""
    known: dict[tuple[str, str], list[Count]] = {}
    for file in files:
        for one in file.accepted:
            for count in one.counts if one.data == data else ():
                known.setdefault((count.dataset, count.rule), []).append(count)
    found = []
    for count in counts:
        theirs = known.get((count.dataset, count.rule), [])
        if not any(is_same(count, one) for one in theirs):
            found.append(NotAccepted(count, theirs[-1] if theirs else None))
    return tuple(found)


def is_same(now: Count, then: Count) -> bool:
    """Whether what would happen is what was accepted: the same numbers, or about the same shares when other rows are there."""
    numbers = ((now.breaks, then.breaks), (now.held, then.held), (now.let_in, then.let_in))
    if now.rows == then.rows:
        return all(a == b for a, b in numbers)
    if not then.rows:
        return False
    for a, b in numbers:
        if a is None or b is None:
            if a is not b:
                return False
            continue
        expected = b * now.rows / then.rows
        # Nothing stays nothing: a rule that was accepted because it touches no row must touch none.
        if (b == 0 and a > 0) or abs(a - expected) > max(1.0, TOLERANCE * expected):
            return False
    return True


def write(folder: Path, branch: str, counts: Sequence[Count], data: str) -> Path:
    """Write the counts into the file of a branch, in place of those on the same data; what was accepted on other data stays.

    Raises `AcceptedFileError` for a file that is there and cannot be read, `OSError`.
    """
    path = folder / f"{_file_name(branch)}.yaml"
    before = read_file(path).accepted if path.is_file() else ()
    entries = [one for one in before if one.data != data] + [Accepted(data=data, counts=tuple(counts))]
    text = _HEAD + yaml.safe_dump(
        {"accepted": [one.model_dump(mode="json", exclude_none=True) for one in entries]},
        sort_keys=False, allow_unicode=True, width=130,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    work.write_text(text, encoding="utf-8")
    work.replace(path)
    return path


def _file_name(branch: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", branch).strip("-")[:80] or "change"
