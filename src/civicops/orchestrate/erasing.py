"""Erasing a person's record everywhere it is, and proving it.

    the bytes     every landed object that holds it is written again without it (or with its personal fields emptied)
    what is made  the warehouse, old builds of pages and trials go; the product and all that read it are run anew
    releases      versions that hold it are withdrawn; a line says which, how many rows, and for which request
    what was said its texts in review tasks, decisions and incidents are overwritten with the request's name
    the proof     every file of the workspace is searched for the record's texts, packed ones unpacked

Belongs here: that order, and finding where a record is. Does not belong here: requests and their states
(`civicops.govern.erasure`), editing landed bytes (`civicops.ingest.redact`), searching (`civicops.govern.searching`).

Each step can be done twice, so a request that was killed is run again and goes on.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from civicops.audit import Event, open_log
from civicops.change.plan import FOLDER as PLANS
from civicops.checks.batches import UNREADABLE, BatchStore
from civicops.govern.erasure import FOLDER as REQUESTS
from civicops.govern.erasure import (
    Action,
    ErasureError,
    Request,
    Target,
    finished,
    new_request,
    save,
    stand,
    target_of,
)
from civicops.govern.searching import is_in, search
from civicops.ingest.declared import product_sources
from civicops.ingest.landing import Landing
from civicops.ingest.redact import count_records, redact, redactions
from civicops.ingest.values import Source
from civicops.lineage import graph_of
from civicops.lineage.trace import trace
from civicops.orchestrate.copies import outside, previews_of, remove_copies
from civicops.orchestrate.forgetting import forget
from civicops.orchestrate.locks import product_lock
from civicops.orchestrate.order import ordered
from civicops.orchestrate.planning import WORK
from civicops.orchestrate.running import run_product
from civicops.release.files import remove_folder
from civicops.release.sql import identifier, literal
from civicops.release.store import ReleaseStore
from civicops.release.withdrawn import note_withdrawn
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

SHORTEST = 5
"""Texts of the record that are shorter are not searched for: they would be found everywhere."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """One place where a record is: `count` records or rows. `what`: landed object, accepted rows, quarantine, release."""

    what: str
    name: str
    count: int
    path: Path


def propose(workspace: Workspace, dataset: str, key: str, action: Action, *, reason: str, by: str) -> Request:
    """File a request about one record of `product.dataset`; nothing is changed. `key` as `civicops trace` takes it.

    Raises `LineageError` for a record that is nowhere, `ErasureError` for one that cannot be erased here.
    """
    found = trace(workspace, dataset, key)
    product = workspace.product(dataset.partition(".")[0])
    targets: dict[str, Target] = {}
    needles: set[str] = set()
    # What lies behind a product's Python may be rows of several people and decisions about them: each is asked for by itself.
    for row in (*(row for row in found.accepted if not row.is_behind_code), *found.held):
        contract = product.contract(row.dataset.partition(".")[2])
        is_held = row in found.held
        values = tuple(found.key.values()) if is_held else tuple(str(row.values[name]) for name in contract.key)
        targets.setdefault(contract.dataset, target_of(product.name, contract, values))
        personal = {column.name for column in contract.columns if column.pii_class != "none"}
        needles |= {str(value) for name, value in row.values.items() if value and name in personal}
    if not targets:
        raise ErasureError(
            f"The record {key} of {dataset} was not read from a source of this product.",
            hint="Ask for it in the dataset that it comes from: civicops trace shows which.",
        )
    if action == "mask" and not any(target.personal for target in targets.values()):
        raise ErasureError(
            f"No column of {dataset} is marked as personal, so there is nothing to mask.", hint="Use --delete."
        )
    if action == "delete":
        needles |= set(found.key.values())
    if not any(len(text) >= SHORTEST for text in needles):
        raise ErasureError(
            f"No text of the record is longer than {SHORTEST - 1} letters, so that it could not be proved that it is gone.",
            hint="Take it out by a reviewed operation: docs/howto/dangerous-operations.md.",
        )
    return new_request(
        workspace, dataset, found.key, action, reason=reason, by=by, targets=tuple(targets.values()),
        needles=tuple(sorted(text for text in needles if len(text) >= SHORTEST)),
    )  # fmt: skip


def places(workspace: Workspace, request: Request) -> tuple[Place, ...]:
    """Everywhere the record of a request is that lineage knows of; empty once it is done. Changes nothing."""
    if request.state in ("done", "refused"):
        return ()
    found: list[Place] = []
    landing = Landing(workspace.folder("landing"))
    for target in request.targets:
        product = workspace.product(target.product)
        for source in _sources(workspace, target):
            counts = count_records(
                landing, product.name, source.name,
                partial(_is_meant, target), _needle(target),
            )  # fmt: skip
            found += [
                Place("landed object", f"{source.name} {sha[:12]}", count, landing.folder(product.name, source.name))
                for sha, count in counts.items()
            ]
        found += _rows(workspace, product, target)
    for product, dataset, columns in _released(workspace, request):
        found += _versions(workspace, product, dataset, columns)
    return tuple(found)


def carry_out(
    workspace: Workspace, request: Request, *, say: Say = lambda _text: None, remove_previews: bool = False
) -> Request:
    """Erase the record of an approved request everywhere and prove it; returns the request, `done` when nothing was left.

    What is still found in files that others gave stands in its proof. Raises what the runs raise, `ErasureError` for a request
    that nobody agreed to, for a preview that may not be removed, and one with the places where a text of the record is still
    found: the request is `running` then and can be run again.
    """
    if request.state == "done":
        return request
    if request.state not in ("approved", "running"):
        raise ErasureError(
            f"{request.id} is {request.state}; nobody has agreed to it.",
            hint=f"civicops erase approve {request.id} --by NAME",
        )
    lock = FileLock(workspace.folder(REQUESTS) / ".running.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ErasureError(
            "Another request is being carried out right now.", hint="Try again when it has ended."
        ) from error
    try:
        remove_copies(workspace, say, previews=remove_previews)
        return _carried_out(workspace, request, say)
    finally:
        lock.release()


def _carried_out(workspace: Workspace, request: Request, say: Say) -> Request:
    is_first = request.state == "approved"
    if is_first:  # counted once: after a kill some of it is gone already
        before = places(workspace, request)
        records = sum(place.count for place in before if place.what == "landed object")
        proof: dict[str, Any] = {"records": records, "places": len(before), "withdrawn": []}
        request = save(workspace, replace(request, state="running", proof=proof))
    products = ordered([workspace.product(name) for name in _reached(workspace, request)])
    landing, runs = Landing(workspace.folder("landing")), RunLog(workspace.folder("runs"))
    stand(workspace, request)
    for target in request.targets:
        with product_lock(runs, target.product, wait=60):
            for source in _sources(workspace, target):
                redact(
                    landing, target.product, source.name, partial(_is_meant, target),
                    request=request.id, needle=_needle(target), say=say,
                    emptied=target.personal if request.action == "mask" else (),
                )  # fmt: skip
            _forget_made(workspace, workspace.product(target.product), target)
    shutil.rmtree(workspace.folder(PLANS) / WORK, ignore_errors=True)
    for product in products:
        say(f"{product.name}: run anew")
        for path in workspace.folder("warehouse").glob(f"{product.name}.duckdb"):
            # Its free blocks may hold what no table holds any more. One that is made anew already stays.
            if is_first or is_in(path, request.needles):
                path.unlink()
        run_product(workspace, product.name, wait=60)
    withdrawn = _withdraw(workspace, request, say)
    for product in products:
        shutil.rmtree(workspace.folder("pages") / product.name, ignore_errors=True)
    for table, rows in forget(
        workspace, request.needles, mark=f"[erased: {request.id}]", who=request.decided_by
    ).items():
        say(f"{table}: {rows} rows overwritten")
    say("searching the workspace")
    left = tuple(search(workspace, request.needles))
    gone = [*request.proof["withdrawn"], *withdrawn]
    proof = {
        **request.proof, "withdrawn": gone, "searched": _searched(workspace), "left": [str(item) for item in left],
        "outside": outside(workspace, request.needles),
    }  # fmt: skip
    if left:
        save(workspace, replace(request, proof=proof))
        shown = "; ".join(str(item) for item in left[:5])
        raise ErasureError(
            f"The record is still found in {len(left)} places: {shown}.",
            hint=f"{'; '.join(one.way for one in previews_of(workspace)) or 'Mend those'}, then civicops erase run {request.id}",
        )
    done = finished(workspace, request, proof)
    content = {
        "request": done.id,
        "action": done.action,
        "dataset": done.dataset,
        "records": proof["records"],
        "left": 0,
    }
    open_log(workspace).append(Event("erasure", done.decided_by, done.dataset, content, key=f"erasure/{done.id}"))
    return done


def _is_meant(target: Target, fields: Mapping[str, str]) -> bool:
    return all(
        any(fields.get(name, "").strip() == value for name in names)
        for names, value in zip(target.keys, target.values, strict=True)
    )


def _needle(target: Target) -> bytes:
    """Bytes that every record of that key holds, however a CSV or JSON file writes its quotes, slashes and letters beyond ASCII:
    the longest part of it that all write alike. May be empty: then every record is looked at."""
    parts = (part for value in target.values for part in re.split(r"[^A-Za-z0-9_ .:@+-]", value))
    return max(parts, key=len).encode()


def _sources(workspace: Workspace, target: Target) -> Iterator[Source]:
    product = workspace.product(target.product)
    landed = set(Landing(workspace.folder("landing")).sources())
    for source in product_sources(workspace, product):
        if source.dataset == target.dataset and (product.name, source.name) in landed:
            yield source


def _rows(workspace: Workspace, product: Product, target: Target) -> Iterator[Place]:
    contract = product.contract(target.dataset)
    store = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    where = " AND ".join(
        f"CAST({identifier(name)} AS VARCHAR) = {literal(value)}"
        for name, value in zip(contract.key, target.values, strict=True)
    )
    with duckdb.connect() as con:
        for batch in store.batches(target.dataset):
            for path in store.rows(batch):
                if count := _count(con, path, where):
                    yield Place("accepted rows", f"{contract.id} batch {batch.id}", count, path)
        for path in sorted((store.quarantine / target.dataset).glob("*.parquet")):
            if count := _count(con, path, _held_where(target)):
                yield Place("quarantine", f"{contract.id} {path.stem}", count, path)


def _held_where(target: Target) -> str:
    """Rows held back in which the fields of the key hold its values; of a row that could not be split, its text does."""
    fields = " AND ".join(
        "("
        + " OR ".join(f"trim(json_extract_string(_raw, {literal(_path(name))})) = {literal(value)}" for name in names)
        + ")"
        for names, value in zip(target.keys, target.values, strict=True)
    )
    unreadable = " AND ".join(
        f"regexp_matches(_raw, {literal('(^|[^A-Za-z0-9])' + re.escape(value) + '($|[^A-Za-z0-9])')})"
        for value in target.values
    )
    return f"(({fields}) OR (list_contains(_checks, {literal(UNREADABLE)}) AND {unreadable}))"


def _path(field: str) -> str:
    """A field's name as a JSON path."""
    return '$."' + field.replace('"', '\\"') + '"'


