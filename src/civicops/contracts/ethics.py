"""Ethics reviews: what people have looked at before a dataset is made public, and whether that still holds.

Belongs here: the values of `ethics.yaml`, what a review covers of a contract, and judging a contract by reviews on a day. Does
not belong here: reading the file (`ethics_file`), the form (`civicops.govern`), what follows for readers (`civicops.workspace`).

A review covers columns about people and privacy rules, as they were. A later contract that takes in another such column, or
protects less, is not what was looked at: the dataset is restricted until somebody looks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from civicops.contracts.model import Contract, ReviewNote
from civicops.contracts.privacy import PrivacyRule
from civicops.contracts.problems import Problem

FILE = "ethics.yaml"
LONGEST_YEARS = 2
"""A review holds for two years at most; one is usual."""
USUAL_DAYS = 365
WARN_DAYS = 30
"""So many days before a review ends, people are told."""
Decision = Literal["approved", "approved_with_conditions", "refused"]
_SENTENCE = 20
_NOT_PERSONAL = frozenset({"", "none", "public"})


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Risk(_Closed):
    """One thing that could go wrong, and what was done about it; or that it is put up with, and why."""

    what: str = Field(min_length=_SENTENCE, description="What could go wrong, and for whom.")
    done: str = Field(default="", description="What was done about it.")
    accepted: str = Field(default="", description="Why what is left of it is put up with.")

    @model_validator(mode="after")
    def _answered(self) -> Risk:
        if len(self.done) < _SENTENCE and len(self.accepted) < _SENTENCE:
            raise ValueError("say in a sentence what was done about it (done) or why it is put up with (accepted)")
        return self


class Asked(_Closed):
    """Somebody who was asked, best one of those whose lives it touches, and what they said."""

    who: str = Field(min_length=3, description="A person, a role or a group.")
    said: str = Field(min_length=_SENTENCE, description="What they said.")


class CoveredRule(_Closed):
    """A privacy rule as it was when it was reviewed."""

    rule: str = Field(description="Its id in the contract.")
    when: str = Field(description="Its condition.")
    treats: dict[str, str] = Field(description="Column to treatment: `null`, or `round 2` for two decimals.")


class Covered(_Closed):
    """What the review looked at in one contract."""

    dataset: str = Field(description="A published dataset of the product.")
    contract: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="The version of its contract that was looked at.")
    personal: dict[str, str] = Field(
        default={}, description="Columns about people, each with its class (`classification` in the contract)."
    )
    privacy: tuple[CoveredRule, ...] = Field(default=(), description="Its privacy rules.")


class EthicsReview(_Closed):
    """One review of one or more datasets of a product."""

    covers: tuple[Covered, ...] = Field(description="The datasets, and what was looked at in each.")
    purpose: str = Field(min_length=_SENTENCE, description="What making it public is good for, and for whom.")
    lives: str = Field(min_length=_SENTENCE, description="Whose lives it touches, also of people who never see it.")
    risks: tuple[Risk, ...] = Field(
        description="What could go wrong: `{what, done}` or `{what, accepted}` each, or all three."
    )
    asked: tuple[Asked, ...] = Field(
        description="Who was asked and what they said: `{who, said}` each. If nobody, say so and why."
    )
    reviewers: tuple[str, ...] = Field(description="User names; at least one who does not own the dataset.")
    decision: Decision = Field(description="`approved`, `approved_with_conditions` or `refused`.")
    conditions: tuple[str, ...] = Field(default=(), description="What has to stay so, for `approved_with_conditions`.")
    reviewed_on: date = Field(description="The day of the decision.")
    expires_on: date = Field(description="The last day on which it holds: a year later, two at most.")

    @field_validator("covers", "risks", "asked", "reviewers", mode="before")
    @classmethod
    def _some(cls, found: object) -> object:
        # Not `min_length`, which pydantic says once more of a list whose only entry is wrong.
        if isinstance(found, list | tuple) and not found:
            raise ValueError("name at least one")
        return found

    @field_validator("conditions")
    @classmethod
    def _said(cls, found: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if found and info.data.get("decision") not in ("approved_with_conditions", None):
            raise ValueError("there are conditions, so the decision is 'approved_with_conditions'")
        return found

    @field_validator("expires_on")
    @classmethod
    def _not_too_late(cls, day: date, info: ValidationInfo) -> date:
        begun = info.data.get("reviewed_on")
        if begun is not None and day <= begun:
            raise ValueError(f"must be after the day of the review, {begun}")
        if begun is not None and day > latest_end(begun):
            raise ValueError(
                f"a review holds for {LONGEST_YEARS} years at most: until {latest_end(begun)}; a year is usual"
            )
        return day

    @model_validator(mode="after")
    def _conditioned(self) -> EthicsReview:
        if self.decision == "approved_with_conditions" and not self.conditions:
            raise ValueError("'approved_with_conditions' needs 'conditions'")
        names = [item.dataset for item in self.covers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"covers {', '.join(twice)} twice")
        return self

    def covered(self, dataset: str) -> Covered | None:
        """What it says of a dataset; None when it is not about it."""
        return next((item for item in self.covers if item.dataset == dataset), None)


@dataclass(frozen=True)
class BegunReview:
    """A review of which answers are still missing; it counts for nothing yet."""

    datasets: tuple[str, ...]
    unanswered: tuple[Problem, ...]


@dataclass(frozen=True)
class Reviews:
    """All reviews of one product, in the order of the file."""

    finished: tuple[EthicsReview, ...] = ()
    begun: tuple[BegunReview, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What reviews say of a dataset on a day: it holds when there is no reason against it."""

    review: EthicsReview | None
    reasons: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        return not self.reasons


