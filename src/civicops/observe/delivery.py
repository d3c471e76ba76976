"""Who is told of what, and when: once, again if nobody acts, and when it is over.

Belongs here: what is due on each route, and the log of every attempt. Does not belong here: words (`messages`) and sending
(`sending`).

An incident goes to the routes that its product names (`alerts` of `product.yaml`), or to the route `default`. Announced work
holds messages back until it ends. Who was not told of the beginning is not told of the end. A message that fails is tried again
on later ticks, ever more rarely, eight times. What nobody acknowledges goes on to the route that the first one escalates to, and
from there to that one's; critical incidents four times as soon.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from filelock import FileLock, Timeout

from civicops.contracts.problems import nearest
from civicops.observe.asking import Incident, events, incidents
from civicops.observe.calendar import last_due
from civicops.observe.messages import Message, about, digest, trial
from civicops.observe.outgoing import OutgoingError
from civicops.observe.sending import send
from civicops.observe.signals import SEVERITIES
from civicops.observe.tables import ATTEMPT, Database, moment, stamp
from civicops.workspace import AlertRoute, Workspace

DEFAULT_ROUTE = "default"
TRIES = 8
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
STEADY = timedelta(hours=1)
"""What has come back more than twice is told only after it stayed so long."""
CRITICAL_IS_SOONER = 4
"""Critical incidents are repeated, and escalated, after a quarter of the route's hours."""
_TOLD = ("opened", "worse", "reopened")
_BEGINS = ("opened", "reopened")
_log = logging.getLogger("civicops.observe")


@dataclass(frozen=True)
class Sent:
    """How many messages went out, and how many could not."""

    delivered: int
    failed: int


@dataclass(frozen=True)
class _Due:
    incident: Incident
    kind: str
    event_id: int


def deliver_due(workspace: Workspace, database: Database, now: datetime) -> Sent:
    """Send everything that is due on every route; each message once, also when several processes look at the same time."""
    routes = workspace.settings.alerts.routes
    if not routes:
        return Sent(0, 0)
    folder = workspace.folder("observe")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".delivery.lock", timeout=0):
            # Far enough back for what was resolved while a message could not be sent.
            known = incidents(database, workspace, now, every=True, limit=500)
            wanted = {product.name: routes_of(workspace, product.file.alerts) for product in workspace.products}
            delivered = failed = 0
            for name, route in routes.items():
                mine, escalated = [], set()
                for item in known:
                    if name in wanted.get(item.product, ()):
                        mine.append(item)
                    elif _is_escalated(database, routes, wanted.get(item.product, ()), name, item, now):
                        mine.append(item)
                        escalated.add(item.id)
                sent = _deliver_route(workspace, database, name, route, mine, escalated, now)
                delivered, failed = delivered + sent.delivered, failed + sent.failed
            return Sent(delivered, failed)
    except Timeout:
        return Sent(0, 0)


def routes_of(workspace: Workspace, named: Sequence[str]) -> tuple[str, ...]:
    """The configured routes of a product: those it names, else the default one."""
    routes = workspace.settings.alerts.routes
    found = tuple(name for name in named if name in routes)
    return found or ((DEFAULT_ROUTE,) if DEFAULT_ROUTE in routes else ())


def try_route(workspace: Workspace, database: Database, name: str, now: datetime) -> None:
    """Send a test message over a route and log the attempt. Raises `OutgoingError` when it is not delivered."""
    route = route_named(workspace, name)
    try:
        send(route, trial(workspace, name))
    except OutgoingError as error:
        _note(database, None, name, "test", None, now, str(error))
        raise
    _note(database, None, name, "test", None, now, "")


