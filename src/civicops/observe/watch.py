"""Watching: after each run and on each tick, from history to signals to incidents to messages.

Belongs here: the order of these steps, and what is looked at when. Does not belong here: any of the steps.

A run with nothing new costs one appended line and a few comparisons; the database is opened only when something fires or an
incident of the product is open. Profiles are made once per release, when it is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from civicops.errors import CivicopsError
from civicops.observe import openlineage
from civicops.observe.monitors import cheap_signals, data_signals
from civicops.observe.signals import MONITORS_FILE, MonitorContext, Signal, ask_product
from civicops.observe.watched import Watched, history_of, watch
from civicops.release.store import ReleaseStore
from civicops.runs import RunRecord, write_json
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from civicops.observe.incidents import Change
    from civicops.observe.tables import Database

CHEAP = frozenset({"run", "dead_man", "freshness", "reconciliation", "sheets", "people", "retention", "ethics"})
DATA = frozenset({
    "volume", "volume_trend", "schema_drift", "null_share", "category_drift", "distribution_drift", "duration",
    "quarantine_share", "checks",
})  # fmt: skip
OWN = "monitors"
"""The monitor that watches a product's own monitors."""
REVIEW = "review_"
"""How monitors begin that `civicops.review` asks by itself."""
_log = logging.getLogger("civicops.observe")


@dataclass(frozen=True)
class Tick:
    """What one look at all products came to."""

    products: int
    firing: int
    changes: int
    sent: int
    failed: int
    seconds: float


def after_run(workspace: Workspace, record: RunRecord) -> None:
    """Keep what a finished run did, look at the product's monitors, tell who has to know.

    Never raises: what goes wrong in watching must not undo a run. It is logged, and the next tick tries again.
    """
    try:
        product = workspace.product(record.product)
        history_of(workspace).append(record, ReleaseStore(workspace.folder("releases")))
        if record.status == "succeeded":
            profile_releases(workspace, product)
        openlineage.emit(workspace, product, record)
        look(workspace, product, datetime.now(UTC), is_new=record.status == "succeeded")
    except Exception as error:
        # One line, as it may be the full disk that has just ended the run in words of its own.
        words = "; ".join(str(error).splitlines()[:1]) or type(error).__name__
        _log.warning(
            "What %s did could not be watched: %s. The next `civicops observe tick` tries again.", record.product, words
        )
        _log.debug("watching %s failed", record.product, exc_info=True)


def look(workspace: Workspace, product: Product, now: datetime, *, is_new: bool) -> tuple[Change, ...]:
    """Look at one product and bring its incidents in line; `is_new`: data changed, so look at them as well."""
    watched = watch(workspace, product, now)
    signals = list(cheap_signals(watched))
    own = product.folder / MONITORS_FILE
    is_calm = not is_new and not own.is_file() and not any(signal.is_firing for signal in signals)
    if is_calm and product.name not in products_with_incidents(workspace):
        return ()
    from civicops.observe.delivery import deliver_due  # noqa: PLC0415 - both load the database
    from civicops.observe.tables import open_database  # noqa: PLC0415

    database = open_database(workspace)
    looked: dict[str, str] = {}
    changes = _evaluate(database, workspace, product, now, _known(database), looked)
    _note_evaluated(database, looked, now)
    _note_incidents(workspace, database)
    deliver_due(workspace, database, now)
    return changes


def tick(workspace: Workspace, now: datetime | None = None) -> Tick:
    """Look at every product; its data only if a run changed them since the last look. Then deliver what is due.

    A product whose files have faults is left out and logged; the others are looked at all the same.
    """
    from civicops.observe.delivery import deliver_due  # noqa: PLC0415 - loads the database
    from civicops.observe.tables import open_database  # noqa: PLC0415

    began = datetime.now(UTC)
    at = now or began
    database = open_database(workspace)
    changes = 0
    names = workspace.product_names
    known, looked = _known(database), dict[str, str]()
    for name in names:
        try:
            changes += len(_evaluate(database, workspace, workspace.product(name), at, known, looked))
        except CivicopsError as error:
            _log.error("watching %s failed: %s", name, error)
    _note_evaluated(database, looked, at)
    _note_incidents(workspace, database)
    firing = len(products_with_incidents(workspace))
    sent = deliver_due(workspace, database, at)
    seconds = (datetime.now(UTC) - began).total_seconds()
    return Tick(len(names), firing, changes, sent.delivered, sent.failed, round(seconds, 3))


@dataclass(frozen=True)
class _Known:
    """What the database says of all products, asked once: most have no incident and nothing new."""

    evaluated: Mapping[str, str]
    """Product to the run up to which its data were looked at."""
    ever: frozenset[str]
    """Products that ever had an incident."""
    going: frozenset[str]
    """Products with an incident that is not resolved."""


