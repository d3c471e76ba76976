"""The portal's pages in a real browser: with a keyboard, on a phone, in the dark, for a screen reader, and without anybody else.

Belongs here: what only a browser can see. Does not belong here: what pages hold (`tests/flow/test_portal_pages.py`), the map.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.flow.portal_kit import Server, make_shelf, serving
from tools.web import Web

pytestmark = pytest.mark.xdist_group("portal")
PAGES = (
    "/", "/catalogue/", "/lineage/", "/lineage/?product=library", "/products/library/", "/catalogue/library/loan_places/", "/catalogue/library/members/",
    "/p/library/lending/", "/api/", "/accounts/login/", "/nothing-here/",
)  # fmt: skip
WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "wide and dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "has_touch": True},
    "phone and dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True},
}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(make_shelf(tmp_path_factory.mktemp("seen"))) as server:
        yield server


def opened(browser: Browser, portal: Server, wrong: list[str], **window: Any) -> Page:
    """A page that notes every request to another host, every error and everything the content policy refused."""
    page = browser.new_context(base_url=portal.base, **window).new_page()
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((portal.base, "blob:", "data:")) else wrong.append(asked.url),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if said.type == "error" and "404" not in said.text else None
    )
    return page


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_nothing_foreign_nothing_broken_nothing_sideways(
    browser: Browser, portal: Server, window: dict[str, Any]
) -> None:
    wrong: list[str] = []
    page = opened(browser, portal, wrong, **window)
    for path in PAGES:
        page.goto(path, wait_until="networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= window["viewport"]["width"], (path, width)
    page.context.close()
    assert not wrong, wrong


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_pages_of_those_who_mend_are_as_good(browser: Browser, portal: Server, window: dict[str, Any]) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    wrong: list[str] = []
    page = opened(browser, portal, wrong, **window, bypass_csp=True)
    cookies = [
        {"name": name, "value": value, "url": portal.base} for name, value in portal.client("steward").cookies.items()
    ]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    run = next(portal.library.log.runs("library")).run_id
    paths = ("/incidents/", "/products/library/runs/", f"/products/library/runs/{run}/",
             f"/products/library/runs/{run}/held/loans/")  # fmt: skip
    for path in paths:
        answer = page.goto(path, wait_until="networkidle")
        assert answer is not None and answer.status == 200, path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= window["viewport"]["width"], (path, width)
        page.evaluate(axe)
        for one in page.evaluate("axe.run()")["violations"]:
            wrong.append(f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}")
    page.context.close()
    assert not wrong, wrong


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_axe_finds_nothing(browser: Browser, portal: Server, window: dict[str, Any]) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = browser.new_context(base_url=portal.base, bypass_csp=True, reduced_motion="reduce", **window).new_page()
    found = []
    for path in PAGES:
        page.goto(path, wait_until="networkidle")
        page.evaluate(axe)
        for one in page.evaluate("axe.run()")["violations"]:
            found.append((path, one["impact"], one["id"], one["nodes"][0]["html"][:120]))
    page.context.close()
    assert not found, found


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_pages_of_auditors_and_admins_are_as_good(browser: Browser, portal: Server, window: dict[str, Any]) -> None:
    axe = (Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found: list[Any] = []
    for account, paths in {"otto-auditor": ("/audit/", "/audit/0/"), "ada-admin": ("/people/",)}.items():
        context = browser.new_context(base_url=portal.base, bypass_csp=True, reduced_motion="reduce", **window)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.fill("[name=login]", account)
        page.fill("[name=password]", portal.passwords[account])
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/")
        for path in paths:
            page.goto(path, wait_until="networkidle")
            assert page.locator("h1").count() == 1 and "not open to you" not in page.content()
            assert page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"], path
            page.evaluate(axe)
            found += [
                (path, one["id"], one["nodes"][0]["html"][:120]) for one in page.evaluate("axe.run()")["violations"]
            ]
        context.close()
    assert not found, found


def test_a_chart_is_drawn_with_its_numbers_beside_it(browser: Browser, portal: Server) -> None:
    wrong: list[str] = []
    page = opened(browser, portal, wrong)
    page.goto("/p/library/lending/")
    page.wait_for_selector("[data-chart] canvas")
    page.click("text=Show the numbers")
    cells = page.locator(".co-chart__numbers td").all_inner_texts()
    wanted = portal.sql("SELECT branch_name, loan_count FROM {branch_loans} ORDER BY ALL")
    assert cells == [str(value) for row in wanted for value in row]
    page.context.close()
    assert not wrong, wrong


def test_a_chart_that_does_not_come_can_be_asked_for_again(browser: Browser, portal: Server) -> None:
    page = browser.new_context(base_url=portal.base).new_page()
    page.route("**/_charts/lending.json", lambda route: route.abort())
    page.goto("/p/library/lending/")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    page.unroute("**/_charts/lending.json")
    again.click()
    page.wait_for_selector("[data-chart] canvas")
    page.context.close()


def test_the_keyboard_reaches_the_content_and_the_search(browser: Browser, portal: Server) -> None:
    page = opened(browser, portal, [])
    page.goto("/catalogue/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("#q")
    page.keyboard.type("latitude")
    assert page.locator("#datasets > li:visible").count() == 1
    assert page.inner_text("#count") == "1 of 4 datasets"
    page.keyboard.press("Enter")
    page.wait_for_url("**/catalogue/?q=latitude")
    assert "loan_places" in page.inner_text("#datasets")
    page.context.close()


def test_the_menu_opens_on_a_phone_and_closes_with_escape(browser: Browser, portal: Server) -> None:
    page = opened(browser, portal, [], **WINDOWS["phone"])
    page.goto("/")
    assert not page.is_visible("nav.usa-nav")
    page.click(".usa-menu-btn")
    page.wait_for_selector("nav.usa-nav", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("nav.usa-nav", state="hidden")
    page.click(".usa-menu-btn")
    page.click("nav.usa-nav >> text=Datasets")
    page.wait_for_url("**/catalogue/")
    page.context.close()


def test_light_and_dark_are_chosen_and_remembered(browser: Browser, portal: Server) -> None:
    page = opened(browser, portal, [], **WINDOWS["wide"])
    page.goto("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light and page.inner_text("#theme") == "Light"
    page.goto("/catalogue/")
    assert page.evaluate(ground) == dark, "on the next page as well"
    page.click("#theme")
    assert page.evaluate(ground) == light
    page.context.close()


def test_signing_in_in_the_browser(browser: Browser, portal: Server) -> None:
    wrong: list[str] = []
    page = opened(browser, portal, wrong)
    page.goto("/accounts/login/")
    page.fill("#id_login", "stefan-steward")
    page.fill("#id_password", portal.passwords["stefan-steward"])
    page.click("main button")
    page.wait_for_url(portal.base + "/")
    assert "steward" in page.inner_text("header")
    page.goto("/p/library/desk/")
    assert "Cormorant Lane" in page.inner_text("main")
    page.click("text=Sign out")
    page.wait_for_url(portal.base + "/")
    assert "Sign in" in page.inner_text("header")
    page.context.close()
    assert not wrong, wrong
