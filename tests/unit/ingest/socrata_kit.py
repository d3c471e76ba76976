"""What the tests of the Socrata connector share: fetching with little patience, and looking at what came."""

from __future__ import annotations

from typing import Any

from civicops.ingest.fetch import fetch
from civicops.ingest.landing import Landing
from civicops.ingest.values import Delivery, FetchResult, SocrataSource
from tests.unit.ingest.conftest import PRODUCT, QUICK, Rows, make_contract

CASE_FIELDS = make_contract({"key": ["casenumber"], "status": ["status"], "address": ["locator_gis_returned_address"]})


def get(source: SocrataSource, landing: Landing, **how: Any) -> FetchResult:
    return fetch(source, landing, PRODUCT, patience=QUICK, **how)


def keys(landing: Landing, source: str = "cases") -> list[str]:
    """Keys of all rows that landed, as the reader gives them."""
    found = Rows(landing, CASE_FIELDS, source)
    found.assert_conserved()
    return [row["casenumber"] for row in found.rows]


def checks(delivery: Delivery | None) -> list[tuple[str, str]]:
    assert delivery is not None
    return [(finding.check_id, finding.severity) for finding in delivery.findings]
