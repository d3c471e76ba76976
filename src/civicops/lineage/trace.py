"""One value, traced back to the bytes it was landed in.

Belongs here: from a released row to the accepted rows it was made of, to their place in what landed, with every rule, lookup line
and code version on the way; and the same for rows held back. Does not belong here: the parts of that way (`origin`, `replay`),
printing it (`civicops.cli`).

What a trace shows may be restricted: exact places before a privacy rule, rows that were held back. It is for who may read the
workspace's files, and no page shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from civicops.checks.batches import UNREADABLE, Batch, BatchStore, fingerprint_of
from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.contracts.model import Check
from civicops.errors import CivicopsError
from civicops.ingest.landing import Landing
from civicops.lineage.asked import rows_of, typed_literal, where_of, words_of
from civicops.lineage.checked import columns_of
from civicops.lineage.describe import edges_of, nodes_of
from civicops.lineage.graph import Graph
from civicops.lineage.models import ModelLineage, models_of
from civicops.lineage.origin import Origin, find_origin, wanted_fields
from civicops.lineage.replay import LookupLine, ReplayError, equal, replay
from civicops.lineage.traced import Decisions, ModelStep, Row, Rule, Trace
from civicops.lineage.values import DIRECT, LineageError, Node, Related
from civicops.release.sql import identifier, literal
from civicops.release.store import ReleaseStore
from civicops.release.values import Release
from civicops.workspace import Product, Workspace

MOST = 10
"""Rows of one kind that are shown."""


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

    def trace(self, con: duckdb.DuckDBPyConnection, decisions: Decisions | None) -> Trace:
        """Everything, in the order in which it is looked up."""
        release, values = self._released(con)
        upstream = self._upstream()
        accepted: list[Row] = []
        held: list[Row] = []
        for contract, keys in self._accepted_keys():
            accepted += self._accepted_rows(con, contract, keys, upstream)
            held += self._held_rows(con, contract, keys)
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
            lookups=lookups,
            again=again,
            decisions=tuple(decisions(self.workspace, self.contract.id, self.key)) if decisions else (),
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

    def _accepted_rows(
        self, con: duckdb.DuckDBPyConnection, contract: Contract, keys: Mapping[str, str], upstream: Sequence[Related]
    ) -> list[Row]:
        store = BatchStore(self.workspace.folder("accepted"), self.workspace.folder("quarantine"), self.product.name)
        batches = {str(path): batch for batch in store.batches(contract.dataset) for path in store.rows(batch)}
        if not batches:
            return []
        listed = ", ".join(map(literal, batches))
        files = f"read_parquet([{listed}], union_by_name = true, filename = '_file', file_row_number = true)"
        rows = rows_of(con, files, contract, keys)
        rows.sort(key=lambda row: _age(contract, row), reverse=True)
        direct = {
            item.column
            for item in upstream
            if item.kind == "accepted" and item.name == contract.dataset and item.how in DIRECT
        }
        flagged = {check_id for row in rows for check_id in row["_flags"] or ()}
        whole = self.column is None or self.contract is contract
        read = [(check, columns_of(contract, check)) for check in contract.row_checks]
        shown = [(check, columns) for check, columns in read if whole or direct & set(columns) or check.id in flagged]
        # The newest of each key counts; the key asked for may be a part of theirs, then several do.
        newest: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(rows):
            newest.setdefault(tuple(row[name] for name in contract.key), number)
        return [
            self._accepted_row(contract, row, batches[row["_file"]], shown, is_current=number in newest.values())
            for number, row in enumerate(rows[:MOST])
        ]

    def _accepted_row(
        self, contract: Contract, row: Mapping[str, Any], batch: Batch, shown: Sequence[tuple[Check, tuple[str, ...]]], *,
        is_current: bool,
    ) -> Row:  # fmt: skip
        broke = set(row["_flags"] or ())
        near = (row["file_row_number"] + 0.5) / max(1, batch.accepted)
        origin = self._origin(contract, row, near)
        return Row(
            dataset=contract.id,
            values={name: row[name] for name in contract.column_names},
            rules=tuple(_rule(check, columns, broke) for check, columns in shown),
            origin=origin,
            contract_version=batch.contract_version,
            batch=batch.id,
            is_current=is_current,
            blanked=json.loads(row["_blanked"]) if row["_blanked"] else {},
            select=f"SELECT {', '.join(map(identifier, (*contract.column_names, *BESIDES)))} FROM read_parquet("
            f"{literal(row['_file'])}, file_row_number = true) WHERE file_row_number = {int(row['file_row_number'])}",
        )

    def _origin(self, contract: Contract, row: Mapping[str, Any], near: float) -> Origin:
        landing = Landing(self.workspace.folder("landing"))
        place = (self.product.name, row["_source"], row["_object"], row["_delivery"])
        found = Origin(row["_source"], row["_object"], row["_delivery"], missing="its key is no text to find it by")
        for wanted in wanted_fields(contract, row):
            try:
                found = find_origin(landing, *place, wanted, near=near)
            except CivicopsError as error:
                return Origin(row["_source"], row["_object"], row["_delivery"], missing=error.message)
            if not found.missing:
                break
        return found

    def _held_rows(self, con: duckdb.DuckDBPyConnection, contract: Contract, keys: Mapping[str, str]) -> list[Row]:
        folder = self.workspace.folder("quarantine") / self.product.name / contract.dataset
        paths = sorted(str(path) for path in folder.glob("*.parquet"))
        if not paths:
            return []
        needle = max(keys.values(), key=len)
        found = con.execute(
            f"SELECT * FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name = true) "
            f"WHERE contains(_raw, {literal(json.dumps(needle, ensure_ascii=False)[1:-1])}) ORDER BY _delivery DESC LIMIT 200"
        )
        names = [column[0] for column in found.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        now = fingerprint_of(contract, self.product.lookup_values(contract))
        # One row may have been held back again and again, under each version of the rules.
        rows.sort(key=lambda row: (row["_fingerprint"] == now, row["_run"]), reverse=True)
        once: dict[tuple[str, str], dict[str, Any]] = {}
        for row in rows:
            if _is_key(contract, row, keys):
                once.setdefault((row["_object"], row["_raw"]), row)
        return [self._held_row(contract, row, needle, now) for row in list(once.values())[:MOST]]

    def _held_row(self, contract: Contract, row: Mapping[str, Any], needle: str, now: str) -> Row:
        broke = set(row["_checks"] or ())
        raw: dict[str, str | None] = json.loads(row["_raw"])
        landing = Landing(self.workspace.folder("landing"))
        place = (self.product.name, row["_source"], row["_object"], row["_delivery"])
        unreadable = UNREADABLE in broke
        # A row that could not be split has no fields to compare; its own text is looked for.
        wanted = (
            {} if unreadable else {name: value for name, value in raw.items() if value and not name.startswith("_")}
        )
        try:
            origin = (
                Origin(*place[1:], raw=raw.get("text") or "", missing="it could not be split into fields")
                if unreadable
                else find_origin(landing, *place, {**dict(sorted(wanted.items())), **_first(wanted, needle)})
            )
        except CivicopsError as error:
            origin = Origin(*place[1:], missing=error.message)
        rules = [_rule(check, columns_of(contract, check), broke) for check in contract.row_checks if check.id in broke]
        if unreadable:
            rules.append(Rule(UNREADABLE, "The line can be split into fields.", "quarantine", (), broke=True))
        return Row(
            dataset=contract.id,
            values=raw,
            rules=tuple(rules),
            origin=origin,
            contract_version=row["_contract"],
            run=row["_run"],
            is_current=row["_fingerprint"] == now,
            error=row["_error"] or "",
        )

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
        if not rows or any(len(selects) >= MOST for selects in rows.values()):
            return (), "it was made of many rows"
        lookups = dict.fromkeys(item.name for item in upstream if item.kind == "lookup" and item.how in DIRECT)
        typed = {name: typed_literal(self.contract, name, value) for name, value in self.key.items()}
        warehouse = self.workspace.folder("warehouse") / f"{self.product.name}.duckdb"
        try:
            done = replay(
                self.product,
                self.models,
                {name: " UNION ALL ".join(selects) for name, selects in rows.items()},
                warehouse,
                model=self.contract.dataset,
                key=typed,
                column=self.column,
                lookups=[name for name in lookups if name != "boundary_sets"],
            )
        except ReplayError as error:
            return (), f"not tried: {error}"
        if equal(done.value, values[self.column]):
            return done.lines, "same"
        return done.lines, f"other: {done.value}"


def _age(contract: Contract, row: Mapping[str, Any]) -> tuple[Any, ...]:
    order = [row[name] for name in contract.latest_by]
    return (*((value is not None, str(value or "")) for value in order), row["_delivery"])


def _rule(check: Check, columns: tuple[str, ...], broke: set[str]) -> Rule:
    return Rule(check.id, check.description, check.action, columns, check.id in broke)


def _is_key(contract: Contract, row: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    raw = json.loads(row["_raw"])
    if UNREADABLE in (row["_checks"] or ()):
        return True
    return all(
        any(str(raw.get(name.strip().lower()) or "").strip() == value for name in contract.column(column).source_names)
        for column, value in keys.items()
    )


def _first(wanted: Mapping[str, str], needle: str) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value == needle}


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
