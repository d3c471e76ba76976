"""'Find food near me' in a real browser, in the portal and as a copy without one.

Belongs here: what a person in need of food does and sees, and that no private contact gets out anywhere. Does not belong here: what
is in the files (`tests/unit/products/food_listings/test_find_files.py`), whether hours are right (`test_hours_open.py` there).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.flow.portal_kit import PROGRAM, Server, serving
from tests.food_made import CANARIES
from tests.food_portal import FoodWorkspace, make_food
from tools import browser as tool
from tools.web import Web

pytestmark = pytest.mark.xdist_group("food_find")
FIND = "/p/food_listings/find/"
FRIDAY = "2026-05-01T20:30:00Z"
"""13:30 in Los Angeles."""
WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "wide and dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light", "has_touch": True},
    "phone and dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True},
}
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def food(tmp_path_factory: pytest.TempPathFactory) -> FoodWorkspace:
    return make_food(tmp_path_factory.mktemp("food") / "workspace", more=60)


@pytest.fixture(scope="module")
def portal(food: FoodWorkspace) -> Iterator[Server]:
    with serving(food) as server:  # type: ignore[arg-type]  # a workspace is all that it asks for
        yield server


@pytest.fixture(scope="module")
def copy(food: FoodWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The exported site, served by Python's own http.server."""
    folder = tmp_path_factory.mktemp("exported") / "site"
    done = subprocess.run(
        [*PROGRAM, "export", "site", str(folder)], cwd=food.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with tool.serving(folder) as url:
        yield url, folder


@pytest.fixture
def opened(browser: Browser, portal: Server) -> Iterator[Opener]:
    """Opens the page at a link and a moment; at the end nobody else was asked and nothing failed."""
    wrong: list[str] = []
    made = []

    def make(link: str = "", *, at: str = FRIDAY, base: str = "", wait: bool = True, **window: Any) -> Page:
        base = base or portal.base
        given = {
            **WINDOWS["wide"],
            "reduced_motion": "reduce",
            "locale": "en-US",
            "timezone_id": "Europe/Berlin",
            **window,
        }
        context = browser.new_context(base_url=base, **given)
        made.append(context)
        page = context.new_page()
        page.on(
            "request", lambda asked: None if asked.url.startswith((base, "blob:", "data:")) else wrong.append(asked.url)
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text)
                if said.type == "error" and "404" not in said.text and "503" not in said.text
                else None
            ),
        )
        page.clock.set_fixed_time(at)
        page.goto(FIND + link)
        if wait:
            page.wait_for_selector(".find-count")
        return page

    yield make
    for context in made:
        context.close()
    assert not wrong, wrong


def names(page: Page) -> list[str]:
    return page.locator(".find-card h3").all_inner_texts()


def card(page: Page, name: str) -> Any:
    return page.locator(".find-card").filter(has=page.get_by_role("heading", name=name, exact=True))


