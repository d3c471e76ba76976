"""Every row check of the source contracts, each with a row that breaks it, by the checks that really run.

A sound row breaks nothing; each case changes a few of its fields. What is not covered here is named by the last test.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from civicops.checks.compile import compile_checks
from civicops.contracts import Contract
from civicops.contracts.checktypes import Allowed
from tests.unit.products.requests_311.conftest import PRODUCT

Lookups = dict[str, list[dict[str, str]]]

LEGACY = {
    "srnumber": "1-1523590121", "createddate": "01/02/2020 12:05:00 AM", "updateddate": "01/03/2020 08:43:00 AM",
    "closeddate": "01/03/2020 08:43:00 AM", "servicedate": "01/03/2020 12:00:00 AM", "requesttype": "Bulky Items",
    "status": "Closed", "requestsource": "Call", "owner": "BOS", "mobileos": "iOS", "anonymous": "N", "assignto": "WV",
    "addressverified": "Y", "approximateaddress": "N", "address": "100 W MADE UP ST, 91406", "zipcode": "91406",
    "latitude": "34.19", "longitude": "-118.49", "apc": "South Valley APC", "cd": "6", "nc": "19", "ncname": "LAKE BALBOA NC",
}  # fmt: skip
CASES = {
    "casenumber": "06000001", "createddate": "2026-01-02T10:00:00.000", "systemmodstamp": "2026-01-03T10:00:00.000",
    "closeddate": "2026-01-03T10:00:00.000", "service_date__c": "2026-01-03T00:00:00.000", "type": "Item Pickups",
    "status": "Closed", "origin": "Call", "department_name__c": "LASAN", "reported_anonymously__c": "false",
    "locator_gis_returned_address": "100 W MADE UP ST, 91406", "zipcode__c": "91406", "geolocation__latitude__s": "34.19",
    "geolocation__longitude__s": "-118.49", "locator_sr_area_planning": "South Valley APC", "locator_council_district": "6",
    "locator_sr_neigborhood_council": "19", "resolution_code__c": "AR-Request Completed",
}  # fmt: skip

NAMES = {  # field of the old system -> field of the new one, for the rules that both have
    "srnumber": "casenumber", "updateddate": "systemmodstamp", "servicedate": "service_date__c", "requesttype": "type",
    "requestsource": "origin", "owner": "department_name__c", "anonymous": "reported_anonymously__c",
    "address": "locator_gis_returned_address", "zipcode": "zipcode__c", "latitude": "geolocation__latitude__s",
    "longitude": "geolocation__longitude__s", "apc": "locator_sr_area_planning", "cd": "locator_council_district",
    "nc": "locator_sr_neigborhood_council",
}  # fmt: skip

# check id, changed fields of the old system, columns that are null afterwards (None: the row is held back)
BOTH: list[tuple[str, dict[str, str | None], tuple[str, ...] | None]] = [
    ("created_at_required", {"createddate": None}, None),
    ("created_at_parses", {"createddate": "yesterday"}, None),
    ("created_at_plausible", {"createddate": "01/01/1900 12:00:00 AM"}, None),
    ("created_at_plausible", {"createddate": "01/01/2107 12:00:00 AM"}, None),
    ("created_at_one_moment", {"createddate": "03/08/2026 02:30:00 AM", "closeddate": None, "updateddate": None}, ()),
    ("created_at_one_moment", {"createddate": "11/01/2026 01:30:00 AM", "closeddate": None, "updateddate": None}, ()),
    ("columns_in_place", {"address": "34.0676390557"}, None),
    ("updated_at_readable", {"updateddate": "soon"}, ("updated_at",)),
    ("updated_at_plausible", {"updateddate": "06/11/3020 12:00:00 AM"}, ("updated_at",)),
    ("updated_after_created", {"updateddate": "06/11/2025 12:00:00 AM"}, ()),
    ("closed_at_readable", {"closeddate": "N/A"}, ("closed_at",)),
    ("closed_at_plausible", {"closeddate": "06/11/3020 12:00:00 AM"}, ("closed_at",)),
    ("closed_at_plausible", {"closeddate": "01/01/1900 12:00:00 AM"}, ("closed_at",)),
    ("closed_after_created", {"closeddate": "12/31/2025 11:59:59 PM"}, ("closed_at",)),
    ("closed_at_one_moment", {"closeddate": "03/08/2026 02:10:00 AM"}, ()),
    ("closed_with_closed_date", {"closeddate": None}, ("closed_at",)),
    ("service_at_readable", {"servicedate": "Tuesday"}, ("service_at",)),
    ("service_at_plausible", {"servicedate": "02/03/2107 12:00:00 AM"}, ("service_at",)),
    ("request_type_present", {"requesttype": " "}, ("request_type",)),
    ("request_type_known", {"requesttype": "Drone Noise"}, ()),
    ("status_present", {"status": None}, ("status",)),
    ("status_known", {"status": "Merged"}, ()),
    ("request_source_known", {"requestsource": "Chatbot"}, ()),
    ("owner_known", {"owner": "Jordan Example"}, ()),
    ("is_anonymous_readable", {"anonymous": "maybe"}, ("is_anonymous",)),
    ("address_length", {"address": "X" * 121}, ()),
    ("address_without_zip", {"address": "100 W MADE UP AVE, 0"}, ()),
    ("formula_in_address", {"address": "=HYPERLINK(A1), 91406"}, ("address",)),
    ("zip_code_form", {"zipcode": "0"}, ("zip_code",)),
    ("latitude_readable", {"latitude": "north"}, ("latitude", "longitude")),
    ("longitude_readable", {"longitude": "west"}, ("latitude", "longitude")),
    ("coordinates_paired", {"latitude": None}, ("latitude", "longitude")),
    ("coordinates_inside_city", {"latitude": "0", "longitude": "0"}, ("latitude", "longitude")),
    ("coordinates_inside_city", {"latitude": "-118.49", "longitude": "34.19"}, ("latitude", "longitude")),
    ("planning_area_form", {"apc": "91406"}, ()),
    ("source_district_readable", {"cd": "six"}, ("source_district_code",)),
    ("source_district_possible", {"cd": "16"}, ("source_district_code",)),
    ("source_council_readable", {"nc": "n/a"}, ("source_council_code",)),
    ("source_council_possible", {"nc": "900"}, ("source_council_code",)),
]
ONLY_LEGACY: list[tuple[str, dict[str, str | None], tuple[str, ...] | None]] = [
    ("sr_number_required", {"srnumber": None}, None),
    ("sr_number_form", {"srnumber": "SR 17"}, ()),
    ("open_without_closed_date", {"status": "Pending"}, ("closed_at",)),
    ("service_after_created", {"servicedate": "12/20/2019 12:00:00 AM"}, ()),
    ("service_before_closed", {"servicedate": "01/09/2020 12:00:00 AM"}, ()),
    ("mobile_os_known", {"mobileos": "N"}, ()),
    ("address_verified_known", {"addressverified": "Q"}, ()),
    ("is_address_approximate_readable", {"approximateaddress": "Q"}, ("is_address_approximate",)),
    ("council_zero_with_name", {"nc": "0"}, ()),
    ("source_district_possible", {"cd": "0"}, ("source_district_code",)),
]
ONLY_CASES: list[tuple[str, dict[str, str | None], tuple[str, ...] | None]] = [
    ("case_number_required", {"casenumber": None}, None),
    ("case_number_form", {"casenumber": "C-17"}, ()),
    ("open_without_closed_date", {"status": "Workorder Created"}, ("closed_at",)),
    ("reported_with_closed_date", {"status": "Reported", "closeddate": None}, ("closed_at",)),
    ("information_closed_at_once", {"type": "Information-Only", "closeddate": "2026-01-09T10:00:00.000"}, ()),
    ("no_test_department", {"department_name__c": "TEST XX"}, ()),
]


def run(contract: Contract, row: dict[str, str | None], lookups: Lookups) -> tuple[dict[str, Any] | None, list[str]]:
    """The accepted row (None: held back) and the ids of the checks it broke."""
    values = {
        (s.lookup, s.lookup_column): tuple(r[s.lookup_column] for r in lookups[s.lookup] if r[s.lookup_column])
        for s in (check.spec for check in contract.row_checks)
        if isinstance(s, Allowed) and s.lookup and s.lookup_column
    }
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        fields = ", ".join(f'"{name}" VARCHAR' for name in row)
        con.execute(f"CREATE TABLE raw ({fields}, _source VARCHAR, _object VARCHAR, _delivery BIGINT)")
        con.execute(f"INSERT INTO raw VALUES ({', '.join('?' * len(row))}, 's', 'o', 1)", list(row.values()))
        compiled = compile_checks(contract, "SELECT * FROM raw", list(row), values)
        held = con.execute(compiled.quarantined()).fetchall()
        if held:
            assert json.loads(held[0][0])["status"] == row["status"], "the raw values stay with the row"
            return None, list(held[0][-1])
        table = con.execute(compiled.accepted())
        names = [column[0] for column in table.description or ()]
        accepted = dict(zip(names, table.fetchall()[0], strict=True))
        return accepted, list(accepted["_flags"])


def in_cases(fields: dict[str, str | None]) -> dict[str, str | None]:
    return {NAMES.get(name, name): value for name, value in fields.items()}


def cases() -> list[Any]:
    """Dates of the shared cases are written for 2026; the old system's row is moved there by its own dates."""
    moved = {"createddate": "01/02/2026 10:00:00 AM", "updateddate": "01/03/2026 10:00:00 AM", "closeddate": "01/03/2026 10:00:00 AM",
             "servicedate": "01/03/2026 12:00:00 AM"}  # fmt: skip
    found = [pytest.param("legacy_requests", LEGACY | moved, *case, id=f"legacy-{case[0]}") for case in BOTH]
    found += [pytest.param("legacy_requests", LEGACY, *case, id=f"legacy-{case[0]}") for case in ONLY_LEGACY]
    found += [
        pytest.param("cases", CASES, check, in_cases(fields), nulls, id=f"cases-{check}")
        for check, fields, nulls in BOTH
        if check != "updated_after_created"
    ]
    found.append(
        pytest.param(
            "cases",
            CASES,
            "updated_after_created",
            {"systemmodstamp": "2026-01-01T10:00:00.000"},
            (),
            id="cases-updated",
        )
    )
    found += [pytest.param("cases", CASES, *case, id=f"cases-{case[0]}") for case in ONLY_CASES]
    return found


