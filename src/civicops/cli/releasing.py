"""Commands about releases.

Belongs here: release list, path, diff, rollback, prune. Does not belong here: how releases are kept (`civicops.release`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table
from civicops.errors import CivicopsError

app = typer.Typer(no_args_is_help=True, help="Published versions: list, find, compare, roll back, prune.")

Dataset = Annotated[
    str, typer.Argument(metavar="PRODUCT.DATASET", help="Such as requests_311.requests.", show_default=False)
]


def _store() -> Any:
    from civicops.release.store import ReleaseStore  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    return ReleaseStore(Workspace.find().folder("releases"))


def _split(name: str) -> tuple[str, str]:
    product, dot, dataset = name.partition(".")
    if not dot or not dataset:
        raise CivicopsError(
            f"'{name}' names no dataset.", hint="Write it as PRODUCT.DATASET, such as requests_311.requests."
        )
    return product, dataset


@app.command("list")
def list_releases(
    name: Annotated[
        str, typer.Argument(metavar="PRODUCT[.DATASET]", help="A product or one of its datasets.", show_default=False)
    ],
    json: bool = Json,
) -> None:
    """List the versions of a dataset, or the current ones of a product."""
    store = _store()
    product, _, dataset = name.partition(".")
    current = {release.dataset: release.version for release in store.snapshot(product).values()}
    datasets = [dataset] if dataset else sorted(store.datasets(product))
    found = []
    for item in datasets:
        for release in store.versions(product, item):
            is_current = current.get(item) == release.version
            if dataset or is_current:
                resource = release.package()["resources"][0]
                found.append({
                    "dataset": item, "version": release.version, "current": is_current, "rows": resource.get("rowcount"),
                    "bytes": resource.get("bytes"), "path": str(release.path),
                })  # fmt: skip
    if json:
        as_json(found)
        return
    if not found:
        raise CivicopsError(
            f"There is no release of {name}.", hint=f"Run `civicops run {product}` to make the first one."
        )
    rows = [(i["dataset"], i["version"], "current" if i["current"] else "", i["rows"], i["bytes"]) for i in found]
    table(("dataset", "version", "", "rows", "bytes"), rows, right=("rows", "bytes"))
    next_step(f"civicops release path {product}.{found[-1]['dataset']}")


@app.command("path")
def path(
    name: Dataset,
    version: Annotated[str, typer.Option(help="A version other than the current one.")] = "",
    json: bool = Json,
) -> None:
    """Print the folder of the current release, and nothing else."""
    product, dataset = _split(name)
    found = _store().find(product, dataset, version or None)
    if json:
        as_json({"dataset": name, "version": found.version, "path": str(found.path)})
    else:
        say(str(found.path))


@app.command("diff")
def diff(
    name: Dataset,
    old: Annotated[
        str, typer.Argument(metavar="A", help="The older version; the one before the current when left out.")
    ] = "",
    new: Annotated[str, typer.Argument(metavar="B", help="The newer version; the current one when left out.")] = "",
    sample: Annotated[int, typer.Option(help="How many rows of each kind to show.", min=0)] = 5,
    json: bool = Json,
) -> None:
    """Show which keys two versions add, remove and change, column by column."""
    import duckdb  # noqa: PLC0415

    from civicops.release.diff import diff as compare  # noqa: PLC0415

    product, dataset = _split(name)
    store = _store()
    newer = store.find(product, dataset, new or None)
    versions = store.versions(product, dataset)
    before = [release for release in versions if release.version < newer.version]
    if not old and not before:
        raise CivicopsError(f"{name} has only one version.", hint="There is nothing to compare it with yet.")
    older = store.find(product, dataset, old or before[-1].version)
    found = compare(duckdb.connect(), older, newer, sample=sample)
    if json:
        as_json(found)
        return
    say(f"{name}: {older.version} -> {newer.version}")
    from civicops.cli.differences import show  # noqa: PLC0415

    show(found)
    next_step(f"civicops release rollback {name}")


@app.command("rollback")
def rollback_release(
    name: Annotated[
        str, typer.Argument(metavar="PRODUCT[.DATASET]", help="All of a product, or one dataset.", show_default=False)
    ],
    to: Annotated[str, typer.Option(help="The version to go back to; the one before when left out.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: bool = Json,
) -> None:
    """Make an earlier version the current one again; it takes a moment and is recorded."""
    from civicops.orchestrate.auditing import after_switch  # noqa: PLC0415
    from civicops.release.rollback import rollback  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    product, _, dataset = name.partition(".")
    switch = rollback(_store(), product, dataset or None, to=to or None, reason=reason)
    wrong = after_switch(Workspace.find())
    if json:
        as_json(switch.to_json())
        return
    changed = {key: value for key, value in switch.after.items() if switch.before.get(key) != value}
    if wrong:
        say(wrong)
    table(("dataset", "was", "is now"), [(key, switch.before.get(key, ""), value) for key, value in changed.items()])
    next_step(f"civicops release diff {product}.{next(iter(changed), 'DATASET')}")


@app.command("prune")
def prune_releases(
    name: Annotated[str, typer.Argument(metavar="[PRODUCT]", help="Only this product.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: bool = Json,
) -> None:
    """Remove old releases as the workspace's [retention] says."""
    from civicops.release.prune import Retention, apply, plan_prune  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    settings = Workspace.find().settings.retention
    retention = Retention(newest=settings.keep_newest, months=None if settings.keep_monthly else 0)
    store = _store()
    plans = [plan_prune(store, product, retention) for product in ([name] if name else store.products())]
    remove = [release for plan in plans for release in plan.remove]
    if not dry_run:
        for plan in plans:
            apply(store, plan)
    if json:
        as_json({"dry_run": dry_run, "removed": [f"{r.product}.{r.dataset} {r.version}" for r in remove]})
        return
    table(("dataset", "version"), [(f"{r.product}.{r.dataset}", r.version) for r in remove])
    freed = sum(plan.bytes_freed for plan in plans)
    say(f"{len(remove)} releases {'would go' if dry_run else 'are gone'}, {freed / 1e6:,.1f} MB.")
    next_step("civicops release prune" if dry_run and remove else "civicops products")
