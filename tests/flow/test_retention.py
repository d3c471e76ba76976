"""What has been kept for as long as its contract says goes, is reported, and everything adds up without it.

Belongs here: releases, deliveries, rows held back and rows by their day on real runs. Does not belong here: spans of time
(`tests/unit/contracts/test_periods`), one person's record (`test_erasure`).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from civicops.govern.retention import due, retain
from civicops.ingest.landing import Landing
from civicops.orchestrate.running import run_product
from tests.flow.orchard import Orchard, column, contract, planted_once

DAYS = 40


@pytest.fixture
def orchard(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Orchard:
    """The orchard, whose `shade` reads a list of days, half of them older than they are kept."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    made = planted_once(tmp_path_factory).copy(tmp_path / "orchard")
    data = contract(
        "shade.days",
        [
            column("day_name", primaryKey=True),
            column("seen_on", "date", customProperties=[{"property": "formats", "value": ["%Y-%m-%d"]}]),
        ],
        layer="accepted",
    )
    data["slaProperties"] = [{"property": "retention", "value": 30, "unit": "days", "element": "days.seen_on"}]
    path = made.root / "products" / "shade" / "contracts" / "days.yaml"
    path.write_text(yaml.safe_dump(data))
    today = datetime.now(UTC).date()
    lines = [f"d{n},{today - timedelta(days=n * 6)}" for n in range(10)]
    (made.root / "downloads" / "days.csv").write_text("day_name,seen_on\n" + "\n".join(lines) + "\n")
    made.as_of_old()
    run_product(made.workspace, "shade")
    return made


def test_rows_go_by_their_day_and_are_accounted_for(orchard: Orchard) -> None:
    first = next(item for item in due(orchard.workspace) if item.kind == "rows")
    assert first.name == str(datetime.now(UTC).date() - timedelta(days=30)) and first.product == "shade"
    record = run_product(orchard.workspace, "shade")
    assert record.status == "unchanged", "only the job moves the day, so a run is the same as before"
    retain(orchard.workspace)
    record = run_product(orchard.workspace, "shade")
    noted = next(item for item in record.datasets if item["dataset"] == "days")
    assert (noted["rows_in"], noted["accepted"], noted["missing"]) == (10, 6, 0) and noted["ignored"] == {
        "past its retention": 4
    }
    assert not [item for item in due(orchard.workspace) if item.kind == "rows"], "doing it again does nothing"
    (report,) = (orchard.root / "var" / "retention").glob("*-shade.json")
    assert (
        any(line["kind"] == "rows" for line in json.loads(report.read_text())) and report.with_suffix(".md").is_file()
    )
    assert [item for item in due(orchard.workspace, datetime.now(UTC) + timedelta(days=7)) if item.kind == "rows"], (
        "the day moves on"
    )


def test_replaced_deliveries_and_held_rows_go_and_what_counts_stays(orchard: Orchard) -> None:
    path = orchard.root / "products" / "trees" / "contracts" / "inspections.yaml"
    data = yaml.safe_load(path.read_text())
    data["slaProperties"] = [{"property": "retention", "value": 30, "unit": "days"}]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    orchard.as_of_old()
    file = orchard.root / "downloads" / "inspections.csv"
    file.write_text(file.read_text() + "T9999,north,good,7,Kim Made-Up\n")
    run_product(orchard.workspace, "trees")
    landing = Landing(orchard.root / "var" / "landing")
    assert len(landing.deliveries("trees", "inspections")) == 2
    held = sorted((orchard.root / "var" / "quarantine" / "trees" / "inspections").glob("*.parquet"))
    for one in held:
        os.utime(one, (0, 0))
    later = datetime.now(UTC) + timedelta(days=31)
    found = [item for item in due(orchard.workspace, later) if item.product == "trees"]
    assert sorted(item.kind for item in found if item.kind != "release") == [
        "delivery",
        *["held rows"] * (len(held) - 1),
    ]
    before = orchard.bytes_of_releases()
    retain(orchard.workspace, later)
    (left,) = landing.deliveries("trees", "inspections")
    assert left.id == landing.live("trees", "inspections")[0].id and list(landing.verify("trees", "inspections")) == []
    assert len(list((orchard.root / "var" / "quarantine" / "trees" / "inspections").glob("*.parquet"))) == 1
    assert orchard.bytes_of_releases() == before
    assert run_product(orchard.workspace, "trees").status == "unchanged"


def test_releases_older_than_their_contract_go_but_never_what_is_current_or_next_to_it(orchard: Orchard) -> None:
    path = orchard.root / "products" / "trees" / "contracts" / "trees.yaml"
    data = yaml.safe_load(path.read_text())
    data["slaProperties"] = [{"property": "retention", "value": 1, "unit": "months"}]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    orchard.as_of_old()
    file = orchard.root / "downloads" / "inspections.csv"
    for number in range(3):
        file.write_text(file.read_text() + f"T999{number},north,good,7,Kim Made-Up\n")
        run_product(orchard.workspace, "trees")
    versions = [release.version for release in orchard.store.versions("trees", "trees")]
    later = datetime.now(UTC) + timedelta(days=40)
    gone = {item.name for item in retain(orchard.workspace, later) if (item.kind, item.dataset) == ("release", "trees")}
    assert gone == set(versions[:-2])
    assert [release.version for release in orchard.store.versions("trees", "trees")] == versions[-2:]
