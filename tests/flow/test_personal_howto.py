"""The page about protecting people does what it says.

Belongs here: running it. Does not belong here: the runner (`tutorial`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ethics import write_reviews
from tests.flow.tutorial import TypeCommand, perform, steps
from tools.setup_env import ROOT


def test_people_are_protected_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    printed = ""
    for step in steps((ROOT / "docs" / "howto" / "protect-people.md").read_text(encoding="utf-8")):
        if isinstance(step, TypeCommand):
            write_reviews(tmp_path)  # the page says that it has one, and does not show it
        printed += perform(step, tmp_path)
    for value in ("ana@example.org", "ben@example.org", "555-0142"):
        assert value not in printed
    keys = list((tmp_path / "var" / "keys" / "desk").iterdir())
    assert sorted(path.suffix for path in keys) == [".destroyed", ".key"]
