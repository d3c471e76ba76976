"""The 311 map of the made-up city in a real browser, served by Python's own http.server.

Belongs here: the site, the browser, a page that fails the test when it asks another host or reports an error, and SQL on the same
release. Does not belong here: assertions on the map.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from products.requests_311.pages.map_files import build
from tests.flow.city import NAME, Base, base  # noqa: F401 - the run that all files share
from tools.browser import launch, serving
from tools.web import Web

PAGE = "products/requests_311/pages/map"
# What each filter is of a row of the release, written apart from the code that makes the files.
SQL = {
    "type": "request_type_code",
    "council": "council_code",
    "district": "CASE WHEN longitude IS NULL THEN 'unknown' WHEN district_code IS NULL THEN 'none' ELSE district_code END",
    "status": "status_code",
    "source": "CASE WHEN is_resident_demand THEN 'resident' WHEN is_crew_logged THEN 'crew' WHEN is_information_only THEN 'information' ELSE 'other' END",
    "department": "department_code",
}
LISTS = {
    "type": "types", "council": "councils", "district": "districts", "status": "statuses", "source": "sources", "department": "departments",
}  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """Filters as in a link: codes by name, and days."""

    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    first: str = ""
    last: str = ""

    @property
    def link(self) -> str:
        parts = [f"{name}={','.join(codes)}" for name, codes in self.codes.items()]
        return "#" + "&".join([*parts, *([f"from={self.first}", f"to={self.last}"] if self.first else [])])

    def where(self, without: str = "") -> str:
        """SQL condition of all filters but one."""
        parts = ["created_on IS NOT NULL"]
        for name, codes in self.codes.items():
            if name != without:
                parts.append(f"{SQL[name]} IN ({', '.join(repr(code) for code in codes)})")
        if self.first:
            parts.append(f"created_on BETWEEN DATE '{self.first}' AND DATE '{self.last}'")
        return " AND ".join(parts)


@dataclass(frozen=True)
class Site:
    url: str
    base: Base
    files: Path
    folder: Path

    def count(self, chosen: Chosen) -> int:
        return int(self.base.city.query(f"SELECT count(*) FROM {{requests}} WHERE {chosen.where()}")[0][0])

    def counts(self, chosen: Chosen, name: str) -> dict[str, int]:
        """Requests by code under all filters but the one of `name`."""
        sql = f"SELECT {SQL[name]}, count(*) FROM {{requests}} WHERE {chosen.where(name)} GROUP BY 1"
        return {str(code): count for code, count in self.base.city.query(sql)}

    def ids(self, chosen: Chosen) -> list[str]:
        rows = self.base.city.query(f"SELECT request_id FROM {{requests}} WHERE {chosen.where()} ORDER BY 1")
        return [row[0] for row in rows]


@pytest.fixture(scope="session")
def site(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # noqa: F811
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(Web().built, folder, dirs_exist_ok=True)
    files = folder / PAGE / "files"
    build(base.city.releases.snapshot(NAME), files)
    with serving(folder) as url:
        yield Site(f"{url}/{PAGE}/", base, files, folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts; when the test is over, no page in them may have asked another host or reported an error."""
    made: list[BrowserContext] = []
    wrong: list[str] = []
    origin = site.url.split("/products")[0]

    def make(**options: Any) -> BrowserContext:
        given: dict[str, Any] = {
            "viewport": {"width": 1360, "height": 850},
            "color_scheme": "light",
            "reduced_motion": "reduce",
            **options,
        }
        new = browser.new_context(**given)
        new.on(
            "request",
            lambda request: (
                None if request.url.startswith((origin, "blob:", "data:")) else wrong.append(f"asked {request.url}")
            ),
        )
        new.on("weberror", lambda error: wrong.append(f"error {error.error}"))
        made.append(new)
        return new

    yield make
    for each in made:
        each.close()
    assert not wrong, wrong


@pytest.fixture
def page(context: Callable[..., BrowserContext]) -> Page:
    return context().new_page()


def show(page: Page, site: Site, link: str = "", *, fresh: bool = True) -> Page:
    """Open the map and wait until it is drawn and everything is counted."""
    if fresh:
        page.goto("about:blank")
    page.goto(site.url + link)
    page.wait_for_selector('.map-canvas[data-ready="yes"]')
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until all years are loaded and the number is complete."""
    page.wait_for_function(
        "() => !document.querySelector('.loading-more') && document.querySelector('.total')?.dataset.complete === 'yes'"
    )


def total(page: Page) -> int:
    return int(page.locator(".total").get_attribute("data-total") or -1)


def wait_total(page: Page, expected: int) -> None:
    """Wait for a number that differs from the one before, so that a late answer is not taken for a wrong one."""
    page.wait_for_function(
        "n => { const t = document.querySelector('.total').dataset; return t.complete === 'yes' && Number(t.total) === n; }",
        arg=expected,
        timeout=8_000,
    )


def shown_counts(page: Page, name: str) -> dict[str, int]:
    """Requests by code as a list of the page shows them, those without any left out. Opens what is closed."""
    dimension = LISTS[name]
    page.evaluate(
        """dimension => {
            for (const list of document.querySelectorAll(`[data-dimension="${dimension}"]`)) {
                const group = list.closest('.group'); group.open = true;
                for (const button of group.querySelectorAll('fieldset > .quiet[aria-expanded="false"]')) button.click();
            }
        }""",
        dimension,
    )
    page.wait_for_function(
        'd => !document.querySelector(`[data-dimension="${d}"] ~ .quiet[aria-expanded="false"]`)', arg=dimension
    )
    found = page.evaluate(
        """dimension => [...document.querySelectorAll(`[data-dimension="${dimension}"] > li`)].map(li => [li.dataset.code, Number(li.dataset.count)])""",
        dimension,
    )
    return {code: count for code, count in found if count}


def tick(page: Page, name: str, code: str) -> None:
    """Choose an option as a person does: open its group, click it."""
    shown_counts(page, name)
    option = page.locator(f'[data-dimension="{LISTS[name]}"] > li[data-code="{code}"]')
    option.evaluate(
        "li => { for (let at = li.closest('details'); at; at = at.parentElement.closest('details')) at.open = true; }"
    )
    option.locator("input").click()
