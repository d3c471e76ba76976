"""What is measured of the food listings, as functions: duplicates, parse rates, changes that were pointed at beforehand.

Belongs here: the figures. Does not belong here: printing them (`food_listings`), asserting them (tests/data).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from bench.food_data import april, labels, lookups, others, table
from products.food_listings.cleaning.across import find_across, find_disagreements
from products.food_listings.cleaning.row import Cleaned
from products.food_listings.matching.keys import keys_of
from products.food_listings.matching.model import score

MEASURED = datetime(2020, 4, 25, tzinfo=UTC)
FIELD_OF = {
    "name": "name",
    "address_1": "address",
    "address_2": "address",
    "city": "address",
    "state": "address",
    "zip": "address",
    "latitude": "address",
    "longitude": "address",
    "phone": "phone",
    "email": "email",
    "website": "url",
    "hours": "hours",
    "inactive": "status",
    "category_ids": "categories",
    "description": "description",
    "notes": "description",
}


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's interval at 95 % (Wilson 1927)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.of:
            return 0.0, 1.0
        z, p, n = 1.959964, self.value, self.of
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({self.hits} of {self.of}; {low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Duplicates:
    """How well pairs at or above a threshold are found. `sampled`: labelled pairs below it that were drawn at random, and
    how many of them are duplicates after all."""

    threshold: float
    precision: Share
    recall: Share
    sampled: Share


def duplicates(threshold: float) -> Duplicates:
    """Against the labels. Unsure pairs count neither way; a pair that was found and not labelled would be an error."""
    scored = {frozenset((p.first.split(":")[1], p.second.split(":")[1])): p.probability for p in _pairs()}
    known = {frozenset((row["id_a"], row["id_b"])): row for row in labels()}
    found = {pair for pair, probability in scored.items() if probability >= threshold}
    unread = found - set(known)
    if unread:
        raise AssertionError(
            f"{len(unread)} pairs above {threshold} were never read: {sorted(map(sorted, unread))[:3]}"
        )
    same = {pair for pair, row in known.items() if row["label"] == "same"}
    sure = {pair for pair in found if known[pair]["label"] != "unsure"}
    drawn = [row for row in known.values() if row["stratum"] in ("near_miss", "weak_signal")]
    return Duplicates(
        threshold,
        Share(len(sure & same), len(sure)),
        Share(len(found & same), len(same)),
        Share(sum(row["label"] == "same" for row in drawn), len(drawn)),
    )


def _pairs() -> list:  # type: ignore[type-arg]
    return score([keys_of(row.listing_id, row.values) for row in april()], least=0.01)


def equal_keys() -> Duplicates:
    """The peer: the existing project's rule (same cleaned name, address and zip code), on the same labels."""
    keys: dict[tuple[str, str, str], list[str]] = {}
    for row in april():
        key = keys_of(row.listing_id, row.values)
        if key["name_key"] and key["address_key"] and key["zip"]:
            keys.setdefault((key["name_key"], key["address_key"], key["zip"]), []).append(row.listing_id.split(":")[1])
    found = {frozenset((a, b)) for ids in keys.values() for n, a in enumerate(ids) for b in ids[n + 1 :]}
    known = {frozenset((row["id_a"], row["id_b"])): row["label"] for row in labels()}
    same = {pair for pair, label in known.items() if label == "same"}
    read = {pair for pair in found if known.get(pair) in ("same", "different")}
    return Duplicates(1.0, Share(len(read & same), len(read)), Share(len(found & same), len(same)), Share(0, 0))


def parse_rates() -> dict[str, Share]:
    """How many values that are given can be read: phones, streets, hours of the project and of the lists that have words."""
    rows = [*april(), *others()]
    raw = {row.listing_id: {finding.check for finding in row.notes.findings} for row in rows}
    phones = [
        row for row in rows if row.values["phone_number"] or raw[row.listing_id] & {"phone_invalid", "phone_unreadable"}
    ]
    streets = [row for row in rows if row.values["address_1"]]
    tuples = [row for row in april() if row.hours.has_text]
    words = [row for row in others() if row.hours.has_text]
    return {
        "phones": Share(sum(row.values["phone_number"] is not None for row in phones), len(phones)),
        "streets": Share(
            sum(not raw[row.listing_id] & {"address_unreadable", "address_po_box"} for row in streets), len(streets)
        ),
        "hours in rows": Share(sum(row.hours.is_understood for row in tuples), len(tuples)),
        "hours in words": Share(sum(row.hours.is_understood for row in words), len(words)),
    }


