"""The rules of contracts/requests.yaml in the words of each library that bench/checks.py compares with.

The kinds of check with parameters are taken from the contract; only what the contract says as an SQL expression is written out
again for libraries that have no SQL (`FREE`). Belongs here: rules. Does not belong here: running them (`checks_contenders`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from civicops.checks.compile import HOLDING, OF_TEXT
from civicops.contracts import Check, load_contract
from civicops.contracts import checktypes as ct

CONTRACT = load_contract(Path(__file__).parent / "contracts" / "requests.yaml")
CHECKS = tuple(check for check in CONTRACT.row_checks if check.kind not in OF_TEXT)
HELD_BY = tuple(check.id for check in CHECKS if check.action in HOLDING)
FREE = ("address_with_zip", "open_without_closed_date", "closed_with_closed_date")
"""Checks that the contract says as SQL expressions."""


def _bound(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def pandera_schema(pa: Any, rules: Mapping[str, Any]) -> Any:
    """The library's own checks where it has them, a function of the table for the others."""
    of_column: dict[str, list[Any]] = {}
    required = {check.column for check in CHECKS if isinstance(check.spec, ct.Required)}
    for check in CHECKS:
        column, known, spec = check.column or "", {"error": check.id}, check.spec
        match spec:
            case ct.Allowed():
                of_column.setdefault(column, []).append(pa.Check.isin(list(spec.values), **known))
            case ct.Range():
                made = pa.Check.in_range(_bound(spec.minimum), _bound(spec.maximum), **known)
                of_column.setdefault(column, []).append(made)
            case ct.Length():
                of_column.setdefault(column, []).append(pa.Check.str_length(spec.minimum, spec.maximum, **known))
            case ct.Pattern():
                of_column.setdefault(column, []).append(pa.Check.str_matches(f"^(?:{spec.pattern})$", **known))
    whole = [pa.Check(rule, error=name, ignore_na=False) for name, rule in rules.items()]
    columns = {
        c.name: pa.Column(checks=of_column.get(c.name, []), nullable=c.name not in required) for c in CONTRACT.columns
    }
    return pa.DataFrameSchema(columns, checks=whole)


def ids_of(columns: Any, names: Any) -> list[str]:
    required = {check.column: check.id for check in CHECKS if isinstance(check.spec, ct.Required)}
    return [required[column] if name == "not_nullable" else name for column, name in zip(columns, names, strict=True)]


def pandas_rules() -> dict[str, Any]:
    """Rules over a whole row: true where a row of a pandas table keeps them."""
    compare = {">=": "ge", "<=": "le"}

    def rule(check: Check) -> Any:
        match spec := check.spec:
            case ct.Compare():
                keeps = compare[spec.operator]
                return lambda t: (
                    getattr(t[spec.left], keeps)(t[spec.right]) | t[spec.left].isna() | t[spec.right].isna()
                )
            case ct.Paired():
                return lambda t: t[spec.columns[0]].isna() == t[spec.columns[1]].isna()
            case ct.Inside():
                return lambda t: (
                    (t[spec.longitude].between(spec.west, spec.east) | t[spec.longitude].isna())
                    & (t[spec.latitude].between(spec.south, spec.north) | t[spec.latitude].isna())
                )
        return {
            "address_with_zip": lambda t: t["address"].str.contains(", ", regex=False).fillna(True).astype(bool),
            "open_without_closed_date": lambda t: t["closed_at"].isna() | ~t["status"].isin(["Open", "Pending"]),
            "closed_with_closed_date": lambda t: t["closed_at"].notna() | (t["status"] != "Closed"),
        }[check.id]

    kinds = (ct.Compare, ct.Paired, ct.Inside, ct.Expression)
    return {check.id: rule(check) for check in CHECKS if isinstance(check.spec, kinds)}


def polars_rules() -> dict[str, Any]:
    """The same for polars: functions from pandera's data object to a lazy frame of one boolean column."""
    pl = import_module("polars")

    def expression(check: Check) -> Any:
        match spec := check.spec:
            case ct.Compare():
                left, right = pl.col(spec.left), pl.col(spec.right)
                return left >= right if spec.operator == ">=" else left <= right
            case ct.Paired():
                return pl.col(spec.columns[0]).is_null() == pl.col(spec.columns[1]).is_null()
            case ct.Inside():
                return pl.col(spec.longitude).is_between(spec.west, spec.east).fill_null(True) & pl.col(
                    spec.latitude
                ).is_between(spec.south, spec.north).fill_null(True)
        return {
            "address_with_zip": pl.col("address").str.contains(", ", literal=True),
            "open_without_closed_date": pl.col("closed_at").is_null() | ~pl.col("status").is_in(["Open", "Pending"]),
            "closed_with_closed_date": pl.col("closed_at").is_not_null() | (pl.col("status") != "Closed"),
        }[check.id]

    def rule(check: Check) -> Any:
        kept = expression(check).fill_null(True)
        return lambda data: data.lazyframe.select(kept)

    kinds = (ct.Compare, ct.Paired, ct.Inside, ct.Expression)
    return {check.id: rule(check) for check in CHECKS if isinstance(check.spec, kinds)}


