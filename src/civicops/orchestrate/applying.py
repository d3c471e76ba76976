"""Doing exactly what a plan says, or nothing.

    the world      files, code, landed deliveries and current releases are those of the plan, or it is refused
    the trial      what the plan built, if it is still there; else built again, and it must give the same bytes
    the switch     all releases of all products in one step, journalled (`civicops.release.together`)
    the records    a run record per product, checked rows taken over, monitors looked at

Belongs here: that order. Does not belong here: making plans (`planning`), undoing one (`undoing`).

A plan that was applied is known by the switches it made: there is no second book that could disagree with the releases.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from civicops.change.applied import APPLIED, UNDONE, switched
from civicops.change.plan import FOLDER, Plan, ReleaseEffect
from civicops.change.previews import share
from civicops.change.shared import note_in_force
from civicops.change.states import Repository
from civicops.checks.batches import BatchStore
from civicops.errors import CivicopsError
from civicops.observe.watch import after_run
from civicops.orchestrate.auditing import after_switch, is_noted, log_approvals
from civicops.orchestrate.inputs import inputs_hash
from civicops.orchestrate.locks import product_lock
from civicops.orchestrate.order import ordered
from civicops.orchestrate.planning import WORK, make_plan
from civicops.orchestrate.trial import with_data
from civicops.orchestrate.undoing import WAIT_SECONDS, ApplyError
from civicops.orchestrate.unplanned import base_in_force, behind, is_bound, keep_files, shared_after
from civicops.orchestrate.world import world
from civicops.release.publish import StagedRelease, adopt, discard
from civicops.release.store import ReleaseStore
from civicops.release.together import publish_together, recover_together
from civicops.release.values import Switch
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

Say = Callable[[str], None]
_log = logging.getLogger("civicops.change")


class WorldMovedError(CivicopsError):
    """Something that the plan depends on is no longer as it was."""


class NotApprovedError(CivicopsError):
    """Somebody who must agree has not."""


@dataclass(frozen=True)
class Applied:
    """What was done: product to switch. `already`: this plan had been applied before, and nothing was done now."""

    plan: str
    switches: dict[str, Switch]
    already: bool


def apply_plan(
    workspace: Workspace,
    plan: Plan,
    *,
    approved: Iterable[str] = (),
    refused: Mapping[str, str] = MappingProxyType({}),
    say: Say = lambda _text: None,
) -> Applied:
    """Do what the plan says: all of its releases become current together, or nothing changes.

    `approved`: who has agreed; `refused`: whose word did not count, with the reason, for the message when it is missing.

    Applied twice, it says so and does nothing. Raises `WorldMovedError`, `NotApprovedError`, `ApplyError`, and what locks and the
    disk raise; nothing has changed then.
    """
    store = ReleaseStore(workspace.folder("releases"))
    recover_together(store, wait=WAIT_SECONDS)
    if before := switched(store, plan.products, f"{APPLIED}{plan.id}", f"{UNDONE}{plan.id}"):
        return Applied(plan.id, before, already=True)
    if plan.problems:
        hint = "Mend that, and plan again."
        raise ApplyError(f"Plan {plan.id} cannot be applied: {' '.join(plan.problems)}", hint=hint)
    if not is_noted(workspace, plan):
        raise ApplyError(
            f"The audit log does not know plan {plan.id}: it was made in another workspace, or by hand.",
            hint="`civicops plan` makes one here, and `civicops audit verify` says whether the log is as it was left.",
        )
    _of_its_base(workspace, plan)
    _approved(plan, set(approved), refused)
    runs = RunLog(workspace.folder("runs"))
    with ExitStack() as stack:
        for name in plan.products:
            stack.enter_context(product_lock(runs, name, wait=WAIT_SECONDS))
        # Another process may have applied it while this one waited.
        if before := switched(store, plan.products, f"{APPLIED}{plan.id}", f"{UNDONE}{plan.id}"):
            return Applied(plan.id, before, already=True)
        products = [workspace.product(name) for name in plan.products]
        _same_world(workspace, plan, products)
        trial, shared = _trial(workspace, plan, say), shared_after(workspace, plan.id, plan.base_commit)
        switches = switch_trial(workspace, trial, products, f"{APPLIED}{plan.id}")
    keep_records(workspace, trial, products, switches, f"{APPLIED}{plan.id}")
    with _logged("what products share now"):
        note_in_force(workspace, shared)
    log_approvals(workspace, plan, switches)
    after_switch(workspace)
    return Applied(plan.id, switches, already=False)


def _approved(plan: Plan, names: Container[str], refused: Mapping[str, str]) -> None:
    missing = [item for item in plan.approvals if item.who not in names]
    if not missing:
        return
    words = "; ".join(f"{item.who} ({refused.get(item.who) or item.why[0]})" for item in missing)
    flags = " ".join(f"--approved {item.who}" for item in missing)
    hint = f"When they agree: add {flags}; or they say so in the portal, on the page of the plan."
    if any(item.who in refused for item in missing):
        hint = "When they agree: in the portal, on the page of the plan; or by a line 'Approved-by: NAME' in a commit on what is "
        hint += "here now, signed (git commit -S)."
    raise NotApprovedError(f"Plan {plan.id} needs the approval of {words}.", hint=hint)


def _of_its_base(workspace: Workspace, plan: Plan) -> None:
    """Refuse a plan whose base is not what is published: it does not say all that applying it would change."""
    late = {name: words for name, words in plan.behind.items() if is_bound(workspace, workspace.product(name))}
    if late:
        repository = Repository(workspace)
        base = base_in_force(workspace, repository)
        has_all = base and not behind(workspace, [workspace.product(name) for name in late], repository, base)
        words = "; ".join(f"{name} ({files})" for name, files in late.items())
        raise ApplyError(
            f"Plan {plan.id} compares with {plan.base}, of whose files current releases were not made: {words}.",
            hint=f"civicops plan --base {base}"
            if has_all
            else "Whoever published them commits them first, and they are merged into what is here; or civicops rollback.",
        )


def _same_world(workspace: Workspace, plan: Plan, products: list[Product]) -> None:
    now = world(workspace, Repository(workspace).now(), products)
    moved = (
        [f"files of the workspace (they are not those of {plan.head_commit or 'the plan'})"]
        if now.head != plan.world.head
        else []
    )
    moved += ["civicops itself"] if now.code != plan.world.code else []
    for name in plan.products:
        moved += [f"what has landed of {name}"] if now.landed[name] != plan.world.landed[name] else []
        moved += [f"the current releases of {name}"] if now.releases[name] != plan.world.releases[name] else []
    if moved:
        raise WorldMovedError(
            f"Plan {plan.id} says what would happen then, not now: {', '.join(moved)} changed since it was made.",
            hint="Nothing was changed. `civicops plan` says what would happen now.",
        )


def _trial(workspace: Workspace, plan: Plan, say: Say) -> Workspace:
    """The trial of the plan, whole and with the bytes it promised; built again where it is gone."""
    folder = workspace.folder(FOLDER) / WORK / plan.id
    trial = with_data(workspace, folder)
    if plan.products and (not folder.is_dir() or wrong_data(trial, plan.releases)):
        say("What the plan built is not here any more: building it again.")
        again = make_plan(workspace, plan.base_commit, say=say)
        if again.problems:
            raise ApplyError(f"Plan {plan.id} can no longer be built: {' '.join(again.problems)}", hint="Plan again.")
        made = workspace.folder(FOLDER) / WORK / again.id
        if made != folder and made.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    if wrong := wrong_data(trial, plan.releases):
        raise ApplyError(
            f"Building plan {plan.id} again gave other data for {', '.join(wrong)}; nothing was changed.",
            hint="A model or page gives other rows each time, for example by asking for the time. Mend it and plan again.",
        )
    return trial


def wrong_data(trial: Workspace, effects: Sequence[ReleaseEffect]) -> list[str]:
    """Datasets whose release in a trial is not, byte for byte, what was promised."""
    store, found = ReleaseStore(trial.folder("releases")), []
    for effect in effects:
        product, _, dataset = effect.dataset.partition(".")
        release = store.current(product, dataset)
        try:
            with release.data.open("rb") if release else open(os.devnull, "rb") as stream:  # noqa: PTH123 - nothing to read
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            sha256 = ""
        if sha256 != effect.data_sha256:
            found.append(effect.dataset)
    return found


def switch_trial(workspace: Workspace, trial: Workspace, products: Sequence[Product], reason: str) -> dict[str, Switch]:
    """Make what a trial released current, in all these products together, and take over its checked rows.

    The caller holds the locks of the products. Raises what `publish_together` does; no release has changed then.
    """
    real, theirs = ReleaseStore(workspace.folder("releases")), ReleaseStore(trial.folder("releases"))
    runs = RunLog(workspace.folder("runs"))
    staged: dict[str, list[StagedRelease]] = {}
    run_ids: dict[str, str] = {}
    try:
        for product in products:
            record = RunLog(trial.folder("runs")).last_success(product.name)
            if record is not None:
                run_ids[product.name] = record.run_id
                runs.note_made(record.run_id, *keep_files(runs, product))
            staged[product.name] = [
                adopt(contract, theirs.find(product.name, contract.dataset), store=real)
                for contract in product.published
            ]
        take_rows(workspace, trial, products)
        return publish_together(staged, store=real, reason=reason, run_ids=run_ids, wait=WAIT_SECONDS)
    except BaseException:
        discard([item for items in staged.values() for item in items])
        raise


def take_rows(workspace: Workspace, trial: Workspace, products: Sequence[Product]) -> None:
    """Give the real workspace the batches that the trial checked, so that no run checks those rows again."""
    for product in products:
        mine = BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), product.name)
        other = BatchStore(trial.folder("accepted"), trial.folder("quarantine"), product.name)
        for contract in product.accepted:
            for batch in other.batches(contract.dataset):
                final = mine.folder(contract.dataset, batch.id)
                if (final / "batch.json").exists():
                    continue
                work = final.with_name(f".{batch.id}.{os.getpid()}")
                shutil.rmtree(work, ignore_errors=True)
                held = other.held(batch)
                if held.is_file() and not mine.held(batch).exists():
                    mine.held(batch).parent.mkdir(parents=True, exist_ok=True)
                    share_file(held, mine.held(batch))
                share(other.folder(contract.dataset, batch.id), work)
                work.rename(final)


def share_file(source: Path, target: Path) -> None:
    """A second name for one file, put there in one step."""
    work = target.with_name(f".{target.name}.{os.getpid()}")
    work.unlink(missing_ok=True)
    shutil.copy2(source, work) if source.stat().st_dev != target.parent.stat().st_dev else os.link(source, work)
    work.replace(target)


def keep_records(
    workspace: Workspace, trial: Workspace, products: Sequence[Product], switches: dict[str, Switch], trigger: str
) -> None:
    """Keep a record of each product as of a run, and let the monitors look. What goes wrong here undoes nothing."""
    runs, store = RunLog(workspace.folder("runs")), ReleaseStore(workspace.folder("releases"))
    for product in ordered(list(products)):
        record = RunLog(trial.folder("runs")).last_success(product.name)
        if record is None:
            continue
        released = {name: release.version for name, release in store.snapshot(product.name).items()}
        with _logged(f"the record of {product.name}"):
            inputs, (made_of, commit) = _inputs(workspace, product), keep_files(runs, product)
            done = replace(record, trigger=trigger, released=released, inputs=inputs, made_of=made_of, commit=commit)
            done = runs.save(
                replace(done, pid=os.getpid(), status="succeeded", finished_at=datetime.now(UTC).isoformat())
            )
            if product.name in switches:
                after_run(workspace, done)
    with _logged("the trial"):
        shutil.rmtree(trial.data, ignore_errors=True)


def _inputs(workspace: Workspace, product: Product) -> str:
    """What a run would find now, so that the next one knows that nothing is left to do."""
    from civicops.orchestrate.trial import trial_run  # noqa: PLC0415 - beside its only use

    with trial_run(workspace, workspace.folder("landing"), product) as run:
        return inputs_hash(run)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    try:
        yield
    except (CivicopsError, OSError) as error:
        _log.warning("It is applied, but %s could not be kept: %s", what, error)
