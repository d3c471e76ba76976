"""What turns a snapshot into the one before it, in few bytes.

Belongs here: making such a step back, taking it, and joining two into one. Does not belong here: files and seals (`store`).

A step back has one row per item that differs:

    id, values          in the older snapshot only: the whole row
    ref, changed        in both: the end of its id, and of the values only those that differ; `changed` has a bit for each
    ref or id, is_gone  in the newer one only

An id of Google's is 33 letters of chance, a third of everything that a row takes; its last twelve are as good as unique (2^72).
Where two ids of a pair of snapshots end alike, `back` keeps whole ids and whole rows. So did earlier versions throughout; their
steps are read and joined all the same.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from civicops.ingest.snapshots.items import COLUMNS, SCHEMA, ordered

REF = 12
"""Letters at the end of an id that stand for it."""
_VALUES = COLUMNS[1:]
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("id", pa.string()),
    ("ref", pa.string()),
    ("changed", pa.uint16()),
    ("is_gone", pa.bool_()),
    *((name, SCHEMA.field(name).type) for name in _VALUES),
]
STEP = pa.schema(_FIELDS)


def back(older: pa.Table, newer: pa.Table) -> pa.Table:
    """The step from `newer` to `older`."""
    tables = {"older": older, "newer": newer}
    both = "SELECT id FROM older UNION SELECT id FROM newer"
    ends = _ask(f"SELECT count(*) - count(DISTINCT right(id, {REF})) AS alike FROM ({both})", **tables)
    differs = [f"o.{name} IS DISTINCT FROM n.{name}" for name in _VALUES]
    whole = ", ".join(f"o.{name}" for name in _VALUES)
    if ends["alike"][0].as_py():
        changed, gone = f"SELECT o.id, NULL, NULL, false, {whole}", "n.id, NULL"
    else:
        bits = " + ".join(f"({test})::USMALLINT * {1 << bit}" for bit, test in enumerate(differs))
        kept = ", ".join(f"CASE WHEN {test} THEN o.{name} END" for name, test in zip(_VALUES, differs, strict=True))
        changed, gone = f"SELECT NULL, right(o.id, {REF}), {bits}, false, {kept}", f"NULL, right(n.id, {REF})"
    nothing = ", ".join("NULL" for _ in _VALUES)
    return shaped(
        _ask(
            f"SELECT o.id, NULL AS ref, NULL AS changed, false AS is_gone, {whole} FROM older o ANTI JOIN newer n USING (id) "
            f"UNION ALL {changed} FROM older o JOIN newer n USING (id) WHERE {' OR '.join(differs)} "
            f"UNION ALL SELECT {gone}, NULL, true, {nothing} FROM newer n ANTI JOIN older o USING (id)",
            **tables,
        )
    )


def apply(newer: pa.Table, step: pa.Table) -> pa.Table:
    """The older snapshot."""
    return ordered(
        _ask(
            f"SELECT n.id, {_laid_over('s', 'n')} "
            "FROM (SELECT * FROM newer ANTI JOIN (SELECT id FROM step WHERE id IS NOT NULL) USING (id)) n "
            f"LEFT JOIN (SELECT * FROM step WHERE ref IS NOT NULL) s ON s.ref = right(n.id, {REF}) "
            "WHERE s.is_gone IS NOT true "
            f"UNION ALL SELECT {', '.join(COLUMNS)} FROM step WHERE id IS NOT NULL AND NOT is_gone",
            newer=newer,
            step=step,
        )
    )


def compose(further: pa.Table, nearer: pa.Table) -> pa.Table:
    """One step back instead of two: `nearer` is taken first, `further` wins."""
    columns = ", ".join(STEP.names)
    values = _laid_over("f", "n")
    return shaped(
        _ask(
            # What needs nothing of the nearer step.
            f"SELECT {columns} FROM further WHERE id IS NOT NULL OR is_gone "
            # What was changed twice, or changed and then lost.
            "UNION ALL SELECT n.id, CASE WHEN n.id IS NULL THEN f.ref END, "
            f"CASE WHEN n.id IS NULL THEN f.changed | coalesce(n.changed, 0::USMALLINT) END, false, {values} "
            "FROM (SELECT * FROM further WHERE ref IS NOT NULL AND NOT is_gone) f "
            f"LEFT JOIN (SELECT *, coalesce(ref, right(id, {REF})) AS k FROM nearer WHERE NOT is_gone) n ON f.ref = n.k "
            # What only the nearer step speaks of. What was not there in between cannot be what `further` refers to.
            f"UNION ALL SELECT {columns} FROM nearer n WHERE n.is_gone "
            "AND NOT EXISTS (SELECT 1 FROM further f WHERE f.id = n.id) "
            f"UNION ALL SELECT {columns} FROM nearer n WHERE NOT n.is_gone "
            f"AND NOT EXISTS (SELECT 1 FROM further f WHERE f.ref = coalesce(n.ref, right(n.id, {REF}))) "
            "AND NOT EXISTS (SELECT 1 FROM further f WHERE f.id = n.id)",
            further=further,
            nearer=nearer,
        )
    )


def shaped(step: pa.Table) -> pa.Table:
    """A step with all columns, of the right types, in the order in which it is kept; one of an earlier version too."""
    for name in STEP.names:
        if name not in step.column_names:
            step = step.append_column(name, pa.nulls(len(step), STEP.field(name).type))
    keys = [("ref", "ascending"), ("id", "ascending")]
    return step.select(STEP.names).cast(STEP).sort_by(keys).combine_chunks()  # type: ignore[arg-type]


def _laid_over(above: str, below: str) -> str:
    """Every value: that of `above` where its bit is set, else that of `below`."""
    return ", ".join(
        f"CASE WHEN ({above}.changed & {1 << bit}) <> 0 THEN {above}.{name} ELSE {below}.{name} END AS {name}"
        for bit, name in enumerate(_VALUES)
    )


def _ask(sql: str, **tables: pa.Table) -> pa.Table:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            con.register(name, table)
        return con.execute(sql).to_arrow_table()
