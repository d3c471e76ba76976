"""Commands about rows that were held back.

Belongs here: quarantine list, show, release. Does not belong here: what holds a row back (`civicops.checks`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from civicops.cli.output import Json, as_json, bars, next_step, say, table

app = typer.Typer(no_args_is_help=True, help="Rows held back: list them, look at them, let mended ones in.")


@app.command("list")
def list_held(
    product: Annotated[str, typer.Argument(metavar="[PRODUCT]", help="Only this product.")] = "", json: bool = Json
) -> None:
    """Count the rows held back, by dataset and by the check they broke."""
    from civicops.observe.held import held_counts  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    names = [workspace.product(product).name] if product else list(workspace.product_names)
    found = [item for name in names for item in held_counts(workspace, name)]
    if json:
        as_json(found)
        return
    if not found:
        say("No row is held back.")
        next_step("civicops products")
        return
    rows = [(f"{i.product}.{i.dataset}", i.check_id, i.rows, i.description) for i in found]
    table(("dataset", "check", "rows", "meaning"), rows, right=("rows",))
    next_step(f"civicops quarantine show {found[0].product}.{found[0].dataset}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="PRODUCT.DATASET", show_default=False)],
    check: Annotated[str, typer.Option(help="Only rows that broke this check.")] = "",
    run: Annotated[str, typer.Option(help="Rows that this past run held back.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many rows.", min=1)] = 20,
    json: bool = Json,
) -> None:
    """Show rows that were held back, as the source wrote them, with the checks they broke."""
    from civicops.cli.running import run_of  # noqa: PLC0415
    from civicops.observe.held import held_rows  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    product, _, dataset = name.partition(".")
    workspace = Workspace.find()
    past = run_of(workspace, run, product) if run else None
    found = held_rows(workspace, product, dataset, check=check or None, run=past, limit=limit)
    if json:
        as_json(found)
        return
    for row in found:
        say(f"{', '.join(row.checks)}  (source {row.source}, landed as {row.object[:12]}, contract {row.contract})")
        for field, value in row.raw.items():
            if value not in (None, ""):
                say(f"    {field}: {value}")
    say(f"{len(found)} rows shown.")
    next_step(f"mend the contract or a lookup, then: civicops quarantine release {product}")


@app.command("release")
def release(
    name: Annotated[str, typer.Argument(metavar="PRODUCT[.DATASET]", show_default=False)], json: bool = Json
) -> None:
    """After a contract or lookup was mended: check the held rows again and publish those that pass now, once."""
    from civicops.orchestrate.quarantine import held_counts, release_held  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    product, _, dataset = name.partition(".")
    if dataset:
        workspace.product(product).contract(dataset)
    with bars(quiet=json) as progress:
        outcome = release_held(workspace, product, progress=progress)
    if json:
        as_json(outcome)
        return
    rows = [(i.dataset, i.before, i.after, i.released) for i in outcome.datasets if dataset in ("", i.dataset)]
    table(("dataset", "held before", "held now", "let in"), rows, right=("held before", "held now", "let in"))
    say(f"{sum(i.released for i in outcome.datasets):,} rows were let in.")
    left = held_counts(workspace, product)
    next_step(f"civicops quarantine show {product}.{left[0].dataset}" if left else f"civicops release list {product}")
