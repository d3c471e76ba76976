"""The map in use: keyboard, phone, dark, screen readers, lists and details, and what happens when files do not come.

Belongs here: what a person does and sees. Does not belong here: whether numbers are right (`test_map_filters.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import PAGE, Chosen, Site, settled, show, tick, total, wait_total
from tools.browser import serving
from tools.web import Web

pytestmark = pytest.mark.xdist_group("requests_311")
AXE = Web().modules / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def faults(page: Page) -> list[str]:
    """What axe finds serious. Its code is run by the test, past the page's own policy."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found: dict[str, Any] = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "phone"])
def test_axe_finds_no_serious_fault(context: Callable[..., BrowserContext], site: Site, scheme: str, size: str) -> None:
    page = context(color_scheme=scheme, **(PHONE if size == "phone" else {})).new_page()
    show(page, site, "#color=wait")
    for tab in ("Filter", "Charts", "Compare", "List"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(500)
        assert faults(page) == [], tab
    for button in ("What am I looking at?", "Download", "Share"):
        page.get_by_role("button", name=button).first.click()
        assert faults(page) == [], button
        page.keyboard.press("Escape")
    page.get_by_role("tab", name="List").click()
    page.locator(".list .item").first.click()
    page.wait_for_selector(".details")
    assert faults(page) == []


def test_everything_can_be_done_with_the_keyboard(page: Page, site: Site) -> None:
    show(page, site)
    before = total(page)

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the Tab key does not lead to {selector}")

    tab_to('[role="tab"]')
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.textContent") == "Charts"
    page.keyboard.press("ArrowLeft")
    tab_to(".handle.is-from")
    value = page.locator(".handle.is-from").get_attribute("aria-valuetext")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "before => document.querySelector('.handle.is-from').getAttribute('aria-valuetext') !== before", arg=value
    )
    wider = page.locator(".handle.is-from").get_attribute("aria-valuetext")
    assert wider and wider.startswith("Dec 1")
    page.wait_for_function("before => Number(document.querySelector('.total').dataset.total) > before", arg=before)
    page.keyboard.press("Home")
    tab_to('[data-dimension="types"] input')
    page.keyboard.press("Space")
    page.wait_for_function("() => location.hash.includes('type=')")
    tab_to(".maplibregl-canvas")
    page.keyboard.press("+")
    page.wait_for_function("() => location.hash.includes('at=')")
    page.evaluate("() => document.querySelector('.tool.is-main').focus()")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_screen_reader_is_told_the_new_number(page: Page, site: Site) -> None:
    show(page, site)
    tick(page, "type", "graffiti")
    page.wait_for_function("() => location.hash.includes('type=')")
    settled(page)
    number = f"{total(page):,}"
    expect(page.locator('.summary [role="status"]')).to_contain_text(f"{number} requests", timeout=3_000)


