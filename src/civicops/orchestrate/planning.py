"""Making a plan: grading, following what changed downstream, and running what changed beside the real workspace.

    states      the commit and the files as they lie there contracts   every change graded; versions that did not move refuse
    the plan trial       changed products, and those that read them, run on what has landed: check, build, gate, publish;
    nothing is fetched effects     rows newly held back or let in, and how each release will differ readers     who uses what
    changed, and who must agree

Belongs here: that order. Does not belong here: the value (`civicops.change.plan`), counting rows (`effects`), doing it
(`applying`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from civicops.change.grade import compare
from civicops.change.grade_checks import Known
from civicops.change.grade_columns import renames
from civicops.change.grades import Comparison
from civicops.change.operation_needs import needed
from civicops.change.plan import (
    FOLDER,
    AcceptedEffect,
    ChangedFile,
    Cost,
    Plan,
    ReleaseEffect,
    RuleEffect,
    contract_change,
    sealed,
)
from civicops.change.previews import remove_folder
from civicops.change.shared import shared_changes
from civicops.change.states import FileChange, Repository, State, differing, readable
from civicops.change.unreadable import unreadable
from civicops.checks.batches import Batch, BatchStore, fingerprint_of
from civicops.checks.sql import parquet
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.orchestrate import effects, steps
from civicops.orchestrate.auditing import note_plan
from civicops.orchestrate.context import Accepted, ProductRun
from civicops.orchestrate.order import circles
from civicops.orchestrate.pages import broken_pages
from civicops.orchestrate.planning_words import handed_over, keepers, new_sources, read_no_more, shared_words
from civicops.orchestrate.readers import approvals, readers
from civicops.orchestrate.signed import signers, unknown_signers
from civicops.orchestrate.trial import trial_folder, trial_run
from civicops.orchestrate.unplanned import base_in_force, behind
from civicops.orchestrate.world import with_readers, world
from civicops.release.store import ReleaseStore
from civicops.release.together import recover_together
from civicops.workspace import Product, Workspace

WORK = "work"
_KEPT_HOURS = 48
Say = Callable[[str], None]


@dataclass
class _Draft:
    """What is known so far; becomes the plan."""

    workspace: Workspace
    base: State
    head: State
    old: dict[str, Product]
    new: dict[str, Product]
    say: Say
    comparisons: list[Comparison] = field(default_factory=list)
    accepted: list[AcceptedEffect] = field(default_factory=list)
    rules: list[RuleEffect] = field(default_factory=list)
    releases: list[ReleaseEffect] = field(default_factory=list)
    moved: dict[str, set[str]] = field(default_factory=dict)
    """Dataset to columns whose values differ in its new release."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[what] = round(self.seconds.get(what, 0.0) + time.monotonic() - began, 2)


def make_plan(
    workspace: Workspace, base: str = "", *, today: date | None = None, say: Say = lambda _text: None
) -> Plan:
    """Say what the files of the workspace, as they lie there, will do if they come in place of the commit `base`.

    Runs what changed in `plans/work`, on what has landed; of the real workspace only the audit log is told. Raises `StateError`
    when the two states cannot be had, `ContractFileError` for faults in contracts (also for a merge that is not finished),
    `WorkspaceError`.
    """
    now = datetime.now(UTC)
    repository = Repository(workspace)
    name, commit = repository.base(base or (base_in_force(workspace, repository) if repository.is_on_main() else ""))
    recover_together(ReleaseStore(workspace.folder("releases")), wait=30)
    plans = workspace.folder(FOLDER)
    _tidy(plans / WORK)
    checkout = plans / WORK / f".base-{now:%H%M%S%f}"
    try:
        (before, instead), head = readable(repository, commit, checkout), repository.now()
        if instead and before.commit:
            name, commit = before.commit[:12], before.commit
        draft = _Draft(
            workspace,
            before,
            head,
            {p.name: p for p in before.workspace.products},
            {p.name: p for p in workspace.products},
            say,
            notes=[instead] if instead else [],
        )
        files = (*differing(before, head), *shared_changes(repository, before, head))
        with draft.timed("grade"):
            _grade(draft, files, today or now.date())
            draft.problems.extend(needed(workspace, draft.comparisons, files))
            draft.problems.extend([*unreadable(workspace, files), *circles(draft.new.values())])
        affected, made = _affected(draft, files), plans / WORK / f".trial-{now:%H%M%S%f}"
        try:
            if affected and not any("version" in problem for problem in draft.problems):
                trial = trial_folder(workspace, made)
                for product in affected:
                    _try(draft, trial, product)
            draft.problems.extend(_pages(draft, files, made if made.is_dir() else workspace.data))
            plan = _plan(draft, name, commit, files, affected, now)
            kept = plans / WORK / plan.id
            if affected and not plan.problems:
                remove_folder(kept)
                made.rename(kept)
            if not plan.problems:
                note_plan(workspace, plan)
        finally:
            remove_folder(made)
    finally:
        shutil.rmtree(checkout, ignore_errors=True)
    return plan


