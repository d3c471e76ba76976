"""Incidents in the portal, on SQLite and on PostgreSQL: who sees what, and what people may do.

Belongs here: pages of incidents, the public status page, numbers for Prometheus. Does not belong here: how incidents come about
(`test_observe`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flow.conftest import Library, make_library
from tests.flow.portal_kit import Server, serving
from tests.flow.test_observe import busy_days, stop_the_run, watched_by_day
from tests.pg import postgres_cluster

pytestmark = pytest.mark.xdist_group("portal")


def troubled(root: Path) -> Library:
    """A lost day (incident 1) and a run that failed (incident 2)."""
    library = make_library(root)
    watched_by_day(library)
    library.deliver(busy_days(90, lost=2))
    library.run()
    stop_the_run(library)
    return library


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("incidents")
    if request.param == "sqlite":
        with serving(troubled(root)) as server:
            yield server
        return
    with postgres_cluster() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        library = troubled(root)
        assert not (root / "var" / "app.sqlite3").exists()
        with serving(library, DATABASE_URL=url) as server:
            yield server


def act(portal: Server, role: str, number: int, **data: str) -> httpx.Response:
    client = portal.client(role)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/incidents/").text)
    assert found is not None
    form = {"csrfmiddlewaretoken": found[1], **data}
    url = f"/incidents/{number}/"
    return client.post(url, data=form, headers={"Referer": portal.base}, follow_redirects=True)


def test_incidents_are_for_contributors_and_the_status_page_is_for_all(portal: Server) -> None:
    for path in ("/incidents/", "/incidents/1/", "/incidents/1/chart.json"):
        assert portal.get(path).status_code == 302
        assert portal.get(path, "viewer").status_code == 403
        assert portal.get(path, "contributor").status_code == 200
    assert portal.get("/incidents/99/", "admin").status_code == 404
    page = portal.get("/status/").text
    assert "1 of 1 products has trouble" in page and "Affected: loan_list" in page
    for private in ("no rows at all", "held back", "failed", "ada-example"):
        assert private not in page


def test_an_incident_says_what_since_when_how_bad_and_what_to_do(portal: Server) -> None:
    page = portal.get("/incidents/1/", "contributor").text
    for words in (
        "loan_list: no rows at all on",
        "expected about",
        "act today",
        "library.",
        "what-monitors-say.md",
        "Opened",
    ):
        assert words in page
    spec = json.loads(portal.get("/incidents/1/chart.json", "contributor").text)
    points = (
        [row for rows in spec["datasets"].values() for row in rows] if "datasets" in spec else spec["data"]["values"]
    )
    (fault,) = [point for point in points if point.get("is_fault")]
    assert fault["observed"] == 0 and fault["low"] > 0


def test_contributors_take_care_and_stewards_say_that_it_is_over(portal: Server) -> None:
    assert "You take care of it" in act(portal, "contributor", 2, action="acknowledge", note="looking").text
    assert act(portal, "contributor", 2, action="resolve", note="done").status_code == 403
    assert "Say why it is over" in act(portal, "steward", 2, action="resolve", note=" ").text
    assert "nothing was changed" in act(portal, "steward", 2, action="explode").text
    done = act(portal, "steward", 2, action="resolve", note="the <b>desk</b> is back").text
    assert "It is resolved" in done and "the &lt;b&gt;desk&lt;/b&gt; is back" in done and "by stefan-steward" in done
    assert 'name="action"' not in done


def test_prometheus_reads_numbers_from_this_machine_only(portal: Server) -> None:
    text = portal.get("/metrics").text
    assert 'civicops_incidents_open{product="library",severity="critical"} 1.0' in text
    assert 'civicops_dataset_rows{dataset="loan_list",product="library"}' in text
    assert portal.get("/metrics", headers={"X-Forwarded-For": "203.0.113.5"}).status_code in (302, 403)
