"""The page about asking people does what it says.

Belongs here: running it after the tutorial. Does not belong here: the runner (`tutorial`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.contracts import load_contract
from tests.flow.tutorial import perform, steps
from tools import name_rules
from tools.setup_env import ROOT


def test_people_are_asked_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in ("tutorial.md", "howto/ask-people.md"):
        for step in steps((ROOT / "docs" / name).read_text(encoding="utf-8")):
            perform(step, tmp_path)
    for name in ("hour_decisions", "checked_hours"):
        contract = load_contract(tmp_path / "products" / "library_hours" / "contracts" / f"{name}.yaml")
        assert list(name_rules.contract_problems(contract)) == []
