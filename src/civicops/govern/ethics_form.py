"""The form of an ethics review: text with guidance, filled in as far as files can tell, and put at the end of `ethics.yaml`.

Belongs here: that text, adding it, and the state of every dataset for people (`states`). Does not belong here: what a valid
review is (`civicops.contracts.ethics`), printing (`civicops.cli`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from civicops.contracts import Contract
from civicops.contracts.ethics import (
    FILE,
    LONGEST_YEARS,
    USUAL_DAYS,
    Covered,
    EthicsReview,
    covered,
    judge,
    needs_review,
)
from civicops.contracts.ethics_file import PLACEHOLDER
from civicops.errors import CivicopsError
from civicops.workspace import Product, Workspace

_HEAD = """\
# Ethics reviews of this product: who looked at what could go wrong before its data became public. docs/howto/review-the-ethics.md
# A dataset whose contract says public is restricted until a review covers it, and again from the day after the review ends.
reviews:
"""
_FORM = """\
  # A review that is only begun counts for nothing: put an answer in place of every "{mark}", then run `civicops ethics`.
  - covers:
      # What the reviewers look at, as the contracts say it now. A later contract with more about people, or with less protection,
      # is not covered any more.
{covers}
    # What is it good for that everybody can read this, and for whom? One or two sentences. If nobody comes to mind: leave it
    # closed.
    #   Example: Neighbours see how long the city takes, street by street, and can ask for what others get.
    purpose: "{mark}"
    # Whose lives does it touch? Think of people who never see a screen of ours: whom a row is about, who lives at the place, who
    # did the work, who is missing from the data.
    #   Example: People who sleep outside and are reported by others; crews whose speed can be read from it.
    lives: "{mark}"
    # What could go wrong, for whom? Ask for each: could somebody find a person, a home, a shelter with it? Together with what
    # else is public? Who would use it against somebody? Whom does it hurt when it is wrong or old? One entry each, with what was
    # done (`done`), why the rest is put up with (`accepted`), or both.
    #   Example: {{what: A date and a street together name one household., done: Only the month is published.}}
    risks:
      - what: "{mark}"
        done: "{mark}"
    # Who was asked, best one of those whose lives it touches, and what did they say? If nobody, say so here and why.
    #   Example: {{who: Two outreach workers, said: Rounded places are fine; times of day help people who mean harm.}}
    asked:
      - who: "{mark}"
        said: "{mark}"
    # User names. At least one of them does not own the data ({owners}).
    reviewers: ["{mark}"]
    # approved, approved_with_conditions (then say under `conditions` what has to stay so) or refused.
    decision: "{mark}"
    conditions: []
    reviewed_on: {today}
    # The last day on which it holds: a year from now, {years} years at most. The world changes; look again.
    expires_on: {until}
"""


class EthicsFormError(CivicopsError):
    """There is nothing to review, or the file cannot take another review."""


@dataclass(frozen=True)
class DatasetState:
    """One published dataset and what reviews say of it, ready for a table or JSON."""

    dataset: str
    owner: str
    declared: str
    effective: str
    decision: str
    reviewers: tuple[str, ...]
    reviewed_on: date | None
    expires_on: date | None
    missing: tuple[str, ...]
    """Why it is restricted although its contract says public; empty when nothing is missing."""
    unanswered: tuple[str, ...]
    """`file:line: what` of each answer of a review that is begun."""


def states(workspace: Workspace) -> tuple[DatasetState, ...]:
    """Every published dataset of every product, on the workspace's day. Raises `ContractFileError`."""
    return tuple(
        _state(product, contract, workspace.day) for product in workspace.products for contract in product.published
    )


def _state(product: Product, contract: Contract, today: date) -> DatasetState:
    verdict = judge(contract, product.reviews, today, is_retired=product.file.stage == "retired")
    review = verdict.review
    begun = [item for item in product.reviews.begun if contract.dataset in item.datasets]
    return DatasetState(
        dataset=contract.id,
        owner=contract.owner,
        declared=contract.declared_access,
        effective=contract.access,
        decision=review.decision if review else "",
        reviewers=review.reviewers if review else (),
        reviewed_on=review.reviewed_on if review else None,
        expires_on=review.expires_on if review else None,
        missing=verdict.reasons if needs_review(contract) else (),
        unanswered=tuple(f"{FILE}:{one.line}: {one.message}" for item in begun for one in item.unanswered),
    )


def begin_review(product: Product, datasets: Sequence[str], today: date) -> tuple[Path, tuple[str, ...]]:
    """Put the form for some datasets at the end of the product's `ethics.yaml`; returns the file and the datasets.

    Without `datasets`: all that say public and have no valid review, else all that say public. Nothing that stands in the file is
    changed. Raises `EthicsFormError` where there is nothing to review or a form for one of them is begun already,
    `WorkspaceError` for an unknown dataset.
    """
    chosen = [product.contract(name) for name in datasets] or _waiting(product, today)
    if not chosen:
        message = f"No dataset of {product.name} says public, so there is nothing to review."
        raise EthicsFormError(message, hint="A dataset is made public by 'access: public' in its contract.")
    if closed := [one.dataset for one in chosen if one.layer != "published"]:
        message = f"{', '.join(closed)} is never released, so there is nothing to review."
        raise EthicsFormError(message, hint="Only published datasets can be public.")
    for begun in product.reviews.begun:
        if again := sorted(set(begun.datasets) & {one.dataset for one in chosen}):
            first = begun.unanswered[0]
            raise EthicsFormError(
                f"A review of {', '.join(again)} is begun already: {first.path}:{first.line}.",
                hint="Answer what is missing there, or take it out.",
            )
    path = product.folder / FILE
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    text = form(chosen, today)
    if not before.strip() or (not product.reviews.finished and not product.reviews.begun and "reviews:" not in before):
        whole = before + _HEAD + text
    else:
        whole = before.rstrip("\n") + "\n" + text
    path.write_text(whole, encoding="utf-8")
    return path, tuple(one.dataset for one in chosen)


def _waiting(product: Product, today: date) -> list[Contract]:
    public = [one for one in product.published if needs_review(one)]
    return [one for one in public if not judge(one, product.reviews, today).is_valid] or public


def form(contracts: Sequence[Contract], today: date) -> str:
    """The form for some contracts: one entry of the list `reviews`."""
    return _FORM.format(
        mark=PLACEHOLDER,
        covers="\n".join(_covers(covered(one)) for one in contracts),
        owners=", ".join(sorted({one.owner for one in contracts})),
        today=today,
        until=today + timedelta(days=USUAL_DAYS),
        years=LONGEST_YEARS,
    )


def review_text(review: EthicsReview) -> str:
    """A finished review as an entry of the list `reviews`."""
    data = review.model_dump(mode="json", exclude_defaults=True, exclude={"covers"})
    covers = "\n".join(_covers(one) for one in review.covers)
    return f"  - covers:\n{covers}\n" + _indented(data, 4)


def _covers(item: Covered) -> str:
    data = item.model_dump(mode="json", exclude_defaults=True)
    return f"      - {_indented(data, 8).lstrip()}".rstrip("\n")


def _indented(data: dict[str, Any], by: int) -> str:
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())
