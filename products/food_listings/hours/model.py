"""What opening hours are made of: rules that repeat, exceptions, holidays, and the time zone that all of it is told in.

Belongs here: the values and what makes one of them impossible. Does not belong here: whether a possible one is plausible
(`plausible`), when it is open (`opening`), how it is written (`rows`, `hsds`, `writing`, `osm`) or read (`texts`, `legacy`).

The words are those of Open Referral HSDS 3.x, whose schedules are rules of iCalendar (RFC 5545): `freq`, `interval`, `byday`,
`bymonthday`, `dtstart`, `valid_from`, `valid_to`. Times are minutes after the midnight that begins the day on which the place
opens, as the clock on the wall shows them: 22:00 to 02:00 is 1320 to 1560, the whole day 0 to 1440.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from civicops.errors import CivicopsError

Frequency = Literal["WEEKLY", "MONTHLY"]
Effect = Literal["closed", "open"]
DAY = 1440
"""Minutes of a day without a change of the clock."""
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EVERY_HOLIDAY = "public"
"""Instead of the name of a holiday: all of them."""
Holidays = Mapping[date, frozenset[str]]
"""Days to the names of the holidays on them."""


class HoursError(CivicopsError):
    """Hours that cannot be."""


@dataclass(frozen=True, order=True)
class Day:
    """A weekday (0 is Monday), every one (`nth` 0), or the nth of a month: 1 to 5, or -1 (the last) to -5."""

    weekday: int
    nth: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.weekday <= 6 or not -5 <= self.nth <= 5:
            raise HoursError(f"There is no day {self.nth}/{self.weekday}.", hint="Weekdays are 0 to 6, nth is -5 to 5.")


@dataclass(frozen=True, order=True)
class Times:
    """From when to when, in minutes after midnight of the day of opening; over midnight `closes` is past 1440."""

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < DAY or not self.opens < self.closes <= self.opens + DAY:
            raise HoursError(
                f"{clock(self.opens)} to {clock(self.closes)} is no time to be open.",
                hint="It opens within the day and closes after that, at most 24 hours later.",
            )

    @property
    def is_all_day(self) -> bool:
        """Whether it is midnight to midnight."""
        return self.opens == 0 and self.closes == DAY

    @property
    def minutes(self) -> int:
        """How long it is, on a day without a change of the clock."""
        return self.closes - self.opens


@dataclass(frozen=True)
class Recurrence:
    """Days that come again. In the words of RFC 5545, with its meaning.

    `WEEKLY`: on `days`, in every `interval`th week counted from the week (Monday to Sunday) of `starts_on`. `MONTHLY`: on the nth
    `days` and on the days `month_days` (-1 is the last) of every `interval`th month counted from that of `starts_on`; where
    both are given, a day has to be both. No day before `starts_on`, outside `valid_from` to `valid_to` (included) or outside the
    `months` counts; no months are all of them.
    """

    days: tuple[Day, ...]
    freq: Frequency = "WEEKLY"
    interval: int = 1
    starts_on: date | None = None
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if not self.days and not self.month_days:
            raise HoursError("A rule has no days.", hint="Name weekdays or days of the month.")
        if self.freq == "WEEKLY" and (self.month_days or any(day.nth for day in self.days)):
            raise HoursError("A weekly rule names days of a month.", hint="Its frequency has to be MONTHLY.")
        if any(not 1 <= abs(day) <= 31 for day in self.month_days):
            raise HoursError(f"There are no days {self.month_days} in a month.", hint="Days are 1 to 31, or -1 to -31.")
        if any(not 1 <= month <= 12 for month in self.months):
            raise HoursError(f"There are no months {self.months}.", hint="Months are 1 to 12.")
        if self.interval < 1:
            raise HoursError(f"An interval of {self.interval} never comes.", hint="1 is every week, 2 every other.")
        if self.interval > 1 and self.starts_on is None:
            hint = "Give the first day, one in a week in which it is open."
            raise HoursError("Every other week, but counted from when?", hint=hint)
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise HoursError(
                f"Valid from {self.valid_from} to {self.valid_to} is never.", hint="Exchange the two days."
            )


@dataclass(frozen=True)
class Rule:
    """One line of a schedule: on which days it opens, and when."""

    on: Recurrence
    times: Times
    is_by_appointment: bool = False
    attending: str = ""
    """How to attend, in the words of HSDS `attending_type`."""
    notes: str = ""


@dataclass(frozen=True)
class ExceptionDays:
    """Days on which the rules do not count: closed, or open at these times only.

    From `first` to `last` (both included; `None` is without bound), and of those the days of `on`, where it is given: closed on
    the first Friday of each month.
    """

    first: date | None
    last: date | None
    effect: Effect
    times: tuple[Times, ...] = ()
    reason: str = ""
    on: Recurrence | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise HoursError(f"{self.first} to {self.last} is never.", hint="Exchange the two days.")
        if not self.on and not (self.first and self.last):
            raise HoursError("An exception without end is a rule.", hint="Give its first and its last day.")
        if (self.effect == "open") != bool(self.times):
            raise HoursError("An exception is closed without times or open with times.", hint="Give times, or none.")

    @property
    def length_days(self) -> int:
        """How wide it is: the narrowest of several exceptions for a day counts."""
        return ((self.last or date.max) - (self.first or date.min)).days


@dataclass(frozen=True)
class HolidayRule:
    """What is different on a holiday: closed; open as on any such day; or, with times, open at these only.

    A rule for a named holiday goes before one for all of them. Without a rule, a holiday is a day like any other.
    """

    name: str
    effect: Effect
    times: tuple[Times, ...] = ()

    def __post_init__(self) -> None:
        if self.effect == "closed" and self.times:
            raise HoursError(f"Closed on {self.name}, but at which times?", hint="Take the times away, or say open.")


@dataclass(frozen=True)
class Schedule:
    """All hours of one listing. `is_complete` is false where `text` holds hours that could not be read into rules.

    No rule at all means unknown, unless the listing says that there are none.
    """

    timezone: str
    rules: tuple[Rule, ...] = ()
    exceptions: tuple[ExceptionDays, ...] = ()
    holidays: tuple[HolidayRule, ...] = ()
    is_any_time_by_appointment: bool = False
    """Whether one can make an appointment, nothing being said about when."""
    text: str = ""
    """The part of the source's words that could not be read, exactly as it was written."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise HoursError(
                f"'{self.timezone}' is no time zone.", hint="Write it as in America/Los_Angeles."
            ) from error
        names = [rule.name for rule in self.holidays]
        days_ = [(one.first, one.last, one.on) for one in self.exceptions]
        if len(set(names)) < len(names) or len(set(days_)) < len(days_):
            raise HoursError("The same holiday or exception stands twice.", hint="Give all its times in one.")

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the clock on the wall."""
        return ZoneInfo(self.timezone)

    @property
    def is_complete(self) -> bool:
        """Whether all that is known of the hours is in the rules."""
        return self.is_known and not self.text

    @property
    def is_known(self) -> bool:
        """Whether anything at all is known."""
        return bool(self.rules or self.exceptions or self.is_any_time_by_appointment)


def clock(minute: int) -> str:
    """Minutes after midnight as HH:MM; 1440 is 24:00, past it the next day's: 1560 is 02:00."""
    if minute == DAY:
        return "24:00"
    return f"{minute % DAY // 60:02d}:{minute % 60:02d}"


