"""`civicops contract`: contracts from and to the test files of dbt and Great Expectations.

Belongs here: arguments and sentences. Does not belong here: what one says of the other (`civicops.govern.exchange_*`).
"""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, from_here, next_step, say
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.govern.exchange import Loss

app = typer.Typer(no_args_is_help=True, help="Contracts from and to the test files of other tools.")
TOOLS = ("dbt", "ge")


@app.callback()
def contract() -> None:
    """Contracts from and to the test files of other tools."""


@app.command("import")
def import_(
    tool: Annotated[str, typer.Argument(metavar="dbt|ge", help="Whose file it is.", show_default=False)],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A schema.yml, or the JSON of a suite.", show_default=False)
    ],
    product: Annotated[str, typer.Option("--product", metavar="P", help="The product that gets the contracts.")],
    dataset: Annotated[str, typer.Option(help="One model of the file; for a suite, the dataset's name.")] = "",
    layer: Annotated[str, typer.Option(help="accepted or published; what the file tells, else published.")] = "",
    owner: Annotated[str, typer.Option(help="User name of who answers for it.")] = "",
    purpose: Annotated[str, typer.Option(help="Why the data is kept.")] = "",
    licence: Annotated[str, typer.Option(help="Such as CC0-1.0.")] = "",
    access: Annotated[str, typer.Option(help="public, restricted or internal.")] = "",
    title: Annotated[str, typer.Option(help="What people call the dataset.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a contract that is there.")] = False,
    json: bool = Json,
) -> None:
    """Make contracts of dbt tests or an expectation suite; what cannot be said is listed, what is not known is left blank."""
    from civicops.contracts.problems import nearest  # noqa: PLC0415
    from civicops.govern.exchange import ExchangeError  # noqa: PLC0415 - brings sqlglot
    from civicops.govern.exchange_draft import Asked, write  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    _known(tool)
    if layer not in ("", "accepted", "published"):
        raise CivicopsError(f"There is no layer '{layer}'.", hint=f"{nearest(layer, ('accepted', 'published'))}.")
    workspace = Workspace.find()
    folder = workspace.products_folder / product
    if not folder.is_dir():
        raise CivicopsError(f"There is no product '{product}'.", hint=f"{nearest(product, workspace.product_names)}.")
    asked = Asked(layer or "published", owner, purpose, licence, access, title)
    if tool == "dbt":
        from civicops.govern.exchange_dbt_in import from_dbt  # noqa: PLC0415

        found = from_dbt(file, product, asked, layer_given=bool(layer), only=dataset)
    else:
        from civicops.govern.exchange_ge_in import from_ge  # noqa: PLC0415

        found = (from_ge(file, product, asked, layer_given=bool(layer), dataset=dataset),)
    contracts = folder / "contracts"
    there = [contracts / f"{one.dataset}.yaml" for one in found if (contracts / f"{one.dataset}.yaml").exists()]
    if there and not force:
        # Before the first is written: all of a file's contracts or none.
        raise ExchangeError(
            f"{there[0]} exists already.",
            hint="Choose one model with --dataset, or replace what is there with --force.",
        )
    made = []
    for one in found:
        path, faults = write(one, contracts, force=force)
        made.append({"dataset": f"{product}.{one.dataset}", "path": str(path), "faults": list(faults)})
    losses = [loss for one in found for loss in one.losses]
    if json:
        as_json({"contracts": made, "lost": losses})
        return
    for item in made:
        left = len(item["faults"])
        say(f"{item['path']}: {f'{left} to fill in or mend' if left else 'complete'}")
        for fault in item["faults"]:
            say(f"  {fault}")
    _show(losses, f"in {file}")
    if any(item["faults"] for item in made):
        next_step("fill in the lines named above; civicops plan then shows what the contract would hold back.")
    else:
        next_step("civicops plan shows what the contract would hold back.")


@app.command("export")
def export(
    tool: Annotated[str, typer.Argument(metavar="dbt|ge", help="For whom.", show_default=False)],
    name: Annotated[
        str, typer.Argument(metavar="PRODUCT[.DATASET]", help="All contracts, or one.", show_default=False)
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="PATH", help="File for dbt, folder for suites; else printed.")
    ] = "",
    json: bool = Json,
) -> None:
    """Write contracts as dbt tests (a schema.yml) or expectation suites (a JSON file each), and list what they do not say."""
    from civicops.govern.exchange import Source  # noqa: PLC0415 - brings sqlglot
    from civicops.workspace import Workspace  # noqa: PLC0415

    _known(tool)
    workspace = Workspace.find()
    owner, _, dataset = name.partition(".")
    product = workspace.product(owner)
    contracts = (product.contract(dataset),) if dataset else product.contracts
    sources = [Source(one, product.lookup_values(one)) for one in contracts]
    files, losses = _dbt(sources) if tool == "dbt" else _ge(sources)
    target = Path(out) if out else None
    if target is not None:
        _write(files, target, folder=tool == "ge")
    if json:
        paths = [str(target / key) if tool == "ge" else str(target) for key in files] if target else []
        as_json({"files": paths, "documents": {} if target else files, "lost": losses})
        return
    if target is None:
        for text in files.values():
            say(text)
    _show(losses, "there", err=target is None)
    if target is not None:
        say(f"{len(contracts)} contract{'s' if len(contracts) != 1 else ''} in {target}.")
        next_step(
            "put it beside the models; its tests need the packages dbt_utils and dbt_expectations."
            if tool == "dbt"
            else "read a suite with ExpectationSuite(**json.load(file)) and add it to your context."
        )


def _dbt(sources: Any) -> tuple[dict[str, str], list[Loss]]:
    import yaml  # noqa: PLC0415

    from civicops.govern.exchange_dbt_out import to_dbt  # noqa: PLC0415

    data, losses = to_dbt(sources)
    return {"schema.yml": yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)}, list(losses)


def _ge(sources: Any) -> tuple[dict[str, str], list[Loss]]:
    from civicops.govern.exchange_ge_out import to_ge  # noqa: PLC0415

    files: dict[str, str] = {}
    lost: list[Loss] = []
    for source in sources:
        suite, losses = to_ge(source)
        files[f"{source.contract.id}.json"] = dumps(suite, indent=2, ensure_ascii=False) + "\n"
        lost += losses
    return files, lost


def _write(files: dict[str, str], target: Path, *, folder: bool) -> None:
    if folder:
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (target / name if folder else target).write_text(text, encoding="utf-8")


def _known(tool: str) -> None:
    from civicops.contracts.problems import nearest  # noqa: PLC0415

    if tool not in TOOLS:
        raise CivicopsError(f"There is no exchange with '{tool}'.", hint=f"{nearest(tool, TOOLS)}.")


def _show(losses: list[Loss], where: str, *, err: bool = False) -> None:
    whole = sum(bool(loss.check) for loss in losses)
    head = f"Lost: {whole} checks and {len(losses) - whole} parts that could not be said {where}."
    lines = [head, *(f"  {from_here(str(loss))}" for loss in losses)] if losses else ["Nothing was lost."]
    for line in lines:
        typer.echo(line, err=err)
