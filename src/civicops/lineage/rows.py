"""Rows that were checked, accepted or held back: found by a condition, and traced to where they stand in what landed.

Belongs here: one dataset at a time. Does not belong here: which rows a released value is made of (`trace`, `made`), reading the
landed bytes (`origin`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from civicops.checks.batches import UNREADABLE, Batch, BatchStore, fingerprint_of
from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.contracts.model import Check
from civicops.errors import CivicopsError
from civicops.ingest.landing import Landing
from civicops.lineage.asked import rows_where
from civicops.lineage.checked import columns_of
from civicops.lineage.origin import Origin, find_origin, wanted_fields
from civicops.lineage.traced import Row, Rule
from civicops.lineage.values import DIRECT, Related
from civicops.release.sql import identifier, literal
from civicops.workspace import Product, Workspace

MOST = 10
"""Rows of one kind that are shown."""


@dataclass
class RowFinder:
    """Finds rows of a product's accepted datasets. `about`: the column of `dataset` that is asked about; its rules are shown."""

    workspace: Workspace
    product: Product
    dataset: str
    about: str | None

    def accepted(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        where: str,
        upstream: Sequence[Related],
        *,
        once: bool = False,
    ) -> list[Row]:
        """The accepted rows for which the SQL condition `where` is true, the newest first. With `once` a row that was delivered
        again as it was is given only where it stood last. Raises `duckdb.Error` for a condition that cannot be asked."""
        store = BatchStore(self.workspace.folder("accepted"), self.workspace.folder("quarantine"), self.product.name)
        batches = {str(path): batch for batch in store.batches(contract.dataset) for path in store.rows(batch)}
        if not batches:
            return []
        listed = ", ".join(map(literal, batches))
        files = f"read_parquet([{listed}], union_by_name = true, filename = '_file', file_row_number = true)"
        rows = rows_where(con, files, where)
        rows.sort(key=lambda row: _age(contract, row), reverse=True)
        if once:
            seen: dict[str, dict[str, Any]] = {}
            for row in rows:
                seen.setdefault(repr([row[name] for name in contract.column_names]), row)
            rows = list(seen.values())
        direct = {
            item.column
            for item in upstream
            if item.kind == "accepted" and item.name == contract.dataset and item.how in DIRECT
        }
        flagged = {check_id for row in rows for check_id in row["_flags"] or ()}
        whole = self.about is None or self.dataset == contract.dataset
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

    def held(self, con: duckdb.DuckDBPyConnection, contract: Contract, keys: Mapping[str, str]) -> list[Row]:
        """The rows that were held back and have that key, as far as their raw fields say it."""
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
