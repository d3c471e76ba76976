"""The workspace: `civicops.toml`, the product folders, and where each part of the data lies.

Belongs here: settings with their meaning, finding products, the paths of a workspace. Does not belong here: reading or
writing the data in those paths; each room owns its own.
"""

from __future__ import annotations

import csv
import os
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civicops.alert_settings import AlertRoute, AlertsTable
from civicops.contracts import Contract, ContractFileError, Problem, load_contracts
from civicops.contracts.checktypes import Allowed
from civicops.contracts.explain import explain_validation
from civicops.contracts.monitoring import Monitors
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import Document, read_yaml
from civicops.errors import CivicopsError

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


class WorkspaceTable(_Closed):
    """`[workspace]`: who runs this and where things lie."""

    organisation: str = Field(
        default="", description="The group that runs this workspace, as pages and messages name it."
    )
    data: str = Field(default="var", description="Folder that keeps everything fetched and made, beside this file.")
    products: str = Field(default="products", description="Folder that holds one folder per product, beside this file.")
    internal_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts of sources inside your network, though their names do not say so, such as 'data.example.org'.",
    )
    timezone: str = Field(default="UTC", description="IANA time zone of schedules that name none of their own.")
    downloads: str = Field(
        default="", description="Folder that relative paths of sources are meant from; this file's own when left out."
    )
    preview: str = Field(
        default="",
        description="Name of the preview that this workspace is; `civicops preview` writes it. Nothing is sent out.",
    )


class EngineTable(_Closed):
    """`[engine]`: how much of the machine a run may use."""

    threads: int = Field(default=2, ge=1, description="Threads of one run.")
    memory_limit: str = Field(
        default="2GB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="Memory of one run's engine, such as '2GB'."
    )


class RetentionTable(_Closed):
    """`[retention]`: which old releases stay."""

    keep_newest: int = Field(default=10, ge=1, description="How many of the newest releases of a dataset stay.")
    keep_monthly: bool = Field(default=True, description="Whether the last release of each month stays as well.")


class PortalTable(_Closed):
    """`[portal]`: the web pages and the programming interface."""

    host: str = Field(
        default="127.0.0.1", description="Address that the portal listens on; this machine only by default."
    )
    port: int = Field(default=8000, ge=1, le=65535, description="Port that the portal listens on.")
    mail: str = Field(
        default="",
        description="Name of an environment variable with the Apprise address of a mail server, such as 'CIVICOPS_PORTAL_MAIL'; "
        "letters to organisations go out through it. Left out, members copy links into letters of their own.",
    )
    mail_allow: tuple[str, ...] = Field(
        default=(), description="Internal hosts that the address in `mail` may name, such as '127.0.0.1'."
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="Names under which people reach it besides localhost, such as 'data.example.org'."
    )
    https: bool = Field(
        default=False,
        description="Whether a proxy of yours before it speaks HTTPS; cookies then travel over HTTPS only.",
    )
    proxies: int = Field(
        default=0, ge=0, description="How many proxies of yours stand before it; who asks is read from what they say."
    )
    connect: tuple[str, ...] = Field(
        default=(),
        description="Other hosts that pages may fetch from, such as 'https://tiles.example.org' for a base map; none by default.",
    )
    api_rows: int = Field(default=10_000, ge=1, description="Most rows that one answer of the interface gives.")
    api_seconds: float = Field(
        default=10, gt=0, description="Longest time that one question to the interface may take."
    )
    api_per_minute: int = Field(
        default=120, ge=1, description="Questions per minute and address that the interface answers."
    )
    import_megabytes: int = Field(
        default=20, ge=1, le=500, description="Largest file that the page for importing lists takes, in MB."
    )
    sign_ins_per_minute: int = Field(default=10, ge=1, description="Failed sign-ins per minute and address.")
    threads: int = Field(default=1, ge=1, description="Engine threads of all questions together.")
    memory_limit: str = Field(
        default="512MB", pattern=r"^\d+(\.\d+)?(MB|GB)$", description="Engine memory of all questions together."
    )


