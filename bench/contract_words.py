"""Contracts in the words of the programs that `contract_grades` compares with, as far as those have words for them.

Belongs here: plain values in, plain values out. Does not belong here: asking the programs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

Data = dict[str, Any]

_NUMBERS = {
    "SMALLINT": "int", "INTEGER": "int", "UINTEGER": "int", "BIGINT": "bigint", "HUGEINT": "numeric", "FLOAT": "float",
    "DOUBLE": "double", "VARCHAR": "string",
}  # fmt: skip
_DBT_TYPES = {
    "string": "varchar", "integer": "bigint", "number": "double", "boolean": "boolean", "date": "date", "time": "time",
    "array": "varchar[]", "object": "varchar",
}  # fmt: skip


def as_datacontract(contract: Data) -> Data:
    """A data contract specification 1.1: one model with fields, constraints, classes and meaning; terms and service levels."""
    table = contract["schema"][0]
    custom = _custom(contract)
    key = [column["name"] for column in table["properties"] if column.get("primaryKey")]
    model: Data = {"description": table.get("description", ""), "type": "table"}
    model["fields"] = {column["name"]: _field(column, key) for column in table["properties"]}
    if len(key) > 1:
        model["primaryKey"] = key
    return {
        "dataContractSpecification": "1.1.0",
        "id": contract["id"],
        "info": {
            "title": contract["name"],
            "version": "1.0.0",
            "status": contract["status"],
            "owner": _owner(contract),
        },
        "terms": {
            "usage": contract["description"].get("usage", ""),
            "limitations": contract["description"].get("limitations", ""),
            "policies": [
                {"name": name, "url": f"https://example.org/{quote(str(custom[name]))}"}
                for name in ("licence", "access")
            ],
        },
        "models": {table["name"]: model},
        "servicelevels": {
            item["property"]: {"description": f"{item['value']} {item.get('unit', '')}"}
            for item in contract.get("slaProperties", [])
        },
    }


def _field(column: Data, key: list[str]) -> Data:
    custom, options = _custom(column), column.get("logicalTypeOptions", {})
    kind = column["logicalType"]
    physical = column.get("physicalType", "")
    field: Data = {"type": _NUMBERS.get(physical, kind), "description": column["description"]}
    if physical.startswith("DECIMAL("):
        precision, scale = physical[8:-1].split(",")
        field |= {"type": "decimal", "precision": int(precision), "scale": int(scale)}
    elif physical.startswith("VARCHAR("):
        field |= {"type": "string", "maxLength": int(physical[8:-1])}
    elif kind == "array":
        field["items"] = {"type": "string"}
    elif kind == "timestamp":
        field["type"] = "timestamp_tz" if options.get("defaultTimezone") else "timestamp_ntz"
    field["required"] = bool(column.get("required") or column.get("primaryKey"))
    field["unique"] = bool(column.get("unique") or key == [column["name"]])
    if key == [column["name"]]:
        field["primaryKey"] = True
    if column.get("classification"):
        field |= {"classification": column["classification"], "pii": column["classification"] == "direct"}
    if column.get("examples"):
        field["examples"] = column["examples"]
    # Its comparison fails on anything nested, so what it has no words for stands as text.
    field |= {name: str(value) for name, value in {**custom, **options}.items()}
    for rule in column.get("quality", []):
        spec = rule["implementation"]
        match spec["check"]:
            case "allowed" if "values" in spec:
                field["enum"] = [str(value) for value in spec["values"]]
            case "range" | "length":
                low, high = ("minimum", "maximum") if spec["check"] == "range" else ("minLength", "maxLength")
                field |= {low: spec["minimum"]} if "minimum" in spec else {}
                field |= {high: spec["maximum"]} if "maximum" in spec else {}
            case "pattern":
                field["pattern"] = spec["pattern"]
    return field


def as_dbt(contract: Data) -> Data:
    """A versioned dbt model with an enforced contract: columns, types and constraints."""
    table = contract["schema"][0]
    key = [column["name"] for column in table["properties"] if column.get("primaryKey")]
    constraints: list[Data] = [{"type": "primary_key", "columns": key}] if key else []
    for rule in table.get("quality", []):
        spec = rule["implementation"]
        if spec["check"] == "foreign_key" and spec.get("action") != "flag":
            to = f"{spec['dataset']} ({', '.join(spec['references'])})"
            constraints.append({"type": "foreign_key", "columns": spec["columns"], "expression": to})
        elif spec["check"] == "expression" and spec.get("action") == "stop":
            constraints.append({"type": "check", "expression": spec["expression"]})
    return {
        "latest_version": 1,
        "versions": [{"v": 1}],
        "config": {"contract": {"enforced": True}, "materialized": "table"},
        "constraints": constraints,
        "columns": [_column(column) for column in table["properties"]],
    }


def _column(column: Data) -> Data:
    kind, options = column["logicalType"], column.get("logicalTypeOptions", {})
    data_type = column.get("physicalType") or _DBT_TYPES.get(kind, "timestamp")
    if kind == "timestamp" and not column.get("physicalType"):
        data_type = "timestamptz" if options.get("defaultTimezone") else "timestamp"
    constraints: list[Data] = []
    if column.get("required") or column.get("primaryKey"):
        constraints.append({"type": "not_null"})
    if column.get("unique"):
        constraints.append({"type": "unique"})
    for rule in column.get("quality", []):
        spec = rule["implementation"]
        if spec.get("action", "flag") == "flag":
            continue
        parts = {name: value for name, value in spec.items() if name != "action"}
        constraints.append(
            {"type": "check", "expression": " ".join(f"{name} {value}" for name, value in parts.items())}
        )
    return {
        "name": column["name"],
        "data_type": data_type,
        "description": column["description"],
        "constraints": constraints,
    }


def _custom(part: Data) -> Data:
    return {item["property"]: item["value"] for item in part.get("customProperties", [])}


def _owner(contract: Data) -> str:
    return next((m["username"] for m in contract["team"]["members"] if m["role"] == "owner"), "")
