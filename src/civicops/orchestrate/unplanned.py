"""What current releases were made of, and what has changed there since without a plan.

Belongs here: the files a product's current releases were made of, whether a run may publish what is made of others, and which
commit a plan is compared with so that it shows all of that. Does not belong here: plans (`planning`), steps of a run (`steps`).

A change of what others rely on comes by a plan, however it got into the files: a run would publish it without showing anybody
what it does. So a product that is stable, or that another product reads, is run only on the files its releases were made of. A
pilot that nobody reads is free to change; its run says so.

There is no book of its own for this: each record of a run (also of an applied plan) says which files it worked with and which
releases it made current, and releases that were rolled back are those of an older record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from civicops.change.applied import APPLIED, OPERATION, UNDONE
from civicops.change.shared import InForce, commit_with, in_force_notes, in_force_now, shared_at
from civicops.change.states import Repository
from civicops.errors import CivicopsError
from civicops.ingest.values import Finding
from civicops.orchestrate.context import ProductRun
from civicops.product_files import data_files, git_state
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Product, Workspace

_LOOKED_AT = 200
"""How many runs back a release that is current again is looked for."""
_NAMED = 4


class UnplannedError(CivicopsError):
    """A product that others rely on is made of other files than its current releases, and no plan said what that does."""


@dataclass(frozen=True)
class MadeOf:
    """What the current releases of a product were made of: path to hash, and the commit that has these files, if one does."""

    files: Mapping[str, str]
    commit: str


def made_of(workspace: Workspace, product: str) -> MadeOf | None:
    """The files the current releases were made of; None where none are, or nobody wrote it down then."""
    return _known(workspace, [product]).get(product)


def _known(workspace: Workspace, products: Iterable[str]) -> dict[str, MadeOf]:
    runs, store = RunLog(workspace.folder("runs")), ReleaseStore(workspace.folder("releases"))
    undone = _undone(store)
    return {name: made for name in products if (made := _made_of(runs, store, name, undone)) is not None}


def _made_of(runs: RunLog, store: ReleaseStore, product: str, undone: Mapping[str, datetime]) -> MadeOf | None:
    current = {name: release.version for name, release in store.snapshot(product).items()}
    last = runs.last_success(product)
    if not current or last is None:
        return None
    if not _made(last, current, undone):
        records = (record for record in islice(runs.runs(product), _LOOKED_AT) if record.status == "succeeded")
        last = next((record for record in records if _made(record, current, undone)), None)
    if last is not None:
        digest, commit = last.made_of, last.commit
    else:
        # Killed between the switch and the record, or so long ago that the switch is quicker to find.
        digest, commit = runs.made(_switched_by(store, product) or "none")
    files = runs.files(digest) if digest else None
    return None if files is None else MadeOf(files, commit)


def _switched_by(store: ReleaseStore, product: str) -> str | None:
    """The run that made current what is current."""
    history = store.history(product)
    made = [switch for switch in history if switch.action == "publish" and switch.after == history[-1].after]
    return made[-1].run_id if made else None


def _undone(store: ReleaseStore) -> dict[str, datetime]:
    """Plans and operations that were undone, as the trigger of their records names them, with the last time."""
    found: dict[str, datetime] = {}
    for product in store.products():
        for switch in store.history(product):
            if switch.reason.startswith(UNDONE):
                what = switch.reason.removeprefix(UNDONE)
                what = what if what.startswith(OPERATION) else f"{APPLIED}{what}"
                found[what] = max(switch.at, found.get(what, switch.at))
    return found


def _made(record: RunRecord, current: Mapping[str, str], undone: Mapping[str, datetime]) -> bool:
    """Whether what a record made is what is current; what a plan did that was undone since is not, though it left a release as it
    was."""
    if (
        record.trigger in undone
        and datetime.fromisoformat(record.finished_at or record.started_at) < undone[record.trigger]
    ):
        return False
    return bool(record.released) and all(current.get(name) == version for name, version in record.released.items())


def is_bound(workspace: Workspace, product: Product) -> bool:
    """Whether what a product is made of changes by plans only: it is stable, or another product reads it."""
    return product.file.stage != "pilot" or bool(_readers(workspace, product))


def _readers(workspace: Workspace, product: Product) -> list[str]:
    reading = [
        other.name
        for other in workspace.products
        if any(read.partition(".")[0] == product.name for read in other.file.reads)
    ]
    return [name for name in reading if name != product.name]


def hold_unplanned(run: ProductRun) -> None:
    """Note which files a run works with. Raises `UnplannedError` when its releases were made of others and it needs a plan.

    What was fetched stays landed. In a preview everything may be tried, and a first run has nothing to differ from.
    """
    files = data_files(run.product.folder)
    before = made_of(run.workspace, run.product.name)
    digest, commit = keep_files(run.runs, run.product, files)
    run.note(made_of=digest, commit=commit)
    if before is None or before.files == files or run.workspace.settings.workspace.preview:
        return
    what = differing_words(before.files, files)
    name, readers = run.product.name, _readers(run.workspace, run.product)
    if not is_bound(run.workspace, run.product):
        words = f"It was made of other files than the releases before, without a plan: {what}."
        run.find(Finding("unplanned_change", words, 1, "flag"))
        return
    why = f"{', '.join(readers)} {'reads' if len(readers) == 1 else 'read'} it" if readers else "it is stable"
    raise UnplannedError(
        f"{name} has changed since its releases were made ({what}), and {why}: what that does must be planned first.",
        hint="civicops plan says what it does, civicops apply last does it; of what was merged, civicops ci --merge. "
        "What landed is kept, the last release stays.",
    )


def keep_files(runs: RunLog, product: Product, files: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Keep which files a product has now; what names them, and the commit that has them, empty where some are not committed."""
    commit, is_dirty = git_state(product.folder)
    return runs.keep_files(data_files(product.folder) if files is None else files), "" if is_dirty else commit or ""