def faults(page: Page) -> list[str]:
    page.evaluate((Web().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    found: dict[str, Any] = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found["violations"]
        for node in item["nodes"]
    ]


def on_map(page: Page) -> None:
    page.wait_for_selector('.find-canvas[data-ready="yes"]')


# How it looks to everybody -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS.keys())
def test_axe_finds_nothing_and_nothing_goes_sideways(opened: Opener, window: dict[str, Any]) -> None:
    for link in (
        "#lang=en&listing=made:1",
        "#lang=es&closed=yes&q=pantry&listing=made:7",
        "#show=map&near=34.03,-118.25,90012&type=large",
    ):
        page = opened(link, bypass_csp=True, **window)
        if window["viewport"]["width"] > 1000 or "show=map" in link:
            on_map(page)
        for summary in page.locator(".find-card details, .find-filters details").all():
            summary.evaluate("one => { one.open = true; }")
        assert faults(page) == [], link
        assert page.evaluate("document.documentElement.scrollWidth") <= window["viewport"]["width"], link
        page.context.close()


def test_all_of_it_is_spanish_when_asked(opened: Opener) -> None:
    page = opened("#lang=es&listing=made:2")
    assert page.locator(".find").get_attribute("lang") == "es"
    expect(page.get_by_role("heading", name="Encuentre comida cerca")).to_be_visible()
    shown = card(page, "Peña Kitchen")
    expect(shown).to_contain_text("Cada lunes 9 am–mediodía")
    shown.locator(".find-sure summary").click()
    expect(shown.locator(".find-sure")).to_contain_text("confirmado el 11 de abril de 2026 que no hay")
    words = page.locator(".find").inner_text()
    assert not [
        english
        for english in ("Open now", "Closed", "Hours", "Phone", "Near", "Checked", "Details")
        if english in words
    ]
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Find food near me")).to_be_visible()


def test_a_spanish_browser_is_answered_in_spanish(opened: Opener) -> None:
    page = opened(locale="es-MX")
    expect(page.get_by_role("heading", name="Encuentre comida cerca")).to_be_visible()


# Open, closed, not known -------------------------------------------------------------------------------------------------


def test_open_now_goes_by_the_clock_of_the_place(opened: Opener) -> None:
    page = opened("#open=now")
    assert "Juniper Street Pantry" in names(page) and "Round the Clock Fridge" in names(page)
    assert not {"Resting Pantry", "Gone Pantry", "Saturday Table", "Night Kitchen", "Quiet Pantry"} & set(names(page))
    expect(card(page, "Juniper Street Pantry")).to_contain_text("Open now, until 5 pm")
    page = opened("#open=now", at="2026-05-09T17:30:00Z")  # Saturday 10:30, the second of the month
    assert "Saturday Table" in names(page) and "Juniper Street Pantry" not in names(page)
    page = opened("#open=now", at="2026-05-02T17:30:00Z")  # the first Saturday
    assert "Saturday Table" not in names(page)
    page = opened("#open=now", at="2026-05-09T08:59:00Z")  # 1:59 in the night after Friday
    assert "Night Kitchen" in names(page)


def test_states_in_words(opened: Opener) -> None:
    page = opened("#closed=yes&q=pantry")
    expect(card(page, "Resting Pantry")).to_contain_text("Closed for now")
    expect(card(page, "Resting Pantry")).to_contain_text("The roof is being mended until June.")
    expect(card(page, "Gone Pantry")).to_contain_text("Closed for good")
    expect(card(page, "Quiet Pantry")).to_contain_text("Hours not known, please call")
    expect(card(page, "Quiet Pantry")).to_contain_text("Not checked by us yet")
    expect(card(page, "Half Read Pantry")).to_contain_text("Also written: Monday 9-noon and some evenings")
    page = opened("#q=half+read", at="2026-05-02T20:30:00Z")
    expect(card(page, "Half Read Pantry")).to_contain_text("May be open, please call")
    page = opened("#q=kitchen")
    expect(card(page, "Night Kitchen")).to_contain_text("Closed now, opens today 10 pm")
    expect(card(page, "No Hours Kitchen")).to_contain_text("There are no set hours.")
    expect(card(page, "No Hours Kitchen")).to_contain_text("Please call before you go.")
    assert "Gone Pantry" not in names(opened("#q=pantry"))


def test_a_day_can_be_chosen(opened: Opener) -> None:
    page = opened("#q=table")
    page.get_by_label("Open", exact=True).select_option("tomorrow")
    expect(page.locator(".find-none")).to_be_visible()
    page.get_by_label("Open", exact=True).select_option("date")
    page.get_by_label("Date").fill("2026-05-23")
    expect(page.locator(".find-count")).to_contain_text("1 place")
    assert names(page) == ["Saturday Table"] and "open=2026-05-23" in page.url


def test_each_field_says_how_sure_it_is(opened: Opener) -> None:
    page = opened("#listing=made:2")
    shown = card(page, "Peña Kitchen")
    shown.locator(".find-sure summary").click()
    lines = dict(line.split("\n") for line in shown.locator(".find-sure .find-facts > div").all_inner_texts())
    assert lines["E-mail"] == "confirmed April 11, 2026 that there is none, by phone"
    assert lines["Food"] == "not known" and lines["Hours"] == "confirmed April 17, 2026, by phone"


# Where -------------------------------------------------------------------------------------------------------------------


def test_a_zip_code_is_found_with_the_keyboard(opened: Opener) -> None:
    page = opened()
    box = page.get_by_role("combobox", name="Near")
    box.focus()
    page.keyboard.type("9002")
    expect(page.get_by_role("option").first).to_be_visible()
    options = page.get_by_role("option").all_inner_texts()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".find-count")).to_contain_text(f"near {options[0].split()[0]}")
    away = [
        float(text.split("·")[1].split()[0]) for text in page.locator(".find-where-at").all_inner_texts() if "·" in text
    ]
    assert away == sorted(away) and len(away) > 5
    page.get_by_label("Within").select_option("5")
    page.wait_for_url("**within=5*")
    assert all("·" in text for text in page.locator(".find-where-at").all_inner_texts())


