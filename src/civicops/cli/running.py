"""Commands that run products and say how they are.

Belongs here: products, run, status, diagnose, up. Does not belong here: how a run works (`civicops.orchestrate`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, bars, next_step, say, table
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.runs import RunRecord
    from civicops.workspace import Workspace as AWorkspace

Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="The name of a product's folder.", show_default=False)]


def products(json: bool = Json) -> None:
    """List the products of this workspace, each after those it reads, and how their last run went."""
    from civicops.orchestrate.order import circles, ordered, refuse_circles  # noqa: PLC0415
    from civicops.orchestrate.sweeping import sweep_all  # noqa: PLC0415
    from civicops.runs import RunLog  # noqa: PLC0415 - every command loads only what it needs
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    sweep_all(workspace)
    runs = RunLog(workspace.folder("runs"))
    found: list[dict[str, Any]] = []
    # What reads itself in a circle has no order; it is listed all the same, and said after it.
    for product in workspace.products if circles(workspace.products) else ordered(workspace.products):
        last = next(runs.runs(product.name), None)
        found.append({
            "product": product.name, "title": product.file.title, "stage": product.file.stage, "owner": product.file.owner,
            "datasets": [contract.dataset for contract in product.published],
            "last_run": last.status if last else None, "at": last.started_at if last else None,
        })  # fmt: skip
    if json:
        as_json(found)
        refuse_circles(workspace.products)
        return
    rows = [
        (i["product"], i["title"], i["stage"], i["last_run"] or "never run", (i["at"] or "")[:19].replace("T", " "))
        for i in found
    ]
    table(("product", "title", "stage", "last run", "at (UTC)"), rows)
    refuse_circles(workspace.products)
    next_step("civicops run PRODUCT" if found else "civicops new product NAME")


def run(
    product: Product,
    full: Annotated[bool, typer.Option("--full", help="Fetch every source as a whole again.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while another run of the product goes on.")] = False,
    json: bool = Json,
) -> None:
    """Fetch, check, build and publish a product now."""
    from civicops.orchestrate.running import run_product  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    with bars(quiet=json) as progress:
        record = run_product(workspace, product, full=full, wait=-1 if wait else 0, progress=progress)
    if json:
        as_json(record)
        return
    show_run(record)
    for contract in workspace.product(product).published:
        if contract.restricted_because:
            say(f"{contract.id} says public and is restricted: {contract.restricted_because}. See: civicops ethics")
    if record.status == "unchanged":
        next_step(f"civicops release list {product}")
    else:
        next_step(f"civicops release path {product}.{next(iter(record.released), 'DATASET')}")


def show_run(record: Any) -> None:
    """Print what a run did."""
    if record.status == "unchanged":
        say(f"{record.product}: {record.message}")
        return
    fetched = [item for item in record.sources if item["new"]]
    if record.sources:
        say(
            f"Fetched {sum(item['new_rows'] for item in fetched):,} rows from {len(fetched)} of {len(record.sources)} sources."
        )
    accepted = [item for item in record.datasets if item["layer"] == "accepted"]
    published = [item for item in record.datasets if item["layer"] == "published"]
    rows = [
        (i["dataset"], i["rows_in"], i["accepted"], i["quarantined"], sum(i["ignored"].values()), i["missing"])
        for i in accepted
    ]
    numbers = ("rows in", "accepted", "quarantined", "ignored", "missing")
    if rows:
        table(("checked", *numbers), rows, right=numbers)
    broken = [
        check for item in record.datasets for check in item["checks"] if check["broken"] or check["outcome"] != "passed"
    ]
    if broken:
        say(f"\nWhat was wrong ({len(broken)} of {sum(len(i['checks']) for i in record.datasets)} checks):")
        shown = sorted(broken, key=lambda check: -check["broken"])
        table(
            ("dataset", "check", "rows", "what happens", "meaning"),
            [(c["dataset"], c["check_id"], c["broken"], c["action"], c["detail"] or c["description"]) for c in shown],
            right=("rows",),
        )
    table(
        ("\npublished", "rows", "release"),
        [(i["dataset"], i["rows"], record.released.get(i["dataset"], "")) for i in published],
        right=("rows",),
    )
    for kind, filed in record.asked.items():
        counted = ", ".join(f"{number:,} {word}" for word, number in filed.items() if number) or "none"
        say(f"Asked people, {record.product}.{kind}: {counted}.")
    say(f"\nSteps: {', '.join(f'{name} {seconds:.1f} s' for name, seconds in record.steps.items())}.")


def status(
    product: Annotated[str, typer.Argument(metavar="[PRODUCT]", help="Only this product.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many runs to show.", min=1)] = 10,
    run: Annotated[str, typer.Option(help="Everything about one run, however old.", show_default=False)] = "",
    json: bool = Json,
) -> None:
    """Show the newest runs and what stopped those that failed; with --run, everything that one of them did."""
    from itertools import islice  # noqa: PLC0415

    from civicops.orchestrate.sweeping import sweep_all  # noqa: PLC0415
    from civicops.runs import RunLog  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    if product:
        workspace.product(product)
    sweep_all(workspace)
    if run:
        _show_one(run_of(workspace, run, product), json)
        return
    found = list(islice(RunLog(workspace.folder("runs")).runs(product or None), limit))
    if json:
        as_json(found)
        return
    rows = [
        (
            i.started_at[:19].replace("T", " "),
            i.product,
            i.status,
            i.trigger,
            f"{sum(i.steps.values()):.1f} s",
            i.run_id,
            i.message,
        )
        for i in found
    ]
    table(("at (UTC)", "product", "status", "by", "took", "run", "why"), rows)
    if _say_incidents(workspace, product):
        next_step("civicops incidents list")
        return
    failed = next((i for i in found if i.status == "failed"), None)
    if not found:
        next_step("civicops run PRODUCT")
    elif found[0].status == "failed" and failed is not None and failed.hint:
        next_step(failed.hint)
    else:
        next_step(f"civicops release list {found[0].product}")


def run_of(workspace: AWorkspace, run_id: str, product: str = "") -> RunRecord:
    """The run of that id. Raises `CivicopsError` when there is none, or it is not one of `product`."""
    from civicops.runs import RunLog  # noqa: PLC0415

    found = RunLog(workspace.folder("runs")).find(run_id)
    if found is None or product not in ("", found.product):
        of = f" of {product}" if product else ""
        raise CivicopsError(f"There is no run '{run_id}'{of}.", hint=f"`civicops status {product}` lists the newest.")
    return found


def _show_one(found: RunRecord, json: bool) -> None:
    if json:
        as_json(found)
        return
    say(f"{found.run_id}: {found.status}, begun {found.started_at[:19].replace('T', ' ')} UTC by {found.trigger}")
    if found.status == "failed":
        say(f"{found.message} {found.hint}".strip())
    if found.status != "unchanged":
        show_run(found)
    else:
        say(found.message)
    held = next((item["dataset"] for item in found.datasets if item.get("quarantined")), None)
    if held:
        next_step(f"civicops quarantine show {found.product}.{held} --run {found.run_id}")
    else:
        next_step(f"civicops history {found.product}")


def _say_incidents(workspace: AWorkspace, product: str) -> bool:
    """Print the open incidents, if there are any; the database is opened only then."""
    from civicops.observe.watch import products_with_incidents  # noqa: PLC0415

    with_some = products_with_incidents(workspace)
    if not with_some or (product and product not in with_some):
        return False
    from civicops.cli.observing import open_incidents  # noqa: PLC0415

    found = [item for item in open_incidents(workspace) if product in ("", item.product)]
    if found:
        say()
        rows = [(i.id, i.severity, i.state, i.title) for i in found]
        table(("incident", "severity", "state", "what"), rows)
    return bool(found)


def diagnose(product: Product, json: bool = Json) -> None:
    """Look for what is wrong or about to be: settings, sources, catalogue, last run, releases."""
    from civicops.orchestrate.diagnosing import diagnose_product  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    findings = diagnose_product(Workspace.find(), product)
    if json:
        as_json(findings)
    else:
        table(("", "what", "finding"), [(i.mark, i.what, i.text) for i in findings])
    bad = [finding for finding in findings if finding.mark != "ok"]
    if not json:
        next_step(bad[0].hint if bad and bad[0].hint else f"civicops run {product}")
    if any(finding.mark == "bad" for finding in findings):
        raise typer.Exit(1)


def up(
    port: Annotated[int, typer.Option(help="Port of Dagster's pages on this machine.", min=1024, max=65535)] = 3000,
    portal_port: Annotated[
        int,
        typer.Option(
            help="Port of the portal; the setting of civicops.toml when left out.", min=0, max=65535, show_default=False
        ),
    ] = 0,
) -> None:
    """Start the portal, the scheduler and the scheduler's pages until Ctrl-C."""
    from civicops.orchestrate.serving import serve  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    code = serve(workspace, port=port, portal_port=portal_port or workspace.settings.portal.port, say=say)
    if code:
        raise CivicopsError("One of the programs ended by itself.", hint="Its last lines above say why.")
