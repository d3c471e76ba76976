"""The graph of 300 datasets in a real browser: it stays readable, wide, on a phone, in the dark, with a keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page

from tests.flow.conftest import Library
from tests.flow.many import EACH, PRODUCTS, make_many
from tests.flow.portal_kit import Server, serving
from tools.web import Web

MOST, FURTHER = 7, 2
"""Boxes of a column before it is folded, and steps away, as `civicops.portal.lineage` says (which only Django can import)."""
pytestmark = pytest.mark.xdist_group("many")
WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True},
}
PAGES = {
    "all": "/lineage/", "one": "/lineage/?product=markets", "dataset": "/catalogue/markets/open/",
}  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("many")
    make_many(root)
    with serving(cast("Library", SimpleNamespace(root=root)), samples=False) as server:
        yield server


@pytest.fixture(params=WINDOWS, ids=WINDOWS.keys())
def page(request: pytest.FixtureRequest, browser: Browser, many: Server) -> Iterator[Page]:
    context = browser.new_context(
        base_url=many.base, bypass_csp=True, reduced_motion="reduce", **WINDOWS[request.param]
    )
    opened = context.new_page()
    opened.name = request.param  # type: ignore[attr-defined]
    yield opened
    context.close()


def test_it_stays_readable_with_300_datasets(page: Page) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    for name, path in PAGES.items():
        page.goto(path, wait_until="networkidle")
        if folder := os.environ.get("CIVICOPS_LOOK"):
            page.locator("h1").first.scroll_into_view_if_needed()
            page.screenshot(path=str(Path(folder) / f"lineage-{name}-{page.name}.png"), full_page=name != "all")  # type: ignore[attr-defined]
        boxes = page.evaluate(
            "[...document.querySelectorAll('.co-node rect')].map(r => {const b = r.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]})"
        )
        most = {"all": PRODUCTS, "one": EACH + 10, "dataset": (2 * FURTHER + 1) * (MOST + 3)}[name]
        assert 3 <= len(boxes) <= most, (name, len(boxes))
        for number, (x, y, width, height) in enumerate(boxes):
            for other in boxes[number + 1 :]:
                apart = abs(other[0] - x) >= width or abs(other[1] - y) >= height
                assert apart, (name, boxes[number], other)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.co-node text')].map(t => parseFloat(getComputedStyle(t).fontSize))"
        )
        assert min(sizes) >= 11, "small print that nobody can read"
        inside = page.evaluate(
            "[...document.querySelectorAll('.co-node')].every(n => [...n.querySelectorAll('text')].every(t => t.getBBox().width <= 190 - 12))"
        )
        assert inside, f"a title of {name} runs out of its box"
        viewport = page.viewport_size
        assert viewport is not None
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], name
        page.evaluate(axe)
        wrong = [(one["id"], one["nodes"][0]["html"][:100]) for one in page.evaluate("axe.run()")["violations"]]
        assert not wrong, (name, wrong)


def test_the_keyboard_follows_the_graph_and_the_list_says_the_same(page: Page) -> None:
    page.goto("/catalogue/markets/open/", wait_until="networkidle")
    link = page.locator(".co-drawing a:has(.co-node--dataset)").first
    target = link.evaluate("a => new URL(a.getAttribute('href'), location.href).href")
    link.focus()
    assert page.evaluate("document.activeElement.closest('.co-drawing') !== null")
    page.locator(".co-lists summary").click()
    listed = page.locator(".co-lists li").all_inner_texts()
    drawn = page.locator(".co-drawing .co-node--dataset:not(.co-node--focus) title").all_text_contents()
    single = [text for text in drawn if not text[0].isdigit()]
    assert single and all(any(text.split(",")[0] in line for line in listed) for text in single)
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(target)


def test_a_search_finds_a_dataset_and_leads_to_its_graph(page: Page) -> None:
    page.goto("/lineage/", wait_until="networkidle")
    page.fill("#q", "shelters waits")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=1 of 300 datasets")
    page.click("table a")
    page.wait_for_selector(".co-node--focus")
    assert page.locator(".co-node--focus title").text_content() == "Shelters waits, Shelters"
