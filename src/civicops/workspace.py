"""The workspace: `civicops.toml`, the product folders, and where each part of the data lies.

Belongs here: settings with their meaning, finding products, the paths of a workspace. Does not belong here: reading or
writing the data in those paths; each room owns its own.
"""

from __future__ import annotations

import csv
import os
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civicops.alert_settings import AlertRoute, AlertsTable
from civicops.contracts import Contract, ContractFileError, Problem, load_contracts
from civicops.contracts.checktypes import Allowed
from civicops.contracts.ethics import FILE as ETHICS_FILE
from civicops.contracts.ethics import Reviews, in_force
from civicops.contracts.ethics_file import read_reviews
from civicops.contracts.explain import explain_validation
from civicops.contracts.monitoring import Monitors
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import Document, read_yaml
from civicops.cross_references import cross_references
from civicops.errors import CivicopsError
from civicops.settings import EngineTable, ObserveTable, PortalTable, RetentionTable, Settings, WorkspaceTable

__all__ = [
    "SETTINGS_FILE",
    "AlertRoute",
    "AlertsTable",
    "EngineTable",
    "ObserveTable",
    "PortalTable",
    "Product",
    "ProductFile",
    "RetentionTable",
    "Settings",
    "SheetFile",
    "Workspace",
    "WorkspaceError",
    "WorkspaceTable",
    "read_lookup",
    "read_settings",
]

SETTINGS_FILE = "civicops.toml"


class WorkspaceError(CivicopsError):
    """The workspace or one of its settings is not as it must be."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SheetFile(_Closed):
    """One sheet of a product's spreadsheet: a dataset's rows, found again by the key of its contract."""

    dataset: str = Field(description="The published dataset whose rows it shows.")
    title: str = Field(description="Name of the sheet (the tab).")
    columns: tuple[str, ...] = Field(description="Columns it shows, after those of the key.")
    marks: tuple[str, ...] = Field(default=(), description="Columns for people to write in, to the right of ours.")


class ReportMetric(_Closed):
    """One number of a product that the weekly digest draws, day by day."""

    title: str = Field(description="What is counted, such as 'Files deleted a day'.")
    dataset: str = Field(description="The published dataset that holds it.")
    day: str = Field(description="Its column of the day or moment.")
    value: str = Field(default="", description="Its column of numbers, added up per day; rows are counted without one.")


class ProductFile(_Closed):
    """`product.yaml`: what the framework must know of a product besides its contracts."""

    title: str = Field(description="What people call it.")
    summary: str = Field(description="One or two sentences for somebody who has never heard of it.")
    owner: str = Field(description="Who answers for it: a user name on the group's code host.")
    backup: str = Field(default="", description="Who answers when the owner is away.")
    stage: Literal["pilot", "stable", "retired"] = Field(description="How much others may rely on it.")
    schedule: str = Field(description="When it runs: a cron line of five fields.")
    timezone: str = Field(default="", description="Time zone of the schedule; the workspace's when left out.")
    freshness_hours: float | None = Field(default=None, gt=0, description="A newest record older than this is late.")
    alerts: tuple[str, ...] = Field(default=(), description="Names of the routes that hear of its incidents.")
    reads: tuple[str, ...] = Field(
        default=(),
        description="Datasets of other products it reads, as `product.dataset`. With some it may do without sources of its own.",
    )
    shows: tuple[str, ...] = Field(
        default=(),
        description="Datasets of other products that only its pages show, where they are there; its runs need none of them.",
    )
    monitors: Monitors = Field(default=Monitors(), description="How it is watched; see [monitors](monitors.md).")
    extras: tuple[str, ...] = Field(
        default=(), description="Extras of this package that it needs, such as 'google'; `make setup` installs all."
    )
    sheets: tuple[SheetFile, ...] = Field(
        default=(),
        description="Sheets that `civicops export sheets` brings up to date: `{dataset, title, columns}` each; the spreadsheet's "
        "id is the product's setting `spreadsheet`.",
    )
    report: tuple[ReportMetric, ...] = Field(
        default=(),
        description="Numbers that the weekly digest draws besides rows a day: `{title, dataset, day, value}` each. They reach "
        "everybody whom the product's routes reach, also from a restricted dataset.",
    )
    privacy: str = Field(default="", description="What it does to protect people, in a sentence or two.")


@dataclass(frozen=True)
class Product:
    """One product folder, read."""

    name: str
    folder: Path
    file: ProductFile
    contracts: tuple[Contract, ...]
    """As they hold on the day the product was read: public is only what an ethics review allows."""
    settings: dict[str, Any]
    reviews: Reviews = field(default_factory=Reviews)
    """What `ethics.yaml` says."""

    @property
    def accepted(self) -> tuple[Contract, ...]:
        return tuple(contract for contract in self.contracts if contract.layer == "accepted")

    @property
    def published(self) -> tuple[Contract, ...]:
        return tuple(contract for contract in self.contracts if contract.layer == "published")

    def contract(self, dataset: str) -> Contract:
        """The contract of `dataset`; raises `WorkspaceError` that names the nearest one."""
        for contract in self.contracts:
            if contract.dataset == dataset:
                return contract
        known = [contract.dataset for contract in self.contracts]
        raise WorkspaceError(f"Product '{self.name}' has no dataset '{dataset}'.", hint=nearest(dataset, known) + ".")

    @cached_property
    def lookups(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted((self.folder / "lookups").glob("*.csv"))}

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def monitors(self, contract: Contract | None = None) -> Monitors:
        """How the product, or one dataset of it, is watched: the product's words, changed by the contract's."""
        return self.file.monitors.with_changes(contract.monitors if contract else None)

    def lookup_values(self, contract: Contract) -> dict[tuple[str, str], tuple[str, ...]]:
        """The values of each (lookup, column) that the contract's `allowed` checks name, in file order, once each."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for check in contract.row_checks:
            if isinstance(check.spec, Allowed) and check.spec.lookup and check.spec.lookup_column:
                found[check.spec.lookup, check.spec.lookup_column] = read_lookup(
                    self.lookups[check.spec.lookup], check.spec.lookup_column
                )
        return found


