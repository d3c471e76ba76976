"""One row made again: the models that made a value, and the Python before them, run over the few accepted rows it comes from.

Belongs here: a database in memory with those rows, the lookups and outlines, and finding the lookup lines without which the value
would be another. Does not belong here: finding the rows (`trace`).

The SQL is the one dbt compiled, the Python the product's own, the lookups are the files, the outlines those of the warehouse, so
a value that comes out the same was made by them. Values made from many rows (counts, medians) come out otherwise, and are said
to.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.lineage.models import ModelLineage
from civicops.release.sql import identifier, literal
from civicops.workspace import Product

FEW_CELLS = 8
"""Of the grid that places points: one point needs no index."""
FEW_ROWS = 20_000
"""So many rows of a dataset are given to a product's Python where nothing says which of them it needs."""


@dataclass(frozen=True)
class LookupLine:
    """A line of a lookup file that a value hangs on: without it the value would be another."""

    lookup: str
    path: str
    line: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Replayed:
    """What the models made of the one row. `value` is as before the release's privacy rules."""

    value: Any
    lines: tuple[LookupLine, ...]


_Line: TypeAlias = tuple[str, int]
"""A lookup and the number of one of its rows, from 0."""
_NOTHING = object()
Step: TypeAlias = Callable[[duckdb.DuckDBPyConnection], None]
"""A product's Python: makes the schema `prepared` from what can be read on a connection."""


class ReplayError(Exception):
    """The row cannot be made again here; the message says why."""


def replay(
    product: Product,
    models: Mapping[str, ModelLineage],
    rows: Mapping[str, str],
    warehouse: Path,
    *,
    model: str,
    key: Mapping[str, str],
    column: str,
    lookups: Sequence[str],
    step: Step | None = None,
) -> Replayed:
    """Make `column` of the row with `key` (SQL literals) in `model` again from few accepted rows (a SELECT per dataset), and say
    which lookup lines it hangs on. `lookups` are those to look at.

    `step` is the product's Python where a model reads what it makes; then the SELECTs may read from the warehouse as `_built`,
    and a dataset without one is given whole. Raises `ReplayError` when that is not possible here.
    """
    chain = _ancestors(models, model)
    made = any(table.startswith("prepared.") for name in chain for table in _tables(models[name]))
    if made and step is None:
        raise ReplayError("a table it is made from comes from the product's Python, which does not say of which rows")
    step = step if made else None
    outlines = any("geo.area" in _tables(models[name]) for name in chain)
    # A name that stands in none of the statements is no table of theirs; reading all lookups takes longer than the models.
    named = {name for name in product.lookups if step or any(name in models[step].sql for step in chain)}
    with _database(product, rows, warehouse, lookups=named, outlines=outlines, whole=step is not None) as con:
        try:
            _run(con, models, chain, step)
            answer = _answer(con, model, key, column)
            if answer is None:
                raise ReplayError("alone, the row does not come out of its model: others decide whether it does")
            lines = _Lines(con, product, models, chain, [name for name in lookups if name in named], step).needed(
                model, key, column, answer, rows
            )
        except (duckdb.Error, CivicopsError) as error:
            raise ReplayError(str(error).splitlines()[0]) from error
    return Replayed(answer[0], lines)


def _run(
    con: duckdb.DuckDBPyConnection, models: Mapping[str, ModelLineage], chain: Sequence[str], step: Step | None
) -> None:
    if step is not None:
        step(con)
    for name in chain:
        _make(con, models[name])


@contextmanager
def _database(
    product: Product, rows: Mapping[str, str], warehouse: Path, *, lookups: Collection[str], outlines: bool, whole: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        name = identifier(product.name)
        con.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
        for schema in ("accepted", "lookup", "geo"):
            con.execute(f"CREATE SCHEMA {schema}")
        if outlines or whole:
            _attach(con, warehouse)
        for contract in product.accepted:
            table = f"_built.accepted.{identifier(contract.dataset)}"
            _accepted(con, contract, rows.get(contract.dataset, _few(con, table) if whole else None))
        for lookup in lookups:
            con.execute(
                f"CREATE TABLE lookup.{identifier(lookup)} AS SELECT * FROM read_csv({literal(str(product.lookups[lookup]))}, "
                "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
            )
        if outlines:
            _outlines(con)
        if outlines or whole:
            con.execute("DETACH _built")
        yield con


def _accepted(con: duckdb.DuckDBPyConnection, contract: Contract, row: str | None) -> None:
    kinds = {column.name: column.sql_type for column in contract.columns} | BESIDES
    listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in kinds.items())
    con.execute(f"CREATE TABLE accepted.{identifier(contract.dataset)} ({listed})")
    if row is not None:
        con.execute(f"INSERT INTO accepted.{identifier(contract.dataset)} BY NAME {row}")