def _count(con: duckdb.DuckDBPyConnection, path: Path, where: str) -> int:
    row = con.execute(f"SELECT count(*) FROM read_parquet({literal(str(path))}) WHERE {where}").fetchone()
    return int(row[0]) if row else 0


def _forget_made(workspace: Workspace, product: Product, target: Target) -> None:
    """Remove what a run makes anew from the landed bytes, and take the record out of what was held back."""
    store = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    landing = Landing(workspace.folder("landing"))
    edited = {
        line.old for source in _sources(workspace, target) for line in redactions(landing, product.name, source.name)
    }
    stale = [batch for batch in store.batches(target.dataset) if edited & {sha for sha, _ in batch.objects}]
    for batch in stale:
        shutil.rmtree(store.folder(target.dataset, batch.id))
    if stale:  # which of several versions counts was found among their rows too
        shutil.rmtree(workspace.folder("accepted") / product.name / target.dataset / "current", ignore_errors=True)
    with duckdb.connect() as con:
        for path in sorted((workspace.folder("quarantine") / product.name / target.dataset).glob("*.parquet")):
            if not _count(con, path, _held_where(target)):
                continue
            work = path.with_name(f".{path.name}")
            con.execute(
                f"COPY (SELECT * FROM read_parquet({literal(str(path))}) WHERE NOT ({_held_where(target)})) "
                f"TO {literal(str(work))} (FORMAT parquet, COMPRESSION zstd)"
            )
            work.replace(path)