class ObserveTable(_Closed):
    """`[observe]`: what watching needs to know besides the monitors of products."""

    country: str = Field(
        default="", description="Two letters of the country whose public holidays count, such as 'US'; none by default."
    )
    subdivision: str = Field(default="", description="State or province of it, such as 'CA'.")
    tick_minutes: int = Field(default=5, ge=1, description="How often `civicops up` looks at all monitors.")
    flapping_hours: float = Field(
        default=24, gt=0, description="What comes back within this time is the same incident, reopened."
    )
    openlineage_url: str = Field(
        default="", description="Where OpenLineage events are sent besides the file `observe/openlineage.jsonl`."
    )
    openlineage_allow: tuple[str, ...] = Field(
        default=(), description="Internal hosts that `openlineage_url` may name, such as 'localhost'."
    )


class Settings(_Closed):
    """All of `civicops.toml`. Each table may be left out."""

    workspace: WorkspaceTable = WorkspaceTable()
    engine: EngineTable = EngineTable()
    retention: RetentionTable = RetentionTable()
    portal: PortalTable = PortalTable()
    observe: ObserveTable = ObserveTable()
    alerts: AlertsTable = AlertsTable()
    products: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="`[products.NAME]`: settings that the product's own `sources.py` reads; "
        "`[products.NAME.sources.SOURCE]` with `url` or `path` replaces where one source comes from.",
    )


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
    reads: tuple[str, ...] = Field(default=(), description="Datasets of other products it reads, as `product.dataset`.")
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
    settings: dict[str, Any]

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
    def data(self) -> Path:
        return self.root / self.settings.workspace.data

    @property
    def downloads(self) -> Path:
        """The folder that relative paths of sources are meant from."""
        return self.root / self.settings.workspace.downloads

    @property
    def products_folder(self) -> Path:
        return self.root / self.settings.workspace.products

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
        """One product, read from its folder.

        Raises `WorkspaceError` for an unknown name, `ContractFileError` for faults in its files.
        """
        if name not in self.product_names:
            raise WorkspaceError(f"There is no product '{name}'.", hint=f"{nearest(name, self.product_names)}.")
        folder = self.products_folder / name
        file, contracts = _product_files(folder, _stamps(folder))
        product = Product(name, folder, file, contracts, self.settings.products.get(name, {}))
        if problems := _cross_references(product):
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
def _product_files(folder: Path, _stamps: tuple[tuple[str, int, int], ...]) -> tuple[ProductFile, tuple[Contract, ...]]:
    """`product.yaml` and the contracts of a product; read again only when one of them changed, came or went."""
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
    if file is None or problems:
        raise ContractFileError(problems)
    return file, contracts


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of every file that `_product_files` reads."""
    found = [folder / "product.yaml", *sorted((folder / "contracts").glob("*.yaml"))]
    return tuple((path.name, at.st_mtime_ns, at.st_size) for path in found if (at := path.stat()))


def _cross_references(product: Product) -> list[Problem]:
    """Faults that only show when contracts and lookups are seen together."""
    problems: list[Problem] = []
    published = {contract.dataset: contract for contract in product.published}
    for metric in product.file.report:
        known = published[metric.dataset].column_names if metric.dataset in published else ()
        for wanted, choices in (
            (metric.dataset, published),
            *((name, known) for name in (metric.day, metric.value) if name),
        ):
            if wanted not in choices:
                message = f"report '{metric.title}': there is no '{wanted}'; {nearest(wanted, choices)}"
                problems.append(Problem(product.folder / "product.yaml", 1, message))
                break
    for contract in product.contracts:
        if contract.product != product.name:
            message = f"belongs to product '{contract.product}' but lies in the folder of '{product.name}'"
            problems.append(Problem(contract.path, 1, message))
        for check in contract.row_checks:
            spec = check.spec
            if not isinstance(spec, Allowed) or spec.lookup is None:
                continue
            if spec.lookup not in product.lookups:
                message = f"check '{check.id}': no lookup '{spec.lookup}'; {nearest(spec.lookup, product.lookups)}"
                problems.append(Problem(contract.path, 1, message))
                continue
            with product.lookups[spec.lookup].open(encoding="utf-8-sig", newline="") as stream:
                header = next(csv.reader(stream), [])
            if spec.lookup_column not in header:
                near = nearest(str(spec.lookup_column), header)
                message = f"check '{check.id}': lookup '{spec.lookup}' has no column '{spec.lookup_column}'; {near}"
                problems.append(Problem(contract.path, 1, message))
    return problems
