"""Schedules as objects of Open Referral HSDS 3.x, and back.

Belongs here: `schedule` objects with the fields of that standard. Does not belong here: the other objects of HSDS, which are made
of listings (`pages/find_files/hsds.py`).

What HSDS has no field for goes with its words into `notes` and `description`, so that a person can read it, and into rules with
dates: a rule for some months of every year becomes one rule for each of the years asked for. Exceptions and holidays are told in
`description`. A time zone is an offset there; the name of the zone stands in `notes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from .findings import Finding
from .model import HoursError, Recurrence, Rule, Schedule, Times, clock, days
from .rows import byday, read_date, read_minute
from .writing import write

UNSUPPORTED = ("count", "byweekno", "byyearday")
"""Fields of HSDS that the rules here cannot say; one that is filled in is a finding."""


def to_hsds(schedule: Schedule, years: Iterable[int], moment: datetime | None = None) -> list[dict[str, Any]]:
    """Schedule objects without ids. Rules of some months are written out for `years`; the offset is that of `moment`."""
    offset = schedule.zone.utcoffset((moment or datetime.now(UTC)).astimezone(schedule.zone).replace(tzinfo=None))
    description = write(schedule, "en")
    objects = []
    for rule in schedule.rules:
        for on in _dated(rule.on, tuple(years)):
            objects.append(_object(replace(rule, on=on), schedule.timezone, offset, description))
    if not objects and description:
        objects.append({"description": description, "notes": f"Time zone: {schedule.timezone}"})
    return objects


def _object(rule: Rule, zone: str, offset: timedelta | None, description: str) -> dict[str, Any]:
    on = rule.on
    notes = [rule.notes, "By appointment." if rule.is_by_appointment else "", f"Time zone: {zone}"]
    made = {
        "freq": on.freq, "interval": on.interval, "byday": byday(on), "bymonthday": ",".join(map(str, on.month_days)),
        "dtstart": _iso(on.starts_on), "valid_from": _iso(on.valid_from), "valid_to": _iso(on.valid_to), "wkst": "MO",
        "opens_at": clock(rule.times.opens), "closes_at": clock(rule.times.closes % 1440),
        "timezone": offset.total_seconds() / 3600 if offset is not None else None,
        "attending_type": rule.attending, "description": description, "notes": "\n".join(filter(None, notes)),
    }  # fmt: skip
    return {name: value for name, value in made.items() if value not in (None, "")}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _dated(on: Recurrence, years: tuple[int, ...]) -> Iterator[Recurrence]:
    """A recurrence without months: as it is, or once per row of months and year."""
    if not on.months:
        yield on
        return
    wanted = [(year, month) for year in sorted(set(years)) for month in sorted(on.months)]
    for _, group in groupby(enumerate(wanted), key=lambda pair: pair[1][0] * 12 + pair[1][1] - pair[0]):
        rows = [pair for _, pair in group]
        first = date(*rows[0], 1)
        year, month = rows[-1]
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        first, last = max(first, on.valid_from or first), min(last, on.valid_to or last)
        if first <= last:
            yield replace(on, months=(), valid_from=first, valid_to=last)


def from_hsds(objects: Iterable[Mapping[str, Any]], timezone: str) -> tuple[Schedule, tuple[Finding, ...]]:
    """A schedule from HSDS schedule objects in the zone of the place. What cannot be said here stays text, with a finding."""
    rules: list[Rule] = []
    findings: list[Finding] = []
    text: list[str] = []
    for one in objects:
        described = str(one.get("description") or one.get("notes") or "").strip()
        if not one.get("freq"):
            if described:
                text.append(described)
                findings.append(Finding("unreadable", described))
            continue
        about = described or str({name: one[name] for name in sorted(one) if name != "id"})
        if any(one.get(name) for name in UNSUPPORTED):
            text.append(about)
            findings.append(Finding("not_supported", about))
            continue
        try:
            rules.append(_rule(one))
        except (HoursError, ValueError, TypeError, KeyError) as error:
            text.append(about)
            findings.append(Finding("unreadable", str(error)))
    return Schedule(timezone, tuple(rules), text="\n".join(text)), tuple(findings)


def _rule(one: Mapping[str, Any]) -> Rule:
    opens, closes = (read_minute(str(one[name])[:5]) for name in ("opens_at", "closes_at"))
    times = Times(opens, closes if closes > opens else closes + 1440)
    ends = [day for day in (read_date(one.get("valid_to")), read_date(one.get("until"))) if day]
    notes = [line for line in str(one.get("notes") or "").split("\n") if line and not line.startswith("Time zone: ")]
    on = Recurrence(
        days(str(one.get("byday") or "")),
        "MONTHLY" if str(one["freq"]).upper() == "MONTHLY" else _weekly(one),
        int(one.get("interval") or 1),
        read_date(one.get("dtstart")),
        tuple(int(part) for part in str(one.get("bymonthday") or "").split(",") if part),
        (),
        read_date(one.get("valid_from")),
        min(ends, default=None),
    )
    is_asked = "By appointment." in notes
    return Rule(
        on, times, is_asked, str(one.get("attending_type") or ""), "\n".join(n for n in notes if n != "By appointment.")
    )


def _weekly(one: Mapping[str, Any]) -> Any:
    if str(one["freq"]).upper() != "WEEKLY":
        raise ValueError(f"It repeats '{one['freq']}', which is neither WEEKLY nor MONTHLY.")
    return "WEEKLY"