def _pages(draft: _Draft, files: tuple[FileChange, ...], after: Path) -> Iterator[str]:
    """What pages cannot ask any more of the releases that lie in the folder `after`."""
    touched = {change.product for change in files if change.kind == "page"}
    stores = (ReleaseStore(draft.workspace.folder("releases")), ReleaseStore(after / "releases"))
    return broken_pages(draft.new.values(), *stores, touched)


def _tidy(work: Path) -> None:
    """Remove what plans of other days built, and what killed ones left: second names keep the disk from being freed. Applying an
    old plan builds it again."""
    oldest = time.time() - _KEPT_HOURS * 3600
    for folder in work.iterdir() if work.is_dir() else ():
        if folder.is_dir() and folder.stat().st_mtime < oldest:
            remove_folder(folder)


def _grade(draft: _Draft, files: tuple[FileChange, ...], today: date) -> None:
    """Compare every contract of every product that changed."""
    releases = ReleaseStore(draft.workspace.folder("releases"))
    names = sorted({change.product for change in files if change.kind in ("contract", "lookup", "settings", "ethics")})
    for name in names:
        old, new = draft.old.get(name), draft.new.get(name)
        before = {c.dataset: c for c in old.contracts} if old else {}
        after = {c.dataset: c for c in new.contracts} if new else {}
        for dataset in sorted({*before, *after}):
            a, b = before.get(dataset), after.get(dataset)
            if (
                a is not None
                and b is not None
                and a.model_copy(update={"path": b.path}) == b
                and not _lookups_moved(old, new, b)
            ):
                continue
            known = Known()
            if a is not None and b is not None and old is not None and new is not None:
                known = Known(
                    (old.lookup_values(a), new.lookup_values(b)), _in_use(draft, releases, old, a, renames(a, b))
                )
            found = compare(a, b, today=today, known=known)
            if found.changes or found.version_problem:
                draft.comparisons.append(found)
            if found.version_problem:
                draft.problems.append(found.version_problem)


def _lookups_moved(old: Product | None, new: Product | None, contract: Contract) -> bool:
    if old is None or new is None or contract.dataset not in {c.dataset for c in old.contracts}:
        return False
    return old.lookup_values(old.contract(contract.dataset)) != new.lookup_values(contract)


