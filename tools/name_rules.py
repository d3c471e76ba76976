"""The grammar of dataset and column names, so that a name says its type and its unit.

Belongs here: what a name in a contract may look like. Does not belong here: what a contract may hold (`civicops.contracts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from civicops.contracts import Column, Contract, load_contracts

_SNAKE = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")
_PERIOD = re.compile(r"(?:^|_)(?:day|week|month|quarter|year)$")
# Units that the same thing may be told in by others; what is simply counted (people, rows) says itself what it is.
_UNITS = ("seconds", "minutes", "hours", "days", "weeks", "bytes", "kilobytes", "megabytes", "meters", "kilometers", "feet",
          "miles", "dollars", "percent")  # fmt: skip
_TYPE_OF_ENDING = {
    "_at": ("timestamp",),
    "_on": ("date",),
    "_id": ("string", "integer"),
    "_code": ("string", "integer"),
    "_name": ("string",),
    "_count": ("integer",),
    "_share": ("number",),
}


def column_problems(column: Column) -> Iterator[str]:
    """What is wrong in the name of one column, seen together with its type and unit."""
    name, kind = column.name, column.logical_type
    if not _SNAKE.match(name):
        yield "write it in snake_case"
    for ending, kinds in _TYPE_OF_ENDING.items():
        if name.endswith(ending) and kind not in kinds:
            yield f"'{ending}' is for a {' or '.join(kinds)}, but it is a {kind}"
    if kind == "timestamp" and not name.endswith("_at"):
        yield "the name of a timestamp ends in '_at'"
    if kind == "date" and not (name.endswith("_on") or name in ("valid_from", "valid_to") or _PERIOD.search(name)):
        yield "the name of a date ends in '_on', or in the period it begins: _day, _week, _month, _quarter, _year"
    if (kind == "boolean") != name.startswith(("is_", "has_")):
        yield "a yes-or-no column, and no other, begins with 'is_' or 'has_'"
    if column.unit in _UNITS and column.unit not in name.split("_"):
        yield f"its unit stands in the name: '..._{column.unit}'"


def contract_problems(contract: Contract) -> Iterator[str]:
    """What is wrong in the names of one contract."""
    for part in (contract.product, contract.dataset):
        if not _SNAKE.match(part):
            yield f"{contract.id}: write '{part}' in snake_case"
    if not contract.dataset.endswith("s") and not contract.dataset.startswith(("time_to_", "requests_")):
        yield f"{contract.id}: a dataset is called by a plural noun"
    for column in contract.columns:
        for problem in column_problems(column):
            yield f"{contract.id}.{column.name}: {problem}"


def badly_named(root: Path) -> list[str]:
    """Every fault in the names of `products/*/contracts/*.yaml`."""
    contracts = load_contracts(sorted((root / "products").glob("*/contracts/*.yaml")))
    return [problem for contract in contracts for problem in contract_problems(contract)]
