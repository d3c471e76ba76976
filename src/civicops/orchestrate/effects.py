"""What a change does to rows: newly held back, newly let in, breaking a changed rule, different in a release.

Belongs here: counting and sampling, with personal values hidden. Does not belong here: making the two sides (`planning`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from civicops.change.grade_checks import columns_of
from civicops.change.grade_columns import personal
from civicops.change.plan import AcceptedEffect, ReleaseEffect, RowSample, RuleEffect
from civicops.change.shifts import shifts
from civicops.checks.batches import Batch, BatchStore
from civicops.checks.rules import LookupValues, broken
from civicops.checks.sql import parquet, quote, text
from civicops.contracts import Check, Contract
from civicops.contracts.checktypes import Allowed, Parses
from civicops.observe.profile import profile_release
from civicops.release.diff import DiffError, ReleaseDiff
from civicops.release.diff import diff as diff_releases
from civicops.release.store import ReleaseStore
from civicops.release.values import Release

HIDDEN = "•••"
SAMPLES = 3


def accepted_effect(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    store: BatchStore,
    before: Sequence[Batch],
    after: Sequence[Batch],
) -> AcceptedEffect:
    """What became of every landed row of one dataset; leaves the rows that moved in the temporary tables `held` and `let_in`."""
    _moved(con, _held_files(store, before), _held_files(store, after))
    return AcceptedEffect(
        dataset=contract.id,
        rows_in=sum(batch.rows_in for batch in after),
        accepted_before=sum(batch.accepted for batch in before),
        accepted_after=sum(batch.accepted for batch in after),
        held=_count(con, "SELECT count(*) FROM held"),
        let_in=_count(con, "SELECT count(*) FROM let_in"),
    )


def landed_rules(
    con: duckdb.DuckDBPyConnection,
    old: Contract,
    new: Contract,
    before: Sequence[Batch],
    after: Sequence[Batch],
    ids: Sequence[str],
) -> Iterator[RuleEffect]:
    """The effect of each changed rule over all landed rows; reads what `accepted_effect` left."""
    rows = sum(batch.rows_in for batch in after)
    for check_id in ids:
        was, is_ = _find(old, check_id), _find(new, check_id)
        one = is_ or was
        if one is None:
            continue
        chosen = f"list_contains(_checks, {text(check_id)})"
        held = _count(con, f"SELECT count(*) FROM held WHERE {chosen}")
        let_in = _count(con, f"SELECT count(*) FROM let_in WHERE {chosen}")
        table = "held" if held else "let_in"
        raws = con.execute(
            f"SELECT _raw FROM {table} WHERE {chosen} ORDER BY _delivery, _object, _raw LIMIT {SAMPLES}"
        ).fetchall()
        contract = new if is_ else old
        yield RuleEffect(
            dataset=new.id,
            check=check_id,
            description=one.description,
            layer="accepted",
            rows=rows,
            broken_before=None if was is None else sum(batch.counts.get(check_id, 0) for batch in before),
            broken_after=None if is_ is None else sum(batch.counts.get(check_id, 0) for batch in after),
            held=held,
            let_in=let_in,
            samples=tuple(_raw_sample(contract, one, json.loads(raw)) for (raw,) in raws),
        )


def released_rules(
    con: duckdb.DuckDBPyConnection,
    old: tuple[Contract, LookupValues, str] | None,
    new: tuple[Contract, LookupValues, str],
    ids: Sequence[str],
) -> Iterator[RuleEffect]:
    """The effect of each changed row check of a published dataset: (contract, lookups, SELECT) of both sides."""
    rows = _count(con, f"SELECT count(*) FROM ({new[2]})")
    for check_id in ids:
        is_ = _find(new[0], check_id)
        was = _find(old[0], check_id) if old else None
        one = is_ or was
        if one is None or one not in (*new[0].row_checks, *(old[0].row_checks if old else ())):
            continue
        samples: tuple[dict[str, str | None], ...] = ()
        if is_ is not None and (names := _shown(new[0], is_)):
            listed = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in names)
            try:
                found = con.execute(
                    f"SELECT {listed} FROM ({new[2]}) WHERE {broken(new[0], is_, new[1])} ORDER BY ALL LIMIT {SAMPLES}"
                ).fetchall()
            except duckdb.Error:
                found = []
            samples = tuple(_hidden(new[0], dict(zip(names, row, strict=True))) for row in found)
        yield RuleEffect(
            dataset=new[0].id,
            check=check_id,
            description=one.description,
            layer="published",
            rows=rows,
            broken_before=_broken(con, old, was) if old else None,
            broken_after=_broken(con, new, is_),
            held=0,
            let_in=0,
            samples=samples,
        )


def release_effect(
    con: duckdb.DuckDBPyConnection, contract: Contract, current: Release | None, new: Release
) -> tuple[ReleaseEffect, ReleaseDiff | None]:
    """How a release will differ from the current one."""
    resource = new.package()["resources"][0]
    sha256, rows = str(resource["hash"]).removeprefix("sha256:"), int(resource["rowcount"])
    plain: dict[str, Any] = {
        "dataset": contract.id, "data_sha256": sha256, "rows_after": rows, "size_bytes": int(resource["bytes"]),
    }  # fmt: skip
    if current is None:
        effect = ReleaseEffect(**plain, current=None, rows_before=0, added=rows, removed=0, changed=0, is_same=False)
        return effect, None
    if current.version == new.version:
        same = ReleaseEffect(
            **plain, current=current.version, rows_before=rows, added=0, removed=0, changed=0, is_same=True
        )
        return same, None
    try:
        found = diff_releases(con, current, new, sample=SAMPLES)
    except DiffError as error:
        before = int(current.package()["resources"][0]["rowcount"])
        note = f"Row by row it cannot be compared: {error.message}"
        effect = ReleaseEffect(
            **plain,
            current=current.version,
            rows_before=before,
            added=0,
            removed=0,
            changed=0,
            is_same=False,
            note=note,
        )
        return effect, None
    renamed = {item.before: item.after for item in found.schema if item.kind == "renamed"}
    moved: tuple[str, ...] = ()
    if not found.identical:
        moved = tuple(shifts(profile_release(con, current, contract), profile_release(con, new, contract), renamed))
    return (
        ReleaseEffect(
            **plain,
            current=current.version,
            rows_before=found.rows_before,
            added=found.added,
            removed=found.removed,
            changed=found.changed,
            is_same=False,
            columns={item.column: item.count for item in found.columns},
            schema_changes=tuple(
                _schema_words(item.kind, item.column, item.before, item.after) for item in found.schema
            ),
            shifts=moved,
            samples=tuple(
                RowSample(
                    kind=item.kind,
                    key=_hidden(contract, dict(item.key)),
                    before=_hidden(contract, dict(item.before)),
                    after=_hidden(contract, dict(item.after)),
                )
                for item in found.samples
            ),
        ),
        found,
    )


def values_in_use(
    con: duckdb.DuckDBPyConnection, contract: Contract, select: str | None, renamed: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """The values that rows have in every column with a list of allowed values, under the columns' new names."""
    found: dict[str, frozenset[str]] = {}
    for check in contract.row_checks:
        if select is None or not isinstance(check.spec, Allowed) or check.column is None:
            continue
        name = quote(check.column)
        try:
            rows = con.execute(
                f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM ({select}) WHERE {name} IS NOT NULL"
            ).fetchall()
        except duckdb.Error:
            continue  # rows of a release that has not got the column yet
        found[renamed.get(check.column, check.column)] = frozenset(value for (value,) in rows)
    return found


