"""Two states of a contract, compared and graded.

Belongs here: the one function other rooms call, and bringing the old state to the new names first. Does not belong here: the
rules (`grade_columns`, `grade_checks`, `grade_promises`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlglot
from sqlglot import exp

from civicops.change.grade_checks import Known, graded_checks
from civicops.change.grade_columns import graded_columns, renames
from civicops.change.grade_promises import graded_promises
from civicops.change.grades import Change, Comparison, Grade, change
from civicops.contracts import Contract

_LISTS = ("columns", "blanks")
_NAMES = ("left", "right", "longitude", "latitude", "column")


def compare(old: Contract | None, new: Contract | None, *, today: date, known: Known | None = None) -> Comparison:
    """Every difference between two states of a contract, each graded for consumers and for producers.

    `None` on one side: the dataset is new, or gone. `today` decides which old names of renamed columns are offered. `known` may
    give the values of lookups and those that rows really have; without it a value that leaves a list counts as used.
    Raises `ValueError` when both are `None` or they are of different datasets.
    """
    if old is None or new is None:
        one = new or old
        if one is None:
            raise ValueError("there is nothing to compare")
        return Comparison(
            one.id, old.version if old else None, new.version if new else None, (_whole(one, is_new=old is None),)
        )
    if old.id != new.id:
        raise ValueError(f"'{old.id}' and '{new.id}' are two datasets")
    named = renames(old, new)
    before = with_names(old, named)
    found = (
        *graded_columns(before, new, named, today),
        *graded_checks(before, new, known or Known()),
        *graded_promises(before, new),
    )
    return Comparison(new.id, old.version, new.version, tuple(sorted(found, key=lambda item: -item.grade)))


def _whole(contract: Contract, *, is_new: bool) -> Change:
    if is_new:
        people = any(column.pii_class.lower() not in ("none", "public", "") for column in contract.columns)
        producers = (Grade.DANGEROUS, "Something about people is taken that was not asked for before.")
        fine = (Grade.ADDITIVE, "A new dataset takes rows that nobody took.")
        return change(
            "dataset", "", "new", (Grade.ADDITIVE, "There is one more dataset."), producers if people else fine
        )
    return change(
        "dataset", "there", "gone", (Grade.BREAKING, "Whoever reads it finds nothing."),
        (Grade.DANGEROUS, "Its rows are still delivered, and nobody takes them."),
    )  # fmt: skip


def with_names(contract: Contract, named: Mapping[str, str]) -> Contract:
    """The same contract with its columns called by other names wherever it speaks of them, SQL included."""
    if not named:
        return contract

    def name(word: str | None) -> str | None:
        return named.get(word, word) if word is not None else None

    def names(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(named.get(word, word) for word in words)

    def spec(one: Any) -> Any:
        update: dict[str, Any] = {key: name(getattr(one, key)) for key in _NAMES if hasattr(one, key)}
        update |= {key: names(getattr(one, key)) for key in _LISTS if hasattr(one, key)}
        update |= {key: _sql(getattr(one, key), named) for key in ("expression", "query") if hasattr(one, key)}
        return one.model_copy(update=update)

    def checks(all_: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(c.model_copy(update={"column": name(c.column), "spec": spec(c.spec)}) for c in all_)

    return contract.model_copy(
        update={
            "columns": tuple(c.model_copy(update={"name": named.get(c.name, c.name)}) for c in contract.columns),
            "key": names(contract.key),
            "latest_by": names(contract.latest_by),
            "sort_by": names(contract.sort_by),
            "retention_by": name(contract.retention_by),
            "row_checks": checks(contract.row_checks),
            "dataset_checks": checks(contract.dataset_checks),
            "privacy": tuple(
                rule.model_copy(
                    update={
                        "when": _sql(rule.when, named),
                        "treatments": tuple(
                            t.model_copy(update={"column": named.get(t.column, t.column)}) for t in rule.treatments
                        ),
                    }
                )
                for rule in contract.privacy
            ),
        }
    )


def _sql(text: str, named: Mapping[str, str]) -> str:
    """SQL with other names of columns; as it was where it cannot be read."""
    try:
        tree = sqlglot.parse_one(text.replace("{dataset}", "_the_dataset_"), read="duckdb")
    except sqlglot.errors.SqlglotError:
        return text
    for column in tree.find_all(exp.Column):
        if column.name in named:
            column.this.replace(exp.to_identifier(named[column.name]))
    return tree.sql(dialect="duckdb").replace("_the_dataset_", "{dataset}")
