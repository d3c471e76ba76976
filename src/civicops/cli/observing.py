"""Commands about observation: history, the tick, incidents, announced work, alerts.

Belongs here: history, observe, incidents, maintenance, alerts. Does not belong here: what they do (`civicops.observe`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table
from civicops.errors import CivicopsError

if TYPE_CHECKING:
    from civicops.observe.asking import Incident
    from civicops.observe.tables import Database
    from civicops.workspace import Workspace

observe = typer.Typer(no_args_is_help=True, help="Watch: look at every monitor now.")
incidents = typer.Typer(no_args_is_help=True, help="What is wrong: list, show, acknowledge, resolve.")
maintenance = typer.Typer(no_args_is_help=True, help="Announced work, during which nobody is alerted.")
alerts = typer.Typer(no_args_is_help=True, help="Who is told: test a route, see every attempt.")

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the incident.", show_default=False)]
Who = Annotated[str, typer.Option(help="Who you are; your user name when left out.", show_default=False)]


@observe.callback()
def observing() -> None:
    """Watch: look at every monitor now."""


@incidents.callback()
def about_incidents() -> None:
    """What is wrong: list, show, acknowledge, resolve."""


@maintenance.callback()
def about_maintenance() -> None:
    """Announced work, during which nobody is alerted."""


@alerts.callback()
def about_alerts() -> None:
    """Who is told: test a route, see every attempt."""


def history(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="PRODUCT or PRODUCT.DATASET.", show_default=False)],
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many runs to show.", min=1)] = 20,
    checks: Annotated[bool, typer.Option("--checks", help="Show pass rates of its checks instead.")] = False,
    json: bool = Json,
) -> None:
    """Show what past runs did to a dataset, also those whose releases are pruned."""
    from civicops.observe.watched import history_of  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    name, _, short = dataset.partition(".")
    product = workspace.product(name)
    if short:
        product.contract(short)
    kept = history_of(workspace)
    if checks:
        if not short:
            raise CivicopsError("Checks belong to a dataset.", hint=f"civicops history {name}.DATASET --checks")
        counts = list(kept.check_counts(name, short))[-limit:]
        if json:
            as_json(counts)
            return
        rows = [(c.at[:16].replace("T", " "), c.check_id, c.rows, c.broken, f"{c.pass_rate:.2%}") for c in counts]
        table(("at (UTC)", "check", "rows", "broken", "pass rate"), rows, right=("rows", "broken", "pass rate"))
        next_step(f"civicops history {dataset}")
        return
    lines = kept.observations(name, short)[-limit:]
    if json:
        as_json(lines)
        return
    numbers = ("seconds", "rows in", "accepted", "quarantined", "published", "bytes", "broken")
    shown = [
        (i.at[:16].replace("T", " "), i.status, round(i.seconds, 1), i.rows_in, i.accepted, i.quarantined, i.rows,
         i.size_bytes, i.broken, i.version)
        for i in reversed(lines)
    ]  # fmt: skip
    table(("at (UTC)", "status", *numbers, "release"), shown, right=numbers)
    next_step(f"civicops history {dataset} --checks" if short else f"civicops status {name}")


@observe.command("tick")
def tick(json: bool = Json) -> None:
    """Look at every monitor of every product and send what is due; `civicops up` does so by itself."""
    from civicops.observe.watch import tick as look  # noqa: PLC0415
    from civicops.orchestrate.auditing import after_switch  # noqa: PLC0415
    from civicops.orchestrate.closing import close_releases  # noqa: PLC0415
    from civicops.orchestrate.reviewing import keep_reviews_up  # noqa: PLC0415
    from civicops.orchestrate.sweeping import sweep_all  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    sweep_all(workspace)
    close_releases(workspace)
    after_switch(workspace)
    keep_reviews_up(workspace)
    done = look(workspace)
    _send_weekly(workspace)
    if json:
        as_json(done)
        return
    say(
        f"{done.products} products in {done.seconds:.1f} s; {done.changes} changes; {done.firing} with an open incident; "
        f"{done.sent} messages sent, {done.failed} failed."
    )
    next_step("civicops incidents list" if done.firing else "nothing is open")


@incidents.command("list")
def list_(
    product: Annotated[str, typer.Argument(metavar="[PRODUCT]", help="Only this product.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too, newest first.")] = False,
    json: bool = Json,
) -> None:
    """List incidents, the worst first."""
    from civicops.observe.asking import incidents as ask  # noqa: PLC0415

    workspace, database, now = _opened()
    if product:
        workspace.product(product)
    found = ask(database, workspace, now, every=every, product=product or None)
    if json:
        as_json(found)
        return
    rows = [
        (i.id, i.severity, "in maintenance" if i.maintenance else i.state, i.since.strftime("%Y-%m-%d %H:%M"), i.title,
         ", ".join(i.affected))
        for i in found
    ]  # fmt: skip
    if rows:
        table(("number", "severity", "state", "since (UTC)", "what", "affected"), rows)
    else:
        say("No incident is open." if not every else "There has never been an incident.")
    next_step(f"civicops incidents show {found[0].id}" if found else "civicops status")


@incidents.command("show")
def show(number: Number, json: bool = Json) -> None:
    """Show one incident: what, since when, what to do, everything that happened to it."""
    from civicops.observe.asking import attempts, events, incident  # noqa: PLC0415
    from civicops.observe.messages import about  # noqa: PLC0415

    workspace, database, now = _opened()
    found = incident(database, workspace, number, now)
    happened, tried = events(database, number), attempts(database, number)
    if json:
        as_json({"incident": found, "events": happened, "attempts": tried})
        return
    message = about(workspace, found, "resolved" if found.is_over else "repeat", people=True, now=now)
    say(
        f"Incident {found.id}: {found.state}" + (f" (announced work: {found.maintenance})" if found.maintenance else "")
    )
    say(message.body)
    table(
        ("at (UTC)", "what happened", "who", ""),
        [(e.at.strftime("%Y-%m-%d %H:%M"), e.kind, e.who, e.text) for e in happened],
    )
    if tried:
        told = [(a.at.strftime("%Y-%m-%d %H:%M"), a.route, a.kind, a.is_delivered, a.error) for a in tried]
        table(("at (UTC)", "route", "message", "delivered", "why not"), told)
    next_step("civicops incidents list" if found.is_over else f"civicops incidents ack {number}")


@incidents.command("ack")
def ack(
    number: Number,
    note: Annotated[str, typer.Option(help="What you are going to do.")] = "",
    who: Who = "",
    json: bool = Json,
) -> None:
    """Say that you take care of an incident: it is not repeated any more."""
    from civicops.observe.incidents import acknowledge  # noqa: PLC0415

    workspace, database, now = _opened()
    done = acknowledge(database, number, who or _user(), note, now)
    _logged(workspace)
    _said(done, json, f"Incident {number} is yours.", f'civicops incidents resolve {number} --note "..."')


@incidents.command("resolve")
def resolve(
    number: Number,
    note: Annotated[str, typer.Option(help="What was done, or why it is right as it is.", show_default=False)],
    who: Who = "",
    json: bool = Json,
) -> None:
    """Say that an incident is over; what was found is then taken for how it is now."""
    from civicops.observe.incidents import resolve as end  # noqa: PLC0415

    workspace, database, now = _opened()
    done = end(database, number, who or _user(), note, now)
    _logged(workspace)
    _said(done, json, f"Incident {number} is resolved.", "civicops incidents list")


@maintenance.command("start")
def start(
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help="PRODUCT, PRODUCT.DATASET or all.", show_default=False)],
    hours: Annotated[float, typer.Option(help="How long it takes.", min=0.1, show_default=False)],
    reason: Annotated[str, typer.Option(help="What the work is.", show_default=False)],
    in_hours: Annotated[float, typer.Option(help="Begin so many hours from now.", min=0)] = 0,
    who: Who = "",
    json: bool = Json,
) -> None:
    """Announce work: incidents are kept, but nobody is alerted until it ends."""
    from civicops.observe.asking import announce  # noqa: PLC0415

    workspace, database, now = _opened()
    if scope != "all":
        product, _, dataset = scope.partition(".")
        found = workspace.product(product)
        if dataset:
            found.contract(dataset)
    begins = now + timedelta(hours=in_hours)
    window = announce(
        database,
        scope=scope,
        reason=reason,
        who=who or _user(),
        starts_at=begins,
        ends_at=begins + timedelta(hours=hours),
    )
    _logged(workspace)
    if json:
        as_json(window)
        return
    say(f"Work {window.id} on {scope}: nobody is alerted until {window.ends_at:%Y-%m-%d %H:%M} UTC.")
    next_step(f"civicops maintenance end {window.id}")


@maintenance.command("list")
def windows(json: bool = Json) -> None:
    """List announced work that goes on or is to come."""
    from civicops.observe.asking import windows as ask  # noqa: PLC0415

    _, database, now = _opened()
    found = ask(database, now)
    if json:
        as_json(found)
        return
    form = "%Y-%m-%d %H:%M"
    rows = [(w.id, w.scope, w.starts_at.strftime(form), w.ends_at.strftime(form), w.reason, w.who) for w in found]
    table(("number", "scope", "from (UTC)", "until (UTC)", "reason", "who"), rows)
    next_step("civicops maintenance start SCOPE --hours 2 --reason ...")


@maintenance.command("end")
def end(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number of the work.", show_default=False)],
    json: bool = Json,
) -> None:
    """End announced work now."""
    from civicops.observe.asking import end_window  # noqa: PLC0415

    workspace, database, now = _opened()
    end_window(database, number, now, _user())
    _logged(workspace)
    if json:
        as_json({"ended": number})
        return
    say(f"Work {number} has ended.")
    next_step("civicops incidents list")


@alerts.command("test")
def test(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The name of the route.", show_default=False)],
    json: bool = Json,
) -> None:
    """Send a test message over a route."""
    from civicops.observe.delivery import try_route  # noqa: PLC0415

    workspace, database, now = _opened()
    try_route(workspace, database, route, now)
    if json:
        as_json({"route": route, "delivered": True})
        return
    say(f"Sent over '{route}'. Ask its readers whether they got it.")
    next_step("civicops alerts log")


@alerts.command("digest")
def digest(
    route: Annotated[
        str, typer.Argument(metavar="[ROUTE]", help="The route; every one that gets it when left out.")
    ] = "",
    preview: Annotated[
        Path | None, typer.Option(help="Send nothing; write it here as a page to look at.", show_default=False)
    ] = None,
    json: bool = Json,
) -> None:
    """Send the weekly digest now: health, incidents, freshness, volumes and held back rows of the last seven days."""
    from civicops.observe.delivery import route_named, send_weekly, weekly_message  # noqa: PLC0415
    from civicops.observe.digest import as_page  # noqa: PLC0415

    workspace, database, now = _opened()
    routes = workspace.settings.alerts.routes
    names = [route] if route else [name for name, item in routes.items() if item.weekly]
    if route:
        route_named(workspace, route)
    if preview is not None:
        message = weekly_message(workspace, database, route or None, now)
        if message is None:
            raise CivicopsError("No product is on this route.", hint="Products name their routes under `alerts`.")
        preview.write_text(as_page(message), encoding="utf-8")
        if json:
            as_json({"title": message.title, "text": message.body, "images": [item.name for item in message.images]})
            return
        say(message.title)
        next_step(f"open {preview} in a browser")
        return
    if not names:
        raise CivicopsError(
            "No route gets the weekly digest.", hint="Write [alerts.routes.default] into civicops.toml."
        )
    sent = [name for name in names if send_weekly(workspace, database, name, now)]
    if json:
        as_json({"sent": sent})
        return
    say(f"Sent over {', '.join(sent)}." if sent else "No product is on these routes; nothing was sent.")
    next_step("civicops alerts log")


@alerts.command("log")
def log(
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many attempts to show.", min=1)] = 20,
    json: bool = Json,
) -> None:
    """Show every attempt to tell somebody, newest first."""
    from civicops.observe.asking import attempts  # noqa: PLC0415

    _, database, _now = _opened()
    found = attempts(database, limit=limit)
    if json:
        as_json(found)
        return
    rows = [(a.at.strftime("%Y-%m-%d %H:%M"), a.route, a.kind, a.is_delivered, a.error) for a in found]
    table(("at (UTC)", "route", "message", "delivered", "why not"), rows)
    next_step("civicops alerts test ROUTE")


def open_incidents(workspace: Workspace) -> tuple[Incident, ...]:
    """The incidents that are not resolved, for commands that mention them."""
    from civicops.observe.asking import incidents as ask  # noqa: PLC0415
    from civicops.observe.tables import open_database  # noqa: PLC0415

    return ask(open_database(workspace), workspace, datetime.now(UTC))


def _opened() -> tuple[Workspace, Database, datetime]:
    from civicops.observe.tables import open_database  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    return workspace, open_database(workspace), datetime.now(UTC)


def _send_weekly(workspace: Workspace) -> None:
    from civicops.observe.delivery import deliver_weekly  # noqa: PLC0415
    from civicops.observe.tables import open_database  # noqa: PLC0415

    deliver_weekly(workspace, open_database(workspace), datetime.now(UTC))


def _logged(workspace: Workspace) -> None:
    """Bring what was done into the audit log; where that fails it waits, and is said."""
    from civicops.audit import open_log  # noqa: PLC0415

    try:
        open_log(workspace).flush()
    except CivicopsError as error:
        typer.echo(f"The audit log has not taken it yet: {error}", err=True)


def _user() -> str:
    from civicops.release.history import who_acts  # noqa: PLC0415

    return who_acts()


def _said(change: Any, json: bool, words: str, then: str) -> None:
    if json:
        as_json(change)
        return
    say(words)
    next_step(then)
