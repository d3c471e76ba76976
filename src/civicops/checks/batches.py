"""Checked batches: what some landed objects gave under one contract, kept so that nothing is checked twice.

Belongs here: writing a batch so that a kill leaves either all of it or nothing, finding the batches that are still valid,
removing those that are not. Does not belong here: which rows of several batches count (`current`).

A batch is a folder `accepted/<product>/<dataset>/<id>/` with the accepted rows as Parquet and `batch.json`, and a file
`quarantine/<product>/<dataset>/<id>.parquet` with the rows held back. Its id is a hash over what it was made from, so a run
that was killed and started again makes the same batch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from civicops.checks.compile import PASSED_ON, compile_checks
from civicops.checks.split import split_text, split_typed, typed_rows
from civicops.checks.sql import parquet, quote, text
from civicops.contracts import Contract
from civicops.errors import CivicopsError

ENGINE = "1"
"""Raised whenever the same contract would give other rows from the same bytes, so that old batches are made anew."""

UNREADABLE = "row_readable"
"""The id under which rows are held back that could not be split into fields at all."""

ObjectKey = tuple[str, int]
"""A landed object: its content hash and the sequence number of the delivery it came with."""


class ConservationError(CivicopsError):
    """Rows were lost or invented between landing and checking. Nothing may be published."""


@dataclass(frozen=True)
class Batch:
    """What one check of some landed objects gave. `counts` holds, by check id, how many rows broke it."""

    id: str
    product: str
    dataset: str
    source: str
    objects: tuple[ObjectKey, ...]
    fingerprint: str
    contract_version: str
    rows_in: int
    accepted: int
    quarantined: int
    counts: dict[str, int]
    findings: tuple[dict[str, object], ...]
    seconds: float
    made_at: str


@dataclass(frozen=True)
class RawBatch:
    """Raw rows of some landed objects, as the reader gives them.

    `select` yields `fields` as text plus `_object` and `_delivery`; `rejects` (optional) yields `_object`, `_delivery`,
    `raw_text` and `error` of rows that could not be split into fields; `rows_in` is the landing zone's own count.
    """

    source: str
    objects: tuple[ObjectKey, ...]
    select: str
    fields: tuple[str, ...]
    rejects: str | None
    rows_in: int
    findings: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True)
class TypedBatch:
    """One landed Parquet file whose columns are those of the contract, typed already; `rows_in` as in `RawBatch`."""

    source: str
    landed: ObjectKey
    path: Path
    rows_in: int
    findings: tuple[dict[str, object], ...] = ()

    @property
    def objects(self) -> tuple[ObjectKey, ...]:
        return (self.landed,)


class BatchStore:
    """The batches of one product's accepted datasets under `accepted` and `quarantine`."""

    def __init__(self, accepted: Path, quarantine: Path, product: str) -> None:
        self.accepted, self.quarantine, self.product = accepted / product, quarantine / product, product

    def folder(self, dataset: str, batch_id: str) -> Path:
        return self.accepted / dataset / batch_id

    def rows(self, batch: Batch) -> tuple[Path, ...]:
        """The Parquet files of a batch's accepted rows; none when it has no such row."""
        return tuple(sorted(self.folder(batch.dataset, batch.id).glob("rows*.parquet")))

    def held(self, batch: Batch) -> Path:
        """The Parquet file of the rows a batch held back; exists only when there are some."""
        return self.quarantine / batch.dataset / f"{batch.id}.parquet"

    def batches(self, dataset: str) -> tuple[Batch, ...]:
        """Every whole batch of a dataset, oldest first."""
        found = []
        for path in sorted((self.accepted / dataset).glob("*/batch.json")):
            if not path.parent.name.startswith("."):
                found.append(_read(path))
        return tuple(sorted(found, key=lambda batch: (batch.made_at, batch.id)))

    def valid(self, dataset: str, fingerprint: str, live: Iterable[ObjectKey]) -> tuple[Batch, ...]:
        """The batches made under `fingerprint` from live objects only, each object counted once."""
        alive, covered, found = set(live), set[ObjectKey](), []
        for batch in self.batches(dataset):
            mine = set(batch.objects)
            if batch.fingerprint == fingerprint and mine <= alive and not mine & covered:
                found.append(batch)
                covered |= mine
        return tuple(found)

    def sweep(self, dataset: str, keep: Iterable[Batch]) -> int:
        """Remove accepted rows of batches that are not in `keep`, and folders of killed runs. The quarantine stays.

        Returns how many folders went.
        """
        names, count = {batch.id for batch in keep}, 0
        folder = self.accepted / dataset
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.is_dir() and path.name not in names and path.name != "current":
                shutil.rmtree(path)
                count += 1
        return count

    def check(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        raw: RawBatch | TypedBatch,
        lookups: Mapping[tuple[str, str], tuple[str, ...]],
        run_id: str,
    ) -> Batch:
        """Check raw rows and keep what it gave; returns the batch that was there if it is known already.

        Rows of text are checked in one scan. Of a typed file the rows that broke a check are held in memory for a moment (or
        where `con` spills to); no check is made that asks how a value was written. Raises `ConservationError` when accepted
        and quarantined rows do not add up to the rows that landed.
        """
        fingerprint = fingerprint_of(contract, lookups)
        batch_id = _batch_id(contract, fingerprint, raw.objects)
        final = self.folder(contract.dataset, batch_id)
        if (final / "batch.json").exists():
            return _read(final / "batch.json")
        began = time.monotonic()
        work = final.with_name(f".{batch_id}.{os.getpid()}")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        parts = _split(con, contract, raw, lookups, work)
        made_under = {"_contract": contract.version, "_fingerprint": fingerprint, "_run": run_id}
        accepted, counts = _counts(con, sorted(work.glob("rows*.parquet")), "_flags")
        held = _hold(con, parts, made_under, work)
        quarantined, more = _counts(con, [held] if held else [], "_checks")
        shutil.rmtree(work / "split", ignore_errors=True)
        for check_id, count in more.items():
            counts[check_id] = counts.get(check_id, 0) + count
        if raw.rows_in != accepted + quarantined:
            shutil.rmtree(work, ignore_errors=True)
            raise ConservationError(
                f"{contract.id}: {raw.rows_in:,} rows landed from '{raw.source}', but {accepted:,} were accepted and "
                f"{quarantined:,} held back.",
                hint=f"This is a fault of civicops, not of the data: report it with run {run_id}. Nothing was published.",
            )
        batch = Batch(
            batch_id, self.product, contract.dataset, raw.source, raw.objects, fingerprint, contract.version, raw.rows_in,
            accepted, quarantined, dict(sorted(counts.items())), raw.findings, round(time.monotonic() - began, 3),
            datetime.now(UTC).isoformat(timespec="microseconds"),
        )  # fmt: skip
        if held:
            self.held(batch).parent.mkdir(parents=True, exist_ok=True)
            held.replace(self.held(batch))
        _write_synced(work / "batch.json", json.dumps(asdict(batch), indent=1))
        work.rename(final)
        return batch


