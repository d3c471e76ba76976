"""`civicops export catalogue`: what is published, described for others.

Belongs here: arguments, writing files, sentences. Does not belong here: the descriptions (`civicops.govern.catalogue_*`).
"""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, from_here, next_step, say
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.govern.catalogue import Item
    from civicops.govern.exchange import Loss
    from civicops.workspace import Workspace

FORMATS = ("dcat-us", "frictionless", "odcs")


def catalogue(
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="dcat-us, frictionless or odcs.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Folder to write into.")] = Path("catalogue"),
    base_url: Annotated[
        str, typer.Option("--base-url", metavar="URL", help="Where the portal or the exported site stands.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Describe restricted datasets too, without their data.")
    ] = False,
    portal: Annotated[
        bool, typer.Option("--portal", help="A portal stands there: it has an interface and every format.")
    ] = False,
    json: bool = Json,
) -> None:
    """Describe the current public releases for other catalogues: DCAT-US 3.0, a Frictionless data package, or ODCS contracts."""
    from civicops.contracts.problems import nearest  # noqa: PLC0415
    from civicops.govern.catalogue import CatalogueError, items  # noqa: PLC0415 - brings pyarrow
    from civicops.release.store import ReleaseStore  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    if form not in FORMATS:
        raise CivicopsError(f"There is no format '{form}'.", hint=f"{nearest(form, FORMATS)}.")
    workspace = Workspace.find()
    store = ReleaseStore(workspace.folder("releases"))
    products = [workspace.product(name) for name in workspace.product_names]
    found = items(products, store, everything=everything)
    if not found:
        raise CatalogueError("There is no dataset to tell of.", hint="civicops run PRODUCT publishes one.")
    losses: list[Loss] = []
    match form:
        case "dcat-us":
            files = {"data.json": _dcat(workspace, found, base_url, portal=portal)}
        case "frictionless":
            files = _package(workspace, found, base_url, out)
        case _:
            files, losses = _contracts(found)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    paths = [str(out / name) for name in files]
    if json:
        as_json({"files": paths, "datasets": [item.id for item in found], "lost": losses})
        return
    say(f"{len(found)} datasets in {', '.join(paths) if len(paths) < 4 else f'{len(paths)} files in {out}'}.")
    if losses:
        whole = sum(bool(loss.check) for loss in losses)
        say(f"Only a sentence in the standard: {whole} checks; {len(losses) - whole} are said in part.")
        for loss in losses:
            say(f"  {from_here(str(loss))}")
    next_step(_NEXT[form])


_NEXT = {
    "dcat-us": "put data.json where the site stands; civicops export site --base-url URL and the portal have it already.",
    "frictionless": "any Frictionless tool reads it: frictionless validate datapackage.json",
    "odcs": "any tool of the Open Data Contract Standard reads the files.",
}


def _dcat(workspace: Workspace, found: tuple[Item, ...], base_url: str, *, portal: bool) -> str:
    from civicops.govern.catalogue import Teller  # noqa: PLC0415
    from civicops.govern.catalogue_dcat import as_text, dcat_us  # noqa: PLC0415
    from civicops.release.store import ReleaseStore  # noqa: PLC0415

    teller = Teller.of(workspace.settings, base_url, answers=portal)
    return as_text(dcat_us(found, teller, ReleaseStore(workspace.folder("releases"))))


def _package(workspace: Workspace, found: tuple[Item, ...], base_url: str, out: Path) -> dict[str, str]:
    from civicops.govern.catalogue_package import copy_files, data_package  # noqa: PLC0415

    organisation = workspace.settings.workspace.organisation
    package = data_package(found, organisation=organisation, address=f"{base_url.rstrip('/')}/" if base_url else "")
    if not base_url:
        copy_files(found, out)
    return {"datapackage.json": dumps(package, indent=2, ensure_ascii=False) + "\n"}


def _contracts(found: tuple[Item, ...]) -> tuple[dict[str, str], list[Any]]:
    import yaml  # noqa: PLC0415

    from civicops.govern.catalogue_odcs import strict_odcs  # noqa: PLC0415
    from civicops.govern.exchange import Source  # noqa: PLC0415

    files: dict[str, str] = {}
    lost: list[Loss] = []
    for item in found:
        data, losses = strict_odcs(Source(item.contract, item.product.lookup_values(item.contract)))
        files[f"{item.id}.yaml"] = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
        lost += losses
    return files, lost
