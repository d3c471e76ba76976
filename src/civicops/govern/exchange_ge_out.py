"""From a contract to an expectation suite of Great Expectations 1.x.

Belongs here: which expectation says which check, and what none says. Does not belong here: reading a suite (`exchange_ge_in`).

Conditions over several columns become `unexpected_rows_expectation`, which runs where the data can be asked by SQL; all others
also run on data frames. What only we understand stands in `meta`, which Great Expectations keeps and ignores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from civicops.checks.rules import sql_bound
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check
from civicops.govern.exchange import OURS, Loss, Source, is_row, severity, usual_action
from civicops.govern.exchange_conditions import condition, whole_text
from civicops.govern.exchange_told import column_meta, dataset_meta, lost_parts

LEVELS = {"error": "critical", "warn": "warning"}
BROKEN = "SELECT * FROM {{batch}} WHERE NOT ({})"
"""The query of an expectation that a condition must not be false of any row."""


def to_ge(source: Source) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """One suite as plain values, and what it does not say."""
    return _Suite(source).made()


class _Suite:
    def __init__(self, source: Source) -> None:
        self.source, self.contract = source, source.contract
        self.losses = list(lost_parts(source, "ge"))

    def made(self) -> tuple[dict[str, Any], tuple[Loss, ...]]:
        contract = self.contract
        columns = {
            column.name: {"description": column.description, "type": column.sql_type, **column_meta(contract, column)}
            for column in contract.columns
        }
        found = [{"type": "expect_column_to_exist", "kwargs": {"column": name}, "meta": {}} for name in columns]
        for check in contract.checks:
            found += self.expectations(check) or []
        why = "each engine of Great Expectations has names of its own for types; they stand in the suite's meta"
        self.losses.append(
            Loss(self.source.where(), "types of columns", why, "Add expect_column_values_to_be_of_type.")
        )
        mine = {**dataset_meta(contract), "columns": columns}
        mine |= {"purpose": contract.purpose} if contract.purpose else {}
        mine |= {"key": list(contract.key)} if contract.key else {}
        return {"name": contract.id, "expectations": found, "meta": {OURS: mine}}, tuple(sorted(self.losses))

    def lose(self, check: Check, why: str, todo: str, *, whole: bool = True) -> None:
        what = f"check '{check.id}' ({check.kind})" if whole else f"a part of check '{check.id}' ({check.kind})"
        self.losses.append(Loss(self.source.where_check(check), what, why, todo, check.id if whole else ""))

    def expectations(self, check: Check) -> list[dict[str, Any]] | None:
        """The expectations that say a check together; `None`, and the loss noted, where none can."""
        spec = check.spec
        column: dict[str, Any] = {"column": check.column}
        arguments: dict[str, Any]
        match spec:
            case ct.Required():
                return [self.made_of(check, "expect_column_values_to_not_be_null", column)]
            case ct.Parses():
                if not check.implied:
                    self.lose(check, "the values have types already", "Check it where the rows come in.", whole=False)
                return None
            case ct.UniqueKey(columns=(one,)):
                if not self.contract.column(one).required:
                    why = "any number of rows may be empty there, a contract allows none"
                    self.lose(check, why, "Make the column required as well.", whole=False)
                return [self.made_of(check, "expect_column_values_to_be_unique", {"column": one})]
            case ct.UniqueKey():
                arguments = {"column_list": list(spec.columns), "ignore_row_if": "never"}
                return [self.made_of(check, "expect_compound_columns_to_be_unique", arguments)]
            case ct.Allowed():
                values = spec.values or self.source.lookups[str(spec.lookup), str(spec.lookup_column)]
                extra = {"lookup": spec.lookup, "lookupColumn": spec.lookup_column} if spec.lookup else {}
                if spec.lookup:
                    why = f"it holds the values that lookup '{spec.lookup}' has today"
                    self.lose(check, why, "Export again when the lookup changes.", whole=False)
                arguments = {**column, "value_set": list(values)}
                return [self.made_of(check, "expect_column_values_to_be_in_set", arguments, extra=extra)]
            case ct.Range():
                return [self.range(check, spec)]
            case ct.Length():
                arguments = {**column, **_given(min_value=spec.minimum, max_value=spec.maximum)}
                return [self.made_of(check, "expect_column_value_lengths_to_be_between", arguments)]
            case ct.Pattern():
                arguments = {**column, "regex": whole_text(spec.pattern)}
                return [self.made_of(check, "expect_column_values_to_match_regex", arguments)]
            case ct.Compare(operator="=" | ">" | ">=" | "<" | "<="):
                return [self.compare(check, spec)]
            case ct.Compare() | ct.Inside() | ct.Paired() | ct.Expression():
                return self.query(check, BROKEN.format(braces(condition(spec))))
            case ct.NoRows():
                return self.query(check, braces(spec.query).replace("{{dataset}}", "{batch}"))
            case ct.RowCount():
                found = []
                if spec.minimum is not None:
                    found.append(
                        self.made_of(
                            check, "expect_table_row_count_to_be_between", {"min_value": spec.minimum}, "error"
                        )
                    )
                if spec.maximum is not None:
                    found.append(
                        self.made_of(check, "expect_table_row_count_to_be_between", {"max_value": spec.maximum}, "warn")
                    )
                return found
            case ct.NullShare():
                found = []
                at: dict[str, Any] = {"column": spec.column}
                if spec.minimum is not None:
                    arguments = {**at, "mostly": spec.minimum}
                    found.append(self.made_of(check, "expect_column_values_to_be_null", arguments, "error"))
                if spec.maximum is not None:
                    arguments = {**at, "mostly": round(1 - spec.maximum, 12)}
                    found.append(self.made_of(check, "expect_column_values_to_not_be_null", arguments))
                return found
        self.lose(check, *_WHY.get(check.kind, ("no expectation says it", "Keep it in the contract.")))
        return None

    def range(self, check: Check, spec: ct.Range) -> dict[str, Any]:
        column = self.contract.column(str(check.column))
        arguments = {"column": check.column, **_given(min_value=spec.minimum, max_value=spec.maximum)}
        if column.logical_type == "timestamp" and column.timezone:
            # A wall-clock bound means nothing without its zone.
            parts = [f"{column.name} >= {sql_bound(column, spec.minimum)}"] * (spec.minimum is not None)
            parts += [f"{column.name} <= {sql_bound(column, spec.maximum)}"] * (spec.maximum is not None)
            extra = {"check": "range", "column": check.column, **_given(minimum=spec.minimum, maximum=spec.maximum)}
            return self.query(check, BROKEN.format(braces(" AND ".join(parts))), extra=extra)[0]
        if column.logical_type in ("date", "timestamp", "time"):
            why = "a bound that is text is not compared with the timestamps of pandas"
            self.lose(check, why, "Ask a SQL data source, or Python's own dates.", whole=False)
        return self.made_of(check, "expect_column_values_to_be_between", arguments)

    def compare(self, check: Check, spec: ct.Compare) -> dict[str, Any]:
        upside = spec.operator in ("<", "<=")
        first, second = (spec.right, spec.left) if upside else (spec.left, spec.right)
        arguments: dict[str, Any] = {"column_A": first, "column_B": second}
        extra: dict[str, Any] = {"operator": spec.operator} if upside else {}
        if spec.operator == "=":
            name = "expect_column_pair_values_to_be_equal"
        else:
            name = "expect_column_pair_values_a_to_be_greater_than_b"
            arguments["or_equal"] = "=" in spec.operator
        arguments["ignore_row_if"] = "either_value_is_missing"
        return self.made_of(check, name, arguments, extra=extra)

    def query(self, check: Check, query: str, *, extra: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        self.lose(check, "it runs only where the data can be asked by SQL", "Use a SQL data source.", whole=False)
        return [self.made_of(check, "unexpected_rows_expectation", {"unexpected_rows_query": query}, extra=extra)]

    def made_of(
        self,
        check: Check,
        name: str,
        arguments: Mapping[str, Any],
        level: str = "",
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        spec, found = check.spec, level or severity(check.action)
        mine: dict[str, Any] = {"id": check.id, **dict(extra or {})}
        if not isinstance(spec, ct.RowCount) and check.action != usual_action(
            found, self.contract.layer, row=is_row(check)
        ):
            mine["action"] = check.action
        if isinstance(spec, ct.Compare | ct.Inside | ct.Paired | ct.Expression):
            mine["check"] = check.kind
            mine |= {"column": check.column} if check.column else {}
            mine |= {"blanks": list(spec.blanks)} if spec.blanks else {}
        if check.dimension and not check.implied:
            mine["dimension"] = check.dimension
        if check.action in ("blank", "quarantine") and not check.implied:
            does = "empties the value" if check.action == "blank" else "holds the row back"
            why = f"an expectation only tells of rows that break it, where the contract {does}"
            self.lose(check, why, "Run the rows through civicops.", whole=False)
        return {
            "type": name, "kwargs": dict(arguments), "severity": LEVELS[found], "description": check.description,
            "meta": {OURS: mine},
        }  # fmt: skip


_WHY = {
    "local_time": ("the time as it was written is gone", "Check it where the rows come in."),
    "quarantine_share": ("it holds no rows back", "Keep it in the contract."),
    "conservation": ("it does not know what came in", "Keep it in the contract."),
    "foreign_key": ("a suite asks one table", "Keep it in the contract, or write a query of your own."),
    "freshness": ("no expectation compares with now", "Keep it in the contract."),
}


def braces(text: str) -> str:
    """A text in which Great Expectations, which fills in what stands between braces, finds none."""
    return text.replace("{", "{{").replace("}", "}}")


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
