"""Made-up releases of the food listings with the product's own contracts, for tests of what is made from releases.

Belongs here: places that hold everything a listing can hold, and private contacts that must appear nowhere. Does not belong here:
assertions, the pipeline.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import shapely

from civicops.contracts import Contract, load_contracts
from civicops.release.publish import publish, stage
from civicops.release.store import ReleaseStore
from civicops.release.values import Provenance, Release
from products.food_listings.hours import Schedule, Times, monthly, to_rows, weekly
from tests.unit.products.food_listings.hours_telling import LA, TELLING

ROOT = Path(__file__).parents[1]
MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)
"""When the releases are made."""
CANARIES = ("Private Canary Name", "+1 555 0199 000", "canary.private@example.org", "canary notes of a volunteer")
TYPES = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DOUBLE": pa.float64(),
         "DATE": pa.date32(), "TIME": pa.time64("us"), "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
         "TIMESTAMPTZ": pa.timestamp("us", "UTC"), "VARCHAR[]": pa.list_(pa.string())}  # fmt: skip
FIELDS = ("name", "categories", "address", "phone", "email", "hours", "food_types", "status")
SQUARES = {"10": ("Harbor Hill", (-118.32, 34.0, -118.26, 34.06)), "20": ("Peña Park", (-118.26, 34.0, -118.2, 34.06))}
_FIRST = ("Juniper", "Harbor", "Maple", "Sparrow", "Lantern", "Cedar", "Willow", "Meadow", "Bluebird", "Orchard")
_LAST = ("Pantry", "Kitchen", "Table", "Food Room", "Community Meals", "Harvest", "Share")
_STREETS = ("Alder St", "Birch Ave", "Clover Rd", "Dogwood Blvd", "Elm Pl")
ROW: dict[str, Any] = {
    "version_number": 1, "category_codes": ["food_pantry"], "tag_names": [], "city": "Los Angeles", "state_province": "CA",
    "postal_code": "90012", "country_code": "US", "point_quality_code": "confirmed", "other_phone_numbers": [],
    "language_names": ["English"], "status_code": "active", "is_verified": True, "freshness_code": "fresh", "confirmed_share": 1.0,
    "is_reverification_open": False, "has_produce": True, "has_dry_goods": True,
}  # fmt: skip


def listing(number: int, name: str, longitude: float | None, latitude: float | None, **values: Any) -> dict[str, Any]:
    """One row of `listings`, confirmed two weeks before the releases unless said otherwise."""
    confirmed = MOMENT - timedelta(days=14)
    place = {"listing_id": f"made:{number}", "name": name, "address_1": f"{100 + number} {_STREETS[number % 5]}",
             "longitude": longitude, "latitude": latitude, "phone_number": f"(213) 555-{number % 10000:04d}",
             "approved_at": confirmed, "last_confirmed_at": confirmed}  # fmt: skip
    return ROW | place | values


def confirmed(listing_id: str, **states: tuple[str, int | None, str | None]) -> list[dict[str, Any]]:
    """Rows of `listing_fields`: state, days since it was confirmed, how. Fields not named were confirmed by phone 14 days ago."""
    rows = []
    for code in FIELDS:
        state, days, evidence = states.get(code, ("confirmed", 14, "called"))
        moment = None if days is None else MOMENT - timedelta(days=days)
        rows.append({"listing_id": listing_id, "field_code": code, "state_code": state, "value_text": "as shown", "confirmed_at": moment,
                     "role_code": "data_entry" if moment else None, "evidence_code": evidence,
                     "is_stale": days is None or days > 183, "is_critical": True})  # fmt: skip
    return rows


NAMED: tuple[tuple[dict[str, Any], Schedule | None, list[dict[str, Any]]], ...] = (
    (listing(1, "Juniper Street Pantry", -118.30, 34.02, organization_name="Juniper Neighbors", is_walkin=True, email="hello@example.org",
             url="https://juniper.example.org/", language_names=["English", "Spanish"], eligibility_description="Bring a bag. ID is not needed.",
             phone_extension="12", other_phone_numbers=["(213) 555-7001"], description="Groceries for everybody.",
             facebook_url="https://facebook.example.org/juniper", accessibility="Ramp at the side door."),
     Schedule(LA, (weekly("MO,TU,WE,TH,FR", 540, 1020),), TELLING["holidays"].exceptions, TELLING["holidays"].holidays), confirmed("made:1")),
    (listing(2, "Peña Kitchen", -118.23, 34.03, category_codes=["meal_program"], has_prepared=True, postal_code="90021",
             language_names=["Spanish"], eligibility_description=None, is_walkin=False, is_by_appointment=True),
     TELLING["by appointment"], confirmed("made:2", email=("confirmed_none", 20, "called"), food_types=("unknown", None, None))),
    (listing(3, "Saturday Table", -118.25, 34.05, is_walkin=True, language_names=["English", "Korean"]),
     Schedule(LA, (monthly("2SA,4SA", 600, 720),)), confirmed("made:3")),
    (listing(4, "Night Kitchen", -118.24, 34.01, category_codes=["meal_program", "shelter"]), TELLING["over midnight"],
     confirmed("made:4", hours=("confirmed", 400, "website"))),
    (listing(5, "Resting Pantry", -118.28, 34.04, status_code="temporarily_closed", closure_notes="The roof is being mended until June."),
     TELLING["around the clock"], confirmed("made:5")),
    (listing(6, "Gone Pantry", -118.29, 34.05, status_code="closed", closure_notes="Closed for good in 2025."), None, confirmed("made:6")),
    (listing(7, "Quiet Pantry", -118.21, 34.04, version_number=0, is_verified=False, approved_at=None, last_confirmed_at=None,
             freshness_code="never", confirmed_share=0.0, hours_text="Hours vary, call first", point_quality_code="geocoded"),
     None, confirmed("made:7", **dict.fromkeys(FIELDS, ("unconfirmed", None, None)))),
    (listing(8, "Half Read Pantry", -118.22, 34.02, hours_text="Monday 9-noon and some evenings"), TELLING["weekdays"], confirmed("made:8")),
    (listing(9, "No Hours Kitchen", -118.27, 34.03, freshness_code="stale", last_confirmed_at=MOMENT - timedelta(days=500)), None,
     confirmed("made:9", hours=("confirmed_none", 500, "called"), phone=("unconfirmed", None, None))),
    (listing(10, "Somewhere Pantry", None, None, address_1=None, postal_code=None, point_quality_code="none", freshness_code="aging",
             is_reverification_open=True, last_confirmed_at=MOMENT - timedelta(days=250)), TELLING["every other Wednesday"], confirmed("made:10")),
    (listing(11, "=2+5+cmd|' /C calc'!A0", -118.31, 34.01, category_codes=["community_garden"], notes="<script>alert('x')</script> & more"),
     TELLING["summer"], confirmed("made:11")),
    (listing(12, "Round the Clock Fridge", -118.26, 34.02, is_walkin=True), TELLING["around the clock"], confirmed("made:12")),
)  # fmt: skip
"""Places that each show one thing. Their moments count from `MOMENT`."""


def crowd(count: int) -> list[tuple[dict[str, Any], Schedule | None, list[dict[str, Any]]]]:
    """Many plain places, the same in every run."""
    chance = random.Random(11)
    kinds = (["food_pantry"], ["meal_program"], ["food_bank"], ["food_pantry", "meal_program"], ["farmers_market"])
    found = []
    for number in range(100, 100 + count):
        name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)} {number}"
        opens = chance.randrange(8, 15) * 60
        days = ",".join(chance.sample(("MO", "TU", "WE", "TH", "FR", "SA"), chance.randrange(1, 4)))
        schedule = (
            Schedule(LA, (weekly(days, opens, opens + chance.randrange(1, 5) * 60),)) if chance.random() < 0.9 else None
        )
        place = listing(
            number, name, round(-118.5 + chance.random() * 0.5, 5), round(33.9 + chance.random() * 0.35, 5), category_codes=chance.choice(kinds),
            postal_code=f"{90001 + chance.randrange(40)}", is_walkin=chance.choice((True, None, None)), city=chance.choice(("Los Angeles", "Inglewood")),
        )  # fmt: skip
        found.append((place, schedule, confirmed(place["listing_id"])))
    return found


def contracts() -> dict[str, Contract]:
    """The product's contracts, by dataset."""
    return {
        one.dataset: one
        for one in load_contracts(sorted((ROOT / "products" / "food_listings" / "contracts").glob("*.yaml")))
    }


