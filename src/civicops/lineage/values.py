"""What lineage is made of: points that data passes through, and how one depends on another.

Belongs here: frozen values and the rule by which two dependences in a row become one. Does not belong here: finding
dependences (`sql`, `describe`) or following them (`graph`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from civicops.errors import CivicopsError

How = Literal["copied", "derived", "aggregated", "grouped", "joined", "filtered"]
"""How something depends on a column, the most direct way first.

`copied`: its values are that column's. `derived`: computed from it, row by row. `aggregated`: computed from many rows of it.
`grouped`, `joined`, `filtered`: it decides which rows there are, or which rows belong together, but gives no value itself.
"""

HOWS: tuple[How, ...] = ("copied", "derived", "aggregated", "grouped", "joined", "filtered")
DIRECT: frozenset[How] = frozenset({"copied", "derived", "aggregated"})

Kind = Literal[
    "source", "field", "accepted", "lookup", "area", "model", "check", "released",
    "page", "chart", "map_file", "monitor", "alert", "api", "export", "sheet",
]  # fmt: skip
"""What a node is. `field` is a field of a source as the source names it, `accepted` a column of checked rows, `area` the table
of outlines that requests are placed by, `model` a column that SQL made, `released` what readers see."""

KINDS: tuple[Kind, ...] = (
    "source", "field", "accepted", "lookup", "area", "model", "check", "released",
    "page", "chart", "map_file", "monitor", "alert", "api", "export", "sheet",
)  # fmt: skip


class LineageError(CivicopsError):
    """Lineage was asked for something that does not exist, or SQL that cannot be followed."""


@dataclass(frozen=True, order=True)
class Node:
    """One point that data passes through: a column of a table, or with `column=None` its rows as a whole.

    `name` is the dataset, model, lookup, page, monitor...; of a chart `page/chart`. `owner` answers for it.
    """

    kind: Kind
    product: str
    name: str
    column: str | None = None
    owner: str = ""

    @property
    def dataset(self) -> str:
        """`product.name`."""
        return f"{self.product}.{self.name}"

    @property
    def whole(self) -> Node:
        """The same without the column: the rows of the table, or the page as a whole."""
        return Node(self.kind, self.product, self.name, None, self.owner)

    def __str__(self) -> str:
        return f"{self.kind} {self.dataset}" + (f".{self.column}" if self.column else "")


@dataclass(frozen=True)
class Edge:
    """`target` depends on `origin`."""

    origin: Node
    target: Node
    how: How
    by: str = ""
    """What makes the dependence, where it has a name of its own: a check's or privacy rule's id."""


@dataclass(frozen=True)
class Related:
    """A node that was reached, and how it and the start depend on each other: the most direct of all ways between them."""

    node: Node
    how: How
    distance: int
    """Steps from the start, by the shortest of the most direct ways."""
    next_to: Node
    """The node before it on that way, towards the start."""
    by: str = ""
    """The check or rule that makes the last step, if one does."""

    @property
    def kind(self) -> Kind:
        return self.node.kind

    @property
    def product(self) -> str:
        return self.node.product

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def column(self) -> str | None:
        return self.node.column

    @property
    def owner(self) -> str:
        return self.node.owner


Input: TypeAlias = tuple[str, str | None]
"""A table as the SQL names it (`accepted.cases`, `main.requests`) and its column, or None for its rows."""

Inputs: TypeAlias = Mapping[Input, How]


@dataclass(frozen=True)
class QueryLineage:
    """What one SELECT is made of: for each column it gives, and for which rows it gives."""

    columns: Mapping[str, Inputs]
    rows: Inputs


def chained(first: How, second: How) -> How:
    """How the end depends on the beginning of two steps in a row."""
    if first not in DIRECT:
        return first
    if second not in DIRECT:
        return second
    return max(first, second, key=HOWS.index)


def together(one: How, other: How) -> How:
    """How something depends on one input by two ways at once: the direct one counts, of two direct ones the lesser copy."""
    if (one in DIRECT) != (other in DIRECT):
        return one if one in DIRECT else other
    if one in DIRECT:
        return max(one, other, key=HOWS.index)
    return min(one, other, key=HOWS.index)


def merged(parts: Iterable[Inputs]) -> dict[Input, How]:
    """All inputs of several, each by how it counts altogether."""
    found: dict[Input, How] = {}
    for part in parts:
        for item, how in part.items():
            found[item] = together(found[item], how) if item in found else how
    return found


def through(inputs: Inputs, how: How) -> dict[Input, How]:
    """The inputs of something that another thing depends on by `how`."""
    return {item: chained(first, how) for item, first in inputs.items()}
