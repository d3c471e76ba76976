"""Doing a dangerous operation beside the real workspace, and comparing what came of it.

    propose    a file in `changes/operations`, with who may agree to it
    stage      the product and all that read it run in `operations/<id>`, on data shared with the real workspace
    compare    every release row by row, where the landed rows went, sums; kept beside the file, its hash in the file

Belongs here: those three. Does not belong here: agreeing to it and switching (`completing`), the file
(`civicops.change.operations`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from pydantic import ValidationError

from civicops.change.comparing import Compared, Rows, RowsMoved, Sum, keep
from civicops.change.grade_columns import personal
from civicops.change.operations import FOLDER, Operation, OperationError, folder_of, free_id, write_operation
from civicops.change.plan import World
from civicops.change.previews import remove_folder, share
from civicops.change.states import Repository
from civicops.checks.sql import parquet, quote
from civicops.checks.suppressed import FOLDER as SUPPRESSED
from civicops.checks.suppressed import Suppression
from civicops.contracts import Contract
from civicops.contracts.problems import nearest
from civicops.ingest.declared import product_sources
from civicops.ingest.fetch import fetch_all
from civicops.ingest.landing import Landing
from civicops.ingest.values import FileSource, SocrataSource, Source, UrlSource
from civicops.orchestrate import steps
from civicops.orchestrate.auditing import log_operation
from civicops.orchestrate.context import engine
from civicops.orchestrate.effects import release_effect
from civicops.orchestrate.rekeying import rekeyed
from civicops.orchestrate.sensible import makes_sense
from civicops.orchestrate.trial import trial_folder, trial_run, with_data
from civicops.orchestrate.world import with_readers, world
from civicops.release.store import ReleaseStore
from civicops.release.together import recover_together
from civicops.release.values import Release
from civicops.runs import RunLog, write_json
from civicops.workspace import Product, Workspace

DATA, NOTE = "data", "stage.json"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Staged:
    """What lies in `operations/<id>`: the trial, and what it was made from."""

    trial: Workspace
    world: World
    landed_after: dict[str, str]
    deed: str


def propose(
    workspace: Workspace, kind: str, product: str, *, by: str, reason: str, reviewers: Sequence[str] = (), name: str = "",
    **fields: Any,
) -> Operation:  # fmt: skip
    """A new operation, written into its file. Raises `OperationError` for what makes no sense, `OSError`."""
    about = workspace.product(product)
    affected = with_readers(workspace.products, [product])
    owners = [
        owner for one in affected for owner in (one.file.owner, one.file.backup, *(c.owner for c in one.contracts))
    ]
    known = tuple(dict.fromkeys(reviewers or [one for one in owners if one and one != "nobody"]))
    if not [one for one in known if one != by]:
        hint = "Name somebody with --reviewer; they should answer for the product or for what reads it."
        raise OperationError(f"Nobody but {by} could agree to it.", hint=hint)
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        made = Operation.model_validate({
            "id": name or free_id(workspace, kind, product, now.date()), "kind": kind, "product": product, "reason": reason,
            "proposed_by": by, "reviewers": known, "history": [{"state": "proposed", "at": now, "by": by}], **fields,
        })  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        words = f"{where}: {first['msg']}".removeprefix(": ").replace("Value error, ", "")
        raise OperationError(f"It cannot be proposed so: {words}.", hint="civicops operation new --help") from error
    if (folder_of(workspace) / f"{made.id}.yaml").exists():
        raise OperationError(f"There is an operation {made.id} already.", hint=f"civicops operation show {made.id}")
    makes_sense(workspace, about, made)
    if made.sources:
        _sources(workspace, about, made)
    write_operation(workspace, made)
    log_operation(workspace, made)
    return made


def _sources(workspace: Workspace, product: Product, operation: Operation) -> tuple[Source, ...]:
    """The sources a backfill reads again. Raises `OperationError` for one that there is not, or that cannot be read again."""
    every = {source.name: source for source in product_sources(workspace, product)}
    for name in operation.sources:
        if name not in every:
            raise OperationError(f"{product.name} has no source '{name}'.", hint=f"{nearest(name, every)}.")
        if not isinstance(every[name], FileSource | SocrataSource | UrlSource):
            kind = type(every[name]).__name__.removesuffix("Source").lower()
            text = f"Source '{name}' ({kind}) cannot be read again: what it said then it does not say now."
            raise OperationError(text, hint="A replay builds everything anew from what has landed.")
    return tuple(every[name] for name in operation.sources)


def stage(workspace: Workspace, operation: Operation, *, by: str, say: Say = lambda _text: None) -> Operation:
    """Do it beside the real workspace, which is only read; the operation as staged, written into its file.

    Raises `OperationError` when it cannot be staged now, what the steps of a run raise, and `OSError`; nothing is kept then.
    """
    staged = operation.moved("staged", by).changed(comparison="")
    product = workspace.product(operation.product)
    makes_sense(workspace, product, operation)
    recover_together(ReleaseStore(workspace.folder("releases")), wait=30)
    final = room(workspace, operation)
    work = final.with_name(f".{operation.id}.work")
    products = with_readers(workspace.products, [product.name])
    before = world_now(workspace, operation, products)
    lock = _only_one(final)
    try:
        remove_folder(work)  # what a killed staging left
        trial = trial_folder(workspace, work / DATA)
        landings = dict.fromkeys((one.name for one in products), workspace.folder("landing"))
        suppressing: tuple[Suppression, ...] = ()
        match operation.kind:
            case "replay":
                for shared in ("accepted", "quarantine"):
                    remove_folder(trial.folder(shared) / product.name)
            case "backfill":
                landings[product.name] = trial.folder("landing")
                _fetch(workspace, trial, product, operation, say)
            case "delete":
                suppressing = (suppression(operation),)
        for one in products:
            say(f"{one.name}: check, build and gate in {final}")
            _run(trial, landings[one.name], one, operation, suppressing if one.name == product.name else ())
        if world_now(workspace, operation, products) != before:
            hint = f"civicops operation stage {operation.id}"
            raise OperationError("The world moved while it was staged: a run published, or files changed.", hint=hint)
        after = before.landed
        if operation.kind == "backfill":
            after = after | {product.name: _landed(workspace, trial, product)}
        note = {"world": before.model_dump(mode="json"), "landed_after": after, "deed": operation.deed}
        write_json(work / NOTE, note)
        remove_folder(final)
        work.rename(final)
    finally:
        remove_folder(work)
        lock.release()
    write_operation(workspace, staged)
    log_operation(workspace, staged)
    return staged


def _only_one(final: Path) -> FileLock:
    """Hold the staging of one operation; the lock goes when the process does. Raises `OperationError` while another stages it."""
    final.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(final.with_name(f".{final.name}.lock"), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OperationError(f"{final.name} is being staged by another process.", hint="Wait for it to end.") from error
    return lock


def _fetch(workspace: Workspace, trial: Workspace, product: Product, operation: Operation, say: Say) -> None:
    """Read the sources again as a whole, into a landing zone that shares what has landed."""
    share(workspace.folder("landing") / product.name, trial.folder("landing") / product.name)
    sources = _sources(workspace, product, operation)
    say(f"{product.name}: read {', '.join(operation.sources)} again as a whole")
    results = fetch_all(sources, Landing(trial.folder("landing")), product.name, full=True, workspace=workspace)
    for name, result in results.items():
        if any(delivery.is_stopped for delivery in result.live):
            words = "; ".join(f.message for d in result.live for f in d.findings if f.severity == "stop")
            raise OperationError(f"{name}: {words}", hint=f"civicops operation stage {operation.id} reads it again.")


def _landed(workspace: Workspace, trial: Workspace, product: Product) -> str:
    return world(with_data(workspace, trial.data), Repository(workspace).now(), [product]).landed[product.name]


def _run(
    trial: Workspace, landing: Path, product: Product, operation: Operation, suppressing: tuple[Suppression, ...]
) -> None:
    with trial_run(trial, landing, product, suppressing=suppressing) as run:
        run.record = replace(run.record, trigger=f"operation {operation.id}")
        accepted = tuple(steps.check(run, contract) for contract in product.accepted)
        steps.build(run, accepted)
        steps.publish_all(run, steps.gate(run, accepted))
        run.runs.end(run.record, "succeeded")


def suppression(operation: Operation) -> Suppression:
    """What a delete leaves in its product's `suppressed/` folder."""
    return Suppression(
        operation=operation.id, dataset=operation.dataset, condition=operation.condition, reason=operation.reason
    )


