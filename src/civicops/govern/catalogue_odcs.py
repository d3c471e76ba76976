"""Contracts for readers who do not have civicops: Open Data Contract Standard 3.1 whose rules any of its tools can run.

Belongs here: our checks in the standard's own terms (library metrics, SQL, relationships), lookups written out, and what remains
only a sentence. Does not belong here: reading contracts (`civicops.contracts`), which ones are told of (`catalogue`).

Custom properties, the standard's own place for what it has no word for, stay, but for settings of our monitors and the SQL of
privacy rules. A rule in SQL counts the rows that break it, which must be 0; `${table}` stands for the table. Its dialect is
DuckDB's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from civicops.checks.rules import broken
from civicops.checks.sql import quote
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check
from civicops.govern.exchange import Loss, Source, is_row

SEVERITY = {"flag": "info", "blank": "warning", "quarantine": "error", "stop": "error"}
_KEPT = ("id", "name", "description", "dimension", "businessImpact", "tags", "method")


def strict_odcs(source: Source) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """The contract as plain values of the standard, and the checks that are only a sentence in it."""
    return _Strict(source).made()


class _Strict:
    def __init__(self, source: Source) -> None:
        self.source, self.contract = source, source.contract
        self.losses: list[Loss] = []
        self.checks = {check.id: check for check in source.contract.checks}

    def made(self) -> tuple[dict[str, Any], tuple[Loss, ...]]:
        data: dict[str, Any] = copy.deepcopy(self.source.raw)
        table = data["schema"][0]
        table["id"] = table["name"]
        relationships = list(table.pop("relationships", []))
        for column in table["properties"]:
            column["id"] = column["name"]
            self.rules(column, relationships, data)
        self.rules(table, relationships, data)
        if relationships:
            table["relationships"] = relationships
        data["customProperties"] = [item for item in data["customProperties"] if item["property"] != "monitors"]
        if self.contract.privacy:
            rules = [{"id": rule.id, "description": rule.description} for rule in self.contract.privacy]
            data["customProperties"] = [
                {**item, "value": rules} if item["property"] == "privacy" else item for item in data["customProperties"]
            ]
        return data, tuple(sorted(self.losses))

    def rules(self, place: dict[str, Any], relationships: list[dict[str, Any]], data: dict[str, Any]) -> None:
        """Replace the quality rules of a table or column by the standard's."""
        found: list[dict[str, Any]] = []
        for rule in place.pop("quality", []):
            check = self.checks[rule["id"]]
            base = {key: rule[key] for key in _KEPT if key in rule}
            base["severity"] = SEVERITY[check.action]
            if isinstance(check.spec, ct.ForeignKey):
                relationships.append(self.relationship(check.spec, rule))
            elif isinstance(check.spec, ct.Freshness):
                self.promise(check.spec, rule, data)
            elif check.implied or rule.get("type", "library") == "library":
                found.append(rule)
            else:
                found += [base | said for said in self.said(check)]
        if found:
            place["quality"] = found

    def relationship(self, spec: ct.ForeignKey, rule: Mapping[str, Any]) -> dict[str, Any]:
        product, _, dataset = spec.dataset.rpartition(".")
        name = f"{product or self.contract.product}.{dataset}"
        ours = [f"{self.contract.dataset}.{column}" for column in spec.columns]
        theirs = [f"{name}.yaml#/schema/{dataset}/properties/{column}" for column in spec.references]
        single = len(ours) == 1
        told = [{"property": key, "value": rule[key]} for key in ("id", "description") if key in rule]
        return {
            "type": "foreignKey",
            "from": ours[0] if single else ours,
            "to": theirs[0] if single else theirs,
            "customProperties": told,
        }

    def promise(self, spec: ct.Freshness, rule: Mapping[str, Any], data: dict[str, Any]) -> None:
        data.setdefault("slaProperties", []).append({
            "id": rule["id"], "property": "freshness", "value": spec.maximum_hours, "unit": "h",
            "element": f"{self.contract.dataset}.{spec.column}", "description": rule["description"],
        })  # fmt: skip

    def said(self, check: Check) -> list[dict[str, Any]]:
        """The standard's rules that say a check together; a `text` rule, and the loss noted, where none can."""
        spec = check.spec
        match spec:
            case ct.Required():
                return [_library("nullValues")]
            case ct.Allowed():
                values = spec.values or self.source.lookups[str(spec.lookup), str(spec.lookup_column)]
                if spec.lookup:
                    why = f"it holds the values that lookup '{spec.lookup}' has today"
                    self.lose(check, why, "Export again when the lookup changes.", whole=False)
                return [_library("invalidValues", validValues=list(values))]
            case ct.Pattern():
                return [_library("invalidValues", pattern=f"^(?:{spec.pattern})$")]
            case ct.UniqueKey(columns=(_,)) if check.column:
                return [_library("duplicateValues")]
            case ct.UniqueKey():
                return [_library("duplicateValues", properties=list(spec.columns))]
            case ct.RowCount():
                return [{"type": "library", "metric": "rowCount", **_between(spec.minimum, spec.maximum)}]
            case ct.NullShare() if check.column == spec.column:
                low, high = (None if one is None else round(one * 100, 10) for one in (spec.minimum, spec.maximum))
                return [{"type": "library", "metric": "nullValues", "unit": "percent", **_between(low, high)}]
            case ct.NullShare():
                share = f"SELECT 100.0 * (COUNT(*) - COUNT({quote(spec.column)})) / COUNT(*) FROM ${{table}}"
                low, high = (None if one is None else round(one * 100, 10) for one in (spec.minimum, spec.maximum))
                return [{"type": "sql", "query": share, **_between(low, high)}]
            case ct.NoRows():
                query = spec.query.replace("{dataset}", "${table}")
                return [{"type": "sql", "query": f"SELECT COUNT(*) FROM ({query})", "mustBe": 0}]
        if is_row(check) and not isinstance(spec, ct.Parses | ct.LocalTime):
            where = broken(self.contract, check, self.source.lookups)
            return [{"type": "sql", "query": f"SELECT COUNT(*) FROM ${{table}} WHERE {where}", "mustBe": 0}]
        self.lose(check, *_WHY.get(check.kind, ("the standard has no term for it", "It stays as a sentence.")))
        return [{"type": "text"}]

    def lose(self, check: Check, why: str, todo: str, *, whole: bool = True) -> None:
        what = f"check '{check.id}' ({check.kind})" if whole else f"a part of check '{check.id}' ({check.kind})"
        self.losses.append(Loss(self.source.where_check(check), what, why, todo, check.id if whole else ""))


_WHY = {
    "parses": ("a rule asks values that have types already", "It stays as a sentence."),
    "local_time": ("the time as it was written is gone", "It stays as a sentence."),
    "quarantine_share": ("the standard holds no rows back", "It stays as a sentence."),
    "conservation": ("the standard does not know what came in", "It stays as a sentence."),
}


def _library(metric: str, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "library", "metric": metric, "mustBe": 0}
    return found | ({"arguments": arguments} if arguments else {})


def _between(low: float | None, high: float | None) -> dict[str, Any]:
    if low is not None and high is not None:
        return {"mustBe": low} if low == high else {"mustBeBetween": [low, high]}
    return {"mustBeGreaterOrEqualTo": low} if low is not None else {"mustBeLessOrEqualTo": high}
