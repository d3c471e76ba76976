"""A SoQL tree and a dataset's columns to DuckDB SQL, with the types checked as the portal checks them.

Belongs here: names, kinds, functions, null ordering. Does not belong here: parsing (`soql`), printing values (`render`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulators.socrata import soql
from simulators.socrata.soql import SoqlError
from simulators.world.layout import Column, Kind

SYSTEM_COLUMNS: Final = (
    Column(":id", ":id", "text", '"_id"'),
    Column(":version", ":version", "text", '"_version"'),
    Column(":created_at", ":created_at", "date", '"_created"'),
    Column(":updated_at", ":updated_at", "date", '"_updated"'),
)
_STAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?Z?)?")
_AGGREGATES: Final = ("count", "max", "min", "sum", "avg")
_TRUNCATE: Final = {"date_trunc_y": "year", "date_trunc_ym": "month", "date_trunc_ymd": "day"}
_EXTRACT: Final = {
    "date_extract_y": "year",
    "date_extract_m": "month",
    "date_extract_d": "day",
    "date_extract_hh": "hour",
}


@dataclass(frozen=True)
class Output:
    """One column of an answer: its name, kind, and the SQL of its value (texts where `kind` needs no printing)."""

    name: str
    kind: Kind
    sql: str
    is_text: bool


@dataclass(frozen=True)
class Plan:
    """A query ready to run: outputs and the tail of the inner SELECT."""

    outputs: tuple[Output, ...]
    tail: str


def text_literal(value: str) -> str:
    """An SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def _mismatch(function: str, kind: str) -> SoqlError:
    return SoqlError(
        "query.soql.type-mismatch", f"Type mismatch for {function}, is {kind}", function=function, type=kind
    )


