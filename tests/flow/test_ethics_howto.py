"""The page about ethics reviews does what it says.

Belongs here: running it after the tutorial. Does not belong here: the runner (`tutorial`).
"""

from __future__ import annotations

from pathlib import Path

from civicops.release.store import ReleaseStore
from tests.ethics import renewed
from tests.flow.tutorial import WriteFile, perform, steps
from tools.setup_env import ROOT


def test_a_dataset_becomes_public_as_printed(tmp_path: Path) -> None:
    folder = tmp_path / "products" / "library_hours"
    for name in ("tutorial.md", "howto/review-the-ethics.md"):
        for step in steps((ROOT / "docs" / name).read_text(encoding="utf-8")):
            perform(step, tmp_path)
            if isinstance(step, WriteFile) and step.path.endswith("ethics.yaml"):
                renewed(folder)  # the page says to write today's date
    release = ReleaseStore(tmp_path / "var" / "releases").find("library_hours", "branch_hours")
    mine = release.package()["civicops"]
    assert (mine["access"], mine["ethics_review"]["reviewers"]) == ("public", ["tobias-lindqvist"])
