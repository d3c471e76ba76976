"""The reference page of the contract file.

Belongs here: the keys civicops allows (`contracts.odcs`), described by the standard's own schema, and the custom properties
civicops reads, described here. Does not belong here: check types (`reference_code`).
"""

from __future__ import annotations

import ast
import inspect
import json
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from civicops.contracts import load, odcs
from civicops.contracts.privacy import PrivacyRule
from tools.markdown import field_rows, table, type_name

_PARTS: tuple[tuple[str, str, type[BaseModel], tuple[str, ...]], ...] = (
    ("The file", "", odcs.OdcsFile, ("",)),
    ("`description`", "What the dataset is for.", odcs.Described, ("description",)),
    ("`schema`", "Exactly one: one contract per dataset.", odcs.SchemaObject, ("SchemaElement", "SchemaObject")),
    ("`schema[].properties`", "The columns.", odcs.Property, ("SchemaElement", "SchemaBaseProperty")),
    ("`quality`", "Rules under a column or under the dataset. Those of `type: custom` are the [checks](checks.md).",
     odcs.Quality, ("DataQuality", "DataQualityCustom", "DataQualityLibrary", "DataQualityOperators")),
    ("`relationships`", "", odcs.Relationship, ("RelationshipBase",)),
    ("`team`", "", odcs.Team, ("Team",)),
    ("`team.members`", "", odcs.Member, ("TeamMember",)),
    ("`slaProperties`", "civicops reads `freshness` (in hours or days) and `retention`.", odcs.Sla,
     ("ServiceLevelAgreementProperty",)),
    ("`support`", "", odcs.Support, ("SupportItem",)),
    ("`authoritativeDefinitions`", "", odcs.Definition, ("AuthoritativeDefinitions",)),
    ("`customProperties`", "The standard's place for what it has no word for; civicops reads those listed below.",
     odcs.CustomProperty, ("CustomProperty",)),
)  # fmt: skip

CUSTOM: dict[str, dict[str, str]] = {
    "whole": {
        "layer": "`accepted` (rows of a source, split by checks) or `published` (made by a model, gated, released)",
        "access": "`public` (with a valid [ethics review](ethics.md), else it counts as restricted), `restricted` (named roles "
        "only) or `internal` (the product's own runs; never released)",
        "licence": "what others may do with the data",
        "privacy": "a list of privacy rules, below",
        "monitors": "how this dataset is watched where it differs from its product: [monitors](monitors.md)",
    },
    "inner": {
        "ignoredFields": "fields of the source that are not used, each with the reason",
        "latestBy": "columns that say which of two rows with one key is newer",
        "sortBy": "columns a release is sorted by; the key when left out",
    },
    "custom": {
        "sourceNames": "other names the source has given this column, besides its `physicalName`",
        "formats": "strptime formats in which the source writes it, tried in order",
        "nullValues": "texts that mean 'no value', besides the empty one",
        "trueValues": "texts that mean true",
        "falseValues": "texts that mean false",
        "unit": "the unit of a number",
        "was": "what the column was called before: `{name, until}`; releases offer both names up to that day",
        "personalDataExpected": "personal data that a column without a classification holds on purpose: `{kinds, reason}`; "
        "kinds are name, phone, email, address, ssn, card, ip, birth, profile",
        "reworded": "the version of the contract in which only the words of the description changed, not what they mean",
    },
}
"""What civicops reads, by the name its reader has in `contracts/load.py`, where a test finds the same ones."""

_PLACES = {"whole": "At the top of the file", "inner": "Under `schema`", "custom": "Under a column"}


def read_by_code() -> dict[str, set[str]]:
    """The custom properties that `contracts/load.py` asks for, by the variable that reads them."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(load))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            reader, method = node.func.value.id, node.func.attr
            first = node.args[0] if node.args else None
            if method in ("text", "choice", "words", "mapping", "models", "model") and isinstance(first, ast.Constant):
                found.setdefault(reader, set()).add(str(first.value))
    return found


def _descriptions(schema: dict[str, Any], definitions: tuple[str, ...]) -> dict[str, str]:
    """What the standard says of each key of some of its definitions; '' is the file itself."""
    found: dict[str, str] = {}
    for name in definitions:
        part = schema if not name else schema["$defs"].get(name) or schema["properties"][name]
        part = part.get("items", part) if "properties" not in part else part
        for key, value in part.get("properties", {}).items():
            target = schema["$defs"].get(str(value.get("$ref", "")).rpartition("/")[2], {})
            found.setdefault(key, value.get("description") or target.get("description", ""))
    return found


def contract_page() -> str:
    stray = {name: keys ^ set(CUSTOM.get(name, {})) for name, keys in read_by_code().items()}
    if any(stray.values()) or set(CUSTOM) != set(read_by_code()):
        raise ValueError(
            f"tools/reference_contract.py does not describe the custom properties that load.py reads: {stray}"
        )
    text = (files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    parts = [
        "# Contract file\n\nOne YAML file per dataset, `products/<product>/contracts/<dataset>.yaml`, in the Open Data "
        "Contract Standard 3.1. civicops reads it strictly: a key that is not below is an error that names its line and the "
        "nearest valid word, and all errors of a file are named at once. Descriptions are the standard's own.\n"
    ]
    for title, about, model, definitions in _PARTS:
        described = _descriptions(schema, definitions)
        rows: list[tuple[str, ...]] = []
        for row, (name, field) in zip(field_rows(model), model.model_fields.items(), strict=True):
            key = (field.alias or name).strip()
            rows.append((row[0], type_name(field.annotation), row[2], described.get(key, "")))
        parts.append(f"## {title}\n\n{about}\n" if about else f"## {title}\n")
        parts.append(table(("key", "value", "when left out", "what it is"), rows))
    parts.append("## What civicops reads from `customProperties`\n")
    for reader, keys in CUSTOM.items():
        parts.append(f"### {_PLACES[reader]}\n")
        parts.append(table(("`property`", "`value`"), [(f"`{key}`", about) for key, about in keys.items()]))
    parts.append(f"### Privacy rules\n\n{inspect.cleandoc(PrivacyRule.__doc__ or '')}\n")
    treatment = PrivacyRule.model_fields["treatments"].annotation
    inner = next((item for item in getattr(treatment, "__args__", ()) if isinstance(item, type)), None)
    header = ("key", "value", "when left out", "what it is")
    parts.append(table(header, field_rows(PrivacyRule)))
    if inner is not None and issubclass(inner, BaseModel):
        parts.append(f"Each treatment: {inspect.cleandoc(inner.__doc__ or '')}\n")
        parts.append(table(header, field_rows(inner)))
    return "\n".join(part for part in parts if part)
