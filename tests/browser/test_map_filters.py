"""Every filter alone and together, counted by the page and by SQL on the same release; links and the back button.

Belongs here: numbers. Does not belong here: looks and keyboards (`test_map_use.py`), files (`test_map_export.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import SQL, Chosen, Site, settled, show, shown_counts, tick, total, wait_total

pytestmark = pytest.mark.xdist_group("requests_311")


def span(site: Site) -> tuple[str, str]:
    first, last = site.base.city.query("SELECT min(created_on), max(created_on) FROM {requests}")[0]
    return first.isoformat(), last.isoformat()


def everything(site: Site) -> Chosen:
    first, last = span(site)
    return Chosen({}, first, last)


def agrees(page: Page, site: Site, chosen: Chosen) -> None:
    """The number and all lists of the page are those of SQL."""
    wait_total(page, site.count(chosen))
    for name in SQL:
        assert shown_counts(page, name) == site.counts(chosen, name), name


def test_the_first_view_is_the_newest_year(page: Page, site: Site) -> None:
    show(page, site)
    _, last = span(site)
    agrees(page, site, Chosen({}, f"{last[:4]}-01-01", last))
    assert total(page) > 0


@pytest.mark.parametrize("name", SQL)
def test_each_filter_alone(page: Page, site: Site, name: str) -> None:
    chosen = everything(site)
    show(page, site, chosen.link)
    code = max(site.counts(chosen, name).items(), key=lambda item: item[1])[0]
    tick(page, name, code)
    agrees(page, site, Chosen({name: [code]}, chosen.first, chosen.last))
    tick(page, name, code)
    agrees(page, site, chosen)


@pytest.mark.parametrize("group", ["open", "closed"])
def test_open_and_closed(page: Page, site: Site, group: str) -> None:
    chosen = everything(site)
    show(page, site, chosen.link)
    page.locator(".segments label", has_text=group.capitalize()).click()
    expected = site.base.city.query(f"SELECT count(*) FROM {{requests}} WHERE is_{group} AND created_on IS NOT NULL")[
        0
    ][0]
    assert expected
    wait_total(page, expected)


def test_days_in_the_middle_of_months(page: Page, site: Site) -> None:
    show(page, site)
    for first, last in [("2019-03-10", "2019-03-10"), ("2018-12-15", "2020-02-20"), ("2024-02-29", "2024-03-01")]:
        page.get_by_label("To", exact=True).fill(last)
        page.get_by_label("From", exact=True).fill(first)
        page.get_by_label("To", exact=True).fill(last)
        agrees(page, site, Chosen({}, first, last))


def test_presets(page: Page, site: Site) -> None:
    show(page, site)
    page.get_by_role("button", name="All years").click()
    agrees(page, site, everything(site))
    page.get_by_role("button", name="Last 30 days").click()
    last = site.base.city.query("SELECT max(created_on) - 29, max(created_on) FROM {requests}")[0]
    agrees(page, site, Chosen({}, last[0].isoformat(), last[1].isoformat()))


def test_any_filters_together(page: Page, site: Site) -> None:
    dice = random.Random(311)
    codes = {name: sorted(site.counts(everything(site), name)) for name in SQL}
    days = [
        row[0].isoformat()
        for row in site.base.city.query(
            "SELECT DISTINCT created_on FROM {requests} WHERE created_on IS NOT NULL ORDER BY 1"
        )
    ]
    seen = 0
    for _ in range(12):
        picked = {
            name: dice.sample(codes[name], dice.randint(1, len(codes[name]))) for name in SQL if dice.random() < 0.5
        }
        first, last = sorted(dice.sample(days, 2))
        chosen = Chosen(picked, first, last)
        show(page, site, chosen.link)
        agrees(page, site, chosen)
        seen += total(page)
    assert seen


def test_a_click_on_the_map_chooses_a_council(page: Page, site: Site) -> None:
    show(page, site)
    _, last = span(site)
    box = page.locator(".map-canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.45
    for step in range(50):  # until the outlines are drawn there is nothing to hit
        page.mouse.move(x + step % 2, y)
        if page.locator(".tip").count():
            break
        page.wait_for_timeout(100)
    page.mouse.click(x, y)
    page.wait_for_function("() => location.hash.includes('council=')")
    code = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('council')")
    agrees(page, site, Chosen({"council": [code]}, f"{last[:4]}-01-01", last))


def test_a_link_restores_everything(context: Callable[..., BrowserContext], site: Site) -> None:
    page = show(context().new_page(), site, everything(site).link)
    tick(page, "type", "graffiti")
    tick(page, "source", "resident")
    page.locator(".bar label", has_text="Per 1,000").click()
    page.locator(".bar label", has_text="Points").click()
    page.get_by_role("tab", name="Charts").click()
    page.locator(".map-canvas").hover()
    page.mouse.wheel(0, -400)
    page.wait_for_function("() => location.hash.includes('at=')")
    page.get_by_role("button", name="Share").click()
    link = page.get_by_label("Link").input_value()
    other = context().new_page()
    other.goto(link)
    other.wait_for_selector('.map-canvas[data-ready="yes"]')
    settled(other)
    assert other.locator(".period").inner_text() == page.locator(".period").inner_text()
    assert total(other) == total(page) > 0
    assert other.locator(".chips li").all_inner_texts() == page.locator(".chips li").all_inner_texts()
    for label in ("Per 1,000", "Points"):
        assert other.locator(".bar label", has_text=label).locator("input").is_checked()
    assert other.get_by_role("tab", name="Charts").get_attribute("aria-selected") == "true"
    other.wait_for_timeout(600)
    assert other.evaluate("location.hash") == link[link.index("#") :]


def test_back_undoes_one_step_after_the_other(page: Page, site: Site) -> None:
    chosen = everything(site)
    show(page, site, chosen.link)
    seen = [total(page)]
    for name, code in (("type", "graffiti"), ("source", "crew")):
        tick(page, name, code)
        # Not only "has changed": the map's own first settling changes the address too, and is no step to go back.
        page.wait_for_function("code => location.hash.includes(code)", arg=code)
        settled(page)
        seen.append(total(page))
    assert len(set(seen)) == 3
    for expected in (seen[1], seen[0]):
        page.go_back()
        wait_total(page, expected)
    page.go_forward()
    wait_total(page, seen[1])


def test_a_link_to_what_is_gone_says_so(page: Page, site: Site) -> None:
    show(page, site, "#type=graffiti,moon_dust")
    assert "moon_dust" in page.locator(".notice", has_text="not in the data").inner_text()
    _, last = span(site)
    wait_total(page, site.count(Chosen({"type": ["graffiti"]}, f"{last[:4]}-01-01", last)))
