"""Incidents as the portal shows them: lists, charts, and numbers for Prometheus.

Belongs here: asking `civicops.observe` and turning its answers into what pages and machines read. Does not belong here: who may
see them (`access`, `views.incidents`) and judging (`civicops.observe`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from civicops.errors import CivicopsError
from civicops.observe.asking import Incident, incident, incidents
from civicops.observe.detect import judge
from civicops.observe.tables import Database, open_database
from civicops.observe.volume import daily_series
from civicops.observe.watch import history_of, watch
from civicops.observe.watched import GOOD
from civicops.portal.reading import run_log, shelf, workspace

CHART_DAYS = 60
_DAYS_PLOTTED = 120


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
    import altair as alt  # noqa: PLC0415 - a second that only this page needs

    points = list(_points(found))
    if len(points) < 2:
        return None
    data = alt.InlineData(values=points)
    base = alt.Chart(data).encode(x=alt.X("day:T", title=None))
    line = base.mark_line(point=True).encode(y=alt.Y("observed:Q", title="rows a day"))
    layers = [line]
    if any("low" in point for point in points):
        band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title="rows a day"), y2="high:Q")
        usual = base.mark_line(strokeDash=[4, 4], opacity=0.7).encode(y="expected:Q")
        fault = (
            base.transform_filter("datum.is_fault")
            .mark_point(size=160, filled=True, shape="diamond", color="#d54309")
            .encode(y="observed:Q")
        )
        layers = [band, usual, line, fault]
    spec: dict[str, Any] = alt.layer(*layers).properties(height=280).to_dict()
    return spec


def _points(found: Incident) -> Iterator[dict[str, Any]]:
    """Days of the dataset an incident is about: what was counted and, where it is known, what was expected."""
    product = shelf().product(found.product)
    subject = next((said.subject for said in found.signals if "." in said.subject), found.subject)
    contract = shelf().contract(found.product, subject.partition(".")[2])
    if product is None or contract is None:
        return
    try:
        watched = watch(workspace(), product, datetime.now(UTC), database())
        rule = product.monitors(contract).volume
        series = daily_series(watched, contract, rule)
        if series is None:
            return
        holidays = watched.calendar.holidays(series.days)
    except CivicopsError:
        return
    # Some days of a short history teach nothing (holidays), so a few more than it needs are left to learn from.
    newest = min(CHART_DAYS, len(series.days) - rule.points - 14)
    judged = {}
    if newest > 0:
        options: dict[str, Any] = {"holidays": holidays, "points": rule.points, "strictness": rule.strictness}
        judged = {item.day: item for item in judge(series.days, series.counts, newest=newest, **options)}
    for day, count in list(zip(series.days, series.counts, strict=True))[-_DAYS_PLOTTED:]:
        if count is None:
            continue
        point: dict[str, Any] = {"day": day.isoformat(), "observed": count}
        if day in judged:
            item = judged[day]
            point |= {"expected": item.expected, "low": item.low, "high": item.high, "is_fault": item.is_fault}
        yield point


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


def newest_runs(product: str) -> tuple[Any, ...]:
    """The lines of a product's newest runs, newest first."""
    since = datetime.now(UTC) - timedelta(days=60)
    lines = history_of(workspace()).observations(product, "", days=60)
    return tuple(line for line in reversed(lines) if line.moment >= since)[:20]
