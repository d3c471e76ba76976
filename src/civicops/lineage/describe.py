"""Everything in a workspace that depends on something else, as edges.

Belongs here: turning contracts, sources, models, releases and those who read them into edges. Does not belong here: following SQL
(`models`), looking into pages and monitors (`readers`), answering questions (`graph`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from civicops.checks.rules import blanked_columns
from civicops.contracts import Contract
from civicops.contracts.model import Check
from civicops.errors import CivicopsError
from civicops.ingest.declared import product_sources
from civicops.ingest.values import SheetSource, Source
from civicops.lineage.checked import columns_named, columns_of, lookup_of, tables_of_check
from civicops.lineage.made import SCHEMA, declared
from civicops.lineage.models import ModelLineage, lookup_header
from civicops.lineage.steps import AREA, AREA_ROWS, ORIGIN
from civicops.lineage.values import Edge, How, Kind, Node
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from civicops.transform.made import Made

HOLDING = ("quarantine", "stop")
PREPARED = "prepared.py"


def edges_of(
    workspace: Workspace, product: Product, models: Mapping[str, ModelLineage], *, users: bool = True
) -> Iterator[Edge]:
    """All edges that one product makes; pages and monitors of its own code are in `readers`. Without `users` only those on
    which values are made, up to the release."""
    names = _Names(workspace, product)
    sources = _sources(workspace, product)
    for contract in product.accepted:
        yield from _accepted(names, contract, [item for item in sources if item.dataset == contract.dataset])
        if users:
            yield from _checks(names, contract)
    if "boundary_sets" in product.lookups:
        yield from _areas(names)
    yield from _prepared(names, models)
    for model in models.values():
        yield from _model(names, model)
    for contract in product.published:
        yield from _released(names, contract)
        if not users:
            continue
        yield from _checks(names, contract)
        yield from _offered(names, contract)
        yield from _monitored(names, contract)
    if users:
        yield from _sheets(names, sources)


def nodes_of(workspace: Workspace, product: Product, models: Mapping[str, ModelLineage]) -> Iterator[Node]:
    """Nodes that exist whether or not an edge touches them: columns of contracts and lookups, and of models a constant or a
    count of rows, which depends on nothing but which rows there are."""
    names = _Names(workspace, product)
    for contract in product.contracts:
        kind = names.accepted if contract.layer == "accepted" else names.released
        yield kind(contract.dataset, None)
        yield from (kind(contract.dataset, column) for column in contract.offered_names)
    for name, path in product.lookups.items():
        yield from (names.lookup(name, column) for column in (None, *lookup_header(path)))
    for model in models.values():
        yield from (names.model(model.name, column) for column in (None, *model.query.columns))


class _Names:
    """The nodes of one product by what they are."""

    def __init__(self, workspace: Workspace, product: Product) -> None:
        self.workspace, self.product = workspace, product
        self.owners = {contract.dataset: contract.owner for contract in product.contracts}

    def _owner(self, dataset: str) -> str:
        return self.owners.get(dataset, self.product.file.owner)

    def source(self, name: str) -> Node:
        return Node("source", self.product.name, name, None, self.product.file.owner)

    def field(self, dataset: str, field: str) -> Node:
        return Node("field", self.product.name, dataset, field, self._owner(dataset))

    def accepted(self, dataset: str, column: str | None) -> Node:
        return Node("accepted", self.product.name, dataset, column, self._owner(dataset))

    def lookup(self, name: str, column: str | None) -> Node:
        return Node("lookup", self.product.name, name, column, self.product.file.owner)

    def area(self, column: str | None) -> Node:
        return Node("area", self.product.name, "area", column, self.product.file.owner)

    def model(self, name: str, column: str | None) -> Node:
        return Node("model", self.product.name, name, column, self._owner(name))

    def released(self, dataset: str, column: str | None) -> Node:
        return Node("released", self.product.name, dataset, column, self._owner(dataset))

    def check(self, contract: Contract, check: Check) -> Node:
        return Node("check", self.product.name, contract.dataset, check.id, contract.owner)

    def of(self, table: str, column: str | None) -> Node:
        """The node of a table as SQL names it."""
        schema, _, name = table.partition(".")
        if schema == "accepted":
            return self.accepted(name, column)
        if schema == "lookup":
            return self.lookup(name, column)
        if schema == "geo":
            return self.area(column)
        if schema == "prepared":
            return self.model(table, column)
        if schema == "release":
            owner, _, dataset = name.partition("__")
            return released_node(self.workspace.product(owner), dataset, column)
        return self.model(name, column)


def released_node(product: Product, dataset: str, column: str | None) -> Node:
    """The node of a released dataset's column, or of its rows."""
    owner = next((c.owner for c in product.published if c.dataset == dataset), product.file.owner)
    return Node("released", product.name, dataset, column, owner)


