"""The releases that a page may read: a product's own and those of other products that it says it reads.

Belongs here: choosing them, and asking them in SQL. Does not belong here: finding releases on the disk
(`civicops.release.store`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.marks import Mark
from civicops.release.sql import identifier, literal
from civicops.release.store import ReleaseStore
from civicops.release.values import Release
from civicops.workspace import Product, Workspace


@dataclass(frozen=True)
class Releases(Mapping[str, Release]):
    """Current releases by dataset, all of a product read at one moment, so that they belong together.

    The product's own stand under their name (`releases["requests"]`), those of another product, named in `reads` of
    `product.yaml`, under both (`releases["people.teams"]`). A dataset without a release is absent.
    """

    workspace: Workspace
    product: Product
    found: Mapping[str, Release]
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """What people ticked off on this page, by the key of the row (`civicops.marks.key_text`); for pages that have `marks`."""
    closed: tuple[str, ...] = ()
    """Datasets that are kept from the page because no ethics review allows them to be public, although their contract says so."""

    def __getitem__(self, dataset: str) -> Release:
        return self.found[dataset]

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    @property
    def versions(self) -> dict[str, str]:
        """Dataset to version, sorted by dataset."""
        return {name: release.version for name, release in sorted(self.found.items())}

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection in which each release is a view under its name (`requests`, `people.teams`), times in UTC."""
        engine = self.workspace.settings.engine
        with open_engine(engine.threads, engine.memory_limit, self.workspace.folder("tmp")) as con:
            for name, release in self.found.items():
                schema, _, table = name.rpartition(".")
                if schema:
                    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
                place = f"{identifier(schema)}.{identifier(table)}" if schema else identifier(table)
                con.execute(f"CREATE VIEW {place} AS FROM read_parquet({literal(str(release.data))})")
            yield con

    def table(self, sql: str) -> pa.Table:
        """The answer to one query, as an Arrow table; what an `altair.Chart` takes."""
        with self.connect() as con:
            return con.execute(sql).fetch_arrow_table()


def open_engine(threads: int, memory_limit: str, temp: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An engine of one's own that uses so much of the machine and thinks in UTC. `memory_limit` such as '512MB'.

    `temp`: where it may put what does not fit into memory; without one, such a question fails.
    """
    config: dict[str, Any] = {
        "threads": threads,
        "memory_limit": memory_limit,
        "temp_directory": str(temp) if temp else "",
    }
    con = duckdb.connect(config=config)
    # For all connections to come: a cursor would otherwise think in the zone of the machine.
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    return con


def readable_releases(workspace: Workspace, product: Product, *, restricted: bool = False) -> Releases:
    """What a page of `product` is given: public datasets, and restricted ones only if asked for.

    A release says itself who may read it, and the contract whether that is still so: the stricter counts. One whose description
    or contract cannot be read is left out.
    """
    store = ReleaseStore(workspace.folder("releases"))
    allowed = {"public", "restricted"} if restricted else {"public"}
    contracts: dict[str, Contract | None] = {contract.dataset: contract for contract in product.published}
    there = dict(store.snapshot(product.name))
    for name in (*product.file.reads, *product.file.shows):
        other, _, dataset = name.partition(".")
        if (release := store.snapshot(other).get(dataset)) is not None:
            try:
                contracts[name] = _contract(workspace, other, dataset)
            except CivicopsError:
                continue
            there[name] = release
    now = {name: one.access for name, one in contracts.items() if one is not None}
    found = {name: one for name, one in there.items() if {access(one), now.get(name, "public")} <= allowed}
    closed = [name for name, one in contracts.items() if one is not None and one.restricted_because]
    return Releases(
        workspace, product, found, closed=tuple(sorted(name for name in closed if name in there and name not in found))
    )


def _contract(workspace: Workspace, product: str, dataset: str) -> Contract | None:
    """The contract of a dataset of another product; none where there is none any more, so that the release alone says who may
    read it. Raises `CivicopsError` where the files of the product have faults."""
    if not (workspace.products_folder / product / "product.yaml").is_file():
        return None
    published = replace(workspace).product(product).published  # which products there are is looked up anew
    return next((one for one in published if one.dataset == dataset), None)


def access(release: Release) -> str:
    """Who may read a release, in the words of its contract; `internal`, so nobody, when that cannot be read."""
    try:
        return str(release.package()["civicops"]["access"])
    except (OSError, ValueError, KeyError, TypeError):
        return "internal"
