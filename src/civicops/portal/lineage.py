"""The graph of datasets as pages show it: one dataset with its neighbours, or all products.

Belongs here: from the workspace's lineage to boxes and lists, folded so that a person can read them. Does not belong here:
finding lineage (`civicops.lineage`), placing boxes (`layered`).

A picture never grows with the workspace: around one dataset it goes two steps each way, and a column with more than
`MOST` boxes shows those of one product and kind as one. Pages that are not public and people's names are not in it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.urls import reverse

from civicops.errors import CivicopsError
from civicops.lineage import Edge, Graph, Node
from civicops.lineage.whole import edges_and_nodes
from civicops.portal.layered import Box, Drawing, drawn
from civicops.portal.pages import load_page
from civicops.portal.reading import Shelf
from civicops.workspace import Product

MOST = 7
"""Boxes of one column before they are folded."""
FURTHER = 2
"""Steps away from the dataset that are drawn."""
GROUPS: Mapping[str, str] = {
    "source": "source", "accepted": "accepted rows", "lookup": "lookup", "area": "outlines", "dataset": "dataset", "page": "page",
}  # fmt: skip
_OF_KIND: Mapping[str, str] = {
    "source": "source", "field": "accepted", "accepted": "accepted", "lookup": "lookup", "area": "area",
    "released": "dataset", "page": "page", "chart": "page", "map_file": "page",
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Table:
    """A thing that a dataset comes from or goes to, without columns."""

    group: str
    product: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.group}.{self.product}.{self.name}"


@dataclass(frozen=True)
class Tables:
    """All tables of a workspace and what each is made of; models that are not published are passed through."""

    nodes: frozenset[Table]
    up: Mapping[Table, frozenset[Table]]
    down: Mapping[Table, frozenset[Table]]
    not_followed: tuple[str, ...] = ()
    """Products whose models could not be followed, or were not yet."""


@dataclass(frozen=True)
class Item:
    """A line of the list beside a picture."""

    title: str
    group: str
    product: str
    link: str


@dataclass(frozen=True)
class Neighbours:
    """One dataset's picture, and the same as lists for those who do not see it."""

    drawing: Drawing
    made_of: tuple[Item, ...]
    used_by: tuple[Item, ...]
    not_followed: bool


@dataclass(frozen=True)
class Lineage:
    """What a dataset is made from, near or far, and what is made from it. Datasets of other products as `product.dataset`."""

    accepted: tuple[str, ...]
    published: tuple[str, ...]
    others: tuple[str, ...]
    used_by: tuple[str, ...]
    """Published datasets of the same product, and products that read it."""


@dataclass
class _Kept:
    shelf: Shelf | None = None
    tables: Tables = field(default_factory=lambda: Tables(frozenset(), {}, {}))
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept = _Kept()


def tables(shelf: Shelf) -> Tables:
    """The tables of all products that can be read, found once per state of their files.

    dbt is not asked: models that no run has followed since they changed are named in `not_followed`.
    """
    with _kept.lock:
        if _kept.shelf is not shelf:
            edges: list[Edge] = []
            nodes: list[Node] = []
            missing = []
            for product in shelf.products:
                try:
                    more, others = edges_and_nodes(shelf.workspace, product, compile_now=False)
                except CivicopsError:
                    missing.append(product.name)
                    continue
                edges += more
                nodes += others
            _kept.tables = folded(Graph(edges, nodes), tuple(missing))
            _kept.shelf = shelf
        return _kept.tables


def folded(graph: Graph, not_followed: tuple[str, ...] = ()) -> Tables:
    """A graph of columns as one of tables."""
    released = {(node.product, node.name) for node in graph.nodes if node.kind == "released"}
    known: dict[Node, Table | None] = {}

    def table(node: Node) -> Table | None:
        whole = node.whole
        if whole not in known:
            group = _OF_KIND.get(node.kind, "")
            if node.kind == "model" and (node.product, node.name) in released:
                group = "dataset"
            name = node.name.partition("/")[0] if group == "page" else node.name
            known[whole] = Table(group, node.product, name) if group else None
        return known[whole]

    above: dict[Node | Table, set[Node | Table]] = {}
    for edge in graph.edges:
        origin, target = table(edge.origin), table(edge.target)
        if edge.target.kind != "model" and target is None:
            continue  # checks, monitors, API, downloads
        start, end = origin or edge.origin.whole, target or edge.target.whole
        if start != end:
            above.setdefault(end, set()).add(start)
    nodes = frozenset(found for node in graph.nodes if (found := table(node)) is not None)
    up = {node: frozenset(_nearest(node, above)) for node in nodes}
    down: dict[Table, set[Table]] = {}
    for node, parents in up.items():
        for parent in parents:
            down.setdefault(parent, set()).add(node)
    return Tables(nodes, up, {node: frozenset(children) for node, children in down.items()}, not_followed)


