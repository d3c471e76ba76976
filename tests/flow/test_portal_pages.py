"""The pages as people get them, over HTTP: home, catalogue, datasets, downloads, pages of products.

Belongs here: what a reader sees. Does not belong here: who may see what (`test_portal_access`), the interface (`test_portal_api`).
"""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from civicops.portal.changes import want_changes, wanted_changes
from tests.duck import asked
from tests.flow.portal_kit import SECRET, Server, make_shelf, serving

pytestmark = pytest.mark.xdist_group("portal")
MAIN = ("/", "/catalogue/", "/products/library/", "/catalogue/library/loan_places/", "/p/library/lending/", "/api/")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(make_shelf(tmp_path_factory.mktemp("shelf"))) as server:
        yield server


def test_home_says_how_each_product_is(portal: Server) -> None:
    page = portal.get("/").text
    rows = sum(
        int(str(portal.sql(f"SELECT count(*) FROM {{{name}}}")[0][0]))
        for name in ("branch_loans", "loan_list", "loan_places")
    )
    for words in (
        "Loans",
        "Up to date",
        "New data were fetched, checked and published.",
        f">{rows:,}<",
        'href="p/library/lending/"',
    ):
        assert words in page, words
    assert "Desk" not in page
    assert "Desk" in portal.get("/", "steward").text


def test_a_dataset_is_rendered_from_its_contract(portal: Server) -> None:
    page = portal.get("/catalogue/library/loan_places/").text
    assert "The loan, &lt;b&gt;bold&lt;/b&gt; &amp; plain." in page
    low, high = portal.sql("SELECT min(days_count), max(days_count) FROM {loan_places}")[0]
    assert f"{low} to {high}" in page
    for words in (
        "There is a place.",
        "some_place",
        "holds",
        "CC0-1.0",
        "ada-example",
        "Where it was lent.",
        "what changed",
    ):
        assert words in page, words
    assert 'href="../loan_list/"' in page, "what it is made from"


def test_a_restricted_dataset_is_described_but_none_of_its_values_shown(portal: Server) -> None:
    page = portal.get("/catalogue/library/members/").text
    assert "Where the borrower lives." in page and "stewards only" in page
    assert "117.1" not in page and SECRET not in page and "members.csv" not in page
    assert "-117.123" in portal.get("/catalogue/library/members/", "steward").text


def test_search_finds_names_descriptions_and_columns(portal: Server) -> None:
    def found(words: str) -> set[str]:
        return set(re.findall(r"<code>(library\.\w+)</code>", portal.get("/catalogue/", params={"q": words}).text))

    assert found("") == {"library.branch_loans", "library.loan_list", "library.loan_places", "library.members"}
    assert found("borrower lives") == {"library.members"}
    assert found("latitude") == {"library.loan_places"}
    assert found("no such thing") == set()
    assert "<script>x" not in portal.get("/catalogue/", params={"q": "<script>x"}).text


def test_every_version_can_be_had_and_compared(portal: Server) -> None:
    old, new = portal.version("loan_places", 1), portal.version("loan_places")
    page = portal.get("/catalogue/library/loan_places/").text
    assert old in page and new in page and "+1" in page
    assert "This is an older version" in portal.get(f"/catalogue/library/loan_places/{old}/").text
    changed = portal.get(f"/catalogue/library/loan_places/{new}/changes/").text
    assert re.search(r"Added</dt><dd>1<", changed) and re.search(r"Removed</dt><dd>0<", changed) and "l9000" in changed
    assert portal.get(f"/catalogue/library/loan_places/{old}/changes/").status_code == 404


@pytest.mark.parametrize("back", [0, 1])
def test_downloads_hold_exactly_the_release(portal: Server, back: int) -> None:
    version = portal.version("loan_places", back)
    release = portal.library.releases.find("library", "loan_places", version)
    base = f"/catalogue/library/loan_places/{version}/loan_places"
    assert portal.get(f"{base}.parquet").content == release.data.read_bytes()
    wanted = asked(f"SELECT * REPLACE (epoch(lent_at)::BIGINT AS lent_at) FROM '{release.data}'")
    rows = list(csv.reader(io.StringIO(portal.get(f"{base}.csv").text)))
    assert rows[0] == ["loan_id", "branch_name", "days_count", "lent_at", "longitude", "latitude", "tags"]
    again = [int(datetime.fromisoformat(row[3]).timestamp()) for row in rows[1:]]
    assert [
        (
            row[0],
            row[1] or None,
            int(row[2]),
            at,
            float(row[4]) if row[4] else None,
            float(row[5]) if row[5] else None,
            json.loads(row[6]),
        )
        for row, at in zip(rows[1:], again, strict=True)
    ] == wanted
    points = json.loads(portal.get(f"{base}.geojson").text)
    assert len(points["features"]) == len(wanted)
    for feature, row in zip(points["features"], wanted, strict=True):
        assert (feature["geometry"]["coordinates"] if feature["geometry"] else [None, None]) == [row[4], row[5]]
        assert feature["properties"]["loan_id"] == row[0] and feature["properties"]["tags"] == row[6]


