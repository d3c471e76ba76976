"""A workspace with nothing but an audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.audit import Event, Log, open_log
from civicops.workspace import Workspace


@pytest.fixture(autouse=True)
def _no_other_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


def workspace(folder: Path) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "civicops.toml").write_text('[workspace]\norganisation = "Test Group"\n')
    return Workspace.find(folder)


def event(number: int, actor: str = "alice", **more: object) -> Event:
    return Event("decision", actor, f"food_listings.listing/{number}", {"choice": "accept", "number": number}, **more)  # type: ignore[arg-type]


def filled(folder: Path, count: int) -> Log:
    """A log with `count` decisions, one batch after another of different sizes."""
    log = open_log(workspace(folder))
    number, step = 0, 1
    while number < count:
        batch = min(step, count - number)
        log.append(*(event(number + at) for at in range(batch)))
        number, step = number + batch, step * 3
    return log
