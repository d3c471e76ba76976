"""Who is in the group, and who answers for which product and dataset.

Belongs here: `people.yaml` beside `civicops.toml`, the names in contracts and `product.yaml`, and whether those people are still
there. Does not belong here: accounts and roles (`civicops.portal`), telling somebody (`civicops.observe`), handing over
(`civicops.govern.handover`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from civicops.contracts import Contract, ContractFileError
from civicops.contracts.explain import explain_validation
from civicops.contracts.yaml_lines import read_yaml
from civicops.workspace import Product, Workspace

PEOPLE_FILE = "people.yaml"
_KEY = re.compile(r"(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=* ?[^\r\n]*")
LEAVING_DAYS = 30
"""So long before the last day a person counts as leaving."""

Duty = Literal["owner", "steward", "backup"]
DUTIES: tuple[Duty, ...] = ("owner", "steward", "backup")
State = Literal["active", "leaving", "left", "unknown"]


class Member(BaseModel):
    """One person of the group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="The name on the group's code host.")
    name: str = Field(default="", description="What people call them.")
    since: date | None = Field(default=None, description="Their first day.")
    until: date | None = Field(default=None, description="Their last day; left out while nobody knows of one.")
    signing_keys: tuple[str, ...] = Field(
        default=(),
        description="Public SSH keys that sign their commits, such as 'ssh-ed25519 AAAA...'; their agreement counts signed only.",
    )
    note: str = Field(default="", description="Whatever others should know, such as who took over.")

    @field_validator("signing_keys")
    @classmethod
    def _one_line_each(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [key for key in keys if not _KEY.fullmatch(key)]:
            raise ValueError(f"is no public SSH key on one line: {wrong[0][:40]}")
        return keys

    @model_validator(mode="after")
    def _days_in_order(self) -> Member:
        if self.since and self.until and self.until < self.since:
            raise ValueError("'until' is before 'since'")
        return self


class People(BaseModel):
    """`people.yaml`: everybody who is in the group, and who was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: tuple[Member, ...] = Field(
        description="The people, one entry each; whoever leaves gets `until` and stays here."
    )

    @model_validator(mode="after")
    def _named_once(self) -> People:
        names = [member.username for member in self.people]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named more than once: {', '.join(twice)}")
        return self

    def member(self, username: str) -> Member | None:
        """The person of that name."""
        return next((member for member in self.people if member.username == username), None)

    def state(self, username: str, today: date) -> State:
        """Whether a person is there; `unknown` for a name that the file does not hold."""
        member = self.member(username.removeprefix("@"))
        if member is None:
            return "unknown"
        if member.until is not None and member.until < today:
            return "left"
        return (
            "leaving" if member.until is not None and member.until <= today + timedelta(days=LEAVING_DAYS) else "active"
        )


@dataclass(frozen=True)
class Held:
    """One duty of one person: what for (`product`, or `product.dataset`), and whether it is said there or follows from the
    product."""

    username: str
    duty: Duty
    subject: str
    product: str
    path: Path
    is_own: bool = True


def read_people(workspace: Workspace) -> People | None:
    """The group's people; None without `people.yaml`. Raises `ContractFileError` for faults, each with its line."""
    path = workspace.root / PEOPLE_FILE
    try:
        at = path.stat()
    except FileNotFoundError:
        return None
    return _read(path, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _size: int) -> People:
    document = read_yaml(path)
    try:
        return People.model_validate(document.data)
    except ValidationError as error:
        raise ContractFileError(list(explain_validation(document, error, People))) from error


def product_duties(product: Product) -> Iterator[Held]:
    """Who owns a product and who stands in for them."""
    path = product.folder / "product.yaml"
    for duty, name in (("owner", product.file.owner), ("backup", product.file.backup)):
        if name:
            yield Held(name, duty, product.name, product.name, path)  # type: ignore[arg-type] # the two are duties


def dataset_duties(product: Product, contract: Contract) -> Iterator[Held]:
    """Owner, steward and backup of a dataset: those of its contract, else those of its product."""
    own = {person.role for person in contract.people}
    for person in contract.people:
        if person.role in DUTIES:
            yield Held(person.username, person.role, contract.id, product.name, contract.path)  # type: ignore[arg-type]
    for held in product_duties(product):
        if held.duty not in own:
            yield Held(held.username, held.duty, contract.id, product.name, held.path, is_own=False)


def duties(workspace: Workspace) -> tuple[Held, ...]:
    """Every duty of everybody: products first, then their datasets."""
    found: list[Held] = []
    for product in workspace.products:
        found += product_duties(product)
        for contract in product.contracts:
            found += dataset_duties(product, contract)
    return tuple(found)


@dataclass(frozen=True)
class Gap:
    """Somebody who should answer for something and does not: `severity` is critical where nobody is left who does."""

    product: str
    subject: str
    severity: Literal["info", "warning", "critical"]
    text: str


def gaps(product: Product, people: People, today: date) -> tuple[Gap, ...]:
    """What a product lacks in people: an owner who has left, one person for everything, a dataset with nobody."""
    found: list[Gap] = []
    own = list(product_duties(product))
    found += _gaps(product, product.name, own, people, today)
    told = {(held.username, held.duty) for held in own}
    for contract in product.contracts:
        held = list(dataset_duties(product, contract))
        # What the product's own line says already is not said once for each of its datasets.
        new = [one for one in held if one.is_own and (one.username, one.duty) not in told]
        found += _gaps(product, contract.id, new, people, today, everybody=held)
    there = {held.username for held in own if _is_there(held.username, people, today)}
    if len(there) == 1 and not any(gap.subject == product.name for gap in found):
        name = next(iter(there))
        found.append(Gap(product.name, product.name, "warning", f"{product.name} hangs on {name} alone: name a backup"))
    return tuple(found)


def _gaps(
    product: Product,
    subject: str,
    held: Sequence[Held],
    people: People,
    today: date,
    everybody: Sequence[Held] | None = None,
) -> Iterator[Gap]:
    there = [one for one in (held if everybody is None else everybody) if _is_there(one.username, people, today)]
    for one in held:
        match people.state(one.username, today):
            case "left":
                member = people.member(one.username)
                when = f" on {member.until}" if member else ""
                severity: Literal["warning", "critical"] = "warning" if there else "critical"
                yield Gap(product.name, subject, severity, f"{subject}: {one.duty} {one.username} left{when}")
            case "leaving":
                member = people.member(one.username)
                when = f" on {member.until}" if member else ""
                yield Gap(product.name, subject, "info", f"{subject}: {one.duty} {one.username} leaves{when}")
            case "unknown":
                severity = "warning" if there else "critical"
                text = f"{subject}: {one.duty} {one.username} is not in {PEOPLE_FILE}"
                yield Gap(product.name, subject, severity, text)


def _is_there(username: str, people: People, today: date) -> bool:
    return people.state(username, today) in ("active", "leaving")
