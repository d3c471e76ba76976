"""Ticking off the restore list in the portal: who may, what is kept of it, and how the product comes to know.

Belongs here: the page, its buttons, and the way of a tick into the next release. Does not belong here: the sheet's ticks
(`test_drive_monitor`).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from civicops.marks import MARK, current_marks, open_marks
from tests.flow.drives import NAME, Monitor, look, lost
from tests.flow.portal_kit import Server, serving

pytestmark = pytest.mark.xdist_group("portal")
FIRST = date(2026, 3, 2)
NOW = datetime(2026, 3, 3, 20, tzinfo=UTC)
PAGE = f"/p/{NAME}/report/"


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Monitor:
    second = FIRST + timedelta(days=1)
    looks = [look("plans", FIRST, 100), look("plans", second, 88)]
    events = [lost("plans", second, f"file{number}", path=f"/Old & new/file{number}") for number in range(12)]
    made = Monitor.replaying(tmp_path_factory.mktemp("marks"), looks, events)
    made.run()
    return made


@pytest.fixture(scope="module")
def portal(monitor: Monitor) -> Iterator[Server]:
    given: Any = monitor  # the kit asks a library for its folder only
    with serving(given) as server:
        yield server


def keys(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'name="key" value="([^"]+)"', page)]


def press(portal: Server, role: str, **data: str) -> httpx.Response:
    """Send the form of a row, with the token of a page that the person sees."""
    client = portal.client(role)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/").text + client.get(PAGE).text)
    assert found is not None
    form = {"csrfmiddlewaretoken": found[1], **data}
    return client.post(f"{PAGE}marks/", data=form, headers={"Referer": portal.base}, follow_redirects=True)


def test_a_tick_is_shown_at_once_with_who_and_when_and_counts_from_the_next_run(
    portal: Server, monitor: Monitor
) -> None:
    page = portal.get(PAGE, "steward").text
    first, second, *rest = keys(page)
    assert len(rest) == 10 and "12 items not back" in page and "0 ticked off" in page
    version = re.search(r'name="version" value="([^"]+)"', page)
    assert version is not None
    answer = press(portal, "steward", key=first, version=version[1], action="set", note="  meant \n to go ").text
    assert "11 items not back" in answer and "1 ticked off" in answer and "meant to go" in answer
    assert "stefan-steward" in answer and "portal" in answer
    press(portal, "admin", key=second, version=version[1], action="set")
    (_, held), (_, other) = sorted(current_marks(open_marks(monitor.workspace), NAME, "deletions").items())
    assert {held.who, other.who} == {"stefan-steward", "ada-admin"} and held.version == version[1]
    monitor.run()
    settled = "SELECT settled_tick, settled_by, settled_at IS NOT NULL FROM {deletions} WHERE settled_tick IS NOT NULL ORDER BY 1"
    assert monitor.query(settled) == [("done", "ada-admin", True), ("meant to go", "stefan-steward", True)]
    (signal,) = [one for one in monitor.signals(NOW) if one.monitor_id == "many_deleted"]
    assert signal.values["not_back"] == 10

    undone = press(portal, "steward", key=second, action="unset").text
    assert "11 items not back" in undone and "1 ticked off" in undone
    monitor.run()
    assert monitor.query(settled) == [("meant to go", "stefan-steward", True)]
    # Nothing of it was ever changed: two ticks and an undoing, each a row.
    with open_marks(monitor.workspace).reading() as con:
        rows = con.execute(sa.select(MARK.c.who, MARK.c.is_set).order_by(MARK.c.id)).all()
    assert [tuple(row) for row in rows] == [("stefan-steward", True), ("ada-admin", True), ("stefan-steward", False)]


def test_who_does_not_see_the_page_cannot_tick_and_nothing_else_can_be_ticked(portal: Server, monitor: Monitor) -> None:
    key = keys(portal.get(PAGE, "steward").text)[-1]
    for role in ("viewer", "contributor"):
        assert portal.client(role).post(f"{PAGE}marks/", data={"key": key, "action": "set"}).status_code == 403
        assert press(portal, role, key=key, action="set").status_code == 404
    assert portal.client("steward").post(f"{PAGE}marks/", data={"key": key, "action": "set"}).status_code == 403
    assert portal.get(f"{PAGE}marks/", "steward").status_code == 405
    assert press(portal, "steward", key=key, action="set").status_code == 200
    before = len(current_marks(open_marks(monitor.workspace), NAME, "deletions"))
    drive, item, _ = json.loads(key)
    for bad in (
        "",
        "[]",
        "{}",
        "[1, 2, 3]",
        json.dumps([drive, item, "soon"]),
        json.dumps([drive, "other", "2026-03-03T14:00:00Z"]),
    ):
        assert "There is no such row" in press(portal, "steward", key=bad, action="set").text, bad
    assert "There is no such row" in press(portal, "steward", key=key, action="remove").text
    assert len(current_marks(open_marks(monitor.workspace), NAME, "deletions")) == before
    assert press(portal, "steward", key=key, action="set", note="x").status_code == 200
    public = f"/p/{NAME}/watch/marks/"
    steward = portal.client("steward")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', steward.get(PAGE).text)
    assert token is not None
    data = {"csrfmiddlewaretoken": token[1], "key": key, "action": "set"}
    assert steward.post(public, data=data, headers={"Referer": portal.base}).status_code == 404
