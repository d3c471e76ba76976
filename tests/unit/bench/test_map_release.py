"""The made-up release of the map's benchmark, in small: whole, like itself, and drawn as it is.

Belongs here: that the benchmark measures what it says. Does not belong here: how fast.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.map_release import PRODUCT, build_files, make_release
from civicops.release.store import ReleaseStore
from tests.map_files import MapFiles

ROWS = 4_000


def test_a_small_release_is_like_the_large_one(tmp_path: Path) -> None:
    store = ReleaseStore(make_release(tmp_path, ROWS, 2_000))
    release = store.find(PRODUCT, "requests")
    assert release.is_complete()
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW r AS FROM '{release.data}'")
        facts = con.execute(
            "SELECT count(*), count(DISTINCT request_id), count(DISTINCT created_on) > 2000, count(DISTINCT request_type_code), "
            "count(*) FILTER (era = 'cases') > 200, bool_and(closed_at >= created_at OR closed_at IS NULL), "
            "count(*) FILTER (is_sensitive AND address IS NOT NULL), bool_and(hours_to_close > 0 OR hours_to_close IS NULL) FROM r"
        ).fetchone()
        shares = con.execute(
            "SELECT avg(is_closed::INT), avg((longitude IS NULL)::INT), avg((council_code = 'none')::INT), avg(is_resident_demand::INT) FROM r"
        ).fetchone()
        ordered = con.execute("SELECT list(request_id) = list(request_id ORDER BY created_at) FROM r").fetchone()
    assert facts == (ROWS, ROWS, True, 22, True, True, 0, True)
    assert shares is not None and ordered == (True,)
    closed, pointless, outside, residents = shares
    assert 0.85 < closed < 0.95 and 0.02 < pointless < 0.08 and 0.002 < outside < 0.05 and 0.6 < residents < 0.9
    build_files(store.root, tmp_path / "files")
    files = MapFiles(tmp_path / "files")
    assert sum(count for *_, count in files.cells()) == ROWS
    assert len(files.outlines("councils")) == 99 and len(files.outlines("districts")) == 15
