"""What a week brought, product by product: the content of the weekly digest.

Belongs here: gathering it from history, incidents and releases. Does not belong here: words and pictures (`digest`), to whom it
goes (`delivery`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.observe.asking import Incident, incidents
from civicops.observe.charts import Point, volume_points
from civicops.observe.history import Observation
from civicops.observe.incidents import learnings
from civicops.observe.monitors import freshness_signals
from civicops.observe.tables import Database
from civicops.observe.watched import GOOD, Watched, watch
from civicops.workspace import Product, ReportMetric, Workspace

WEEK = timedelta(days=7)
METRIC_DAYS = 30


@dataclass(frozen=True)
class DatasetWeek:
    """One published dataset: how many rows it has, how many more than a week ago, what its days look like."""

    name: str
    title: str
    rows: int
    rows_before: int | None
    days: tuple[Point, ...]
    """Daily counts with the expected band; empty where rows have no day of their own and history is short."""

    @property
    def more(self) -> int | None:
        """Rows more than a week ago."""
        return None if self.rows_before is None else self.rows - self.rows_before

    @property
    def odd_days(self) -> int:
        """How many of the days shown lie outside what was expected."""
        return sum(bool(point.get("is_fault")) for point in self.days)


@dataclass(frozen=True)
class Metric:
    """A number that a product names for the digest."""

    title: str
    days: Mapping[date, float]
    """Of the newest thirty days; what is missing was nothing."""
    week: float
    """Added up over the newest seven days."""
    week_before: float


@dataclass(frozen=True)
class ProductWeek:
    """One product in one week."""

    name: str
    title: str
    owner: str
    runs_good: int
    runs_failed: int
    last_good_at: datetime | None
    late: tuple[str, ...]
    """What the freshness monitors say, where they fire."""
    opened: tuple[Incident, ...]
    resolved: tuple[Incident, ...]
    going: tuple[Incident, ...]
    """Incidents that are open now, the worst first."""
    quarantined: int
    """Rows held back in the last run that checked any."""
    quarantine_share: float | None
    quarantine_share_before: float | None
    """From 0 to 1, now and a week ago."""
    datasets: tuple[DatasetWeek, ...]
    metrics: tuple[Metric, ...]

    @property
    def health(self) -> str:
        """In a word or two: `in order`, `has trouble`, `broken`, `not run`."""
        if not self.runs_good and not self.runs_failed:
            return "broken" if self.going else "not run this week"
        worst = {item.severity for item in self.going}
        if "critical" in worst:
            return "broken"
        return "has trouble" if "warning" in worst or self.late else "in order"


@dataclass(frozen=True)
class Week:
    """A week of some products."""

    starts_at: datetime
    ends_at: datetime
    products: tuple[ProductWeek, ...]

    @property
    def in_trouble(self) -> tuple[ProductWeek, ...]:
        """Those that are not in order."""
        return tuple(item for item in self.products if item.health != "in order")


def week_of(workspace: Workspace, database: Database, products: Sequence[Product], now: datetime) -> Week:
    """The seven days before `now`. Retired products are left out."""
    known = incidents(database, workspace, now, every=True, limit=1000)
    alive = [product for product in products if product.file.stage != "retired"]
    return Week(now - WEEK, now, tuple(_product(workspace, database, product, known, now) for product in alive))


def _product(
    workspace: Workspace, database: Database, product: Product, known: Sequence[Incident], now: datetime
) -> ProductWeek:
    watched = watch(workspace, product, now, learnings(database, product.name))
    since = now - WEEK
    lines = [line for line in watched.lines if since < line.moment <= now]
    mine = [item for item in known if item.product == product.name]
    order = {"critical": 0, "warning": 1, "info": 2}
    held = _held(watched, now)
    before = _held(watched, since)
    return ProductWeek(
        name=product.name,
        title=product.file.title,
        owner=product.file.owner,
        runs_good=sum(line.status in GOOD for line in lines),
        runs_failed=sum(line.status == "failed" for line in lines),
        last_good_at=watched.last_good_at,
        late=tuple(said.detail for said in freshness_signals(watched) if said.is_firing),
        opened=tuple(item for item in mine if item.opened_at > since),
        resolved=tuple(item for item in mine if item.resolved_at is not None and item.resolved_at > since),
        going=tuple(
            sorted((item for item in mine if not item.is_over), key=lambda item: (order[item.severity], item.since))
        ),
        quarantined=held[0],
        quarantine_share=held[1],
        quarantine_share_before=before[1],
        datasets=tuple(
            _dataset(watched, contract, now) for contract in product.published if contract.dataset in watched.releases
        ),
        metrics=tuple(_metric(watched, metric) for metric in product.file.report if metric.dataset in watched.releases),
    )


def _held(watched: Watched, at: datetime) -> tuple[int, float | None]:
    """Rows held back over all datasets of the last run at a moment, and their share."""
    newest = [line for contract in watched.product.accepted if (line := _last(watched, contract, at)) is not None]
    rows, held = sum(line.rows_in or 0 for line in newest), sum(line.quarantined or 0 for line in newest)
    return held, held / rows if rows else None


def _last(watched: Watched, contract: Contract, at: datetime) -> Observation | None:
    lines = watched.by_dataset.get(contract.dataset, ())
    return next((line for line in reversed(lines) if line.moment <= at), None)


def _dataset(watched: Watched, contract: Contract, now: datetime) -> DatasetWeek:
    line, before = _last(watched, contract, now), _last(watched, contract, now - WEEK)
    try:
        days = tuple(volume_points(watched, contract, plotted=METRIC_DAYS, judged=METRIC_DAYS))
    except CivicopsError:
        days = ()
    rows = line.rows if line is not None else None
    return DatasetWeek(contract.id, contract.title, rows or 0, before.rows if before is not None else None, days)


def _metric(watched: Watched, metric: ReportMetric) -> Metric:
    """The numbers of one metric by day. Days are those of the product's time zone."""
    import duckdb  # noqa: PLC0415 - a digest without metrics needs no engine

    from civicops.release.sql import identifier, literal  # noqa: PLC0415

    today = watched.now.astimezone(watched.zone).date()
    first = today - timedelta(days=METRIC_DAYS - 1)
    value = f"sum(coalesce({identifier(metric.value)}, 0))" if metric.value else "count(*)"
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"SET TimeZone = {literal(watched.zone.key)}")
        rows: list[tuple[Any, ...]] = con.execute(
            f"SELECT CAST({identifier(metric.day)} AS DATE) AS day, CAST({value} AS DOUBLE) "
            f"FROM read_parquet({literal(str(watched.releases[metric.dataset].data))}) "
            f"WHERE day BETWEEN {literal(first.isoformat())} AND {literal(today.isoformat())} GROUP BY 1 ORDER BY 1"
        ).fetchall()
    days = {day: float(count) for day, count in rows}
    newest, older = today - timedelta(days=7), today - timedelta(days=14)
    return Metric(
        metric.title,
        days,
        week=sum(count for day, count in days.items() if day > newest),
        week_before=sum(count for day, count in days.items() if older < day <= newest),
    )
