"""The drive monitor's own files: settings, thresholds, what leaves the building."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from civicops.errors import CivicopsError
from civicops.ingest.google.observe import events_of, folders_of
from civicops.ingest.values import DriveEventSource, DriveSource, MarkSource
from civicops.transform import run_unit_tests
from civicops.workspace import Product, Workspace

ROOT = Path(__file__).parents[4]
PRODUCT = ROOT / "products" / "drive_monitor"


def module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"drive_monitor_{Path(path).stem}", PRODUCT / path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def product() -> Product:
    return Workspace.find(ROOT).product("drive_monitor")


def thresholds() -> list[dict[str, str]]:
    with (PRODUCT / "lookups" / "thresholds.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_settings_reach_the_look_and_a_wrong_one_is_named() -> None:
    settings: Mapping[str, Any] = {
        "drives": ["0A1"],
        "subject": "admin@example.org",
        "as_admin": True,
        "timezone": "UTC",
    }
    drives, events, folders, marks = module("sources.py").sources(settings)
    assert isinstance(drives, DriveSource) and isinstance(events, DriveEventSource)
    assert isinstance(folders, DriveEventSource) and isinstance(marks, MarkSource)
    assert (drives.drives, drives.subject, drives.as_admin, drives.timezone) == (
        ("0A1",),
        "admin@example.org",
        True,
        "UTC",
    )
    assert events.drives == folders.drives == drives
    assert (events.name, folders.name) == (events_of(drives), folders_of(drives))
    assert (marks.marks, marks.key) == (
        "deletions",
        Workspace.find(ROOT).product("drive_monitor").contract("deletions").key,
    )
    with pytest.raises(CivicopsError, match="no setting 'drive'"):
        module("sources.py").sources({"drive": []})


def test_the_defaults_are_those_that_were_measured() -> None:
    rules = {row["rule_code"]: row for row in thresholds()}
    assert (rules["many_deleted"]["minimum"], rules["many_deleted"]["minimum_percent"]) == ("10", "5")
    assert rules["many_deleted_absolute"]["minimum"] == "25" and rules["mass_deletion"]["minimum"] == "100"
    assert rules["mass_deletion_share"]["minimum_percent"] == "20"
    assert {row["window_days"] for row in rules.values()} == {"1", "7", "30"}


def test_every_measure_that_a_rule_names_is_measured_and_has_a_runbook() -> None:
    measures = (PRODUCT / "models" / "int_measures.sql").read_text(encoding="utf-8")
    headings = [
        line[3:] for line in (PRODUCT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("## ")
    ]
    monitors = module("monitors.py")
    for row in thresholds():
        assert f"'{row['measure_code']}'" in measures, row
        assert row["severity_code"] in ("info", "warning", "critical") and row["scope_code"] in (
            "drive",
            "folder",
            "person",
        )
        assert monitors.RUNBOOKS.get(row["measure_code"], "Files were deleted") in headings
        assert row["measure_code"] in monitors.LOSSES or row["measure_code"] in monitors.RUNBOOKS


def test_names_of_files_and_people_stand_in_restricted_datasets_only(product: Product) -> None:
    public = [contract for contract in product.published if contract.access == "public"]
    assert [contract.dataset for contract in public] == ["daily_reports"]
    assert not {"name", "path", "actor", "editor", "managers", "drive_name", "subject"} & set(public[0].column_names)
    for contract in product.contracts:
        people = {"actor", "editor", "managers"} & set(contract.column_names)
        assert all(contract.column(name).pii_class == "person" for name in people), contract.id


def test_every_sheet_shows_columns_that_exist(product: Product) -> None:
    for sheet in product.file.sheets:
        assert set(sheet.columns) <= set(product.contract(sheet.dataset).column_names)


def test_the_models_keep_their_unit_tests(product: Product, tmp_path: Path) -> None:
    results = run_unit_tests(
        product.name, product.models, tmp_path, lookups=product.lookups, contracts=list(product.contracts)
    )
    assert [(one.model, one.name, one.message) for one in results if one.status != "pass"] == []
    published = {contract.dataset for contract in product.published}
    assert published <= {one.model for one in results}, "every published model has a unit test"
