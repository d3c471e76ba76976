"""What a trace finds, as values.

Belongs here: rules, rows, models, decisions, and the whole of them. Does not belong here: finding them (`trace`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from civicops.lineage.origin import Origin
from civicops.lineage.replay import LookupLine
from civicops.product_files import MadeFrom
from civicops.workspace import Workspace


@dataclass(frozen=True)
class Rule:
    """A check that the row was held against. `broke`: whether the row broke it; `columns`: what it read."""

    id: str
    description: str
    action: str
    columns: tuple[str, ...]
    broke: bool


@dataclass(frozen=True)
class Row:
    """An accepted row, or one that was held back: what it reads, the rules it was held against, and where it stands."""

    dataset: str
    values: Mapping[str, Any]
    rules: tuple[Rule, ...]
    origin: Origin
    contract_version: str
    run: str = ""
    batch: str = ""
    is_current: bool = True
    """False for a version of the key that a newer one replaced, and for a row held back under rules that were changed since."""
    blanked: Mapping[str, str] = field(default_factory=dict)
    """Raw text of values that rules left empty."""
    error: str = ""
    is_behind_code: bool = False
    """Whether it was found by following what the product's Python says of its tables."""
    select: str = ""
    """SQL that gives an accepted row as the models read it."""


@dataclass(frozen=True)
class ModelStep:
    """A model on the way, and its SQL as dbt compiles it from the files of now, by its hash."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True)
class MadeRow:
    """A row that the product's Python made, as the warehouse has it. `code`: a hash of all of the product's Python."""

    table: str
    key: Mapping[str, Any]
    shown: Mapping[str, Any]
    path: str
    code: str


@dataclass(frozen=True)
class Decision:
    """What a person decided about the row. Who keeps decisions gives them to `trace`."""

    id: str
    who: str
    at: str
    text: str


Decisions: TypeAlias = Callable[[Workspace, str, Mapping[str, Any]], Sequence[Decision]]
"""The decisions about a row: of the workspace, `product.dataset` and the key."""


@dataclass(frozen=True)
class Trace:
    """All that is known of where one row, or one value of it, comes from."""

    dataset: str
    key: Mapping[str, Any]
    column: str | None
    version: str | None
    """The release it was found in; None for a row that is in none."""
    values: Mapping[str, Any]
    run: str
    code: Mapping[str, Any]
    tools: Mapping[str, str]
    contract_version: str
    privacy: tuple[str, ...]
    """Ids of privacy rules that may have changed what is shown in the release."""
    accepted: tuple[Row, ...]
    held: tuple[Row, ...]
    made_of: Mapping[str, int]
    """Where rows were added up: tables and how many of their rows have this key's values."""
    models: tuple[ModelStep, ...]
    made: tuple[MadeRow, ...]
    """Rows of tables that Python made on the way from the rows below; they lead on by what the product declares."""
    lookups: tuple[LookupLine, ...]
    again: str
    """Whether the models make the same value of the row again: `same`, `other: ...`, or why it was not tried."""
    decisions: tuple[Decision, ...]
    files: MadeFrom | None = None
    """The files that made the release, against those shown here; None for what is in no release."""
    notes: tuple[str, ...] = ()
    """What keeps parts of this from being certain, in sentences."""

    @property
    def value(self) -> Any:
        """The value asked for."""
        return self.values.get(self.column) if self.column else None