def differing_words(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The files that differ, named, the first few of them."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def base_in_force(workspace: Workspace, repository: Repository) -> str:
    """The newest commit that has all that is in force: the files that current releases were made of, and what products share.

    Where no commit has it all (somebody published what was never committed), the oldest one that any of it is of, so that nothing
    is left out of what is compared with it. Empty where none is known.
    """
    known = _known(workspace, workspace.product_names)
    found = _commits(repository, known)
    fitting = [(lag, commit) for lag, commit in found if not not_of(repository, commit, known)]
    is_published = known and not not_of(repository, "HEAD", known)
    files_of = (0, "HEAD") if is_published else next(iter(fitting or reversed(found)), (0, ""))
    shared = _noted(workspace) or _of_newest(repository, found)
    if not files_of[1] or shared is None or shared.shared.is_as(shared_at(repository, files_of[1])):
        return files_of[1]
    # Where that commit is gone: squashed or rebased since, or put in force before it was committed.
    shared_of = _in_history(repository, [shared.commit]) or _in_history(
        repository, [commit_with(repository, shared.shared)]
    )
    return max([files_of, *(shared_of or found[-1:])])[1]


def shared_after(workspace: Workspace, plan: str, base: str) -> InForce:
    """What will be in force of what products share when a plan against the commit `base` is applied: what lies there now, or what
    was in force before, where the plan does not show all of the difference."""
    repository = Repository(workspace)
    before = _noted(workspace) or _of_newest(
        repository, _commits(repository, _known(workspace, workspace.product_names))
    )
    if before is None or before.shared.is_as(shared_at(repository, base)):
        return in_force_now(repository, plan)
    return replace(before, plan=plan, at=datetime.now(UTC))


def _noted(workspace: Workspace) -> InForce | None:
    """What the last plan that was not undone put in force of what products share."""
    undone = _undone(ReleaseStore(workspace.folder("releases")))
    for note in reversed(in_force_notes(workspace)):
        at = undone.get(f"{APPLIED}{note.plan}")
        if at is None or at < note.at:
            return note
    return None


def _of_newest(repository: Repository, found: Sequence[tuple[int, str]]) -> InForce | None:
    """What products shared in the newest of some commits, as before the first plan."""
    if not found:
        return None
    commit = found[0][1]
    return InForce("", datetime.min.replace(tzinfo=UTC), commit, shared_at(repository, commit))


def _commits(repository: Repository, known: Mapping[str, MadeOf]) -> list[tuple[int, str]]:
    """The commits whose files current releases were made of, each with how many of HEAD it lacks, the newest first."""
    return _in_history(repository, {made.commit for made in known.values()})


def _in_history(repository: Repository, commits: Iterable[str]) -> list[tuple[int, str]]:
    return sorted((lag, one) for one in commits if one and (lag := repository.distance(one)) is not None)


def not_of(repository: Repository, commit: str, known: Mapping[str, MadeOf]) -> dict[str, str]:
    """Products whose current releases were not made of a commit's files, with the files that differ in words."""
    files = repository.data_files(commit)
    return {
        name: differing_words(files.get(name, {}), made.files)
        for name, made in sorted(known.items())
        if files.get(name, {}) != made.files
    }


def behind(workspace: Workspace, products: Iterable[Product], repository: Repository, commit: str) -> dict[str, str]:
    """Those of some products whose releases were made neither of a commit's files nor of those here, with the files that differ
    from the commit's in words."""
    known = _known(workspace, [product.name for product in products])
    known = {name: made for name, made in known.items() if made.files != data_files(workspace.product(name).folder)}
    return not_of(repository, commit, known)
