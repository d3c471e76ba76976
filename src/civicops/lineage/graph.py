"""The graph of everything that depends on something else, and questions to it.

Belongs here: following dependences up and down, by the most direct way. Does not belong here: where they come from (`describe`),
drawing them (`civicops.portal`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from civicops.contracts.problems import nearest
from civicops.lineage.values import HOWS, KINDS, Edge, How, LineageError, Node, Related, chained

_Step = tuple[Node, How, str]


class Graph:
    """All nodes and edges of a workspace. Frozen once made; holds no file open."""

    def __init__(self, edges: Iterable[Edge], nodes: Iterable[Node] = ()) -> None:
        self.edges: tuple[Edge, ...] = tuple(dict.fromkeys(edges))
        known = dict.fromkeys(nodes)
        for edge in self.edges:
            known.setdefault(edge.origin)
            known.setdefault(edge.target)
        self.nodes: tuple[Node, ...] = tuple(sorted(known, key=_order))

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.dataset, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def _columns(self) -> Mapping[Node, tuple[Node, ...]]:
        """The columns of each table, by the node of its rows."""
        found: dict[Node, list[Node]] = {}
        for node in self.nodes:
            if node.column is not None:
                found.setdefault(node.whole, []).append(node)
        return {whole: tuple(columns) for whole, columns in found.items()}

    @cached_property
    def _down(self) -> Mapping[Node, tuple[_Step, ...]]:
        found: dict[Node, list[_Step]] = {}
        for edge in self.edges:
            found.setdefault(edge.origin, []).append((edge.target, edge.how, edge.by))
        return {node: tuple(steps) for node, steps in found.items()}

    @cached_property
    def _up(self) -> Mapping[Node, tuple[_Step, ...]]:
        found: dict[Node, list[_Step]] = {}
        for edge in self.edges:
            found.setdefault(edge.target, []).append((edge.origin, edge.how, edge.by))
        return {node: tuple(steps) for node, steps in found.items()}

    def find(self, dataset: str, column: str | None = None) -> tuple[Node, ...]:
        """The nodes that `product.name` means, or one column of it: a model and the release of the same name are both meant.

        Raises `LineageError` that names the nearest dataset or column.
        """
        nodes = self._by_name.get(dataset)
        if nodes is None:
            hint = f"{nearest(dataset, sorted(self._by_name))}."
            raise LineageError(f"Lineage knows no dataset '{dataset}'.", hint=hint)
        tables = [node for node in nodes if node.kind in ("released", "model", "accepted")] or list(nodes)
        if column is None:
            return tuple(tables)
        found = tuple(node for node in tables if node.column == column.lower())
        if not found:
            known = sorted({node.column for node in tables if node.column})
            raise LineageError(f"'{dataset}' has no column '{column}'.", hint=f"{nearest(column, known)}.")
        return found

    def upstream(self, dataset: str, column: str | None = None) -> tuple[Related, ...]:
        """Everything that a dataset, or one column of it, depends on; the nearest first. Raises as `find` does."""
        return self._followed(self.find(dataset, column), up=True)

    def downstream(self, dataset: str, column: str | None = None) -> tuple[Related, ...]:
        """Everything that depends on a dataset, or on one column of it; the nearest first. Raises as `find` does."""
        return self._followed(self.find(dataset, column), up=False)

    def upstream_of(self, nodes: Sequence[Node]) -> tuple[Related, ...]:
        """Everything that any of these nodes depends on, the nearest first."""
        return self._followed(nodes, up=True)

    def downstream_of(self, nodes: Sequence[Node]) -> tuple[Related, ...]:
        """Everything that depends on any of these nodes, the nearest first."""
        return self._followed(nodes, up=False)

    def _steps(self, node: Node, *, up: bool) -> Iterable[_Step]:
        """One step on. A column depends on which rows its table has; that is kept once per table, not once per column."""
        yield from (self._up if up else self._down).get(node, ())
        if up and node.column is not None and node.whole in self._up:
            yield (node.whole, "filtered", "")
        if not up and node.column is None:
            for column in self._columns.get(node, ()):
                yield (column, "filtered", "")

    def _followed(self, start: Sequence[Node], *, up: bool) -> tuple[Related, ...]:
        best: dict[Node, tuple[int, int]] = {}
        found: dict[Node, Related] = {}
        queue: list[tuple[int, int, int, Node, How, Node, str]] = []
        count = 0
        for node in start:
            queue.append((0, 0, count, node, "copied", node, ""))
            count += 1
        while queue:
            rank, distance, _, node, how, before, by = heapq.heappop(queue)
            if node in best:
                continue
            best[node] = (rank, distance)
            if distance:
                found[node] = Related(node, how, distance, before, by)
            for other, step, name in self._steps(node, up=up):
                if other in best:
                    continue
                # Going up, the step that was just found lies nearer the origin.
                new = chained(step, how) if up else chained(how, step)
                heapq.heappush(queue, (HOWS.index(new), distance + 1, count, other, new, node, name))
                count += 1
        starts = set(start)
        reached = (item for node, item in found.items() if node not in starts)
        return tuple(sorted(reached, key=lambda item: (item.distance, _order(item.node))))


def _order(node: Node) -> tuple[str, int, str, str]:
    return (node.product, KINDS.index(node.kind), node.name, node.column or "")
