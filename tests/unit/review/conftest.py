"""A workspace with one product that asks people about made-up pantries, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.values import TaskDraft
from tests.pg import postgres_cluster
from tests.unit.review.pantries import write

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADA, BEN, CLEO = (Person(name, "contributor") for name in ("ada", "ben", "cleo"))
STU, SUE = Person("stu", "steward"), Person("sue", "steward")
VERA = Person("vera", "viewer")

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