def _nearest(start: Table, above: Mapping[Node | Table, set[Node | Table]]) -> set[Table]:
    """The tables above, through models that nobody publishes."""
    found: set[Table] = set()
    seen: set[Node | Table] = set()
    waiting: list[Node | Table] = list(above.get(start, ()))
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        if isinstance(item, Table):
            found.add(item)
        else:
            waiting += above.get(item, ())
    return found - {start}


def lineage(shelf: Shelf, product: Product, dataset: str) -> Lineage:
    """Everything above a dataset, and the datasets and products right below."""
    found = tables(shelf)
    start = Table("dataset", product.name, dataset)
    above: set[Table] = set()
    waiting = [start]
    while waiting:
        more = found.up.get(waiting.pop(), frozenset()) - above
        above |= more
        # Another product's release is where the product begins: what that is made of is told there.
        waiting += [item for item in more if item.product == product.name]
    own = {item for item in above if item.product == product.name}
    below = [
        item for item in sorted(found.down.get(start, ())) if item.group == "dataset" and item.product == product.name
    ]
    readers = [
        other.name for other in shelf.products if f"{product.name}.{dataset}" in (*other.file.reads, *other.file.shows)
    ]
    return Lineage(
        accepted=tuple(sorted(item.name for item in own if item.group == "accepted")),
        published=tuple(sorted(item.name for item in own if item.group == "dataset" and item != start)),
        others=tuple(sorted(f"{item.product}.{item.name}" for item in above - own if item.group == "dataset")),
        used_by=(*(item.name for item in below), *readers),
    )


def neighbours(shelf: Shelf, product: Product, dataset: str) -> Neighbours:
    """The picture around one dataset."""
    found, start = tables(shelf), Table("dataset", product.name, dataset)
    shown = _Shown(shelf)
    layers = {start: 0}
    for step, graph in ((-1, found.up), (1, found.down)):
        edge = {start}
        for distance in range(1, FURTHER + 1):
            edge = {other for item in edge for other in graph.get(item, ()) if other not in layers and shown.may(other)}
            layers |= dict.fromkeys(edge, step * distance)
    boxes, folds = _folded_boxes(shown, layers, start)
    lines = [
        (folds[parent], folds[node])
        for node in layers
        for parent in found.up.get(node, ())
        if parent in folds and node in folds
    ]
    return Neighbours(
        drawn(boxes, lines),
        tuple(shown.item(item) for item in sorted(layers) if layers[item] < 0),
        tuple(shown.item(item) for item in sorted(layers) if layers[item] > 0),
        product.name in found.not_followed,
    )


def _folded_boxes(shown: _Shown, layers: Mapping[Table, int], start: Table) -> tuple[list[Box], dict[Table, str]]:
    """Boxes of a picture, and under which id each table is found; full columns are folded by product and kind."""
    columns: dict[int, list[Table]] = {}
    for item, layer in layers.items():
        columns.setdefault(layer, []).append(item)
    boxes: list[Box] = []
    ids: dict[Table, str] = {}
    for layer, items in columns.items():
        groups: dict[tuple[str, str], list[Table]] = {}
        for item in sorted(items):
            groups.setdefault((item.group, item.product), []).append(item)
        full = len(items) > MOST
        for (group, owner), members in sorted(groups.items()):
            if full and len(members) > 1 and start not in members:
                box = Box(
                    f"many.{layer}.{group}.{owner}", group, f"{len(members)} {_plural(GROUPS[group])}", shown.product(owner),
                    layer, f"{reverse('lineage')}?product={owner}",
                )  # fmt: skip
                boxes.append(box)
                ids |= dict.fromkeys(members, box.id)
            else:
                boxes += [replace(shown.box(item, layer), is_focus=item == start) for item in members]
                ids |= {item: item.id for item in members}
    return boxes, ids


def _plural(word: str) -> str:
    return word if word.endswith("s") else f"{word}s"


