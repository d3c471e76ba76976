"""Letting mended rows in: the run that checks held rows again.

Belongs here: that run. Does not belong here: how a row is held back (`civicops.checks.batches`), reading those that are
(`civicops.observe.held`).

There is no second way into the accepted rows: letting rows in is a run of the product under the mended contract, in which every
landed row is checked as if it came today. So it happens once, and ends in the same rows as if the contract had always been so.
"""

from __future__ import annotations

from dataclasses import dataclass

from civicops.audit import Event, open_log
from civicops.ingest.values import Progress
from civicops.observe.held import HeldCount, HeldRow, batches, held_counts, held_rows
from civicops.release.history import who_acts
from civicops.runs import RunRecord
from civicops.workspace import Product, Workspace

__all__ = ["DatasetReleased", "HeldCount", "HeldRow", "Released", "held_counts", "held_rows", "release_held"]


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
    return sum(batch.quarantined for batch in batches(workspace, product, dataset))