def _sources(workspace: Workspace, product: Product) -> tuple[Source, ...]:
    """The declared sources; none where `sources.py` cannot be read, which a run will say."""
    try:
        return product_sources(workspace, product)
    except CivicopsError:
        return ()


def _accepted(names: _Names, contract: Contract, sources: list[Source]) -> Iterator[Edge]:
    rows = names.accepted(contract.dataset, None)
    fields = {
        column.name: tuple(names.field(contract.dataset, name.strip().lower()) for name in column.source_names)
        for column in contract.columns
    }
    for source in sources:
        yield Edge(names.source(source.name), rows, "copied")
        every = dict.fromkeys(node for nodes in fields.values() for node in nodes)
        yield from (Edge(names.source(source.name), node, "copied") for node in every)
        yield from (
            Edge(names.source(source.name), names.accepted(contract.dataset, name), "derived") for name in ORIGIN
        )
    for name, nodes in fields.items():
        how: How = "copied" if len(nodes) == 1 else "derived"
        yield from (Edge(node, names.accepted(contract.dataset, name), how) for node in nodes)
    for name in (*contract.key, *contract.latest_by):
        yield from (Edge(node, rows, "grouped", "newest version of a key") for node in fields.get(name, ()))
    for check in contract.row_checks:
        read = [node for name in columns_of(contract, check) for node in fields.get(name, ())]
        if (looked := lookup_of(check)) is not None:
            read.append(names.lookup(*looked))
        if check.action in HOLDING:
            yield from (Edge(node, rows, "filtered", check.id) for node in read)
        for blanked in blanked_columns(check):
            target = names.accepted(contract.dataset, blanked)
            yield from (Edge(node, target, "derived", check.id) for node in read if node not in fields[blanked])
        yield from (Edge(node, names.accepted(contract.dataset, "_flags"), "derived", check.id) for node in read)


def _prepared(names: _Names, models: Mapping[str, ModelLineage]) -> Iterator[Edge]:
    """Tables that the product's Python makes: of what it declares; where it declares nothing, of all its accepted rows and
    lookups, since nothing can be read from its code. Of those only columns that some model reads have nodes."""
    lineage = declared(names.product)
    for table, made in lineage.items():
        yield from _made(names, table, made)
    asked = [item for model in models.values() for inputs in model.query.columns.values() for item in inputs]
    asked += [item for model in models.values() for item in model.query.rows]
    read = {(table, column) for table, column in asked if table.startswith(f"{SCHEMA}.")}
    read |= {(table, None) for table, _ in read}
    origins = [names.accepted(contract.dataset, None) for contract in names.product.accepted]
    origins += [names.lookup(name, None) for name in names.product.lookups]
    for table, column in sorted(read, key=lambda item: (item[0], item[1] or "")):
        if table.removeprefix(f"{SCHEMA}.") not in lineage:
            yield from (Edge(origin, names.of(table, column), "derived", PREPARED) for origin in origins)


def _made(names: _Names, table: str, made: Made) -> Iterator[Edge]:
    rows = names.of(f"{SCHEMA}.{table}", None)
    for column, inputs in made.columns.items():
        target = names.of(f"{SCHEMA}.{table}", column)
        for item in inputs:
            read, _, name = item.rpartition(".")
            # Of `table.*` any column may count: then the table stands for them, so that the drawing stays readable.
            yield Edge(names.of(read, None if name == "*" else name), target, "derived", PREPARED)
    for item in made.which:
        read, _, name = item.rpartition(".")
        yield Edge(names.of(read, None if name == "*" else name), rows, "filtered", PREPARED)
    for item in sorted(made.tables(None) | {read.table for read in made.rows}):
        yield Edge(names.of(item, None), rows, "derived", PREPARED)


def _checks(names: _Names, contract: Contract) -> Iterator[Edge]:
    make = names.accepted if contract.layer == "accepted" else names.model
    for check in contract.checks:
        node = names.check(contract, check)
        yield from (Edge(make(contract.dataset, name), node, "derived") for name in columns_of(contract, check))
        if (looked := lookup_of(check)) is not None:
            yield Edge(names.lookup(*looked), node, "derived")
        for dataset, columns in tables_of_check(check):
            for column in columns:
                yield Edge(_referenced(names, dataset, column), node, "joined")
        if not columns_of(contract, check):
            yield Edge(make(contract.dataset, None), node, "derived")


def _referenced(names: _Names, dataset: str, column: str | None) -> Node:
    if "." in dataset:
        owner, _, name = dataset.partition(".")
        return released_node(names.workspace.product(owner), name, column)
    if any(other.dataset == dataset for other in names.product.accepted):
        return names.accepted(dataset, column)
    return names.model(dataset, column)


