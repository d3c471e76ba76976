"""Counts of a changed rule that people have accepted: small reviewed files in `changes/`, beside the products.

Belongs here: reading and writing those files, which counts of a plan need one, whether what was accepted is what would happen and
was found by a plan. Does not belong here: counting (`civicops.orchestrate.effects`), who must agree (`plan`).

A rule decides which rows are let in, so nobody may change one without having seen what that does to all rows. `civicops ci
--accept` writes the counts it found into `changes/<branch>.yaml`; whoever reviews the change reviews that file with it.

Each count carries which plan found it, a hash of the rule as it then was, and a hash over all of it, so that a number written by
hand is not taken for one that was seen. That keeps people from rounding, not from forging: the hash is no secret.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civicops.change.plan import Plan
from civicops.contracts import ContractFileError
from civicops.contracts.checktypes import Allowed
from civicops.contracts.yaml_lines import read_yaml
from civicops.errors import CivicopsError
from civicops.workspace import Product

FOLDER = "changes"
TOLERANCE = 0.1
"""Where more has landed since, counts may differ by this share from what the accepted ones come to for as many rows."""
ALL_RULES = "all rules"
"""Stands for the rows of a dataset that are held back or let in by the change as a whole, whatever the rule."""
_ANEW = "Remove {name}, then `civicops ci --accept` writes it anew."
_HEAD = "# What this change does to rows, seen and accepted. Written by `civicops ci --accept`; review it like code.\n"


class AcceptedFileError(CivicopsError):
    """A file in `changes/` cannot be read."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Count(_Closed):
    """What one changed rule does: `breaks` of `rows` rows break it now, `held` are newly held back, `let_in` newly let in.

    `plan` found it, `says` is a hash of what the rule says (empty for all rules together), `proof` one over everything.
    """

    dataset: str
    rule: str
    rows: int = Field(ge=0)
    breaks: int | None = Field(default=None, ge=0)
    held: int = Field(default=0, ge=0)
    let_in: int = Field(default=0, ge=0)
    plan: str = ""
    says: str = ""
    proof: str = ""

    def sealed(self, data: str) -> Count:
        """The same count with its proof, for the data of that name."""
        return self.model_copy(update={"proof": self._digest(data)})

    def is_sealed(self, data: str) -> bool:
        """Whether it is as `sealed` left it."""
        return self.proof == self._digest(data)

    def _digest(self, data: str) -> str:
        return _hash([data, self.model_dump(mode="json", exclude={"proof"})])

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
    """One count that nobody has accepted, and what was accepted instead, if anything; `why` that does not count."""

    count: Count
    accepted: Count | None
    why: str = ""

    def __str__(self) -> str:
        what = f"{self.count.name}: {words(self.count)}"
        if self.accepted is None:
            return what
        return f"{what}; accepted was: {words(self.accepted)}" + (f" ({self.why})" if self.why else "")


def words(count: Count) -> str:
    """A count in words."""
    parts = [f"{count.breaks:,} break it"] if count.breaks is not None else []
    parts += [f"{count.held:,} newly held back", f"{count.let_in:,} newly let in"]
    return f"of {count.rows:,} rows {', '.join(parts)}"


def counts_of(plan: Plan, products: Iterable[Product]) -> tuple[Count, ...]:
    """What must be accepted: each changed rule, and each dataset of which rows come or go at the checks.

    `products` are those whose rules the plan tried.
    """
    says = _sayings(products)
    found = [
        Count(
            dataset=one.dataset,
            rule=one.check,
            rows=one.rows,
            breaks=one.broken_after,
            held=one.held,
            let_in=one.let_in,
            plan=plan.id,
            says=says.get((one.dataset, one.check), _hash("there is no such rule any more")),
        )
        for one in plan.rules
    ]
    found += [
        Count(dataset=one.dataset, rule=ALL_RULES, rows=one.rows_in, held=one.held, let_in=one.let_in, plan=plan.id)
        for one in plan.accepted
        if one.held or one.let_in
    ]
    return tuple(sorted(found, key=lambda item: (item.dataset, item.rule)))


def _sayings(products: Iterable[Product]) -> dict[tuple[str, str], str]:
    """A hash of what each rule says, by dataset and check: not its description, but the values of its lookup."""
    found = {}
    for product in products:
        for contract in product.contracts:
            lookups = product.lookup_values(contract)
            for check in contract.checks:
                values = None
                if isinstance(check.spec, Allowed) and check.spec.lookup and check.spec.lookup_column:
                    values = lookups.get((check.spec.lookup, check.spec.lookup_column))
                found[contract.id, check.id] = _hash([check.column, check.spec.model_dump(mode="json"), values])
    return found


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_file(path: Path) -> AcceptedFile:
    """One file of `changes/`. Raises `AcceptedFileError`, which says how a merge that nobody finished is finished."""
    side = f"git checkout --ours {path.name}, or --theirs"
    hint = f"Take one side as it is ({side}), then `civicops ci --accept` writes what is so now."
    try:
        return AcceptedFile.model_validate(read_yaml(path).data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise AcceptedFileError(f"{path}: {place}: {first['msg']}.", hint=_ANEW.format(name=path.name)) from error
    except ContractFileError as error:
        first_problem = error.problems[0]
        is_merge = "git's marks" in first_problem.message
        raise AcceptedFileError(f"{first_problem}.", hint=hint if is_merge else _ANEW.format(name=path.name)) from error


def not_accepted(counts: Iterable[Count], files: Iterable[AcceptedFile], data: str) -> tuple[NotAccepted, ...]:
    """The counts that no file accepts for the data of that name."""
    known: dict[tuple[str, str], list[Count]] = {}
    for file in files:
        for one in file.accepted:
            for count in one.counts if one.data == data else ():
                known.setdefault((count.dataset, count.rule), []).append(count)
    found = []
    for count in counts:
        refused = {one: _refusal(count, one, data) for one in known.get((count.dataset, count.rule), ())}
        if all(refused.values()):
            # The last one says most: it is the newest, or what somebody wrote under the others.
            last = next(reversed(refused), None)
            found.append(NotAccepted(count, last, refused[last] if last else ""))
    return tuple(found)


def _refusal(now: Count, then: Count, data: str) -> str:
    """Why a count that was written down does not accept what would happen; empty when it does."""
    if not then.is_sealed(data):
        return "which no plan found: it was written or changed by hand, and `civicops ci --accept` writes what a plan finds"
    if then.says != now.says:
        return "of the rule as it was then; it has been changed since"
    return "" if is_same(now, then) else "which is not what happens now"


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
    """Write the counts into the file of a branch, each with its proof, in place of those on the same data; what was accepted on
    other data stays. Raises `AcceptedFileError` for a file that is there and cannot be read, `OSError`.
    """
    path = folder / f"{_file_name(branch)}.yaml"
    before = read_file(path).accepted if path.is_file() else ()
    entries = [one for one in before if one.data != data] + [
        Accepted(data=data, counts=tuple(one.sealed(data) for one in counts))
    ]
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
