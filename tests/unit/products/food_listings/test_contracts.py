"""The product's files against each other: the existing model is covered, private columns stay private, code and lookups agree."""

from __future__ import annotations

import csv
import re

import pyarrow as pa
import pytest
import yaml

from civicops.ingest.tables.fields import fields_of
from civicops.ingest.tables.layout import layouts_of, read_layout
from civicops.ingest.values import SourceError
from civicops.review.kinds import load_kinds
from civicops.workspace import Product
from products.food_listings.cleaning.lists import Lookups
from products.food_listings.reviews import EDITABLE
from products.food_listings.schemas import CONTENT, TABLES
from products.food_listings.workflow import COLUMNS_OF, CONFIRMING
from tests.unit.products.food_listings.conftest import FOLDER

EXISTING = [
    "id",
    "tenant_id",
    "name",
    "description",
    "parent_organization",
    "parent_organization_id",
    "agency_type",
    "fm_id",
    "tags",
    "address_1",
    "address_2",
    "city",
    "state",
    "zip",
    "latitude",
    "longitude",
    "neighborhood_id",
    "physical_access",
    "phone",
    "phone_ext",
    "email",
    "website",
    "facebook",
    "twitter",
    "pinterest",
    "linkedin",
    "instagram",
    "hours",
    "hours_notes",
    "allow_walkins",
    "category_ids",
    "category_notes",
    "items",
    "services",
    "requirements",
    "eligibility_notes",
    "food_types",
    "food_bakery",
    "food_dry_goods",
    "food_produce",
    "food_dairy",
    "food_prepared",
    "food_meat",
    "languages",
    "notes",
    "covid_notes",
    "inactive",
    "inactive_temporary",
    "donation_contact_name",
    "donation_contact_phone",
    "donation_contact_email",
    "donation_pickup",
    "donation_accept_frozen",
    "donation_accept_refrigerated",
    "donation_accept_perishable",
    "donation_schedule",
    "donation_delivery_instructions",
    "donation_notes",
    "verification_status_id",
    "v_name",
    "v_categories",
    "v_address",
    "v_phone",
    "v_email",
    "v_hours",
    "v_food_types",
    "complete_critical_percent",
    "admin_notes",
    "review_notes",
    "admin_contact_name",
    "admin_contact_phone",
    "admin_contact_email",
    "created_date",
    "created_login_id",
    "modified_date",
    "modified_login_id",
    "assigned_date",
    "assigned_login_id",
    "submitted_date",
    "submitted_login_id",
    "approved_date",
    "reviewed_login_id",
    "claimed_date",
    "claimed_login_id",
]
"""The columns of the existing project's table of listings, as its schema names them."""


def crosswalk() -> list[dict[str, str]]:
    with (FOLDER / "lookups" / "crosswalk.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_column_of_the_existing_model_has_a_place_and_the_place_exists(product: Product) -> None:
    rows = crosswalk()
    have = {row["existing_column"] for row in rows if row["existing_table"] == "stakeholder"}
    assert set(EXISTING) - have == set()
    for row in rows:
        if row["dataset"] != "review":
            assert row["column_name"] in product.contract(row["dataset"]).column_names, row


def test_private_columns_are_in_no_public_dataset(product: Product) -> None:
    private = {"person", "contact"}
    for contract in product.published:
        classes = {column.name: column.pii_class for column in contract.columns}
        if contract.access == "public":
            assert not {name for name, kind in classes.items() if kind in private}, contract.id
            assert not [
                name
                for name in classes
                if name.startswith(("admin_", "donation_contact", "review_notes")) or name.endswith("_by")
            ]
    assert {contract.dataset for contract in product.published if contract.access == "public"} == {
        "listings",
        "listing_schedules",
        "listing_fields",
        "listing_versions",
    }


def test_what_python_makes_is_what_is_published(product: Product) -> None:
    kinds = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "array": pa.list_(pa.string())}
    listings = {column.name: kinds.get(column.logical_type) for column in product.contract("listings").columns}
    assert {name: listings[name] for name in CONTENT} == dict(CONTENT)
    for made, dataset in (
        ("schedules", "listing_schedules"),
        ("findings", "findings"),
        ("fixes", "fixes"),
        ("fields", "listing_fields"),
    ):
        assert set(product.contract(dataset).column_names) <= set(TABLES[made].names), dataset
    for columns in COLUMNS_OF.values():
        assert set(columns) <= set(CONTENT)


def test_forms_offer_columns_of_the_contract_and_every_critical_field(product: Product, lookups: Lookups) -> None:
    kinds = {kind.name: kind for kind in load_kinds(product)}
    assert set(kinds) == {"verify", "duplicate", "status"}
    assert {field.name for field in kinds["verify"].fields} >= set(EDITABLE)
    assert {field.name for field in kinds["duplicate"].fields} == {"survivor_id", *EDITABLE}
    assert set(EDITABLE) == set(CONTENT) - {"country_code"}, "a decision carries the whole version"
    assert set(lookups.critical) == set(CONFIRMING)
    assert {column for name in lookups.critical for column in COLUMNS_OF[name]} <= set(EDITABLE)


def test_code_and_lookups_name_the_same_checks_and_rules(lookups: Lookups) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.py")))
    with (FOLDER / "lookups" / "fix_rules.csv").open(encoding="utf-8", newline="") as stream:
        rules = {row["rule_code"] for row in csv.DictReader(stream)}
    assert {name for name in rules if f'"{name}"' not in text} == set(), "a rule of the lookup that no code has"
    assert {name for name in lookups.checks if f'"{name}"' not in text} == set(), (
        "a check of the lookup that no code has"
    )
    # The last text in a call of fix() is its rule, the first one in a call of find() its check.
    assert set(re.findall(r'"(\w+)"\)\n', "".join(re.findall(r"notes\.fix\([^\n]*\)\n", text)))) <= rules
    assert set(re.findall(r'notes\.find\(\s*"(\w+)"', text)) <= set(lookups.checks)


def test_every_layout_can_be_read_and_a_wrong_one_is_named(product: Product) -> None:
    fields = list(fields_of(product.contract("source_listings")))
    assert {layout.code for layout in layouts_of(product.lookups, fields)} >= {
        "foodoasis",
        "larfb",
        "lapl",
        "open_la",
        "info_211",
        "plain",
    }
    with pytest.raises(SourceError, match="no layout 'larf'"):
        read_layout(product.lookups, "larf", fields)


def test_policies_and_weights_are_whole(lookups: Lookups) -> None:
    assert sum(lookups.weights.values()) == pytest.approx(1)
    assert lookups.policies["publish"] in ("approved", "listed")
    assert (
        int(lookups.policies["fresh_days"]) < int(lookups.policies["aging_days"]) < int(lookups.policies["expire_days"])
    )
    for path in (FOLDER / "reviews").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["contract"].endswith("_answers")


def test_contacts_are_declared_where_they_are_answered_as_where_they_are_published(product: Product) -> None:
    """The scan for undeclared personal data must find what nobody meant, and not each phone that a volunteer confirmed."""
    names = ("phone_number", "other_phone_numbers", "email")
    expected = {
        dataset: {c.name: c.expected_personal.kinds for c in product.contract(dataset).columns if c.expected_personal}
        for dataset in ("listings", "verify_answers", "duplicate_answers")
    }
    for dataset in ("verify_answers", "duplicate_answers"):
        assert {name: expected[dataset].get(name) for name in names} == {
            name: expected["listings"][name] for name in names
        }
