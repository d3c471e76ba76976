"""When things happen in Marisol: seasonal creation times, and the two hours a year that local clocks make a mess of.

Belongs here: local wall time as whole seconds (`datetime64[s]`, no zone, America/Los_Angeles by convention). Does not
belong here: time zones proper; what a reader makes of an ambiguous hour is the reader's business.
"""

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.world import vocabulary as vocab

Times = NDArray[np.datetime64]
HOUR: Final = np.timedelta64(3600, "s")

# The day the simulated portal was last refreshed, at five in the morning; requests up to the day before are published.
TODAY: Final = date(2026, 8, 23)
REFRESH: Final = np.timedelta64(5 * 3600, "s")
NEW_SYSTEM_FROM: Final = date(2025, 3, 28)
OLD_SYSTEM_UNTIL: Final = date(2025, 11, 3)
BATCH_IMPORT_HOUR: Final = datetime(2026, 3, 25, 11)
BULK_UPDATE: Final = datetime(2020, 11, 3, 15, 32, 8)


def spring_gap(year: int) -> datetime:
    """Start of the hour that does not exist (02:00 on the second Sunday of March)."""
    first = date(year, 3, 1)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7 + 7)
    return datetime(sunday.year, sunday.month, sunday.day, 2)


def autumn_fold(year: int) -> datetime:
    """Start of the hour that happens twice (01:00 on the first Sunday of November)."""
    first = date(year, 11, 1)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7)
    return datetime(sunday.year, sunday.month, sunday.day, 1)


_SPECIAL: Final = np.array(
    sorted(np.datetime64(f(y), "s") for y in range(2014, 2030) for f in (spring_gap, autumn_fold)),
    dtype="datetime64[s]",
)


def clear_of_clock_changes(times: Times) -> Times:
    """Times with those inside a missing or doubled hour moved one hour on, so that only planted ones are left there."""
    index = np.searchsorted(_SPECIAL, times, side="right") - 1
    start = _SPECIAL[index.clip(0)]
    inside = (index >= 0) & (times - start < HOUR)
    return np.where(inside, times + HOUR, times)


def period_of(year: int, system: str) -> tuple[date, date]:
    """First day and the day after the last of what a year's dataset holds. Raises ValueError outside 2015-2027."""
    if not 2015 <= year <= 2027:
        raise ValueError(f"no 311 dataset of {year}: the world has 2015 to 2027")
    first, end = date(year, 1, 1), date(year + 1, 1, 1)
    if system == "legacy":
        if year > 2025:
            raise ValueError(f"the legacy system ended on {OLD_SYSTEM_UNTIL}; ask for system='cases' in {year}")
        return (date(2015, 8, 1) if year == 2015 else first), (
            OLD_SYSTEM_UNTIL + timedelta(days=1) if year == 2025 else end
        )
    if year < 2025:
        raise ValueError(f"the Cases system began on {NEW_SYSTEM_FROM}; ask for system='legacy' in {year}")
    if year == 2026:
        end = TODAY
    if year == 2027:
        end = date(2027, 3, 1)
    return (NEW_SYSTEM_FROM if year == 2025 else first), end


def _fade(hours: Times, system: str) -> NDArray[np.float64]:
    """Share of the city's requests a system takes in each hour of 2025, when services moved from one to the other."""
    start, end = np.datetime64(NEW_SYSTEM_FROM, "s"), np.datetime64(OLD_SYSTEM_UNTIL, "s")
    moved = ((hours - start) / (end - start)).astype(float).clip(0.0, 1.0)
    old: NDArray[np.float64] = np.where(hours < start, 1.0, 0.45 * (1 - moved) + 0.01)
    return old if system == "legacy" else 1.0 - old


def creation_times(rng: np.random.Generator, n: int, first: date, end: date, system: str) -> Times:
    """`n` ascending creation times in [first, end), by month, weekday and hour; none in an hour kept for plants."""
    hours = np.arange(np.datetime64(first, "s"), np.datetime64(end, "s"), HOUR)
    days = hours.astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    month = hours.astype("datetime64[M]").astype(np.int64) % 12
    hour = (hours - days).astype("timedelta64[h]").astype(np.int64)
    weight = np.array(vocab.WEEKDAYS)[weekday] * np.array(vocab.HOURS)[hour] * np.array(vocab.MONTHS)[month]
    if first.year == 2025:
        weight = weight * _fade(hours, system)
    kept_free = [np.datetime64(BATCH_IMPORT_HOUR, "s"), *_SPECIAL]
    weight = np.where(np.isin(hours, kept_free), 0.0, weight)
    cumulative = np.cumsum(weight)
    slot = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    times: Times = hours[slot] + rng.integers(0, 3600, n).astype("timedelta64[s]")
    times.sort()
    return times
