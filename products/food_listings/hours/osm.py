"""Hours as an `opening_hours` value of OpenStreetMap.

Belongs here: what that language can say exactly. Does not belong here: what is nearly the same.
"""

from __future__ import annotations

from .model import EVERY_HOLIDAY, Recurrence, Rule, Schedule, Times, clock

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def opening_hours(schedule: Schedule) -> str | None:
    """The value, such as 'Mo-Fr 09:00-17:00; Sa[2,4] 10:00-12:00; PH off'; `None` where there is none.

    It cannot say every other week (its week numbers begin anew each year), days of the month, or named holidays.
    """
    if not schedule.is_complete or schedule.is_any_time_by_appointment:
        return None
    if any(rule.name != EVERY_HOLIDAY for rule in schedule.holidays) or any(one.on for one in schedule.exceptions):
        return None
    grouped: dict[tuple[Recurrence, bool], list[Rule]] = {}
    for rule in schedule.rules:
        grouped.setdefault((rule.on, rule.is_by_appointment), []).append(rule)
    parts = []
    for (on, is_asked), rules in grouped.items():
        days = _days(on)
        if days is None:
            return None
        times = ",".join(_times(rule.times) for rule in sorted(rules, key=lambda rule: rule.times))
        parts.append(f"{days}{times}" + (' "by appointment"' if is_asked else ""))
    # A later part would take the days of an earlier one away; ', ' adds to them.
    parts = [", ".join(parts)] if parts else []
    for holiday in schedule.holidays:
        if holiday.effect == "closed":
            parts.append("PH off")
        elif holiday.times:
            parts.append("PH " + ",".join(map(_times, holiday.times)))
    for one in schedule.exceptions:
        if not one.first or not one.last:
            return None
        ends = [f"{day.year} {_MONTHS[day.month - 1]} {day.day:02d}" for day in (one.first, one.last)]
        span = ends[0] if one.first == one.last else "-".join(ends)
        parts.append(f"{span} {','.join(map(_times, one.times)) if one.times else 'off'}")
    return "; ".join(parts)


def _days(on: Recurrence) -> str | None:
    if on.interval > 1 or on.month_days or on.starts_on or on.valid_from or on.valid_to:
        return None
    names: dict[int, list[int]] = {}
    for day in on.days:
        names.setdefault(day.weekday, []).append(day.nth)
    if on.freq == "MONTHLY":
        if any(0 in counts for counts in names.values()):
            return None
        said = ",".join(f"{_DAYS[day]}[{','.join(map(str, counts))}]" for day, counts in names.items())
    else:
        numbers = sorted(names)
        is_span = len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1
        said = f"{_DAYS[numbers[0]]}-{_DAYS[numbers[-1]]}" if is_span else ",".join(_DAYS[n] for n in numbers)
    return (",".join(_MONTHS[month - 1] for month in on.months) + " " if on.months else "") + said + " "


def _times(times: Times) -> str:
    return f"{clock(times.opens)}-{clock(times.closes)}" if times.closes != 1440 else f"{clock(times.opens)}-24:00"
