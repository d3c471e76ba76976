"""The graph of a whole workspace.

Belongs here: putting the edges of all products together. Does not belong here: finding them (`describe`, `models`, `readers`).
"""

from __future__ import annotations

from pathlib import Path

from civicops.lineage.describe import edges_of, nodes_of
from civicops.lineage.graph import Graph
from civicops.lineage.models import models_of
from civicops.lineage.readers import reader_edges
from civicops.lineage.values import Edge, Node
from civicops.workspace import Product, Workspace


def graph_of(workspace: Workspace, *, cache: Path | None = None) -> Graph:
    """The graph of all products of a workspace, from its files alone: nothing is run, no data is read.

    What dbt and sqlglot say of models is kept in `cache` (by default the workspace's `lineage` folder) under a hash of the
    files it was made from, so a second call takes a fraction of a second, also for another checkout of the same files.

    Raises `ContractFileError`, `TransformError` or `LineageError`, which say which file cannot be followed.
    """
    edges: list[Edge] = []
    nodes: list[Node] = []
    for product in workspace.products:
        more, others = edges_and_nodes(workspace, product, cache=cache)
        edges += more
        nodes += others
    return Graph(edges, nodes)


def edges_and_nodes(
    workspace: Workspace, product: Product, *, cache: Path | None = None, compile_now: bool = True
) -> tuple[list[Edge], list[Node]]:
    """What one product adds to the graph. Without `compile_now` a product whose models nobody followed since they changed
    raises `LineageError`; else as `graph_of`."""
    models = models_of(workspace, product, cache=cache, compile_now=compile_now)
    edges = [*edges_of(workspace, product, models), *reader_edges(workspace, product)]
    return edges, list(nodes_of(workspace, product, models))