def profile_releases(workspace: Workspace, product: Product) -> int:
    """Profile every current release that has no profile yet; returns how many."""
    history, store = history_of(workspace), ReleaseStore(workspace.folder("releases"))
    wanted = [
        (release, contract)
        for contract in product.published
        if (release := store.current(product.name, contract.dataset)) is not None
        and not history.has_profile(product.name, contract.dataset, release.version)
    ]
    if not wanted:
        return 0
    import duckdb  # noqa: PLC0415 - a run with nothing new needs no engine

    from civicops.observe.profile import profile_release  # noqa: PLC0415

    engine = workspace.settings.engine
    with duckdb.connect(config={"threads": engine.threads, "memory_limit": engine.memory_limit}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET autoinstall_known_extensions = false")
        for release, contract in wanted:
            column = product.monitors(contract).volume.column
            content = profile_release(con, release, contract, day_column=column)
            history.save_profile(product.name, contract.dataset, release.version, content)
    return len(wanted)


def signals_of(watched: Watched, *, is_new: bool) -> tuple[Signal, ...]:
    """Everything the monitors say of a product now; of its data only with `is_new`. A retired product is not watched."""
    if watched.product.file.stage == "retired":
        return ()
    found: Sequence[Signal] = (*cheap_signals(watched), *(data_signals(watched) if is_new else ()))
    return (*found, *_own_signals(watched))


def _evaluate(
    database: Database, workspace: Workspace, product: Product, now: datetime, known: _Known, looked: dict[str, str]
) -> tuple[Change, ...]:
    """Ask the monitors of one product and bring its incidents in line; `looked` is given the run whose data were looked at."""
    from civicops.observe.incidents import learnings  # noqa: PLC0415 - loads the database

    learning = learnings(database, product.name) if product.name in known.ever else None
    watched = watch(workspace, product, now, learning)
    is_new = watched.last_published is not None and known.evaluated.get(product.name) != watched.last_published
    signals = signals_of(watched, is_new=is_new)
    found: tuple[Change, ...] = ()
    if product.name in known.going or any(signal.is_firing for signal in signals):
        found = _apply(database, workspace, product.name, signals, now, is_new=is_new)
    if is_new and watched.last_published is not None:
        looked[product.name] = watched.last_published
    return found


def _apply(
    database: Database, workspace: Workspace, product: str, signals: Sequence[Signal], now: datetime, *, is_new: bool
) -> tuple[Change, ...]:
    from civicops.observe.asking import upstream  # noqa: PLC0415 - loads the database
    from civicops.observe.incidents import Rules, apply  # noqa: PLC0415

    rules = Rules(timedelta(hours=workspace.settings.observe.flapping_hours), upstream(workspace, product))
    own_failed = any(signal.monitor_id == OWN and signal.is_firing for signal in signals)

    def covers(monitor: str) -> bool:
        if monitor in DATA:
            return is_new
        if monitor.startswith(REVIEW):
            return False
        # A product's own monitor that could not be asked has not said that all is well.
        return monitor in CHEAP or monitor == OWN or not own_failed

    return apply(database, product, signals, covers=covers, now=now, rules=rules)


def _own_signals(watched: Watched) -> tuple[Signal, ...]:
    product = watched.product
    if not (product.folder / MONITORS_FILE).is_file():
        return ()
    previous = {}
    for name, release in watched.releases.items():
        before = [item for item in watched.store.versions(product.name, name) if item.version < release.version]
        if before:
            previous[name] = before[-1]
    context = MonitorContext(watched.workspace, product, watched.releases, previous, watched.runs, watched.now)
    title = f"{product.file.title}: its own monitors"
    try:
        found = ask_product(context)
    except CivicopsError as error:
        return (Signal(OWN, product.name, True, "critical", f"{title} do not work", detail=str(error),
                       runbook="Own monitors do not work", group=OWN),)  # fmt: skip
    return (*found, Signal(OWN, product.name, False, "critical", f"{title} work", group=OWN))


def _known(database: Database) -> _Known:
    import sqlalchemy as sa  # noqa: PLC0415

    from civicops.observe.tables import EVALUATED, INCIDENT  # noqa: PLC0415

    with database.reading() as con:
        evaluated = {str(row.product): str(row.run_id) for row in con.execute(sa.select(EVALUATED)).all()}
        rows = con.execute(sa.select(INCIDENT.c.product, INCIDENT.c.state).distinct()).all()
    going = frozenset(str(row.product) for row in rows if row.state != "resolved")
    return _Known(evaluated, frozenset(str(row.product) for row in rows), going)


def _note_evaluated(database: Database, looked: Mapping[str, str], now: datetime) -> None:
    """Note up to which run data were looked at. When this does not come about, the next look does it all again."""
    import sqlalchemy as sa  # noqa: PLC0415

    from civicops.observe.tables import EVALUATED, stamp  # noqa: PLC0415

    if not looked:
        return
    with database.writing() as con:
        for name, run_id in looked.items():
            values = {"run_id": run_id, "at": stamp(now)}
            if not con.execute(sa.update(EVALUATED).where(EVALUATED.c.product == name).values(**values)).rowcount:
                con.execute(sa.insert(EVALUATED).values(product=name, **values))


def _with_incidents_file(workspace: Workspace) -> Path:
    return workspace.folder("observe") / "open.json"


def products_with_incidents(workspace: Workspace) -> frozenset[str]:
    """Products with an incident that is not resolved, as last noted: read without opening the database."""
    try:
        return frozenset(json.loads(_with_incidents_file(workspace).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return frozenset()


def _note_incidents(workspace: Workspace, database: Database) -> None:
    import sqlalchemy as sa  # noqa: PLC0415

    from civicops.observe.tables import INCIDENT  # noqa: PLC0415

    with database.reading() as con:
        rows = con.execute(sa.select(INCIDENT.c.product).where(INCIDENT.c.state != "resolved").distinct()).all()
    names = {str(row.product) for row in rows}
    if names != products_with_incidents(workspace):
        write_json(_with_incidents_file(workspace), sorted(names))