def days(text: str) -> tuple[Day, ...]:
    """Days from RFC 5545's words, such as 'MO,2TU,-1SA'. Raises `HoursError`."""
    found = []
    for part in filter(None, (word.strip().upper() for word in text.split(","))):
        name, nth = part[-2:], part[:-2]
        if name not in WEEKDAYS or (nth and not nth.lstrip("+-").isdigit()) or (nth and int(nth) == 0):
            raise HoursError(f"'{part}' is no day.", hint="Write days as MO, 2TU (the second) or -1SA (the last).")
        found.append(Day(WEEKDAYS.index(name), int(nth or 0)))
    return tuple(found)


def weekly(names: str, opens: int, closes: int) -> Rule:
    """A plain rule, every week: `weekly("MO,FR", 540, 720)`."""
    return Rule(Recurrence(days(names)), Times(opens, closes))


def monthly(names: str, opens: int, closes: int) -> Rule:
    """A plain rule on nth weekdays: `monthly("2SA,-1SA", 540, 720)`."""
    return Rule(Recurrence(days(names), "MONTHLY"), Times(opens, closes))


def in_season(on: Recurrence, first: tuple[int, int], last: tuple[int, int]) -> tuple[Recurrence, ...]:
    """The same days, but only in a part of every year, as (month, day), both included; may go over New Year.

    Whole months are `months`; what is left of a month at either end becomes a recurrence of its own, on those days of that month:
    so iCalendar can say it. Raises `HoursError` for a part of a month in every other week, which it cannot.
    """
    parts: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    whole: list[int] = []
    (first_month, first_day), (last_month, last_day) = first, last
    wraps = (first_month, first_day) > (last_month, last_day)
    months = [(first_month - 1 + n) % 12 + 1 for n in range((last_month - first_month) % 12 + 1)]
    if wraps and first_month == last_month:
        months = [(first_month - 1 + n) % 12 + 1 for n in range(12)] + [last_month]
    for at, month in enumerate(months):
        begin = first_day if at == 0 else 1
        end = last_day if at == len(months) - 1 and last_day < _LENGTHS[month] else 31
        if (begin, end) == (1, 31):
            whole.append(month)
        else:
            parts.append(((month,), tuple(range(begin, end + 1))))
    if parts and (on.interval > 1 or on.month_days):
        raise HoursError(
            "A part of a month in every other week cannot be said.", hint="Give whole months, or two dates."
        )
    made = [replace(on, months=tuple(whole))] if whole else []
    made += [replace(on, freq="MONTHLY", months=names, month_days=numbers) for names, numbers in parts]
    return tuple(made)


_LENGTHS = {month: 31 - (month in {4, 6, 9, 11}) - 2 * (month == 2) for month in range(1, 13)}
