"""What the framework's monitors are given: one product, its history, its releases, this moment.

Belongs here: the value and questions about it that several monitors ask. Does not belong here: judging (`monitors`, `volume`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tzdata

from civicops.contracts import Contract
from civicops.observe.calendar import Calendar
from civicops.observe.history import RUN, History, Observation, profile_time
from civicops.release.store import ReleaseStore
from civicops.release.values import Release
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Product, Workspace

GOOD = ("succeeded", "unchanged")


@dataclass(frozen=True)
class Learning:
    """What must not be learned from, of one subject.

    `excluded` are spans (begin, end or still open) under an incident. `accepted_at`: somebody said then that what had been
    found is how it is now; what was before it is no measure any more.
    """

    excluded: tuple[tuple[datetime, datetime | None], ...] = ()
    accepted_at: datetime | None = None

    def is_excluded(self, moment: datetime) -> bool:
        """Whether a moment lies under an incident."""
        return any(begin <= moment and (end is None or moment < end) for begin, end in self.excluded)

    def wrong_days(self, days: list[date], zone: ZoneInfo) -> frozenset[date]:
        """Those of some days that lie under an incident, wholly or in part."""
        spans = [
            (begin.astimezone(zone).date(), end.astimezone(zone).date() if end else date.max)
            for begin, end in self.excluded
        ]
        return frozenset(day for day in days if any(begin <= day <= end for begin, end in spans))


@dataclass(frozen=True)
class Watched:
    """One product at one moment."""

    workspace: Workspace
    product: Product
    history: History
    runs: RunLog
    store: ReleaseStore
    calendar: Calendar
    now: datetime
    learning: Mapping[str, Learning] = field(default_factory=dict)
    """By subject."""

    @cached_property
    def zone(self) -> ZoneInfo:
        return product_zone(self.workspace, self.product)

    @cached_property
    def lines(self) -> tuple[Observation, ...]:
        """Lines of whole runs, oldest first."""
        return self.history.observations(self.product.name, RUN)

    def backwards(self) -> Iterator[Observation]:
        """The same lines, newest first: what is new is found without reading a year."""
        return self.history.backwards(self.product.name, RUN)

    @cached_property
    def begun_at(self) -> datetime | None:
        """When the first run that history knows of was over; None before the first."""
        first = self.history.first(self.product.name, RUN)
        return first.moment if first else None

    @cached_property
    def by_dataset(self) -> Mapping[str, tuple[Observation, ...]]:
        """Lines of each dataset, oldest first, of runs that published: one that failed has an incident of its own."""
        found: dict[str, list[Observation]] = {}
        for line in self.history.observations(self.product.name):
            if line.status != "succeeded":
                continue
            found.setdefault(line.dataset, []).append(line)
        return {name: tuple(lines) for name, lines in found.items()}

    @cached_property
    def newest(self) -> RunRecord | None:
        """The newest run that is over, by the order in which history was written: two may begin in the same second."""
        wanted = next((line.run_id for line in self.backwards()), None)
        return next((run for run in islice(self.runs.runs(self.product.name), 50) if run.run_id == wanted), None)

    @cached_property
    def last_published(self) -> str | None:
        """The run that last published something."""
        return next((line.run_id for line in self.backwards() if line.status == "succeeded"), None)

    @cached_property
    def last_good_at(self) -> datetime | None:
        """When a run last ended well."""
        return next((line.moment for line in self.backwards() if line.status in GOOD), None)

    @cached_property
    def releases(self) -> Mapping[str, Release]:
        return self.store.snapshot(self.product.name)

    def profiles(self, contract: Contract) -> tuple[Mapping[str, Any] | None, tuple[Mapping[str, Any], ...]]:
        """The profile of the current release, and those before it that may be learned from, oldest first."""
        release = self.releases.get(contract.dataset)
        found = self.history.profiles(self.product.name, contract.dataset)
        if release is None:
            return None, ()
        learning = self.learning.get(self.subject(contract), Learning())
        current = next((profile for profile in found if profile["version"] == release.version), None)
        earlier = tuple(
            profile
            for profile in found
            if profile["version"] < release.version
            and not learning.is_excluded(profile_time(profile))
            and (learning.accepted_at is None or profile_time(profile) >= learning.accepted_at)
        )
        if learning.accepted_at is not None and not earlier:
            accepted = [profile for profile in found if profile_time(profile) <= learning.accepted_at]
            earlier = tuple(accepted[-1:])
        return current, earlier

    def subject(self, contract: Contract | None = None) -> str:
        """What a signal is about: the product, or one of its datasets."""
        return f"{self.product.name}.{contract.dataset}" if contract else self.product.name

    def day_start(self, day: date) -> datetime:
        """The moment a day begins in the product's time zone."""
        return datetime.combine(day, datetime.min.time(), self.zone).astimezone(UTC)


def product_zone(workspace: Workspace, product: Product) -> ZoneInfo:
    """The time zone of a product's schedule and days."""
    return ZoneInfo(product.file.timezone or workspace.settings.workspace.timezone)


def product_calendar(workspace: Workspace, product: Product) -> Calendar:
    """The calendar of a product: the country of the settings, or that of its time zone."""
    settings, zone = workspace.settings.observe, product_zone(workspace, product)
    country = settings.country or country_of(zone.key)
    return Calendar(zone, "" if country == "none" else country, settings.subdivision)


@cache
def country_of(zone: str) -> str:
    """The country that a time zone lies in, two letters; empty for `UTC` and the like."""
    table = Path(tzdata.__file__).parent / "zoneinfo" / "zone.tab"
    for line in table.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if not line.startswith("#") and len(parts) > 2 and parts[2] == zone:
            return parts[0]
    return ""


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def history_of(workspace: Workspace) -> History:
    """The history of a workspace."""
    return History(workspace.folder("observe"))


def watch(
    workspace: Workspace, product: Product, now: datetime, learning: Mapping[str, Learning] | None = None
) -> Watched:
    """What the monitors of one product are given. `learning`: what must not be learned, as `incidents.learnings` knows it."""
    return Watched(
        workspace,
        product,
        history_of(workspace),
        RunLog(workspace.folder("runs")),
        ReleaseStore(workspace.folder("releases")),
        product_calendar(workspace, product),
        now,
        learning or {},
    )
