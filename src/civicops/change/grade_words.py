"""Whether words, units and zones still mean the same.

Belongs here: comparing two descriptions, two units, two time zones. Does not belong here: grading (`grade_columns`).

A description is what says which of several possible numbers a column holds, so a change of its words is taken for a change of
meaning unless it is only case, punctuation, small words, examples or how a long word is spelt, or the author says `reworded`.
Where that is in doubt it counts as a change: a sentence too much costs less than a number that means something else.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SMALL = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "has", "have", "in", "is", "it", "its", "of", "on", "that",
    "the", "their", "there", "they", "this", "those", "to", "was", "were", "which",
})  # fmt: skip
"""Not `or`: to put it in the place of `and` says something else."""
_EXAMPLES = re.compile(
    r"\(\s*(?:such as|for example|for instance|e\.g\.)[^)]*\)|[,;]?\s*\b(?:such as|for example|for instance|e\.g\.)[^.,;)]*",
    re.IGNORECASE,
)
"""In brackets all of it; in a sentence the first one only, as what follows a comma may be something else."""
_WORD = re.compile(
    r"[^\W_]+(?:[-'][^\W_]+)*|[%°$€£¥¢₹₩₽<>≤≥=≠≈±+×÷^~]|(?<!\w)[-−](?=[\d.])|(?:^|(?<=[.,;:(]\s)|(?<=\())[-−](?=\s)"
)
"""Words, and signs that change what a number is: comparisons, currencies, and a minus that is no dash."""
_SENTENCE = re.compile(r"(?:^|[.!?]\s+)$")
_LONG = 8
"""Letters of a word from which on another word is hardly one slip away; `from` and `form`, `later` and `latter` are."""
_UNITS = (
    ("m", "metre", "metres", "meter", "meters"),
    ("km", "kilometre", "kilometres", "kilometer", "kilometers"),
    ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    ("ft", "foot", "feet"),
    ("in", "inch", "inches"),
    ("mi", "mile", "miles"),
    ("s", "sec", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("h", "hr", "hour", "hours"),
    ("d", "day", "days"),
    ("wk", "week", "weeks"),
    ("yr", "year", "years"),
    ("%", "percent", "per cent", "percentage"),
    ("deg", "degree", "degrees", "°"),
    ("usd", "$", "dollar", "dollars", "us dollars"),
    ("B", "byte", "bytes"),
    ("bit", "bits"),
    ("kg", "kilogram", "kilograms"),
    ("lb", "lbs", "pound", "pounds"),
)
_UNIT_OF = {name: group[0] for group in _UNITS for name in group}


def same_unit(old: str, new: str) -> bool:
    """Whether two names of a unit are two spellings of one."""
    return _unit(old) == _unit(new)


def _unit(name: str) -> str:
    # Case is a prefix or another unit in a symbol (MW and mW, MB and Mb); in a word it is none.
    plain = name.strip()
    if plain in _UNIT_OF:
        return _UNIT_OF[plain]
    return _UNIT_OF.get(plain.lower(), plain) if len(plain) > 2 else plain


@lru_cache
def same_zone(old: str, new: str) -> bool:
    """Whether two time zones show the same wall clock at every moment, looked at every nine days from 1990 to 2037."""
    if old == new:
        return True
    moment, first, second = datetime(1990, 1, 1, tzinfo=UTC), ZoneInfo(old), ZoneInfo(new)
    while moment.year < 2037:
        if moment.astimezone(first).utcoffset() != moment.astimezone(second).utcoffset():
            return False
        moment += timedelta(days=9)
    return True


def same_meaning(old: str, new: str) -> bool:
    """Whether two descriptions differ in nothing that could change what a value means.

    Case, punctuation, small words, examples and long words misspelt do not count; any other word or sign that came, went or moved
    does.
    """
    before, after = _words(old), _words(new)
    if before == after:
        return True
    if len(before) != len(after) or Counter(before) == Counter(after):
        return False
    return all(a == b or _misspelt(a, b) for a, b in zip(before, after, strict=True))


def _words(text: str) -> list[str]:
    plain = _EXAMPLES.sub(" ", text)
    found = []
    for match in _WORD.finditer(plain):
        word = match.group()
        # A capital within a sentence is a name: from A to B.
        is_name = word != word.lower() and not _SENTENCE.search(plain[: match.start()])
        if word.lower() not in _SMALL or (is_name and len(word) == 1):
            found.append(word.lower())
    return found


def _misspelt(old: str, new: str) -> bool:
    """Two letters changed places or a doubled letter is single in a long word, or a plural's s in any."""
    if any(letter.isdigit() for letter in old + new):
        return False
    if old + "s" == new or new + "s" == old:
        return True
    if max(len(old), len(new)) < _LONG:
        return False
    if len(old) == len(new):
        differ = [place for place, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        return (
            len(differ) == 2
            and differ[1] == differ[0] + 1
            and (old[differ[0]], old[differ[1]]) == (new[differ[1]], new[differ[0]])
        )
    return re.sub(r"(.)\1", r"\1", old) == re.sub(r"(.)\1", r"\1", new)
