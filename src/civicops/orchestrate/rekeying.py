"""Proving that old keys and new keys are the same things, and reading an old release under its new keys.

Belongs here: the mapping of a rekey operation, looked at when it is proposed and held against both releases later; the old
release rewritten by it, so that it can be compared. Does not belong here: the comparison (`operating`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from civicops.change.operations import Operation
from civicops.checks.sql import parquet, quote, text
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.release.values import DATA_FILE, PACKAGE_FILE, Release
from civicops.texts import text_fault

_SHOWN = 3


class MappingError(CivicopsError):
    """The mapping cannot be read as one."""


@dataclass(frozen=True)
class Rekeyed:
    """The current release under the new keys, and what keeps the mapping from being a proof."""

    release: Release
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def check_mapping(operation: Operation, current: Release | None, mapping: Path) -> None:
    """See that the mapping is there and can be read, before anybody is asked to look at it. Whether it is a proof shows later.

    Raises `MappingError`.
    """
    old_key = _key_of(current, f"{operation.product}.{operation.dataset}")
    new_key = tuple(name.strip() for name in operation.becomes.split(","))
    hint = _hint(old_key, new_key)
    try:
        fault = text_fault(mapping)
    except OSError as error:
        raise MappingError(f"There is no mapping {mapping} that can be read.", hint=hint) from error
    if fault:
        raise MappingError(f"{mapping}:{fault[0]}: {fault[1]}.", hint=hint)
    with duckdb.connect() as con:
        _load(con, mapping, old_key, new_key)
        if not _count(con, "SELECT count(*) FROM mapping"):
            raise MappingError(f"{mapping.name} maps no key: it has no line under its header.", hint=hint)


def rekeyed(
    con: duckdb.DuckDBPyConnection,
    operation: Operation,
    contract: Contract,
    current: Release,
    new: Release,
    mapping: Path,
    folder: Path,
) -> Rekeyed:
    """Write the current release under its new keys into `folder`, and say where the mapping is not one-to-one.

    Of keys that are merged, as the operation lists them, the row of the first old key stands for all. Raises `MappingError` for a
    file that cannot be read or has other columns.
    """
    old_key = _key_of(current, contract.id)
    _load(con, mapping, old_key, contract.key)
    olds, news = [f"old_{name}" for name in old_key], [f"new_{name}" for name in contract.key]
    source, target = parquet([current.data]), parquet([new.data])
    problems = [
        *_twice(con, olds),
        *_merged(con, operation, olds, news),
        *_unknown(con, "current rows have a key that the mapping lacks", source, old_key, olds),
        *_unknown(con, "rows of the new release have a key that the mapping lacks", target, contract.key, news),
    ]
    unused = _count(
        con, f"SELECT count(*) FROM mapping ANTI JOIN {_texts(source, old_key, olds)} USING ({_list(olds)})"
    )
    merged = _count(con, f"SELECT count(*) - count(DISTINCT ({_list(news)})) FROM mapping")
    notes = [f"{contract.id}: {unused:,} lines of the mapping are of no current row"] if unused else []
    notes += [f"{contract.id}: {merged:,} old keys became one with another"] if merged else []
    return Rekeyed(_shadow(con, contract, current, new, old_key, folder), tuple(problems), tuple(notes))


def _key_of(current: Release | None, name: str) -> tuple[str, ...]:
    """The key of the current release. Raises `MappingError` when there is none."""
    schema = current.package()["resources"][0]["schema"] if current else {}
    if not (found := tuple(schema.get("primaryKey", ()))):
        raise MappingError(
            f"{name} has no key now, so there is nothing to map.", hint="civicops plan shows the change."
        )
    return found


def _columns(old_key: Sequence[str], new_key: Sequence[str]) -> list[str]:
    return [*(f"old_{name}" for name in old_key), *(f"new_{name}" for name in new_key)]


def _hint(old_key: Sequence[str], new_key: Sequence[str]) -> str:
    return f"It has one line per old key and the columns {', '.join(_columns(old_key, new_key))}."


def _load(con: duckdb.DuckDBPyConnection, mapping: Path, old_key: Sequence[str], new_key: Sequence[str]) -> None:
    wanted, hint = _columns(old_key, new_key), _hint(old_key, new_key)
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE mapping AS SELECT row_number() OVER () AS line, * FROM "
            f"read_csv({text(str(mapping))}, header = true, all_varchar = true)"
        )
        found = [row[0] for row in con.execute("DESCRIBE mapping").fetchall()]
    except duckdb.Error as error:
        raise MappingError(f"{mapping} cannot be read: {str(error).splitlines()[0]}", hint=hint) from error
    if found[1:] != wanted:
        raise MappingError(f"{mapping.name} has the columns {', '.join(found[1:])}.", hint=hint)


def _twice(con: duckdb.DuckDBPyConnection, olds: Sequence[str]) -> Iterator[str]:
    rows = con.execute(
        f"SELECT {_list(olds)}, list(line) FROM mapping GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT {_SHOWN}"
    ).fetchall()
    for *key, lines in rows:
        yield f"the mapping names old key {_words(key)} more than once, on lines {', '.join(str(n + 1) for n in sorted(lines))}"


def _merged(
    con: duckdb.DuckDBPyConnection, operation: Operation, olds: Sequence[str], news: Sequence[str]
) -> Iterator[str]:
    meant = {one.new: {tuple(old) for old in one.old} for one in operation.merges}
    rows = con.execute(
        f"SELECT {_list(news)}, list(DISTINCT [{_list(olds)}]) AS olds FROM mapping GROUP BY {_list(news)} "
        f"HAVING count(DISTINCT [{_list(olds)}]) > 1 ORDER BY ALL"
    ).fetchall()
    for *new, many in rows:
        if {tuple(old) for old in many} != meant.pop(tuple(new), set()):
            words = " and ".join(sorted(_words(old) for old in many)[:_SHOWN])
            yield f"{words} both become {_words(new)}, and `merges` does not say so"
    for new_key in meant:
        yield f"`merges` says that keys become {_words(new_key)}, and the mapping does not"


def _unknown(
    con: duckdb.DuckDBPyConnection, what: str, source: str, key: Sequence[str], columns: Sequence[str]
) -> Iterator[str]:
    found = f"FROM {_texts(source, key, columns)} ANTI JOIN mapping USING ({_list(columns)})"
    if count := _count(con, f"SELECT count(*) {found}"):
        rows = con.execute(f"SELECT {_list(columns)} {found} ORDER BY ALL LIMIT {_SHOWN}").fetchall()
        yield f"{count:,} {what}, such as {', '.join(_words(row) for row in rows)}"


def _shadow(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    current: Release,
    new: Release,
    old_key: Sequence[str],
    folder: Path,
) -> Release:
    """The current release with the new key's columns in place of whatever it had under their names."""
    folder.mkdir(parents=True, exist_ok=True)
    olds = [f"old_{name}" for name in old_key]
    types = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {parquet([new.data])}").fetchall()}
    names = [row[0] for row in con.execute(f"DESCRIBE FROM {parquet([current.data])}").fetchall()]
    keys = ", ".join(f"TRY_CAST({quote(f'new_{name}')} AS {types[name]}) AS {quote(name)}" for name in contract.key)
    others = "".join(f", {quote(name)}" for name in names if name not in contract.key)
    joined = " AND ".join(
        f"CAST(o.{quote(name)} AS VARCHAR) = m.{quote(column)}" for name, column in zip(old_key, olds, strict=True)
    )
    first = (
        f"row_number() OVER (PARTITION BY {_list([f'new_{name}' for name in contract.key])} ORDER BY {_list(olds)}) = 1"
    )
    select = f"SELECT {keys}{others} FROM {parquet([current.data])} AS o JOIN mapping AS m ON {joined} QUALIFY {first}"
    data = folder / DATA_FILE
    con.execute(f"COPY ({select}) TO {text(str(data))} (FORMAT parquet)")
    package = current.package()
    fields = {field["name"]: field for field in new.package()["resources"][0]["schema"]["fields"]}
    resource = package["resources"][0]
    kept = [field for field in resource["schema"]["fields"] if field["name"] not in contract.key]
    resource["schema"] |= {
        "primaryKey": list(contract.key),
        "fields": [*(fields[name] for name in contract.key), *kept],
    }
    with data.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    rows = _count(con, f"SELECT count(*) FROM {parquet([data])}")
    resource |= {"rowcount": rows, "bytes": data.stat().st_size, "hash": f"sha256:{sha256}"}
    (folder / PACKAGE_FILE).write_text(json.dumps(package), encoding="utf-8")
    return Release(current.product, current.dataset, current.version, folder)


def _texts(source: str, key: Sequence[str], columns: Sequence[str]) -> str:
    pairs = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(to)}" for name, to in zip(key, columns, strict=True))
    return f"(SELECT {pairs} FROM {source})"


def _list(names: Sequence[str]) -> str:
    return ", ".join(quote(name) for name in names)


def _words(key: Sequence[str | None]) -> str:
    return "/".join("nothing" if part is None else part for part in key)


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
