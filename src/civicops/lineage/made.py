"""Rows that a product's Python made: from such a row to the accepted rows it was made of, by what the product declares.

Belongs here: following `civicops.transform.made.Made` in the warehouse of the last build, and the decisions of people among the
rows that are found. Does not belong here: the declaration, holding it against what was made (`proved`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from civicops.contracts import Contract
from civicops.ingest.values import DecisionSource
from civicops.lineage.rows import MOST
from civicops.lineage.traced import Decision, MadeRow, Row
from civicops.product_code import code_hash
from civicops.release.sql import identifier, literal
from civicops.workspace import Product

if TYPE_CHECKING:
    from civicops.transform.made import Made, Rows

SCHEMA = "prepared"
_WHO = {"ratings": ("rating_id", "rated_by", "rated_at"), "decisions": ("decision_id", "decided_by", "decided_at")}
"""Of a source of decisions, the fields that say which, who and when (`civicops.review.source`)."""


def declared(product: Product) -> Mapping[str, Made]:
    """What the product's Python says it makes of what; empty for a product without. Raises `TransformError` as a build would."""
    if not (product.folder / "prepared.py").is_file():
        return {}
    # Only here: the room of models brings geometry and Arrow, a quarter of the time that a trace takes.
    from civicops.transform.prepared import find_prepared  # noqa: PLC0415

    found = find_prepared(product.folder)
    return found.lineage if found else {}


def step_of(product: Product) -> Callable[[duckdb.DuckDBPyConnection], None] | None:
    """The product's Python as something that can be run on a connection, if it has any that says what it is made of."""
    if not declared(product):
        return None
    from civicops.transform.prepared import find_prepared, make_tables  # noqa: PLC0415 - as above

    found = find_prepared(product.folder)
    return partial(make_tables, prepared=found) if found else None


@dataclass
class MadeFinder:
    """Follows made rows in the warehouse at `path`, attached to `con` as `_made` while it is used."""

    con: duckdb.DuckDBPyConnection
    product: Product
    path: Path
    lineage: Mapping[str, Made]
    rows: list[MadeRow] = field(default_factory=list)
    conditions: dict[str, list[str]] = field(default_factory=dict)
    """Accepted dataset -> SQL conditions on its rows, any of which says that a row belongs here."""

    def open(self) -> str:
        """Attach the warehouse; a sentence that says why it cannot be asked, if so."""
        if not self.path.is_file():
            return "the warehouse is not there, so what Python made is not followed; the product's next run makes it"
        try:
            self.con.execute(f"ATTACH {literal(str(self.path))} AS _made (READ_ONLY)")
        except duckdb.Error:
            return "a run of the product is under way, so what Python made is not followed; try again after it"
        return ""

    def selects(self, tables: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Dataset -> SELECT of its rows that anything about one row is made of, from the warehouse as `_built`. `tables`: made
        tables and the conditions on their rows. Only datasets to which one of these tables leads."""
        inner = MadeFinder(self.con, self.product, self.path, self.lineage)
        for table, where in tables.items():
            inner.follow(table, where, None)
        led = {rows.table for table in tables for rows in self.lineage[table].rows}
        found: dict[str, str] = {}
        for schema, _, name in (table.partition(".") for table in sorted(led)):
            if schema == "accepted":
                either = " OR ".join(f"({condition})" for condition in inner.conditions.get(name, ["FALSE"]))
                found[name] = f"SELECT * FROM _built.accepted.{identifier(name)} WHERE {either}"
        return found

    def follow(self, table: str, where: Sequence[str], columns: Sequence[str] | None) -> list[dict[str, Any]]:
        """Follow the rows of a made table for which all conditions are true; gives them. `columns`: those that are asked about,
        None for all. Raises `duckdb.Error` for a declaration that cannot be asked; every run says so of it."""
        found = self._rows(table, where)
        for column in columns if columns is not None else (None,):
            self._lead(table, found, column, self.lineage[table].tables(column))
        return found

    def _rows(self, table: str, where: Sequence[str]) -> list[dict[str, Any]]:
        made = self.lineage[table]
        by = dict.fromkeys((*made.key, *(name for rows in made.rows for name in rows.by)))
        texts = "".join(f", CAST({identifier(name)} AS VARCHAR) AS {identifier('_text_' + name)}" for name in by)
        answer = self.con.execute(
            f"SELECT *{texts} FROM _made.{SCHEMA}.{identifier(table)} WHERE {' AND '.join(where) or 'TRUE'} LIMIT {MOST}"
        )
        names = [column[0] for column in answer.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        code = code_hash(self.product.folder)
        path = str(self.product.folder / "prepared.py")
        for row in found:
            shown = {name: row[name] for name in made.shown}
            one = MadeRow(table, {name: row[name] for name in made.key}, shown, path, code)
            if one not in self.rows:
                self.rows.append(one)
        return found

    def _lead(self, table: str, found: Sequence[Mapping[str, Any]], column: str | None, wanted: frozenset[str]) -> None:
        for row in found:
            for rows in self.lineage[table].rows:
                where = list(_conditions(row, rows, column))
                schema, _, name = rows.table.partition(".")
                if not where:
                    continue
                if schema == SCHEMA:
                    self._lead(name, self._rows(name, where), column, wanted)
                elif schema == "accepted" and (column is None or rows.table in wanted):
                    known = self.conditions.setdefault(name, [])
                    if (condition := " AND ".join(where)) not in known:
                        known.append(condition)


def _conditions(row: Mapping[str, Any], rows: Rows, column: str | None) -> Iterator[str]:
    """The rows that one made row leads to; none where a value of it that should be found is empty."""
    texts = {name: row[f"_text_{name}"] for name in rows.by}
    if any(text is None for text in texts.values()):
        return
    yield from (f"CAST(({rows.by[name]}) AS VARCHAR) = {literal(text)}" for name, text in texts.items())
    if rows.where and column is not None:
        yield f"({rows.asked(column)})"


def decisions_among(
    rows: Sequence[Row], contracts: Mapping[str, Contract], sources: Sequence[object], column: str | None
) -> tuple[Decision, ...]:
    """What people decided, of those accepted rows that are decisions, in the order of time."""
    found: list[Decision] = []
    for source in sources:
        if isinstance(source, DecisionSource) and source.what in _WHO:
            contract = contracts[source.dataset]
            fields = {name.strip().lower(): item.name for item in contract.columns for name in item.source_names}
            for row in rows:
                if row.dataset == contract.id and row.is_current:
                    said = {field: row.values[name] for field, name in fields.items()}
                    number, who, at = (said.get(name) for name in _WHO[source.what])
                    words = _decision_words(said, column, row.values.get(column) if column else None)
                    found.append(Decision(f"{source.name} {number}", str(who), str(at), words))
    return tuple(sorted(found, key=lambda item: (item.at, item.id)))


def _decision_words(said: Mapping[str, Any], column: str | None, value: Any) -> str:
    words = [str(said.get("outcome_code"))]
    if value is not None:
        words.append(f"{column} {value!r}")
    if said.get("reason"):
        words.append(f"because: {said['reason']}")
    if said.get("is_undone") or said.get("is_withdrawn"):
        words.append("taken back since")
    return ", ".join(words)