def deliver_weekly(workspace: Workspace, database: Database, now: datetime) -> Sent:
    """Send the weekly digest over every route that is due one; a route that fails is tried again for a day.

    It is due from the newest moment of `[alerts] weekly_schedule` on; a day later it is stale, and waits for the next.
    """
    settings = workspace.settings
    wanted = [name for name, route in settings.alerts.routes.items() if route.weekly]
    if not wanted or not settings.alerts.weekly_schedule:
        return Sent(0, 0)
    due = last_due(settings.alerts.weekly_schedule, ZoneInfo(settings.workspace.timezone), now)
    if now - due > timedelta(days=1):
        return Sent(0, 0)
    folder = workspace.folder("observe")
    folder.mkdir(parents=True, exist_ok=True)
    delivered = failed = 0
    try:
        with FileLock(folder / ".delivery.lock", timeout=0):
            for name in wanted:
                query = sa.select(ATTEMPT).where(ATTEMPT.c.route == name, ATTEMPT.c.kind == "weekly")
                with database.reading() as con:
                    tried = con.execute(query.where(ATTEMPT.c.at >= stamp(due)).order_by(ATTEMPT.c.id)).all()
                if any(row.is_delivered for row in tried) or not _may_try(tried, now):
                    continue
                try:
                    done = send_weekly(workspace, database, name, now)
                except OutgoingError as problem:
                    _log.error("the weekly digest over %s failed: %s", name, problem)
                    failed += 1
                else:
                    delivered += done
    except Timeout:
        return Sent(delivered, failed)
    return Sent(delivered, failed)


def send_weekly(workspace: Workspace, database: Database, name: str, now: datetime) -> bool:
    """Send the digest of the last seven days over a route now and log the attempt; False when no product is on it.

    Raises `OutgoingError` when it is not delivered.
    """
    message = weekly_message(workspace, database, name, now)
    if message is None:
        return False
    try:
        send(route_named(workspace, name), message)
    except OutgoingError as error:
        _note(database, None, name, "weekly", None, now, str(error))
        raise
    _note(database, None, name, "weekly", None, now, "")
    return True


def weekly_message(workspace: Workspace, database: Database, name: str | None, now: datetime) -> Message | None:
    """The digest of the products on a route (all without one); None when there are none."""
    from civicops.observe.digest import weekly  # noqa: PLC0415 - draws, which ordinary messages need not load
    from civicops.observe.week import week_of  # noqa: PLC0415

    mine = [item for item in workspace.products if name is None or name in routes_of(workspace, item.file.alerts)]
    week = week_of(workspace, database, mine, now)
    return weekly(workspace, week) if week.products else None


def route_named(workspace: Workspace, name: str) -> AlertRoute:
    """A configured route. Raises `OutgoingError` that names the nearest one."""
    routes = workspace.settings.alerts.routes
    if name not in routes:
        hint = f"{nearest(name, routes)}." if routes else f"Write [alerts.routes.{name}] into civicops.toml."
        raise OutgoingError(f"There is no alert route '{name}'.", hint=hint)
    return routes[name]


def _is_escalated(
    database: Database,
    routes: Mapping[str, AlertRoute],
    wanted: Collection[str],
    name: str,
    incident: Incident,
    now: datetime,
) -> bool:
    """Whether an incident has come to a route that its product does not name, from one that escalates to it."""
    before = [other for other, route in routes.items() if route.escalate_to == name]
    if not before:
        return False
    with database.reading() as con:
        query = sa.select(ATTEMPT.c.route, ATTEMPT.c.at, ATTEMPT.c.event_id, ATTEMPT.c.is_delivered)
        tried = con.execute(query.where(ATTEMPT.c.incident_id == incident.id).order_by(ATTEMPT.c.id)).all()
    if any(row.route == name and row.is_delivered for row in tried):
        return True  # who was told of it once is told how it goes on
    if incident.is_over or incident.state == "acknowledged" or incident.maintenance:
        return False
    begun = max((event.id for event in events(database, incident.id) if event.kind in _BEGINS), default=0)
    for other in before:
        reaches = other in wanted or _is_escalated(database, routes, wanted, other, incident, now)
        # A try that failed counts as well: a route that is broken must not keep the incident to itself.
        first = next((row.at for row in tried if row.route == other and (row.event_id or 0) >= begun), None)
        hours = _sooner(routes[other].escalate_hours, incident)
        if reaches and first is not None and now - moment(first) >= timedelta(hours=hours):
            return True
    return False


