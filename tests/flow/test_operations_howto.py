"""The page about dangerous operations does what it says, typed as it stands there in a small workspace of three products."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.change.owners import PLACE, codeowners
from tests.flow.orchard import planted_once
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("change")


def test_the_page_works_as_printed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CIVICOPS_WORKSPACE", raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    orchard = planted_once(tmp_path_factory).copy(tmp_path / "orchard")
    (orchard.root / ".github").mkdir()
    (orchard.root / PLACE).write_text(codeowners(orchard.workspace), encoding="utf-8")
    orchard.commit("owners")
    before = orchard.bytes_of_releases()
    page = (ROOT / "docs" / "howto" / "dangerous-operations.md").read_text(encoding="utf-8")
    commands = [step for step in steps(page) if perform(step, orchard.root) is not None]
    assert len(commands) >= 15
    assert orchard.bytes_of_releases() == before, "it ends with everything undone"
    assert (orchard.root / "products" / "trees" / "suppressed" / "counted-twice.yaml").is_file()
