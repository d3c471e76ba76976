"""Agreeing to a dangerous operation that was staged and compared, and switching it in.

    validate    somebody else agrees, bound to the hash of the comparison; only within what was expected, on an unmoved world
    complete    what it leaves (landed bytes, a suppression), its rows, all releases in one journalled switch, the records
    cancel      it will not be done; what was staged goes

Belongs here: those three. Does not belong here: making what is switched in (`operating`).

Completing is safe to kill and to repeat. What it leaves comes before the switch: a run in between makes the same releases.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from civicops.change.applied import OPERATION, UNDONE, switched
from civicops.change.comparing import kept, unexpected
from civicops.change.operations import Operation, OperationError, write_operation, write_text
from civicops.change.previews import remove_folder
from civicops.checks.batches import BatchStore
from civicops.checks.suppressed import FOLDER as SUPPRESSED
from civicops.ingest.landing import Landing
from civicops.orchestrate.applying import (
    keep_records,
    share_file,
    switch_trial,
    take_rows,
    wrong_data,
)
from civicops.orchestrate.auditing import after_switch, log_operation
from civicops.orchestrate.locks import product_lock
from civicops.orchestrate.operating import Staged, room, same_world, staged_of, suppression
from civicops.release.store import ReleaseStore
from civicops.release.together import recover_together
from civicops.release.values import Switch
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Completed:
    """What was done. `files`: what it left in the repository, to be committed."""

    operation: Operation
    switches: dict[str, Switch]
    files: tuple[Path, ...]


def validate(workspace: Workspace, operation: Operation, *, by: str) -> Operation:
    """Agree to what was compared. Raises `OperationError` in words when this person may not, or there is a reason not to."""
    _agreeable(workspace, operation, "validated", by)
    agreed = operation.moved("validated", by, comparison=operation.comparison)
    write_operation(workspace, agreed)
    log_operation(workspace, agreed)
    return agreed


def complete(workspace: Workspace, operation: Operation, *, by: str) -> Completed:
    """Switch all releases that it changes in together, and leave what later runs need to make the same.

    Raises `OperationError` when it is not validated or the world has moved since it was staged, and what locks and the disk
    raise; no release has changed then. A completion that was killed is finished by doing it again.
    """
    store = ReleaseStore(workspace.folder("releases"))
    recover_together(store, wait=_WAIT_SECONDS)
    done = operation.moved("complete", by, comparison=operation.comparison)
    if operation.history[-1].comparison != operation.comparison:
        raise OperationError(
            f"{operation.id} was validated on another comparison.", hint=f"civicops operation stage {operation.id}"
        )
    reason = f"{OPERATION}{operation.id}"
    before = _switched(store, operation)
    if before:  # killed after the switch: only the records are left to keep
        written = _leave(workspace, operation, None)
        return _recorded(workspace, done, before, written)
    runs = RunLog(workspace.folder("runs"))
    staged, products = _agreeable(workspace, operation, "complete", by)
    with ExitStack() as stack:
        for name in sorted(product.name for product in products):
            stack.enter_context(product_lock(runs, name, wait=_WAIT_SECONDS))
        same_world(workspace, operation, staged, landed_too=True)
        written = _leave(workspace, operation, staged)
        if operation.kind == "replay":
            _replace_rows(workspace, staged.trial, workspace.product(operation.product))
        switches = switch_trial(workspace, staged.trial, products, reason)
        keep_records(workspace, staged.trial, products, switches, reason)
    return _recorded(workspace, done, switches, written)


def cancel(workspace: Workspace, operation: Operation, *, by: str, reason: str) -> Operation:
    """Say that it will not be done, and why; what was staged is removed, and what a killed completion left in the product.

    Raises `OperationError` for one that has ended, or whose releases are switched in already.
    """
    ended = operation.moved("cancelled", by, reason=reason)
    store = ReleaseStore(workspace.folder("releases"))
    recover_together(store, wait=_WAIT_SECONDS)
    if _switched(store, operation):
        hint = f"civicops operation complete {operation.id} finishes it; civicops rollback undoes it then."
        raise OperationError(f"The releases of {operation.id} are switched in already.", hint=hint)
    _suppression_file(workspace, operation).unlink(missing_ok=True)
    write_operation(workspace, ended)
    log_operation(workspace, ended)
    remove_folder(room(workspace, operation))
    return ended


def _agreeable(workspace: Workspace, operation: Operation, state: str, by: str) -> tuple[Staged, list[Product]]:
    """What is staged and the products it is about, if nothing speaks against going to that state."""
    if state == "validated":
        # First the words about who and when: nothing else matters where those are wrong.
        operation.moved("validated", by, comparison=operation.comparison or "none yet")
    compared = kept(workspace, operation)
    staged = staged_of(workspace, operation)
    products = same_world(workspace, operation, staged, landed_too=state == "complete")
    if compared.world != staged.world:
        hint = f"civicops operation stage {operation.id}, then compare and validate it"
        raise OperationError(f"{operation.id} was staged again after it was compared.", hint=hint)
    if wrong := unexpected(operation, compared):
        raise OperationError(
            f"{operation.id} did something that was not expected: {'; '.join(wrong)}.",
            hint="Mend what it does and stage it again, or say in its file what may happen and compare it again.",
        )
    if other := wrong_data(staged.trial, compared.releases):
        hint = f"civicops operation stage {operation.id}"
        raise OperationError(f"What is staged of {', '.join(other)} is not what was compared.", hint=hint)
    return staged, products


def _switched(store: ReleaseStore, operation: Operation) -> dict[str, Switch]:
    """The switches that it made already and that nobody undid, product to switch."""
    reason = f"{OPERATION}{operation.id}"
    return switched(store, store.products(), reason, f"{UNDONE}{reason}")


def _leave(workspace: Workspace, operation: Operation, staged: Staged | None) -> tuple[Path, ...]:
    """What later runs need: the landed bytes of a backfill, the suppression of a delete. Safe to repeat."""
    product = workspace.product(operation.product)
    if operation.kind == "backfill" and staged is not None:
        _take_landed(workspace, staged.trial, product, operation.sources)
    if operation.kind != "delete":
        return ()
    path = _suppression_file(workspace, operation)
    content = yaml.safe_dump(suppression(operation).model_dump(), sort_keys=False, allow_unicode=True, width=110)
    write_text(
        path, f"# Left by `civicops operation complete {operation.id}`: these rows do not count any more.\n{content}"
    )
    return (path,)


def _suppression_file(workspace: Workspace, operation: Operation) -> Path:
    return workspace.product(operation.product).folder / SUPPRESSED / f"{operation.id}.yaml"


def _take_landed(workspace: Workspace, trial: Workspace, product: Product, sources: Sequence[str]) -> None:
    """Give the landing zone what was read again: first the bytes, then the delivery that names them."""
    real, other = Landing(workspace.folder("landing")), Landing(trial.folder("landing"))
    for source in sources:
        with real.fetching(product.name, source):
            known = {delivery.id for delivery in real.deliveries(product.name, source)}
            for delivery in other.deliveries(product.name, source):
                if delivery.id in known:
                    continue
                for item in delivery.objects:
                    final = real.object_path(product.name, source, item.sha256, item.media)
                    if not final.exists():
                        final.parent.mkdir(parents=True, exist_ok=True)
                        share_file(other.object_path(product.name, source, item.sha256, item.media), final)
                folder = real.folder(product.name, source) / "deliveries"
                folder.mkdir(parents=True, exist_ok=True)
                for path in (other.folder(product.name, source) / "deliveries").glob(f"*-{delivery.id}.json"):
                    share_file(path, folder / path.name)


def _replace_rows(workspace: Workspace, trial: Workspace, product: Product) -> None:
    """Put the rows that a replay checked in place of the product's older ones; what a kill leaves out is checked again."""
    mine = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
    other = BatchStore(trial.folder("accepted"), trial.folder("quarantine"), product.name)
    for contract in product.accepted:
        made = other.batches(contract.dataset)
        for batch in made:
            folder = mine.folder(contract.dataset, batch.id)
            if folder.exists():
                aside = folder.with_name(f".{batch.id}.old-{os.getpid()}")
                folder.rename(aside)
                remove_folder(aside)
            if not other.held(batch).exists():
                mine.held(batch).unlink(missing_ok=True)
            elif mine.held(batch).exists():
                share_file(other.held(batch), mine.held(batch))
    take_rows(workspace, trial, [product])
    for contract in product.accepted:
        mine.sweep(contract.dataset, other.batches(contract.dataset))


def _recorded(workspace: Workspace, done: Operation, switches: dict[str, Switch], files: tuple[Path, ...]) -> Completed:
    path = write_operation(workspace, done)
    log_operation(workspace, done)
    after_switch(workspace)
    remove_folder(room(workspace, done))
    return Completed(done, switches, (path, *files))