@dataclass(frozen=True)
class Foresight:
    """Real changes of the five weeks after: how many of their fields had a finding before, and how many changes lie in the first
    fifth, third and half of the listings when these are verified in an order."""

    changes: int
    listings: int
    same_field: Share
    any_field: Share
    in_order: dict[str, tuple[Share, ...]]


def foresight(fields: Sequence[str] = ()) -> Foresight:
    """Compare what people changed between 25 April and 1 June 2020 with what the checks said on 25 April; `fields` limits to
    some."""
    rows, contradictions = _checked()
    june = {row["id"] for row in table("stakeholder_2020-06-01.csv")}
    pool = {row.listing_id.split(":")[1]: row for row in rows if row.listing_id.split(":")[1] in june}
    changes = [
        (row["stakeholder_id"], row["field"])
        for row in table("field_changes_2020-04-25_to_2020-06-01.csv")
        if row["stakeholder_id"] in pool and (not fields or row["field"] in fields)
    ]
    about = {key: {finding.field for finding in row.notes.findings} for key, row in pool.items()}
    same = sum(FIELD_OF.get(field) in about[key] for key, field in changes)
    any_field = sum(bool(about[key]) for key, _ in changes)
    ids = sorted(pool)
    orders = {
        "risk": sorted(ids, key=lambda key: (-risk(pool[key], contradictions.get(pool[key].listing_id, 0)), key)),
        "oldest first": sorted(ids, key=lambda key: (-_age(pool[key]), key)),
    }
    return Foresight(
        len(changes),
        len(pool),
        Share(same, len(changes)),
        Share(any_field, len(changes)),
        {
            **{name: tuple(_covered(order, changes, part) for part in (5, 3, 2)) for name, order in orders.items()},
            # Every order is as likely as any other: on average the part of the listings is the share of the changes.
            "random": tuple(
                Share(round(len(changes) * (len(ids) // part) / len(ids)), len(changes)) for part in (5, 3, 2)
            ),
        },
    )


def older_than_a_year() -> Share:
    """The peer: listings that the plain rule would have pointed at on that day."""
    rows = april()
    return Share(sum(_age(row) > 365 for row in rows), len(rows))


@cache
def _checked() -> tuple[list[Cleaned], dict[str, int]]:
    """The listings of April with the findings across rows and lists, and how many fields other lists contradict, per listing."""
    rows = [*april(), *others()]
    find_across(rows)
    pairs = score([keys_of(row.listing_id, row.values) for row in rows], least=0.99)
    return list(april()), find_disagreements(rows, [(pair.first, pair.second) for pair in pairs])


def risk(row: Cleaned, contradictions: int = 0) -> float:
    """The parts of the product's risk that can be known from one import of each list, with the product's weights."""
    points = {"error": 1.0, "warning": 0.5, "hint": 0.1}
    found = sum(points[lookups().checks[finding.check]["severity_code"]] for finding in row.notes.findings)
    age = min(1.0, _age(row) / min(int(rule["limit_days"]) for rule in lookups().critical.values()))
    weights = lookups().weights
    return (
        weights["age"] * age
        + weights["findings"] * min(1.0, found / 3)
        + weights["disagreement"] * min(1.0, contradictions / 2)
    )


def _age(row: Cleaned) -> float:
    moment = row.dates.get("modified") or row.dates.get("created")
    return (MEASURED - moment).days if moment else 9_999


def _covered(order: Sequence[str], changes: Sequence[tuple[str, str]], part: int) -> Share:
    first = set(order[: len(order) // part])
    return Share(sum(key in first for key, _ in changes), len(changes))
