"""Commands that make new things.

Belongs here: new product. Does not belong here: the templates (`civicops.scaffold`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from civicops.cli.output import Json, as_json, next_step, say

app = typer.Typer(no_args_is_help=True, help="Start something new.")


@app.callback()
def new() -> None:
    """Start something new."""


@app.command("product")
def product(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Lower-case words joined by _, such as library_hours.", show_default=False),
    ],
    owner: Annotated[str, typer.Option(help="Who answers for it: a user name on your code host.")] = "",
    json: bool = Json,
) -> None:
    """Make the folder of a new product: a contract, a source, a model, a runbook, all of them working."""
    from civicops.scaffold import make_product  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    made = make_product(Workspace.find(), name, owner=owner)
    if json:
        as_json({"product": name, "files": [str(path) for path in made]})
        return
    for path in made:
        say(str(path))
    next_step(f"civicops run {name}")
