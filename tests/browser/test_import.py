"""The pages for importing a list in a real browser: from file to rows, on a phone and wide, for a screen reader.

Belongs here: what only a browser can see. Does not belong here: what the pages answer (`tests/flow/test_portal_import.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_portal import WINDOWS
from tests.browser.test_review import signed_in
from tests.flow.listings import NAME, Listings
from tests.flow.portal_kit import Server, serving
from tools.web import Web

pytestmark = pytest.mark.xdist_group("portal")
ROWS = "Name,Street,City,Zip,Colour of the door\n<b>Alder</b> Pantry,1 Mill Ln,Pomona,91766,red\nBirch,=1+1,Pomona,91766,\n"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    here = Listings.at(tmp_path_factory.mktemp("import"))
    with serving(SimpleNamespace(root=here.root)) as server:  # type: ignore[arg-type]
        yield server


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_a_file_becomes_a_list_and_axe_finds_nothing(
    browser: Browser, portal: Server, window: dict[str, Any], tmp_path: Path
) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = signed_in(browser, portal, **window)
    page.set_default_timeout(60_000)
    found: list[Any] = []

    def look(step: str) -> None:
        page.evaluate(axe)
        found.extend(
            (step, one["id"], one["nodes"][0]["html"][:160]) for one in page.evaluate("axe.run()")["violations"]
        )
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append((step, "is wider than the window by", wide))
        if folder := os.environ.get("CIVICOPS_PICTURES"):
            name = f"import-{step}-{page.viewport_size['width'] if page.viewport_size else 0}-{window.get('color_scheme', '')}"
            page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    path = tmp_path / "doors.csv"
    path.write_text(ROWS)
    page.goto(f"/products/{NAME}/")
    page.get_by_role("link", name="Import a list into").click()
    page.get_by_label("The file").set_input_files(path)
    look("send")
    page.get_by_role("button", name="Look into it").click()
    expect(page.get_by_text("Nothing is dropped in silence")).to_be_visible()
    look("columns")
    page.get_by_label("What Colour of the door is").select_option("left out")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("<b>Alder</b> Pantry").first).to_be_visible()
    look("preview")
    page.get_by_role("button", name="Add this list").click()
    expect(page.get_by_text("1 of 2 rows are in list")).to_be_visible()
    look("added")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("is gone again")).to_be_visible()
    assert not found, found