def released(
    root: Path, places: Sequence[tuple[dict[str, Any], Schedule | None, list[dict[str, Any]]]] = NAMED
) -> Mapping[str, Release]:
    """Current releases of these places; private contacts stand in the restricted dataset beside them."""
    rows: dict[str, list[dict[str, Any]]] = {
        "listings": [place for place, _, _ in places],
        "listing_schedules": [],
        "listing_fields": [],
    }
    for place, schedule, fields in places:
        rows["listing_fields"] += fields
        rows["listing_schedules"] += [
            {"listing_id": place["listing_id"], **row} for row in (to_rows(schedule) if schedule else [])
        ]
    name, phone, email, notes = CANARIES
    rows["listing_contacts"] = [
        {"listing_id": place["listing_id"], "admin_contact_name": name, "admin_contact_phone": phone, "admin_contact_email": email,
         "donation_contact_name": name, "donation_contact_phone": phone, "donation_contact_email": email, "admin_notes": notes,
         "review_notes": notes, "donation_notes": notes, "email_all": [email]}
        for place, _, _ in places
    ]  # fmt: skip
    store = ReleaseStore(root)
    found = contracts()
    staged = []
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for dataset, given in rows.items():
            columns = found[dataset].columns
            table = pa.table({c.name: pa.array([row.get(c.name) for row in given], TYPES[c.sql_type]) for c in columns})
            con.register(f"t_{dataset}", table)
            sql = f"SELECT * FROM t_{dataset} ORDER BY ALL"
            staged.append(stage(con, contract=found[dataset], select_sql=sql, provenance=Provenance("r"), store=store))
    publish(staged, store=store, now=MOMENT)
    return store.snapshot("food_listings")


def areas(root: Path) -> Release:
    """A release of neighborhoods of another product, as `requests_311` publishes them."""
    folder = ROOT / "products" / "requests_311" / "contracts" / "areas.yaml"
    (contract,) = load_contracts([folder])
    rows = [{"layer": "council", "set_id": "now", "area_code": code, "area_name": name, "is_newest": True, "area_km2": 1.0,
             "geometry": json.dumps(json.loads(shapely.to_geojson(shapely.box(*box))))}
            for code, (name, box) in SQUARES.items()]  # fmt: skip
    store = ReleaseStore(root)
    with duckdb.connect() as con:
        con.register(
            "t",
            pa.table(
                {c.name: pa.array([row.get(c.name) for row in rows], TYPES[c.sql_type]) for c in contract.columns}
            ),
        )
        one = stage(con, contract=contract, select_sql="SELECT * FROM t", provenance=Provenance("r"), store=store)
    publish([one], store=store, now=MOMENT)
    return store.snapshot("requests_311")["areas"]


__all__ = ["CANARIES", "MOMENT", "NAMED", "Times", "areas", "contracts", "crowd", "listing", "released"]
