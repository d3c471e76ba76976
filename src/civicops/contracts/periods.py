"""Spans of the calendar that a contract may name, such as how long rows are kept.

Belongs here: reading '2 years', and the day that lies so far back. Does not belong here: what goes then
(`civicops.govern.retention`).
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from civicops.contracts.odcs import Sla
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import YamlPath

Unit = Literal["days", "weeks", "months", "years"]
UNITS: dict[str, Unit] = {
    "d": "days", "day": "days", "days": "days", "w": "weeks", "week": "weeks", "weeks": "weeks",
    "m": "months", "month": "months", "months": "months", "y": "years", "year": "years", "years": "years",
}  # fmt: skip
"""How the standard and people write a unit."""


@dataclass(frozen=True)
class Period:
    """So many days, weeks, months or years."""

    count: int
    unit: Unit

    def before(self, day: date) -> date:
        """The day that lies so far back: of a month that is shorter its last one (31 May less 3 months is 28 February)."""
        if self.unit in ("days", "weeks"):
            return day - timedelta(days=self.count * (7 if self.unit == "weeks" else 1))
        months = day.year * 12 + day.month - 1 - self.count * (12 if self.unit == "years" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

    def __str__(self) -> str:
        return f"{self.count} {self.unit if self.count != 1 else self.unit.removesuffix('s')}"


def period(text: str) -> Period:
    """Read '2 years', '90 days', '18 m'. Raises `ValueError` that says what is wrong."""
    words = text.split()
    if len(words) != 2 or words[1] not in UNITS:
        raise ValueError(f"'{text}' is no span of time: a whole number and days, weeks, months or years")
    number = float(words[0]) if words[0].replace(".", "", 1).isdigit() else -1.0
    if number != int(number) or not 0 < number <= 10_000:
        raise ValueError(f"'{text}': the number must be a whole one above 0")
    return Period(int(number), UNITS[words[1]])


def retention_terms(
    slas: Sequence[Sla], days: Sequence[str], problem: Callable[[YamlPath, str], None]
) -> tuple[str | None, str | None]:
    """How long rows are kept, and by which of the columns `days` they are told to be old, if by one; faults go to `problem`."""
    for number, sla in enumerate(slas):
        if sla.property != "retention":
            continue
        text, name = f"{sla.value} {sla.unit}", sla.element.rpartition(".")[2] if sla.element else None
        try:
            period(text)
        except ValueError as error:
            problem(("slaProperties", number), f"retention: {error}")
            return None, None
        if name is not None and name not in days:
            problem(("slaProperties", number), f"retention: '{name}' is no date or moment; {nearest(name, days)}")
            return text, None
        return text, name
    return None, None
