"""What the record of a run keeps of what its steps gave.

Belongs here: plain values from results. Does not belong here: the steps (`steps`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from civicops.ingest.values import Finding
from civicops.orchestrate.context import Accepted, Gated
from civicops.transform import LayerFinding


def accepted_note(item: Accepted) -> dict[str, Any]:
    """What the record keeps of an accepted dataset."""
    kept = item.conservation
    return {
        "dataset": kept.dataset, "layer": "accepted", "contract": item.contract.version, "rows_in": kept.rows_in,
        "accepted": kept.accepted, "quarantined": kept.quarantined, "ignored": kept.ignored, "missing": kept.missing,
        "batches": [batch.id for batch in item.batches], "checks": [asdict(result) for result in item.results],
        "findings": [finding for batch in item.batches for finding in batch.findings],
    }  # fmt: skip


def published_note(item: Gated) -> dict[str, Any]:
    """What the record keeps of a published dataset."""
    return {
        "dataset": item.contract.dataset, "layer": "published", "contract": item.contract.version,
        "rows": item.staged.rows, "changed": item.staged.unchanged is None,
        "checks": [asdict(result) for result in item.results],
    }  # fmt: skip


def layer_finding(item: LayerFinding) -> Finding:
    """What a build found wrong with a boundary set, as a finding of the run."""
    where = f"{item.layer} {item.set_id}" + (f", area {item.area_code}" if item.area_code else "")
    return Finding(item.check_id, f"{where}: {item.message}", 1, "flag")
