"""Commands about the portal: serving it alone, accounts, and the same pages as files.

Belongs here: portal serve, portal account, export site, export sheets. Does not belong here: the portal (`civicops.portal`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from civicops.cli.output import Json, as_json, next_step, say
from civicops.errors import CivicopsError

app = typer.Typer(no_args_is_help=True, help="The web pages: serve them alone, make accounts.")
export = typer.Typer(no_args_is_help=True, help="Write what is public for others to serve.")


@app.callback()
def portal() -> None:
    """The web pages: serve them alone, make accounts."""


@export.callback()
def exports() -> None:
    """Write what is public for others to serve."""


@app.command("serve")
def serve(
    port: Annotated[
        int,
        typer.Option(help="Port; the setting of civicops.toml when left out.", min=0, max=65535, show_default=False),
    ] = 0,
    host: Annotated[str, typer.Option(help="Address; the setting when left out.", show_default=False)] = "",
    samples: Annotated[
        bool, typer.Option("--samples", help="Make made-up accounts and print their passwords; on this machine only.")
    ] = False,
) -> None:
    """Serve the portal until Ctrl-C, without the scheduler."""
    from civicops.portal.server import serve as run  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    settings = workspace.settings.portal
    run(workspace, host=host or settings.host, port=port or settings.port, samples=samples, say=say)


@app.command("account")
def account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the person signs in with.", show_default=False)],
    role: Annotated[str, typer.Option(help="viewer, contributor, steward, admin or none.")] = "viewer",
    auditor: Annotated[bool, typer.Option("--auditor", help="The account may see the audit log too.")] = False,
    json: bool = Json,
) -> None:
    """Make an account with a random password, or give an existing one a new password and role."""
    from civicops.contracts.problems import nearest  # noqa: PLC0415
    from civicops.portal.pages import ROLES  # noqa: PLC0415
    from civicops.portal.server import prepare  # noqa: PLC0415
    from civicops.release.history import who_acts  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    known = next((one for one in ROLES if one == role), None)
    if known is None and role != "none":
        raise CivicopsError(f"There is no role '{role}'.", hint=f"{nearest(role, ROLES)}.")
    prepare(Workspace.find())
    from civicops.portal.accounts import make_account  # noqa: PLC0415 - needs a configured Django

    _, password = make_account(name, known, by=who_acts(), audits=auditor)
    if json:
        as_json({"account": name, "role": role, "auditor": auditor, "password": password})
        return
    words = f"{'has no role' if known is None else f'is a {role}'}{' and an auditor' if auditor else ''}"
    say(f"{name} {words}. The password, shown once: {password}")
    next_step("give it to them, and let them sign in at /accounts/login/")


@export.command("site")
def site(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; replaced if we wrote it before.")],
    base_url: Annotated[
        str,
        typer.Option(
            "--base-url", metavar="URL", help="Where it will stand; data.json needs it. The setting when left out."
        ),
    ] = "",
    json: bool = Json,
) -> None:
    """Write the public pages, their files and the current public data as a folder that any web server can serve."""
    from civicops.portal.settings import configure  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    _ = workspace.products  # a site that lacks a product because of a typo in a contract is refused, not written
    configure(workspace)
    from civicops.portal.export import export_site  # noqa: PLC0415 - needs a configured Django

    done = export_site(workspace, out.resolve(), (lambda _text: None) if json else say, address=base_url)
    if json:
        as_json(done)
        return
    say(f"{done.pages} pages and {done.files} files, {done.size_bytes / 1e6:,.1f} MB, in {done.folder}.")
    if done.without:
        say(f"Without data.json, the list for other catalogues. {done.without}")
    next_step(f"python3 -m http.server --directory {out} --bind 127.0.0.1 8080")


@export.command("sheets")
def sheets(
    product: Annotated[
        str, typer.Argument(metavar="PRODUCT", help="The product, by its folder's name.", show_default=False)
    ],
    json: bool = Json,
) -> None:
    """Bring the Google Sheets of a product up to date with its current releases; the same again writes nothing."""
    from dataclasses import asdict  # noqa: PLC0415

    from civicops.orchestrate.sheets import write_sheets  # noqa: PLC0415 - loads an engine
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = write_sheets(workspace, workspace.product(product))
    if json:
        as_json([asdict(one) for one in done])
        return
    for one in done:
        say(
            f"{one.sheet}: {one.written.added:,} rows added, {one.written.changed:,} changed, {one.written.same:,} as they were."
        )
    next_step("open the sheet; columns right of ours are yours, and stay beside their rows")
