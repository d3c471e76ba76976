"""Made-up contracts and tables for the tests of releases, also for the processes that those tests start and kill."""

from __future__ import annotations

from typing import Any

import yaml

Column = dict[str, Any]


def column(name: str, logical: str = "string", **more: Any) -> Column:
    return {"name": name, "logicalType": logical, "description": f"The {name} of a thing.", **more}


def contract_text(
    dataset: str,
    columns: list[Column],
    *,
    access: str = "public",
    layer: str = "published",
    version: str = "1.0.0",
    privacy: list[dict[str, Any]] | None = None,
    sort_by: list[str] | None = None,
    licence: str = "CC0-1.0",
) -> str:
    custom: list[dict[str, Any]] = [{"property": "layer", "value": layer}, {"property": "access", "value": access}]
    custom.append({"property": "licence", "value": licence})
    if privacy:
        custom.append({"property": "privacy", "value": privacy})
    table: dict[str, Any] = {"name": dataset, "properties": columns}
    if sort_by:
        table["customProperties"] = [{"property": "sortBy", "value": sort_by}]
    content = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"things.{dataset}",
        "name": "Things",
        "version": version,
        "status": "active",
        "dataProduct": "things",
        "description": {"purpose": "To have things.", "usage": "Count them.", "limitations": "Made up."},
        "schema": [table],
        "team": {"members": [{"username": "robin_made_up", "role": "owner"}]},
        "customProperties": custom,
    }
    return yaml.safe_dump(content, sort_keys=False)


THING_COLUMNS = [
    column("thing_id", "integer", primaryKey=True, required=True),
    column("kind_code", "string"),
    column(
        "latitude",
        "number",
        customProperties=[{"property": "unit", "value": "degrees"}],
    ),
    column("seen_at", "timestamp", logicalTypeOptions={"defaultTimezone": "America/Los_Angeles"}),
    column("tags", "array"),
]


def things(rows: int, *, shift: float = 0.0, kind: str = "tree", order: str = "thing_id") -> str:
    """SQL of a made-up table in the given order of rows."""
    return f"""SELECT i AS thing_id, CASE i % 3 WHEN 0 THEN '{kind}' WHEN 1 THEN 'lamp' END AS kind_code,
        34 + (i % 997) / 1013 + {shift} AS latitude,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i * 61) AS seen_at,
        CASE WHEN i % 5 > 0 THEN ['a', 'b' || i % 7] END AS tags
        FROM range({rows}) t(i) ORDER BY {order}"""
