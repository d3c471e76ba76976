"""One row made again: the models that made a value, run over the one accepted row it comes from.

Belongs here: a database in memory with that row, the lookups and outlines, and finding the lookup lines without which the value
would be another. Does not belong here: finding the row (`trace`).

The SQL is the one dbt compiled, the lookups are the files, the outlines those of the warehouse, so a value that comes out the
same was made by them. Values made from many rows (counts, medians) come out otherwise, and are said to.
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
from civicops.lineage.models import ModelLineage
from civicops.release.sql import identifier, literal
from civicops.workspace import Product

FEW_CELLS = 8
"""Of the grid that places points: one point needs no index."""


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
) -> Replayed:
    """Make `column` of the row with `key` (SQL literals) in `model` again from few accepted rows (a SELECT per dataset), and say
    which lookup lines it hangs on. `lookups` are those to look at. Raises `ReplayError` when that is not possible here."""
    chain = _ancestors(models, model)
    if any(table.startswith("prepared.") for name in chain for table in _tables(models[name])):
        raise ReplayError("a table it is made from comes from the product's Python, which is not run for one row")
    outlines = any("geo.area" in _tables(models[name]) for name in chain)
    # A name that stands in none of the statements is no table of theirs; reading all lookups takes longer than the models.
    named = {name for name in product.lookups if any(name in models[step].sql for step in chain)}
    with _database(product, rows, warehouse, lookups=named, outlines=outlines) as con:
        try:
            for name in chain:
                _make(con, models[name])
            answer = _answer(con, model, key, column)
            if answer is None:
                raise ReplayError("alone, the row does not come out of its model: others decide whether it does")
            lines = _Lines(con, product, models, chain, [name for name in lookups if name in named]).needed(
                model, key, column, answer, rows
            )
        except duckdb.Error as error:
            raise ReplayError(str(error).splitlines()[0]) from error
    return Replayed(answer[0], lines)


@contextmanager
def _database(
    product: Product, rows: Mapping[str, str], warehouse: Path, *, lookups: Collection[str], outlines: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        name = identifier(product.name)
        con.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
        for schema in ("accepted", "lookup", "geo"):
            con.execute(f"CREATE SCHEMA {schema}")
        for contract in product.accepted:
            _accepted(con, contract, rows.get(contract.dataset))
        for lookup in lookups:
            con.execute(
                f"CREATE TABLE lookup.{identifier(lookup)} AS SELECT * FROM read_csv({literal(str(product.lookups[lookup]))}, "
                "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
            )
        if outlines:
            _outlines(con, warehouse)
        yield con


def _accepted(con: duckdb.DuckDBPyConnection, contract: Contract, row: str | None) -> None:
    kinds = {column.name: column.sql_type for column in contract.columns} | BESIDES
    listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in kinds.items())
    con.execute(f"CREATE TABLE accepted.{identifier(contract.dataset)} ({listed})")
    if row is not None:
        con.execute(f"INSERT INTO accepted.{identifier(contract.dataset)} BY NAME {row}")


def _outlines(con: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    if not warehouse.is_file():
        raise ReplayError("the warehouse that holds the outlines is not there; the product's next run makes it")
    try:
        con.execute(f"ATTACH {literal(str(warehouse))} AS _built (READ_ONLY)")
    except duckdb.Error as error:
        raise ReplayError("a run of the product is under way; try again after it") from error
    con.execute("CREATE TABLE geo.area AS SELECT * FROM _built.geo.area")
    con.execute("DETACH _built")
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
        lookups: Sequence[str],
    ) -> None:  # fmt: skip
        self.con, self.product, self.models = con, product, models
        self.affected = _affected(models, chain, lookups)
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

        def same(kept: Sequence[_Line]) -> bool:
            self._keep(set(kept))
            return _answer(self.con, model, key, column) == answer

        if not self.cells or same(()):
            return ()
        # Mostly it is a line that has a word of the row or the answer in it; where it is not, all are tried.
        likely = self._likely(answer, rows)
        found = _fewest(likely if likely and same(likely) else list(self.cells), same)
        return tuple(self._line(*item) for item in found)

    def _keep(self, kept: set[_Line]) -> None:
        for lookup in {name for name, _ in kept ^ self.kept}:
            numbers = ", ".join(str(number) for name, number in kept if name == lookup) or "-1"
            table, every = f"lookup.{identifier(lookup)}", identifier("all_" + lookup)
            self.con.execute(
                f"DELETE FROM {table}; INSERT INTO {table} SELECT * EXCLUDE (_n) FROM {every} WHERE _n IN ({numbers})"
            )
        self.kept = kept
        for name in self.affected:
            _make(self.con, self.models[name])

    def _likely(self, answer: tuple[Any, ...], rows: Mapping[str, str]) -> list[_Line]:
        words = {_word(value) for value in answer}
        for dataset in rows:
            row = self.con.execute(f"SELECT * FROM accepted.{identifier(dataset)}").fetchone()
            words |= {_word(value) for value in row or ()}
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


def _affected(models: Mapping[str, ModelLineage], chain: Sequence[str], lookups: Sequence[str]) -> list[str]:
    wanted = {f"lookup.{lookup}" for lookup in lookups}
    found: set[str] = set()
    for name in chain:
        tables = _tables(models[name])
        if tables & wanted or any(f"main.{other}" in tables for other in found):
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
