"""The shapes of the interface's answers.

Belongs here: closed models, which the OpenAPI description is made from. Does not belong here: filling them (`routes`).
"""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field


class Problem(Schema):
    """Why a question was not answered, and what to do."""

    message: str
    hint: str = ""


class DatasetInList(Schema):
    """One dataset, shortly."""

    id: str = Field(description="`product.dataset`.")
    product: str
    dataset: str
    title: str
    purpose: str
    access: str = Field(description="`public`: anybody may read the rows. `restricted`: stewards only.")
    licence: str
    version: str | None = Field(description="The current version; null before the first release.")
    rows: int | None


class DatasetList(Schema):
    """Datasets, sorted by id."""

    datasets: list[DatasetInList]


class ColumnOut(Schema):
    """One column."""

    name: str
    title: str
    type: str
    unit: str | None
    description: str
    is_key: bool
    required: bool


class CheckOut(Schema):
    """One rule and what it found in the current version."""

    id: str
    description: str
    column: str
    broken: int | None = Field(description="Rows that break it; null when it has not been run.")
    rows: int | None


class DatasetOut(DatasetInList):
    """One dataset: its contract and its current version."""

    usage: str
    limitations: str
    owner: str
    contract_version: str
    key: list[str]
    columns: list[ColumnOut]
    checks: list[CheckOut]
    made_from: list[str]
    downloads: dict[str, str] = Field(description="Format to address, for the current version.")


class VersionOut(Schema):
    """One version."""

    version: str
    created_at: str
    current: bool
    rows: int | None
    bytes: int | None
    contract_version: str


class VersionList(Schema):
    """Versions on the disk, newest first."""

    versions: list[VersionOut]


class RowPage(Schema):
    """A page of rows in the order of the release."""

    dataset: str
    version: str
    columns: list[str]
    rows: list[dict[str, Any]]
    next: str | None = Field(description="Give it as `cursor` for the next page; null after the last.")
