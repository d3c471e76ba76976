"""Incidents as the portal shows them: lists, charts, and numbers for Prometheus.

Belongs here: asking `civicops.observe` and turning its answers into what pages and machines read. Does not belong here: who may
see them (`access`, `views.incidents`) and judging (`civicops.observe`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from civicops.errors import CivicopsError
from civicops.observe.asking import Incident, incident, incidents
from civicops.observe.charts import volume_chart, volume_points
from civicops.observe.incidents import learnings
from civicops.observe.tables import Database, open_database
from civicops.observe.watched import GOOD, history_of, watch
from civicops.portal.reading import run_log, shelf, workspace


@dataclass(frozen=True)
class PublicState:
    """What anybody may know of a product's health."""

    title: str
    name: str
    words: str
    mark: str
    since: datetime | None
    affected: tuple[str, ...]
    """Titles of public datasets."""


def database() -> Database:
    """The database of the workspace that is served."""
    return open_database(workspace())


def open_incidents(product: str | None = None) -> tuple[Incident, ...]:
    """Incidents that are not resolved, the worst first."""
    return incidents(database(), workspace(), datetime.now(UTC), product=product)


def all_incidents() -> tuple[Incident, ...]:
    """The newest two hundred incidents, newest first."""
    return incidents(database(), workspace(), datetime.now(UTC), every=True)


def one_incident(number: int) -> Incident:
    """One incident. Raises `IncidentError`."""
    return incident(database(), workspace(), number, datetime.now(UTC))


def public_states() -> tuple[PublicState, ...]:
    """One line per product, without titles or details of incidents: they are for those who mend them."""
    by_product: dict[str, list[Incident]] = {}
    for item in open_incidents():
        by_product.setdefault(item.product, []).append(item)
    found = []
    for product in shelf().products:
        if product.file.stage == "retired":
            continue
        mine = [item for item in by_product.get(product.name, ()) if item.severity != "info"]
        public = {f"{product.name}.{item.dataset}": item.title for item in product.published if item.access == "public"}
        affected = tuple(dict.fromkeys(public[name] for item in mine for name in item.affected if name in public))
        words, mark = "Everything works.", "fresh"
        if mine:
            worst = mine[0].severity
            words = (
                "Data may be late, odd or incomplete; we are told."
                if worst == "warning"
                else "Something is broken; we are told."
            )
            mark = "late" if worst == "warning" else "failing"
            if reason := next((item.maintenance for item in mine if item.maintenance), ""):
                words, mark = f"Announced work: {reason}.", "running"
        since = min((item.since for item in mine), default=None)
        found.append(PublicState(product.file.title, product.name, words, mark, since, affected))
    return tuple(found)


def chart_of(found: Incident) -> dict[str, Any] | None:
    """A Vega-Lite chart of the metric that an incident is about; None where there is nothing to draw."""
    product = shelf().product(found.product)
    subject = next((said.subject for said in found.signals if "." in said.subject), found.subject)
    contract = shelf().contract(found.product, subject.partition(".")[2])
    if product is None or contract is None:
        return None
    try:
        learning = learnings(database(), product.name)
        points = volume_points(watch(workspace(), product, datetime.now(UTC), learning), contract)
    except CivicopsError:
        return None
    if len(points) < 2:
        return None
    spec: dict[str, Any] = volume_chart(points).to_dict()
    return spec


def metrics() -> bytes:
    """The state of every product in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415

    registry = CollectorRegistry()

    def gauge(name: str, words: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(f"civicops_{name}", words, labels, registry=registry)

    going = gauge("incidents_open", "Incidents that are not resolved.", ("product", "severity"))
    good = gauge("last_good_run_timestamp_seconds", "When a run last ended well.", ("product",))
    succeeded = gauge("last_run_succeeded", "Whether the newest run ended well.", ("product",))
    took = gauge("last_run_duration_seconds", "Time of the newest run.", ("product",))
    rows = gauge("dataset_rows", "Published rows.", ("product", "dataset"))
    held = gauge("dataset_quarantined_rows", "Rows held back.", ("product", "dataset"))
    open_now = open_incidents()
    for product in shelf().products:
        for severity in ("info", "warning", "critical"):
            count = sum(item.product == product.name and item.severity == severity for item in open_now)
            going.labels(product.name, severity).set(count)
        lines = history_of(workspace()).observations(product.name, days=60)
        for line in lines:
            if not line.dataset:
                took.labels(product.name).set(line.seconds)
                succeeded.labels(product.name).set(line.status in GOOD)
                if line.status in GOOD:
                    good.labels(product.name).set(line.moment.timestamp())
            elif line.rows is not None:
                rows.labels(product.name, line.dataset).set(line.rows)
            elif line.quarantined is not None:
                held.labels(product.name, line.dataset).set(line.quarantined)
    alive = Gauge("civicops_products_running", "Products that are being run now.", registry=registry)
    alive.set(sum(run_log().is_alive(product.name) for product in shelf().products))
    text: bytes = generate_latest(registry)
    return text
