"""Mutations of a contract: every kind of change that the grader knows, on the columns, rules, keys and promises that are there.

Belongs here: which mutations a contract allows, and which parts of it each of them touches. Does not belong here: grading them
(`test_grade_grows`), single pairs with their labels (`corpus`).

Two mutations whose parts overlap may take each other back (a rule is tightened, then its column goes); two that touch different
parts cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.unit.change.pairs import changed

LATER = "2026-12-01"


@dataclass(frozen=True)
class Mutation:
    """One change in the language of `pairs.changed`. `parts`: paths of what it touches; one that begins another holds it."""

    name: str
    parts: frozenset[str]
    change: dict[str, Any] = field(compare=False)
    is_last: bool = False
    """Done after the others, because it moves what they name."""

    def overlaps(self, other: Mutation) -> bool:
        return any(_within(a, b) or _within(b, a) for a in self.parts for b in other.parts)


def _within(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer}/")


def mutated(data: dict[str, Any], mutations: Iterable[Mutation]) -> dict[str, Any]:
    """A contract with all of them done to it."""
    for one in sorted(mutations, key=lambda item: item.is_last):
        data = changed(data, {name: value for name, value in one.change.items() if name != "rename"})
        for old, new in one.change.get("rename", {}).items():
            data = _renamed(data, old, new)
    return data


def _renamed(data: Any, old: str, new: str) -> Any:
    """The same with another name of a column, wherever it is meant and not only a word."""
    if isinstance(data, list):
        return [_renamed(item, old, new) for item in data]
    if isinstance(data, dict):
        words = ("description", "id", "purpose", "usage", "limitations", "physicalName", "references", "dataset")
        kept = words if data.get("property") != "sourceNames" and data.get("name") != old else (*words, "value")
        found = {key: value if key in kept else _renamed(value, old, new) for key, value in data.items()}
        if data.get("name") == old and "logicalType" in data:
            custom = [*data.get("customProperties", ()), {"property": "was", "value": {"name": old, "until": LATER}}]
            found |= {"customProperties": custom}
        return found
    return re.sub(rf"\b{old}\b", new, data) if isinstance(data, str) else data


def mutations_of(data: dict[str, Any]) -> list[Mutation]:
    """Every mutation that this contract allows."""
    found, actions = [*_promises(data), *_privacy(data), *_keys(data)], _actions(data)
    for column in data["schema"][0]["properties"]:
        found += [*_column(data, column), *_reading(data, column)]
        for rule in column.get("quality", ()):
            parts = {f"{column['name']}/rules/{rule['id']}"}
            found += _rule(f"columns/{column['name']}/quality/{rule['id']}", rule, parts, actions)
    for rule in data["schema"][0].get("quality", ()):
        parts = {f"rules/{rule['id']}", *(f"{name}/rules/{rule['id']}" for name in _named(data, rule))}
        found += _rule(f"rules/{rule['id']}", rule, parts, actions)
    return found


def _set(name: str, parts: Iterable[str], path: str, value: Any, *, is_last: bool = False) -> Mutation:
    return Mutation(f"{name}: {path} = {value}", frozenset(parts), {"set": {path: value}}, is_last)


def _remove(name: str, parts: Iterable[str], *paths: str, is_last: bool = False) -> Mutation:
    return Mutation(f"{name}: {', '.join(paths)}", frozenset(parts), {"remove": list(paths)}, is_last)


def _custom(item: dict[str, Any]) -> dict[str, Any]:
    return {one["property"]: one["value"] for one in item.get("customProperties", ())}


def _named(data: dict[str, Any], rule: dict[str, Any]) -> list[str]:
    """The columns that a rule, a privacy rule or a list of names speaks of."""
    words = set(re.findall(r"\w+", str(rule)))
    return [column["name"] for column in data["schema"][0]["properties"] if column["name"] in words]


def _column(data: dict[str, Any], column: dict[str, Any]) -> Iterator[Mutation]:
    name, custom = column["name"], _custom(column)
    at, table = f"columns/{name}", data["schema"][0]
    rules = [rule["id"] for rule in table.get("quality", ()) if name in _named(data, rule)]
    promised = f"{_custom(data).get('privacy', '')} {_custom(table)} {data['slaProperties']}"
    is_held = column.get("primaryKey") or name in promised
    if not is_held:
        gone = [at, *(f"rules/{rule}" for rule in rules)]
        yield _remove("column gone", [name, *(f"rules/{rule}" for rule in rules)], *gone, is_last=True)
        if not rules:
            yield _set("renamed", [name], f"{at}/name", f"{name}_x", is_last=True)
    yield Mutation(
        f"both names offered: {name}", frozenset({f"{name}/name"}), {"rename": {name: f"{name}_x"}}, is_last=True
    )
    yield _set("other meaning", [f"{name}/meaning"], f"{at}/description", "How long it takes to get there and back.")
    yield _set("title", [f"{name}/title"], f"{at}/businessName", "A better title")
    if "unit" in custom:
        yield _set("other unit", [f"{name}/unit"], f"{at}/custom/unit", "furlongs")
        yield _remove("unit gone", [f"{name}/unit"], f"{at}/custom/unit")
    elif column["logicalType"] in ("integer", "number"):
        yield _set("unit said", [f"{name}/unit"], f"{at}/custom/unit", "metres")
    if not column.get("primaryKey"):
        is_required = bool(column.get("required"))
        yield _set("required", [f"{name}/required"], f"{at}/required", not is_required)
    for pii in {"none", "location", "direct"} - {column.get("classification", "none")}:
        yield _set("personal data", [f"{name}/people"], f"{at}/classification", pii)
    yield from _types(column, at)
    rule = (
        {"check": "length", "maximum": 20} if column["logicalType"] == "string" else {"check": "range", "maximum": 50}
    )
    if column["logicalType"] in ("string", "integer", "number"):
        # One of the same kind that goes may only have made room for it.
        alike = [one["id"] for one in column.get("quality", ()) if one["implementation"]["check"] == rule["check"]]
        parts = frozenset(f"{name}/rules/{one}" for one in ("new", *alike))
        for action in _actions(data):
            new = {"id": f"new_{name}", "description": "A new rule.", "type": "custom", "engine": "civicops",
                   "implementation": rule | {"action": action}}  # fmt: skip
            change = {"add": {f"{at}/quality": [new]}} if "quality" in column else {"set": {f"{at}/quality": [new]}}
            yield Mutation(f"new rule, {action}: {name}", parts, change)


def _types(column: dict[str, Any], at: str) -> Iterator[Mutation]:
    name, kind = column["name"], column["logicalType"]
    physical = {"integer": ("SMALLINT", "UTINYINT"), "number": ("FLOAT", "DECIMAL(6,1)", "DECIMAL(18,4)"),
                "string": ("VARCHAR(10)", "VARCHAR(5000)")}  # fmt: skip
    for other in physical.get(kind, ()):
        if other != column.get("physicalType"):
            yield _set("other size", [f"{name}/type"], f"{at}/physicalType", other)
    if "physicalType" in column:
        yield _remove("size gone", [f"{name}/type"], f"{at}/physicalType")
    elif "quality" not in column:
        # Words that only one type reads are of no matter to another.
        parts = [f"{name}/{part}" for part in ("type", "rules", "words", "nothing", "format")]
        for other in {"string": ("integer", "boolean"), "number": ("string", "integer"), "integer": ("string", "number"),
                      "boolean": ("string",)}.get(kind, ()):  # fmt: skip
            yield _set("other type", parts, f"{at}/logicalType", other)
    zone = column.get("logicalTypeOptions", {}).get("defaultTimezone")
    if zone:
        yield _set("other time zone", [f"{name}/type"], f"{at}/logicalTypeOptions/defaultTimezone", "Asia/Tokyo")
        yield _remove("no time zone", [f"{name}/type"], f"{at}/logicalTypeOptions/defaultTimezone")


def _reading(data: dict[str, Any], column: dict[str, Any]) -> Iterator[Mutation]:
    name, custom = column["name"], _custom(column)
    at = f"columns/{name}"
    if "physicalName" not in column:
        return
    yield _set("other field", [f"{name}/source"], f"{at}/physicalName", f"{name}_field")
    yield _set(
        "more fields", [f"{name}/source"], f"{at}/custom/sourceNames", [*custom.get("sourceNames", ()), f"{name}_old"]
    )
    if "nullValues" in custom:
        yield _set("fewer words for no value", [f"{name}/nothing"], f"{at}/custom/nullValues", custom["nullValues"][:1])
    yield _set(
        "more words for no value", [f"{name}/nothing"], f"{at}/custom/nullValues", [*custom.get("nullValues", ()), "?"]
    )
    if column["logicalType"] == "boolean":
        swapped = {f"{at}/custom/trueValues": custom["falseValues"], f"{at}/custom/falseValues": custom["trueValues"]}
        yield Mutation("yes is no", frozenset({f"{name}/words"}), {"set": swapped})
        yield _set("more words for no", [f"{name}/words"], f"{at}/custom/falseValues", [*custom["falseValues"], "J"])
        yield _set("fewer words for yes", [f"{name}/words"], f"{at}/custom/trueValues", custom["trueValues"][:1])
    if "format" in column.get("logicalTypeOptions", {}):
        for other in (
            ("%d/%m/%Y %H:%M", "%m/%d/%Y") if column["logicalType"] == "timestamp" else ("%d.%m.%Y", "%Y-%d-%m")
        ):
            yield _set("other format", [f"{name}/format"], f"{at}/logicalTypeOptions/format", other)
    yield _set(
        "critical", [f"{name}/critical"], f"{at}/criticalDataElement", not column.get("criticalDataElement", False)
    )


def _actions(data: dict[str, Any]) -> tuple[str, ...]:
    """What may happen to a row: a published dataset is only gated."""
    return ("flag", "blank", "quarantine", "stop") if _custom(data)["layer"] == "accepted" else ("flag", "stop")


def _rule(path: str, rule: dict[str, Any], whole: set[str], row: tuple[str, ...]) -> Iterator[Mutation]:
    """What can become of one rule. `whole`: its parts; a bound, the action and the words are parts of their own."""

    def part(name: str) -> set[str]:
        return {f"{one}/{name}" for one in whole}

    spec, at = rule["implementation"], f"{path}/check"
    kind, action = spec["check"], spec.get("action", "")
    yield _remove("rule gone", whole, path)
    yield _set("rule reworded", part("words"), f"{path}/description", "The same rule in other words.")
    gated = ("null_share", "quarantine_share", "freshness", "foreign_key", "no_rows")
    for other in () if kind == "row_count" else ("flag", "stop") if kind in gated else row:
        if other != action and not (other == "blank" and path.startswith("rules/")):
            # A rule that only remarks, or takes the value alone, refuses no row: that takes back whatever else it refuses.
            parts = whole if {other, action} & {"flag", "blank"} else part("action")
            yield _set("rule's action", parts, f"{at}/action", other)
    for bound in ("minimum", "maximum", "west", "north", "maximumHours"):
        if not isinstance(value := spec.get(bound), int | float):
            continue
        step = max(1, abs(value) // 4) if isinstance(value, int) and kind != "freshness" else abs(value) / 200
        for new in {value - step, value + step}:
            if new >= 0 or kind == "range" or bound == "west":
                yield _set("rule's bound", part(bound), f"{at}/{bound}", new)
        if {"minimum", "maximum"} <= set(spec) and bound in ("minimum", "maximum"):
            yield _remove("rule's bound gone", part("minimum") | part("maximum"), f"{at}/{bound}")
    if values := spec.get("values"):
        yield _set("values go", part("values"), f"{at}/values", values[:-1])
        yield _set("values come", part("values"), f"{at}/values", [*values, "another"])
        yield _set("a value is exchanged", part("values"), f"{at}/values", [*values[1:], "another"])
    for name, text in (("pattern", "[0-9]{9}"), ("expression", "1 = 1"), ("query", "SELECT 1 FROM {dataset} WHERE false"),
                       ("operator", ">"), ("operator", "!=")):  # fmt: skip
        if name in spec and spec[name] != text:
            yield _set(f"rule's {name}", part(name), f"{at}/{name}", text)


def _keys(data: dict[str, Any]) -> Iterator[Mutation]:
    columns = data["schema"][0]["properties"]
    key = [column["name"] for column in columns if column.get("primaryKey")]
    # What is told apart by a key is required as well, and unique.
    parts = {"key", *(f"{name}/required" for name in key)}
    gone = [f"columns/{name}/{part}" for name in key for part in ("primaryKey", "primaryKeyPosition")]
    yield _remove("key gone", parts, *gone)
    other = next(c["name"] for c in columns if not c.get("primaryKey") and c["logicalType"] == "string")
    more = {f"columns/{other}/primaryKey": True, f"columns/{other}/primaryKeyPosition": len(key) + 1}
    own = parts | {f"{other}/required", f"{other}/name"}
    yield Mutation(f"key and {other}", frozenset(own | {other}), {"set": more})
    swapped = {f"columns/{other}/primaryKey": True, f"columns/{other}/primaryKeyPosition": 1}
    yield Mutation(f"key becomes {other}", frozenset(own | {other}), {"set": swapped, "remove": gone})
    table = _custom(data["schema"][0])
    names = "sortBy" if "sortBy" in table else "latestBy" if "latestBy" in table else ""
    if names:
        yield _set(names, {names}, f"table/custom/{names}", [columns[-1]["name"]])


def _privacy(data: dict[str, Any]) -> Iterator[Mutation]:
    for rule in _custom(data).get("privacy", ()):
        # Whom a rule is for and what it does to them are one part: what is no longer rounded is coarse for nobody.
        at, part = f"custom/privacy/{rule['id']}", f"privacy/{rule['id']}"
        yield _set("no privacy", ["privacy"], "custom/privacy", [])
        yield _set("fewer are protected", [part], f"{at}/when", f"{rule['when']} AND false")
        yield _set("more are protected", [part], f"{at}/when", f"{rule['when']} OR true")
        yield _set("others are protected", [part], f"{at}/when", f"NOT {rule['when']}")
        yield _set("less is hidden", [part], f"{at}/treatments", rule["treatments"][:1])
        new = [{"column": item["column"], "treatment": "null"} for item in rule["treatments"]]
        if new != rule["treatments"]:
            yield _set("more is hidden", [part], f"{at}/treatments", new)
        more = {"id": "new_rule", "description": "Somewhat less.", "when": rule["when"],
                "treatments": [{"column": data["schema"][0]["properties"][-1]["name"], "treatment": "null"}]}  # fmt: skip
        last = data["schema"][0]["properties"][-1]["name"]
        yield Mutation("privacy rule more", frozenset({"privacy/new_rule", last}), {"add": {"custom/privacy": [more]}})


def _promises(data: dict[str, Any]) -> Iterator[Mutation]:
    for name in ("freshness", "retention"):
        value = next(one["value"] for one in data["slaProperties"] if one["property"] == name)
        for other in (value * 2, max(1, value // 2)):
            yield _set(name, [f"sla/{name}"], f"sla/{name}/value", other)
        yield _remove(f"no {name}", [f"sla/{name}"], f"sla/{name}")
    custom = _custom(data)
    # Whether a dataset may be public at all hangs on whom its columns name.
    people = [f"{column['name']}/people" for column in data["schema"][0]["properties"]]
    for access in {"public", "restricted", "internal"} - {custom["access"]}:
        yield _set("access", ["access", *people], "custom/access", access)
    yield _set("licence", ["licence"], "custom/licence", "CC-BY-NC-4.0")
    yield _set("licence", ["licence"], "custom/licence", "LicenseRef-Own")
    for status in ("deprecated", "retired", "draft"):
        yield _set("status", ["status"], "status", status)
    yield _set("title", ["title"], "name", "Another title")
    yield _set("purpose", ["purpose"], "description/purpose", "To have something else.")
    if "ignoredFields" in _custom(data["schema"][0]):
        yield _set(
            "ignored fields", ["ignored"], "table/custom/ignoredFields", {"crew": "Names of the crew are of no use."}
        )
