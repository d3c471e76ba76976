"""A contract as the rest of civicops uses it: resolved, frozen, without loose ends.

Belongs here: the values (`Contract`, `Column`, `Check`) and questions that can be answered from them alone.
Does not belong here: reading files (`load`), what privacy rules may say (`privacy`), SQL (`civicops.checks`).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from civicops.contracts.checktypes import Action, DatasetCheck, RowCheck, RowCount
from civicops.contracts.monitoring import Monitors
from civicops.contracts.odcs import LogicalType
from civicops.contracts.privacy import ExpectedPersonal, PrivacyRule

Access = Literal["public", "restricted", "internal"]
"""Who may read a dataset: anybody, named roles only, or only the product's own runs (never released)."""

Layer = Literal["accepted", "published"]
"""Whether rows come from a source (`accepted`: parsed and split by checks) or from a model (`published`: gated, released)."""

_STRICT = {"public": 0, "restricted": 1}


def stricter(*found: str) -> str:
    """The strictest of several accesses; what is not known is stricter than all."""
    return max(found, key=lambda access: _STRICT.get(access, 2), default="internal")


_SQL_TYPES: dict[str, str] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "array": "VARCHAR[]",
    "object": "VARCHAR",
}


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Was(_Value):
    """What a column was called before, and the last day on which it is offered under that name as well."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    until: date


class Column(_Value):
    """One column: what it is called, what it means, in which unit, and how a source writes it."""

    name: str
    title: str
    description: str
    logical_type: LogicalType
    physical_type: str | None = None
    unit: str | None = None
    required: bool = False
    critical: bool = False
    """A critical column must exist in every layout of the source; without it the run stops."""
    source_names: tuple[str, ...] = ()
    """The source's names for it, lower case; the first is the usual one. Empty: not read from the source."""
    formats: tuple[str, ...] = ()
    """strptime formats, tried in order, for dates and timestamps written as text."""
    timezone: str | None = None
    """IANA zone in which the source writes wall-clock times; given, the column is a moment (with zone)."""
    true_values: tuple[str, ...] = ("true", "t", "yes", "y", "1")
    false_values: tuple[str, ...] = ("false", "f", "no", "n", "0")
    null_values: tuple[str, ...] = ()
    """Texts that mean 'no value' in the source, besides the empty one."""
    pii_class: str = "none"
    expected_personal: ExpectedPersonal | None = None
    """Kinds of personal data that stand here on purpose although the column has no class, and why."""
    examples: tuple[str, ...] = ()
    was: Was | None = None
    reworded: str | None = None
    """The version of the contract in which only the words of the description changed, not what they mean."""

    @property
    def sql_type(self) -> str:
        """The DuckDB type of the typed column."""
        if self.physical_type:
            return self.physical_type
        if self.logical_type == "timestamp":
            return "TIMESTAMP WITH TIME ZONE" if self.timezone else "TIMESTAMP"
        return _SQL_TYPES[self.logical_type]


class Check(_Value):
    """One rule of one dataset: an id, a sentence for people, what it tests and what happens when it is broken."""

    id: str
    description: str
    column: str | None = None
    dimension: str | None = None
    spec: RowCheck | DatasetCheck
    implied: bool = False
    """Made from `required`, a type or a key rather than written out as a quality rule."""

    @property
    def action(self) -> Action:
        """`stop` for a row count: its lower bound aborts; its upper one is judged apart and only warns."""
        return "stop" if isinstance(self.spec, RowCount) else self.spec.action

    @property
    def kind(self) -> str:
        return self.spec.check


class Person(_Value):
    username: str
    role: str


class ReviewNote(_Value):
    """The ethics review that a public dataset stands under."""

    reviewed_on: date
    expires_on: date
    reviewers: tuple[str, ...]
    decision: str


class Contract(_Value):
    """Everything there is to know of one dataset."""

    id: str
    product: str
    dataset: str
    title: str
    version: str
    status: str
    layer: Layer
    access: Access
    """Who may read it: what the file says, or `restricted` where the file says public and no ethics review allows it."""
    purpose: str
    usage: str
    limitations: str
    licence: str
    people: tuple[Person, ...]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    latest_by: tuple[str, ...] = ()
    """Columns that order several versions of one key, the newest last; the newest is kept."""
    sort_by: tuple[str, ...] = ()
    row_checks: tuple[Check, ...] = ()
    dataset_checks: tuple[Check, ...] = ()
    ignored_fields: tuple[tuple[str, str], ...] = ()
    """Source fields that are not read, each (name or `prefix*`, reason)."""
    privacy: tuple[PrivacyRule, ...] = ()
    monitors: Monitors | None = None
    """How this dataset is watched, where it differs from its product."""
    freshness_hours: float | None = None
    retention: str | None = None
    retention_by: str | None = None
    """The column that says how old a row is, where rows themselves go when their time is over."""
    reviewed: ReviewNote | None = None
    """The ethics review that holds now; the workspace puts it here, not the file."""
    restricted_because: str = ""
    """Why it is not public although its file says so; empty where it is as the file says."""
    path: Path

    @property
    def declared_access(self) -> Access:
        """What the file says, whatever reviews there are."""
        return "public" if self.restricted_because else self.access

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def offered_names(self) -> tuple[str, ...]:
        """The names of all columns and the old ones of renamed columns, whatever the day."""
        return (*self.column_names, *(column.was.name for column in self.columns if column.was))

    @property
    def point(self) -> tuple[str, str] | None:
        """Its columns of longitude and latitude in degrees, by the names that contracts give them, if it has both."""
        for longitude, latitude in (("longitude", "latitude"), ("lon", "lat")):
            if longitude in self.column_names and latitude in self.column_names:
                return longitude, latitude
        return None

    @property
    def checks(self) -> tuple[Check, ...]:
        return self.row_checks + self.dataset_checks

    @property
    def owner(self) -> str:
        return next((person.username for person in self.people if person.role == "owner"), "nobody")

    def old_names(self, today: date) -> tuple[tuple[str, str], ...]:
        """(old name, present name) of every renamed column that is offered under both names on that day."""
        return tuple(
            (column.was.name, column.name) for column in self.columns if column.was and today <= column.was.until
        )

    def column(self, name: str) -> Column:
        """The column called `name`; `KeyError` when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @cached_property
    def fingerprint(self) -> str:
        """A hash over all that decides which rows are accepted and how they read; prose does not count.

        Two contracts with the same fingerprint give the same accepted rows from the same bytes.
        """
        content = self.model_dump(
            mode="json",
            include={
                "id": True,
                "columns": {
                    "__all__": {
                        "name", "logical_type", "physical_type", "required", "critical", "source_names",
                        "formats", "timezone", "true_values", "false_values", "null_values",
                    }
                },
                "row_checks": {"__all__": {"id", "column", "spec"}},
                "ignored_fields": True,
            },
        )  # fmt: skip
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