def latest_end(begun: date) -> date:
    """The last day on which a review of `begun` may hold."""
    try:
        return begun.replace(year=begun.year + LONGEST_YEARS)
    except ValueError:  # the 29th of February
        return date(begun.year + LONGEST_YEARS, 2, 28)


def needs_review(contract: Contract) -> bool:
    """Whether a dataset may be public only with a review."""
    return contract.layer == "published" and contract.declared_access == "public"


def personal_columns(contract: Contract) -> dict[str, str]:
    """The columns about people, each with its class."""
    return {c.name: c.pii_class for c in contract.columns if c.pii_class.strip().lower() not in _NOT_PERSONAL}


def treatments(rule: PrivacyRule) -> dict[str, str]:
    """Column to treatment, as a review writes it."""
    return {
        item.column: item.treatment if item.decimals is None else f"{item.treatment} {item.decimals}"
        for item in rule.treatments
    }


def covered(contract: Contract) -> Covered:
    """What a review made today covers of a contract."""
    return Covered(
        dataset=contract.dataset,
        contract=contract.version,
        personal=personal_columns(contract),
        privacy=tuple(
            CoveredRule(rule=rule.id, when=_plain(rule.when), treats=treatments(rule)) for rule in contract.privacy
        ),
    )


def judge(contract: Contract, reviews: Reviews, today: date, *, is_retired: bool = False) -> Verdict:
    """Whether a dataset may be public on a day: by the newest review of it, unless that has ended.

    Of several the one with the latest `reviewed_on` counts, of those of one day the last in the file; a day more than tomorrow is
    not there yet (`today` is a day in UTC, and somewhere it is tomorrow). The last review of a retired product does not end.
    """
    mine = [
        item
        for item in reviews.finished
        if item.covered(contract.dataset) and item.reviewed_on <= today + timedelta(days=1)
    ]
    begun = [item for item in reviews.begun if contract.dataset in item.datasets]
    if not mine:
        if begun:
            first = begun[-1].unanswered[0]
            text = f"its review is begun, but {len(begun[-1].unanswered)} answers are missing ({first.path.name}:{first.line})"
            return Verdict(None, (text,))
        return Verdict(None, ("no ethics review covers it",))
    review = max(reversed(mine), key=lambda item: item.reviewed_on)
    return Verdict(review, tuple(_against(contract, review, today, is_retired=is_retired)))


def _against(contract: Contract, review: EthicsReview, today: date, *, is_retired: bool) -> Iterator[str]:
    if review.decision == "refused":
        yield f"the review of {review.reviewed_on} refused to make it public"
        return
    if review.expires_on < today and not is_retired:
        yield f"its review ended on {review.expires_on}"
    if set(review.reviewers) <= {contract.owner}:
        yield f"nobody but its owner, {contract.owner}, has reviewed it"
    seen = review.covered(contract.dataset)
    if seen is not None:
        yield from uncovered(contract, seen)


def uncovered(contract: Contract, seen: Covered) -> Iterator[str]:
    """What of a contract a review has not looked at, in a sentence each: more about people, or less protection."""
    when = f"since the review (contract {seen.contract})"
    renamed = {column.was.name: column.name for column in contract.columns if column.was}
    looked_at = {renamed.get(name, name): kind for name, kind in seen.personal.items()}
    for name, kind in personal_columns(contract).items():
        if name not in looked_at:
            yield f"{when} the column '{name}' about people ({kind}) came in"
        elif _plain(looked_at[name]).lower() != _plain(kind).lower():
            yield f"{when} the column '{name}' went from {looked_at[name]} to {kind}"
    now = {rule.id: rule for rule in contract.privacy}
    there = set(contract.column_names)
    for old in seen.privacy:
        named = {renamed.get(column, column): how for column, how in old.treats.items()}
        treated = {column: how for column, how in named.items() if column in there}
        rule = now.get(old.rule)
        if not treated:
            continue
        if rule is None:
            yield f"{when} the privacy rule '{old.rule}' went"
            continue
        if _plain(rule.when) != _plain(old.when):
            yield f"{when} the privacy rule '{old.rule}' holds for other rows ({_plain(rule.when)})"
        new = treatments(rule)
        for column, how in treated.items():
            if column not in new:
                yield f"{when} the privacy rule '{old.rule}' no longer treats '{column}'"
            elif _exactness(new[column]) > _exactness(how):
                yield f"{when} '{column}' became more exact: {how}, now {new[column]}"


def note(review: EthicsReview) -> ReviewNote:
    """What a contract carries of the review it stands under."""
    return ReviewNote(
        reviewed_on=review.reviewed_on,
        expires_on=review.expires_on,
        reviewers=review.reviewers,
        decision=review.decision,
    )


def in_force(contract: Contract, reviews: Reviews, today: date, *, is_retired: bool = False) -> Contract:
    """The contract as it holds on a day: one that says public and may not be is restricted, with the reason."""
    if not needs_review(contract):
        return contract
    verdict = judge(contract, reviews, today, is_retired=is_retired)
    if verdict.is_valid and verdict.review is not None:
        return contract.model_copy(update={"reviewed": note(verdict.review)})
    return contract.model_copy(update={"access": "restricted", "restricted_because": "; ".join(verdict.reasons)})


def _plain(text: str) -> str:
    return " ".join(text.split())


def _exactness(treatment: str) -> float:
    """How much a treatment leaves: nothing of `null`, more with every decimal."""
    word, _, decimals = treatment.partition(" ")
    if word.lower() == "null":
        return float("-inf")
    try:
        return int(decimals)
    except ValueError:
        return float("inf")
