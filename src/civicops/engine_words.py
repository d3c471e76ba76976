"""The engine's words about a value, without the value.

Belongs here: what DuckDB says when a value does not fit, made fit to be read by everybody who hears of a failed run. Does not
belong here: words about SQL and files, which hold no value.

A value that cannot be cast stands in the engine's message, and messages end in records, incidents, letters and logs. What the
engine says about it is therefore told by its form; of forms that are not known here only the kind of fault is told.
"""

from __future__ import annotations

import re

_FAULT = re.compile(
    r"(?P<kind>Conversion|Invalid Input|Out of Range|Constraint) Error:\s*(?P<words>.*?)(?=\n+LINE \d+:|\Z)",
    re.DOTALL,
)
_TYPE = r"[A-Z][A-Z0-9_]*(?:\([\d, ]+\))?(?:\[\])*"
_COLUMN = r"(?P<column> when casting from source column [\w.\"]+)?"
_FORMS = (
    (
        re.compile(rf"Could not convert string '.*' to (?P<to>{_TYPE}){_COLUMN}", re.DOTALL),
        "Could not convert a text to {to}{column}",
    ),
    (
        re.compile(
            rf"Type (?P<from>{_TYPE}) with value .* can't be cast .* destination type (?P<to>{_TYPE}){_COLUMN}",
            re.DOTALL,
        ),
        "A {from} is out of range for {to}{column}",
    ),
    (
        re.compile(rf"Casting value \".*\" to type (?P<to>{_TYPE}) failed.*?{_COLUMN}$", re.DOTALL),
        "A value is out of range for {to}{column}",
    ),
    (
        re.compile(rf"(?:invalid|date|time|timestamp)[\w ]* field .*?: \".*\".*?{_COLUMN}$", re.DOTALL),
        "A text is no date or time{column}",
    ),
    (
        re.compile(r"Could not parse string \".*\" according to format specifier", re.DOTALL),
        "A text does not have the given format",
    ),
    (re.compile(r"More than one row returned by a subquery"), "More than one row returned by a subquery"),
    (re.compile(r"Malformed JSON"), "A text is no JSON"),
    (re.compile(r"Overflow in (?P<what>\w+) of (?P<to>[A-Z0-9]+)"), "Overflow in {what} of {to}"),
    (re.compile(r"PRIMARY KEY or UNIQUE constraint violation|Duplicate key"), "A key stands twice"),
    (re.compile(r"NOT NULL constraint failed: (?P<what>[\w.]+)"), "NOT NULL constraint failed: {what}"),
    (re.compile(r"cannot take (?P<what>[\w ]+) of a negative number"), "cannot take {what} of a negative number"),
)


def without_values(text: str) -> str:
    """An engine's message in which no value of a row is left; other texts as they are."""
    return _FAULT.sub(_told, text)


def _told(found: re.Match[str]) -> str:
    for form, words in _FORMS:
        if match := form.match(found["words"]):
            return f"{found['kind']} Error: {words.format(**{name: value or '' for name, value in match.groupdict().items()})}."
    return f"{found['kind']} Error about a value (the engine's words may hold it and are left out)."