def expectations(ge: Any) -> list[Any]:
    """One or two expectations per check; two where a check concerns two columns, whose rows are then joined."""
    made = []
    for check in CHECKS:
        column, known, spec = check.column, {"meta": {"check": check.id}}, check.spec
        match spec:
            case ct.Required():
                made.append(ge.ExpectColumnValuesToNotBeNull(column=column, **known))
            case ct.Allowed():
                made.append(ge.ExpectColumnValuesToBeInSet(column=column, value_set=list(spec.values), **known))
            case ct.Range():
                low, high = _bound(spec.minimum), _bound(spec.maximum)
                made.append(ge.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **known))
            case ct.Length():
                made.append(
                    ge.ExpectColumnValueLengthsToBeBetween(
                        column=column, min_value=spec.minimum, max_value=spec.maximum, **known
                    )
                )
            case ct.Pattern():
                made.append(ge.ExpectColumnValuesToMatchRegex(column=column, regex=f"^(?:{spec.pattern})$", **known))
            case ct.Compare():
                high, low = (spec.left, spec.right) if spec.operator == ">=" else (spec.right, spec.left)
                made.append(
                    ge.ExpectColumnPairValuesAToBeGreaterThanB(
                        column_A=high, column_B=low, or_equal=True, ignore_row_if="either_value_is_missing", **known
                    )
                )
            case ct.Paired():
                for one, other in (spec.columns, spec.columns[::-1]):
                    made.append(_under(ge.ExpectColumnValuesToBeNull, one, f"{other}.isnull()", known))
            case ct.Inside():
                for name, low, high in (
                    (spec.longitude, spec.west, spec.east),
                    (spec.latitude, spec.south, spec.north),
                ):
                    made.append(ge.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high, **known))
    closed, is_open = 'status == "Closed"', 'status == "Open" or status == "Pending"'
    made.append(ge.ExpectColumnValuesToMatchRegex(column="address", regex=", ", meta={"check": FREE[0]}))
    made.append(_under(ge.ExpectColumnValuesToBeNull, "closed_at", is_open, {"meta": {"check": FREE[1]}}))
    made.append(_under(ge.ExpectColumnValuesToNotBeNull, "closed_at", closed, {"meta": {"check": FREE[2]}}))
    return made


def _under(expectation: Any, column: str, condition: str, known: Mapping[str, Any]) -> Any:
    return expectation(column=column, row_condition=condition, condition_parser="pandas", **known)


def dbt_project(file: Path, folder: Path) -> None:
    """A project with one view on the file and one generic test per check, failures kept as tables."""
    tests: dict[str | None, list[Any]] = {}
    for check in CHECKS:
        known = {"name": check.id, "config": {"severity": "warn", "store_failures": True}}
        match check.spec:
            case ct.Required():
                tests.setdefault(check.column, []).append({"not_null": known})
            case _:
                made = {"keeps": {**known, "arguments": {"condition": _condition(check)}}}
                tests.setdefault(None, []).append(made)
    columns = [{"name": name, "data_tests": of} for name, of in tests.items() if name]
    model = {"name": "requests", "columns": columns, "data_tests": tests[None]}
    profile = {"type": "duckdb", "path": str(folder / "dbt.duckdb"), "threads": os.cpu_count()}
    files = {
        "dbt_project.yml": {"name": "checks", "version": "1.0", "profile": "checks", "model-paths": ["models"]},
        "profiles.yml": {"checks": {"target": "dev", "outputs": {"dev": profile}}},
        "models/schema.yml": {"models": [model]},
    }
    for name, content in files.items():  # JSON is YAML
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "models" / "requests.sql").write_text(f"SELECT * FROM read_parquet('{file}')", encoding="utf-8")
    generic = folder / "tests" / "generic" / "keeps.sql"
    generic.parent.mkdir(parents=True)
    generic.write_text(
        "{% test keeps(model, condition) %}SELECT * FROM {{ model }} WHERE NOT ({{ condition }}){% endtest %}",
        encoding="utf-8",
    )


def _condition(check: Check) -> str:
    """The rule as a dbt user would write it."""
    spec, column = check.spec, check.column
    match spec:
        case ct.Allowed():
            return f"{column} IN ({', '.join(repr(value) for value in spec.values)})"
        case ct.Range():
            low, high = (f"TIMESTAMP '{v}'" if isinstance(v, str) else v for v in (spec.minimum, spec.maximum))
            return f"{column} BETWEEN {low} AND {high}"
        case ct.Length():
            return f"LENGTH({column}) BETWEEN {spec.minimum} AND {spec.maximum}"
        case ct.Pattern():
            return f"regexp_full_match({column}, '{spec.pattern}')"
        case ct.Compare():
            return f"{spec.left} {spec.operator} {spec.right}"
        case ct.Paired():
            return f"({spec.columns[0]} IS NULL) = ({spec.columns[1]} IS NULL)"
        case ct.Inside():
            box = f"{spec.longitude} BETWEEN {spec.west} AND {spec.east}"
            return f"{box} AND {spec.latitude} BETWEEN {spec.south} AND {spec.north}"
        case ct.Expression():
            return spec.expression
    raise TypeError(check.id)
