"""From contracts to a dbt `schema.yml` (dbt 1.9 and later: `data_tests` with `arguments`, names and descriptions).

Belongs here: which dbt test says which check, and what none says. Does not belong here: reading such a file
(`exchange_dbt_in`).

Tests of dbt itself are used where there is one, then those of the packages `dbt_utils` and `dbt_expectations`. What only we
understand (the action, the id of a lookup) stands in a test's `meta`, which dbt keeps and ignores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from civicops.checks.rules import sql_bound
from civicops.checks.sql import literal
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check, Column
from civicops.govern.exchange import OURS, Loss, Source, is_row, severity, usual_action
from civicops.govern.exchange_conditions import condition, whole_text
from civicops.govern.exchange_told import column_meta, dataset_meta, lost_parts

PACKAGES = {"dbt_utils": "dbt-labs/dbt_utils", "dbt_expectations": "metaplane/dbt_expectations"}
"""The packages whose tests are used, and where dbt finds them."""
Test = str | dict[str, Any]


def to_dbt(sources: Sequence[Source]) -> tuple[dict[str, Any], tuple[Loss, ...]]:
    """One `schema.yml` of one model per contract, as plain values, and what it does not say."""
    losses: list[Loss] = []
    models = [_Model(source, losses).made() for source in sources]
    return {"version": 2, "models": models}, tuple(sorted(losses))


class _Model:
    def __init__(self, source: Source, losses: list[Loss]) -> None:
        self.source, self.contract, self.losses = source, source.contract, losses

    def made(self) -> dict[str, Any]:
        contract = self.contract
        columns = {column.name: self.column(column) for column in contract.columns}
        tests: list[Test] = []
        for check in contract.checks:
            found = self.tests(check)
            if found is None:
                continue
            at = check.column if check.column in columns else _single(check)
            if at is not None and not next(iter(found[0])).endswith(
                ("expression_is_true", "combination_of_columns", "recency")
            ):
                columns[at].setdefault("data_tests", []).extend(found)
            else:
                tests.extend(found)
        self.losses += lost_parts(self.source, "dbt")
        model: dict[str, Any] = {"name": contract.dataset}
        if contract.purpose:
            model["description"] = contract.purpose
        model["config"] = {"meta": {OURS: dataset_meta(self.contract)}}
        if contract.key:
            model["constraints"] = [{"type": "primary_key", "columns": list(contract.key)}]
        if tests:
            model["data_tests"] = tests
        model["columns"] = list(columns.values())
        return model

    def column(self, column: Column) -> dict[str, Any]:
        found: dict[str, Any] = {"name": column.name, "description": column.description, "data_type": column.sql_type}
        mine = column_meta(self.contract, column)
        if mine:
            found["config"] = {"meta": {OURS: mine}}
        return found

    def lose(self, check: Check, why: str, todo: str, *, whole: bool = True) -> None:
        what = f"check '{check.id}' ({check.kind})" if whole else f"a part of check '{check.id}' ({check.kind})"
        self.losses.append(Loss(self.source.where_check(check), what, why, todo, check.id if whole else ""))

    def tests(self, check: Check) -> list[dict[str, Any]] | None:
        """The dbt tests that say a check together; `None`, and the loss noted, where none can."""
        spec = check.spec
        arguments: dict[str, Any]
        match spec:
            case ct.Required():
                return [self.test(check, "not_null", {})]
            case ct.UniqueKey(columns=(one,)):
                if not self.contract.column(one).required:
                    why = "dbt lets any number of rows be empty, a contract does not"
                    self.lose(check, why, "Make the column required as well.", whole=False)
                return [self.test(check, "unique", {})]
            case ct.UniqueKey():
                arguments = {"combination_of_columns": list(spec.columns)}
                return [self.test(check, "dbt_utils.unique_combination_of_columns", arguments)]
            case ct.Parses():
                if not check.implied:
                    self.lose(check, "in dbt rows have types already", "Check it where the rows come in.", whole=False)
                return None  # the type of the column says it, and its meta what happens
            case ct.Allowed():
                return self.allowed(check, spec)
            case ct.Range():
                column = self.contract.column(str(check.column))
                low, high = (_bare(sql_bound(column, value), value) for value in (spec.minimum, spec.maximum))
                return self.safe(check, "dbt_utils.accepted_range", _given(min_value=low, max_value=high))
            case ct.Length():
                arguments = _given(min_value=spec.minimum, max_value=spec.maximum)
                return [self.test(check, "dbt_expectations.expect_column_value_lengths_to_be_between", arguments)]
            case ct.Pattern():
                if "'" in spec.pattern:
                    self.lose(
                        check,
                        "dbt puts patterns between ' and escapes none in them",
                        "Write \\x27 for ' in the pattern.",
                    )
                    return None
                name = "dbt_expectations.expect_column_values_to_match_regex"
                return self.safe(check, name, {"regex": whole_text(spec.pattern)})
            case ct.Compare() | ct.Inside() | ct.Paired() | ct.Expression():
                return self.safe(check, "dbt_utils.expression_is_true", {"expression": condition(spec)})
            case ct.ForeignKey(columns=(one,), references=(other,)):
                inner = spec.dataset.removeprefix(f"{self.contract.product}.")
                to = f"ref('{inner}')" if "." not in inner else f"source('release', '{inner.replace('.', '__')}')"
                return [self.test(check, "relationships", {"to": to, "field": other})]
            case ct.RowCount():
                name = "dbt_expectations.expect_table_row_count_to_be_between"
                return self.pair(check, name, _given(min_value=spec.minimum), _given(max_value=spec.maximum), "warn")
            case ct.NullShare():
                low = {} if spec.minimum is None else {"at_least": 0, "at_most": _rest(spec.minimum)}
                high = {} if spec.maximum is None else {"at_least": _rest(spec.maximum)}
                return self.pair(check, "dbt_utils.not_null_proportion", low, high, severity(spec.action))
            case ct.Freshness() if float(spec.maximum_hours).is_integer():
                arguments = {"field": spec.column, "datepart": "hour", "interval": int(spec.maximum_hours)}
                why = "dbt passes a table without any row"
                self.lose(check, why, "Add a row count of at least 1.", whole=False)
                return [self.test(check, "dbt_utils.recency", arguments)]
        self.lose(check, *_WHY.get(check.kind, ("dbt has no test that says it", "Keep it in the contract.")))
        return None

    def allowed(self, check: Check, spec: ct.Allowed) -> list[dict[str, Any]] | None:
        values = spec.values or self.source.lookups[str(spec.lookup), str(spec.lookup_column)]
        # dbt puts values between ' without looking into them, and numbers as they are.
        plain = all(isinstance(value, str) and "'" not in value for value in values)
        arguments: dict[str, Any] = {"values": list(values)}
        if not plain:
            told = [value if type(value) in (int, float) else literal(value) for value in values]
            arguments = {"values": told, "quote": False}
        extra = {"lookup": spec.lookup, "lookupColumn": spec.lookup_column} if spec.lookup else {}
        if spec.lookup:
            why = f"it holds the values that lookup '{spec.lookup}' has today"
            self.lose(check, why, "Export again when the lookup changes.", whole=False)
        return self.safe(check, "accepted_values", arguments, extra=extra)

    def safe(
        self, check: Check, name: str, arguments: dict[str, Any], *, extra: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]] | None:
        """A test whose texts dbt does not take for a template."""
        if any(mark in str(arguments) for mark in ("{{", "{%", "{#")):
            self.lose(check, "dbt takes {{, {% and {# for the beginning of a template", "Say it without them.")
            return None
        return [self.test(check, name, arguments, extra=extra)]

    def pair(
        self, check: Check, name: str, low: dict[str, Any], high: dict[str, Any], level: str
    ) -> list[dict[str, Any]]:
        """Two tests for two bounds that are broken differently: the lower one stops, the upper one has its own severity."""
        tests = []
        if low:
            tests.append(self.test(check, name, low, level="error"))
        if high:
            tests.append(self.test(check, name, high, level=level, suffix="__most" if low else ""))
        return tests

    def test(
        self,
        check: Check,
        name: str,
        arguments: Mapping[str, Any],
        *,
        extra: Mapping[str, Any] | None = None,
        level: str = "",
        suffix: str = "",
    ) -> dict[str, Any]:
        spec, mine = check.spec, dict(extra or {})
        found = level or severity(check.action)
        if not isinstance(spec, ct.RowCount) and check.action != usual_action(
            found, self.contract.layer, row=is_row(check)
        ):
            mine["action"] = check.action
        if isinstance(spec, ct.Compare | ct.Inside | ct.Paired | ct.Expression):
            mine["check"] = check.kind
            if check.column:
                mine["column"] = check.column
            if spec.blanks:
                mine["blanks"] = list(spec.blanks)
        if check.dimension and not check.implied:
            mine["dimension"] = check.dimension
        if check.action in ("blank", "quarantine"):
            does = "empties the value" if check.action == "blank" else "holds the row back"
            why = f"dbt only tells of rows that break it, where the contract {does}"
            if not check.implied and not suffix:
                self.lose(check, why, "Run the rows through civicops, or write a model that does it.", whole=False)
        test: dict[str, Any] = {
            "name": f"{self.contract.dataset}__{check.id}{suffix}",
            "description": check.description,
        }
        if arguments:
            test["arguments"] = dict(arguments)
        config: dict[str, Any] = {"severity": "warn"} if found == "warn" else {}
        if mine:
            config["meta"] = {OURS: mine}
        return {name: test | ({"config": config} if config else {})}


_WHY = {
    "local_time": ("in dbt the time as it was written is gone", "Check it where the rows come in."),
    "quarantine_share": ("dbt holds no rows back", "Keep it in the contract."),
    "conservation": ("dbt does not know what came in", "Keep it in the contract."),
    "no_rows": ("a schema.yml holds no query", "Write its query as a file in the folder `tests` of the dbt project."),
    "foreign_key": ("dbt relates one column with one column", "Join both columns into one in the models."),
    "freshness": ("dbt counts whole hours", "Promise a whole number of hours."),
}


def _single(check: Check) -> str | None:
    spec = check.spec
    if isinstance(spec, ct.UniqueKey | ct.ForeignKey) and len(spec.columns) == 1:
        return spec.columns[0]
    return spec.column if isinstance(spec, ct.NullShare) else None


def _bare(sql: str | None, value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and sql == repr(value) else sql


def _given(**values: object) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _rest(share: float) -> float:
    return round(1 - share, 12)
