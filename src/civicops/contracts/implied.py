"""The checks that a column's declaration stands for.

Belongs here: `required`, a type that must be readable, uniqueness. Does not belong here: rules that a contract spells out
(`load`).
"""

from __future__ import annotations

from collections.abc import Iterable

from civicops.contracts import checktypes
from civicops.contracts.model import Check, Column

_TEXT = ("string",)


def implied(column: Column, kinds: set[str], layer: str, unique: bool) -> Iterable[Check]:
    """The checks that a column's declaration stands for, unless the contract spells one out with another action."""
    if column.required and "required" not in kinds:
        spec = checktypes.Required(check="required", action="quarantine" if layer == "accepted" else "stop")
        text = f"Every row has a value for {column.title}."
        yield Check(
            id=f"{column.name}_required",
            description=text,
            column=column.name,
            spec=spec,
            implied=True,
            dimension="completeness",
        )
    if layer == "accepted" and column.logical_type not in _TEXT and "parses" not in kinds:
        text = f"A value for {column.title} can be read as a {column.logical_type}."
        yield Check(
            id=f"{column.name}_parses",
            description=text,
            column=column.name,
            spec=checktypes.Parses(check="parses"),
            implied=True,
            dimension="conformity",
        )
    if unique:
        text = f"No two rows have the same {column.title}."
        spec_unique = checktypes.UniqueKey(check="unique", columns=(column.name,))
        yield Check(
            id=f"{column.name}_unique", description=text, spec=spec_unique, implied=True, dimension="uniqueness"
        )
