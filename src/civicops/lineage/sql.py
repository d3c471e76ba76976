"""Column lineage of one SELECT: which columns of which tables each of its columns, and its choice of rows, is made of.

Belongs here: walking a statement's scopes as sqlglot resolves them (CTEs, joins, unions, windows, stars, correlated
subqueries). Does not belong here: where the SQL comes from (`models`, `readers`), what the tables are (`describe`).

What decides rows (WHERE, HAVING, QUALIFY, ON, GROUP BY, DISTINCT, LIMIT) counts for every column of the statement and is kept
once, in `rows`, not once per column. So does which rows a table it reads has.

The condition of a LEFT JOIN drops no row: it decides which values are found in the joined table, or that none are. So the columns
that are taken from there depend on it by their values; as those of a lookup do, which is asked by it however it is joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from civicops.lineage.steps import read_by_function
from civicops.lineage.values import How, Input, LineageError, QueryLineage, merged, through

Tables = Mapping[str, Sequence[str]]
"""Columns of each table the SQL may read, by its name without the catalogue: `accepted.cases`."""

_SUBQUERIES = (exp.Subquery, exp.Exists, exp.Select, exp.SetOperation)


def query_lineage(sql: str, tables: Tables) -> QueryLineage:
    """The lineage of a SELECT in DuckDB's SQL. Names are compared without case.

    Raises `LineageError` for SQL that cannot be read, a table that is not in `tables`, or a column that no table has: what
    cannot be followed is said, not left out.
    """
    try:
        tree = _parsed(sql)
        names = _tables_of(tree)
        unknown = sorted(name for name in names if name not in tables)
        if unknown:
            raise LineageError(f"reads {', '.join(unknown)}, which is not known.", hint="Declare it, or mend the name.")
        tree = qualify(tree, dialect="duckdb", schema=_schema(tables, names), quote_identifiers=False, identify=False)
        scope = build_scope(tree)
    except SqlglotError as error:
        raise LineageError(f"cannot be followed: {_first_line(error)}", hint="Mend the SQL.") from error
    if scope is None:
        raise LineageError("is no SELECT.", hint="A model is one SELECT.")
    found = _Walker(tables).outputs(scope)
    return QueryLineage({name: dict(inputs) for name, inputs in found.columns.items()}, dict(found.rows))


def tables_read(sql: str) -> set[str]:
    """The tables that a statement names, as `schema.table`, without its own CTEs. Raises `LineageError` as above."""
    try:
        return _tables_of(_parsed(sql))
    except SqlglotError as error:
        raise LineageError(f"cannot be read: {_first_line(error)}", hint="Mend the SQL.") from error


def _parsed(sql: str) -> exp.Expression:
    tree = parse_one(sql, dialect="duckdb")
    if not isinstance(tree, exp.Query):
        raise LineageError("is no SELECT.", hint="A model is one SELECT.")
    return _plain(cast("exp.Expression", tree))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].replace("\x1b[4m", "").replace("\x1b[0m", "")


def _plain(tree: exp.Expression) -> exp.Expression:
    """Without catalogues, and with functions of a schema (`geo.day_of__council(...)`) under a name of their own."""
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
        if isinstance(table.this, exp.Identifier) and not table.db and table.name not in _cte_names(tree):
            table.set("db", exp.to_identifier("main"))
    for dot in list(tree.find_all(exp.Dot)):
        if isinstance(dot.expression, exp.Anonymous):
            dot.replace(dot.expression.copy())
    return tree


def _cte_names(tree: exp.Expression) -> set[str]:
    return {cte.alias.lower() for cte in tree.find_all(exp.CTE)} | {cte.alias for cte in tree.find_all(exp.CTE)}


def _tables_of(tree: exp.Expression) -> set[str]:
    return {
        f"{table.db}.{table.name}".lower()
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and table.db
    }


def _schema(tables: Tables, names: Iterable[str]) -> dict[str, object]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name in names:
        schema, _, table = name.partition(".")
        found.setdefault(schema, {})[table] = dict.fromkeys((column.lower() for column in tables[name]), "VARCHAR")
    return cast("dict[str, object]", found)


class _Outputs:
    """What a scope or table gives: inputs by column, and the inputs of its choice of rows."""

    def __init__(
        self, columns: dict[str, dict[Input, How]], rows: dict[Input, How], *, any_column: bool = False
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.any_column = any_column
        """A function's table has columns that nobody declared; each depends on all that the function is given."""

    def column(self, name: str) -> dict[Input, How]:
        if name in self.columns:
            return self.columns[name]
        if self.any_column:
            return self.rows
        raise LineageError(f"column '{name}' is not among {', '.join(self.columns)}.", hint="Mend the SQL.")


