"""Rows that are held back, now or in a past run: counting them, showing them as the source wrote them.

Belongs here: which batches count, and reading their quarantine. Does not belong here: how a row is held back
(`civicops.checks.batches`), letting mended ones in (`civicops.orchestrate.quarantine`), and who may see them, for they hold
whatever the source sent.

The quarantine is never emptied, so rows of old runs are there as long as the workspace is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from civicops.checks.batches import UNREADABLE, Batch, BatchStore
from civicops.checks.sql import parquet, text
from civicops.errors import CivicopsError
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Product, Workspace

_BATCH = re.compile(r"[0-9a-f]+")


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


def held_counts(workspace: Workspace, name: str) -> tuple[HeldCount, ...]:
    """Rows of a product held back now, by dataset and check, most first."""
    product = workspace.product(name)
    found = []
    for contract in product.accepted:
        sentences = {check.id: check.description for check in contract.row_checks}
        sentences[UNREADABLE] = "The row could not be split into fields at all."
        files = [path for batch in batches(workspace, product, contract.dataset) if (path := _file(workspace, batch))]
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
    workspace: Workspace,
    name: str,
    dataset: str,
    *,
    check: str | None = None,
    run: RunRecord | None = None,
    limit: int = 20,
) -> tuple[HeldRow, ...]:
    """Rows of a dataset that are held back, in a stable order; of one check if named, of a past run if given.

    Raises `CivicopsError` for a dataset or check that the product does not have.
    """
    product = workspace.product(name)
    contract = product.contract(dataset)
    known = {item.id for item in contract.row_checks} | {UNREADABLE}
    if check is not None and run is None and check not in known:
        raise CivicopsError(
            f"{contract.id} has no check '{check}'.", hint=f"`civicops quarantine list {name}` names them."
        )
    if run is None:
        files = [path for batch in batches(workspace, product, dataset) if (path := _file(workspace, batch))]
    else:
        folder = workspace.folder("quarantine") / name / dataset
        files = [path for batch in counted(run, dataset) if (path := folder / f"{batch}.parquet").is_file()]
    if not files:
        return ()
    where = f"WHERE list_contains(_checks, {text(check)})" if check else ""
    rows = _asked(
        f"SELECT _raw, _checks, _error, _source, _object, _contract, _run FROM {parquet(files)} {where} "
        f"ORDER BY _delivery, _object, _raw LIMIT {int(limit)}"
    )
    return tuple(HeldRow(json.loads(row[0]), tuple(row[1]), *row[2:]) for row in rows)


def batches(workspace: Workspace, product: Product, dataset: str) -> tuple[Batch, ...]:
    """The batches that the last run counted; all there are when no run has ended well yet."""
    store = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    last = next((run for run in RunLog(workspace.folder("runs")).runs(product.name) if _checked(run, dataset)), None)
    every = store.batches(dataset)
    if last is None:
        return every
    return tuple(batch for batch in every if batch.id in counted(last, dataset))


def counted(run: RunRecord, dataset: str) -> tuple[str, ...]:
    """The ids of the batches of a dataset that a run counted."""
    found = (batch for item in run.datasets if item["dataset"] == dataset for batch in item.get("batches", ()))
    return tuple(batch for batch in found if _BATCH.fullmatch(batch))


def _checked(run: RunRecord, dataset: str) -> bool:
    return any(item["dataset"] == dataset and item["layer"] == "accepted" for item in run.datasets)


def _file(workspace: Workspace, batch: Batch) -> Path | None:
    path = workspace.folder("quarantine") / batch.product / batch.dataset / f"{batch.id}.parquet"
    return path if path.is_file() else None


def _asked(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(sql).fetchall()