def _reached(workspace: Workspace, request: Request) -> tuple[str, ...]:
    """The products the record was read by, and all that read them."""
    names = {target.product for target in request.targets}
    while True:
        more = {
            product.name
            for product in workspace.products
            if product.name not in names and any(read.partition(".")[0] in names for read in product.file.reads)
        }
        if not more:
            return tuple(sorted(names))
        names |= more


def _released(workspace: Workspace, request: Request) -> Iterator[tuple[Product, str, dict[str, str]]]:
    """Published datasets in which the key's columns stand under some name, by lineage, each with the values to look for."""
    graph = graph_of(workspace)
    wanted: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for target in request.targets:
        contract = workspace.product(target.product).contract(target.dataset)
        for column, value in zip(contract.key, target.values, strict=True):
            for item in graph.downstream(contract.id, column):
                if item.kind == "released" and item.how == "copied" and item.column:
                    wanted.setdefault((item.product, item.name), {}).setdefault(column, {})[item.column] = value
    for (name, dataset), by_key in sorted(wanted.items()):
        columns = {column: value for found in by_key.values() for column, value in found.items()}
        yield workspace.product(name), dataset, columns


def _versions(workspace: Workspace, product: Product, dataset: str, columns: dict[str, str]) -> Iterator[Place]:
    where = " AND ".join(f"CAST({identifier(name)} AS VARCHAR) = {literal(value)}" for name, value in columns.items())
    with duckdb.connect() as con:
        for release in ReleaseStore(workspace.folder("releases")).versions(product.name, dataset):
            if count := _count(con, release.data, where):
                yield Place("release", f"{product.name}.{dataset} {release.version}", count, release.path)


def _withdraw(workspace: Workspace, request: Request, say: Say) -> list[str]:
    """Remove every version that holds the record and is not current; with `mask` those whose personal columns may hold it too."""
    store = ReleaseStore(workspace.folder("releases"))
    gone: list[str] = []
    for product, dataset, columns in _released(workspace, request):
        with store.writing(product.name, wait=60):
            current = store.snapshot(product.name).get(dataset)
            for place in list(_versions(workspace, product, dataset, columns)):
                version = place.path.name
                if current is not None and version == current.version:
                    continue
                note_withdrawn(store, product.name, dataset, version, request=request.id, rows=place.count)
                remove_folder(place.path)
                gone.append(f"{product.name}.{dataset} {version}")
                say(f"withdrawn: {gone[-1]}")
    return gone


def _searched(workspace: Workspace) -> int:
    return sum(1 for path in workspace.data.rglob("*") if path.is_file())
