"""`civicops erase`: requests to delete or mask a record, agreeing to them, carrying them out.

Belongs here: arguments and sentences. Does not belong here: doing it (`civicops.orchestrate.erasing`).
"""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

app = typer.Typer(help="Delete or mask a person's record everywhere, on request, and prove it.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The request, or the beginning of its name.", show_default=False)]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who does so; you by default.")]


@app.command()
def request(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Such as people.teams.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="The record's key, as `civicops trace` takes it.")],
    reason: Annotated[str, typer.Option("--reason", help="Who asked for it, and how; no name of the person.")],
    mask: Annotated[
        bool, typer.Option("--mask", help="Empty its personal columns and keep the rest, so that counts stay.")
    ] = False,
    by: By = "",
    json: bool = Json,
) -> None:
    """File a request; nothing is changed. Without --mask the whole record is to go."""
    from civicops.orchestrate.erasing import places, propose  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    made = propose(workspace, dataset, key, "mask" if mask else "delete", reason=reason, by=by or getpass.getuser())
    if json:
        as_json(_values(made))
        return
    say(f"Request {made.id}: {made.action} one record of {made.dataset}, asked for by {made.requested_by}.")
    _places(places(workspace, made))
    _copies(workspace, made)
    next_step(f"somebody else who answers for {made.dataset}: civicops erase approve {made.id} --by NAME")


@app.command("list")
def listed(json: bool = Json) -> None:
    """Every request and how far it is."""
    from civicops.govern.erasure import requests  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = requests(Workspace.find())
    if json:
        as_json([_values(item) for item in found])
        return
    rows = [(i.id, i.state, i.action, i.dataset, i.requested_by, i.decided_by, i.finished_at[:10]) for i in found]
    table(("request", "state", "what", "dataset", "asked for by", "decided by", "done"), rows)
    waiting = [item for item in found if item.state not in ("done", "refused")]
    next_step(f"civicops erase show {waiting[0].id}" if waiting else "nothing waits")


@app.command()
def show(name: Id, json: bool = Json) -> None:
    """A request, and every place where its record is now."""
    from civicops.govern.erasure import find  # noqa: PLC0415
    from civicops.orchestrate.erasing import places  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    found = find(workspace, name)
    where = places(workspace, found)
    if json:
        as_json({**_values(found), "places": [asdict(place) for place in where]})
        return
    say(f"{found.id}: {found.action} one record of {found.dataset}, {found.state}. {found.reason}")
    say(
        f"asked for by {found.requested_by} on {found.requested_at[:10]}"
        + (f", decided by {found.decided_by}" if found.decided_by else "")
    )
    _places(where)
    _copies(workspace, found)
    for what, value in found.proof.items():
        say(f"  proof: {what} {value}")
    steps = {
        "proposed": f"civicops erase approve {found.id} --by NAME", "approved": f"civicops erase run {found.id}",
        "running": f"civicops erase run {found.id}", "done": "nothing; copies outside of this workspace are a person's task",
    }  # fmt: skip
    next_step(steps.get(found.state, "nothing"))


@app.command()
def approve(
    name: Id,
    by: By = "",
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    json: bool = Json,
) -> None:
    """Agree to a request as somebody who answers for the dataset and did not file it."""
    from civicops.govern.erasure import decide, find  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = decide(workspace, find(workspace, name), by=by or getpass.getuser(), agrees=not refuse)
    if json:
        as_json(_values(done))
        return
    say(f"{done.id} is {done.state}.")
    next_step(f"civicops erase run {done.id}" if not refuse else "tell whoever asked, and why")


@app.command()
def run(
    name: Id,
    remove_previews: Annotated[
        bool,
        typer.Option("--remove-previews", help="Remove every preview, which shares the data; else they are named."),
    ] = False,
    json: bool = Json,
) -> None:
    """Carry out what was agreed to, run what depends on it anew, and search every file for what must be gone."""
    from civicops.govern.erasure import find  # noqa: PLC0415
    from civicops.orchestrate.erasing import carry_out  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = carry_out(
        workspace, find(workspace, name), say=(lambda _text: None) if json else say, remove_previews=remove_previews
    )
    if json:
        as_json(_values(done))
        return
    proof = done.proof
    say(f"{done.id} is done: {proof['records']} records, {len(proof['withdrawn'])} releases withdrawn.")
    say(f"{proof['searched']:,} files searched, found in none of them.")
    given = proof.get("outside", ())  # not of a request that was done before they were searched
    _given(given)
    names = ", ".join(path.rpartition("/")[2] for path in given)
    others = "copies outside of this workspace (backups, what others downloaded) are a person's task"
    next_step(f"take it out of {names}; {others}" if given else others)


def _copies(workspace: Any, request: Any) -> None:
    """What is in the way of a request that is not done yet."""
    from civicops.orchestrate.copies import outside, previews_of  # noqa: PLC0415

    if request.state not in ("proposed", "approved", "running"):
        return
    for one in previews_of(workspace):
        say(f"{one} shares the data and has to go first: {one.way}")
    _given(outside(workspace, request.needles))


def _given(paths: Any) -> None:
    for path in paths:
        say(
            f"{path}: the file you gave still holds it; remove it there (runs leave it out, whoever else reads the file has it)"
        )


def _places(found: Any) -> None:
    table(("where", "which", "records"), [(place.what, place.name, place.count) for place in found], right=("records",))


def _values(item: Any) -> dict[str, Any]:
    """A request as JSON, without the key and the texts it is about."""
    return {name: value for name, value in asdict(item).items() if name not in ("key", "needles", "targets")}