def overview(shelf: Shelf, products: Iterable[Product]) -> Drawing:
    """All products and which reads from which."""
    every = list(products)
    names = {product.name for product in every}
    reads = {
        product.name: {name.partition(".")[0] for name in (*product.file.reads, *product.file.shows)}
        & names - {product.name}
        for product in every
    }
    layers: dict[str, int] = {}
    for _ in every:  # as often as the longest way can be long; a circle ends it too
        for name, above in reads.items():
            layers[name] = min(len(every), max((layers.get(other, 0) + 1 for other in above), default=0))
    boxes = [
        Box(
            product.name, "product", product.file.title, f"{len(product.published)} datasets", layers[product.name],
            f"{reverse('lineage')}?product={product.name}",
        )
        for product in every
    ]  # fmt: skip
    return drawn(boxes, [(above, name) for name, others in reads.items() for above in others])


def of_product(shelf: Shelf, product: Product) -> Drawing:
    """The published datasets of one product by what is made of what, other products and pages folded beside them."""
    found, shown = tables(shelf), _Shown(shelf)
    own = [Table("dataset", product.name, contract.dataset) for contract in product.published]
    layers: dict[Table, int] = {}
    for _ in own:
        for item in own:
            above = [layers.get(other, 1) + 1 for other in found.up.get(item, ()) if other in own]
            layers[item] = min(len(own), max(above, default=1))
    last = max(layers.values(), default=1) + 1
    boxes = [shown.box(item, layers[item]) for item in own]
    lines = [(other.id, item.id) for item in own for other in found.up.get(item, ()) if other in layers]
    for item in own:
        for other in found.up.get(item, frozenset()) - set(own):
            lines.append((f"above.{other.group}.{other.product}", item.id))
        for other in found.down.get(item, frozenset()) - set(own):
            if shown.may(other):
                lines.append((item.id, f"below.{other.group}.{other.product}"))
    for side, layer in (("above", 0), ("below", last)):
        graph = found.up if side == "above" else found.down
        beside = {other for item in own for other in graph.get(item, ()) if other not in layers and shown.may(other)}
        groups: dict[tuple[str, str], list[Table]] = {}
        for other in sorted(beside):
            groups.setdefault((other.group, other.product), []).append(other)
        for (group, owner), members in groups.items():
            title = (
                shown.box(members[0], layer).title if len(members) == 1 else f"{len(members)} {_plural(GROUPS[group])}"
            )
            link = shown.link(members[0]) if len(members) == 1 else ""
            boxes.append(Box(f"{side}.{group}.{owner}", group, title, shown.product(owner), layer, link))
    return drawn(boxes, lines)


class _Shown:
    """What tables are called and where they lead, and which pages are for everybody."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.pages: dict[Table, str | None] = {}

    def may(self, item: Table) -> bool:
        """Whether everybody may know of it: all but pages that are not public."""
        return item.group != "page" or self._page(item) is not None

    def _page(self, item: Table) -> str | None:
        if item not in self.pages:
            title = None
            product = self.shelf.product(item.product)
            try:
                page = load_page(product, item.name).page if product else None
                title = page.title if page and page.is_public else None
            except CivicopsError:
                title = None
            self.pages[item] = title
        return self.pages[item]

    def product(self, name: str) -> str:
        found = self.shelf.product(name)
        return found.file.title if found else name

    def title(self, item: Table) -> str:
        if item.group == "page":
            return self._page(item) or item.name
        if item.group == "dataset" and (contract := self.shelf.contract(item.product, item.name)) is not None:
            return contract.title
        return item.name.replace("_", " ")

    def link(self, item: Table) -> str:
        if item.group == "dataset":
            return reverse("dataset", args=[item.product, item.name])
        return reverse("page", args=[item.product, item.name]) if item.group == "page" else ""

    def box(self, item: Table, layer: int) -> Box:
        note = GROUPS[item.group] if item.group != "dataset" else self.product(item.product)
        return Box(item.id, item.group, self.title(item), note, layer, self.link(item))

    def item(self, item: Table) -> Item:
        return Item(self.title(item), GROUPS[item.group], self.product(item.product), self.link(item))


def counts(shelf: Shelf, datasets: Sequence[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """By `product.dataset`: of how many tables it is made directly, and how many are made of it."""
    found, shown = tables(shelf), _Shown(shelf)
    result = {}
    for product, dataset in datasets:
        item = Table("dataset", product, dataset)
        below = [other for other in found.down.get(item, ()) if shown.may(other)]
        result[f"{product}.{dataset}"] = (len(found.up.get(item, ())), len(below))
    return result
