"""The reviews of the products in this repository: they cover what the products say is public, and somebody hears before they end.

Belongs here: rules on the files. Does not belong here: how reviews work (`tests/unit/govern`, `tests/flow/test_ethics`).

No test fails because a day has come: a workspace of somebody else would, and says so by an incident. Here it is a warning.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civicops.contracts import load_contracts
from civicops.contracts.ethics import covered, judge, needs_review
from civicops.contracts.ethics_file import read_reviews
from tools.setup_env import ROOT

PRODUCTS = sorted(path.parent for path in (ROOT / "products").glob("*/product.yaml"))
SOON = timedelta(days=183)


@pytest.mark.parametrize("folder", PRODUCTS, ids=lambda folder: folder.name)
def test_what_says_public_is_covered_by_a_review_of_two_people(folder: Path) -> None:
    contracts = load_contracts(sorted((folder / "contracts").glob("*.yaml")))
    reviews = read_reviews(folder / "ethics.yaml", contracts)
    assert not reviews.begun
    for contract in contracts:
        if not needs_review(contract):
            continue
        newest = max(
            (one for one in reviews.finished if one.covered(contract.dataset)), key=lambda one: one.reviewed_on
        )
        assert judge(contract, reviews, newest.reviewed_on).is_valid, contract.id
        # What the file says was looked at is what is there: no leftover, nothing forgotten.
        seen = newest.covered(contract.dataset)
        assert seen is not None and seen.model_copy(update={"contract": contract.version}) == covered(contract)
        assert len(set(newest.reviewers) - {contract.owner}) >= 2
        assert newest.risks and newest.asked
        if newest.expires_on - datetime.now(UTC).date() < SOON:
            warnings.warn(
                f"{contract.id}: its example review ends on {newest.expires_on}; make a new one "
                "(docs/howto/review-the-ethics.md)",
                stacklevel=1,
            )


def test_the_reviews_say_that_they_are_examples() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "products").glob("*/ethics.yaml")]
    assert len(texts) == 4
    assert all("an example" in text and "made up" in text for text in texts)
