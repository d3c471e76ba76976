"""Commands about tables that somebody has: look at them, take them in.

Belongs here: import suggest, preview, add, undo. Does not belong here: reading tables (`civicops.ingest.tables`), what a run does
with the rows afterwards.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from civicops.cli.output import Json, as_json, fail, next_step, say, table

if TYPE_CHECKING:
    from civicops.contracts import Contract
    from civicops.orchestrate.importing import Preview
    from civicops.workspace import Product, Workspace

app = typer.Typer(no_args_is_help=True, help="Tables from partners (CSV, XLSX, JSON): look at one, take it in.")

Name = Annotated[str, typer.Argument(metavar="PRODUCT.DATASET", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
Columns = Annotated[
    Path | None,
    typer.Option(help="A layout in a file of its own, not a lookup of the product; --layout names it then."),
]
Sheet = Annotated[str, typer.Option(help="Sheet of an XLSX file; the first unless given.")]


@app.command("suggest")
def suggest(name: Name, file: File, sheet: Sheet = "", json: bool = Json) -> None:
    """Say which layout fits a file, and which field each of its columns may be."""
    from civicops.orchestrate.importing import choose_layout, suggestions_for  # noqa: PLC0415

    _, product, contract = _named(name)
    best = choose_layout(product, contract, file, sheet=sheet)
    found = suggestions_for(product, contract, file, sheet=sheet)
    if json:
        from civicops.ingest.tables.read import open_table, sheets_of  # noqa: PLC0415

        as_json({
            "layout": best[0].code if best else None,
            "known_share": best[1] if best else 0,
            "columns": found,
            "header": open_table(file, sheet=sheet).header,
            "sheets": sheets_of(file),
        })  # fmt: skip
        return
    table(
        ("column", "field", "score", "because of"),
        [(i.column, i.field, i.score, i.because) for i in found],
        right=("score",),
    )
    if best and best[1] > 0:
        say(f"Layout '{best[0].code}' knows {best[1]:.0%} of the columns.")
        next_step(f"civicops import preview {name} {file} --layout {best[0].code} --list NAME")
    else:
        next_step("write lookups/layout_NAME.csv with these lines, then: civicops import preview")


@app.command("preview")
def preview(
    name: Name,
    file: File,
    layout: Annotated[str, typer.Option(help="How its columns are read: lookups/layout_<this>.csv.")],
    list_code: Annotated[str, typer.Option("--list", help="Name of the list; the layout's unless given.")] = "",
    sheet: Sheet = "",
    columns: Columns = None,
    json: bool = Json,
) -> None:
    """Say what a file would give, row by row where something is wrong, without changing anything."""
    from civicops.orchestrate.gathering import gathering  # noqa: PLC0415
    from civicops.orchestrate.importing import preview as look  # noqa: PLC0415

    workspace, product, contract = _named(name)
    given = gathering(workspace, product, _now())
    done = look(
        workspace,
        product,
        contract,
        file,
        layout=layout,
        list_code=list_code or layout,
        given=given,
        sheet=sheet,
        columns=columns,
    )
    if json:
        as_json({**asdict(done), "can_be_imported": done.can_be_imported})
    else:
        _show(done)
        if done.can_be_imported:
            next_step(f"civicops import add {name} {file} --layout {layout} --list {done.list_code}")
    if not done.can_be_imported:
        raise typer.Exit(1)


@app.command("add")
def add(
    name: Name,
    file: File,
    layout: Annotated[str, typer.Option(help="How its columns are read: lookups/layout_<this>.csv.")],
    list_code: Annotated[str, typer.Option("--list", help="Name of the list; the layout's unless given.")] = "",
    sheet: Sheet = "",
    columns: Columns = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as preview.")] = False,
    json: bool = Json,
) -> None:
    """Take a file in as the rows of one list, in place of those it had; the next run checks and cleans them."""
    if dry_run:
        preview(name, file, layout, list_code, sheet, columns, json)
        return
    from civicops.orchestrate.lists import add_list  # noqa: PLC0415

    workspace, product, contract = _named(name)
    done = add_list(
        workspace,
        product,
        contract,
        file,
        layout=layout,
        list_code=list_code or layout,
        sheet=sheet,
        columns=columns,
    )
    if json:
        as_json(done)
        return
    _problems(done)
    say(f"{done.usable:,} of {done.rows:,} rows are in list '{done.list_code}'.")
    next_step(f"civicops run {product.name}  (or, if it was a mistake: civicops import undo {name} {done.list_code})")


@app.command("undo")
def undo(
    name: Name,
    list_code: Annotated[str, typer.Argument(metavar="LIST", show_default=False)],
    json: bool = Json,
) -> None:
    """Give a list the rows it had before the file that was added last; one that was new goes."""
    from civicops.orchestrate.lists import undo_list  # noqa: PLC0415

    workspace, product, contract = _named(name)
    rows = undo_list(workspace, product, contract, list_code)
    if json:
        as_json({"list": list_code, "rows": rows})
        return
    say(f"List '{list_code}' has the {rows:,} rows it had before." if rows else f"List '{list_code}' is gone again.")
    next_step(f"civicops run {product.name}")


def _named(name: str) -> tuple[Workspace, Product, Contract]:
    """The workspace, and the product and the contract of `PRODUCT.DATASET`."""
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    product_name, _, dataset = name.partition(".")
    product = workspace.product(product_name)
    return workspace, product, product.contract(dataset)


def _show(done: Preview) -> None:
    say(
        f"{done.file}: {done.rows:,} rows, {len(done.header)} columns, layout '{done.layout}', list '{done.list_code}'."
    )
    for text in done.remarks:
        say(f"  {text}")
    _problems(done)
    if done.held:
        table(("the contract would hold back for", "rows"), sorted(done.held.items()), right=("rows",))
    if done.missing:
        more = f" and {len(done.missing) - 8} more" if len(done.missing) > 8 else ""
        say(f"  Columns of the layout that are not there: {', '.join(done.missing[:8])}{more}.")
    if done.unknown:
        known = {item.column: item for item in done.suggestions}
        rows = [(name, known[name].field if name in known else "?") for name in done.unknown]
        table(("unknown column", "may be"), rows)
        fail(
            f"Layout '{done.layout}' does not know {len(done.unknown)} columns.",
            f"Add them to lookups/layout_{done.layout}.csv, or mark them as ignored there with the reason.",
        )
    say(
        f"{done.usable:,} rows can be used: {done.new:,} new, {done.changed:,} changed, {done.same:,} as before; "
        f"{done.gone:,} of the list's rows are not in it any more."
    )


def _problems(done: Preview) -> None:
    shown = done.problems[:20]
    if shown:
        table(
            ("row", "", "what"),
            [(i.number, "not used" if i.is_error else "note", i.message) for i in shown],
            right=("row",),
        )
    if done.problem_count > len(shown):
        say(f"  and {done.problem_count - len(shown):,} more; --json shows up to 50.")


def _now() -> datetime:
    return datetime.now(UTC)
