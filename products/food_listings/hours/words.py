"""The words and signs that texts about hours are made of.

Belongs here: the vocabulary, English and Spanish, and cutting a text into tokens. Does not belong here: what a row of tokens
says (`texts`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["day", "days", "ordinal", "time", "to", "and", "comma", "every", "month", "number", "always", "appointment",
               "holidays", "closed", "except", "noise", "word"]  # fmt: skip

_ENGLISH = (
    ("monday", "mon", "mo"), ("tuesday", "tues", "tue", "tu"), ("wednesday", "weds", "wed", "we"),
    ("thursday", "thurs", "thur", "thu", "th"), ("friday", "fri", "fr"), ("saturday", "sat", "sa"), ("sunday", "sun", "su"),
)  # fmt: skip
_SPANISH = (("lunes",), ("martes",), ("miercoles",), ("jueves",), ("viernes",), ("sabado",), ("domingo",))
WEEKDAYS: Mapping[str, int] = {
    name + plural: at
    for at, names in enumerate(zip(_ENGLISH, _SPANISH, strict=True))
    for language in names
    for name in language
    for plural in ("", "s")
}
"""Names of weekdays, lower case, without accents, to 0 (Monday) to 6."""
MONTHS: Mapping[str, int] = {
    name: at + 1
    for at, names in enumerate((
        ("january", "jan", "enero"), ("february", "feb", "febrero"), ("march", "mar", "marzo"), ("april", "apr", "abril"),
        ("may", "mayo"), ("june", "jun", "junio"), ("july", "jul", "julio"), ("august", "aug", "agosto"),
        ("september", "sept", "sep", "septiembre"), ("october", "oct", "octubre"), ("november", "nov", "noviembre"),
        ("december", "dec", "diciembre"),
    ))
    for name in names
}  # fmt: skip
ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1,
    "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5,
    "primer": 1, "primero": 1, "segundo": 2, "tercer": 3, "tercero": 3, "cuarto": 4, "quinto": 5, "ultimo": -1,
    "1.o": 1, "2.o": 2, "3.o": 3, "4.o": 4, "5.o": 5, "1er": 1, "3er": 3,
}  # fmt: skip
_SETS: Mapping[str, tuple[int, ...]] = {
    "weekdays": (0, 1, 2, 3, 4), "weekends": (5, 6), "weekend": (5, 6), "daily": tuple(range(7)),
    "every day": tuple(range(7)), "everyday": tuple(range(7)), "seven days a week": tuple(range(7)),
    "7 days a week": tuple(range(7)), "7 days per week": tuple(range(7)), "todos los dias": tuple(range(7)),
    "m-f": (0, 1, 2, 3, 4), "m - f": (0, 1, 2, 3, 4), "mon-fri": (0, 1, 2, 3, 4),
}  # fmt: skip
_NOISE = (
    "of the month", "of each month", "of every month", "each month", "every month", "del mes", "de cada mes", "year-round",
    "year round", "todo el ano", "evenings", "evening", "mornings", "morning", "afternoons", "afternoon", "on", "at", "from",
    "between", "the", "open", "is", "are", "de", "el", "los", "las", "la", "del", "hours", "abierto",
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    """A piece of a text. `value`: weekday, ordinal, month, number; `days`: of a set; `minute` and `half` of a time."""

    kind: Kind
    text: str
    value: int = 0
    days: tuple[int, ...] = ()
    half: str = ""
    """'am', 'pm', or nothing where the text does not say."""
    is_colon: bool = False
    """Whether minutes were written: 9:00, not 9."""


def plain(text: str) -> str:
    """Lower case, without accents, one kind of dash, quote and blank, 'am' for 'a.m.'."""
    text = unicodedata.normalize("NFKD", text.replace("º", ".o").replace("ª", ".a"))
    text = "".join(char for char in text if not unicodedata.combining(char)).lower()
    text = re.sub(r"[‐-―−]", "-", text).replace("’", "'")
    text = re.sub(r"\b([ap])\.?\s?m\b\.?(?!\w)", r"\1m", text)
    return re.sub(r"\s+", " ", text).strip()


def _words(names: Mapping[str, object] | tuple[str, ...]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_SCANNER = re.compile(
    rf"""
    (?P<always>(?:open\s)?24\s?(?:hours|hrs|horas)(?:\s(?:per|a|al|por)\s(?:day|dia))?|24/7)
  | (?P<appointment>(?:only\s)?by\sappointment(?:\sonly)?|(?:solo\s)?con\scita(?:\sprevia)?)
  | (?P<holidays>(?:on\s|dias\s)?(?:(?:all|major|most|legal|federal|national|public|state)\s)?(?:holidays|feriados|festivos))
  | (?P<days>(?:{_words(_SETS)})(?!\w))
  | (?P<every>(?:every|each|cada|todos\slos)\b(?!\smonth)(?:\s(?P<other>other|otro))?)
  | (?P<noise>(?:{_words(_NOISE)})(?![\w-]))
  | (?P<ordinal>(?:{_words(ORDINALS)})(?!\w))
  | (?P<day>(?:{_words(WEEKDAYS)})(?!\w)\.?)
  | (?P<month>(?:{_words(MONTHS)})(?!\w)\.?)
  | (?P<noon>(?:12(?::00)?\s?)?(?:noon|mediodia)\b)
  | (?P<midnight>(?:12(?::00)?\s?)?(?:midnight|medianoche)\b)
  | (?P<time>(?P<hour>\d{{1,2}})(?::(?P<minute>\d{{2}})(?::00)?)?\s?(?P<half>am|pm)\b)
  | (?P<bare>(?P<bare_hour>\d{{1,2}}):(?P<bare_minute>\d{{2}})(?::00)?(?!\d))
  | (?P<number>\d{{1,2}}(?![\d\w]))
  | (?P<closed>(?:closed|cerrado)\b)
  | (?P<except>(?:except|excluding|excepto)\b(?:\s(?:for|on)\b)?)
  | (?P<to>-|(?:through|thru|until|till|to|a|hasta)\b)
  | (?P<and>&|(?:and|y|e)\b)
  | (?P<comma>[,:()])
  | (?P<word>[^\s,:()]+)
    """,
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """The tokens of a text that went through `plain`. Words that are not in the vocabulary are tokens too."""
    found = []
    for match in _SCANNER.finditer(text):
        kind, said = str(match.lastgroup), match.group()
        if kind in ("hour", "minute", "half"):
            kind = "time"
        if kind in ("bare_hour", "bare_minute"):
            kind = "bare"
        if kind == "other":
            kind = "every"
        found.append(_token(kind, said, match))
    return found


def _token(kind: str, said: str, match: re.Match[str]) -> Token:
    if kind == "day":
        return Token("day", said, WEEKDAYS[said.rstrip(".")])
    if kind == "days":
        return Token("days", said, days=_SETS[said])
    if kind == "ordinal":
        return Token("ordinal", said, ORDINALS[said])
    if kind == "month":
        return Token("month", said, MONTHS[said.rstrip(".")])
    if kind == "noon":
        return Token("time", said, 720, half="pm", is_colon=True)
    if kind == "midnight":
        return Token("time", said, 0, half="am", is_colon=True)
    if kind == "time":
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if not 1 <= hour <= 12 or minute > 59:
            return Token("word", said)
        value = (hour % 12 + (12 if match["half"] == "pm" else 0)) * 60 + minute
        return Token("time", said, value, half=match["half"], is_colon=match["minute"] is not None)
    if kind == "bare":
        hour, minute = int(match["bare_hour"]), int(match["bare_minute"])
        value = hour * 60 + minute
        return Token("time", said, value, is_colon=True) if minute < 60 and value <= 1440 else Token("word", said)
    if kind == "number":
        return Token("number", said, int(said))
    if kind == "every":
        return Token("every", said, 2 if match["other"] else 1)
    return Token(kind, said)  # type: ignore[arg-type]  # the groups of the scanner are the kinds
