"""The gate before a product is called stable: what it must not lack then.

Belongs here: which products a change calls stable, and what they lack. Does not belong here: practices and how they are measured
(`civicops.govern`), the other steps of a change (`continuous`).
"""

from __future__ import annotations

from pathlib import Path

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
        if _stage_at(repository, base, product.folder / "product.yaml") != "stable":
            found.append(product)
    return tuple(found)


def _stage_at(repository: Repository, base: str, path: Path) -> str | None:
    """The stage that a `product.yaml` gave at a commit; where that cannot be read, what it gave before."""
    for commit in repository.back_from(base, path):
        text = repository.text(commit, path)
        try:
            before = yaml.safe_load(text) if text else {}
        except yaml.YAMLError:
            continue
        return before.get("stage") if isinstance(before, dict) else None
    return None


def unmet(workspace: Workspace, base: str) -> dict[str, tuple[Result, ...]]:
    """Product to the practices that bind a stable product and are not met, of those that a change calls stable."""
    return {product.name: stage_gaps(workspace, product) for product in newly_stable(workspace, base)}
