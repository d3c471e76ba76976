"""What a contract tells besides its checks, for the `meta` that other tools keep and ignore.

Belongs here: which parts of a contract go into `meta`, and which are lost because they would be a promise that nobody keeps
there. Does not belong here: checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from civicops.contracts.model import Column, Contract
from civicops.govern.exchange import TOOL_NAMES, Loss, Source, Tool, logical_type

TOLD = (
    "product",
    "title",
    "version",
    "status",
    "layer",
    "access",
    "licence",
    "purpose",
    "usage",
    "limitations",
    "team",
    "key",
)
"""What `dataset_meta` may hold."""


def dataset_meta(contract: Contract) -> dict[str, Any]:
    """What a contract says of the whole dataset and no other tool has a word for."""
    team = [{"username": person.username, "role": person.role} for person in contract.people]
    found = {
        "product": contract.product, "title": contract.title, "version": contract.version, "status": contract.status,
        "layer": contract.layer, "access": contract.declared_access, "licence": contract.licence, "usage": contract.usage,
        "limitations": contract.limitations, "team": team,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def column_meta(contract: Contract, column: Column) -> dict[str, Any]:
    """What only a contract says of a column: how a source writes it, its unit, whom it concerns.

    The type stands here only where the engine's name for it does not tell it.
    """
    logical, physical = logical_type(column.sql_type) or ("", None)
    found: dict[str, Any] = {
        "title": column.title if column.title != column.name.replace("_", " ") else None,
        "logicalType": column.logical_type if column.logical_type != logical else None,
        "timezone": column.timezone,
        "physicalType": column.physical_type if column.physical_type != physical or column.timezone else None,
        "unit": column.unit, "classification": column.pii_class if column.pii_class != "none" else None,
        "formats": list(column.formats), "nullValues": list(column.null_values),
        "sourceName": column.source_names[0] if column.source_names else None, "sourceNames": list(column.source_names[1:]),
        "examples": list(column.examples), "critical": column.critical or None,
        "personalDataExpected": column.expected_personal.model_dump(mode="json") if column.expected_personal else None,
    }  # fmt: skip
    plain = Column(name="x", title="x", description="x", logical_type="boolean")
    if column.true_values != plain.true_values or column.false_values != plain.false_values:
        found |= {"trueValues": list(column.true_values), "falseValues": list(column.false_values)}
    for check in contract.checks:
        if check.column != column.name or check.implied:
            continue
        if check.kind == "required" and column.required:
            found["required"] = True
        elif check.kind == "parses":
            found["parses"] = {"id": check.id, "description": check.description, "action": check.action}
    return {key: value for key, value in found.items() if value}


def lost_parts(source: Source, tool: Tool) -> Iterator[Loss]:
    """The promises of a contract that another tool does not keep."""
    contract, name = source.contract, TOOL_NAMES[tool]
    parts = (
        ("privacy rules", contract.privacy, f"{name} changes nothing in rows", "Release through civicops."),
        ("monitors", contract.monitors, f"{name} watches nothing over time by them", "Keep watching with civicops."),
        ("fields left out on purpose", contract.ignored_fields, f"{name} reads no sources", "Keep the contract."),
        ("the order of versions of a row", contract.latest_by, f"{name} has no word for it", "Write a model that picks them."),
        ("the order of rows", contract.sort_by if contract.sort_by != contract.key else (), f"{name} has no word for it",
         "Sort in the query."),
        ("the promised freshness", contract.freshness_hours, f"{name} has no such promise of a table", "Keep the contract."),
        ("retention", contract.retention, f"{name} deletes nothing", "Keep the contract."),
        ("old names of columns", [one for one in contract.columns if one.was], f"{name} has no word for it", "Write a view."),
    )  # fmt: skip
    for what, value, why, todo in parts:
        if value:
            yield Loss(source.where(), what, why, todo)
    for what in _unread(source.raw):
        yield Loss(source.where(), what, f"{name} has no word for it", "Keep the contract.")


def _unread(raw: dict[str, Any]) -> Iterator[str]:
    """The keys of a contract's file that are prose for people and go nowhere."""
    for key in ("domain", "tags", "roles", "servers", "support", "price", "authoritativeDefinitions", "tenant"):
        if raw.get(key):
            yield f"'{key}'"
    table = (raw.get("schema") or [{}])[0]
    for key in ("description", "businessName", "dataGranularityDescription", "tags", "relationships"):
        if table.get(key):
            yield f"'{key}' of the table"
    columns = table.get("properties") or []
    for key in ("tags", "transformLogic", "relationships", "authoritativeDefinitions", "encryptedName"):
        if count := sum(bool(column.get(key)) for column in columns):
            yield f"'{key}' of {count} columns"
    rules = [*(table.get("quality") or []), *(rule for column in columns for rule in column.get("quality") or [])]
    for key in ("businessImpact", "severity", "method", "schedule", "scheduler", "tags"):
        if count := sum(bool(rule.get(key)) for rule in rules):
            yield f"'{key}' of {count} checks"