def _split(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    raw: RawBatch | TypedBatch,
    lookups: Mapping[tuple[str, str], tuple[str, ...]],
    work: Path,
) -> list[str]:
    """Write the accepted rows into `work`; gives SELECTs of the others: `_raw`, `_checks`, `PASSED_ON`, perhaps `_error`."""
    if isinstance(raw, TypedBatch):
        rows = typed_rows(raw.path, raw.source, *raw.landed)
        return [split_typed(con, compile_checks(contract, rows, (), lookups, typed=True), rows, work)]
    source = f"SELECT *, {text(raw.source)} AS {quote('_source')} FROM ({raw.select})"
    held = split_text(con, compile_checks(contract, source, raw.fields, lookups), work)
    parts = [held] if held else []
    if raw.rejects:
        parts.append(
            f"SELECT CAST(to_json(struct_pack(text := raw_text)) AS VARCHAR) AS _raw, [{text(UNREADABLE)}] AS _checks, "
            f"error AS _error, {text(raw.source)} AS _source, _object, _delivery FROM ({raw.rejects})"
        )
    return parts


def _hold(
    con: duckdb.DuckDBPyConnection, parts: Sequence[str], made_under: Mapping[str, str], work: Path
) -> Path | None:
    """Write the rows held back, and those that could not be read at all, as one file; None when there are none."""
    if not parts:
        return None
    target = work / "held.parquet"
    shape = "SELECT '' AS _raw, CAST([] AS VARCHAR[]) AS _checks, '' AS _error WHERE FALSE"
    marks = ", ".join(f"{text(value)} AS {name}" for name, value in made_under.items())
    con.execute(
        f"COPY (SELECT _raw, _checks, _error, {', '.join(PASSED_ON)}, {marks} FROM "
        f"({' UNION ALL BY NAME '.join([shape, *parts])}) ORDER BY _delivery, _object, _raw) TO {text(str(target))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    counted = con.execute(f"SELECT count(*) FROM {parquet([target])}").fetchone()
    if counted and counted[0]:
        return target
    target.unlink()
    return None


def fingerprint_of(contract: Contract, lookups: Mapping[tuple[str, str], tuple[str, ...]]) -> str:
    """A hash over all that decides which rows are accepted: contract, lookup values and the engine's version."""
    content = [ENGINE, contract.fingerprint, sorted((*key, *values) for key, values in lookups.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _batch_id(contract: Contract, fingerprint: str, objects: Sequence[ObjectKey]) -> str:
    content = json.dumps([contract.id, fingerprint, sorted(objects)])
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _counts(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], column: str) -> tuple[int, dict[str, int]]:
    if not paths:
        return 0, {}
    relation = parquet(paths)
    total = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
    # Rows with the same findings are counted together first: unnesting every row would be dear.
    found = con.execute(
        f"SELECT id, sum(n)::BIGINT FROM (SELECT unnest(ids) AS id, n FROM (SELECT {quote(column)} AS ids, count(*) AS n "
        f"FROM {relation} WHERE len({quote(column)}) > 0 GROUP BY ALL)) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return (int(total[0]) if total else 0), {str(name): int(count) for name, count in found}


def _read(path: Path) -> Batch:
    data = json.loads(path.read_text(encoding="utf-8"))
    data["objects"] = tuple((sha, int(sequence)) for sha, sequence in data["objects"])
    data["findings"] = tuple(data["findings"])
    return Batch(**data)


def _write_synced(path: Path, content: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
