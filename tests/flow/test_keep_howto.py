"""The page about keeping and deleting does what it says.

Belongs here: running it on the orchard. Does not belong here: what it is about (`test_erasure`, `test_retention`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.orchard import planted_once
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT


def test_the_page_works_as_printed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    orchard = planted_once(tmp_path_factory).copy(tmp_path / "orchard")
    for step in steps((ROOT / "docs" / "howto" / "keep-and-delete.md").read_text(encoding="utf-8")):
        perform(step, orchard.root)
