"""The product's lookups as the cleaning wants them: dictionaries and numbers, read once.

Belongs here: turning rows of lookups into `Lookups`. Does not belong here: where the rows come from (a folder of CSV files,
or the warehouse during a run).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Rows = Sequence[Mapping[str, str | None]]
NAMES = (
    "street_words",
    "states",
    "zip_states",
    "acronyms",
    "categories",
    "category_words",
    "policies",
    "source_lists",
    "listing_checks",
    "critical_fields",
    "risk_weights",
)


@dataclass(frozen=True)
class Lookups:
    """What cleaning needs to know. `box` is west, south, east, north in degrees."""

    street_words: Mapping[str, str]
    states: Mapping[str, str]
    zip_states: tuple[tuple[str, int, int], ...]
    acronyms: frozenset[str]
    categories: Mapping[str, str]
    """Word or number of a source, in lower case -> category code; `none` for a word that is no category of food."""
    policies: Mapping[str, str]
    sources: Mapping[str, Mapping[str, str]]
    checks: Mapping[str, Mapping[str, str]]
    critical: Mapping[str, Mapping[str, str]]
    weights: Mapping[str, float]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where points are expected."""
        west, south, east, north = (
            float(self.policies[f"service_area_{side}"]) for side in ("west", "south", "east", "north")
        )
        return west, south, east, north

    def state_of_zip(self, zip_code: str) -> str | None:
        """The state that a zip code lies in, by its first three digits."""
        prefix = int(zip_code[:3])
        return next((state for state, first, last in self.zip_states if first <= prefix <= last), None)


def lookups_from(rows_of: Callable[[str], Rows]) -> Lookups:
    """Lookups from a function that gives the rows of one by its name."""

    def pairs(name: str, key: str, value: str) -> dict[str, str]:
        return {str(row[key]): str(row[value] or "") for row in rows_of(name)}

    def table(name: str, key: str) -> dict[str, Mapping[str, str]]:
        return {str(row[key]): {column: str(value or "") for column, value in row.items()} for row in rows_of(name)}

    numbers = {str(row["source_number"]): str(row["category_code"]) for row in rows_of("categories")}
    names = {str(row["category_name"]).lower(): str(row["category_code"]) for row in rows_of("categories")}
    return Lookups(
        street_words=pairs("street_words", "word", "written"),
        states=pairs("states", "word", "state_code"),
        zip_states=tuple(
            (str(row["state_code"]), int(row["first_prefix"] or 0), int(row["last_prefix"] or 0))
            for row in rows_of("zip_states")
        ),
        acronyms=frozenset(str(row["word"]) for row in rows_of("acronyms")),
        categories=numbers | names | pairs("category_words", "source_word", "category_code"),
        policies=pairs("policies", "policy_code", "value"),
        sources=table("source_lists", "source_code"),
        checks=table("listing_checks", "check_code"),
        critical=table("critical_fields", "field_code"),
        weights={str(row["part_code"]): float(row["weight"] or 0) for row in rows_of("risk_weights")},
    )


def lookups_in(folder: Path) -> Lookups:
    """Lookups from a folder of CSV files."""

    def rows_of(name: str) -> Rows:
        with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    return lookups_from(rows_of)