def _few(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """A dataset of which nothing says which rows are needed, whole."""
    count = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    if count and count[0] > FEW_ROWS:
        raise ReplayError(f"the product's Python may read any of {count[0]:,} rows of {table.removeprefix('_built.')}")
    return f"SELECT * FROM {table}"


def _attach(con: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    if not warehouse.is_file():
        raise ReplayError("the warehouse is not there; the product's next run makes it")
    try:
        con.execute(f"ATTACH {literal(str(warehouse))} AS _built (READ_ONLY)")
    except duckdb.Error as error:
        raise ReplayError("a run of the product is under way; try again after it") from error


def _outlines(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE geo.area AS SELECT * FROM _built.geo.area")
    # It brings shapely and numpy, which most traces do without.
    from civicops.transform.placing import read_layers, register  # noqa: PLC0415

    register(con, read_layers(con, cells=FEW_CELLS), one_by_one=True)


def _ancestors(models: Mapping[str, ModelLineage], model: str) -> list[str]:
    """The models that `model` is made from, and itself, in order."""
    wanted = {model}
    for name in reversed(list(models)):
        if name in wanted:
            wanted |= {table.removeprefix("main.") for table in _tables(models[name]) if table.startswith("main.")}
    return [name for name in models if name in wanted]


def _tables(model: ModelLineage) -> set[str]:
    query = model.query
    return {table for table, _ in [*query.rows, *(item for of in query.columns.values() for item in of)]}


def _make(con: duckdb.DuckDBPyConnection, model: ModelLineage) -> None:
    con.execute(f"CREATE OR REPLACE TABLE main.{identifier(model.name)} AS {model.sql}")


def _answer(con: duckdb.DuckDBPyConnection, model: str, key: Mapping[str, str], column: str) -> tuple[Any, ...] | None:
    # Literals, no parameters: for those DuckDB imports pandas, which takes longer than all the rest.
    where = " AND ".join(f"{identifier(name)} = {value}" for name, value in key.items()) or "TRUE"
    return con.execute(f"SELECT {identifier(column)} FROM main.{identifier(model)} WHERE {where}").fetchone()


class _Lines:
    """The lines of some lookups, of which any can be left out."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, product: Product, models: Mapping[str, ModelLineage], chain: Sequence[str],
        lookups: Sequence[str], step: Step | None,
    ) -> None:  # fmt: skip
        self.con, self.product, self.models, self.step = con, product, models, step
        self.affected = _affected(models, chain, lookups, any_made=step is not None)
        self.cells: dict[_Line, dict[str, str]] = {}
        for lookup in lookups:
            table = f"lookup.{identifier(lookup)}"
            con.execute(f"CREATE TEMP TABLE {identifier('all_' + lookup)} AS SELECT rowid AS _n, * FROM {table}")
            found = con.execute(f"SELECT * FROM {identifier('all_' + lookup)}")
            names = [column[0] for column in found.description or ()]
            for row in found.fetchall():
                self.cells[lookup, int(row[0])] = {
                    name: str(value) for name, value in zip(names[1:], row[1:], strict=True) if value is not None
                }
        self.kept = set(self.cells)

    def needed(
        self, model: str, key: Mapping[str, str], column: str, answer: tuple[Any, ...], rows: Mapping[str, str]
    ) -> tuple[LookupLine, ...]:
        """The fewest lines that give the same answer, by leaving out ever smaller parts; none where no line matters."""

        def made(kept: Sequence[_Line]) -> object:
            return self._made(kept, model, key, column)

        fixed, items = self._split(made, answer) if self.step is not None else ([], list(self.cells))

        def same(kept: Sequence[_Line]) -> bool:
            return made([*fixed, *kept]) == answer

        if not items or same(()):
            return ()
        # Mostly it is a line that has a word of the row or the answer in it; where it is not, all are tried.
        likely = [item for item in self._likely(answer, rows) if item in items]
        found = _fewest(likely if likely and same(likely) else items, same)
        return tuple(self._line(*item) for item in found)

    def _split(
        self, made: Callable[[Sequence[_Line]], object], answer: tuple[Any, ...]
    ) -> tuple[list[_Line], list[_Line]]:
        """Lines without which the Python makes nothing at all, which says nothing about this value, and lines that may matter:
        whole lookups first, as most have nothing to do with it."""
        fixed: list[_Line] = []
        items: list[_Line] = []
        every = list(self.cells)
        for lookup in dict.fromkeys(name for name, _ in every):
            own = [item for item in every if item[0] == lookup]
            without = made([item for item in every if item[0] != lookup])
            if without is _NOTHING:
                for item in own:
                    is_fixed = made([other for other in every if other != item]) is _NOTHING
                    (fixed if is_fixed else items).append(item)
            elif without != answer:
                items += own
        return fixed, items

    def _made(self, kept: Sequence[_Line], model: str, key: Mapping[str, str], column: str) -> object:
        """The answer with these lines alone; `_NOTHING` where nothing can be made with them."""
        try:
            self._keep(set(kept))
        except CivicopsError:
            return _NOTHING
        return _answer(self.con, model, key, column)

    def _keep(self, kept: set[_Line]) -> None:
        for lookup in {name for name, _ in kept ^ self.kept}:
            numbers = ", ".join(str(number) for name, number in kept if name == lookup) or "-1"
            table, every = f"lookup.{identifier(lookup)}", identifier("all_" + lookup)
            self.con.execute(
                f"DELETE FROM {table}; INSERT INTO {table} SELECT * EXCLUDE (_n) FROM {every} WHERE _n IN ({numbers})"
            )
        self.kept = kept
        _run(self.con, self.models, self.affected, self.step)

    def _likely(self, answer: tuple[Any, ...], rows: Mapping[str, str]) -> list[_Line]:
        words = {_word(value) for value in answer}
        for dataset in rows:
            for row in self.con.execute(f"SELECT * FROM accepted.{identifier(dataset)}").fetchmany(10):
                words |= {_word(value) for value in row}
        words.discard("")
        return [
            item
            for item, cells in self.cells.items()
            if any(word.startswith(cell) for cell in map(_word, cells.values()) if len(cell) > 1 for word in words)
        ]

    def _line(self, lookup: str, number: int) -> LookupLine:
        path = self.product.lookups[lookup]
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            for count, row in enumerate(reader):
                if count == number:
                    return LookupLine(lookup, str(path), reader.line_num, row)
        raise ReplayError(f"the lookup {path} was changed meanwhile")


def _word(value: Any) -> str:
    return str(value).strip().upper() if value is not None else ""


def _fewest(items: list[_Line], same: Callable[[Sequence[_Line]], bool]) -> list[_Line]:
    """Leave out ever smaller parts as long as the answer stays; what is left cannot lose any of its parts."""
    size = max(1, len(items) // 2)
    while True:
        start = 0
        while start < len(items):
            rest = items[:start] + items[start + size :]
            if rest and same(rest):
                items = rest
            else:
                start += size
        if size == 1:
            return items
        size = max(1, size // 2)


def _affected(
    models: Mapping[str, ModelLineage], chain: Sequence[str], lookups: Sequence[str], *, any_made: bool
) -> list[str]:
    wanted = {f"lookup.{lookup}" for lookup in lookups}
    found: set[str] = set()
    for name in chain:
        tables = _tables(models[name])
        made = any_made and any(table.startswith("prepared.") for table in tables)
        if made or tables & wanted or any(f"main.{other}" in tables for other in found):
            found.add(name)
    return [name for name in chain if name in found]


def equal(one: Any, other: Any) -> bool:
    """Whether two values are the same, moments compared as moments."""
    if (
        isinstance(one, dt.datetime)
        and isinstance(other, dt.datetime)
        and (one.tzinfo is None) != (other.tzinfo is None)
    ):
        return one.replace(tzinfo=None) == other.replace(tzinfo=None)
    return bool(one == other)
