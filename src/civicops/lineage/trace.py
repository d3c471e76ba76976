"""One value, traced back to the bytes it was landed in.

Belongs here: from a released row to the accepted rows it was made of, to their place in what landed, with every rule, lookup line
and code version on the way; and the same for rows held back. Does not belong here: the parts of that way (`origin`, `replay`),
printing it (`civicops.cli`).

What a trace shows may be restricted: exact places before a privacy rule, rows that were held back. It is for who may read the
workspace's files, and no page shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from civicops.contracts import Contract
from civicops.ingest.declared import product_sources
from civicops.lineage.asked import fits, rows_of, typed_literal, where_of, words_of
from civicops.lineage.describe import edges_of, nodes_of
from civicops.lineage.graph import Graph
from civicops.lineage.made import SCHEMA, MadeFinder, decisions_among, declared, step_of
from civicops.lineage.models import ModelLineage, models_of
from civicops.lineage.replay import LookupLine, ReplayError, equal, replay
from civicops.lineage.rows import MOST, RowFinder
from civicops.lineage.traced import Decision, Decisions, MadeRow, ModelStep, Row, Trace
from civicops.lineage.values import DIRECT, LineageError, Node, Related
from civicops.product_files import made_from
from civicops.release.sql import identifier, literal
from civicops.release.store import ReleaseStore
from civicops.release.values import Release
from civicops.workspace import Product, Workspace


def trace(
    workspace: Workspace, dataset: str, key: str, column: str | None = None, *, decisions: Decisions | None = None
) -> Trace:
    """Trace the row of `product.dataset` with that key, or one column of it.

    `key` is the value of the key, or `column=value,column=value` where it has several columns. Raises `LineageError` for a
    name or key that does not exist, and what reading the workspace raises.
    """
    product_name, _, name = dataset.partition(".")
    product = workspace.product(product_name)
    contract = product.contract(name)
    if column is not None and column not in contract.column_names:
        raise LineageError(
            f"'{dataset}' has no column '{column}'.", hint=f"It has: {', '.join(contract.column_names)}."
        )
    wanted = _key(contract, key)
    models = models_of(workspace, product)
    graph = Graph(edges_of(workspace, product, models, users=False), nodes_of(workspace, product, models))
    tracer = _Tracer(workspace, product, contract, wanted, column, models, graph)
    with duckdb.connect(config={"threads": workspace.settings.engine.threads}) as con:
        # A bar of DuckDB's own, which it shows after two seconds, would stand in the middle of the answer.
        con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET enable_progress_bar = false")
        return tracer.trace(con, decisions)


def _key(contract: Contract, text: str) -> dict[str, str]:
    if not contract.key:
        raise LineageError(f"'{contract.id}' has no key to find a row by.", hint="Trace a dataset that is made of it.")
    if len(contract.key) == 1 and not text.startswith(f"{contract.key[0]}="):
        return {contract.key[0]: text}
    found = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    if set(found) != set(contract.key):
        shape = ",".join(f"{name}=..." for name in contract.key)
        raise LineageError(f"'{text}' does not say one row of '{contract.id}'.", hint=f"Write the key as {shape}.")
    return found


@dataclass
class _Tracer:
    workspace: Workspace
    product: Product
    contract: Contract
    key: dict[str, str]
    column: str | None
    models: Mapping[str, ModelLineage]
    graph: Graph
    copies: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    alone: dict[str, str] = field(default_factory=dict)
    """Dataset -> SELECT of the rows that are needed to make the row again, where Python is on the way."""

    def trace(self, con: duckdb.DuckDBPyConnection, decisions: Decisions | None) -> Trace:
        """Everything, in the order in which it is looked up."""
        release, values = self._released(con)
        upstream = self._upstream()
        accepted: list[Row] = []
        held: list[Row] = []
        finder = RowFinder(self.workspace, self.product, self.contract.dataset, self.column)
        for contract, keys in self._accepted_keys():
            fits(con, contract, keys)
            accepted += finder.accepted(con, contract, where_of(contract, keys), upstream)
            held += finder.held(con, contract, keys)
        made, more, notes = self._made(con, finder, values, upstream)
        accepted += [row for row in more if replace(row, is_behind_code=False) not in accepted]
        made_of = {} if accepted or held else self._made_of(con)
        if not values and not accepted and not held:
            raise LineageError(
                f"There is no row {words_of(self.key)} in {self.contract.id}: not released, not accepted, not held back.",
                hint="Mind capitals and blanks; `civicops quarantine list` shows what was held back.",
            )
        told = _told(release)
        lookups, again = self._replayed(accepted, values, upstream)
        return Trace(
            dataset=self.contract.id,
            key=self.key,
            column=self.column,
            version=release.version if release and values else None,
            values=values,
            run=str(told.get("run", "")) if values else "",
            code=told.get("code", {}) if values else {},
            tools=told.get("tools", {}) if values else {},
            contract_version=told.get("contract", {}).get("version", self.contract.version),
            privacy=tuple(
                rule.id
                for rule in self.contract.privacy
                if self.column is None or any(item.column == self.column for item in rule.treatments)
            ),
            accepted=tuple(accepted),
            held=tuple(held),
            made_of=made_of,
            models=self._steps(upstream) if values else (),
            made=made,
            lookups=lookups,
            again=again,
            decisions=(
                *self._decided(accepted),
                *(decisions(self.workspace, self.contract.id, self.key) if decisions else ()),
            ),
            files=made_from(self.product.folder, told.get("code", {})) if release and values else None,
            notes=notes,
        )

    def _released(self, con: duckdb.DuckDBPyConnection) -> tuple[Release | None, dict[str, Any]]:
        if self.contract.layer == "accepted":
            return None, {}
        release = ReleaseStore(self.workspace.folder("releases")).current(self.product.name, self.contract.dataset)
        if release is None:
            return None, {}
        rows = rows_of(con, f"read_parquet({literal(str(release.data))})", self.contract, self.key)
        return release, rows[0] if rows else {}

    def _upstream(self) -> tuple[Related, ...]:
        kind = "accepted" if self.contract.layer == "accepted" else "released"
        columns = [self.column] if self.column else list(self.contract.column_names)
        wanted = {(kind, self.contract.dataset, name) for name in columns}
        return self.graph.upstream_of([n for n in self.graph.nodes if (n.kind, n.name, n.column) in wanted])

    def _accepted_keys(self) -> list[tuple[Contract, dict[str, str]]]:
        """The accepted datasets in which the row can be found, each with its columns that hold the key's values."""
        if self.contract.layer == "accepted":
            return [(self.contract, self.key)]
        found: dict[str, dict[str, str]] = {}
        for name, value in self.key.items():
            for node in self._copied_from(name):
                if node.kind == "accepted" and node.column and not node.column.startswith("_"):
                    found.setdefault(node.name, {}).setdefault(node.column, value)
        return [(self.product.contract(dataset), keys) for dataset, keys in found.items() if len(keys) == len(self.key)]

    def _copied_from(self, column: str) -> list[Node]:
        start = [
            node
            for node in self.graph.nodes
            if (node.kind, node.name, node.column) == ("released", self.contract.dataset, column)
        ]
        return [item.node for item in self.graph.upstream_of(start) if item.how == "copied"]

    def _made(
        self, con: duckdb.DuckDBPyConnection, finder: RowFinder, values: Mapping[str, Any], upstream: Sequence[Related]
    ) -> tuple[tuple[MadeRow, ...], list[Row], tuple[str, ...]]:
        """Rows that Python made on the way, the accepted rows they lead to, and what is not certain of it."""
        lineage = declared(self.product)
        reached: dict[str, set[str]] = {}
        for item in upstream:
            table = item.name.removeprefix(f"{SCHEMA}.")
            if item.kind == "model" and table != item.name and table in lineage and item.column and item.how in DIRECT:
                reached.setdefault(table, set()).add(item.column)
        if not values or not reached:
            return (), [], ()
        follower = MadeFinder(con, self.product, self._warehouse, lineage)
        if why := follower.open():
            return (), [], (why,)
        notes: dict[str, None] = {}
        for table, columns in reached.items():
            asked = sorted(columns - set(lineage[table].key)) or (
                sorted(columns) if self.column in self.contract.key else []
            )
            where = self._where_made(table, lineage[table].key, values)
            if asked and where:
                rows = follower.follow(table, where, asked if self.column else None)
                if not rows or self._differs(table, rows, values):
                    notes[
                        f"the warehouse was built anew since this release: its rows of '{table}' are of another run"
                    ] = None
        found: list[Row] = []
        for dataset, conditions in follower.conditions.items():
            either = " OR ".join(f"({condition})" for condition in conditions)
            behind = finder.accepted(con, self.product.contract(dataset), either, upstream, once=True)
            found += [replace(row, is_behind_code=True) for row in behind]
        if self.column:
            # Also tables that only decide which rows there are: without them the row does not come out again.
            named = {item.name.removeprefix(f"{SCHEMA}.") for item in upstream if item.kind == "model"} & set(lineage)
            every = {name: self._where_made(name, lineage[name].key, values) for name in sorted(named)}
            self.alone = follower.selects({name: where for name, where in every.items() if where})
        con.execute("DETACH _made")
        return tuple(follower.rows), found, tuple(notes)

    def _where_made(self, table: str, key: Sequence[str], values: Mapping[str, Any]) -> list[str]:
        """The made row behind the released one: its key stands in columns that were copied from it, or that have its name."""
        found: list[str] = []
        for part in key:
            copies = [name for name in self.contract.column_names if (table, part) in self._copied_made(name)]
            name = next(iter(copies), part)
            if name in self.contract.column_names and values.get(name) is not None:
                found.append(f"{identifier(part)} = {typed_literal(self.contract, name, str(values[name]))}")
        return found

    def _differs(self, table: str, rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> bool:
        """Whether a value that was copied from the made row is another one now."""
        treated = {item.column for rule in self.contract.privacy for item in rule.treatments}
        for name in self.contract.column_names:
            columns = [column for made, column in self._copied_made(name) if made == table]
            if (
                len(columns) == 1
                and name not in treated
                and not any(equal(row[columns[0]], values[name]) for row in rows)
            ):
                return True
        return False

    def _copied_made(self, column: str) -> set[tuple[str, str]]:
        """The columns of made tables whose values a released column has."""
        if column not in self.copies:
            nodes = [node for node in self._copied_from(column) if node.kind == "model" and node.column]
            self.copies[column] = {
                (node.name.removeprefix(f"{SCHEMA}."), node.column or "")
                for node in nodes
                if node.name.startswith(SCHEMA)
            }
        return self.copies[column]

    def _decided(self, accepted: Sequence[Row]) -> tuple[Decision, ...]:
        """The decisions of people among the rows."""
        contracts = {contract.dataset: contract for contract in self.product.accepted}
        return decisions_among(accepted, contracts, product_sources(self.workspace, self.product), self.column)

    @property
    def _warehouse(self) -> Path:
        return self.workspace.folder("warehouse") / f"{self.product.name}.duckdb"

    def _made_of(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Of a row that many were added up to: the nearest released tables that have the key's columns, and how many rows."""
        found: dict[str, dict[str, str]] = {}
        for name, value in self.key.items():
            for node in self._copied_from(name):
                if node.kind == "model" and node.name != self.contract.dataset and node.column:
                    found.setdefault(node.name, {}).setdefault(node.column, value)
        store = ReleaseStore(self.workspace.folder("releases"))
        counted: dict[str, int] = {}
        for table, keys in found.items():
            release = store.snapshot(self.product.name).get(table)
            if release is None or len(keys) != len(self.key):
                continue
            where = where_of(self.product.contract(table), keys)
            answer = con.execute(
                f"SELECT count(*) FROM read_parquet({literal(str(release.data))}) WHERE {where}"
            ).fetchone()
            counted[f"{self.product.name}.{table}"] = int(answer[0]) if answer else 0
        return counted

    def _steps(self, upstream: Sequence[Related]) -> tuple[ModelStep, ...]:
        names = {item.name for item in upstream if item.kind == "model" and item.how in DIRECT}
        return tuple(
            ModelStep(name, _file(self.product, name), hashlib.sha256(model.sql.encode()).hexdigest())
            for name, model in self.models.items()
            if name in names
        )

    def _replayed(
        self, accepted: Sequence[Row], values: Mapping[str, Any], upstream: Sequence[Related]
    ) -> tuple[tuple[LookupLine, ...], str]:
        rows: dict[str, list[str]] = {}
        for row in accepted:
            if row.is_current:
                rows.setdefault(row.dataset.partition(".")[2], []).append(row.select)
        if self.contract.layer == "accepted":
            return (), ""
        if self.column is None:
            return (), "name a column to have it made again and see the lookup lines it hangs on"
        if not values:
            return (), ""
        if not self.alone and (not rows or any(len(selects) >= MOST for selects in rows.values())):
            return (), "it was made of many rows"
        lookups = dict.fromkeys(item.name for item in upstream if item.kind == "lookup" and item.how in DIRECT)
        typed = {name: typed_literal(self.contract, name, value) for name, value in self.key.items()}
        try:
            done = replay(
                self.product,
                self.models,
                self.alone or {name: " UNION ALL ".join(selects) for name, selects in rows.items()},
                self._warehouse,
                model=self.contract.dataset,
                key=typed,
                column=self.column,
                lookups=[name for name in lookups if name != "boundary_sets"],
                step=step_of(self.product) if self.alone else None,
            )
        except ReplayError as error:
            return (), f"not tried: {error}"
        if equal(done.value, values[self.column]):
            return done.lines, "same"
        return done.lines, f"other: {done.value}"


def _told(release: Release | None) -> dict[str, Any]:
    if release is None:
        return {}
    try:
        return dict(release.package().get("civicops", {}))
    except (OSError, ValueError):
        return {}


def _file(product: Product, model: str) -> str:
    path = next(iter(sorted(product.models.glob(f"**/{model}.sql"))), Path(f"{model}.sql"))
    return str(path)
