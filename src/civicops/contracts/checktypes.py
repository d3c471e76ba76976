"""The kinds of check a contract can ask for, each a closed model of its parameters.

Belongs here: what a check is called, which parameters it takes, what it does when it is broken, and the sentence that
describes the kind to a volunteer (the reference in `docs/reference` is made from these docstrings). Does not belong here:
SQL (`civicops.checks`).

Every kind stands in a contract as an ODCS quality rule of `type: custom`, `engine: civicops`, with the parameters below
under `implementation`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Action = Literal["flag", "blank", "quarantine", "stop"]
"""What happens to a row that breaks a check, mildest first.

`flag`: the row stays and the finding is kept with it. `blank`: the value becomes null and the raw value is kept beside.
`quarantine`: the row is held back with its raw values. `stop`: nothing of this run is published.
"""

Scalar = str | int | float | bool


class _Check(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Required(_Check):
    """The column must have a value."""

    check: Literal["required"]
    action: Action = "quarantine"


class Parses(_Check):
    """A value that is present must be readable as the column's type; dates in one of the column's formats."""

    check: Literal["parses"]
    action: Action = "quarantine"


class Allowed(_Check):
    """The value must be one of a list, or stand in a column of one of the product's lookup tables."""

    check: Literal["allowed"]
    values: tuple[Scalar, ...] = ()
    lookup: str | None = None
    lookup_column: str | None = Field(default=None, alias="lookupColumn")
    action: Action = "flag"

    @model_validator(mode="after")
    def _one_of_both(self) -> Allowed:
        if bool(self.values) == bool(self.lookup):
            raise ValueError("give either 'values' or 'lookup', not both and not neither")
        if self.lookup and not self.lookup_column:
            raise ValueError("'lookup' needs 'lookupColumn', the column of the lookup table that holds the values")
        return self


class Range(_Check):
    """A number, date or timestamp must lie between two bounds, both included; either bound may be left out."""

    check: Literal["range"]
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    action: Action = "flag"

    @model_validator(mode="after")
    def _has_a_bound(self) -> Range:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give 'minimum', 'maximum' or both")
        return self


class Length(_Check):
    """The text must have between `minimum` and `maximum` characters."""

    check: Literal["length"]
    minimum: int | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=0)
    action: Action = "flag"

    @model_validator(mode="after")
    def _has_a_bound(self) -> Length:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give 'minimum', 'maximum' or both")
        return self


class Pattern(_Check):
    """The whole text must match a regular expression (RE2 syntax, so that no pattern can run for ever)."""

    check: Literal["pattern"]
    pattern: str
    action: Action = "flag"


class Compare(_Check):
    """Two columns of one row must stand in an order, such as `closed_at >= created_at`; a null on either side passes."""

    check: Literal["compare"]
    left: str
    operator: Literal["<", "<=", "=", "!=", ">=", ">"]
    right: str
    blanks: tuple[str, ...] = ()
    action: Action = "flag"


class Inside(_Check):
    """A point must lie inside a box of west, south, east and north in degrees; a point with a null side passes."""

    check: Literal["inside"]
    longitude: str
    latitude: str
    west: float = Field(ge=-180, le=180)
    south: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)
    blanks: tuple[str, ...] = ()
    action: Action = "blank"


class Paired(_Check):
    """Either all of the columns have a value or none has, such as latitude and longitude."""

    check: Literal["paired"]
    columns: tuple[str, ...] = Field(min_length=2)
    blanks: tuple[str, ...] = ()
    action: Action = "flag"


class LocalTime(_Check):
    """The wall-clock time must name exactly one moment: not the hour that is skipped in spring or repeated in autumn."""

    check: Literal["local_time"]
    action: Action = "flag"


class Expression(_Check):
    """A SQL condition over the columns of one row that must not be false; for what no other kind can say."""

    check: Literal["expression"]
    expression: str
    blanks: tuple[str, ...] = ()
    action: Action = "flag"


RowCheck = Annotated[
    Required | Parses | Allowed | Range | Length | Pattern | Compare | Inside | Paired | LocalTime | Expression,
    Field(discriminator="check"),
]


class _DatasetCheck(_Check):
    action: Literal["flag", "stop"] = "stop"


class UniqueKey(_DatasetCheck):
    """No two rows have the same values in these columns."""

    check: Literal["unique"]
    columns: tuple[str, ...] = Field(min_length=1)


class ForeignKey(_DatasetCheck):
    """Every value must stand in a column of another dataset: one of this product, or the current release of another."""

    check: Literal["foreign_key"]
    columns: tuple[str, ...] = Field(min_length=1)
    dataset: str
    references: tuple[str, ...] = Field(min_length=1)


class RowCount(_Check):
    """The number of rows must lie between two bounds. Below the lower one nothing is published; above the upper one warns."""

    check: Literal["row_count"]
    minimum: int | None = Field(default=None, ge=0)
    maximum: int | None = Field(default=None, ge=0)


class NullShare(_Check):
    """The share of rows without a value, from 0 to 1. Below `minimum` stops; above `maximum` warns, or stops if asked."""

    check: Literal["null_share"]
    column: str
    minimum: float | None = Field(default=None, ge=0, le=1)
    maximum: float | None = Field(default=None, ge=0, le=1)
    action: Literal["flag", "stop"] = "flag"


class QuarantineShare(_Check):
    """The share of rows held back, from 0 to 1. Above `maximum` nothing is published: so many bad rows are a changed source."""

    check: Literal["quarantine_share"]
    maximum: float = Field(ge=0, le=1)
    action: Literal["flag", "stop"] = "stop"


class Freshness(_Check):
    """The newest value of a timestamp column must not be older than so many hours when the run begins."""

    check: Literal["freshness"]
    column: str
    maximum_hours: float = Field(alias="maximumHours", gt=0)
    action: Literal["flag", "stop"] = "flag"


class Conservation(_DatasetCheck):
    """Rows of the accepted datasets it is made from = its own rows + rows left out for a named reason.

    `ignored` is a model with the columns `reason` and `row_count` that counts what was left out and why.
    """

    check: Literal["conservation"]
    sources: tuple[str, ...] = Field(min_length=1)
    ignored: str | None = None


class NoRows(_DatasetCheck):
    """A SQL query over the dataset (as `{dataset}`) that must return no row; for what no other kind can say."""

    check: Literal["no_rows"]
    query: str


DatasetCheck = Annotated[
    UniqueKey | ForeignKey | RowCount | NullShare | QuarantineShare | Freshness | Conservation | NoRows,
    Field(discriminator="check"),
]

ROW_CHECKS: dict[str, type[_Check]] = {
    model.model_fields["check"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in (
        Required, Parses, Allowed, Range, Length, Pattern, Compare, Inside, Paired, LocalTime, Expression,
    )
}  # fmt: skip
DATASET_CHECKS: dict[str, type[_Check]] = {
    model.model_fields["check"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in (UniqueKey, ForeignKey, RowCount, NullShare, QuarantineShare, Freshness, Conservation, NoRows)
}