class _Walker:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.done: dict[int, _Outputs] = {}
        self.found_by: dict[tuple[int, str], dict[Input, How]] = {}
        """By scope and name of a joined table: what decides which of its values are found."""

    def outputs(self, scope: Scope) -> _Outputs:
        """What a scope gives, looked at once."""
        key = id(scope)
        if key not in self.done:
            # A recursive CTE reads itself: what it gives so far is nothing, then what its first round gave.
            self.done[key] = _Outputs({}, {}, any_column=True)
            found = self._of(scope)
            if scope.is_cte and any(source is scope for source in scope.sources.values()):
                self.done[key] = found
                found = self._of(scope)
            self.done[key] = found
        return self.done[key]

    def _of(self, scope: Scope) -> _Outputs:
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            return self._of_union(scope, expression)
        if isinstance(expression, exp.Select):
            return self._of_select(scope, expression)
        if isinstance(expression, exp.Subquery) and len(scope.subquery_scopes) == 1:
            return self.outputs(scope.subquery_scopes[0])
        given = self.inputs(cast("exp.Expression", expression), scope.parent or scope)
        return _Outputs({}, through(given, "derived"), any_column=True)

    def _of_union(self, scope: Scope, expression: exp.SetOperation) -> _Outputs:
        left, right = (self.outputs(part) for part in scope.set_operation_scopes)
        if expression.args.get("by_name"):
            names = list(dict.fromkeys([*left.columns, *right.columns]))
            columns = {name: merged([left.columns.get(name, {}), right.columns.get(name, {})]) for name in names}
        else:
            pairs = zip(left.columns, left.columns.values(), right.columns.values(), strict=False)
            columns = {name: merged([one, other]) for name, one, other in pairs}
        rows = merged([left.rows, right.rows])
        if expression.args.get("distinct") or isinstance(expression, (exp.Except, exp.Intersect)):
            rows = merged([rows, *(through(inputs, "grouped") for inputs in columns.values())])
        if not isinstance(expression, exp.Union):
            # What is taken away, or kept, is decided by the values of both sides.
            rows = merged([rows, *(through(inputs, "filtered") for inputs in right.columns.values())])
            columns = dict(left.columns)
        return _Outputs(columns, rows)

    def _of_select(self, scope: Scope, select: exp.Select) -> _Outputs:
        rows: list[Mapping[Input, How]] = [
            self._source(source).rows for _, source in (scope.selected_sources or {}).values()
        ]
        self._note_found(select, scope)
        columns: dict[str, dict[Input, How]] = {}
        for number, projection in enumerate(select.expressions):
            inner = projection.this if isinstance(projection, exp.Alias) else projection
            named = isinstance(projection, (exp.Alias, exp.Column))
            name = projection.alias_or_name.lower() if named else f"_col_{number}"
            # Branches of a union may repeat a name, or have none: there only the place counts.
            columns[name if name not in columns else f"{name}_{number}"] = self._value(inner, scope)
        for clause in ("where", "having", "qualify"):
            if (node := select.args.get(clause)) is not None:
                rows.append(through(self.inputs(node.this, scope), "filtered"))
        for join in select.args.get("joins") or ():
            if join.args.get("on") is not None:
                rows.append(through(self.inputs(join.args["on"], scope), "joined"))
        rows.append(through(self._grouping(select, scope), "grouped"))
        if scope.pivots:
            rows.append(through(self._pivoted(scope), "grouped"))
        if select.args.get("distinct"):
            rows += [through(inputs, "grouped") for inputs in columns.values()]
        if select.args.get("limit") is not None and (order := select.args.get("order")) is not None:
            rows.append(through(self.inputs(order, scope), "filtered"))
        return _Outputs(columns, merged(rows))

    def _note_found(self, select: exp.Select, scope: Scope) -> None:
        """Note by what the values of joined tables are found, in the order of the joins: one may lead to the next."""
        given = select.args.get("from_") or select.args.get("from")
        before = [given.this.alias_or_name] if given is not None else []
        for join in select.args.get("joins") or ():
            name, on, side = join.this.alias_or_name, join.args.get("on"), join.side
            found = [name] if side in ("LEFT", "FULL") or getattr(join.this, "db", "") == "lookup" else []
            found += before if side in ("RIGHT", "FULL") else []
            if on is not None and found:
                by = through(self.inputs(on, scope), "derived")
                for table in found:
                    key = (id(scope), table)
                    self.found_by[key] = merged([self.found_by.get(key, {}), by])
            before.append(name)

    def _grouping(self, select: exp.Select, scope: Scope) -> dict[Input, How]:
        group = select.args.get("group")
        if group is None:
            return {}
        if group.args.get("all"):
            plain = [item for item in select.expressions if not item.find(exp.AggFunc)]
            return merged(self.inputs(item, scope) for item in plain)
        given = dict(self.inputs(group, scope))
        for item in group.expressions:
            if isinstance(item, exp.Literal) and item.is_int:
                given = merged([given, self.inputs(select.expressions[int(item.name) - 1], scope)])
        return given

    def _value(self, expression: exp.Expression, scope: Scope) -> dict[Input, How]:
        """The inputs of one value: the column's own where the expression is nothing but a column."""
        bare = expression
        while isinstance(bare, exp.Paren):
            bare = bare.this
        if isinstance(bare, exp.Column):
            return self._resolve(bare, scope)
        many = bare.find(exp.AggFunc, exp.Window) is not None
        return through(self.inputs(bare, scope), "aggregated" if many else "derived")

    def inputs(self, expression: exp.Expression, scope: Scope) -> dict[Input, How]:
        """The inputs of everything in an expression, subqueries with all that decides their rows."""
        found: list[Mapping[Input, How]] = []
        waiting: list[Any] = [expression]
        while waiting:
            node = waiting.pop()
            if isinstance(node, exp.Column):
                found.append(self._resolve(node, scope))
                continue
            if isinstance(node, _SUBQUERIES) and (inner := self._subquery(node, scope)) is not None:
                outputs = self.outputs(inner)
                found += [through(inputs, "derived") for inputs in outputs.columns.values()]
                found.append(through(outputs.rows, "filtered"))
                continue
            if isinstance(node, exp.Anonymous):
                found.append(dict.fromkeys(read_by_function(str(node.this)), "derived"))
            waiting.extend(node.iter_expressions())
        return merged(found)

    def _subquery(self, node: exp.Expression, scope: Scope) -> Scope | None:
        inner = node
        while isinstance(inner, (exp.Subquery, exp.Exists)) and isinstance(inner.this, exp.Expression):
            inner = inner.this
        for candidate in scope.subquery_scopes:
            if candidate.expression is inner or candidate.expression is node:
                return candidate
        return None

    def _resolve(self, column: exp.Column, scope: Scope) -> dict[Input, How]:
        table, name = column.table, column.name.lower()
        at: Scope | None = scope
        while at is not None:
            if table in (at.selected_sources or {}):
                own = self._source(at.selected_sources[table][1]).column(name)
                return {**self.found_by.get((id(at), table), {}), **own}
            if any(pivot.alias == table for pivot in at.pivots):
                return self._pivoted(at)
            at = at.parent
        if not table and _is_lambda_variable(column):
            return {}
        # ORDER BY may name what the SELECT itself gives.
        for projection in scope.expression.selects if not table and isinstance(scope.expression, exp.Query) else ():
            if isinstance(projection, exp.Alias) and projection.alias.lower() == name:
                return self.inputs(projection.this, scope)
        raise LineageError(f"column '{column.sql()}' belongs to no table.", hint="Name its table.")

    def _pivoted(self, scope: Scope) -> dict[Input, How]:
        """Of a table that PIVOT or UNPIVOT turned round, each column may be made of each."""
        sources = [self._source(source) for _, source in (scope.selected_sources or {}).values()]
        every = [of for source in sources for of in source.columns.values()]
        return through(merged([*every, *(source.rows for source in sources)]), "aggregated")

    def _source(self, source: exp.Expression | Scope) -> _Outputs:
        if isinstance(source, Scope):
            return self.outputs(source)
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            name = f"{source.db}.{source.name}".lower()
            columns: dict[str, dict[Input, How]] = {c.lower(): {(name, c.lower()): "copied"} for c in self.tables[name]}
            return _Outputs(columns, {(name, None): "copied"})
        return _Outputs({}, {}, any_column=True)


def _is_lambda_variable(column: exp.Column) -> bool:
    parent = column.find_ancestor(exp.Lambda)
    return parent is not None and column.name in {item.name for item in parent.expressions}
