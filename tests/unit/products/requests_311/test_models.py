"""The models: their own unit tests, and time to close against a textbook reference in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest

from civicops.contracts import Contract
from civicops.transform import build, run_unit_tests
from tests.unit.products.requests_311.conftest import PRODUCT

SERIES = 150
END = datetime(2025, 6, 1, tzinfo=UTC)


def test_rows_in_rows_out(tmp_path: Path, contracts: dict[str, Contract]) -> None:
    lookups = {path.stem: path for path in (PRODUCT / "lookups").glob("*.csv")}
    results = run_unit_tests(
        "requests_311", PRODUCT / "models", tmp_path, lookups=lookups, contracts=list(contracts.values())
    )
    assert [(r.model, r.name, r.message) for r in results if r.status != "pass"] == []
    published = {name for name, contract in contracts.items() if contract.layer == "published"}
    assert published <= {result.model for result in results}, "every published model has a unit test"


def kaplan_meier(times: list[tuple[int, bool]], share: Fraction) -> int | None:
    """The first time at which at most `share` are still waiting: product-limit estimate (Kaplan and Meier 1958, eq. 2b).

    `times` are (seconds, whether closed then); who ends at t is still waiting at t.
    """
    waiting, still = len(times), Fraction(1)
    for moment in sorted({seconds for seconds, _ in times}):
        here = [closed for seconds, closed in times if seconds == moment]
        still *= 1 - Fraction(sum(here), waiting)
        if sum(here) and still <= share:
            return moment
        waiting -= len(here)
    return None


def drawn_requests() -> Iterator[tuple[str, str, datetime, datetime | None, str]]:
    """Random waits with many ties and much censoring; one type per series, two councils, one month."""
    rng = np.random.default_rng(311)
    for series in range(SERIES):
        for _ in range(int(rng.integers(1, 40))):
            created = datetime(2025, 5, 2, tzinfo=UTC) + timedelta(hours=int(rng.integers(0, 600)))
            fate = str(rng.choice(["closed", "open", "cancelled"], p=[0.55, 0.35, 0.1]))
            closed = None if fate == "open" else created + timedelta(hours=int(rng.integers(1, 12)))
            yield f"type{series}", str(rng.integers(1, 3)), created, closed, fate


def test_time_to_close_equals_the_textbook(tmp_path: Path) -> None:
    rows = list(drawn_requests())
    file = tmp_path / "requests.parquet"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            "CREATE TABLE r (kind VARCHAR, council VARCHAR, created TIMESTAMPTZ, closed TIMESTAMPTZ, fate VARCHAR)"
        )
        con.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?)", rows)
        con.execute(
            f"COPY (SELECT 's' AS source_dataset, kind AS request_type_code, council AS council_code, created AS created_at, "
            f"created::DATE AS created_on, TIMESTAMPTZ '{END.isoformat()}' AS updated_at, closed AS closed_at, fate = 'open' AS "
            f"is_open, fate = 'closed' AS is_closed, TRUE AS is_resident_demand, CASE WHEN fate = 'closed' THEN 1.0 END AS "
            f"hours_to_close FROM r) TO '{file}' (FORMAT parquet)"
        )
    models = tmp_path / "models"
    models.mkdir()
    (models / "requests.sql").write_text("select * from {{ source('accepted', 'rows') }}", encoding="utf-8")
    (models / "time_to_close.sql").write_text(
        (PRODUCT / "models" / "time_to_close.sql").read_text(encoding="utf-8"), encoding="utf-8"
    )
    warehouse = tmp_path / "var" / "t.duckdb"
    build("textbook", models, warehouse, accepted={"rows": [file]}, lookups={})
    expected: dict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
    for kind, council, created, closed, fate in rows:
        wait = int(((closed or END) - created).total_seconds())
        for where in (council, "all"):
            expected[kind, where].append((wait, fate == "closed"))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute(
            "SELECT request_type_code, council_code, request_count, p25_hours, median_hours, p75_hours, p90_hours FROM time_to_close"
        ).fetchall()
    assert {(kind, where) for kind, where, *_ in found} == set(expected)
    shares = (Fraction(3, 4), Fraction(1, 2), Fraction(1, 4), Fraction(1, 10))
    reached = 0
    for kind, where, count, *quantiles in found:
        times = expected[kind, where]
        assert count == len(times)
        for share, hours in zip(shares, quantiles, strict=True):
            seconds = kaplan_meier(times, share)
            reached += seconds is not None
            assert hours == pytest.approx(None if seconds is None else seconds / 3600), (kind, where, share)
    assert 0 < reached < 4 * len(found), "some quantiles are reached, some are not"


def test_the_reference_by_hand() -> None:
    """Six waits: closed after 1, 2, 2, 8, cancelled after 3, still open after 4: shares 5/6, 1/2, 0."""
    times = [(1, True), (2, True), (2, True), (8, True), (3, False), (4, False)]
    assert [kaplan_meier(times, Fraction(1, n)) for n in (2, 4)] == [2, 8]
    assert kaplan_meier([(1, False), (2, False)], Fraction(1, 2)) is None
