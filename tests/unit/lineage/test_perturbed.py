"""The great test of lineage: change one input column on real DuckDB, and only what lineage calls downstream may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.lineage import Graph
from civicops.lineage.models import ModelLineage
from civicops.lineage.values import DIRECT, Node
from civicops.workspace import Workspace
from tests.unit.lineage.world import World

KINDS = {"accepted": "accepted", "lookup": "lookup", "geo": "area"}
FIXED = {("geo", "area", name) for name in ("geometry", "geojson", "layer", "policy", "is_newest")}
"""Outlines that are moved are no outlines any more, and without its newest set a layer has no function to ask."""


@pytest.mark.parametrize("name", ["requests_311", "drive_monitor"])
def test_a_changed_column_changes_nothing_but_what_is_downstream_of_it(
    name: str, repository: Workspace, followed: dict[str, dict[str, ModelLineage]], graph: Graph, tmp_path: Path
) -> None:
    product = repository.product(name)
    world = World(product, followed[name], tmp_path)
    try:
        before = world.run()
        assert before == world.run(), "the made-up world must give the same twice, or nothing follows from a difference"
        assert all(before[model, "*"] for model in followed[name]), "every model must have rows"
        wrong: list[str] = []
        called = moved = 0
        for schema, table in world.tables:
            readers = world.readers(schema, table)
            if not readers:
                continue
            for column, kind in world.columns(schema, table):
                if (schema, table, column) in FIXED:
                    continue
                world.change(schema, table, column, kind)
                if schema == "geo":
                    world.placing()
                after = world.run(readers)
                world.restore(schema, table)
                if schema == "geo":
                    world.placing()
                changed = {item for item in after if before[item] != after[item]}
                start = [node for node in graph.nodes if _is(node, name, KINDS[schema], table, column)]
                downstream = graph.downstream_of(start)
                known = {(r.name, r.column or "*") for r in downstream if r.kind == "model"}
                wrong += [f"{schema}.{table}.{column} changes {m}.{c}" for m, c in sorted(changed - known)]
                direct = {(r.name, r.column) for r in downstream if r.kind == "model" and r.how in DIRECT and r.column}
                called += len(direct)
                moved += len(direct & changed)
            world.run(readers)  # as they were, for the next table
        assert wrong == []
        # And it does not pass by calling everything downstream: much of what gives a value to a column really changes it,
        # although there are few rows, most lookup words do not occur in them, and medians of few rows do not move.
        assert called > 150
        assert moved / called > 0.35, f"{moved} of {called}"
    finally:
        world.close()


def _is(node: Node, product: str, kind: str, table: str, column: str) -> bool:
    return (node.product, node.kind, node.name, node.column) == (product, kind, table, column)
