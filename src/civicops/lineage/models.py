"""The lineage of a product's models, from the SQL that dbt sends to the engine.

Belongs here: what a product's SQL may read, compiling its models, following each in the order they build on each other, and
keeping what came of it by a hash of the files it was made from. Does not belong here: following one statement (`sql`),
everything that is no model (`describe`).
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from civicops.lineage.sql import query_lineage, tables_read
from civicops.lineage.steps import AREA, ORIGIN
from civicops.lineage.values import How, LineageError, QueryLineage
from civicops.workspace import Product, Workspace

FORMAT = 3
"""Raised whenever the same SQL would give another lineage."""


@dataclass(frozen=True)
class ModelLineage:
    """One model: its SQL as it is run, and what it is made of."""

    name: str
    sql: str
    query: QueryLineage


def models_of(
    workspace: Workspace,
    product: Product,
    *,
    cache: Path | None = None,
    compiled: Mapping[str, str] | None = None,
    compile_now: bool = True,
) -> dict[str, ModelLineage]:
    """The models of one product by name, each after those it reads.

    Kept in `cache` (the workspace's `lineage` folder by default) under a hash of everything it depends on, so that only a
    change costs the seconds that dbt takes. `compiled` is the SQL of a build that just went through; without `compile_now`
    dbt is not asked. Raises `TransformError` for models that dbt cannot read, `LineageError` naming a model that cannot be
    followed.
    """
    if not any(product.models.glob("**/*.sql")):
        return {}
    readable = tables_of(workspace, product)
    folder = cache or workspace.folder("lineage")
    path = folder / f"{product.name}-{_hash(product, readable)}.json"
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if compiled is None and not compile_now:
        raise LineageError(
            f"The models of '{product.name}' were changed and not followed yet.",
            hint="Its next run does it, or civicops lineage.",
        )
    if compiled is None:
        from civicops.transform import compiled_models  # noqa: PLC0415 - only where something changed

        with tempfile.TemporaryDirectory(prefix="civicops-lineage-") as scratch:
            compiled = compiled_models(
                product.name,
                product.models,
                Path(scratch),
                lookups=product.lookups,
                releases=[name.replace(".", "__", 1) for name in product.file.reads],
                contracts=product.contracts,
            )
    found = _followed(product, compiled, readable)
    _keep(path, found)
    return found


def tables_of(workspace: Workspace, product: Product) -> dict[str, tuple[str, ...]]:
    """The columns of every table that the product's SQL may read, by name without catalogue; its models not among them."""
    found: dict[str, tuple[str, ...]] = {}
    for contract in product.accepted:
        found[f"accepted.{contract.dataset}"] = (*contract.column_names, *ORIGIN)
    for name, path in product.lookups.items():
        found[f"lookup.{name}"] = lookup_header(path)
    for name in product.file.reads:
        owner, _, dataset = name.partition(".")
        if owner in workspace.product_names:
            found[f"release.{owner}__{dataset}"] = workspace.product(owner).contract(dataset).offered_names
    if (product.folder / "prepared.py").is_file():
        # Only here: the room of models brings geometry and Arrow, a quarter of the time that a trace takes.
        from civicops.transform.prepared import find_prepared  # noqa: PLC0415

        made = find_prepared(product.folder)
        found |= {f"prepared.{name}": tuple(schema.names) for name, schema in (made.tables if made else {}).items()}
    if "boundary_sets" in product.lookups:
        found["geo.area"] = tuple(AREA)
    return {name.lower(): columns for name, columns in found.items()}


def lookup_header(path: Path) -> tuple[str, ...]:
    """The columns of a lookup table."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return tuple(name.strip().lower() for name in next(csv.reader(stream), ()))


def _followed(
    product: Product, compiled: Mapping[str, str], readable: Mapping[str, Sequence[str]]
) -> dict[str, ModelLineage]:
    tables = dict(readable)
    found: dict[str, ModelLineage] = {}
    for name in _in_order(product, compiled):
        try:
            query = query_lineage(compiled[name], tables)
        except LineageError as error:
            where = product.models / f"{name}.sql"
            raise LineageError(f"Model '{name}' {error.message} ({where})", hint=error.hint) from error
        found[name] = ModelLineage(name, compiled[name], query)
        tables[f"main.{name}"] = tuple(query.columns)
    return found


def _in_order(product: Product, compiled: Mapping[str, str]) -> list[str]:
    """The models, each after those it reads."""
    reads = {}
    for name, sql in compiled.items():
        try:
            named = tables_read(sql)
        except LineageError as error:
            where = product.models / f"{name}.sql"
            raise LineageError(f"Model '{name}' {error.message} ({where})", hint=error.hint) from error
        reads[name] = {table.removeprefix("main.") for table in named if table.startswith("main.")} & set(compiled)
    order: list[str] = []
    waiting = sorted(compiled)
    while waiting:
        ready = [name for name in waiting if reads[name] <= set(order)]
        if not ready:  # dbt refuses circles before this
            raise LineageError(f"Models read each other in a circle: {', '.join(waiting)}.", hint="Break the circle.")
        order += ready
        waiting = [name for name in waiting if name not in ready]
    return order


def _hash(product: Product, readable: Mapping[str, Sequence[str]]) -> str:
    """A hash over all that decides the compiled SQL and how it is followed."""
    digest = hashlib.sha256(_code_hash().encode())
    digest.update(
        json.dumps([product.name, sorted((name, list(columns)) for name, columns in readable.items())]).encode()
    )
    for path in sorted([*product.models.glob("**/*.sql"), *product.models.glob("**/*.yml")]):
        digest.update(str(path.relative_to(product.models)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


@lru_cache
def _code_hash() -> str:
    digest = hashlib.sha256(str(FORMAT).encode())
    for resource in sorted((files("civicops") / "transform" / "macros").iterdir(), key=lambda item: item.name):
        if resource.name.endswith(".sql"):
            digest.update(resource.name.encode() + b"\0" + resource.read_bytes() + b"\0")
    for name in ("sql.py", "steps.py", "models.py", "values.py"):
        digest.update((files("civicops.lineage") / name).read_bytes() + b"\0")
    return digest.hexdigest()


def _keep(path: Path, found: Mapping[str, ModelLineage]) -> None:
    """Write the file whole or not at all; older ones of the product are removed, all but the newest four."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(_to_json(found)), encoding="utf-8")
    draft.replace(path)
    product = path.name.rpartition("-")[0]
    kept = sorted(path.parent.glob(f"{product}-{'?' * 20}.json"), key=lambda item: item.stat().st_mtime, reverse=True)
    for old in kept[4:]:
        old.unlink(missing_ok=True)


def _to_json(found: Mapping[str, ModelLineage]) -> list[dict[str, Any]]:
    return [
        {
            "name": model.name,
            "sql": model.sql,
            "columns": {name: [[*item, how] for item, how in of.items()] for name, of in model.query.columns.items()},
            "rows": [[*item, how] for item, how in model.query.rows.items()],
        }
        for model in found.values()
    ]


def _from_json(content: Sequence[Mapping[str, Any]]) -> dict[str, ModelLineage]:
    def inputs(listed: Sequence[Sequence[Any]]) -> dict[tuple[str, str | None], How]:
        return {(str(table), column): cast("How", how) for table, column, how in listed}

    return {
        item["name"]: ModelLineage(
            item["name"],
            item["sql"],
            QueryLineage({name: inputs(of) for name, of in item["columns"].items()}, inputs(item["rows"])),
        )
        for item in content
    }
