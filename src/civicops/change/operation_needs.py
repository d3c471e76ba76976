"""Where a change needs a dangerous operation, and whether what a merge does to operations is lawful.

Belongs here: both questions. Does not belong here: the operations themselves (`operations`), asking them of a branch
(`civicops.orchestrate.continuous`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from civicops.change.comparing import kept
from civicops.change.grades import Comparison, Grade
from civicops.change.operations import Event, Operation, OperationError, folder_of, operations, read_operation
from civicops.change.states import Branch, FileChange, Repository
from civicops.checks.suppressed import FOLDER as SUPPRESSED
from civicops.checks.suppressed import read_suppressions
from civicops.workspace import Workspace


def needed(workspace: Workspace, comparisons: Sequence[Comparison], files: Sequence[FileChange]) -> tuple[str, ...]:
    """What of a change may not be done without a reviewed operation that has been validated, in sentences that name the command.

    Another key of a published dataset, another retention, rows that are suppressed. Raises `ContractFileError` for an operation
    that cannot be read.
    """
    found = [*_of_contracts(workspace, comparisons), *_of_suppressions(workspace, files)]
    return tuple(found)


def _of_contracts(workspace: Workspace, comparisons: Sequence[Comparison]) -> Iterator[str]:
    agreed: list[Operation] | None = None
    for one in comparisons:
        if one.old_version is None or one.new_version is None:
            continue
        product, _, dataset = one.contract.partition(".")
        for item in one.changes:
            after = item.after or "no end"
            match item.what:
                case "retention" | "retention column" if item.grade >= Grade.DANGEROUS:
                    # By which column rows are old decides as much about what goes as the time does.
                    after = workspace.product(product).contract(dataset).retention or "no end"
                    kind, flags = "retention", f"--dataset {dataset} --becomes '{after}'"
                case "key" if item.before and not item.after and _is_published(workspace, one):
                    yield (
                        f"{one.contract}: its key ({item.before}) goes, and nobody could follow a row from one release to the "
                        f"next; name the key that takes its place: civicops operation new rekey {product} --dataset {dataset}"
                    )
                    continue
                case "key" if (
                    item.grade >= Grade.DANGEROUS and item.before and item.after and _is_published(workspace, one)
                ):
                    kind, flags = "rekey", f"--dataset {dataset} --becomes '{after}' --mapping FILE.csv"
                case _:
                    continue
            if agreed is None:
                agreed = [operation for operation in operations(workspace) if operation.is_agreed]
            if not any((o.kind, o.product, o.dataset, o.becomes) == (kind, product, dataset, after) for o in agreed):
                becomes = f"becomes {item.after or 'no end'} ({item.before or 'none'} before)"
                yield (
                    f"{one.contract}: its {item.what} {becomes}, which needs a reviewed operation: civicops operation new {kind} "
                    f"{product} {flags} --reason ..."
                )


def _is_published(workspace: Workspace, one: Comparison) -> bool:
    product, _, dataset = one.contract.partition(".")
    return any(contract.dataset == dataset for contract in workspace.product(product).published)


def _of_suppressions(workspace: Workspace, files: Sequence[FileChange]) -> Iterator[str]:
    for file in files:
        room, _, name = file.path.partition("/")
        if room != SUPPRESSED or file.how == "removed" or not name.endswith(".yaml"):
            continue
        product = workspace.product(file.product)
        one = next((s for s in read_suppressions(product.folder) if f"{s.operation}.yaml" == name), None)
        meant = [
            o.is_agreed
            and (o.kind, o.product, o.dataset, o.condition) == ("delete", product.name, one.dataset, one.condition)
            for o in operations(workspace)
            if one is not None and o.id == one.operation
        ]
        if not any(meant):
            yield (
                f"{file.product}/{file.path} leaves rows out, which needs a reviewed operation that says the same: "
                f"civicops operation new delete {file.product} --reason ..."
            )


def merge_problems(workspace: Workspace, branch: Branch, work: Path) -> tuple[int, tuple[str, ...]]:
    """How many operations a branch touches, and what it does to them that it may not.

    States may only be added, by people who answered for the product, or for what reads it, before the branch; what an operation
    says may only change together with its state. `work`: a folder for the files of the base. Raises `ContractFileError`.
    """
    folder = folder_of(workspace).resolve()
    paths, gone = (
        [path for path in some if path.parent == folder and path.suffix == ".yaml"]
        for some in (branch.touched, branch.gone)
    )
    removed = tuple(f"{path.name} is removed: what was done, or asked for, is kept; cancel it instead" for path in gone)
    if not paths:
        return len(gone), removed
    repository = Repository(workspace)
    try:
        base = repository.at(branch.commit, work).workspace
        owners: dict[str, set[str]] = {}
        for product in base.products:
            people = {product.file.owner, product.file.backup, *(contract.owner for contract in product.contracts)}
            for name in (product.name, *(read.partition(".")[0] for read in product.file.reads)):
                owners.setdefault(name, set()).update(people - {"", "nobody"})
    finally:
        shutil.rmtree(work, ignore_errors=True)
    problems = list(removed)
    for path in paths:
        before = _before(repository, branch, path)
        problems += (f"{path.name}: {text}" for text in _unlawful(workspace, read_operation(path), before, owners))
    return len(paths) + len(gone), tuple(problems)


def _before(repository: Repository, branch: Branch, path: Path) -> Operation | None:
    text = repository.text(branch.commit, path)
    try:
        return None if text is None else Operation.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        return None  # it could not be read there; what is here counts


def _unlawful(
    workspace: Workspace, now: Operation, before: Operation | None, owners: dict[str, set[str]]
) -> Iterator[str]:
    known: tuple[Event, ...] = before.history if before else ()
    if now.history[: len(known)] != known:
        yield "its history was written anew; states are only added"
    if before is not None and before.deed != now.deed and now.history == known and now.state != "proposed":
        yield f"it says something else than when it became {now.state}; stage it again"
    people = owners.get(now.product, set())
    for event in now.history[len(known) :]:
        if event.state == "validated" and event.by not in people:
            yield f"{event.by} validated it and answers neither for {now.product} nor for what reads it"
    if now.is_agreed:
        try:
            kept(workspace, now)
        except OperationError as error:
            yield error.message
