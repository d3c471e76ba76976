"""What a single dbt test says as a check of a contract.

Belongs here: the tests of dbt itself, of `dbt_utils` and of `dbt_expectations` that a contract can say, both ways of writing
their arguments, and naming all others. Does not belong here: the rest of a `schema.yml` (`exchange_dbt_in`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from civicops.govern.exchange import OURS, action_of, near, plain_number, severity, sql_names
from civicops.govern.exchange_conditions import from_condition, whole_of
from civicops.govern.exchange_draft import Draft

_CONFIG = ("severity", "meta", "tags", "enabled", "where", "limit", "warn_if", "error_if", "fail_calc", "store_failures",
           "store_failures_as", "database", "schema", "alias")  # fmt: skip
_LOSING = {
    "where": "a check asks every row",
    "limit": "a check counts every row",
    "warn_if": "a row check tolerates none",
    "error_if": "a row check tolerates none",
    "fail_calc": "a check counts rows",
}
_SAME = {
    "dbt_expectations.expect_column_values_to_not_be_null": "not_null",
    "dbt_expectations.expect_column_values_to_be_unique": "unique",
    "dbt_expectations.expect_column_values_to_be_in_set": "accepted_values",
    "dbt_expectations.expect_column_values_to_be_between": "dbt_utils.accepted_range",
    "dbt_expectations.expect_compound_columns_to_be_unique": "dbt_utils.unique_combination_of_columns",
    "dbt_expectations.expression_is_true": "dbt_utils.expression_is_true",
}
_NAMES = {
    "value_set": "values",
    "column_list": "combination_of_columns",
    "quote_values": "quote",
    "strictly": "strictly",
}
MOST = "__most"
"""Ends the name of the second of two tests that stand for one check with two bounds."""
KNOWN = (
    "not_null", "unique", "accepted_values", "relationships", "dbt_utils.accepted_range", "dbt_utils.expression_is_true",
    "dbt_utils.unique_combination_of_columns", "dbt_utils.not_null_proportion", "dbt_utils.recency",
    "dbt_utils.not_accepted_values",
    "dbt_utils.not_empty_string", "dbt_expectations.expect_column_value_lengths_to_be_between",
    "dbt_expectations.expect_column_value_lengths_to_equal", "dbt_expectations.expect_column_values_to_match_regex",
    "dbt_expectations.expect_column_values_to_not_match_regex", "dbt_expectations.expect_table_row_count_to_be_between",
    "dbt_expectations.expect_table_row_count_to_equal", "dbt_expectations.expect_column_to_exist",
    "dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B",
    "dbt_expectations.expect_column_pair_values_to_be_equal", *_SAME,
)  # fmt: skip


@dataclass(frozen=True)
class DbtTest:
    """One test as it stands in the file."""

    kind: str
    column: str | None
    line: int
    name: str
    description: str
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]

    @classmethod
    def read(cls, item: Any, column: str | None, line: int, prefix: str) -> DbtTest | None:
        """A test in any of the ways that dbt allows; `None` for what is none."""
        if isinstance(item, str):
            return cls(item, column, line, "", "", {}, {})
        if not isinstance(item, dict) or not item:
            return None
        given = dict(item)
        kind = given.pop("test_name", None)
        if kind is None:
            if len(item) != 1:
                return None
            kind, inner = next(iter(item.items()))
            given = dict(inner) if isinstance(inner, dict) else {}
        if not isinstance(kind, str):
            return None
        name, description = str(given.pop("name", None) or ""), str(given.pop("description", None) or "")
        config = given.pop("config", None)
        config = dict(config) if isinstance(config, dict) else {}
        config |= {key: given.pop(key) for key in _CONFIG if key in given}
        nested = given.pop("arguments", None)
        arguments = given | (nested if isinstance(nested, dict) else {})
        at = arguments.pop("column_name", None) or column
        kind = kind.removeprefix("dbt.")
        if kind in _SAME:
            kind, arguments = _SAME[kind], {_NAMES.get(key, key): value for key, value in arguments.items()}
        plain = sql_names(str(at)) if at is not None else None
        return cls(kind, plain, line, name.removeprefix(prefix), description.strip(), arguments, config)

    @property
    def mine(self) -> Mapping[str, Any]:
        meta = self.config.get("meta")
        mine = meta.get(OURS) if isinstance(meta, dict) else None
        return mine if isinstance(mine, dict) else {}

    @property
    def level(self) -> str:
        return "warn" if str(self.config.get("severity", "error")).lower() == "warn" else "error"


def join_pairs(tests: Iterable[DbtTest]) -> list[DbtTest]:
    """Two tests of one name, the second of which ends in `__most`, as one with both bounds."""
    found: list[DbtTest] = []
    for test in tests:
        first = next(
            (one for one in found if test.name == f"{one.name}{MOST}" and one.kind == test.kind and one.name), None
        )
        if first is None:
            found.append(test)
            continue
        both = {**test.arguments, **first.arguments}
        if test.kind == "dbt_utils.not_null_proportion":
            both = {"at_least": test.arguments.get("at_least", 0), "at_most": first.arguments.get("at_most", 1)}
        found[found.index(first)] = replace(first, arguments=both, config={**first.config, "most": test.level})
    return found


def add_test(draft: Draft, test: DbtTest) -> None:
    """Add the check that a test stands for, or note that there is none."""
    identity = test.name or test.kind
    for key, value in test.config.items():
        if key == "enabled" and value is False:
            draft.lose(
                test.line, f"test '{identity}'", "it is switched off", "Add a check once it is wanted.", check=identity
            )
            return
        if key == "where":
            why = f"it asks only rows with {value!r}, and {_LOSING[key]}"
            draft.lose(
                test.line,
                f"test '{identity}'",
                why,
                "Write an expression check.",
                check=identity,
            )
            return
        if key in _LOSING:
            draft.lose(
                test.line, f"'{key}' of test '{identity}'", _LOSING[key], "The check is as strict as without it."
            )
        elif key not in ("severity", "meta", "most", "enabled"):
            draft.lose(
                test.line,
                f"config '{key}' of test '{identity}'",
                "it says how dbt runs it",
                "Keep it in the dbt project.",
            )
    meta = test.config.get("meta")
    for key in meta if isinstance(meta, dict) else {}:
        if key != OURS:
            draft.lose(
                test.line,
                f"meta '{key}' of test '{identity}'",
                "only its readers know it",
                "Keep it in dbt.",
            )
    used: set[str] = set()
    spec = _spec(draft, test, used)
    if spec is None:
        known = test.kind in KNOWN
        why = "no check says it with these arguments" if known else f"it is not known here{near(test.kind, KNOWN)}"
        draft.lose(
            test.line, f"test '{identity}'", why, "Write a check of your own, or keep it in dbt.", check=identity
        )
        return
    for key in test.arguments:
        if key not in used and test.arguments[key] not in (None, "", [], False):
            draft.lose(
                test.line, f"'{key}' of test '{identity}'", "the check has no such part", "Look whether it matters."
            )
    if not spec:
        return
    told = test.mine.get("column") if test.mine else test.column
    column = test.column if spec["check"] not in ("expression", "compare", "inside", "paired") else told
    dimension = test.mine.get("dimension")
    draft.add(
        spec, column=column if isinstance(column, str) else None, name=test.name, description=test.description,
        dimension=dimension if isinstance(dimension, str) else None,
    )  # fmt: skip


def _spec(draft: Draft, test: DbtTest, used: set[str]) -> dict[str, Any] | None:  # noqa: PLR0915 - one case per test, in a row
    """The implementation of the check; `None` where none says it, empty where nothing is left to say."""

    def take(name: str, default: Any = None) -> Any:
        used.add(name)
        value = test.arguments.get(name, default)
        return default if value is None else value

    def acting(check: str, *, row: bool = True) -> dict[str, Any]:
        return {"check": check, "action": action_of(test.level, draft.layer, test.mine.get("action"), row=row)}

    def expression(text: str) -> dict[str, Any]:
        return {**acting("expression"), "expression": text}

    column = test.column
    match test.kind:
        case "not_null" if column:
            return acting("required")
        case "unique" if column:
            return {**acting("unique", row=False), "columns": [column]}
        case "dbt_utils.unique_combination_of_columns":
            columns = [sql_names(str(name)) for name in take("combination_of_columns", [])]
            take("quote_columns")
            return {**acting("unique", row=False), "columns": columns} if columns and all(columns) else None
        case "accepted_values" if column and isinstance(values := take("values"), list) and values:
            as_text = draft.column(column)["logicalType"] == "string"
            found = _values(values, quoted=take("quote", True) is not False, as_text=as_text)
            if found is None:
                return None
            lookup, at = test.mine.get("lookup"), test.mine.get("lookupColumn")
            return {
                **acting("allowed"),
                **({"lookup": lookup, "lookupColumn": at} if lookup and at else {"values": found}),
            }
        case "dbt_utils.not_accepted_values" if column and isinstance(values := take("values"), list) and values:
            found = _values(values, quoted=take("quote", True) is not False, as_text=False)
            return (
                None if found is None else expression(f"{column} NOT IN ({', '.join(_sql(value) for value in found)})")
            )
        case "relationships":
            return _relationship(test, take, acting)
        case "dbt_utils.accepted_range" if column:
            low, high = _bound(take("min_value")), _bound(take("max_value"))
            if _UNSAID in (low, high):
                return None
            if take("inclusive", True) is False or take("strictly", False) is True:
                parts = [f"{column} > {test.arguments['min_value']}"] * (low is not None)
                parts += [f"{column} < {test.arguments['max_value']}"] * (high is not None)
                return expression(" AND ".join(parts)) if parts else None
            return None if low is None and high is None else {**acting("range"), **_some(minimum=low, maximum=high)}
        case "dbt_utils.expression_is_true" if isinstance(text := take("expression"), str):
            whole = f"{column} {text}" if column else text
            spec = from_condition(whole, test.mine.get("check"))
            blanks = test.mine.get("blanks")
            return acting(spec["check"]) | spec | ({"blanks": blanks} if isinstance(blanks, list) else {})
        case "dbt_utils.not_null_proportion" if column:
            least, most = float(take("at_least", 0)), float(take("at_most", 1))
            action = test.mine.get("action")
            if action not in ("flag", "stop") or (
                least > 0 and "most" not in test.config and severity(action) != test.level
            ):
                action = "flag" if (test.config.get("most") or test.level) == "warn" else "stop"
            shares = _some(
                minimum=round(1 - most, 12) if most < 1 else None, maximum=round(1 - least, 12) if least > 0 else None
            )
            return {"check": "null_share", "column": column, "action": action, **shares} if shares else None
        case "dbt_utils.recency" if isinstance(field := take("field"), str):
            hours = {"hour": 1.0, "day": 24.0, "week": 168.0}.get(str(take("datepart")))
            count, at = take("interval"), sql_names(field)
            if hours is None or not isinstance(count, int) or at is None:
                return None
            return {**acting("freshness", row=False), "column": at, "maximumHours": hours * count}
        case "dbt_utils.not_empty_string" if column:
            return {**acting("length"), "minimum": 1}
        case "dbt_expectations.expect_column_value_lengths_to_be_between" if column:
            low, high = take("min_value"), take("max_value")
            if not all(one is None or isinstance(one, int) for one in (low, high)) or low is high is None:
                return None
            if take("strictly", False) is True:
                low, high = None if low is None else low + 1, None if high is None else high - 1
            return {**acting("length"), **_some(minimum=low, maximum=high)}
        case "dbt_expectations.expect_column_value_lengths_to_equal" if column and isinstance(
            count := take("value"), int
        ):
            return {**acting("length"), "minimum": count, "maximum": count}
        case "dbt_expectations.expect_column_values_to_match_regex" if column and isinstance(
            pattern := take("regex"), str
        ):
            return {**acting("pattern"), "pattern": whole_of(pattern)}
        case "dbt_expectations.expect_column_values_to_not_match_regex" if column and isinstance(
            pattern := take("regex"), str
        ):
            return expression(f"NOT regexp_matches({column}, {_sql(pattern)})")
        case "dbt_expectations.expect_table_row_count_to_be_between":
            low, high = take("min_value"), take("max_value")
            if high is not None and test.level == "error" and "most" not in test.config:
                draft.lose(test.line, f"severity of the upper bound of '{test.name or test.kind}'", "it only warns in a contract",
                           "Write a no_rows check to stop at it.")  # fmt: skip
            return {"check": "row_count", **_some(minimum=low, maximum=high)} if not low is high is None else None
        case "dbt_expectations.expect_table_row_count_to_equal" if isinstance(count := take("value"), int):
            return {"check": "row_count", "minimum": count, "maximum": count}
        case "dbt_expectations.expect_column_to_exist" if column:
            draft.column(column)
            return {}
        case "dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B":
            left, right = sql_names(str(take("column_A"))), sql_names(str(take("column_B")))
            operator = ">=" if take("or_equal", False) else ">"
            return {**acting("compare"), "left": left, "operator": operator, "right": right} if left and right else None
        case "dbt_expectations.expect_column_pair_values_to_be_equal":
            left, right = sql_names(str(take("column_A"))), sql_names(str(take("column_B")))
            return {**acting("compare"), "left": left, "operator": "=", "right": right} if left and right else None
    return None


def _relationship(test: DbtTest, take: Any, acting: Any) -> dict[str, Any] | None:
    """A foreign key, to a dataset of the product (`ref`) or to a release of another (`source`)."""
    to, field = str(take("to", "")), take("field")
    fields = field if isinstance(field, list) else [field]
    columns = take("columns") or [test.column]
    one = re.fullmatch(r"""\s*ref\(\s*['"](\w+)['"]\s*\)\s*""", to)
    two = re.fullmatch(r"""\s*source\(\s*['"](\w+)['"]\s*,\s*['"](\w+)['"]\s*\)\s*""", to)
    dataset = one[1] if one else None
    if two:
        dataset = two[2].replace("__", ".", 1) if two[1] == "release" and "__" in two[2] else two[2]
    references = [sql_names(str(name)) for name in fields]
    if dataset is None or not all(references) or not all(columns):
        return None
    return {**acting("foreign_key", row=False), "columns": columns, "dataset": dataset, "references": references}


def _values(values: list[Any], *, quoted: bool, as_text: bool) -> list[Any] | None:
    """The values of a list; where they are not quoted by dbt, texts are SQL. `None` for SQL that is no plain value."""
    if quoted:
        return [str(value) if as_text else value for value in values]
    found: list[Any] = []
    for value in values:
        if isinstance(value, str):
            text = re.fullmatch(r"'((?:[^']|'')*)'", value.strip())
            truth = {"true": True, "false": False}.get(value.strip().lower())
            number = plain_number(value)
            plain = text[1].replace("''", "'") if text else truth if truth is not None else number
            if plain is None:
                return None
            found.append(plain)
        else:
            found.append(value)
    return found


_UNSAID = object()
_BOUND = re.compile(
    r"(?:DATE|TIMESTAMP|TIME|CAST\()?\s*'((?:[^']|'')*)'(?:\s*::\s*\w+|\s+AS\s+\w+\s*\))?", re.IGNORECASE
)
_ZONED = re.compile(r"timezone\('[^']*', TIMESTAMP '([^']*)'\)")


def _bound(value: Any) -> Any:
    """A bound as a contract writes it; `_UNSAID` for SQL that is no plain value."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    text = str(value).strip()
    zoned = _ZONED.fullmatch(text)
    if zoned:
        return zoned[1]
    plain = _BOUND.fullmatch(text)
    if plain:
        return plain[1].replace("''", "'")
    number = plain_number(text)
    return _UNSAID if number is None else number


def _some(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _sql(value: Any) -> str:
    from civicops.checks.sql import literal  # noqa: PLC0415 - beside its one use

    return literal(value)
