"""What a single expectation says as a check of a contract.

Belongs here: the expectations that a contract can say, with their arguments. Does not belong here: the rest of a suite
(`exchange_ge_in`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from civicops.checks.sql import literal
from civicops.govern.exchange import action_of, logical_type, sql_names
from civicops.govern.exchange_conditions import from_condition, share_query, whole_of
from civicops.govern.exchange_draft import Draft

_STATISTICS = {"max": "MAX({})", "min": "MIN({})", "mean": "AVG({})", "sum": "SUM({})", "median": "MEDIAN({})",
               "stdev": "STDDEV_SAMP({})", "unique_value_count": "COUNT(DISTINCT {})"}  # fmt: skip
KNOWN = tuple(
    f"expect_{name}"
    for name in (
        "column_to_exist", "table_columns_to_match_set", "table_columns_to_match_ordered_list", "column_values_to_not_be_null",
        "column_values_to_be_null", "column_values_to_be_unique", "compound_columns_to_be_unique", "column_values_to_be_in_set",
        "column_values_to_not_be_in_set", "column_values_to_be_between", "column_value_lengths_to_be_between",
        "column_value_lengths_to_equal", "column_values_to_match_regex", "column_values_to_not_match_regex",
        "column_values_to_match_strftime_format", "column_values_to_be_of_type", "column_values_to_be_in_type_list",
        "column_pair_values_a_to_be_greater_than_b", "column_pair_values_to_be_equal", "table_row_count_to_be_between",
        "table_row_count_to_equal", *(f"column_{name}_to_be_between" for name in _STATISTICS),
    )
)  # fmt: skip


class Expectation:
    """One expectation, and the check it stands for."""

    def __init__(
        self, kind: str, kwargs: Mapping[str, Any], item: Mapping[str, Any], mine: Mapping[str, Any], draft: Draft
    ) -> None:
        self.kind, self.kwargs, self.mine, self.draft = kind.removeprefix("expect_"), kwargs, mine, draft
        self.level = "warn" if item.get("severity") in ("warning", "info") else "error"
        self.used: set[str] = set()
        self.parts: list[tuple[str, str, str]] = []
        self.column = sql_names(str(kwargs.get("column", "")))
        if self.column and self.column != kwargs.get("column"):
            self.parts.append(
                (f"capitals of '{kwargs.get('column')}'", "names of columns are small letters", "Rename it.")
            )
        if self.column:
            draft.column(self.column)

    def take(self, name: str, default: Any = None) -> Any:
        """An argument, noted as read."""
        self.used.add(name)
        value = self.kwargs.get(name, default)
        return default if value is None else value

    def acting(self, check: str, *, row: bool = True) -> dict[str, Any]:
        return {"check": check, "action": action_of(self.level, self.draft.layer, self.mine.get("action"), row=row)}

    def spec(self) -> dict[str, Any] | None:
        """The implementation of the check; `None` where none says it, empty where nothing is left to say."""
        mostly = float(self.kwargs.get("mostly", 1) if self.kwargs.get("mostly") is not None else 1)
        found = self.exact()
        if (
            found is None
            or not found
            or mostly >= 1
            or self.kind in ("column_values_to_not_be_null", "column_values_to_be_null")
        ):
            return found
        bad = self.bad(found)
        if bad is None or self.column is None:
            return None
        query = share_query(self.column, bad, round(1 - mostly, 12))
        return {**self.acting("no_rows", row=False), "query": query}

    def bad(self, spec: Mapping[str, Any]) -> str | None:
        """The condition that is true of rows that break a check, for a share of them."""
        name = self.column
        match spec["check"]:
            case "allowed":
                return f"{name} NOT IN ({', '.join(literal(value) for value in spec['values'])})"
            case "range" | "length":
                value = name if spec["check"] == "range" else f"LENGTH({name})"
                parts = [f"{value} < {literal(spec['minimum'])}"] if "minimum" in spec else []
                parts += [f"{value} > {literal(spec['maximum'])}"] if "maximum" in spec else []
                return " OR ".join(parts)
            case "pattern":
                return f"NOT regexp_full_match({name}, {literal(spec['pattern'])})"
            case "expression":
                return f"NOT ({spec['expression']})"
        return None

    def exact(self) -> dict[str, Any] | None:
        """The same, without a look at `mostly`."""
        column, take, acting = self.column, self.take, self.acting
        match self.kind:
            case "column_to_exist" if column:
                take("column_index")
                return {}
            case "table_columns_to_match_set" | "table_columns_to_match_ordered_list":
                names = [sql_names(str(name)) for name in take("column_set", take("column_list", []))]
                if not names or not all(names):
                    return None
                for name in names:
                    self.draft.column(str(name))
                take("exact_match")
                return {}
            case "column_values_to_not_be_null" if column:
                share = float(take("mostly", 1))
                if share >= 1:
                    return acting("required")
                return {"check": "null_share", "column": column, **self.share_action(), "maximum": round(1 - share, 12)}
            case "column_values_to_be_null" if column:
                share = float(take("mostly", 1))
                action = (
                    {"action": "flag"}
                    if self.mine.get("action") == "flag" or self.level == "warn"
                    else {"action": "stop"}
                )
                return {"check": "null_share", "column": column, **action, "minimum": share}
            case "column_values_to_be_unique" if column:
                return {**acting("unique", row=False), "columns": [column]}
            case "compound_columns_to_be_unique" | "multicolumn_values_to_be_unique" if self.kind.startswith(
                "compound"
            ):
                columns = [sql_names(str(name)) for name in take("column_list", [])]
                if take("ignore_row_if", "all_values_are_missing") != "never":
                    why = "a contract counts rows with empty values too"
                    self.parts.append(
                        ("rows with empty values", why, "Make the columns required, or write a no_rows check.")
                    )
                return {**acting("unique", row=False), "columns": columns} if columns and all(columns) else None
            case "column_values_to_be_in_set" if column and isinstance(values := take("value_set"), list) and values:
                lookup, at = self.mine.get("lookup"), self.mine.get("lookupColumn")
                return {
                    **acting("allowed"),
                    **({"lookup": lookup, "lookupColumn": at} if lookup and at else {"values": values}),
                }
            case "column_values_to_not_be_in_set" if (
                column and isinstance(values := take("value_set"), list) and values
            ):
                return self.expression(f"{column} NOT IN ({', '.join(literal(value) for value in values)})")
            case "column_values_to_be_between" if column:
                return self.between(column)
            case "column_value_lengths_to_be_between" if column:
                low, high = take("min_value"), take("max_value")
                low = None if low is None else int(low) + bool(take("strict_min", False))
                high = None if high is None else int(high) - bool(take("strict_max", False))
                return {**acting("length"), **_some(minimum=low, maximum=high)} if not low is high is None else None
            case "column_value_lengths_to_equal" if column:
                return {**acting("length"), "minimum": int(take("value")), "maximum": int(take("value"))}
            case "column_values_to_match_regex" if column and isinstance(pattern := take("regex"), str):
                return {**acting("pattern"), "pattern": whole_of(pattern)}
            case "column_values_to_not_match_regex" if column and isinstance(pattern := take("regex"), str):
                return self.expression(f"NOT regexp_matches({column}, {literal(pattern)})")
            case "column_values_to_match_strftime_format" if column and isinstance(
                form := take("strftime_format"), str
            ):
                return self.format(column, form)
            case "column_values_to_be_of_type" if column:
                return self.typed(column, [str(take("type_"))])
            case "column_values_to_be_in_type_list" if column:
                return self.typed(column, [str(one) for one in take("type_list", [])])
            case "column_pair_values_a_to_be_greater_than_b" | "column_pair_values_to_be_equal":
                return self.pair()
            case "table_row_count_to_be_between":
                low, high = take("min_value"), take("max_value")
                if high is not None and self.level == "error":
                    why = "the upper bound only warns in a contract"
                    self.parts.append(("severity of the upper bound of the row count", why, "Write a no_rows check."))
                return {"check": "row_count", **_some(minimum=low, maximum=high)} if not low is high is None else None
            case "table_row_count_to_equal":
                return {"check": "row_count", "minimum": int(take("value")), "maximum": int(take("value"))}
            case "unexpected_rows_expectation":
                return self.query(str(take("unexpected_rows_query", "")))
        found = re.fullmatch(r"column_(\w+)_to_be_between", self.kind)
        if found and found[1] in _STATISTICS and column:
            parts = _bounds(_STATISTICS[found[1]].format(column), take)
            query = f"SELECT 1 FROM {{dataset}} HAVING NOT ({' AND '.join(parts)})"
            return {**acting("no_rows", row=False), "query": query} if parts else None
        return None

    def share_action(self) -> dict[str, Any]:
        told = self.mine.get("action")
        return {"action": told if told in ("flag", "stop") else "flag" if self.level == "warn" else "stop"}

    def expression(self, text: str) -> dict[str, Any]:
        return {**self.acting("expression"), "expression": text}

    def between(self, column: str) -> dict[str, Any] | None:
        low, high = self.take("min_value"), self.take("max_value")
        if low is high is None:
            return None
        if any(isinstance(one, dict | list | bool) for one in (low, high)):
            return None
        if self.take("strict_min", False) or self.take("strict_max", False):
            return self.expression(" AND ".join(_bounds(column, self.take)))
        return {**self.acting("range"), **_some(minimum=low, maximum=high)}

    def format(self, column: str, form: str) -> dict[str, Any] | None:
        """A text that is a date or a moment: the column becomes one, with that way to write it."""
        if self.draft.layer != "accepted":
            return self.expression(f"try_strptime({column}, {literal(form)}) IS NOT NULL")
        made = self.draft.column(column)
        made["logicalType"] = "timestamp" if re.search(r"%[HIMSfsXcT]", form) else "date"
        self.draft.custom(column, "formats", [form])
        return {}

    def typed(self, column: str, names: list[str]) -> dict[str, Any] | None:
        found = {known for name in names if (known := logical_type(name))}
        logical = {one[0] for one in found}
        if len(logical) != 1 or (len(found) < len({*names} & {*names}) and not found):
            return None
        made = self.draft.column(column)
        if not any(item["property"] == "formats" for item in made.get("customProperties", ())):
            made["logicalType"] = next(iter(logical))
        return {}

    def pair(self) -> dict[str, Any] | None:
        left, right = sql_names(str(self.take("column_A"))), sql_names(str(self.take("column_B")))
        if not left or not right:
            return None
        for name in (left, right):
            self.draft.column(name)
        if self.take("ignore_row_if", "both_values_are_missing") != "either_value_is_missing":
            why = "a contract passes a row where either side is empty"
            self.parts.append(("rows with an empty side", why, "Make both columns required."))
        operator = "=" if self.kind.endswith("equal") else ">=" if self.take("or_equal", False) else ">"
        if self.mine.get("operator") in ("<", "<=") and operator in (">", ">="):
            left, right, operator = right, left, operator.replace(">", "<")
        blanks = self.mine.get("blanks")
        extra = {"blanks": blanks} if isinstance(blanks, list) else {}
        return {**self.acting("compare"), "left": left, "operator": operator, "right": right, **extra}

    def query(self, query: str) -> dict[str, Any] | None:
        if "{batch}" not in query:
            return None
        ours = re.fullmatch(r"SELECT \* FROM \{batch\} WHERE NOT \((.*)\)", query, re.DOTALL)
        told = self.mine.get("check")
        if ours and told == "range" and isinstance(self.mine.get("column"), str):
            self.column = self.mine["column"]
            return {**self.acting("range"), **_some(minimum=self.mine.get("minimum"), maximum=self.mine.get("maximum"))}
        if ours and isinstance(told, str):
            spec = from_condition(ours[1].replace("{{", "{").replace("}}", "}"), told)
            blanks = self.mine.get("blanks")
            return self.acting(spec["check"]) | spec | ({"blanks": blanks} if isinstance(blanks, list) else {})
        plain = query.replace("{batch}", "{{dataset}}").replace("{{", "{").replace("}}", "}")
        return {**self.acting("no_rows", row=False), "query": plain}


def _bounds(value: str, take: Any) -> list[str]:
    low, high = take("min_value"), take("max_value")
    parts = [f"{value} {'>' if take('strict_min', False) else '>='} {literal(low)}"] if low is not None else []
    return parts + (
        [f"{value} {'<' if take('strict_max', False) else '<='} {literal(high)}"] if high is not None else []
    )


def _some(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
