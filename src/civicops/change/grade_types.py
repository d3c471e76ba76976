"""What a change of a column's type does to readers and to rows.

Belongs here: the relation of two SQL types, and of two lists of date formats. Does not belong here: whether anything else about
the column changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlglot
from sqlglot import exp

from civicops.change.grades import Grade, Side
from civicops.contracts.model import Column, Layer
from civicops.release.sql import fits

_BITS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64, "INT128": 128}
_RANGES: dict[str, tuple[int, int]] = {
    name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in _BITS.items()
} | {f"U{name}": (0, 2**bits - 1) for name, bits in _BITS.items()}
_SIZED = re.compile(r"(TEXT|DECIMAL)\((\d+)(?:,\s*(\d+))?\)")
_LENGTH = re.compile(r"(VARCHAR|CHAR|BPCHAR|TEXT|STRING)\s*\(\s*(\d+)\s*\)")
"""The engine keeps no length, but a contract that gives one promises it."""
_SPELLED = {"HUGEINT": "INT128", "INTEGER": "INT", "UINTEGER": "UINT", "FLOAT": "REAL", "VARCHAR": "TEXT"}
_SAMPLES = tuple(
    datetime(*parts)
    for parts in ((2024, 3, 4, 5, 6, 7), (2024, 12, 31, 23, 59, 58), (1999, 1, 2, 13, 0, 0), (2026, 11, 10, 9, 8, 7))
)


def graded_type(old: Column, new: Column, layer: Layer) -> tuple[Side, Side] | None:
    """The grades (consumers, producers) of another type; `None` when it is the same type, however it is written."""
    before, after = canonical(old.sql_type), canonical(new.sql_type)
    if before == after:
        if old.logical_type == new.logical_type:
            return None
        reason = f"It is kept as the same type, but called {new.logical_type} instead of {old.logical_type}."
        return Side(Grade.DANGEROUS, reason), Side(Grade.DANGEROUS, reason)
    consumers = _for_consumers(before, after)
    return consumers, _for_producers(old, new, before, after, layer)


def canonical(sql_type: str) -> str:
    """One spelling of a DuckDB type; the text itself where it is none."""
    if match := _LENGTH.fullmatch(sql_type.strip().upper()):
        return f"TEXT({match[2]})"
    try:
        written = exp.DataType.build(sql_type, dialect="duckdb").sql(dialect="duckdb")
    except (sqlglot.errors.SqlglotError, ValueError):
        return sql_type.upper()
    return _SPELLED.get(written, written)


def _for_consumers(before: str, after: str) -> Side:
    if before in _RANGES and after in _RANGES:
        if _within(before, after):
            return Side(
                Grade.DANGEROUS, "Larger whole numbers can come; code that declared the smaller type overflows."
            )
        return Side(Grade.DANGEROUS, "The values still fit where they went, but files and tables have another type.")
    old, new = _size(before), _size(after)
    if old and new and old.family == new.family == "TEXT":
        grown = old.length is not None and (new.length is None or new.length > old.length)
        reason = (
            "Longer text can come; a table or label made for the shorter one cuts or refuses it."
            if grown
            else "Long texts no longer come."
        )
        return Side(Grade.DANGEROUS, reason)
    if old and new and old.family == new.family == "DECIMAL":
        if new.scale < old.scale:
            return Side(Grade.BREAKING, "Decimals are gone, so sums change.")
        return Side(Grade.DANGEROUS, "Numbers have other digits; code that declared the old ones may not hold them.")
    if (before, after) == ("REAL", "DOUBLE"):
        return Side(
            Grade.DANGEROUS, "The numbers have more digits, so comparisons for equality can turn out otherwise."
        )
    if (before, after) == ("DOUBLE", "REAL"):
        return Side(Grade.BREAKING, "Numbers lose half of their digits without an error.")
    return Side(Grade.BREAKING, f"Code that reads {before} fails or goes wrong on {after}.")


def _for_producers(old: Column, new: Column, before: str, after: str, layer: Layer) -> Side:
    if _takes_all(old, new, before, after, layer):
        return Side(Grade.ADDITIVE, f"Every {before} can still be given, and more.")
    return Side(Grade.BREAKING, f"A {before} that was good is refused where it is no {after}.")


def _takes_all(old: Column, new: Column, before: str, after: str, layer: Layer) -> bool:
    if before in _RANGES and after in _RANGES:
        return _within(before, after)
    sized_old, sized_new = _size(before), _size(after)
    if sized_old and sized_new and sized_old.family == sized_new.family:
        return sized_old.fits_in(sized_new)
    if layer == "accepted":
        # A source gives text; what counts is which texts can be read.
        return new.sql_type == "VARCHAR" or (old.logical_type, after) in (("integer", "DOUBLE"), ("number", "DOUBLE"))
    return fits(old.sql_type, new.sql_type)


def _within(before: str, after: str) -> bool:
    low, high = _RANGES[before]
    floor, ceiling = _RANGES[after]
    return floor <= low and high <= ceiling


@dataclass(frozen=True)
class _Sized:
    family: str
    length: int | None
    """Characters of a text, digits of a decimal; `None` for text of any length."""
    scale: int = 0

    def fits_in(self, other: _Sized) -> bool:
        if self.family == "TEXT":
            return other.length is None or (self.length is not None and self.length <= other.length)
        digits, others = (self.length or 0) - self.scale, (other.length or 0) - other.scale
        return digits <= others and self.scale <= other.scale


def _size(name: str) -> _Sized | None:
    if name == "TEXT":
        return _Sized("TEXT", None)
    if match := _SIZED.fullmatch(name):
        return _Sized(match[1], int(match[2]), int(match[3] or 0))
    return None


def graded_formats(old: Sequence[str], new: Sequence[str]) -> tuple[Side, Side] | None:
    """The grades of another list of formats, found by writing moments in each and reading them back; `None` for no effect."""
    lost = otherwise = gained = False
    for moment in _SAMPLES:
        for pattern in old:
            text = moment.strftime(pattern)
            before, after = _read(text, old), _read(text, new)
            lost |= after is None
            otherwise |= after is not None and after != before
        gained |= any(_read(moment.strftime(pattern), old) is None for pattern in new)
    if otherwise:
        reason = "The same text is read as another day or moment, and nothing fails."
        return Side(Grade.BREAKING, reason), Side(Grade.BREAKING, reason)
    if lost:
        return (
            Side(Grade.DANGEROUS, "Values written as before come no more."),
            Side(Grade.BREAKING, "Values written as before can no longer be read."),
        )
    if gained:
        return Side(Grade.ADDITIVE, "More values can be read."), Side(Grade.ADDITIVE, "More ways of writing are taken.")
    return None


def _read(text: str, formats: Sequence[str]) -> datetime | None:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None
