"""The contracts as documents: valid by the standard, every rule with a reason, actions as mild as they are said to be."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import open_data_contract_standard
import pytest
import yaml

from civicops.contracts import Contract
from tests.unit.products.requests_311.conftest import PRODUCT

FILES = sorted((PRODUCT / "contracts").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_passes_the_standards_own_schema(path: Path) -> None:
    schema = json.loads((Path(open_data_contract_standard.__file__).parent / "schema.json").read_text())
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_rule_says_why(path: Path) -> None:
    table = yaml.safe_load(path.read_text(encoding="utf-8"))["schema"][0]
    rules = [*table.get("quality", []), *(rule for column in table["properties"] for rule in column.get("quality", []))]
    assert [rule["id"] for rule in rules if len(rule.get("businessImpact", "")) < 15] == []
    assert [rule["id"] for rule in rules if "dimension" not in rule] == []


def test_the_source_has_at_least_twenty_row_checks(contracts: dict[str, Contract]) -> None:
    assert len(contracts["legacy_requests"].row_checks) >= 20
    assert len(contracts["cases"].row_checks) >= 20


def test_only_rows_that_would_spoil_a_number_are_held_back(contracts: dict[str, Contract]) -> None:
    """A request that cannot be counted on its day, has no number, or whose columns slipped; all else stays and is flagged."""
    for dataset, number in (("legacy_requests", "sr_number"), ("cases", "case_number")):
        held = {check.id for check in contracts[dataset].row_checks if check.action == "quarantine"}
        assert held == {
            f"{number}_required", "created_at_required", "created_at_parses", "created_at_plausible", "columns_in_place",
        }  # fmt: skip


def test_both_systems_are_read_in_local_time(contracts: dict[str, Contract]) -> None:
    for dataset in ("legacy_requests", "cases", "requests"):
        times = [c for c in contracts[dataset].columns if c.logical_type == "timestamp"]
        assert times
        assert {c.timezone for c in times} == {"America/Los_Angeles"}


def test_the_public_table_coarsens_sensitive_places_and_shows_no_staff(contracts: dict[str, Contract]) -> None:
    (rule,) = contracts["requests"].privacy
    treated = {t.column: (t.treatment, t.decimals) for t in rule.treatments}
    assert treated == {"address": ("null", None), "longitude": ("round", 2), "latitude": ("round", 2)}
    assert contracts["sensitive_locations"].access == "restricted"
    public = [c for c in contracts.values() if c.layer == "published" and c.access == "public"]
    assert not [column.name for contract in public for column in contract.columns if column.pii_class == "staff"]
    assert "assigned_to" not in contracts["requests"].column_names
