"""Commands about sealed snapshots.

Belongs here: snapshots verify. Does not belong here: taking snapshots (a run does) and proving them
(`civicops.orchestrate.snapshots`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

app = typer.Typer(no_args_is_help=True, help="Sealed snapshots of shared drives: prove that nobody changed them.")


@app.callback()
def snapshots() -> None:
    """Sealed snapshots of shared drives: prove that nobody changed them."""


@app.command("verify")
def verify(
    product: Annotated[
        str, typer.Argument(metavar="PRODUCT", help="The product, by its folder's name.", show_default=False)
    ],
    drive: Annotated[str, typer.Option(help="Only this drive, by its id.")] = "",
    json: bool = Json,
) -> None:
    """Rebuild every kept snapshot and walk the chain of seals; names the first one that is not what was sealed."""
    from civicops.orchestrate.snapshots import verify_snapshots  # noqa: PLC0415 - loads an engine
    from civicops.workspace import Workspace  # noqa: PLC0415

    found = verify_snapshots(Workspace.find(), product, drive)
    bad = [one for one in found if one.problems]
    if json:
        as_json(found)
    else:
        rows = [(one.drive, one.sealed, one.kept, one.problems[0] if one.problems else "as sealed") for one in found]
        table(("drive", "sealed", "kept", "found"), rows, right=("sealed", "kept"))
        for one in bad:
            for line in one.problems[1:]:
                say(line)
        if bad:
            next_step(
                f"put the folder of drive {bad[0].drive} back from a backup; looks to come do not need what was before"
            )
        else:
            next_step(f"civicops status {product}")
    if bad:
        raise typer.Exit(1)
