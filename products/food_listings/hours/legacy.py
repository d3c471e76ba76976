"""Hours in the formats of older lists: a row per opening, columns per day, tuples in one cell.

Belongs here: the formats with a week of the month, a day and two times, and putting such entries together into rules. Does not
belong here: free texts (`texts`).

In all of them a week is 0 (every), 1 to 5 (the nth such day of the month) or -1 (the last).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .findings import Finding
from .model import Day, Recurrence, Rule, Schedule, Times
from .wall import times_of
from .words import WEEKDAYS, plain

_ALWAYS = ({1, 2, 3, 4, 5}, {1, 2, 3, 4, -1}, {1, 2, 3, 4, 5, -1})
"""Weeks of a month that together are every week: the fifth of a weekday is always the last."""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.0+)?)?")
_DIGITS = re.compile(r"\d{1,4}")


@dataclass(frozen=True)
class Reading:
    """What was read: rules in a schedule, words that could not be read in its `text`, what is odd, and other remarks."""

    schedule: Schedule
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One opening as others write it: week of the month (0 is every), weekday (0 is Monday), two times as they stand there."""

    week: int
    weekday: int
    opens: str
    closes: str


def assemble(entries: Iterable[tuple[int, int, Times]]) -> tuple[Rule, ...]:
    """Rules from (week, weekday, times): days with the same times stand in one rule, in the order of their first day."""
    weeks: dict[tuple[int, Times], set[int]] = {}
    for week, weekday, times in entries:
        weeks.setdefault((weekday, times), set()).add(week)
    every: dict[Times, list[Day]] = {}
    some: dict[tuple[Times, tuple[int, ...]], list[Day]] = {}
    for (weekday, times), found in sorted(weeks.items()):
        if 0 in found or found in _ALWAYS:
            every.setdefault(times, []).append(Day(weekday))
        else:
            order = tuple(sorted(found, key=lambda week: week if week > 0 else 10 + week))
            some.setdefault((times, order), []).extend(Day(weekday, week) for week in order)
    rules = [Rule(Recurrence(tuple(days)), times) for times, days in every.items()]
    rules += [Rule(Recurrence(tuple(days), "MONTHLY"), times) for (times, _), days in some.items()]
    return tuple(sorted(rules, key=lambda rule: (rule.on.freq == "MONTHLY", rule.on.days[0].weekday, rule.times)))


def read_entries(entries: Iterable[Entry], timezone: str) -> Reading:
    """Rules from rows. What cannot be read stands in the schedule's text, one line each, as 'week day opens-closes'."""
    found: list[tuple[int, int, Times]] = []
    seen: set[tuple[int, int, Times]] = set()
    findings: list[Finding] = []
    text: list[str] = []
    for entry in entries:
        if not 0 <= entry.weekday <= 6 or not -1 <= entry.week <= 5:
            about = f"{entry.week} {entry.weekday} {entry.opens}-{entry.closes}"
            findings.append(Finding("no_such_day", about))
            text.append(about)
            continue
        about = f"{entry.week} {_NAMES[entry.weekday]} {entry.opens}-{entry.closes}"
        times, odd = _times(entry, about)
        findings += odd
        if times is None:
            text.append(about)
        elif (one := (entry.week, entry.weekday, times)) in seen:
            findings.append(Finding("duplicate", about))
        else:
            seen.add(one)
            found.append(one)
    return Reading(Schedule(timezone, assemble(found), text="\n".join(text)), tuple(findings))


_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _times(entry: Entry, about: str) -> tuple[Times | None, tuple[Finding, ...]]:
    if not entry.opens.strip() or not entry.closes.strip():
        return None, (Finding("times_missing", about),)
    opens, closes = minute(entry.opens), minute(entry.closes)
    if opens is None or closes is None:
        return None, (Finding("no_such_time", about),)
    return times_of(opens, closes, about)


def minute(text: str) -> int | None:
    """The minute of the day of '14:00:00', '9:30', '930' or '0'; `None` for what no clock shows."""
    text = text.strip().strip("'\"")
    if found := _CLOCK.fullmatch(text):
        hour, rest = int(found[1]), int(found[2])
    elif _DIGITS.fullmatch(text):
        hour, rest = divmod(int(text), 100)
    else:
        return None
    return hour * 60 + rest if rest < 60 and hour * 60 + rest <= 1440 else None


def read_day_columns(row: Mapping[str, str], timezone: str) -> Reading:
    """Columns `daycode1`, `day1_open`, `day1_close` to 7, as 'Mon' or 'Sat3rd', '600', '2200'. A day without times is closed."""
    entries, findings, text = [], [], []
    for number in range(1, 8):
        code = row.get(f"daycode{number}", "").strip()
        opens, closes = row.get(f"day{number}_open", "").strip(), row.get(f"day{number}_close", "").strip()
        if not opens and not closes:
            continue
        found = re.fullmatch(r"([A-Za-z]+?)(1st|2nd|3rd|4th|5th|Last)?", code)
        weekday = WEEKDAYS.get(found[1].lower()) if found else None
        if found is None or weekday is None:
            findings.append(Finding("no_such_day", f"{code} {opens}-{closes}"))
            text.append(f"{code} {opens}-{closes}")
            continue
        entries.append(Entry(_WEEKS[found[2] or ""], weekday, opens, closes))
    reading = read_entries(entries, timezone)
    rest = "\n".join(filter(None, (*text, reading.schedule.text)))
    return Reading(Schedule(timezone, reading.schedule.rules, text=rest), (*findings, *reading.findings))


_WEEKS = {"": 0, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "Last": -1}


def read_tuples(text: str, timezone: str, week: int | None = None) -> Reading:
    """'(week,day,open,close),…', or with a given week '(day,open,close),…'; days are names or 1 (Sunday) to 7.

    A text that is not made of such tuples from end to end is not read at all.
    """
    bare = re.sub(r"\(([^()]*)\)", "", text)
    if re.sub(r"[\s,;\[\]]+", "", bare):
        return Reading(Schedule(timezone, text=text), (Finding("unreadable", text),))
    entries = []
    for inner in re.findall(r"\(([^()]*)\)", text):
        parts = [part.strip().strip("'\"") for part in inner.split(",")]
        if week is not None:
            parts.insert(0, str(week))
        weekday = _weekday(parts[1]) if len(parts) == 4 else None
        if weekday is None or not re.fullmatch(r"-?\d", parts[0]):
            return Reading(Schedule(timezone, text=text), (Finding("unreadable", text),))
        entries.append(Entry(int(parts[0]), weekday, parts[2], parts[3]))
    return read_entries(entries, timezone)


def _weekday(word: str) -> int | None:
    if word in {"1", "2", "3", "4", "5", "6", "7"}:
        return (int(word) - 2) % 7
    return WEEKDAYS.get(plain(word))