def test_a_neighborhood_is_found_without_its_accent(opened: Opener) -> None:
    page = opened()
    page.get_by_role("combobox", name="Near").fill("pena")
    page.get_by_role("option", name="Peña Park").click()
    expect(page.locator(".find-count")).to_contain_text("near Peña Park")


def test_where_one_is_stays_in_the_browser(opened: Opener) -> None:
    asked: list[str] = []
    page = opened(geolocation={"latitude": 34.02123, "longitude": -118.30123}, permissions=["geolocation"])
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Use where I am").click()
    expect(page.locator(".find-count")).to_contain_text("near where you are")
    assert names(page)[0] == "Juniper Street Pantry"
    assert "34.02" not in page.url and not [url for url in asked if "34.02" in url or "118.30" in url]


def test_who_does_not_say_where_is_told_what_else_works(opened: Opener) -> None:
    page = opened()
    page.get_by_role("button", name="Use where I am").click()
    expect(page.locator(".find-where")).to_contain_text("Type a ZIP code, or click on the map")


def test_the_map_picks_places_and_where_to_start(opened: Opener) -> None:
    page = opened("#q=juniper+street")
    on_map(page)
    middle: Any = page.locator(".find-canvas").bounding_box() or {}
    page.mouse.click(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    page.wait_for_url("**listing=made:1*")
    expect(page.get_by_role("button", name="Less: Juniper Street Pantry")).to_be_visible()
    page.mouse.click(middle["x"] + 90, middle["y"] + 90)
    page.wait_for_url("**near=*")
    expect(page.locator(".find-count")).to_contain_text("near a point on the map")


# Links, keys, paper ------------------------------------------------------------------------------------------------------


def test_a_link_shows_the_same_and_back_goes_back(opened: Opener) -> None:
    page = opened()
    page.locator(".find-more > summary").click()
    page.locator(".find-chip", has_text="Meals").click()
    page.get_by_label("Open", exact=True).select_option("today")
    page.get_by_label("No appointment needed").check()
    before, url = names(page), page.url
    other = opened(url.split(FIND)[1])
    assert names(other) == before and other.get_by_label("No appointment needed").is_checked()
    page.go_back()
    expect(page.get_by_label("No appointment needed")).not_to_be_checked()
    page.go_back()
    expect(page.get_by_label("Open", exact=True)).to_have_value("any")


def test_a_listing_has_a_link_and_a_way_to_say_what_is_wrong(opened: Opener) -> None:
    page = opened("#listing=made:1&open=tomorrow")
    shown = page.locator(".find-card").first
    assert shown.locator("h3").inner_text() == "Juniper Street Pantry", "whatever else is asked for"
    wrong = shown.get_by_role("link", name="Something is wrong here")
    assert wrong.get_attribute("href") == "/suggest/food_listings/verify/?about=made%3A1&lang=en"
    assert shown.get_by_role("link", name="Link to this place").get_attribute("href") == "#listing=made:1"
    assert shown.get_by_role("link", name="(213) 555-0001", exact=True).get_attribute("href") == "tel:2135550001"


def test_everything_is_reached_with_the_keyboard(opened: Opener) -> None:
    page = opened("#q=juniper+street")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "(document.activeElement.ariaLabel || document.activeElement.textContent || document.activeElement.id).trim().slice(0, 40)"
            )
        )
    for wanted in (
        "Español",
        "Large type",
        "Use where I am",
        "Phone: (213) 555-0001",
        "Details: Juniper Street Pantry",
        "Table (CSV)",
    ):
        assert any(wanted in one for one in seen), (wanted, seen)
    page.get_by_role("button", name="Details: Juniper Street Pantry").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Bring a bag. ID is not needed.")).to_be_visible()


