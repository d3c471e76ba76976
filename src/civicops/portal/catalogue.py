"""The catalogue: every dataset, what it promises and what there is of it.

Belongs here: bringing contract, releases and check results together for a page or an answer. Does not belong here: HTML, JSON, or
who may read what (`access`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from civicops.contracts import Contract
from civicops.contracts.ethics import EthicsReview, judge
from civicops.contracts.model import Check, Column, Was
from civicops.portal.lineage import Lineage, lineage
from civicops.portal.reading import last_good_run, shelf, store, workspace
from civicops.release.described import access_of, package, spans
from civicops.release.values import Release
from civicops.workspace import Product


@dataclass(frozen=True)
class Entry:
    """One published dataset: its contract and its current release, if it has one."""

    product: Product
    contract: Contract
    current: Release | None

    @property
    def id(self) -> str:
        """`product.dataset`."""
        return self.contract.id

    @property
    def access(self) -> str:
        """Who may read it now."""
        return access_of(self.contract, self.current)

    @property
    def review(self) -> EthicsReview | None:
        """The ethics review under which it is public now; none for what is not."""
        if self.contract.reviewed is None:
            return None
        retired = self.product.file.stage == "retired"
        return judge(self.contract, self.product.reviews, shelf().workspace.day, is_retired=retired).review

    @property
    def resource(self) -> dict[str, Any]:
        """What the current release says of its file (`rowcount`, `bytes`, `hash`); empty without one."""
        if self.current is None:
            return {}
        try:
            return dict(package(self.current)["resources"][0])
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return {}

    @property
    def rows(self) -> int | None:
        """How many rows the current release has."""
        return self.resource.get("rowcount")

    @property
    def size_bytes(self) -> int | None:
        """How large its Parquet file is."""
        return self.resource.get("bytes")

    @property
    def point(self) -> tuple[str, str] | None:
        """Its columns of longitude and latitude, if it has both."""
        return self.contract.point


@dataclass(frozen=True)
class CheckRow:
    """One check of a contract and what it found in the release at hand."""

    id: str
    sentence: str
    column: str
    action: str
    count: int | None
    rows: int | None
    passed: bool | None
    """`None`: it has not been run on that release."""
    implied: bool = False
    """Made from a type, a key or `required`, rather than written out as a rule."""


@dataclass(frozen=True)
class ColumnRow:
    """One column for people: what the contract says and the span of its values."""

    column: Column
    is_key: bool
    span: str
    old: Was | None = None
    """The name it had and the last day on which it still answers to it; None when that day is over."""


@dataclass(frozen=True)
class VersionRow:
    """One version of a dataset, and the one before it, to compare with."""

    release: Release
    is_current: bool
    rows: int | None
    size_bytes: int | None
    contract_version: str
    before: Release | None
    rows_before: int | None
    access: str

    @property
    def more(self) -> int | None:
        """How many rows more than the version before."""
        return None if self.rows is None or self.rows_before is None else self.rows - self.rows_before


ACTIONS = {
    "flag": "Rows stay and are marked",
    "blank": "The value is left empty",
    "quarantine": "Rows are held back",
    "stop": "Nothing is published",
}


def entries() -> tuple[Entry, ...]:
    """Every published dataset of every product that can be read."""
    found = []
    for product in shelf().products:
        current = store().snapshot(product.name)
        found += [Entry(product, contract, current.get(contract.dataset)) for contract in product.published]
    return tuple(found)


def entry(product: str, dataset: str) -> Entry | None:
    """One dataset, or `None` when there is none of that name."""
    owner, contract = shelf().product(product), shelf().contract(product, dataset)
    if owner is None or contract is None:
        return None
    return Entry(owner, contract, store().snapshot(product).get(dataset))


def search(found: Sequence[Entry], text: str) -> tuple[Entry, ...]:
    """The datasets in which every word of `text` occurs: in names first, in descriptions and columns after."""
    words = text.lower().split()[:10]
    if not words:
        return tuple(found)
    ranked = []
    for item in found:
        names = f"{item.id} {item.contract.title} {item.product.file.title}".lower()
        prose = " ".join([
            names, item.contract.purpose, item.contract.usage, item.contract.limitations, item.product.file.summary,
            *(f"{column.name} {column.title} {column.description}" for column in item.contract.columns),
        ]).lower()  # fmt: skip
        if all(word in prose for word in words):
            ranked.append((-sum(word in names for word in words), item.id, item))
    return tuple(item for _, _, item in sorted(ranked, key=lambda one: one[:2]))


def columns(item: Entry, release: Release | None) -> tuple[ColumnRow, ...]:
    """The columns of a dataset, each with the span of its values in a release."""
    found = spans(release) if release else {}
    still = {new for _, new in item.contract.old_names(workspace().day)}
    return tuple(
        ColumnRow(
            column,
            column.name in item.contract.key,
            _span(found.get(column.name)),
            column.was if column.name in still else None,
        )
        for column in item.contract.columns
    )


def _span(found: tuple[Any, Any] | None) -> str:
    if found is None or isinstance(found[0], bool):
        return ""
    low, high = (_short(value) for value in found)
    return low if low == high else f"{low} to {high}"


def _short(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def checks(item: Entry, release: Release | None) -> tuple[CheckRow, ...]:
    """The checks of a dataset's contract with what they found in a release, those that found something first.

    Counts come from the release's own description, so they are those of that version.
    """
    results: dict[str, dict[str, Any]] = {}
    if release is not None:
        results = {check["id"]: check for check in package(release).get("civicops", {}).get("checks", [])}
    rows = [_check(check, results.get(check.id)) for check in item.contract.checks]
    return tuple(sorted(rows, key=lambda row: (row.passed is not False, not row.count, row.id)))


def source_checks(product: Product) -> tuple[tuple[Contract, tuple[CheckRow, ...]], ...]:
    """The checks of the product's sources with what the last good run found, only those that found something."""
    run = last_good_run(product.name)
    if run is not None and run.status == "unchanged":
        from civicops.portal.reading import run_log  # noqa: PLC0415 - beside its one use

        run = run_log().last_success(product.name)
    noted = {note["dataset"]: note for note in run.datasets} if run else {}
    found = []
    for contract in product.accepted:
        results = {check["check_id"]: check for check in noted.get(contract.dataset, {}).get("checks", [])}
        rows = []
        for check in contract.checks:
            result = results.get(check.id)
            if result is not None and result["broken"]:
                told = {"count": result["broken"], "rows": result["rows"], "passed": result["outcome"] == "passed"}
                rows.append(_check(check, told))
        found.append((contract, tuple(sorted(rows, key=lambda row: -(row.count or 0)))))
    return tuple(found)