class Compiler:
    """Compiles one query against the columns of one dataset; `aliases` are the select list's own names."""

    def __init__(self, dataset_id: str, columns: Sequence[Column]) -> None:
        self.dataset_id = dataset_id
        self.columns = {c.field: c for c in columns}
        self.system = {c.field: c for c in SYSTEM_COLUMNS}
        self.aliases: dict[str, tuple[str, Kind]] = {}

    def column(self, name: str) -> Column:
        """The column called `name`. Raises SoqlError as the portal does for a column that is not there."""
        found = self.columns.get(name) or self.system.get(name)
        if found is None:
            raise SoqlError(
                "query.soql.no-such-column", f"No such column: {name}", column=name, dataset=f"alpha.{self.dataset_id}"
            )
        return found

    def value(self, expr: soql.Expr) -> tuple[str, Kind]:
        """SQL and kind of an expression. Raises SoqlError."""
        match expr:
            case soql.Literal(value=None):
                return "NULL", "none"
            case soql.Literal(value=bool() as flag):
                return ("TRUE" if flag else "FALSE"), "checkbox"
            case soql.Literal(value=str() as text, is_number=is_number):
                return (text, "number") if is_number else (text_literal(text), "text")
            case soql.Name(name=name):
                if name in self.aliases:
                    return self.aliases[name]
                column = self.column(name)
                return f"({column.stored})", column.kind
            case soql.Call():
                return self._call(expr)
            case soql.Binary():
                return self._binary(expr)
            case soql.Not(inner=inner):
                return f"(NOT {self.truth(inner)})", "checkbox"
            case soql.IsNull(inner=inner, negated=negated):
                return f"({self._printed(inner)} IS {'NOT ' if negated else ''}NULL)", "checkbox"
            case soql.In(inner=inner, options=options, negated=negated):
                left, kind = self.value(inner)
                listed = ", ".join(self._as(o, kind, "op$IN") for o in options)
                return f"({left} {'NOT ' if negated else ''}IN ({listed}))", "checkbox"
            case soql.Between(inner=inner, low=low, high=high, negated=negated):
                left, kind = self.value(inner)
                bounds = f"{self._as(low, kind, 'op$BETWEEN')} AND {self._as(high, kind, 'op$BETWEEN')}"
                return f"({left} {'NOT ' if negated else ''}BETWEEN {bounds})", "checkbox"
        raise SoqlError("query.soql.star-not-allowed", "Star selections are only allowed in a select list")

    def _printed(self, expr: soql.Expr) -> str:
        """For `is null`: points store nothing themselves, so ask for what would be printed."""
        if isinstance(expr, soql.Name) and expr.name not in self.aliases:
            column = self.column(expr.name)
            return f"({column.api_text()})" if column.kind in ("point", "location") else f"({column.stored})"
        return self.value(expr)[0]

    def truth(self, expr: soql.Expr) -> str:
        """SQL of a condition. Raises SoqlError for an expression that is not one."""
        sql, kind = self.value(expr)
        if kind not in ("checkbox", "none"):
            raise _mismatch("#WHERE", kind)
        return sql

    def _as(self, expr: soql.Expr, kind: Kind, function: str) -> str:
        """SQL of an operand that meets a value of `kind`; texts become dates beside dates."""
        sql, own = self.value(expr)
        if own in (kind, "none") or kind == "none":
            return sql
        if kind == "date" and isinstance(expr, soql.Literal) and isinstance(expr.value, str) and own == "text":
            if _STAMP.fullmatch(expr.value) is None:
                raise _mismatch(function, "text")
            return f"CAST({sql} AS TIMESTAMP)"
        if kind == "number" and own == "text" and isinstance(expr, soql.Literal) and isinstance(expr.value, str):
            if re.fullmatch(r"-?\d+(\.\d+)?", expr.value) is None:
                raise _mismatch(function, "text")
            return expr.value
        raise _mismatch(function, own)

    def _binary(self, expr: soql.Binary) -> tuple[str, Kind]:
        if expr.op in ("and", "or"):
            return f"({self.truth(expr.left)} {expr.op.upper()} {self.truth(expr.right)})", "checkbox"
        if expr.op in soql.COMPARISONS:
            left, kind = self.value(expr.left)
            if isinstance(expr.left, soql.Literal) and not isinstance(expr.right, soql.Literal):
                right, kind = self.value(expr.right)
                return f"({self._as(expr.left, kind, f'op${expr.op}')} {expr.op} {right})", "checkbox"
            return f"({left} {expr.op} {self._as(expr.right, kind, f'op${expr.op}')})", "checkbox"
        if expr.op == "like":
            return f"({self._of(expr.left, 'text', 'like')} LIKE {self._of(expr.right, 'text', 'like')})", "checkbox"
        if expr.op == "||":
            return f"({self._of(expr.left, 'text', '||')} || {self._of(expr.right, 'text', '||')})", "text"
        left, right = (self._of(side, "number", f"op${expr.op}") for side in (expr.left, expr.right))
        return f"({left} {expr.op} {right})", "number"

    def _of(self, expr: soql.Expr, kind: Kind, function: str) -> str:
        sql, own = self.value(expr)
        if own not in (kind, "none"):
            raise _mismatch(function, own)
        return sql

    def _call(self, expr: soql.Call) -> tuple[str, Kind]:
        name, args = expr.name, expr.args
        if name == "count" and len(args) == 1:
            inner = "*" if isinstance(args[0], soql.Star) else self._printed(args[0])
            return f"count({inner})", "number"
        if name in _AGGREGATES and len(args) == 1:
            sql, kind = self.value(args[0])
            if name in ("sum", "avg") and kind != "number":
                raise _mismatch(name, kind)
            return f"{name}({sql})", kind
        if name in ("starts_with", "contains") and len(args) == 2:
            left, right = (self._of(a, "text", name) for a in args)
            return f"{name}({left}, {right})", "checkbox"
        if name in ("lower", "upper") and len(args) == 1:
            return f"{name}({self._of(args[0], 'text', name)})", "text"
        if name == "length" and len(args) == 1:
            return f"length({self._of(args[0], 'text', name)})", "number"
        if name in _TRUNCATE and len(args) == 1:
            return f"date_trunc('{_TRUNCATE[name]}', {self._of(args[0], 'date', name)})", "date"
        if name in _EXTRACT and len(args) == 1:
            return f"date_part('{_EXTRACT[name]}', {self._of(args[0], 'date', name)})", "number"
        raise SoqlError("query.soql.no-such-function", f"No such function '{name}/{len(args)}'", function=name)

    def output(self, item: soql.Selected) -> Output:
        """One item of the select list as a column of the answer, named as the portal names it."""
        expr = item.expr
        if isinstance(expr, soql.Name) and expr.name not in self.aliases:
            return self.plain(self.column(expr.name), item.alias)
        sql, kind = self.value(expr)
        return Output(item.alias or default_name(expr), kind, sql, is_text=False)

    def plain(self, column: Column, alias: str | None = None) -> Output:
        """A column as it is."""
        name = alias or column.field
        if column.kind in ("point", "location", "none") or (column.exact is not None and column.kind == "number"):
            return Output(name, column.kind, column.api_text(), is_text=True)
        return Output(name, column.kind, column.stored, is_text=False)

    def outputs(self, query: soql.Query) -> tuple[Output, ...]:
        """The columns of the answer; an empty select list means every column."""
        out: list[Output] = []
        for item in query.select or (soql.Selected(soql.Star(), None),):
            if isinstance(item.expr, soql.Star):
                source = self.system if item.expr.system else self.columns
                out += [self.plain(c) for c in source.values()]
            else:
                made = self.output(item)
                out.append(made)
                if item.alias:
                    self.aliases[item.alias] = (f"({made.sql})", made.kind)
        seen = [o.name for o in out]
        for name in seen:
            if seen.count(name) > 1:
                raise SoqlError("query.soql.duplicate-alias", f"Duplicate column alias: {name}", name=name)
        return tuple(out)

    def plan(self, query: soql.Query, default_order: str) -> Plan:
        """The whole query. Raises SoqlError."""
        where = "" if query.where is None else f" WHERE {self.truth(query.where)}"
        outputs = self.outputs(query)
        group = ", ".join(self.value(g)[0] for g in query.group)
        having = "" if query.having is None else f" HAVING {self.truth(query.having)}"
        aggregated = bool(group) or any(_has_aggregate(s.expr) for s in query.select)
        keys = []
        for item in query.order:
            direction = "DESC NULLS FIRST" if item.descending else "ASC NULLS LAST"
            keys.append(f"{self.value(item.expr)[0]} {direction}")
        if not aggregated:
            keys.append(default_order)
        order = f" ORDER BY {', '.join(keys)}" if keys else ""
        limit = "" if query.limit is None else f" LIMIT {query.limit}"
        offset = f" OFFSET {query.offset}" if query.offset else ""
        return Plan(outputs, where + (f" GROUP BY {group}" if group else "") + having + order + limit + offset)


def _has_aggregate(expr: soql.Expr) -> bool:
    match expr:
        case soql.Call(name=name, args=args):
            return name in _AGGREGATES or any(_has_aggregate(a) for a in args)
        case soql.Binary(left=left, right=right):
            return _has_aggregate(left) or _has_aggregate(right)
        case soql.Not(inner=inner) | soql.IsNull(inner=inner):
            return _has_aggregate(inner)
    return False


def default_name(expr: soql.Expr) -> str:
    """The name of an expression without alias: `count`, `max_createddate`."""
    if isinstance(expr, soql.Call):
        parts = [expr.name, *(a.name.lstrip(":") for a in expr.args if isinstance(a, soql.Name))]
        return "_".join(parts)
    return "expression"
