"""What a product's Python says of the tables it makes: which columns each column is made of, and which rows each row.

Belongs here: the declaration, as frozen values. Does not belong here: running the Python (`prepared`), holding the declaration
against what it made, and following it (`civicops.lineage`).

A product's `prepared.py` holds `LINEAGE`: name of a table -> `Made`.

    LINEAGE = {
        "contents": Made(
            key=("listing_id",),
            columns={"listing_id": ("accepted.lists.source_id",), "name": ("accepted.lists.name", "lookup.acronyms.word")},
            rows=(Rows("accepted.lists", {"listing_id": "source_code || ':' || source_id"}),),
        )
    }

SQL can be followed by a program, Python cannot: without a declaration, each column of the table counts as made of everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLUMN = "{column}"
"""Stands in `Rows.where` for the name of the column that is asked about."""


@dataclass(frozen=True)
class Rows:
    """The rows of one table that a made row is made of.

    `table`: as SQL names it, `accepted.lists`, or `prepared.origins` for another table of the same step, from which it goes on.
    `by`: column of the made row -> what of the read row is equal to it, a column or other SQL. `where`: a condition on the read
    rows by which those are left out that have nothing to do with the column that is asked about, `{column}`.
    """

    table: str
    by: Mapping[str, str]
    where: str = ""

    def asked(self, column: str) -> str:
        """`where` about one column."""
        return self.where.replace(COLUMN, column.replace("'", "''"))


@dataclass(frozen=True)
class Made:
    """One table. `key`: the columns that say which row is meant. `columns`: every column, and the `table.column` (`table.*`: all
    of them) of accepted datasets, lookups and releases that its values are made of; none for a number that is only counted up.
    `rows`: every made row leads by at least one of them to a row that was read. `which`: `table.column` that give no value, but
    decide which rows there are. `shown`: what a trace shows beside the key."""

    key: tuple[str, ...]
    columns: Mapping[str, Sequence[str]]
    rows: Sequence[Rows] = ()
    which: Sequence[str] = ()
    shown: Sequence[str] = ()

    def tables(self, column: str | None) -> frozenset[str]:
        """The tables that a column is made of; of all columns without one."""
        named = self.columns.get(column, ()) if column else [item for items in self.columns.values() for item in items]
        return frozenset(item.rpartition(".")[0] for item in named)
