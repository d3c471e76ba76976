"""Column lineage of a release in the words of other standards: its inputs and how each column depends on them.

Belongs here: what a release is made of, cut at the borders of its product. Does not belong here: writing OpenLineage events
(`civicops.observe.openlineage`) or PROV (`prov`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from civicops.lineage.describe import edges_of, nodes_of
from civicops.lineage.graph import Graph
from civicops.lineage.models import models_of
from civicops.lineage.values import DIRECT, How, Node
from civicops.workspace import Product, Workspace


@dataclass(frozen=True)
class BorderInput:
    """A column that a product takes in: of its accepted rows, a lookup, or another product's release. `by` names the privacy
    rule that stands between it and the released value, if one does."""

    node: Node
    how: How
    by: str = ""


@dataclass(frozen=True)
class DatasetInputs:
    """What one released dataset is made of: by column what gives it values, and what decides which rows there are."""

    columns: Mapping[str, tuple[BorderInput, ...]]
    rows: tuple[BorderInput, ...]

    @cached_property
    def tables(self) -> tuple[Node, ...]:
        """Every table that is read, by the node of its rows."""
        every = [*self.rows, *(item for items in self.columns.values() for item in items)]
        return tuple(sorted({item.node.whole for item in every}))


def inputs_of(workspace: Workspace, product: Product) -> dict[str, DatasetInputs]:
    """The inputs of every published dataset of a product. Raises as `graph_of` does."""
    models = models_of(workspace, product)
    graph = Graph(edges_of(workspace, product, models, users=False), nodes_of(workspace, product, models))
    found = {}
    for contract in product.published:
        rules = {item.column: rule.id for rule in contract.privacy for item in rule.treatments}
        owner = contract.owner
        columns = {
            name: tuple(
                item
                for item in _border(
                    graph, product, Node("released", product.name, contract.dataset, name, owner), rules
                )
                if item.how in DIRECT
            )
            for name in contract.column_names
        }
        rows = tuple(_border(graph, product, Node("released", product.name, contract.dataset, None, owner), rules))
        found[contract.dataset] = DatasetInputs(columns, rows)
    return found


def _border(graph: Graph, product: Product, start: Node, rules: Mapping[str, str]) -> list[BorderInput]:
    by = rules.get(start.column or "", "")
    return [
        BorderInput(item.node, item.how, by)
        for item in graph.upstream_of([start])
        if item.column is not None
        and (item.kind in ("accepted", "lookup") or (item.kind == "released" and item.product != product.name))
    ]