def test_a_phone(context: Callable[..., BrowserContext], site: Site) -> None:
    page = show(context(**PHONE).new_page(), site)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input:not([type=checkbox]):not([type=radio]), summary, label, .handle')]
            .filter(e => e.checkVisibility() && e.getBoundingClientRect().width > 1 && (e.getBoundingClientRect().height < 43.5 || e.getBoundingClientRect().width < 43.5))
            .filter(e => !e.closest('.dates') || e.tagName === 'INPUT')
            .map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 20)} ${e.getBoundingClientRect().height}`)"""
    )
    assert small == []
    panel = page.locator(".panel")
    heights = []
    for _ in range(3):
        page.locator(".grip").tap()
        heights.append(round((panel.bounding_box() or {"height": 0})["height"]))
    assert len(set(heights)) == 3
    page.get_by_role("tab", name="List").tap()
    page.locator(".list .item").first.tap()
    expect(page.locator(".details")).to_be_in_viewport()


def test_dark_follows_the_system_and_can_be_chosen(context: Callable[..., BrowserContext], site: Site) -> None:
    made = context(color_scheme="dark")
    page = show(made.new_page(), site)
    assert page.locator(".m311.is-dark").count() == 1
    page.get_by_role("button", name="Light colors").click()
    assert page.locator(".m311.is-light").count() == 1
    again = show(made.new_page(), site)
    assert again.locator(".m311.is-light").count() == 1


def test_search_finds_councils_and_addresses(page: Page, site: Site) -> None:
    show(page, site)
    code, name = site.base.city.query(
        "SELECT council_code, council_name FROM {councils} WHERE is_area ORDER BY 2 LIMIT 1"
    )[0]
    box = page.get_by_role("combobox", name="Find an address or council")
    box.fill(name.split()[0].lower())
    page.get_by_role("option").first.click()
    page.wait_for_function("code => location.hash.includes(`council=${code}`)", arg=code)
    address, longitude, latitude = site.base.city.query(
        "SELECT address, longitude, latitude FROM {requests} WHERE regexp_matches(address, '^[0-9]+ [A-Z]+ [A-Z]+ ') ORDER BY 1 LIMIT 1"
    )[0]
    box.fill(address)
    page.get_by_role("option").first.click()
    page.wait_for_function(
        "([x, y]) => { const [z, lat, lon] = (new URLSearchParams(location.hash.slice(1)).get('at') ?? '').split('/').map(Number);"
        " return Math.abs(lat - y) < 0.002 && Math.abs(lon - x) < 0.002; }",
        arg=[longitude, latitude],
    )


def test_the_list_shows_what_is_in_view_and_details_are_those_of_the_release(page: Page, site: Site) -> None:
    chosen = Chosen({"type": ["graffiti"]}, "2024-05-01", "2024-06-30")
    show(page, site, chosen.link + "&tab=list")
    page.locator(".list .check input").check()
    page.wait_for_function(
        "n => document.querySelectorAll('.list .item').length === n", arg=min(25, site.count(chosen))
    )
    page.locator(".list .item").first.click()
    number = page.locator(".details dl div", has_text="Number").locator("dd").inner_text()
    [(address, status)] = site.base.city.query(
        f"SELECT address, status_code FROM {{requests}} WHERE request_id = '{number}'"
    )
    assert number in site.ids(chosen)
    text = page.locator(".details").inner_text()
    assert (address or "No address given") in text
    assert status.split("_")[0].lower() in text.lower()


def test_two_councils_side_by_side(page: Page, site: Site) -> None:
    rows = site.base.city.query("SELECT council_code FROM {councils} WHERE is_area ORDER BY 1 LIMIT 2")
    first, second = rows[0][0], rows[1][0]
    show(page, site, f"#from=2016-01-01&to=2025-12-31&tab=compare&compare=councils,{first},{second}")
    page.wait_for_selector(".beside")
    cells = page.locator(".beside tbody tr").first.locator("td")
    for place, code in enumerate((first, second)):
        expected = site.count(Chosen({"council": [code]}, "2016-01-01", "2025-12-31"))
        assert cells.nth(place).inner_text().split("\n")[0] == f"{expected:,}"


def test_nothing_found_is_said_with_a_way_out(page: Page, site: Site) -> None:
    show(page, site, "#type=water_waste&department=animal_services")
    assert total(page) == 0
    page.locator(".empty").get_by_role("button", name="Clear all filters").click()
    page.wait_for_function("() => Number(document.querySelector('.total').dataset.total) > 0")


def test_when_files_do_not_come_it_says_so_and_tries_again(
    context: Callable[..., BrowserContext], site: Site, browser: Any
) -> None:
    broken = threading.Event()
    broken.set()

    class Failing(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if broken.is_set() and self.path.endswith("manifest.json"):
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(site.folder, Failing) as url:
        page = browser.new_page()
        page.goto(f"{url}/{PAGE}/")
        expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
        broken.clear()
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector('.map-canvas[data-ready="yes"]')
        settled(page)
        assert total(page) > 0
        page.close()


def test_notes_tell_definitions_and_gaps(page: Page, site: Site) -> None:
    show(page, site)
    page.get_by_role("button", name="What am I looking at?").click()
    text = page.get_by_role("dialog").inner_text()
    assert "Reports are not problems" in text
    assert "rounded" in text


def test_points_are_drawn_and_filtered_without_being_made_again(page: Page, site: Site) -> None:
    show(page, site, "#from=2016-01-01&to=2025-12-31&show=points")
    page.wait_for_function("() => performance.getEntriesByName('civicops:drawn').length > 0")  # all months are there
    page.evaluate("() => performance.clearMeasures()")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    tick(page, "type", "graffiti")
    wait_total(page, site.count(Chosen({"type": ["graffiti"]}, "2016-01-01", "2025-12-31")))
    page.wait_for_function("() => performance.getEntriesByName('civicops:points').length > 0")
    assert asked == []