def test_files_are_sent_in_parts_and_not_twice(portal: Server) -> None:
    url = f"/catalogue/library/loan_places/{portal.version('loan_places')}/loan_places"
    whole = portal.get(f"{url}.parquet")
    part = portal.get(f"{url}.parquet", headers={"Range": "bytes=10-29"})
    assert (part.status_code, part.content) == (206, whole.content[10:30])
    for kind in ("parquet", "csv", "geojson"):
        first = portal.get(f"{url}.{kind}")
        again = portal.get(f"{url}.{kind}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content, "immutable" in first.headers["Cache-Control"]) == (304, b"", True)


def test_a_page_of_a_product_and_its_files(portal: Server) -> None:
    page = portal.get("/p/library/lending/").text
    assert "Loans per branch" in page and 'data-chart="files/_charts/lending.json"' in page
    spec = portal.get("/p/library/lending/files/_charts/lending.json").json()
    shown = next(iter(spec["datasets"].values()))
    assert [(row["branch_name"], row["loan_count"]) for row in shown] == portal.sql(
        "FROM {branch_loans} SELECT branch_name, loan_count ORDER BY ALL"
    )
    names = portal.get("/p/library/lending/files/names.json").json()
    assert "members" not in names and "loan_list" in names, "a public page is not even given what is restricted"
    assert portal.get("/pages/library/lending/files/names.json").json() == names
    part = portal.get("/p/library/lending/files/numbers-0123abcd.bin", headers={"Range": "bytes=256-259"})
    assert (part.status_code, part.content) == (206, bytes([0, 1, 2, 3]))
    for path in ("../secret", "..%2f..%2fsecret", ".hidden", "%2fetc%2fpasswd", "a/../../x", "a%00b"):
        assert portal.get(f"/p/library/lending/files/{path}").status_code in (400, 404), path
    assert SECRET in portal.get("/p/library/desk/", "steward").text


def test_a_public_page_may_stand_in_other_peoples_pages_and_no_other(portal: Server) -> None:
    framed = portal.get("/p/library/lending/?embed")
    assert "frame-ancestors *" in framed.headers["Content-Security-Policy"] and "X-Frame-Options" not in framed.headers
    assert "usa-header" not in framed.text
    for path, role in (("/p/library/lending/", None), ("/p/library/desk/?embed", "steward"), ("/?embed", None)):
        plain = portal.get(path, role)
        assert (
            "frame-ancestors 'none'" in plain.headers["Content-Security-Policy"]
            and plain.headers["X-Frame-Options"] == "DENY"
        )


def test_a_page_that_breaks_breaks_alone(portal: Server) -> None:
    broken = portal.library.product / "pages" / "broken.py"
    broken.write_text(
        'from civicops.portal.pages import Page\nPAGE = Page("Broken", "b", context=lambda r: {"x": 1 / 0})\n'
    )
    try:
        answer = portal.get("/p/library/broken/")
        assert (
            answer.status_code == 500
            and "cannot be shown now" in answer.text
            and "ZeroDivisionError" not in answer.text
        )
        assert "ZeroDivisionError" in portal.get("/p/library/broken/", "contributor").text
        assert portal.get("/p/library/lending/").status_code == 200
        broken.write_text("import nothing_of_that_name\n")
        assert portal.get("/").status_code == 200
        assert "nothing_of_that_name" in portal.get("/products/library/", "contributor").text
    finally:
        broken.unlink()


def test_a_faulty_contract_is_said_and_the_rest_stays(portal: Server) -> None:
    contract = portal.library.product / "contracts" / "members.yaml"
    text = contract.read_text()
    try:
        contract.write_text(text.replace("logicalType: string", "logicalType: strin", 1))
        time.sleep(1.2)
        assert "Needs mending" in portal.get("/").text and portal.get("/catalogue/").status_code == 200
        assert "members.yaml" in portal.get("/", "contributor").text and "members.yaml" not in portal.get("/").text
    finally:
        contract.write_text(text)
        time.sleep(1.2)
    assert "Needs mending" not in portal.get("/").text


def test_nothing_comes_from_elsewhere_and_no_script_is_inline(portal: Server) -> None:
    for path in (*MAIN, "/accounts/login/", "/nothing"):
        answer = portal.get(path)
        outside = re.findall(r'(?:src|action)="(?:https?:)?//[^"]+', answer.text) + re.findall(
            r'<link[^>]+href="(?:https?:)?//', answer.text
        )
        assert not outside, (path, outside)
        assert not re.search(r"<script(?![^>]*(src=|application/json))[^>]*>|<style|\sstyle=|\son\w+=", answer.text), (
            path
        )
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        assert (
            answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "same-origin"
        )


def test_pages_answer_within_100_ms(portal: Server) -> None:
    for path in MAIN:
        portal.get(path)
        times = []
        for _ in range(15):
            began = time.perf_counter()
            assert portal.get(path).status_code == 200
            times.append(time.perf_counter() - began)
        assert statistics.median(times) < 0.1, (path, statistics.median(times))


def test_large_tables_are_compared_without_anybody_waiting(portal: Server) -> None:
    new, old = portal.version("loan_list"), portal.version("loan_list", 1)
    releases = portal.library.releases
    kept = portal.library.root / "var" / "portal" / "changes" / "library" / "loan_list" / f"{old}..{new}.json"
    deadline = time.monotonic() + 30
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert kept.exists(), "the newest version is compared before anybody asks"
    known = json.loads(kept.read_text())
    assert (known["added"], known["removed"], known["rows_after"]) == (
        1,
        0,
        portal.sql("SELECT count(*) FROM {loan_list}")[0][0],
    )

    workspace = portal.library.workspace
    want_changes(workspace, releases.find("library", "loan_list", old), releases.find("library", "loan_list", new))
    assert [(a.version, b.version) for a, b in wanted_changes(workspace)] == [(old, new)]
    kept.unlink()
    deadline = time.monotonic() + 30
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert kept.exists() and not list(wanted_changes(workspace)), (
        "what somebody asked for is compared in the background"
    )
