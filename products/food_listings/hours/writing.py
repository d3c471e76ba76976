"""Hours in words, English and Spanish: 'Every Tuesday 9 am–noon; 2nd and 4th Saturday of the month 10 am–noon'.

Belongs here: sentences. Does not belong here: reading them again (`texts`), which understands the English ones without an
anchor and without exceptions; a test holds it to that. The browser writes the same (`pages/find/hours/writing.ts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .model import DAY, EVERY_HOLIDAY, Day, ExceptionDays, HolidayRule, Recurrence, Rule, Schedule, Times

Language = Literal["en", "es"]


@dataclass(frozen=True)
class Words:
    """All words of a language."""

    days: tuple[str, ...]
    months: tuple[str, ...]
    nth: Mapping[int, str]
    joined: str
    """Between the last two of a list."""
    every_day: str
    every: str
    of_month: str
    other_week: str
    nth_week: str
    other_month: str
    nth_month: str
    counted: str
    on_days: str
    last_days: Mapping[int, str]
    noon: str
    midnight: str
    all_day: str
    by_appointment: str
    only: str
    since: str
    until: str
    span: str
    holidays: str
    closed_on: str
    open_on: str
    as_usual: str
    date: str


ENGLISH = Words(
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
    {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 5: "5th", -1: "last", -2: "2nd to last", -3: "3rd to last", -4: "4th to last",
     -5: "5th to last"},
    " and ", "Every day", "Every {0}", "{0} of the month", "Every other {0}", "{0} of every {1}th week",
    "{0} of every other month", "{0} of every {1}th month", "counted from {0}", "day {0} of the month",
    {-1: "the last day of the month"}, "noon", "midnight", "24 hours", "by appointment", "{0}", "from {0} on", "until {0}",
    "{0} to {1}", "holidays", "closed on {0}", "open on {0}", "as usual", "{month} {day}, {year}",
)  # fmt: skip
SPANISH = Words(
    ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    {1: "primer", 2: "segundo", 3: "tercer", 4: "cuarto", 5: "quinto", -1: "último", -2: "penúltimo", -3: "antepenúltimo",
     -4: "cuarto por el final", -5: "quinto por el final"},
    " y ", "Todos los días", "Cada {0}", "{0} del mes", "{0}, cada dos semanas", "{0}, cada {1} semanas",
    "{0}, cada dos meses", "{0}, cada {1} meses", "desde el {0}", "día {0} del mes",
    {-1: "el último día del mes"}, "mediodía", "medianoche", "24 horas", "con cita", "{0}", "desde el {0}", "hasta el {0}",
    "del {0} al {1}", "días festivos", "cerrado: {0}", "abierto: {0}", "como siempre", "{day} de {month} de {year}",
)  # fmt: skip
WORDS: Mapping[Language, Words] = {"en": ENGLISH, "es": SPANISH}


def write(schedule: Schedule, language: Language = "en") -> str:
    """All that is known of the hours, in one line; empty where nothing is. What could not be read stands at its end as it is."""
    words = WORDS[language]
    parts: list[str] = []
    grouped: dict[tuple[object, ...], list[Rule]] = {}
    for rule in schedule.rules:
        grouped.setdefault((rule.on, rule.is_by_appointment, rule.attending, rule.notes), []).append(rule)
    for rules in grouped.values():
        parts.append(_rules(rules, words))
    if schedule.is_any_time_by_appointment:
        parts.append(words.by_appointment)
    parts += [_exception(one, words) for one in schedule.exceptions]
    parts += [_holiday(one, words) for one in schedule.holidays]
    parts += [schedule.text] if schedule.text else []
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _rules(rules: Sequence[Rule], words: Words) -> str:
    """Rules of the same days as one clause, their times behind each other."""
    first = rules[0]
    times = words.joined.join(write_times(rule.times, words) for rule in sorted(rules, key=lambda rule: rule.times))
    text = f"{write_days(first.on, words)} {times}"
    for more in (words.by_appointment if first.is_by_appointment else "", first.attending):
        text += f" {more}" if more else ""
    return text + (f" ({first.notes})" if first.notes else "")


def write_days(on: Recurrence, words: Words) -> str:
    """The days of a recurrence in words, with the months and dates between which they count."""
    text = _repeated(on, words)
    if on.interval > 1 and on.starts_on:
        text += f" ({words.counted.format(write_date(on.starts_on, words))})"
    plain = text
    if on.months:
        text += f", {_months(on.months, words)}"
    start = on.valid_from or (on.starts_on if on.interval == 1 else None)
    if start and on.valid_to:
        text += ", " + words.span.format(write_date(start, words), write_date(on.valid_to, words))
    elif start:
        text += ", " + words.since.format(write_date(start, words))
    elif on.valid_to:
        text += ", " + words.until.format(write_date(on.valid_to, words))
    return text if text == plain else text + ","


def _repeated(on: Recurrence, words: Words) -> str:
    names = _weekdays([day for day in on.days if not day.nth], words)
    if on.freq == "WEEKLY":
        if on.interval == 1:
            return names if names == words.every_day or "–" in names else words.every.format(names)
        return words.other_week.format(names) if on.interval == 2 else words.nth_week.format(names, on.interval)
    parts = [names] if names else []
    parts += _nth([day for day in on.days if day.nth], words)
    text = _listed(parts, words)
    if on.month_days:
        numbers = _listed(
            [words.last_days.get(day) or words.on_days.format(day) for day in on.month_days], words
        ) if len(on.month_days) < 8 else words.on_days.format(f"{on.month_days[0]}–{on.month_days[-1]}")  # fmt: skip
        text = f"{text}, {numbers}" if text else numbers
    elif parts and any(day.nth for day in on.days):
        text = words.of_month.format(text)
    if on.interval == 2:
        text = words.other_month.format(text)
    elif on.interval > 2:
        text = words.nth_month.format(text, on.interval)
    return text


def _nth(days: Sequence[Day], words: Words) -> list[str]:
    """'1st and 3rd Saturday' for each weekday."""
    by_weekday: dict[int, list[int]] = {}
    for day in days:
        by_weekday.setdefault(day.weekday, []).append(day.nth)
    return [
        f"{_listed([words.nth[nth] for nth in counts], words)} {words.days[weekday]}"
        for weekday, counts in by_weekday.items()
    ]


def _weekdays(days: Sequence[Day], words: Words) -> str:
    """Weekdays, three and more in a row as a span."""
    numbers = sorted({day.weekday for day in days})
    if len(numbers) == 7:
        return words.every_day
    if len(numbers) >= 3 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{words.days[numbers[0]]}–{words.days[numbers[-1]]}"
    return _listed([words.days[number] for number in numbers], words)


def _months(months: Sequence[int], words: Words) -> str:
    """Months, those in a row as a span; November to February is one too."""
    chosen = set(months)
    starts = [month for month in sorted(chosen) if (month - 2) % 12 + 1 not in chosen]
    parts = []
    for start in starts or [1]:
        length = 1
        while length < 12 and (start - 1 + length) % 12 + 1 in chosen:
            length += 1
        last = (start + length - 2) % 12 + 1
        first_name, last_name = words.months[start - 1], words.months[last - 1]
        parts.append(first_name if length == 1 else f"{first_name}–{last_name}")
    return _listed(parts, words)


def _listed(parts: Sequence[str], words: Words) -> str:
    return words.joined.join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def write_times(times: Times, words: Words) -> str:
    """'9 am–noon'; around the clock is '24 hours'."""
    if times.is_all_day:
        return words.all_day
    return f"{write_time(times.opens, words)}–{write_time(times.closes, words)}"


def write_time(minute: int, words: Words) -> str:
    """'9 am', '9:30 pm', 'noon', 'midnight'."""
    minute %= DAY
    if minute in (0, DAY // 2):
        return words.midnight if minute == 0 else words.noon
    hour, rest = divmod(minute, 60)
    half = "am" if hour < 12 else "pm"
    return f"{(hour - 1) % 12 + 1}{f':{rest:02d}' if rest else ''} {half}"


def write_date(day: date, words: Words) -> str:
    """'January 6, 2026'."""
    return words.date.format(day=day.day, month=words.months[day.month - 1], year=day.year)


def _exception(one: ExceptionDays, words: Words) -> str:
    span = ""
    if one.first and one.last:
        ends = write_date(one.first, words), write_date(one.last, words)
        span = ends[0] if one.first == one.last else words.span.format(*ends)
    elif one.first:
        span = words.since.format(write_date(one.first, words))
    elif one.last:
        span = words.until.format(write_date(one.last, words))
    what = ", ".join(filter(None, (write_days(one.on, words).rstrip(",") if one.on else "", span)))
    text = (words.closed_on if one.effect == "closed" else words.open_on).format(what)
    text += "".join(f" {write_times(times, words)}" for times in one.times)
    return text + (f" ({one.reason})" if one.reason else "")


def _holiday(one: HolidayRule, words: Words) -> str:
    name = words.holidays if one.name == EVERY_HOLIDAY else one.name
    if one.effect == "closed":
        return words.closed_on.format(name)
    times = words.joined.join(write_times(times, words) for times in one.times) or words.as_usual
    return f"{words.open_on.format(name)} {times}"