def test_paper_has_all_places_and_no_controls(opened: Opener) -> None:
    page = opened()
    total = int(page.locator(".find-count").inner_text().split()[0])
    count = "document.querySelectorAll('.find-card').length"
    # Chromium says beforeprint and afterprint around making a PDF, as around a dialog; what counts is there when the first returns.
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {count}; }})")
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.printed") == total > 20
    page.wait_for_function(f"{count} === 20")  # the screen is as it was
    page.emulate_media(media="print")
    for hidden in (".find-filters", ".find-tools", ".find-map", ".co-header"):
        assert not page.locator(hidden).is_visible(), hidden
    assert page.locator(".find-card").first.is_visible()


def test_words_of_others_stay_words(opened: Opener) -> None:
    page = opened("#kind=community_garden")
    assert names(page) == ["=2+5+cmd|' /C calc'!A0"]
    page.locator(".find-card button").click()
    expect(page.get_by_text("<script>alert('x')</script> & more")).to_be_visible()


def test_files_that_do_not_come_can_be_asked_for_again(opened: Opener, browser: Browser, portal: Server) -> None:
    page = opened(wait=False)
    page.goto("about:blank")
    page.route("**/places.json", lambda route: route.fulfill(status=503))
    page.goto(FIND)
    expect(page.get_by_role("alert")).to_contain_text("The places could not be loaded.")
    page.unroute("**/places.json")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".find-card")


# What gets out -----------------------------------------------------------------------------------------------------------


def test_no_private_contact_in_any_answer_of_the_portal(portal: Server) -> None:
    client = portal.client()
    paths = ["/", "/catalogue/", "/products/food_listings/", FIND, "/api/"]
    paths += [f"{FIND}files/{name}" for name in ("places.json", "grounds.json")]
    paths += [f"{FIND}files/downloads/food_listings.{ending}" for ending in ("csv", "json", "hsds.json")]
    for dataset in ("listings", "listing_schedules", "listing_fields", "listing_contacts"):
        paths += [
            f"/catalogue/food_listings/{dataset}/",
            f"/api/v1/datasets/food_listings/{dataset}",
            f"/api/v1/datasets/food_listings/{dataset}/rows?limit=1000",
        ]
    answers = {path: client.get(path) for path in paths}
    for path, answer in answers.items():
        found = [canary for canary in CANARIES if canary in answer.text or quote(canary) in answer.text]
        assert not found, (path, found)
    refused = [path for path, answer in answers.items() if answer.status_code != 200]
    assert refused and all("listing_contacts" in path for path in refused), refused
    assert not answers["/api/v1/datasets/food_listings/listing_contacts/rows?limit=1000"].is_success
    steward = portal.client("steward").get("/api/v1/datasets/food_listings/listing_contacts/rows?limit=1")
    assert CANARIES[0] in steward.text, "they are there, for those who may see them"


def test_the_copy_without_a_portal_works_and_holds_no_private_contact(opened: Opener, copy: tuple[str, Path]) -> None:
    url, folder = copy
    page = opened("#lang=es&listing=made:1", base=url)
    on_map(page)
    assert names(page)[0] == "Juniper Street Pantry"
    assert page.get_by_text("Algo está mal aquí").count() == 0, "nobody takes corrections there"
    with page.expect_download() as given:
        page.get_by_role("link", name="Tabla (CSV)").click()
    assert (
        Path(given.value.path()).read_bytes()
        == (folder / FIND.strip("/") / "files" / "downloads" / "food_listings.csv").read_bytes()
    )
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [canary for canary in CANARIES if canary.encode() in content], path
    assert httpx.get(f"{url}{FIND}files/downloads/food_listings.hsds.json", trust_env=False).json()["total_items"] > 60
