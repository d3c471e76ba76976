"""Made-up contracts for exchanging them with other tools, and what is compared of two contracts.

Belongs here: strategies and comparing. Does not belong here: assertions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from civicops.contracts import Contract, load_contract
from civicops.contracts.blanks import BLANK
from civicops.govern.exchange import Source
from civicops.govern.exchange_dbt_in import from_dbt
from civicops.govern.exchange_dbt_out import to_dbt
from civicops.govern.exchange_draft import Asked, write
from civicops.govern.exchange_ge_in import from_ge
from civicops.govern.exchange_ge_out import to_ge

TYPES = ("string", "integer", "number", "boolean", "date", "timestamp")
ROW = ("flag", "stop")
LOOKUPS = {("kinds", "kind_code"): ("loan", "it's a visit", "return")}
WORDS = st.text(st.sampled_from("abz '\"{}%#\\:é-\n"), min_size=1, max_size=8)


def contract(columns: list[dict[str, Any]], quality: list[dict[str, Any]], layer: str = "published") -> dict[str, Any]:
    """A contract file of the dataset `library.visits` as plain values."""
    table: dict[str, Any] = {"name": "visits", "properties": columns}
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "library.visits", "name": "Visits", "version": "1.2.0",
        "status": "active", "dataProduct": "library", "description": {"purpose": "Count visits.", "limitations": "Few."},
        "team": {"members": [{"username": "ada-example", "role": "owner"}]},
        "customProperties": [
            {"property": "layer", "value": layer}, {"property": "access", "value": "internal"},
            {"property": "licence", "value": "CC0-1.0"},
        ],
        "schema": [table | ({"quality": quality} if quality else {})],
    }  # fmt: skip


def rule(number: int, implementation: dict[str, Any]) -> dict[str, Any]:
    """A quality rule of ours."""
    return {
        "id": f"rule_{number}", "description": f"Rule {number}.", "type": "custom", "engine": "civicops", "dimension": "conformity",
        "implementation": implementation,
    }  # fmt: skip


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    """Any contract: a few columns of all types, with checks of every kind on them."""
    layer = draw(st.sampled_from(("published", "accepted")))
    actions = st.sampled_from(("flag", "blank", "quarantine", "stop") if layer == "accepted" else ROW)
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=2, max_size=5))
    names = [f"column_{index}" for index in range(len(kinds))]
    count = iter(range(1000))

    def rules(kind: str, name: str) -> st.SearchStrategy[dict[str, Any]]:
        spec: list[st.SearchStrategy[dict[str, Any]]] = [
            st.fixed_dictionaries({"check": st.just("required"), "action": actions}),
            st.fixed_dictionaries({"check": st.just("expression"), "expression": st.sampled_from([
                f"{name} IS NOT NULL", f"{name} = {name}", f"coalesce({name}, NULL) IS NULL", f"({name} IS NULL) = ({name} IS NULL)"]),
                "action": actions}),
            st.fixed_dictionaries({"check": st.just("null_share"), "column": st.just(name), "action": st.sampled_from(ROW)},
                                  optional={"minimum": st.sampled_from([0.05, 0.1])})
            .flatmap(lambda one: st.sampled_from([0.12, 0.333, 0.9]).map(lambda high: one | {"maximum": high})),
        ]  # fmt: skip
        if layer == "accepted":
            spec.append(st.fixed_dictionaries({"check": st.just("parses"), "action": actions}))
        if kind == "string":
            spec += [
                st.fixed_dictionaries({
                    "check": st.just("allowed"), "values": st.lists(WORDS, min_size=1, max_size=3), "action": actions}),
                st.just({"check": "allowed", "lookup": "kinds", "lookupColumn": "kind_code", "action": "flag"}),
                st.fixed_dictionaries({"check": st.just("length"), "minimum": st.integers(0, 9), "action": actions},
                                      optional={"maximum": st.integers(10, 20)}),
                st.fixed_dictionaries({"check": st.just("pattern"), "pattern": st.sampled_from(
                    [r"[a-z]+\d{5}", "a|b", "^x", "(?i)yes|no", "it's", r"\(\d\)", "[)]", "a$", "(?:a)|(b)"]), "action": actions}),
            ]  # fmt: skip
        if kind in ("integer", "number"):
            numbers = st.integers(-9, 9) if kind == "integer" else st.floats(-9, 9, allow_nan=False)
            spec += [
                st.fixed_dictionaries({"check": st.just("range"), "minimum": numbers, "action": actions},
                                      optional={"maximum": numbers}),
                st.fixed_dictionaries({"check": st.just("allowed"), "values": st.lists(st.integers(-3, 3), min_size=1, max_size=3),
                                       "action": actions}),
            ]  # fmt: skip
        if kind in ("date", "timestamp"):
            bound = "2020-01-01" if kind == "date" else "2020-01-01 00:00:00"
            spec += [
                st.sampled_from(["minimum", "maximum"]).flatmap(
                    lambda side: actions.map(lambda action: {"check": "range", side: bound, "action": action})
                ),
            ]
        return st.one_of(spec).map(lambda found: rule(next(count), found))

    columns: list[dict[str, Any]] = []
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        column: dict[str, Any] = {"name": name, "description": f"Column {index}.", "logicalType": kind}
        if layer == "accepted" and kind in ("date", "timestamp"):
            column["customProperties"] = [{"property": "formats", "value": ["%Y-%m-%d"]}]
        if kind == "timestamp" and draw(st.booleans()):
            column["logicalTypeOptions"] = {"defaultTimezone": "America/Los_Angeles"}
        column |= draw(
            st.fixed_dictionaries(
                {}, optional={"required": st.booleans(), "unique": st.booleans(), "primaryKey": st.just(True)}
            )
        )
        found, seen = [], set()
        for one in draw(st.lists(rules(kind, name), max_size=3)):
            told = one["implementation"]["check"]
            if told not in seen:
                found.append(one)
            seen.add(told)
        columns.append(column | ({"quality": found} if found else {}))
    pair = names[:2]
    whole = st.one_of(
        st.fixed_dictionaries({"check": st.just("compare"), "left": st.just(pair[0]), "right": st.just(pair[1]),
                               "operator": st.sampled_from(["<", "<=", "=", "!=", ">=", ">"]), "action": actions},
                              optional={"blanks": st.just([pair[0]])}),
        st.fixed_dictionaries({"check": st.just("inside"), "longitude": st.just(pair[0]), "latitude": st.just(pair[1]),
                               "west": st.sampled_from([-118.67, -1.0]), "east": st.just(1e-5), "south": st.just(33.7),
                               "north": st.just(34.0), "action": actions}),
        st.fixed_dictionaries({"check": st.just("paired"), "columns": st.just(names), "action": actions}),
        st.fixed_dictionaries({"check": st.just("expression"), "expression": st.sampled_from(
            [f"{pair[0]} >= {pair[1]}", f"NOT ({pair[0]} IS NULL)", f"{pair[0]} BETWEEN 1 AND 2 AND {pair[1]} BETWEEN 1 AND 2"]),
            "action": actions}),
        st.fixed_dictionaries({"check": st.just("unique"), "columns": st.sampled_from([pair, pair[:1]]),
                               "action": st.sampled_from(ROW)}),
        st.just({"check": "foreign_key", "columns": pair[:1], "dataset": "kinds", "references": ["kind_code"], "action": "stop"}),
        st.just({"check": "foreign_key", "columns": pair[:1], "dataset": "other.kinds", "references": ["kind_code"]}),
        st.just({"check": "foreign_key", "columns": pair, "dataset": "kinds", "references": ["a", "b"]}),
        st.sampled_from([{"minimum": 1}, {"maximum": 9}, {"minimum": 1, "maximum": 9}]).map(lambda one: {"check": "row_count", **one}),
        st.just({"check": "no_rows", "query": "SELECT {'a': 1} FROM {dataset} WHERE 1 = 0"}),
        st.just({"check": "quarantine_share", "maximum": 0.1}),
        st.sampled_from([24, 1.5]).map(lambda hours: {"check": "freshness", "column": pair[0], "maximumHours": hours}),
        st.just({"check": "conservation", "sources": ["raw"]}),
    ).map(lambda found: rule(next(count), found))  # fmt: skip
    return contract(columns, draw(st.lists(whole, max_size=4)), layer)


def load(data: dict[str, Any], folder: Path) -> Contract:
    """A contract from plain values."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "visits.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_contract(path)


def there_and_back(tool: str, before: Contract, folder: Path) -> tuple[Contract, set[str]]:
    """A contract written for a tool and read again, and the ids of the checks that were listed as lost on the way."""
    source = Source(before, LOOKUPS)
    if tool == "dbt":
        data, there = to_dbt([source])
        path = folder / "schema.yml"
        path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
        (found,) = from_dbt(path, "library", Asked(), layer_given=False)
    else:
        data, there = to_ge(source)
        path = folder / "suite.json"
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")
        found = from_ge(path, "library", Asked(), layer_given=False)
    written, faults = write(found, folder / "back", force=True)
    assert faults == () and BLANK not in found.text, faults
    return load_contract(written), {loss.check for loss in (*there, *found.losses) if loss.check}


def told(contract: Contract) -> dict[str, tuple[Any, ...]]:
    """What each check says, by its id."""
    rows = {check.id for check in contract.row_checks}
    return {check.id: (check.spec, check.column if check.id in rows else None) for check in contract.checks}