def room(workspace: Workspace, operation: Operation) -> Path:
    """Where it is staged."""
    return workspace.folder(FOLDER) / operation.id


def staged_of(workspace: Workspace, operation: Operation) -> Staged:
    """What was staged last. Raises `OperationError` when nothing is there, or it was of another text of the operation."""
    folder, hint = room(workspace, operation), f"civicops operation stage {operation.id}"
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        found = Staged(
            with_data(workspace, folder / DATA),
            World.model_validate(note["world"]),
            note["landed_after"],
            note["deed"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise OperationError(f"Nothing of {operation.id} is staged here.", hint=hint) from error
    if found.deed != operation.deed:
        raise OperationError(f"{operation.id}.yaml says something else than when it was staged.", hint=hint)
    return found


def world_now(workspace: Workspace, operation: Operation, products: list[Product]) -> World:
    """What the operation depends on, as it is now; the file it leaves in its product itself does not count."""
    state = Repository(workspace).now()
    own = {f"{SUPPRESSED}/{operation.id}.yaml", f"{SUPPRESSED}/.{operation.id}.yaml"}
    mine = {path: sha for path, sha in state.files[operation.product].items() if path not in own}
    files = {**state.files, operation.product: mine}
    return world(workspace, replace(state, files=files), products)


def same_world(
    workspace: Workspace, operation: Operation, staged: Staged, *, landed_too: bool = False
) -> list[Product]:
    """The products it is about, if everything is as it was when it was staged.

    `landed_too`: what a killed completion of it has landed already does not count as a move. Raises `OperationError`.
    """
    products = with_readers(workspace.products, [operation.product])
    now, then = world_now(workspace, operation, products), staged.world
    moved = ["files of the products"] if now.head != then.head else []
    moved += ["civicops itself"] if now.code != then.code else []
    for name in sorted({*now.landed, *then.landed}):
        known = {then.landed.get(name), staged.landed_after.get(name) if landed_too else None}
        moved += [f"what has landed of {name}"] if now.landed.get(name) not in known else []
        moved += [f"the current releases of {name}"] if now.releases.get(name) != then.releases.get(name) else []
    if moved:
        raise OperationError(
            f"{operation.id} was staged on another world: {', '.join(moved)} changed since.",
            hint=f"Nothing was changed. civicops operation stage {operation.id} does it again on what is there now.",
        )
    return products


def compare_operation(workspace: Workspace, operation: Operation) -> tuple[Operation, Compared, Path]:
    """Hold what was staged against what is current: the operation with the comparison's hash, the comparison, its Markdown.

    Raises `OperationError` when nothing is staged or the world has moved since, `MappingError`.
    """
    if operation.state != "staged":
        hint = f"civicops operation stage {operation.id}" if operation.state in ("proposed", "validated") else ""
        raise OperationError(f"{operation.id} is {operation.state}; what is staged is compared.", hint=hint)
    staged = staged_of(workspace, operation)
    products = same_world(workspace, operation, staged)
    temp = staged.trial.folder("tmp") / "compare"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir(parents=True)
    con = engine(workspace, temp)
    try:
        found = _compared(workspace, operation, staged, products, con, temp)
    except duckdb.Error as error:
        text = f"{operation.id} cannot be compared: {str(error).splitlines()[0]}"
        raise OperationError(text, hint="Mend `within` or the contract, and stage it again.") from error
    finally:
        con.close()
        shutil.rmtree(temp, ignore_errors=True)
    sha256, page = keep(workspace, found, operation)
    named = operation.changed(comparison=sha256)
    write_operation(workspace, named)
    return named, found, page


def _compared(
    workspace: Workspace, operation: Operation, staged: Staged, products: list[Product], con: duckdb.DuckDBPyConnection,
    temp: Path,
) -> Compared:  # fmt: skip
    real, theirs = ReleaseStore(workspace.folder("releases")), ReleaseStore(staged.trial.folder("releases"))
    bounds = {one.dataset: one for one in operation.expected}
    effects, outside, sums = [], {}, []
    problems: list[str] = []
    notes: list[str] = []
    for product in products:
        for contract in product.published:
            current, new = real.current(product.name, contract.dataset), theirs.find(product.name, contract.dataset)
            if operation.kind == "rekey" and contract.id == f"{operation.product}.{operation.dataset}" and current:
                mapping = folder_of(workspace) / operation.mapping
                found = rekeyed(con, operation, contract, current, new, mapping, temp / "rekeyed")
                problems += found.problems
                notes += found.notes
                current = found.release
                if ", ".join(contract.key) != operation.becomes:
                    problems.append(f"the key of {contract.id} is {', '.join(contract.key)}, not {operation.becomes}")
            effect, _ = release_effect(con, contract, current, new)
            effects.append(effect)
            expected = bounds.get(contract.id)
            if current is None or effect.is_same:
                continue
            if expected and expected.within:
                outside[contract.id] = _outside(con, current, new, expected.within)
            sums += _sums(con, contract, current, new)
        if operation.kind == "retention" and product.name == operation.product:
            kept = product.contract(operation.dataset).retention or "no end"
            if kept != operation.becomes:
                problems.append(
                    f"the contract keeps {product.name}.{operation.dataset} for {kept}, not {operation.becomes}"
                )
    return Compared(
        operation=operation.id,
        operation_sha256=operation.digest,
        world=staged.world,
        landed_after=staged.landed_after,
        releases=tuple(effects),
        accepted=tuple(_rows_moved(workspace, staged.trial, products)),
        sums=tuple(sums),
        outside=outside,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _outside(con: duckdb.DuckDBPyConnection, current: Release, new: Release, within: str) -> int:
    """How many rows, as whole rows over the columns of both sides, came or went outside of a condition."""
    sides = []
    names = [[row[0] for row in con.execute(f"DESCRIBE FROM {parquet([r.data])}").fetchall()] for r in (current, new)]
    both = ", ".join(quote(name) for name in names[0] if name in names[1])
    for release in (current, new):
        sides.append(f"SELECT {both} FROM {parquet([release.data])} WHERE NOT coalesce(({within}), FALSE)")
    gone, came = (f"SELECT count(*) FROM ({sides[a]} EXCEPT ALL {sides[b]})" for a, b in ((0, 1), (1, 0)))
    row = con.execute(f"SELECT ({gone}) + ({came})").fetchone()
    return int(row[0]) if row else 0


def _sums(con: duckdb.DuckDBPyConnection, contract: Contract, current: Release, new: Release) -> list[Sum]:
    """Sums of the columns of numbers that differ; of none that says something about a person."""
    found = []
    have = {row[0] for row in con.execute(f"DESCRIBE FROM {parquet([current.data])}").fetchall()}
    for column in contract.columns:
        if column.logical_type not in ("integer", "number") or personal(column) or column.name not in have:
            continue
        query = f"SELECT CAST(round(sum({quote(column.name)}), 3) AS VARCHAR) FROM "
        was, now = ((con.execute(query + parquet([one.data])).fetchone() or (None,))[0] for one in (current, new))
        if was != now:
            found.append(Sum(dataset=contract.id, column=column.name, before=was or "none", after=now or "none"))
    return found


def _rows_moved(workspace: Workspace, trial: Workspace, products: Iterable[Product]) -> Iterable[RowsMoved]:
    real, theirs = RunLog(workspace.folder("runs")), RunLog(trial.folder("runs"))
    for product in products:
        last, made = real.last_success(product.name), theirs.last_success(product.name)
        before = _rows(last.datasets if last else ())
        for name, rows in _rows(made.datasets if made else ()).items():
            yield RowsMoved(dataset=f"{product.name}.{name}", before=before.get(name), after=rows)


def _rows(notes: Sequence[Any]) -> dict[str, Rows]:
    names = ("rows_in", "accepted", "quarantined", "ignored")
    return {one["dataset"]: Rows(**{name: one[name] for name in names}) for one in notes if one["layer"] == "accepted"}
