"""SQL conditions and patterns between the checks of a contract and other tools.

Belongs here: a check as a condition, and finding in a condition what a kind of check of its own says. Does not belong here: where
it came from.
"""

from __future__ import annotations

import re
from typing import Any

from civicops.contracts import checktypes as ct

_NAME = r"([a-z][a-z0-9_]*)"
_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_COMPARE = re.compile(rf"{_NAME} (<|<=|=|!=|>=|>) {_NAME}")
_INSIDE = re.compile(rf"{_NAME} BETWEEN {_NUMBER} AND {_NUMBER} AND {_NAME} BETWEEN {_NUMBER} AND {_NUMBER}")
_PAIRED = re.compile(rf"\({_NAME} IS NULL\) = \({_NAME} IS NULL\)")
_WORDS = {"null", "true", "false", "current_date", "current_timestamp"}


def condition(spec: ct.Compare | ct.Inside | ct.Paired | ct.Expression) -> str:
    """What must not be false of a row, in SQL."""
    match spec:
        case ct.Compare():
            return f"{spec.left} {spec.operator} {spec.right}"
        case ct.Inside():
            east_west = f"{spec.longitude} BETWEEN {spec.west!r} AND {spec.east!r}"
            return f"{east_west} AND {spec.latitude} BETWEEN {spec.south!r} AND {spec.north!r}"
        case ct.Paired():
            first, *others = (f"({name} IS NULL)" for name in spec.columns)
            return " AND ".join(f"{first} = {other}" for other in others)
        case ct.Expression():
            return spec.expression


def whole_text(pattern: str) -> str:
    """A pattern that must match the whole text, for a tool that looks for it anywhere."""
    return f"^(?:{pattern})$"


def from_condition(text: str, told: Any = None) -> dict[str, Any]:
    """The check that a condition says, without its action: of the kind that is told beside it, else the plainest that fits.

    A condition that was told to be an `expression` stays one. Boxes and pairs are only found where they are told.
    """
    compare = _COMPARE.fullmatch(text.strip())
    if compare and told in (None, "compare") and not {compare[1], compare[3]} & _WORDS:
        return {"check": "compare", "left": compare[1], "operator": compare[2], "right": compare[3]}
    inside = _INSIDE.fullmatch(text.strip())
    if inside and told == "inside":
        west, east, south, north = (float(inside[number]) for number in (2, 3, 5, 6))
        return {
            "check": "inside", "longitude": inside[1], "latitude": inside[4],
            "west": west, "south": south, "east": east, "north": north,
        }  # fmt: skip
    pairs = [_PAIRED.fullmatch(part) for part in text.strip().split(" AND ")]
    if told == "paired" and all(pairs):
        found = [pair for pair in pairs if pair]
        if len({pair[1] for pair in found}) == 1:
            return {"check": "paired", "columns": [found[0][1], *(pair[2] for pair in found)]}
    return {"check": "expression", "expression": text}


def whole_of(pattern: str) -> str:
    """A pattern that is looked for anywhere in a text, as one that the whole text must match."""
    ours = re.fullmatch(r"\^\(\?:(.*)\)\$", pattern, re.DOTALL)
    if ours and _balanced(ours[1]):
        return ours[1]
    begins, ends = pattern.startswith("^"), pattern.endswith("$") and not pattern.endswith(r"\$")
    inner = pattern[1 if begins else 0 : len(pattern) - 1 if ends else len(pattern)]
    if "|" in inner:
        return rf"(?s:.*)(?:{pattern})(?s:.*)"
    return ("" if begins else "(?s:.*)") + inner + ("" if ends else "(?s:.*)")


def _balanced(pattern: str) -> bool:
    """Whether no bracket is closed before it is opened, so that the outer ones belong together."""
    depth, index, inside = 0, 0, False
    while index < len(pattern):
        letter = pattern[index]
        if letter == "\\":
            index += 2
            continue
        if inside:
            inside = letter != "]"
        elif letter == "[":
            inside = True
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                return False
        index += 1
    return depth == 0


def share_query(column: str, bad: str, share: float) -> str:
    """A query that finds a row where more than `share` (0 to 1) of the rows with a value break a rule."""
    return f"SELECT 1 FROM {{dataset}} WHERE {column} IS NOT NULL HAVING AVG(CASE WHEN {bad} THEN 1.0 ELSE 0.0 END) > {share!r}"
