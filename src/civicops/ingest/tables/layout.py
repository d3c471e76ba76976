"""What the columns of a table mean: a layout, which is a lookup of the product, and suggestions for a table that has none.

Belongs here: reading `lookups/layout_<code>.csv`, holding a table's header against it, guessing fields for unknown columns. Does
not belong here: rows (`mapped`).

A layout has one line per column: `source_column`, `field`, `rule`, `note`.

| rule | meaning |
|---|---|
| empty | the column is the field; where several columns name one field, their values are joined by '; ' |
| `ignore` | the column is not used, and `note` says why |
| `constant` | `source_column` is the value itself: every row gets it |
| `identity` | as empty, and part of the row's identity where the table has no numbers of its own |
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from civicops.contracts.problems import nearest
from civicops.ingest.values import SourceError

PREFIX = "layout_"
COLUMNS = ("source_column", "field", "rule", "note")
RULES = ("", "ignore", "constant", "identity")
GOOD_SCORE = 70
"""From here on (of 100) a suggestion is made."""


@dataclass(frozen=True)
class LayoutLine:
    """One line of a layout."""

    column: str
    field: str
    rule: str
    note: str


@dataclass(frozen=True)
class Layout:
    """How one kind of table is read."""

    code: str
    lines: tuple[LayoutLine, ...]

    @property
    def columns(self) -> Mapping[str, LayoutLine]:
        """Lines by column in lower case, constants left out."""
        return {key_of(line.column): line for line in self.lines if line.rule != "constant"}

    @property
    def constants(self) -> Mapping[str, str]:
        """Field -> value that every row has."""
        return {line.field: line.column for line in self.lines if line.rule == "constant"}


@dataclass(frozen=True)
class Suggestion:
    """What a column may be: the field, how sure (0 to 100), and because of which word."""

    column: str
    field: str
    score: float
    because: str


def key_of(column: str) -> str:
    """A column's name as it is compared: case, blanks and underscores do not count."""
    return "".join(mark for mark in column.lower() if mark.isalnum())


def read_layout(lookups: Mapping[str, Path], code: str, fields: Sequence[str]) -> Layout:
    """The layout `code` of a product; `fields` are the columns it may name. Raises `SourceError` for any fault, with its line."""
    codes = sorted(name.removeprefix(PREFIX) for name in lookups if name.startswith(PREFIX))
    path = lookups.get(f"{PREFIX}{code}")
    if path is None:
        raise SourceError(
            f"There is no layout '{code}'.", hint=f"{nearest(code, codes)}. Layouts are lookups/{PREFIX}*.csv."
        )
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise SourceError(f"{path.name} must have the columns {', '.join(COLUMNS)}.")
        rows = list(reader)
    lines, seen = [], set()
    for number, row in enumerate(rows, start=2):
        line = LayoutLine(*((row[name] or "").strip() for name in COLUMNS))
        if line.rule not in RULES:
            raise SourceError(f"{path.name}, line {number}: no rule '{line.rule}'; {nearest(line.rule, RULES)}.")
        if line.rule == "ignore" and not line.note:
            raise SourceError(f"{path.name}, line {number}: say in 'note' why '{line.column}' is ignored.")
        if line.rule != "ignore" and line.field not in fields:
            raise SourceError(f"{path.name}, line {number}: no field '{line.field}'; {nearest(line.field, fields)}.")
        if line.rule != "constant" and (key := key_of(line.column)) in seen:
            raise SourceError(f"{path.name}, line {number}: '{line.column}' is there twice.")
        if line.rule != "constant":
            seen.add(key)
        lines.append(line)
    return Layout(code, tuple(lines))


def layouts_of(lookups: Mapping[str, Path], fields: Sequence[str]) -> tuple[Layout, ...]:
    """Every layout of a product."""
    codes = [name.removeprefix(PREFIX) for name in sorted(lookups) if name.startswith(PREFIX)]
    return tuple(read_layout(lookups, code, fields) for code in codes)


def unknown_columns(layout: Layout, header: Sequence[str]) -> tuple[str, ...]:
    """Columns of a table that its layout does not name."""
    return tuple(name for name in header if name and key_of(name) not in layout.columns)


def missing_columns(layout: Layout, header: Sequence[str]) -> tuple[str, ...]:
    """Columns of the layout that the table has not; that is no fault, but worth saying."""
    have = {key_of(name) for name in header}
    return tuple(line.column for key, line in layout.columns.items() if key not in have and line.rule != "ignore")


def best_layout(layouts: Sequence[Layout], header: Sequence[str]) -> tuple[Layout, float] | None:
    """The layout that knows the largest share of a header's columns, and that share; None without layouts."""
    names = [name for name in header if name]
    scored = [
        (sum(key_of(name) in layout.columns for name in names) / max(1, len(names)), layout) for layout in layouts
    ]
    if not scored:
        return None
    # Of two that know as many of its columns, the one that misses fewer of its own.
    share, layout = max(scored, key=lambda item: (item[0], -len(missing_columns(item[1], names))))
    return layout, share


def suggest(header: Sequence[str], titles: Mapping[str, str], layouts: Sequence[Layout] = ()) -> tuple[Suggestion, ...]:
    """A field for each column where one is likely: by the words of known layouts, the fields' names and their titles.

    `titles` are the fields with their names for people. Each field is suggested once, for the column that fits best.
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - of the extra

    def alike(one: str, other: str, **_: object) -> float:
        return max(fuzz.token_sort_ratio(one, other), fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")))

    words: dict[str, tuple[str, str]] = {}
    for field, title in titles.items():
        words[field.replace("_", " ")] = (field, field)
        words.setdefault(title.lower(), (field, title))
    for layout in layouts:
        for line in layout.lines:
            if line.rule in ("", "identity"):
                words.setdefault(_spaced(line.column), (line.field, f"{line.column} in {layout.code}"))
    found: list[Suggestion] = []
    for column in header:
        hit = process.extractOne(_spaced(column), list(words), scorer=alike)
        if hit and hit[1] >= GOOD_SCORE:
            field, because = words[hit[0]]
            found.append(Suggestion(column, field, round(float(hit[1]), 1), because))
    best: dict[str, Suggestion] = {}
    for item in found:
        if item.field not in best or item.score > best[item.field].score:
            best[item.field] = item
    return tuple(item for item in found if best[item.field] is item)


def _spaced(column: str) -> str:
    """A column's name as words: camelCase and underscores are blanks."""
    text = "".join(
        f" {mark}" if mark.isupper() and index and column[index - 1].islower() else mark
        for index, mark in enumerate(column)
    )
    return " ".join(text.replace("_", " ").replace("-", " ").lower().split())