def _areas(names: _Names) -> Iterator[Edge]:
    with names.product.lookups["boundary_sets"].open(encoding="utf-8-sig", newline="") as stream:
        datasets = sorted({row.get("dataset") or "" for row in csv.DictReader(stream)} - {""})
    for column, inputs in AREA.items():
        for lookup, name, how in inputs:
            if lookup:
                yield Edge(names.lookup(lookup, name), names.area(column), how)
            else:
                yield from (Edge(names.accepted(dataset, name), names.area(column), how) for dataset in datasets)
    rows = names.area(None)
    yield Edge(names.lookup("boundary_sets", None), rows, "copied")
    yield from (Edge(names.lookup("boundary_sets", name), rows, "filtered") for name in AREA_ROWS)
    for dataset in datasets:
        yield Edge(names.accepted(dataset, None), rows, "copied")
        yield Edge(names.accepted(dataset, "_source"), rows, "filtered")
        # An outline that cannot be mended, and a code that stands twice, stop the run.
        yield from (Edge(names.accepted(dataset, name), rows, "filtered") for name in ("area_code", "geometry"))


def _model(names: _Names, model: ModelLineage) -> Iterator[Edge]:
    for column, inputs in model.query.columns.items():
        yield from (Edge(names.of(*item), names.model(model.name, column), how) for item, how in inputs.items())
    rows = names.model(model.name, None)
    yield from (Edge(names.of(*item), rows, how) for item, how in model.query.rows.items())


def _released(names: _Names, contract: Contract) -> Iterator[Edge]:
    treated: dict[str, list[str]] = {}
    for rule in contract.privacy:
        for item in rule.treatments:
            treated.setdefault(item.column, []).append(rule.id)
    dataset = contract.dataset
    yield Edge(names.model(dataset, None), names.released(dataset, None), "copied")
    for column in contract.column_names:
        rules = treated.get(column, [])
        how: How = "derived" if rules else "copied"
        was = contract.column(column).was
        for name in (column, was.name) if was else (column,):
            yield Edge(names.model(dataset, column), names.released(dataset, name), how, rules[0] if rules else "")
    for rule in contract.privacy:
        for item in rule.treatments:
            for name in columns_named(rule.when, contract):
                if name != item.column:
                    yield Edge(names.model(dataset, name), names.released(dataset, item.column), "derived", rule.id)


def _offered(names: _Names, contract: Contract) -> Iterator[Edge]:
    """What is made of every release without anybody writing code for it."""
    kinds: tuple[Kind, ...] = ("api", "export")
    for kind in kinds:
        for column in (None, *contract.offered_names):
            yield Edge(
                names.released(contract.dataset, column),
                Node(kind, names.product.name, contract.dataset, column, contract.owner),
                "copied",
            )


def _monitored(names: _Names, contract: Contract) -> Iterator[Edge]:
    watched = names.product.monitors(contract)
    routes = names.product.file.alerts or ("default",)
    plain = [column.name for column in contract.columns]
    numbers = [column.name for column in contract.columns if column.logical_type in ("number", "integer")]
    reads: dict[str, tuple[list[str], bool]] = {
        "freshness": ([watched.freshness.column] if watched.freshness.column else [], watched.freshness.enabled),
        "volume": ([watched.volume.column] if watched.volume.column else [], watched.volume.enabled),
        "schema_drift": (plain, watched.schema_drift.enabled),
        "null_share": (plain, watched.null_share.enabled),
        "category_drift": (list(watched.category_drift.columns) or plain, watched.category_drift.enabled),
        "distribution_drift": (numbers, watched.distribution_drift.enabled),
    }
    for kind, (columns, enabled) in reads.items():
        if not enabled:
            continue
        node = Node("monitor", names.product.name, f"{contract.dataset}/{kind}", None, contract.owner)
        yield Edge(names.released(contract.dataset, None), node, "aggregated")
        yield from (Edge(names.released(contract.dataset, column), node, "aggregated") for column in columns)
        for route in routes:
            yield Edge(node, Node("alert", names.product.name, route, None, names.product.file.owner), "derived")


def _sheets(names: _Names, sources: tuple[Source, ...]) -> Iterator[Edge]:
    read = {source.sheet: source for source in sources if isinstance(source, SheetSource)}
    for sheet in names.product.file.sheets:
        contract = next((c for c in names.product.published if c.dataset == sheet.dataset), None)
        if contract is None:
            continue
        owner = contract.owner
        rows = Node("sheet", names.product.name, sheet.title, None, owner)
        yield Edge(names.released(sheet.dataset, None), rows, "copied")
        for column in dict.fromkeys((*contract.key, *sheet.columns)):
            node = Node("sheet", names.product.name, sheet.title, column, owner)
            yield Edge(names.released(sheet.dataset, column), node, "copied")
        if (back := read.get(sheet.title)) is not None:
            # What people write beside our rows comes back as a source: found again by the key that we wrote.
            for column in back.key:
                node = Node("sheet", names.product.name, sheet.title, column, owner)
                yield Edge(node, names.source(back.name), "joined")
