"""Commands about personal data: what contracts declare, what nobody declared, and the keys of hashes.

Belongs here: personal scan, classes, keys. Does not belong here: what is taken for personal data (`civicops.govern`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from civicops.cli.output import Json, as_json, next_step, say, table
from civicops.errors import CivicopsError

app = typer.Typer(
    no_args_is_help=True, help="Personal data: look for what nobody declared, list what is declared, keys of hashes."
)


@app.command("scan")
def scan(
    name: Annotated[str, typer.Argument(metavar="[PRODUCT[.DATASET]]", help="Only this product or dataset.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is expected, and what is too little to count.")
    ] = False,
    json: bool = Json,
) -> None:
    """Look for personal data that no contract declares, in accepted rows and releases; ends with 1 when there are any.

    No value is shown, at most its shape.
    """
    from civicops.govern.personal_scan import LABELS, counting  # noqa: PLC0415 - every command loads only what it needs
    from civicops.orchestrate.personal_asked import scan_workspace  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    product, _, dataset = name.partition(".")
    products = (workspace.product(product),) if product else workspace.products
    if dataset:
        products[0].contract(dataset)
    found = scan_workspace(workspace, products, dataset)
    counted = counting(found)
    shown = found if everything else counted
    if json:
        as_json(shown)
    else:
        rows = [
            (
                f"{i.dataset}.{i.column}",
                LABELS[i.kind],
                i.values,
                i.rows,
                f"{i.share:.1%}",
                ", ".join(i.shapes),
                i.reason or i.status,
            )
            for i in shown
        ]
        if rows:
            table(
                ("column", "looks like", "values", "rows", "looked at", "shape", ""),
                rows,
                right=("values", "rows", "looked at"),
            )
        say(f"{len(counted)} undeclared finds in {len({i.dataset for i in counted})} datasets.")
        next_step("docs/howto/protect-people.md says what to do" if counted else "civicops personal classes")
    if counted:
        raise typer.Exit(1)


@app.command("classes")
def classes(
    product: Annotated[str, typer.Argument(metavar="[PRODUCT]", help="Only this product.")] = "", json: bool = Json
) -> None:
    """List the columns declared to hold personal data, what is done to them and which releases their values reach."""
    from civicops.govern.personal_classes import declared  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    found = declared(workspace, (workspace.product(product),) if product else workspace.products)
    if json:
        as_json(found)
        return
    rows = [
        (
            f"{i.dataset}.{i.column}",
            i.access,
            i.pii_class if not i.expected else f"expected: {', '.join(i.expected)}",
            "; ".join(i.treatments) or i.reason or "-",
            ", ".join(i.flows_to) or "-",
        )
        for i in found
    ]
    if rows:
        table(("column", "access", "class", "treatment or reason", "reaches"), rows)
    say(f"{len(found)} columns are declared.")
    next_step("civicops personal scan")


@app.command("keys")
def keys(
    destroy: Annotated[str, typer.Option(metavar="PRODUCT/KEY", help="Destroy this key, such as people/2026-Q3.")] = "",
    rotate: Annotated[
        str, typer.Option(metavar="PRODUCT", help="Destroy the product's keys in use; its next run makes others.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    json: bool = Json,
) -> None:
    """List the keys that hashes in releases are made with; destroy one, or end those in use before their time.

    Once a key is destroyed nobody can say any more which value a hash stands for. It cannot be undone.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from civicops.release.keys import HashKeys  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    store = HashKeys(workspace.folder("keys"))
    if destroy or rotate:
        product, _, wanted = destroy.partition("/") if destroy else (workspace.product(rotate).name, "", "")
        today = datetime.now(UTC).date()
        chosen = [
            key
            for key in store.all()
            if key.product == product and not key.is_destroyed and (key.id == wanted if destroy else key.ends > today)
        ]
        if not chosen:
            raise CivicopsError(
                f"There is no such key: {destroy or rotate}.", hint="`civicops personal keys` lists them."
            )
        names = ", ".join(f"{key.product}/{key.id}" for key in chosen)
        if not yes:
            typer.confirm(f"Destroy {names}? It cannot be undone.", abort=True)
        for key in chosen:
            store.destroy(key)
        if not json:
            say(f"Destroyed: {names}.")
    found = list(store.all())
    if json:
        as_json([{"product": k.product, "id": k.id, "ends": k.ends, "is_destroyed": k.is_destroyed} for k in found])
        return
    if found:
        rows = [(k.product, k.id, k.ends, "destroyed" if k.is_destroyed else "kept") for k in found]
        table(("product", "key", "period ends", "state"), rows)
    else:
        say("No release has hashed anything yet.")
    next_step(f"civicops run {rotate}" if rotate else "civicops personal classes")
