"""What a street is called, whatever way it is written.

Belongs here: turning the text of a street into the form by which it is searched. Does not belong here: the words themselves
(`lookups/street_words.csv`, which the browser gets as well), the index (`addresses`).

The browser does the same to what people type, so each step here is one that is easy to do there.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from .names import LOOKUPS

Words = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Street:
    """`key` is what it is searched by, without direction and suffix (`VANOWEN`); `name` has all (`W VANOWEN ST`)."""

    key: str
    name: str


def read_words() -> Words:
    """The lookup `street_words`: kind (`direction`, `suffix`, `word`, `join`) to what is written to what it stands for."""
    words: Words = {"direction": {}, "suffix": {}, "word": {}, "join": {}}
    with (LOOKUPS / "street_words.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            words[row["kind"]][row["written"]] = row["canonical"]
    return words


def crossing(tokens: Sequence[str], words: Words) -> tuple[Sequence[str], Sequence[str]] | None:
    """The tokens of the two streets that cross, or `None` for the text of one street."""
    for index in range(1, len(tokens) - 1):
        if tokens[index] in words["join"]:
            return tokens[:index], tokens[index + 1 :]
    return None


def street(tokens: Sequence[str], words: Words) -> Street:
    """The street that cleaned tokens (capitals, no punctuation) name; at least one token."""
    left = list(tokens)
    suffixes = words["suffix"]
    direction = suffix = ""
    # `WEST BLVD` is a street called West; `W OLYMPIC` is Olympic, west.
    if len(left) > 1 and left[0] in words["direction"] and not (len(left) == 2 and left[1] in suffixes):
        direction = words["direction"][left.pop(0)]
    if len(left) > 1 and left[-1] in suffixes:
        suffix = suffixes[left.pop()]
    # `AVENUE 26` and `AVE 26` are one street.
    if len(left) > 1 and left[0] in suffixes and left[1][0].isdigit():
        left[0] = suffixes[left[0]]
    key = " ".join(words["word"].get(token, token) for token in left)
    return Street(key, " ".join(part for part in (direction, key, suffix) if part))