def _check(check: Check, result: dict[str, Any] | None) -> CheckRow:
    return CheckRow(
        id=check.id,
        sentence=check.description,
        column=check.column or "",
        action=ACTIONS[check.action],
        count=result["count"] if result else None,
        rows=result["rows"] if result else None,
        passed=result["passed"] if result else None,
        implied=check.implied,
    )


def versions(item: Entry) -> tuple[VersionRow, ...]:
    """Every version on the disk, newest first."""
    known = store().versions(item.product.name, item.contract.dataset)
    told = [(release, *_told(release)) for release in known]
    rows = []
    for index, (release, count, size, contract_version) in enumerate(told):
        before = told[index - 1] if index else None
        rows.append(VersionRow(
            release=release,
            is_current=item.current is not None and release.version == item.current.version,
            rows=count,
            size_bytes=size,
            contract_version=contract_version,
            before=before[0] if before else None,
            rows_before=before[1] if before else None,
            access=access_of(item.contract, release),
        ))  # fmt: skip
    return tuple(reversed(rows))


def _told(release: Release) -> tuple[int | None, int | None, str]:
    try:
        content = package(release)
        resource = content["resources"][0]
        return resource["rowcount"], resource["bytes"], content["civicops"]["contract"]["version"]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None, None, ""


def dataset_lineage(item: Entry) -> Lineage:
    """Where a dataset comes from and what uses it."""
    return lineage(shelf(), item.product, item.contract.dataset)