@pytest.mark.parametrize(("dataset", "sound"), [("legacy_requests", LEGACY), ("cases", CASES)])
def test_a_sound_row_breaks_nothing(
    dataset: str, sound: dict[str, str | None], contracts: dict[str, Contract], lookups: Lookups
) -> None:
    accepted, broken = run(contracts[dataset], sound, lookups)
    assert broken == []
    assert accepted is not None
    assert accepted["_blanked"] is None
    assert (accepted["longitude"], accepted["latitude"]) == (-118.49, 34.19)


@pytest.mark.parametrize(("dataset", "sound", "check", "fields", "nulls"), cases())
def test_each_rule(
    dataset: str, sound: dict[str, str | None], check: str, fields: dict[str, str | None], nulls: tuple[str, ...] | None,
    contracts: dict[str, Contract], lookups: Lookups,
) -> None:  # fmt: skip
    accepted, broken = run(contracts[dataset], sound | fields, lookups)
    assert check in broken
    if nulls is None:
        assert accepted is None
        return
    assert accepted is not None, f"held back by {broken}"
    assert {name for name in nulls if accepted[name] is not None} == set()
    blanked = set(json.loads(accepted["_blanked"] or "{}"))
    assert blanked <= set(nulls), "nothing else was taken away"


@pytest.mark.parametrize(
    "text",
    ["01/02/2020 12:05:00 AM", "2020-01-02T00:05:00.000", "2020-01-02 00:05:00", "1/2/20 0:05", "2020-01-02T00:05:00"],
)
def test_every_layout_writes_the_same_moment(text: str, contracts: dict[str, Contract], lookups: Lookups) -> None:
    accepted, broken = run(contracts["legacy_requests"], LEGACY | {"createddate": text}, lookups)
    assert broken == []
    assert accepted is not None
    assert accepted["created_at"].isoformat() == "2020-01-02T08:05:00+00:00", (
        "local midnight is eight in the morning in UTC"
    )


@pytest.mark.parametrize("dataset", ["legacy_requests", "cases"])
def test_no_rule_is_left_untested(dataset: str, contracts: dict[str, Contract]) -> None:
    tested = {param.values[2] for param in cases() if param.values[0] == dataset}
    assert {check.id for check in contracts[dataset].row_checks} - tested == set()


def test_the_product_lies_where_it_should() -> None:
    assert (PRODUCT / "product.yaml").is_file()
