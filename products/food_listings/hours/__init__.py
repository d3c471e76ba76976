"""Opening hours of listings: what they are, when they are open, whether they are plausible, how they are read and written.

Belongs here: pure functions on values. Does not belong here: files, releases, the network, the portal.
"""

from .falling import falls_on, nth_of_month, times_on
from .findings import CODES, Finding
from .holiday_calendar import holiday_calendar
from .hsds import from_hsds, to_hsds
from .legacy import Entry, Reading, read_day_columns, read_entries, read_tuples
from .model import (
    Day,
    ExceptionDays,
    HolidayRule,
    Holidays,
    HoursError,
    Recurrence,
    Rule,
    Schedule,
    Times,
    clock,
    days,
    in_season,
    monthly,
    weekly,
)
from .opening import Interval, Status, next_close, next_open, open_intervals, open_now, status, status_only
from .osm import opening_hours
from .plain import to_plain
from .plausible import findings
from .rows import from_rows, to_rows
from .texts import read_text
from .writing import write

__all__ = [
    "CODES", "Day", "Entry", "ExceptionDays", "Finding", "HolidayRule", "Holidays", "HoursError", "Interval", "Reading",
    "Recurrence", "Rule", "Schedule", "Status", "Times", "clock", "days", "falls_on", "findings", "from_hsds", "from_rows",
    "holiday_calendar", "in_season", "monthly", "next_close", "next_open", "nth_of_month", "open_intervals", "open_now",
    "opening_hours", "read_day_columns", "read_entries", "read_text", "read_tuples", "status", "status_only", "times_on",
    "to_hsds", "to_plain", "to_rows", "weekly", "write",
]  # fmt: skip
