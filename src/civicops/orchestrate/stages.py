"""The gate before a product is called stable: what it must not lack then.

Belongs here: which products a change calls stable, and what they lack. Does not belong here: practices and how they are measured
(`civicops.govern`), the other steps of a change (`continuous`).
"""

from __future__ import annotations

import yaml

from civicops.change.states import Repository
from civicops.govern.scorecard import Result, stage_gaps
from civicops.workspace import Product, Workspace


def newly_stable(workspace: Workspace, base: str) -> tuple[Product, ...]:
    """Products that are stable here and were not, or were not there, at the commit `base`."""
    repository = Repository(workspace)
    found = []
    for product in workspace.products:
        if product.file.stage != "stable":
            continue
        text = repository.text(base, product.folder / "product.yaml")
        before = yaml.safe_load(text) if text else {}
        if not isinstance(before, dict) or before.get("stage") != "stable":
            found.append(product)
    return tuple(found)


def unmet(workspace: Workspace, base: str) -> dict[str, tuple[Result, ...]]:
    """Product to the practices that bind a stable product and are not met, of those that a change calls stable."""
    return {product.name: stage_gaps(workspace, product) for product in newly_stable(workspace, base)}
