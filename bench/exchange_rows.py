"""A made-up contract with every check that another tool can say, and rows that break each of them.

Belongs here: the contract and its rows, for the tests with dbt and the benchmark with Great Expectations. Does not belong here:
running anything.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NOW = datetime.now(UTC)
LOOKUPS = {("kinds", "kind_code"): ("loan", "it's a visit", "return")}
COLUMNS = (
    "visit_id",
    "kind_code",
    "branch_code",
    "desk_code",
    "came_on",
    "came_at",
    "left_at",
    "age",
    "longitude",
    "latitude",
)
RULE = """\
          - id: {id}
            description: The rule {id}.
            type: custom
            engine: civicops
            implementation: {spec}
"""


def _rules(*rules: tuple[str, str], indent: int = 10) -> str:
    text = "".join(RULE.format(id=name, spec=spec) for name, spec in rules)
    return "\n".join(line[10 - indent :] if line else line for line in text.splitlines()) + "\n"


CONTRACT = (
    """\
apiVersion: v3.1.0
kind: DataContract
id: library.visits
name: Visits
version: 1.0.0
status: active
dataProduct: library
description: {purpose: Count visits.}
team: {members: [{username: ada-example, role: owner}]}
customProperties:
  - {property: layer, value: accepted}
  - {property: access, value: public}
  - {property: licence, value: CC0-1.0}
schema:
  - name: visits
    quality:
"""
    + _rules(
        ("leaves_later", '{check: compare, left: left_at, operator: ">=", right: came_at, action: quarantine}'),
        (
            "in_the_city",
            "{check: inside, longitude: longitude, latitude: latitude, west: -119, south: 33, east: -118, north: 34.5}",
        ),
        ("whole_points", "{check: paired, columns: [longitude, latitude], action: flag}"),
        (
            "children_come_by_day",
            "{check: expression, expression: \"age >= 10 OR date_part('hour', came_at) < 18\", action: quarantine}",
        ),
        ("ids_once", "{check: unique, columns: [visit_id]}"),
        ("one_at_a_time", "{check: unique, columns: [branch_code, came_at], action: flag}"),
        (
            "branch_exists",
            "{check: foreign_key, columns: [branch_code], dataset: branches, references: [branch_code], action: stop}",
        ),
        ("enough", "{check: row_count, minimum: 10, maximum: 100}"),
        ("held_share", "{check: quarantine_share, maximum: 0.9}"),
        ("fresh", "{check: freshness, column: came_at, maximumHours: 48}"),
        indent=6,
    )
    + """\
    properties:
      - {name: visit_id, description: The visit., logicalType: string, required: true}
      - name: kind_code
        description: What for.
        logicalType: string
        quality:
"""
    + _rules(
        ("kind_known", "{check: allowed, lookup: kinds, lookupColumn: kind_code, action: quarantine}"),
        ("kind_given", "{check: required, action: flag}"),
        ("kind_mostly_given", "{check: null_share, column: kind_code, minimum: 0.01, maximum: 0.05, action: flag}"),
    )
    + """\
      - name: branch_code
        description: Where.
        logicalType: string
        quality:
"""
    + _rules(("branch_length", "{check: length, minimum: 2, maximum: 6, action: flag}"))
    + """\
      - name: desk_code
        description: At which desk.
        logicalType: string
        quality:
"""
    + _rules(("desk_form", '{check: pattern, pattern: "[A-Z]{2}\\\\d|none", action: quarantine}'))
    + """\
      - name: came_on
        description: The day.
        logicalType: date
        logicalTypeOptions: {format: "%Y-%m-%d"}
        quality:
"""
    + _rules(("not_before_opening", '{check: range, minimum: "2020-01-01", action: quarantine}'))
    + """\
      - name: came_at
        description: When.
        logicalType: timestamp
        logicalTypeOptions: {format: "%Y-%m-%d %H:%M", defaultTimezone: America/Los_Angeles}
        quality:
"""
    + _rules(("came_after_opening", '{check: range, minimum: "2020-01-01 09:00:00", action: flag}'))
    + """\
      - name: left_at
        description: Until when.
        logicalType: timestamp
        logicalTypeOptions: {format: "%Y-%m-%d %H:%M", defaultTimezone: America/Los_Angeles}
      - name: age
        description: How old.
        logicalType: integer
        quality:
"""
    + _rules(("age_possible", "{check: range, minimum: 0, maximum: 120, action: blank}"))
    + """\
      - {name: longitude, description: East., logicalType: number}
      - {name: latitude, description: North., logicalType: number}
"""
)


def rows(chance: random.Random, path: Path, count: int = 400) -> None:
    """Write made-up rows, in which every rule is broken by some and every column is empty in some, as Parquet."""

    def some(*values: object) -> list[object]:
        return [chance.choice(values) for _ in range(count)]

    opening = datetime(2020, 1, 1, tzinfo=UTC)
    came = [
        opening + timedelta(hours=chance.randint(-500, 20_000)) if chance.random() > 0.05 else None
        for _ in range(count)
    ]
    left = [at + timedelta(hours=chance.choice((-1, 0, 1))) if at and chance.random() > 0.05 else None for at in came]
    days = [
        (opening + timedelta(days=chance.randint(-20, 200))).date() if chance.random() > 0.05 else None
        for _ in range(count)
    ]
    table = pa.table({
        "visit_id": pa.array([f"v{index}" if index % 97 else None for index in range(count)], pa.string()),
        "kind_code": pa.array(some("loan", "it's a visit", "return", "return", "other", "", None), pa.string()),
        "branch_code": pa.array(some("north", "o'hill", "south", "southernmost", "x", None), pa.string()),
        "desk_code": pa.array(some("AB1", "none", "AB12", "xAB1", "none ", "", None), pa.string()),
        "came_on": pa.array(days, pa.date32()),
        "came_at": pa.array(came, pa.timestamp("us", tz="UTC")),
        "left_at": pa.array(left, pa.timestamp("us", tz="UTC")),
        "age": pa.array(some(*range(-3, 124, 3), None), pa.int64()),
        "longitude": pa.array(some(-118.5, -118.0, -117.9, 0.0, None), pa.float64()),
        "latitude": pa.array(some(34.0, 33.0, 35.0, 0.0, None), pa.float64()),
    })  # fmt: skip
    pq.write_table(table, path)
