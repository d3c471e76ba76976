"""Ethics reviews for made-up workspaces, so that what their contracts call public is public.

Belongs here: writing a valid `ethics.yaml` from the contracts that are there. Does not belong here: testing reviews
(`tests/unit/govern`, `tests/flow/test_ethics`).

Every date is relative to today, so that no test ends with a review.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from civicops.contracts import load_contracts
from civicops.contracts.ethics import EthicsReview, covered, needs_review
from civicops.govern.ethics_form import review_text

REVIEWER = "rosa-example"
"""Owns nothing in any made-up workspace."""


def today() -> date:
    return datetime.now(UTC).date()


def made_review(folder: Path, datasets: Sequence[str] = (), **changes: Any) -> EthicsReview:
    """A review of the public datasets of a product folder, or of some; `changes` replaces fields."""
    contracts = load_contracts(sorted((folder / "contracts").glob("*.yaml")))
    chosen = [one for one in contracts if (one.dataset in datasets if datasets else needs_review(one))]
    plain: dict[str, Any] = {
        "covers": tuple(covered(one) for one in chosen),
        "purpose": "Made up, so that a test has something public.",
        "lives": "Nobody's: every row is made up.",
        "risks": ({"what": "A test could be mistaken for data.", "accepted": "It never leaves the machine."},),
        "asked": ({"who": "Nobody", "said": "There is nobody whom it is about."},),
        "reviewers": (REVIEWER,),
        "decision": "approved",
        "reviewed_on": today() - timedelta(days=30),
        "expires_on": today() + timedelta(days=200),
    }
    return EthicsReview.model_validate(plain | changes)


def write_reviews(root: Path) -> None:
    """Write `ethics.yaml` of every product of the workspace at `root` that says something public, in place of what was there."""
    for path in sorted((root / "products").glob("*/product.yaml")):
        write_review(path.parent)


def write_review(folder: Path, datasets: Sequence[str] = (), **changes: Any) -> Path:
    """Write one product's `ethics.yaml` with one review (`made_review`); none where nothing says public."""
    contracts = load_contracts(sorted((folder / "contracts").glob("*.yaml")))
    path = folder / "ethics.yaml"
    if datasets or any(needs_review(one) for one in contracts):
        path.write_text("reviews:\n" + review_text(made_review(folder, datasets, **changes)), encoding="utf-8")
    return path


def renewed(folder: Path) -> None:
    """Let the reviews of a copied product hold today, whatever day they were made for."""
    path = folder / "ethics.yaml"
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(reviewed_on: ).*", rf"\g<1>{today() - timedelta(days=30)}", text)
        path.write_text(re.sub(r"(expires_on: ).*", rf"\g<1>{today() + timedelta(days=200)}", text), encoding="utf-8")
