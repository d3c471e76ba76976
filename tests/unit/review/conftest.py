"""A workspace with one product that asks people about made-up pantries, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.values import TaskDraft
from civicops.workspace import Workspace
from tests.pg import postgres_cluster

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA, BEN, CLEO = (Person(name, "contributor") for name in ("ada", "ben", "cleo"))
STU, SUE = Person("stu", "steward"), Person("sue", "steward")
VERA = Person("vera", "viewer")

PRODUCT = """title: Pantries
summary: Made-up pantries.
owner: amara-okafor
stage: pilot
schedule: "0 5 * * *"
"""
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: pantries.listings
name: Pantries
version: 1.0.0
status: active
dataProduct: pantries
description: {purpose: Where food is given out.}
team: {members: [{username: amara-okafor, role: owner}]}
customProperties:
  - {property: layer, value: accepted}
  - {property: access, value: internal}
  - {property: licence, value: CC0-1.0}
schema:
  - name: listings
    properties:
      - {name: listing_id, logicalType: string, primaryKey: true, description: The pantry.}
      - name: phone
        logicalType: string
        description: Its telephone number.
        examples: ["213-555-0100"]
        quality:
          - {id: phone_form, description: It looks like one., type: custom, engine: civicops,
             implementation: {check: pattern, pattern: '\\d{3}-\\d{3}-\\d{4}'}}
      - name: status_code
        logicalType: string
        required: true
        description: Whether it is open.
        quality:
          - {id: status_known, description: A known status., type: custom, engine: civicops,
             implementation: {check: allowed, values: [open, closed]}}
      - {name: days, logicalType: array, description: Weekdays on which it is open.}
"""
KIND = """title: Is this telephone number right?
instructions: Call it.
contract: listings
columns: [phone, status_code]
"""


def write(root: Path, **kinds: str) -> Workspace:
    """A workspace in `root` with these kinds: name to the lines added to `KIND`."""
    folder = root / "products" / "pantries"
    for name in ("contracts", "reviews"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (root / "civicops.toml").write_text('[workspace]\norganisation = "Test"\n')
    (folder / "product.yaml").write_text(PRODUCT)
    (folder / "contracts" / "listings.yaml").write_text(CONTRACT)
    for name, more in kinds.items():
        (folder / "reviews" / f"{name}.yaml").write_text(KIND + more)
    return Workspace.find(root)


KINDS = {
    "phones": "contact_channels: [called]\ncontact_outcomes: [spoke, voicemail]\n",
    "pairs": "raters: 2\n",
    "trios": "raters: 3\nagreement: majority\n",
    "edits": "stages: submit_approve\n",
    "dupes": "decisions: [accept, merge, split, reject]\nreason_for: [merge]\n",
    "given": "assignment: assigned\n",
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty database of each kind."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if request.param == "postgresql":
        import psycopg

        url = request.getfixturevalue("postgres")
        name = f"t{abs(hash(str(tmp_path)))}"
        with psycopg.connect(url, autocommit=True) as con:
            con.execute(f'CREATE DATABASE "{name}"')
        monkeypatch.setenv("DATABASE_URL", url.rpartition("/")[0] + f"/{name}")
    yield


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Review:
    """Review on SQLite."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return open_review(write(tmp_path, **KINDS))


@pytest.fixture
def both(either: None, tmp_path: Path) -> Review:
    """Review on SQLite, and on PostgreSQL."""
    return open_review(write(tmp_path, **KINDS))


def draft(
    subject: str = "pantry-1", *, phone: str = "213-555-0100", confidence: float | None = None, **more: object
) -> TaskDraft:
    values = {"proposed": {"phone": phone}, "current": {"phone": "213-555-0199", "status_code": "open"}} | more
    return TaskDraft(subject, f"Telephone of {subject}", confidence=confidence, **values)  # type: ignore[arg-type]
