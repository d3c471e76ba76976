"""Commands about dangerous operations: propose, stage, compare, validate, complete, cancel.

Belongs here: `civicops operation`. Does not belong here: the operations (`civicops.change.operations`, `civicops.orchestrate`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

app = typer.Typer(
    no_args_is_help=True, help="Backfills, replays, deletions, new keys, other retention: reviewed files."
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The operation, as `civicops operation list` names it.")]
_By = Annotated[str, typer.Option("--by", metavar="PERSON", help="Who does this; you when left out.")]


@app.callback()
def operation() -> None:
    """Backfills, replays, deletions, new keys, other retention: reviewed files."""


@app.command("new")
def new(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="backfill, replay, delete, rekey or retention.")],
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product it is done to.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence or two; nobody's name.")],
    dataset: Annotated[
        str, typer.Option(help="Of delete the accepted dataset; of rekey and retention the one whose contract changes.")
    ] = "",
    where: Annotated[
        str, typer.Option(help="Of delete: SQL over the dataset's columns, true for rows that leave.")
    ] = "",
    source: Annotated[
        list[str] | None, typer.Option(help="Of backfill: a source to read again; may be repeated.")
    ] = None,
    becomes: Annotated[str, typer.Option(help="Of retention the new time, of rekey the columns of the new key.")] = "",
    mapping: Annotated[
        str, typer.Option(help="Of rekey: a CSV file in changes/operations with old_<column> and new_<column>.")
    ] = "",
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATASET:WHAT=COUNT",
            help="What may become of a release: trees.trees:removed=10..20. WHAT is added, removed or changed; COUNT a number, "
            "'1..20' or '1..'. May be repeated; what is not expected may not happen.",
        ),
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATASET:SQL", help="No row of that release outside the condition may differ; may be repeated."
        ),
    ] = None,
    reviewer: Annotated[
        list[str] | None,
        typer.Option(help="Who may validate it; owners and backups of all it reaches when left out. May be repeated."),
    ] = None,
    name: Annotated[
        str, typer.Option("--id", help="Its name; made from the day, the kind and the product when left out.")
    ] = "",
    by: _By = "",
    json: bool = Json,
) -> None:
    """Propose a dangerous operation: writes the file that is reviewed. Nothing is done to any data."""
    from civicops.change.operations import KINDS, OperationError, folder_of  # noqa: PLC0415 - loaded only when asked
    from civicops.contracts.problems import nearest  # noqa: PLC0415
    from civicops.orchestrate.operating import propose  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    if kind not in KINDS:
        raise OperationError(f"There is no operation of kind '{kind}'.", hint=f"{nearest(kind, KINDS)}.")
    workspace = Workspace.find()
    given: dict[str, Any] = {
        "dataset": dataset, "condition": where, "sources": tuple(source or ()), "becomes": becomes, "mapping": mapping,
        "expected": _expected(expect or [], within or []),
    }  # fmt: skip
    made = propose(
        workspace, kind, product, by=by or _me(), reason=reason, reviewers=reviewer or (), name=name,
        **{key: value for key, value in given.items() if value},
    )  # fmt: skip
    if json:
        as_json(made.model_dump(mode="json"))
        return
    path = folder_of(workspace) / f"{made.id}.yaml"
    say(f"{made.id} is proposed, in {path}.")
    say(f"One of these must agree once it is compared: {', '.join(made.others)}.")
    _git(workspace, made, "proposed")
    next_step(f"civicops operation stage {made.id}")


def _expected(expect: list[str], within: list[str]) -> list[dict[str, Any]]:
    from civicops.change.operations import OperationError  # noqa: PLC0415

    found: dict[str, dict[str, Any]] = {}
    for word in expect:
        match = re.fullmatch(r"([a-z0-9_.]+):(added|removed|changed)=(\d+)(?:(\.\.)(\d+)?)?", word)
        if match is None:
            hint = "Such as --expect trees.trees:removed=10..20, --expect trees.trees:changed=0.."
            raise OperationError(f"'{word}' does not say what may happen.", hint=hint)
        dataset, what, least, dots, most = match.groups()
        bound = {"least": int(least), "most": int(most) if most else None if dots else int(least)}
        found.setdefault(dataset, {"dataset": dataset})[what] = bound
    for word in within:
        dataset, colon, condition = word.partition(":")
        if not colon or not condition.strip():
            raise OperationError(
                f"'{word}' is no DATASET:SQL.", hint="Such as --within \"trees.trees:district_code = 'south'\""
            )
        found.setdefault(dataset, {"dataset": dataset})["within"] = condition.strip()
    return list(found.values())


@app.command("list")
def list_operations(
    all_: Annotated[bool, typer.Option("--all", help="Also those that are complete or cancelled.")] = False,
    json: bool = Json,
) -> None:
    """List dangerous operations, where they stand, and who is to agree."""
    from civicops.change.operations import NEXT, operations  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = [one for one in operations(Workspace.find()) if all_ or NEXT[one.state]]
    if json:
        as_json([one.model_dump(mode="json") for one in found])
        return
    rows = [
        (
            one.id,
            one.kind,
            one.product,
            one.state,
            f"{one.history[-1].at:%Y-%m-%d}",
            one.history[-1].by,
            ", ".join(one.others),
        )
        for one in found
    ]
    table(("operation", "kind", "product", "state", "since", "by", "reviewers"), rows)
    next_step(f"civicops operation show {found[0].id}" if found else "civicops operation new KIND PRODUCT")


@app.command("show")
def show(name: _Id, json: bool = Json) -> None:
    """Show one operation: what is to be done, why, what may come of it, and its history."""
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    one = find(Workspace.find(), name)
    if json:
        as_json(one.model_dump(mode="json"))
        return
    say(f"{one.id}: {one.kind} of {one.product}, {one.state}\n{one.reason}")
    for label, value in (
        ("dataset", one.dataset), ("rows that leave", one.condition), ("sources", ", ".join(one.sources)),
        ("becomes", one.becomes), ("mapping", one.mapping), ("comparison", one.comparison[:16]),
    ):  # fmt: skip
        if value:
            say(f"  {label}: {value}")
    for bound in one.expected:
        where = f", within {bound.within}" if bound.within else ""
        say(
            f"  expected of {bound.dataset}: {bound.added} added, {bound.removed} removed, {bound.changed} changed{where}"
        )
    table(
        ("state", "at (UTC)", "by", "because"),
        [(e.state, f"{e.at:%Y-%m-%d %H:%M}", e.by, e.reason) for e in one.history],
    )
    next_step(_next(one))


def _next(one: Any) -> str:
    match one.state:
        case "proposed":
            return f"civicops operation stage {one.id}"
        case "staged":
            return (
                f"civicops operation validate {one.id} --by {one.others[0]}"
                if one.comparison
                else f"civicops operation compare {one.id}"
            )
        case "validated":
            return f"civicops operation complete {one.id}"
        case "complete":
            return "civicops rollback undoes it"
    return "civicops operation list"


@app.command("stage")
def stage(name: _Id, by: _By = "", json: bool = Json) -> None:
    """Do it beside the real workspace, on data shared with it; nobody sees anything of it."""
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.orchestrate.operating import stage as stage_operation  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    quiet = (lambda _text: None) if json else say
    staged = stage_operation(workspace, find(workspace, name), by=by or _me(), say=quiet)
    _moved(workspace, staged, json)


@app.command("compare")
def compare(name: _Id, json: bool = Json) -> None:
    """Compare what was staged with what is current: rows, columns, sums, what is held back."""
    from civicops.change.comparing import unexpected  # noqa: PLC0415
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.orchestrate.operating import compare_operation  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    one, found, page = compare_operation(workspace, find(workspace, name))
    wrong = unexpected(one, found)
    if json:
        as_json({"comparison": one.comparison, "unexpected": list(wrong)} | found.model_dump(mode="json"))
    else:
        numbers = ("before", "after", "added", "removed", "changed")
        rows = [(e.dataset, e.rows_before, e.rows_after, e.added, e.removed, e.changed) for e in found.releases]
        table(("release", *numbers), rows, right=numbers)
        for moved in found.accepted:
            for reason, count in moved.after.ignored.items():
                say(f"  {moved.dataset}: {count:,} {reason}")
        for text in (*found.notes, *(f"not expected: {text}" for text in wrong)):
            say(f"  {text}")
        say(f"Kept as {page}.")
        _git(workspace, one, "compared")
        hint = f"mend what it does and stage it again, or what is expected: then civicops operation compare {one.id}"
        next_step(hint if wrong else f"civicops operation validate {one.id} --by {one.others[0]}")
    if wrong:
        raise typer.Exit(1)


@app.command("validate")
def validate(name: _Id, by: _By = "", json: bool = Json) -> None:
    """Agree to what was compared: somebody else than who proposed it, and only if it is what was expected."""
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.orchestrate.completing import validate as validate_operation  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    _moved(workspace, validate_operation(workspace, find(workspace, name), by=by or _me()), json)


@app.command("complete")
def complete(name: _Id, by: _By = "", json: bool = Json) -> None:
    """Switch in what was agreed to, in all its products at once, or nothing if the world has moved since."""
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.orchestrate.completing import complete as complete_operation  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = complete_operation(workspace, find(workspace, name), by=by or _me())
    if json:
        as_json({
            "operation": done.operation.model_dump(mode="json"), "files": [str(path) for path in done.files],
            "switches": {product: switch.to_json() for product, switch in done.switches.items()},
        })  # fmt: skip
        return
    changed = [
        (product, dataset, switch.before.get(dataset, ""), version)
        for product, switch in done.switches.items()
        for dataset, version in switch.after.items()
        if switch.before.get(dataset) != version
    ]
    table(("product", "dataset", "was", "is now"), changed)
    for path in done.files[1:]:
        say(f"Left for later runs: {path}")
    _moved(workspace, done.operation, json=False)


@app.command("cancel")
def cancel(
    name: _Id, reason: Annotated[str, typer.Option(help="Why it will not be done.")], by: _By = "", json: bool = Json
) -> None:
    """Say that it will not be done; what was staged is removed."""
    from civicops.change.operations import find  # noqa: PLC0415
    from civicops.orchestrate.completing import cancel as cancel_operation  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    _moved(workspace, cancel_operation(workspace, find(workspace, name), by=by or _me(), reason=reason), json)


def _moved(workspace: Any, one: Any, json: bool) -> None:
    if json:
        as_json(one.model_dump(mode="json"))
        return
    say(f"{one.id} is {one.state}, by {one.history[-1].by}.")
    _git(workspace, one, one.state)
    next_step(_next(one))


def _git(workspace: Any, one: Any, what: str) -> None:
    """The commands that put the change of the file where others see it."""
    from civicops.change.operations import folder_of  # noqa: PLC0415

    paths = [folder_of(workspace) / f"{one.id}.*"]
    if one.state == "complete" and one.kind == "delete":
        paths.append(workspace.product(one.product).folder / "suppressed" / f"{one.id}.yaml")
    here = Path.cwd()
    words = [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths]
    say(f"  git add {' '.join(words)}")
    say(f"  git commit -m 'operation {one.id}: {what}'")


def _me() -> str:
    from civicops.release.history import who_acts  # noqa: PLC0415

    return who_acts()