def _in_use(
    draft: _Draft, releases: ReleaseStore, product: Product, contract: Contract, renamed: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    import duckdb  # noqa: PLC0415 - only when a contract changed

    select = effects.current_select(releases, contract)
    if contract.layer == "accepted":
        store = BatchStore(draft.workspace.folder("accepted"), draft.workspace.folder("quarantine"), product.name)
        fingerprint = fingerprint_of(contract, product.lookup_values(contract))
        live = [batch for batch in store.batches(contract.dataset) if batch.fingerprint == fingerprint]
        select = effects.rows_of(store, live)
    with duckdb.connect() as con:
        return effects.values_in_use(con, contract, select, renamed)


def _affected(draft: _Draft, files: tuple[FileChange, ...]) -> list[Product]:
    """Products whose data can change, those that read them after them."""
    names = {change.product for change in files if change.touches_data} & set(draft.new)
    if any(change.kind == "framework" for change in files):
        names = set(draft.new)
    return [] if circles(draft.new.values()) else with_readers(draft.new.values(), names)


def _try(draft: _Draft, trial: Workspace, product: Product) -> None:
    """Run one product in the trial and note what came of it; what stops it is a problem of the plan."""
    draft.say(f"{product.name}: check, build and gate what has landed")
    landing, store = draft.workspace.folder("landing"), ReleaseStore(draft.workspace.folder("releases"))
    old = draft.old.get(product.name)
    with trial_run(trial, landing, product) as run:
        try:
            with draft.timed(f"check {product.name}"):
                accepted = tuple(_checked(draft, trial, run, old, contract) for contract in product.accepted)
            with draft.timed(f"build {product.name}"):
                steps.build(run, accepted)
        except CivicopsError as error:
            draft.problems.append(f"{product.name}: {error.message}")
            return
        try:
            with draft.timed(f"gate {product.name}"):
                gated = steps.gate(run, accepted)
                steps.publish_all(run, gated)
        except CivicopsError as error:
            draft.problems.append(f"{product.name}: {error.message}")
            gated = ()
        with draft.timed(f"compare {product.name}"):
            _changed_rules(draft, run, old)
            for item in gated:
                new = run.releases.find(product.name, item.contract.dataset)
                effect, found = effects.release_effect(
                    run.con, item.contract, store.current(product.name, new.dataset), new
                )
                draft.releases.append(effect)
                if not effect.is_same:
                    names = set(effect.columns) if found else set(item.contract.column_names)
                    draft.moved[item.contract.id] = names | ({"*"} if effect.added or effect.removed else set())
        run.runs.end(run.record, "succeeded")


def _checked(draft: _Draft, trial: Workspace, run: ProductRun, old: Product | None, contract: Contract) -> Accepted:
    """Check an accepted dataset under the new contract and, if that can matter, under the old one; note what moved."""
    lookups = run.product.lookup_values(contract)
    before = next((c for c in old.accepted if c.dataset == contract.dataset), None) if old else None
    stopped: CivicopsError | None = None
    accepted: Accepted | None = None
    try:
        accepted = steps.check(run, contract)
    except steps.StoppedError as error:
        stopped = error
    if old is not None and before is not None:
        fingerprint = fingerprint_of(before, old.lookup_values(before))
        if fingerprint != fingerprint_of(contract, lookups):
            was = _batches_of(trial, draft.workspace.folder("landing"), old, before)
            live = [
                key
                for source in run.sources
                if source.dataset == contract.dataset
                for key in steps.live_objects(run, source)
            ]
            now = run.batches.valid(contract.dataset, fingerprint_of(contract, lookups), live)
            draft.accepted.append(effects.accepted_effect(run.con, contract, run.batches, was, now))
            ids = _changed_ids(draft, contract.id, before, contract)
            draft.rules.extend(effects.landed_rules(run.con, before, contract, was, now, ids))
    if stopped is not None or accepted is None:
        raise stopped or CivicopsError(f"{contract.id} was not checked.")
    return accepted


def _batches_of(trial: Workspace, landing: Path, product: Product, contract: Contract) -> tuple[Batch, ...]:
    """The batches of the old contract over all that has landed; most are there already, others are made in the trial."""
    with trial_run(trial, landing, product) as run:
        with contextlib.suppress(steps.StoppedError):
            steps.check(run, contract)
        live = [
            key
            for source in run.sources
            if source.dataset == contract.dataset
            for key in steps.live_objects(run, source)
        ]
        return run.batches.valid(contract.dataset, fingerprint_of(contract, product.lookup_values(contract)), live)


def _changed_rules(draft: _Draft, run: ProductRun, old: Product | None) -> None:
    """Rows that break each changed rule of a published dataset, in its current release and in the table that was built."""
    tables = run.workspace.folder("warehouse") / f"{run.product.name}.dbt" / "tables"
    store = ReleaseStore(draft.workspace.folder("releases"))
    for contract in run.product.published:
        before = next((c for c in old.published if c.dataset == contract.dataset), None) if old else None
        table, current = tables / f"{contract.dataset}.parquet", store.current(contract.product, contract.dataset)
        if before is None or not table.is_file():
            continue
        ids = _changed_ids(draft, contract.id, before, contract)
        was = None
        if old is not None and current is not None:
            was = (before, old.lookup_values(before), f"SELECT * FROM {parquet([current.data])}")
        new = (contract, run.product.lookup_values(contract), f"SELECT * FROM {parquet([table])}")
        draft.rules.extend(effects.released_rules(run.con, was, new, ids))


def _changed_ids(draft: _Draft, name: str, old: Contract, new: Contract) -> list[str]:
    """The checks that are not the same rule on both sides, lookups included."""
    before, after = ({c.id: (c.column, c.spec) for c in contract.checks} for contract in (old, new))
    found = [check for check in dict.fromkeys([*before, *after]) if before.get(check) != after.get(check)]
    for one in draft.comparisons:
        if one.contract == name:
            for item in one.changes:
                check = item.what.rpartition("check ")[2]
                if "check " in item.what and check in after and check not in found:
                    found.append(check)
    return found


def _plan(
    draft: _Draft, base: str, commit: str, files: tuple[FileChange, ...], affected: list[Product], now: datetime
) -> Plan:
    # Of the base, where it has them: nobody becomes the one who must agree by the change that needs it.
    products = [*draft.new.values(), *draft.old.values()]
    owners = {c.id: c.owner for p in products for c in p.contracts} | {p.name: p.file.owner for p in products}
    with draft.timed("readers"):
        found, notes = readers(draft.workspace, draft.base.workspace, draft.comparisons, draft.moved)
    rows = sum(effect.rows_after for effect in draft.releases if not effect.is_same)
    untouched = [
        f"{name}: its releases stay as they are" for name in sorted(set(draft.new) - {p.name for p in affected})
    ]
    untouched += ["what has landed, and every release that is kept", "sources: nothing is fetched"]
    gone = sorted(set(draft.old) - set(draft.new))
    problems = [*draft.problems, *unknown_signers(draft.workspace, draft.old, draft.new, now.date())]
    problems += read_no_more(draft.old, draft.new)
    late = behind(draft.workspace, affected, Repository(draft.workspace), commit)
    notes = [
        *notes,
        *(f"the current releases of {one} were not made of {base}'s files: {words}" for one, words in late.items()),
        *draft.notes,
        *new_sources(draft.old, draft.new, draft.base.workspace, draft.workspace, files),
        *shared_words(files),
        *(f"{name} is no product any more; its releases stay until they are removed" for name in gone),
    ]
    signing = {who: list(why) for who, why in signers(draft.old, draft.new).items()}
    for who, why in keepers(draft.base, draft.head, draft.old).items():
        signing.setdefault(who, []).extend(why)
    plan = Plan(
        base=base,
        base_commit=commit,
        head_commit=draft.head.commit,
        is_dirty=draft.head.is_dirty,
        files=tuple(ChangedFile(product=c.product, path=c.path, kind=c.kind, how=c.how) for c in files),
        contracts=tuple(contract_change(one, owners.get(one.contract, "nobody")) for one in draft.comparisons),
        accepted=tuple(draft.accepted),
        rules=tuple(draft.rules),
        releases=tuple(draft.releases),
        readers=found,
        approvals=approvals(
            draft.comparisons, found, draft.releases, owners, handed_over(draft.old, draft.new), signing
        ),
        cost=Cost(
            rows=rows,
            size_bytes=sum(effect.size_bytes for effect in draft.releases if not effect.is_same),
            requests=0,
            notes=tuple(notes),
        ),
        untouched=tuple(untouched),
        problems=tuple(problems),
        behind=late,
        world=world(draft.workspace, draft.head, affected),
        made_at=now.isoformat(),
        seconds=draft.seconds,
    )
    return sealed(plan)
