"""The page about adding a page does what it says.

Belongs here: running it after the tutorial. Does not belong here: the runner (`tutorial`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ethics import renewed
from tests.flow.conftest import Library
from tests.flow.portal_kit import serving
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("portal")


def test_a_page_is_added_as_printed(tmp_path: Path) -> None:
    for name in ("tutorial.md", "howto/review-the-ethics.md", "howto/add-a-page.md"):
        for step in steps((ROOT / "docs" / name).read_text(encoding="utf-8")):
            perform(step, tmp_path)
            renewed(tmp_path / "products" / "library_hours")  # reviews of the page are of one day
    drawn = json.loads(
        (tmp_path / "site" / "p" / "library_hours" / "hours" / "files" / "_charts" / "hours.json").read_text()
    )
    assert drawn["mark"]["type"] == "bar" and len(next(iter(drawn["datasets"].values()))) > 1
    with serving(Library(tmp_path)) as server:
        page = server.get("/p/library_hours/hours/")
        assert page.status_code == 200 and "Open hours" in page.text
        assert 'href="p/library_hours/hours/"' in server.get("/").text