def _deliver_route(
    workspace: Workspace,
    database: Database,
    name: str,
    route: AlertRoute,
    mine: Sequence[Incident],
    escalated: Collection[int],
    now: datetime,
) -> Sent:
    due = [
        item
        for incident in mine
        if (item := _due(database, name, route, incident, now, escalated=incident.id in escalated)) is not None
    ]
    if not due:
        return Sent(0, 0)
    at_once = [
        item
        for item in due
        if not route.digest_hours or item.incident.severity == "critical" or item.kind == "escalated"
    ]
    later = [item for item in due if item not in at_once]
    delivered = failed = 0
    batches = [[item] for item in at_once]
    if later and _digest_is_due(database, name, route, now):
        batches.append(later)
    for batch in batches:
        people = route.may_see_people
        if len(batch) == 1 and batch[0] in at_once:
            message = about(workspace, batch[0].incident, batch[0].kind, people=people, now=now)
        else:
            message = digest(workspace, [item.incident for item in batch], people=people, now=now)
        error = ""
        try:
            send(route, message)
        except OutgoingError as problem:
            error = str(problem)
            _log.error("the alert route %s failed: %s", name, error)
        for item in batch:
            kind = item.kind if item in at_once else "digest"
            _note(database, item.incident.id, name, kind, item.event_id, now, error)
        delivered, failed = delivered + (not error), failed + bool(error)
    return Sent(delivered, failed)


def _due(
    database: Database, name: str, route: AlertRoute, incident: Incident, now: datetime, *, escalated: bool
) -> _Due | None:
    if not escalated and SEVERITIES.index(incident.severity) < SEVERITIES.index(route.severity):
        return None
    with database.reading() as con:
        query = sa.select(ATTEMPT).where(ATTEMPT.c.incident_id == incident.id, ATTEMPT.c.route == name)
        tried = con.execute(query.order_by(ATTEMPT.c.id)).all()
    told = [row for row in tried if row.is_delivered]
    last_event = max((row.event_id or 0 for row in told), default=0)
    if incident.is_over and not told:
        return None
    happened = [event for event in events(database, incident.id) if event.id > last_event]
    found: _Due | None = None
    if incident.is_over:
        ends = [event for event in happened if event.kind == "resolved"]
        found = _Due(incident, "resolved", ends[-1].id) if ends else None
    elif incident.maintenance:
        return None
    elif news := [event for event in happened if event.kind in _TOLD]:
        if incident.reopened_count > 2 and now - incident.changed_at < STEADY:
            return None
        kind = news[-1].kind if told else ("escalated" if escalated else "opened")
        found = _Due(incident, kind, news[-1].id)
    elif _is_repeat_due(route, incident, told[-1].at if told else None, now):
        found = _Due(incident, "repeat", last_event)
    if found is None:
        return None
    failures = [
        row
        for row in tried[tried.index(told[-1]) + 1 if told else 0 :]
        if row.event_id == found.event_id and row.kind in (found.kind, "digest")
    ]
    return found if _may_try(failures, now) else None


def _is_repeat_due(route: AlertRoute, incident: Incident, last: str | None, now: datetime) -> bool:
    if last is None or not route.repeat_hours or incident.state == "acknowledged":
        return False
    return now - moment(last) >= timedelta(hours=_sooner(route.repeat_hours, incident))


def _sooner(hours: float, incident: Incident) -> float:
    return hours / (CRITICAL_IS_SOONER if incident.severity == "critical" else 1)


def _may_try(failures: Sequence[sa.Row[tuple[object, ...]]], now: datetime) -> bool:
    if not failures:
        return True
    pause = min(FIRST_PAUSE * 2 ** (len(failures) - 1), LONGEST_PAUSE)
    return len(failures) < TRIES and now - moment(failures[-1].at) >= pause


def _digest_is_due(database: Database, name: str, route: AlertRoute, now: datetime) -> bool:
    with database.reading() as con:
        query = sa.select(sa.func.max(ATTEMPT.c.at)).where(ATTEMPT.c.route == name, ATTEMPT.c.kind == "digest")
        last = con.execute(query.where(ATTEMPT.c.is_delivered)).scalar()
    return last is None or now - moment(last) >= timedelta(hours=route.digest_hours)


def _note(
    database: Database, number: int | None, route: str, kind: str, event_id: int | None, now: datetime, error: str
) -> None:
    with database.writing() as con:
        con.execute(
            sa.insert(ATTEMPT).values(
                incident_id=number,
                route=route,
                kind=kind,
                event_id=event_id,
                at=stamp(now),
                is_delivered=not error,
                error=error,
            )
        )
