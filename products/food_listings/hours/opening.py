"""When a place is open: now, next, and over a span of time. Exact, on the clock of the place.

Belongs here: from local times to moments, and the questions about them. Does not belong here: which days (`falling`).

Changes of the clock follow RFC 5545 (3.3.5) and PEP 495: a local time that comes twice is its first coming, one that is skipped
is the moment it would have been on the clock before the change. So 22:00 to 02:00 ends, in the night that skips 02:00 to 03:00,
at the skip; an opening that the skip swallows or turns around is none. The browser does the same (`pages/find/hours/`); a test
holds them equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from .falling import NONE, times_on
from .model import DAY, Holidays, HoursError, Schedule

State = Literal["open", "appointment", "closed", "unknown"]
SEARCH_DAYS = (3, 16, 64, 400)
"""How far the next opening is looked for, step by step: the last covers every rule that comes once a year."""


@dataclass(frozen=True, order=True)
class Interval:
    """From one moment (included) to another (not included), in UTC."""

    start: datetime
    end: datetime
    is_by_appointment: bool = False


@dataclass(frozen=True)
class Status:
    """How it is at a moment. `until`: when that changes, in UTC; `None` when it does not within about a year, or is not known."""

    state: State
    until: datetime | None = None


def moment_of(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, of a time on the wall: `minute` minutes after midnight of `day`; may be past 1440."""
    at = day + timedelta(days=minute // DAY)
    local = datetime(at.year, at.month, at.day, minute % DAY // 60, minute % 60, tzinfo=zone)
    return local.astimezone(UTC)


def open_intervals(
    schedule: Schedule, start: datetime, end: datetime, holidays: Holidays = NONE, *, appointments: bool = False
) -> list[Interval]:
    """When it is open between two moments, merged, in order, cut off at both; by appointment too if asked for.

    Those by appointment that overlap or touch open hours are told apart from them, not merged with them.
    """
    _aware(start)
    _aware(end)
    zone = schedule.zone
    first = start.astimezone(zone).date() - timedelta(days=2)
    last = end.astimezone(zone).date() + timedelta(days=1)
    plain, asked = _spans(schedule, first, last, holidays)
    found = [Interval(a, b) for a, b in plain]
    if appointments:
        found += [Interval(a, b, True) for a, b in _without(asked, plain)]
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    cut = (Interval(max(one.start, start), min(one.end, end), one.is_by_appointment) for one in found)
    return sorted(one for one in cut if one.start < one.end)


def status(schedule: Schedule, moment: datetime, holidays: Holidays = NONE) -> Status:
    """Open, by appointment, closed or not known, and until when.

    Where a part of the hours could not be read, the rules that could are believed; outside of them it is not known.
    """
    _aware(moment)
    moment = moment.astimezone(UTC)
    if not schedule.is_known:
        return Status("unknown")
    here = _state_at(schedule, moment, holidays)
    until = None
    for change in _changes(schedule, moment, holidays):
        if _state_at(schedule, change, holidays) != here:
            until = change
            break
    if here == "closed" and schedule.text:
        return Status("unknown", until)
    return Status(here, until)


def open_now(schedule: Schedule, moment: datetime, holidays: Holidays = NONE) -> bool | None:
    """Whether somebody may walk in at a moment; `None` when that is not known. By appointment is not open."""
    state = status_only(schedule, moment, holidays)
    return None if state == "unknown" else state == "open"


def status_only(schedule: Schedule, moment: datetime, holidays: Holidays = NONE) -> State:
    """`status` without looking for the next change, which takes most of the time."""
    _aware(moment)
    if not schedule.is_known:
        return "unknown"
    here = _state_at(schedule, moment.astimezone(UTC), holidays)
    return "unknown" if here == "closed" and schedule.text else here


def next_open(schedule: Schedule, moment: datetime, holidays: Holidays = NONE) -> datetime | None:
    """The first moment after `moment` at which it turns open, in UTC; `None` when that is more than a year away."""
    return _next(schedule, moment, holidays, at=0)


def next_close(schedule: Schedule, moment: datetime, holidays: Holidays = NONE) -> datetime | None:
    """The first moment after `moment` at which it stops being open, in UTC; `None` as above."""
    return _next(schedule, moment, holidays, at=1)


def _next(schedule: Schedule, moment: datetime, holidays: Holidays, at: int) -> datetime | None:
    _aware(moment)
    moment = moment.astimezone(UTC)
    for plain, _, whole in _windows(schedule, moment, holidays):
        for span in plain:
            # What lies at the end of the window may go on behind it.
            if span[at] > moment and span[1] < whole:
                return span[at]
            if at == 0 and span[0] > moment:
                return span[0]
    return None


def _changes(schedule: Schedule, moment: datetime, holidays: Holidays) -> Iterator[datetime]:
    """Moments after `moment` at which something begins or ends, in order."""
    told = moment
    for plain, asked, whole in _windows(schedule, moment, holidays):
        for edge in sorted({edge for span in (*plain, *asked) for edge in span}):
            if told < edge < whole:
                told = edge
                yield edge


Span = tuple[datetime, datetime]


def _windows(
    schedule: Schedule, moment: datetime, holidays: Holidays
) -> Iterator[tuple[list[Span], list[Span], datetime]]:
    """Spans around a moment, each window longer than the one before, and the moment up to which they are whole."""
    zone = schedule.zone
    today = moment.astimezone(zone).date()
    for length in SEARCH_DAYS:
        last = today + timedelta(days=length)
        yield (*_spans(schedule, today - timedelta(days=2), last, holidays), moment_of(last, 0, zone))


def _state_at(schedule: Schedule, moment: datetime, holidays: Holidays) -> State:
    """The state by the openings that begin on the days around the moment; an opening lasts 24 hours at most."""
    zone = schedule.zone
    today = moment.astimezone(zone).date()
    found: State = "appointment" if schedule.is_any_time_by_appointment else "closed"
    for back in (0, 1, 2):
        day = today - timedelta(days=back)
        for times, is_asked in times_on(schedule, day, holidays):
            if moment_of(day, times.opens, zone) <= moment < moment_of(day, times.closes, zone):
                if not is_asked:
                    return "open"
                found = "appointment"
    return found


def _spans(schedule: Schedule, first: date, last: date, holidays: Holidays) -> tuple[list[Span], list[Span]]:
    """Merged spans of openings that begin on the days `first` to `last`: those for everybody, those by appointment."""
    zone = schedule.zone
    plain: list[Span] = []
    asked: list[Span] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for times, is_asked in times_on(schedule, day, holidays):
            start, end = moment_of(day, times.opens, zone), moment_of(day, times.closes, zone)
            if start < end:
                (asked if is_asked else plain).append((start, end))
    return _merged(plain), _merged(asked)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What of `spans` is not in `taken`; both merged."""
    left: list[Span] = []
    for start, end in spans:
        at = start
        for a, b in taken:
            if b <= at or a >= end:
                continue
            if a > at:
                left.append((at, a))
            at = b
        if at < end:
            left.append((at, end))
    return left


def _aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise HoursError(f"{moment} says no time zone.", hint="Give a moment with its zone, such as datetime.now(UTC).")