def rows_of(store: BatchStore, batches: Sequence[Batch]) -> str | None:
    """A SELECT of the accepted rows of some batches; `None` when there are none."""
    paths = [path for batch in batches for path in store.rows(batch)]
    return f"SELECT * FROM {parquet(paths)}" if paths else None


def current_select(store: ReleaseStore, contract: Contract) -> str | None:
    """A SELECT of a dataset's current release; `None` when there is none."""
    release = store.current(contract.product, contract.dataset)
    return f"SELECT * FROM {parquet([release.data])}" if release else None


def _held_files(store: BatchStore, batches: Sequence[Batch]) -> list[Path]:
    return [path for batch in batches if (path := store.held(batch)).is_file()]


def _moved(con: duckdb.DuckDBPyConnection, before: Sequence[Path], after: Sequence[Path]) -> None:
    """Rows held back on one side only. A row is known by its bytes and where they landed; equal ones are counted."""
    for name, paths in (("_was", before), ("_is", after)):
        rows = f"SELECT _object, _delivery, _raw, _checks FROM {parquet(paths)}" if paths else _NO_ROWS
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT *, row_number() OVER (PARTITION BY _object, _delivery, _raw) AS _nth "
            f"FROM ({rows})"
        )
    for name, mine, other in (("held", "_is", "_was"), ("let_in", "_was", "_is")):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * "
            f"FROM {mine} ANTI JOIN {other} USING (_object, _delivery, _raw, _nth)"
        )


_NO_ROWS = (
    "SELECT CAST(NULL AS VARCHAR) AS _object, CAST(NULL AS BIGINT) AS _delivery, CAST(NULL AS VARCHAR) AS _raw, "
    "CAST(NULL AS VARCHAR[]) AS _checks WHERE FALSE"
)


def _find(contract: Contract, check_id: str) -> Check | None:
    return next((check for check in contract.checks if check.id == check_id), None)


def _broken(
    con: duckdb.DuckDBPyConnection, side: tuple[Contract, LookupValues, str], check: Check | None
) -> int | None:
    if check is None or check not in side[0].row_checks or isinstance(check.spec, Parses):
        return None
    try:
        return _count(con, f"SELECT count(*) FROM ({side[2]}) WHERE {broken(side[0], check, side[1])}")
    except duckdb.Error:
        return None  # a column that this side has not got


def _shown(contract: Contract, check: Check) -> list[str]:
    names = {*contract.key, *columns_of(check)}
    return [name for name in contract.column_names if name in names]


def _raw_sample(contract: Contract, check: Check, raw: Mapping[str, Any]) -> dict[str, str | None]:
    """Of a row as it landed, the key and the columns of the check, under the contract's names."""
    found: dict[str, str | None] = {}
    for name in _shown(contract, check):
        for field in (*contract.column(name).source_names, name):
            if field in raw:
                found[name] = None if raw[field] is None else str(raw[field])
                break
    return _hidden(contract, found)


def _hidden(contract: Contract, values: Mapping[str, str | None]) -> dict[str, str | None]:
    """The same without what says something about a person; of a dataset that is not public only the key is left."""
    shown = {
        column.name
        for column in contract.columns
        if personal(column) == 0
        and (contract.access == "public" or contract.layer == "accepted" or column.name in contract.key)
    }
    return {name: value if value is None or name in shown else HIDDEN for name, value in values.items()}


def _schema_words(kind: str, column: str, before: str, after: str) -> str:
    match kind:
        case "added":
            return f"{column} is new ({after})"
        case "removed":
            return f"{column} is gone"
        case "renamed":
            return f"{before} is called {after}"
        case "key":
            return f"the key is {after or 'gone'}, before {before or 'none'}"
    return f"{column}: {kind} {after or 'none'}, before {before or 'none'}"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
