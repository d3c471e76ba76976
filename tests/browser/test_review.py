"""The review pages in a real browser: with keys alone, on a phone, in the dark, for a screen reader.

Belongs here: what only a browser can see. Does not belong here: what answers do (`tests/flow/test_portal_review.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from civicops.review.asking import find, task
from civicops.review.people import Person
from civicops.review.room import Review, now_utc
from tests.browser.test_portal import WINDOWS
from tests.flow.portal_kit import Server, serving
from tests.flow.review_kit import make_pantries
from tools.web import Web

pytestmark = pytest.mark.xdist_group("portal")
STEWARD = Person("stefan-steward", "steward")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Review]]:
    root = tmp_path_factory.mktemp("desk")
    review = make_pantries(root)
    with serving(SimpleNamespace(root=root)) as server:  # type: ignore[arg-type]
        yield server, review


def signed_in(browser: Browser, server: Server, role: str = "steward", **window: Any) -> Page:
    page = browser.new_context(base_url=server.base, bypass_csp=True, reduced_motion="reduce", **window).new_page()
    account = next(name for name in server.passwords if name.endswith(f"-{role}"))
    page.goto("/accounts/login/")
    page.fill("input[name=login]", account)
    page.fill("input[name=password]", server.passwords[account])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "login" not in url)
    return page


def number_of(review: Review, kind: str, subject: str) -> int:
    found = find(review, f"pantries.{kind}", subject)
    assert found is not None
    return found


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_pages_fit_and_axe_finds_nothing(browser: Browser, desk: tuple[Server, Review], window: dict[str, Any]) -> None:
    server, review = desk
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = signed_in(browser, server, **window)
    tasks = [
        number_of(review, *one) for one in (("phone", "pantry-1"), ("listing", "pantry-1"), ("same_place", "pair-1"))
    ]
    found = []
    for path in (
        "/review/",
        "/review/tasks/",
        "/review/team/",
        "/review/bulk/",
        *(f"/review/tasks/{one}/" for one in tasks),
    ):
        page.goto(path, wait_until="networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= window["viewport"]["width"], (path, width)
        page.evaluate(axe)
        for one in page.evaluate("axe.run()")["violations"]:
            found.append((path, one["impact"], one["id"], one["nodes"][0]["html"][:160]))
    page.context.close()
    assert not found, found


def test_a_task_is_done_with_keys_alone_and_taken_back(browser: Browser, desk: tuple[Server, Review]) -> None:
    server, review = desk
    page = signed_in(browser, server, "contributor", viewport={"width": 1280, "height": 900})
    number = number_of(review, "phone", "pantry-2")
    page.goto(f"/review/tasks/{number}/")
    expect(page.locator("#answer")).to_be_visible()
    page.keyboard.press("2")
    expect(page.locator("input[name=field-phone]")).to_have_value("213-555-0902")
    page.keyboard.press("f")
    expect(page.locator("input[name=field-phone]")).to_be_focused()
    page.keyboard.type("a")  # typed into the field: no answer is sent while somebody writes
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.wait_for_url(lambda url: not url.endswith(f"/{number}/"))
    view = task(review, number, STEWARD, now_utc())
    assert view.effective is not None
    assert view.effective.value == {"phone": "213-555-0902", "email": "pantry-2@example.org"}
    assert view.effective.seconds is not None
    page.keyboard.press("u")
    expect(page.get_by_text("the task is open again")).to_be_visible()
    assert task(review, number, STEWARD, now_utc()).line.state == "open"
    page.context.close()


def test_what_is_typed_is_kept_as_a_draft(browser: Browser, desk: tuple[Server, Review]) -> None:
    server, review = desk
    page = signed_in(browser, server, "contributor", viewport={"width": 360, "height": 740}, has_touch=True)
    number = number_of(review, "phone", "pantry-8")
    page.goto(f"/review/tasks/{number}/")
    page.fill("input[name=field-phone]", "213-555-0808")
    page.fill("#reason", "Half-way through the call")
    expect(page.locator("#draft-state")).to_have_text("Draft kept.")
    page.goto("/review/")
    page.goto(f"/review/tasks/{number}/")
    expect(page.locator("input[name=field-phone]")).to_have_value("213-555-0808")
    expect(page.locator("#reason")).to_have_value("Half-way through the call")
    page.context.close()


def test_keys_are_explained(browser: Browser, desk: tuple[Server, Review]) -> None:
    server, review = desk
    page = signed_in(browser, server, "contributor", viewport={"width": 1280, "height": 900})
    page.goto(f"/review/tasks/{number_of(review, 'phone', 'pantry-9')}/")
    expect(page.locator("#answer")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Take the last answer back")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.context.close()
