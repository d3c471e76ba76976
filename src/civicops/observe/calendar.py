"""When something is due, and which days do not count.

Belongs here: schedules, public holidays, quiet months. Does not belong here: what follows from being late (`monitors`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from civicops.errors import CivicopsError


class CalendarError(CivicopsError):
    """A schedule or a country that nobody can read."""


@dataclass(frozen=True)
class Calendar:
    """Which days of a place do not count."""

    zone: ZoneInfo
    country: str = ""
    subdivision: str = ""

    def is_holiday(self, day: date) -> bool:
        """Whether a day is a public holiday there; never without a country. Raises `CalendarError` for an unknown one."""
        return bool(self.country) and day in _holidays(self.country, self.subdivision, day.year)

    def holidays(self, days: Iterable[date]) -> frozenset[date]:
        """Those of some days that are public holidays."""
        wanted = set(days) if self.country else set()
        years = {day.year for day in wanted}
        return frozenset().union(*(wanted & _holidays(self.country, self.subdivision, year) for year in years))

    def hours_that_count(
        self, start: datetime, end: datetime, *, holidays: bool, quiet_months: Iterable[int] = ()
    ) -> float:
        """Hours between two moments, without the days that do not count. Days are those of the calendar's time zone."""
        quiet = frozenset(quiet_months)
        if end <= start:
            return 0.0
        if not quiet and not (holidays and self.country):
            return (end - start).total_seconds() / 3600
        total, at = 0.0, start
        while at < end:
            day = at.astimezone(self.zone).date()
            midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), self.zone).astimezone(UTC)
            stop = min(midnight, end)
            if day.month not in quiet and not (holidays and self.is_holiday(day)):
                total += (stop - at).total_seconds() / 3600
            at = stop
        return total


def last_due(schedule: str, zone: ZoneInfo, before: datetime) -> datetime:
    """The newest moment of a cron schedule at or before `before`; clock changes are minded. Raises `CalendarError`."""
    try:
        # Backwards from the next minute on, so that `before` itself counts.
        walk = CronSim(schedule, before.astimezone(zone) + timedelta(minutes=1), reverse=True)
        return next(walk).astimezone(UTC)
    except (CronSimError, StopIteration) as error:
        raise CalendarError(f"The schedule '{schedule}' cannot be read: {error}.", hint="Mend product.yaml.") from error


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - two hundred modules that only a workspace with a country needs

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except (NotImplementedError, KeyError) as error:
        raise CalendarError(
            f"No public holidays are known for '{country}' '{subdivision}'.",
            hint="[observe] country is two letters such as 'US', subdivision such as 'CA'.",
        ) from error
