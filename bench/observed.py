"""A workspace with many products that have been watched for a year, for `bench.anomalies`.

Belongs here: writing product folders, history and profiles. Does not belong here: measuring.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from civicops.observe.history import Observation
from civicops.observe.watch import signals_of
from civicops.observe.watched import history_of, watch
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAYS = 365
PROFILES = 30
PRODUCT = """\
title: Made up {name}
summary: For measuring.
owner: ada-example
stage: pilot
schedule: "0 7 * * *"
freshness_hours: 30
"""
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {name}.{dataset}
name: {dataset}
version: 1.0.0
status: active
dataProduct: {name}
description: {{purpose: "For measuring."}}
team: {{members: [{{username: ada-example, role: owner}}]}}
customProperties:
  - {{property: layer, value: {layer}}}
  - {{property: access, value: public}}
  - {{property: licence, value: CC0-1.0}}
schema:
  - name: {dataset}
    properties:
      - {{name: row_id, logicalType: string, primaryKey: true, description: The row.}}
      - {{name: kind_code, logicalType: string, description: Its kind.}}
      - {{name: size_bytes, logicalType: integer, description: Its size.}}
"""


def made_workspace(root: Path, products: int) -> Workspace:
    """Products `p0` to `p<n-1>` with one published dataset each."""
    (root / "civicops.toml").write_text('[workspace]\ntimezone = "America/Los_Angeles"\n')
    for number in range(products):
        name = f"p{number}"
        folder = root / "products" / name / "contracts"
        folder.mkdir(parents=True)
        (folder.parent / "product.yaml").write_text(PRODUCT.format(name=name))
        (folder / "rows.yaml").write_text(CONTRACT.format(name=name, dataset="rows", layer="published"))
        (folder / "inputs.yaml").write_text(CONTRACT.format(name=name, dataset="inputs", layer="accepted"))
        _history(root / "var", name, np.random.default_rng(number))
    return Workspace.find(root)


def _history(data: Path, name: str, random: np.random.Generator) -> None:
    lines, checks, rows = [], [], 100_000
    at = NOW
    run_id = ""
    for day in range(DAYS):
        at = NOW - timedelta(days=DAYS - 1 - day, hours=4)
        run_id = f"{at:%Y%m%dT%H%M%SZ}-{name}-{day:06x}"
        new = int(random.poisson(1000 * (1.1 if at.weekday() < 5 else 0.6)))
        rows += new
        common = (at.isoformat(), run_id, name)
        tail = ("succeeded", "schedule", 20.0 + float(random.normal(0, 1)))
        lines += [
            Observation(*common, "", "", *tail, new_rows=new, checks=10, broken=0),
            Observation(*common, "inputs", "accepted", *tail, rows_in=rows, accepted=rows, quarantined=0, ignored=0),
            Observation(
                *common, "rows", "published", *tail, rows=rows, is_changed=True, version="v", size_bytes=rows * 20
            ),
        ]
        checks += [
            {"at": at.isoformat(), "run_id": run_id, "dataset": "rows", "check_id": f"check_{number}", "action": "flag",
             "outcome": "passed", "rows": rows, "broken": 0, "pass_rate": 1.0} for number in range(10)
        ]  # fmt: skip
    folder = data / "observe" / "history" / name
    folder.mkdir(parents=True)
    written: dict[str, list[dict[str, Any]]] = {"runs": [asdict(line) for line in lines], "checks": checks}
    for kind, many in written.items():
        months: dict[str, list[str]] = {}
        for line in many:
            text = json.dumps({key: value for key, value in line.items() if value is not None})
            months.setdefault(line["at"][:7], []).append(text)
        for month, texts in months.items():
            (folder / f"{kind}-{month}.jsonl").write_text("\n".join(texts) + "\n")
    _profiles(data, name, rows, random)
    record = RunRecord(
        run_id, name, "succeeded", at.isoformat(), "schedule", 1, finished_at=at.isoformat(),
        sources=({"source": "file", "rows": rows, "counted": rows, "at_source": rows},),
    )  # fmt: skip
    RunLog(data / "runs").save(record)


def _profiles(data: Path, name: str, rows: int, random: np.random.Generator) -> None:
    folder = data / "observe" / "profiles" / name / "rows"
    folder.mkdir(parents=True)
    version = ""
    for day in range(PROFILES):
        at = NOW - timedelta(days=PROFILES - 1 - day, hours=4)
        version = f"{at:%Y%m%dT%H%M%SZ}-{day:08x}"
        shares = random.multinomial(1000, [0.5, 0.3, 0.2])
        content = {
            "product": name, "dataset": "rows", "version": version, "contract": "1.0.0", "rows": rows, "size_bytes": 1,
            "columns": {
                "row_id": {"type": "VARCHAR", "nulls": 0, "distinct": rows},
                "kind_code": {"type": "VARCHAR", "nulls": 3, "distinct": 3,
                              "top": {f"k{i}": int(share) for i, share in enumerate(shares)}},
                "size_bytes": {"type": "BIGINT", "nulls": 0, "distinct": 100, "min": 0, "max": 100,
                               "deciles": [float(i * 10) for i in range(11)]},
            },
        }  # fmt: skip
        (folder / f"{version}.json").write_text(json.dumps(content))
    switch = {"sequence": 1, "action": "publish", "at": NOW.isoformat(), "who": "x", "from": {}, "to": {"rows": version},
              "reason": "", "run": None}  # fmt: skip
    pointer = data / "releases" / name
    pointer.mkdir(parents=True)
    (pointer / "current.json").write_text(
        json.dumps({"product": name, "datasets": {"rows": version}, "switch": switch})
    )


def signals_of_all(workspace: Workspace) -> int:
    """Evaluate every monitor of every product from the files; returns how many signals that gave."""
    count = 0
    for product in workspace.products:
        watched = watch(workspace, product, NOW)
        count += len(signals_of(watched, is_new=True))
    assert history_of(workspace).folder.is_dir()
    return count
