"""Exports hold exactly what is filtered: read again and compared with SQL on the release.

Belongs here: files that the page gives away. Does not belong here: counts on the page (`test_map_filters.py`).
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Chosen, Site, show

pytestmark = pytest.mark.xdist_group("requests_311")
CHOSEN = Chosen(
    {"type": ["graffiti", "bulky_items", "homeless_encampment"], "source": ["resident"]}, "2018-03-15", "2025-02-10"
)


def download(page: Page, form: str, folder: Path) -> Path:
    page.get_by_role("button", name="Download").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(form).check()
    with page.expect_download() as given:
        dialog.get_by_role("button", name="Download").click()
    path = folder / given.value.suggested_filename
    given.value.save_as(path)
    return path


def test_csv(page: Page, site: Site, tmp_path: Path) -> None:
    show(page, site, CHOSEN.link)
    path = download(page, "CSV", tmp_path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["request_id"] for row in rows) == site.ids(CHOSEN)
    assert rows
    expected = site.base.city.query(
        "SELECT request_id, strftime(created_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ'), created_on::VARCHAR, address, longitude FROM {requests} "
        f"WHERE {CHOSEN.where()}"
    )
    found = {row["request_id"]: row for row in rows}
    for request_id, created_at, created_on, address, longitude in expected:
        row = found[request_id]
        assert (row["created_at"], row["created_on"], row["address"]) == (created_at, created_on, address or "")
        assert (float(row["longitude"]) if row["longitude"] else None) == longitude


def test_geojson(page: Page, site: Site, tmp_path: Path) -> None:
    show(page, site, CHOSEN.link)
    found: dict[str, Any] = json.loads(download(page, "GeoJSON", tmp_path).read_text(encoding="utf-8"))
    features = {feature["properties"]["request_id"]: feature["geometry"] for feature in found["features"]}
    assert sorted(features) == site.ids(CHOSEN)
    for request_id, longitude, latitude in site.base.city.query(
        f"SELECT request_id, longitude, latitude FROM {{requests}} WHERE {CHOSEN.where()}"
    ):
        geometry = features[request_id]
        assert (geometry["coordinates"] if geometry else None) == (
            [longitude, latitude] if longitude is not None else None
        )


def test_parquet(page: Page, site: Site, tmp_path: Path) -> None:
    show(page, site, CHOSEN.link)
    table = pq.read_table(download(page, "Parquet", tmp_path))
    columns = [name for name in table.column_names if name != "flags"]
    rows = site.base.city.query(f"SELECT {', '.join(columns)} FROM {{requests}} WHERE {CHOSEN.where()}")
    assert len(rows) == table.num_rows > 0
    place = columns.index("request_id")
    expected = {row[place]: dict(zip(columns, row, strict=True)) for row in rows}
    for row in table.to_pylist():
        for name, value in expected[row["request_id"]].items():
            pair = (value, row[name])
            if hasattr(value, "timestamp"):
                pair = (value.timestamp(), row[name].timestamp())
            assert pair[0] == pair[1], (row["request_id"], name)


def test_nothing_chosen_is_said_and_not_saved(page: Page, site: Site) -> None:
    show(page, site, "#type=water_waste&department=animal_services")
    page.get_by_role("button", name="Download").first.click()
    assert page.get_by_role("dialog").get_by_role("button", name="Download").is_disabled()
    assert "nothing to download" in page.get_by_role("dialog").inner_text()


def test_a_chart_is_saved_as_a_picture(page: Page, site: Site, tmp_path: Path) -> None:
    show(page, site, "#tab=charts")
    with page.expect_download() as given:
        page.get_by_role("button", name="Save as picture").first.click()
    assert given.value.suggested_filename == "requests-by-month.png"
    given.value.save_as(tmp_path / "chart.png")
    content = (tmp_path / "chart.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 5_000


def test_the_embed_code_shows_the_same(page: Page, site: Site) -> None:
    show(page, site, "#type=graffiti")
    expected = page.locator(".total").get_attribute("data-total")
    page.get_by_role("button", name="Share").click()
    code = page.get_by_label("For your own web page").input_value()
    address = code.split('src="')[1].split('"')[0].replace("&amp;", "&")
    assert "?embed#" in address
    page.goto(address)
    page.wait_for_selector('.m311.is-embedded .total[data-complete="yes"]')
    assert page.locator(".total").get_attribute("data-total") == expected
    assert page.get_by_role("button", name="Download").count() == 0
