"""The map's files from the real samples: counts as in SQL, places within a meter and a half, outlines small and true.

Belongs here: what only real outlines, addresses and waits can show. Does not belong here: what the made-up city shows as well
(`tests/flow/test_requests_311_map.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import shapely

from products.requests_311.pages.map_files import build
from products.requests_311.pages.map_files.waits import EDGES_HOURS, binned_quantile
from tests.data.test_requests_311_real import SAMPLES, YEARS, Ran
from tests.map_files import MapFiles, meters

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real samples in {SAMPLES}"),
    pytest.mark.xdist_group("requests_311_real"),
]


class Drawn:
    """The releases of three samples, and the map's files of them."""

    def __init__(self, root: Path) -> None:
        self.ran = Ran(root, YEARS)
        build(self.ran.releases.snapshot("requests_311"), root / "files")
        self.files = MapFiles(root / "files")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("real"))


def test_counts_are_those_of_sql(drawn: Drawn) -> None:
    found: Counter[tuple[str, ...]] = Counter()
    for month, codes, count in drawn.files.cells():
        found[month, *codes] += count
    expected = drawn.ran.query(
        "SELECT strftime(created_on, '%Y-%m'), request_type_code, department_code, CASE WHEN is_resident_demand THEN 'resident' WHEN "
        "is_crew_logged THEN 'crew' WHEN is_information_only THEN 'information' ELSE 'other' END, council_code, CASE WHEN longitude IS NULL "
        "THEN 'unknown' ELSE COALESCE(district_code, 'none') END, status_code, count(*) FROM {requests} GROUP BY ALL"
    )
    assert dict(found) == {tuple(row[:-1]): row[-1] for row in expected}
    assert sum(found.values()) == 29_999 and len(found) > 3_000
    first, last = date(2017, 12, 30), date(2018, 1, 2)
    ((days,),) = drawn.ran.query(
        f"SELECT count(*) FROM {{requests}} WHERE created_on BETWEEN '{first}' AND '{last}' AND is_crew_logged"
    )
    assert drawn.files.count(first, last, lambda codes: codes[2] == "crew") == days > 100


def test_points_are_where_the_release_has_them(drawn: Drawn) -> None:
    farthest, count = 0.0, 0
    for month in drawn.files.manifest["months"]:
        details = pq.read_table(
            drawn.files.folder / month["details_file"],
            columns=["longitude", "latitude", "created_on", "is_sensitive", "address"],
        ).to_pylist()
        for row, said in zip(drawn.files.rows(month)[: month["with_point"]], details, strict=False):
            farthest = max(farthest, meters(drawn.files.place(row[0], row[1]), (said["longitude"], said["latitude"])))
            assert date(1970, 1, 1) + timedelta(days=month["first_day"] + row[2]) == said["created_on"]
            assert not said["is_sensitive"] or said["address"] is None
            count += 1
    assert count == 8_246 + 8_898 + 9_989
    assert farthest < 1.5


@pytest.mark.parametrize(("layer", "released"), [("councils", "council"), ("districts", "district")])
def test_outlines_are_true_within_thirty_meters(drawn: Drawn, layer: str, released: str) -> None:
    rows = drawn.ran.query(f"SELECT area_code, geometry FROM {{areas}} WHERE layer = '{released}' AND is_newest")
    found = drawn.files.outlines(layer)
    assert set(found) == {code for code, _ in rows} and len(found) == {"councils": 99, "districts": 15}[layer]
    shapes = {
        code: (shapely.from_geojson(text), shapely.make_valid(shapely.from_geojson(json.dumps(found[code]))))
        for code, text in rows
    }
    for true, small in shapes.values():
        assert shapely.hausdorff_distance(true, small) * 111_320 < 35
        assert true.symmetric_difference(small).area < 0.02 * true.area
    if layer == "councils":
        # Councils that overlap by more than a strip still do; those that do not, do not.
        codes = sorted(shapes)
        big = [(a, b) for a in codes for b in codes if a < b and shapes[a][0].intersection(shapes[b][0]).area > 1e-6]
        kept = [(a, b) for a in codes for b in codes if a < b and shapes[a][1].intersection(shapes[b][1]).area > 1e-6]
        assert len(big) > 3 and len(set(big) ^ set(kept)) <= 0.1 * len(big), set(big) ^ set(kept)


def test_outlines_are_small_enough_to_be_the_first_thing_seen(drawn: Drawn) -> None:
    assert (drawn.files.folder / drawn.files.manifest["boundaries_file"]).stat().st_size < 175_000


def test_real_addresses_are_found(drawn: Drawn) -> None:
    rows = drawn.ran.query(
        "SELECT address, zip_code, count(*), min(longitude), max(longitude), any_value(latitude) FROM {requests} WHERE NOT is_sensitive AND "
        "trim(address) <> '' AND longitude IS NOT NULL GROUP BY ALL ORDER BY address"
    )
    missing = [
        address
        for address, zip_code, *_ in rows[::40]
        if not drawn.files.find(f"{address.split(',')[0]} {zip_code or ''}")
    ]
    assert not missing, missing[:5]
    assert len(rows) > 15_000 and drawn.files.manifest["addresses"]["count"] > 15_000
    sizes = [shard["bytes"] for shard in drawn.files.index["shards"]]
    assert max(sizes) < 40_000


def test_binned_medians_of_real_waits(drawn: Drawn) -> None:
    """Every type in the whole city in a month, twenty requests and more."""
    waits = drawn.files.waits()
    rows = drawn.ran.query(
        "SELECT request_type_code, CAST(created_month AS VARCHAR), median_hours FROM {time_to_close} WHERE council_code = 'all' AND "
        "request_count - unknown_count >= 20"
    )
    far = []
    for kind, month, exact in rows:
        closed, censored = ([counts[n] for n in range(len(EDGES_HOURS) + 1)] for counts in waits[kind, "all", month])
        estimate = binned_quantile(closed, censored, 0.5)
        if exact is None or estimate is None:
            far += [] if exact is estimate else [(kind, month, exact, estimate)]
        elif not 2**-0.27 < estimate / exact < 2**0.27:
            far.append((kind, month, exact, estimate))
    assert len(rows) > 15 and not far, far
