"""The words of `classification`: how a column is about people.

Belongs here: known words, and which one a slip is meant for. Does not belong here: what follows from a class (rules, reviews).
"""

from __future__ import annotations

import difflib

CLASSES = (
    "none", "public", "person", "personal", "direct", "indirect", "contact", "location", "content", "staff", "sensitive",
    "private", "internal", "confidential", "restricted", "secret",
)  # fmt: skip
"""Known words; `none` and `public` say that a column is not about people. The standard allows any other."""


def meant_class(word: str) -> str | None:
    """The class that a word is a slip of; None for a class, and for a word that is like none.

    A slip matters: whatever stands there is taken for a class, and the search for undeclared personal data passes by.
    """
    plain = word.strip().lower()
    near = difflib.get_close_matches(plain, CLASSES, n=1, cutoff=0.75)
    return near[0] if near and plain not in CLASSES else None
