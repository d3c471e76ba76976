"""Rows that are held back: counting them, showing them, letting mended ones in.

Belongs here: which batches count now, and the run that checks them again. Does not belong here: how a row is held back
(`civicops.checks.batches`).

There is no second way into the accepted rows: letting rows in is a run of the product under the mended contract, in which every
landed row is checked as if it came today. So it happens once, and ends in the same rows as if the contract had always been so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import duckdb

from civicops.audit import Event, open_log
from civicops.checks.batches import UNREADABLE, Batch, BatchStore
from civicops.checks.sql import parquet, text
from civicops.errors import CivicopsError
from civicops.ingest.values import Progress
from civicops.release.history import who_acts
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Product, Workspace


@dataclass(frozen=True)
class HeldCount:
    """How many rows of a dataset are held back because of one check. A row that broke two counts in both."""

    product: str
    dataset: str
    check_id: str
    rows: int
    description: str


@dataclass(frozen=True)
class HeldRow:
    """One row held back: the source's own fields, the checks it broke, and where it came from."""

    raw: dict[str, Any]
    checks: tuple[str, ...]
    error: str | None
    source: str
    object: str
    contract: str
    run: str


@dataclass(frozen=True)
class DatasetReleased:
    """What checking the held rows again gave for one dataset."""

    dataset: str
    before: int
    after: int

    @property
    def released(self) -> int:
        return max(0, self.before - self.after)


@dataclass(frozen=True)
class Released:
    """What `release_held` did."""

    run: RunRecord
    datasets: tuple[DatasetReleased, ...]


def held_counts(workspace: Workspace, name: str) -> tuple[HeldCount, ...]:
    """Rows of a product held back now, by dataset and check, most first."""
    product = workspace.product(name)
    found = []
    for contract in product.accepted:
        sentences = {check.id: check.description for check in contract.row_checks}
        sentences[UNREADABLE] = "The row could not be split into fields at all."
        files = [path for batch in _batches(workspace, product, contract.dataset) if (path := _file(workspace, batch))]
        if files:
            rows = _asked(
                f"SELECT id, count(*) FROM (SELECT unnest(_checks) AS id FROM {parquet(files)}) GROUP BY 1 ORDER BY 2 DESC, 1"
            )
            held = {check.id for check in contract.row_checks if check.action in ("quarantine", "stop")} | {UNREADABLE}
            found += [
                HeldCount(name, contract.dataset, check, count, sentences.get(check, ""))
                for check, count in rows
                if check in held or check not in sentences
            ]
    return tuple(sorted(found, key=lambda item: (-item.rows, item.dataset, item.check_id)))


def held_rows(
    workspace: Workspace, name: str, dataset: str, *, check: str | None = None, limit: int = 20
) -> tuple[HeldRow, ...]:
    """Rows of a dataset that are held back, in a stable order; of one check if named."""
    product = workspace.product(name)
    contract = product.contract(dataset)
    known = {item.id for item in contract.row_checks} | {UNREADABLE}
    if check is not None and check not in known:
        raise CivicopsError(
            f"{contract.id} has no check '{check}'.", hint=f"`civicops quarantine list {name}` names them."
        )
    files = [path for batch in _batches(workspace, product, dataset) if (path := _file(workspace, batch))]
    if not files:
        return ()
    where = f"WHERE list_contains(_checks, {text(check)})" if check else ""
    rows = _asked(
        f"SELECT _raw, _checks, _error, _source, _object, _contract, _run FROM {parquet(files)} {where} "
        f"ORDER BY _delivery, _object, _raw LIMIT {int(limit)}"
    )
    return tuple(HeldRow(json.loads(row[0]), tuple(row[1]), *row[2:]) for row in rows)


def release_held(workspace: Workspace, name: str, *, progress: Progress | None = None) -> Released:
    """Check everything again under the contracts as they are now, and publish; says how many held rows were let in."""
    from civicops.orchestrate.running import run_product  # noqa: PLC0415 - a run loads much

    product = workspace.product(name)
    before = {contract.dataset: _held(workspace, product, contract.dataset) for contract in product.accepted}
    log = open_log(workspace)
    held = {dataset: count for dataset, count in before.items() if count}
    log.append(Event("quarantine.release", who_acts(), name, {"step": "asked", "held": held}))
    record = run_product(workspace, name, progress=progress)
    after = {contract.dataset: _held(workspace, product, contract.dataset) for contract in product.accepted}
    done = tuple(DatasetReleased(name, before[name], after[name]) for name in sorted(before))
    let_in = {item.dataset: item.released for item in done if item.released}
    content = {"step": "done", "let_in": let_in, "run_id": record.run_id}
    log.append(Event("quarantine.release", who_acts(), name, content, key=f"quarantine/{record.run_id}"))
    return Released(record, done)


def _held(workspace: Workspace, product: Product, dataset: str) -> int:
    return sum(batch.quarantined for batch in _batches(workspace, product, dataset))


def _batches(workspace: Workspace, product: Product, dataset: str) -> tuple[Batch, ...]:
    """The batches that the last run counted; all there are when no run has ended well yet."""
    store = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    last = next((run for run in RunLog(workspace.folder("runs")).runs(product.name) if _checked(run, dataset)), None)
    every = store.batches(dataset)
    if last is None:
        return every
    counted = {batch for item in last.datasets if item["dataset"] == dataset for batch in item.get("batches", ())}
    return tuple(batch for batch in every if batch.id in counted)


def _checked(run: RunRecord, dataset: str) -> bool:
    return any(item["dataset"] == dataset and item["layer"] == "accepted" for item in run.datasets)


def _file(workspace: Workspace, batch: Batch) -> Any:
    path = workspace.folder("quarantine") / batch.product / batch.dataset / f"{batch.id}.parquet"
    return path if path.is_file() else None


def _asked(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(sql).fetchall()
