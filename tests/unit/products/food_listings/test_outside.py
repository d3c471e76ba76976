"""Websites and geocoders, against servers on loopback: what is asked, how politely, and what never."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest

from civicops.errors import CivicopsError
from products.food_listings.outside.geocoding import Answer, Census, Nominatim, Question, geocoder
from products.food_listings.outside.polite import InternalAddressError, Polite
from products.food_listings.outside.websites import closure_sentence, judged, one_look
from simulators.sites import Page, Sites, serve_sites

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def server() -> Iterator[Sites]:
    with serve_sites() as sites:
        yield sites


@pytest.fixture
def sites(server: Sites) -> Sites:
    server.pages.clear()
    server.points.clear()
    server.log.clear()
    server.robots, server.fail_next = None, 0
    return server


def polite(**more: float) -> Polite:
    return Polite(
        "tester (+https://example.org/)", allow=[HERE], pause=more.get("pause", 0.0), seconds=more.get("seconds", 5.0)
    )


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (Page("<p>Food pantry, open Monday</p>"), "ok"),
        (Page("<h1>This domain is for sale</h1>"), "parked"),
        (Page(status=404), "dead"),
        (Page(status=503), "server_error"),
        (Page(status=403), "forbidden"),
        (Page(location="/a"), "dead"),
        (Page(seconds=3), "timeout"),
        (Page(location="http://169.254.169.254/latest/meta-data"), "internal_address"),
        (Page(location="file:///etc/passwd"), "internal_address"),
    ],
)
def test_what_a_website_answers(sites: Sites, page: Page, outcome: str) -> None:
    sites.pages["/a"] = page
    found = one_look(polite(seconds=1.0), f"{sites.url}/a", {})
    assert found["outcome_code"] == outcome, found


def test_a_page_that_says_it_closed(sites: Sites) -> None:
    sites.pages["/a"] = Page(
        "<html><script>closed until further notice food</script><p>News. Our food pantry is permanently closed. Thanks.</p></html>"
    )
    found = one_look(polite(), f"{sites.url}/a", {})
    assert found["outcome_code"] == "ok" and found["closure_text"] == "Our food pantry is permanently closed."
    assert closure_sentence("The food pantry is closed on Sundays.") is None


def test_an_internal_address_is_never_asked(sites: Sites) -> None:
    strict = Polite("tester", pause=0)
    for url in (
        sites.url,
        f"http://localhost:{httpx.URL(sites.url).port}/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://0x7f000001/",
        "http://2130706433/",
    ):
        assert one_look(strict, url, {})["outcome_code"] in ("internal_address", "dead", "bad_address"), url
    with pytest.raises(InternalAddressError):
        strict.get(sites.url)
    assert sites.log == []


def test_robots_are_asked_once_per_host_and_obeyed(sites: Sites) -> None:
    sites.robots = "User-agent: *\nDisallow: /private\n"
    sites.pages["/open"] = sites.pages["/private"] = Page("food")
    asker, rules = polite(), {}
    assert one_look(asker, f"{sites.url}/private", rules)["outcome_code"] == "refused_by_robots"
    assert one_look(asker, f"{sites.url}/open", rules)["outcome_code"] == "ok"
    assert [path for _, path, _ in sites.log] == ["/robots.txt", "/open"]
    assert {agent for _, _, agent in sites.log} == {"tester (+https://example.org/)"}


def test_one_host_is_asked_slowly(sites: Sites) -> None:
    asker = polite(pause=0.3)
    for _ in range(3):
        asker.get(f"{sites.url}/robots.txt")
    times = [moment for moment, _, _ in sites.log]  # a floor: a busy machine only makes the pauses longer
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(times))


def test_an_endless_page_is_cut(sites: Sites) -> None:
    sites.pages["/a"] = Page("<p>food</p>", size=3_000_000)
    assert len(polite().get(f"{sites.url}/a").body) == 600_000


def test_a_site_that_moved_is_said() -> None:
    from products.food_listings.outside.polite import Reply

    found = judged("https://old.example.org/", Reply(200, "https://new.example.net/", b"food", "text/html"))
    assert (found["outcome_code"], found["detail"]) == ("moved", "It leads to new.example.net.")
    assert (
        judged("https://example.org/", Reply(200, "https://www.example.org/x", b"food", "text/html"))["outcome_code"]
        == "ok"
    )


QUESTIONS = [Question(f"k{n}", f"{n} Alder St", "Los Angeles", "CA", "90012") for n in range(4)]


@pytest.mark.parametrize("name", ["census", "nominatim"])
def test_both_geocoders_give_the_same_points(sites: Sites, name: str) -> None:
    sites.points |= {"0 alder st|90012": (34.05, -118.24), "1 alder st|90012": "tie", "2 alder st|90012": (0.0, 0.0)}
    with httpx.Client() as client:
        found = geocoder(name, client, {f"{name}_url": sites.url, "seconds_per_question": 0}).ask(QUESTIONS)
    assert (found["k0"].latitude, found["k0"].longitude) == (34.05, -118.24) and (found["k0"].confidence or 0) >= 0.8
    assert (found["k1"].confidence or 0) < 0.8, "the middle of a street or a tie is no point of a place"
    assert found["k2"] == Answer("none"), "0, 0 is never a point"
    assert found["k3"] == Answer("none")


def test_a_busy_geocoder_is_asked_again_and_one_that_stays_busy_is_said(sites: Sites) -> None:
    sites.points["0 alder st|90012"] = (34.05, -118.24)
    with httpx.Client() as client:
        sites.fail_next = 1
        assert Census(client, sites.url).ask(QUESTIONS[:1])["k0"].outcome == "matched"
        sites.fail_next = 99
        with pytest.raises(CivicopsError, match="cannot be asked: status 503"):
            Nominatim(client, sites.url, pause=0).ask(QUESTIONS[:1])
        with pytest.raises(CivicopsError, match="no geocoder 'google'"):
            geocoder("google", client, {})
