"""Lineage: where every column comes from, what is made of it, and where one value comes from.

Belongs in this room: column lineage of SQL, declarations of the steps that are not SQL, the graph of a workspace and questions to
it, the way of one value from the bytes it was landed in, and saying all of it in the standards' words (OpenLineage, PROV).
Does not belong here: what a change would do (`civicops.change`), sending run events (`civicops.observe`), pictures
(`civicops.portal`).

    graph = graph_of(workspace)
    graph.downstream("requests_311.requests", "council_code")
"""

from civicops.lineage.graph import Graph
from civicops.lineage.values import Edge, How, Kind, LineageError, Node, Related
from civicops.lineage.whole import graph_of

__all__ = ["Edge", "Graph", "How", "Kind", "LineageError", "Node", "Related", "graph_of"]