def read_lookup(path: Path, column: str) -> tuple[str, ...]:
    """The non-empty values of one column of a lookup table, in file order, once each."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(stream) if row[column]))


@dataclass(frozen=True)
class Workspace:
    """Where everything of one workspace lies, and what its products are."""

    root: Path
    settings: Settings
    today: date | None = None
    """The day on which reviews must hold, for who asks about another one than this (in UTC)."""

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace of `start`, or of `CIVICOPS_WORKSPACE`, or of the current folder or one above it."""
        if start is None and (named := os.environ.get("CIVICOPS_WORKSPACE")):
            start = Path(named)
        here = (start or Path.cwd()).resolve()
        if here.is_file():
            return cls(here.parent, read_settings(here))
        for folder in (here, *here.parents):
            if (folder / SETTINGS_FILE).is_file():
                return cls(folder, read_settings(folder / SETTINGS_FILE))
        raise WorkspaceError(
            f"No {SETTINGS_FILE} in {here} or a folder above it.",
            hint="Go to the folder of your workspace, or name it with --workspace.",
        )

    @property
    def day(self) -> date:
        """The day on which ethics reviews must hold: `today`, or this day in UTC."""
        return self.today or datetime.now(UTC).date()

    @property
    def data(self) -> Path:
        return self.root / self.settings.workspace.data

    @property
    def downloads(self) -> Path:
        """The folder that relative paths of sources are meant from."""
        return self.root / self.settings.workspace.downloads

    @property
    def products_folder(self) -> Path:
        """Without `..` and links, for its paths stand in what people read."""
        return (self.root / self.settings.workspace.products).resolve()

    def folder(self, room: str) -> Path:
        """The folder of one room's data: landing, accepted, quarantine, warehouse, releases, runs, dagster."""
        return self.data / room

    @cached_property
    def product_names(self) -> tuple[str, ...]:
        return tuple(sorted(path.parent.name for path in self.products_folder.glob("*/product.yaml")))

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """Every product, read; raises `ContractFileError` with the faults of all of them at once."""
        found: list[Product] = []
        problems: list[Problem] = []
        for name in self.product_names:
            try:
                found.append(self.product(name))
            except ContractFileError as error:
                problems.extend(error.problems)
        if problems:
            raise ContractFileError(problems)
        return tuple(found)

    def product(self, name: str) -> Product:
        """One product, read from its folder. A dataset that says public and has no valid ethics review is restricted.

        Raises `WorkspaceError` for an unknown name, `ContractFileError` for faults in its files.
        """
        if name not in self.product_names:
            raise WorkspaceError(f"There is no product '{name}'.", hint=f"{nearest(name, self.product_names)}.")
        folder = self.products_folder / name
        file, contracts, reviews = _product_files(folder, _stamps(folder), self.day)
        product = Product(name, folder, file, contracts, self.settings.products.get(name, {}), reviews)
        if problems := cross_references(product):
            raise ContractFileError(problems)
        return product


def read_settings(path: Path) -> Settings:
    """Read `civicops.toml`; raises `WorkspaceError` that names every wrong key and the nearest valid one."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WorkspaceError(
            f"{path} cannot be read: {error}.", hint="Mend the file and run the command again."
        ) from error
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        problems = explain_validation(Document(path, data, {}), error, Settings)
        text = "; ".join(problem.message for problem in problems)
        raise WorkspaceError(f"{path}: {text}.", hint="docs/reference/settings.md lists every setting.") from error


@lru_cache(maxsize=1024)
def _product_files(
    folder: Path, _stamps: tuple[tuple[str, int, int], ...], day: date
) -> tuple[ProductFile, tuple[Contract, ...], Reviews]:
    """`product.yaml`, the contracts as reviews let them hold on a day, and the reviews; read again only when a file changed, came
    or went, or on another day."""
    document = read_yaml(folder / "product.yaml")
    problems: list[Problem] = []
    file: ProductFile | None = None
    try:
        file = ProductFile.model_validate(document.data)
    except ValidationError as error:
        problems.extend(explain_validation(document, error, ProductFile))
    try:
        contracts = load_contracts(sorted((folder / "contracts").glob("*.yaml")))
    except ContractFileError as error:
        raise ContractFileError([*problems, *error.problems]) from error
    try:
        reviews = read_reviews(folder / ETHICS_FILE, contracts)
    except ContractFileError as error:
        raise ContractFileError([*problems, *error.problems]) from error
    if file is None or problems:
        raise ContractFileError(problems)
    is_retired = file.stage == "retired"
    return file, tuple(in_force(one, reviews, day, is_retired=is_retired) for one in contracts), reviews


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of every file that `_product_files` reads."""
    found = [folder / "product.yaml", *sorted((folder / "contracts").glob("*.yaml")), *folder.glob(ETHICS_FILE)]
    return tuple((path.name, at.st_mtime_ns, at.st_size) for path in found if (at := path.stat()))
