"""A small product of its own, in a workspace of its own: loans of a made-up library, from a CSV file.

Belongs here: making it, changing its source, running it in a process that can be killed. Does not belong here: assertions.
"""

from __future__ import annotations

import csv
import hashlib
import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Workspace
from tests.ethics import write_reviews
from tests.flow.city import base, portal  # noqa: F401 - fixtures of the 311 product, made once for all its files
from tests.flow.orchard import Orchard, planted_once

SETTINGS = '[workspace]\norganisation = "Friends of the Library"\ncontact = "data@example.org"\ntimezone = "America/Los_Angeles"\n'
PRODUCT = """\
title: Loans
summary: What people borrow.
owner: ada-example
stage: pilot
schedule: "0 7 * * *"
"""
SOURCES = '''\
"""Loans come from a file."""

from pathlib import Path

from civicops.ingest.values import FileSource


def sources(settings):
    return [FileSource(name="desk", dataset="loans", path=Path("downloads"), pattern="*.csv")]
'''
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: library.{name}
name: {name}
version: 1.0.0
status: active
dataProduct: library
description: {{purpose: "Loans."}}
team: {{members: [{{username: ada-example, role: owner}}]}}
customProperties:
  - {{property: layer, value: {layer}}}
  - {{property: access, value: public}}
  - {{property: licence, value: CC0-1.0}}
schema:
  - name: {name}
"""
LOANS = (
    HEAD.format(name="loans", layer="accepted")
    + """\
    customProperties:
      - {property: latestBy, value: [changed_on]}
    quality:
      - id: few_held_back
        description: Hardly any row is held back.
        type: custom
        engine: civicops
        implementation: {check: quarantine_share, maximum: 0.5}
    properties:
      - {name: loan_id, logicalType: string, primaryKey: true, criticalDataElement: true, description: The loan.}
      - name: branch_name
        logicalType: string
        description: Where.
        quality:
          - id: branch_known
            description: The branch is one of ours.
            type: custom
            engine: civicops
            implementation: {check: allowed, lookup: branches, lookupColumn: branch_name, action: quarantine}
      - {name: days_count, logicalType: integer, description: For how long.}
      - name: changed_on
        logicalType: date
        logicalTypeOptions: {format: "%Y-%m-%d"}
        required: true
        description: When the desk last changed it.
"""
)
BRANCHES = (
    HEAD.format(name="branch_loans", layer="published")
    + """\
    quality:
      - id: some_branch
        description: There is a branch.
        type: custom
        engine: civicops
        implementation: {check: row_count, minimum: 1}
      - id: branch_listed
        description: A branch is in the list.
        type: custom
        engine: civicops
        implementation: {check: foreign_key, columns: [branch_name], dataset: loan_list, references: [branch_name]}
    properties:
      - {name: branch_name, logicalType: string, primaryKey: true, description: Where.}
      - {name: loan_count, logicalType: integer, required: true, description: How many.}
      - {name: days_count, logicalType: integer, description: How long together.}
"""
)
LIST = (
    HEAD.format(name="loan_list", layer="published")
    + """\
    quality:
      - id: none_lost
        description: Every accepted loan is in the list.
        type: custom
        engine: civicops
        implementation: {check: conservation, sources: [loans]}
    properties:
      - {name: loan_id, logicalType: string, primaryKey: true, description: The loan.}
      - {name: branch_name, logicalType: string, description: Where.}
      - {name: days_count, logicalType: integer, description: For how long.}
"""
)
BRANCH_SQL = """\
select branch_name, count(*) as loan_count, cast(sum(days_count) as bigint) as days_count
from {{ ref('loan_list') }} group by branch_name
"""
LIST_SQL = "select loan_id, branch_name, days_count from {{ source('accepted', 'loans') }}\n"


@dataclass(frozen=True)
class Library:
    """The workspace and what can be done to it."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.find(self.root)

    @property
    def product(self) -> Path:
        return self.root / "products" / "library"

    @property
    def log(self) -> RunLog:
        return RunLog(self.root / "var" / "runs")

    @property
    def releases(self) -> ReleaseStore:
        return ReleaseStore(self.root / "var" / "releases")

    def deliver(self, rows: list[tuple[object, ...]], name: str = "loans.csv", header: str = "") -> None:
        """Put a file of loans where the source looks for it."""
        path = self.root / "downloads" / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow((header or "loan_id,branch_name,days_count,changed_on").split(","))
            writer.writerows(rows)

    def run(self, **options: Any) -> RunRecord:
        return run_product(self.workspace, "library", **options)

    def hashes(self) -> dict[str, str]:
        """The content of every current release."""
        return {
            name: hashlib.sha256(release.data.read_bytes()).hexdigest()
            for name, release in self.releases.snapshot("library").items()
        }

    def process(self) -> Any:
        """A run in a process of its own that can be killed; everything heavy is loaded already, so it is quick to start."""
        import dagster  # noqa: F401
        import dbt.cli.main  # noqa: F401

        return multiprocessing.get_context("fork").Process(target=self._quiet_run)

    def _quiet_run(self) -> None:
        try:
            self.run()
        except BaseException:
            raise SystemExit(1) from None


def make_library(root: Path) -> Library:
    library = Library(root)
    product = library.product
    for folder in ("contracts", "lookups", "models"):
        (product / folder).mkdir(parents=True)
    (root / "civicops.toml").write_text(SETTINGS)
    (product / "product.yaml").write_text(PRODUCT)
    (product / "sources.py").write_text(SOURCES)
    (product / "contracts" / "loans.yaml").write_text(LOANS)
    (product / "contracts" / "branch_loans.yaml").write_text(BRANCHES)
    (product / "contracts" / "loan_list.yaml").write_text(LIST)
    (product / "lookups" / "branches.csv").write_text("branch_name\nAlder\nHarbor\n")
    (product / "models" / "branch_loans.sql").write_text(BRANCH_SQL)
    (product / "models" / "loan_list.sql").write_text(LIST_SQL)
    write_reviews(root)
    return library


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    """The orchard that all tests of this process copy and none changes."""
    return planted_once(tmp_path_factory)


@pytest.fixture
def orchard(planted: Orchard, tmp_path: Path) -> Orchard:
    """One's own orchard."""
    return planted.copy(tmp_path / "orchard")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Two branches, four loans."""
    made = make_library(tmp_path)
    made.deliver(LOANS_ROWS)
    yield made


LOANS_ROWS: list[tuple[object, ...]] = [
    ("l1", "Alder", 7, "2026-01-01"),
    ("l2", "Alder", 14, "2026-01-01"),
    ("l3", "Harbor", 21, "2026-01-02"),
    ("l4", "Quay", 7, "2026-01-02"),
]


def many_loans(seed: int, count: int = 200) -> list[tuple[object, ...]]:
    """Made-up loans, some of a branch that is not known."""
    dice = random.Random(seed)
    return [
        (
            f"l{number}",
            dice.choice(["Alder", "Harbor", "Quay"]),
            dice.randint(1, 30),
            f"2026-01-{dice.randint(1, 28):02d}",
        )
        for number in range(count)
    ]
