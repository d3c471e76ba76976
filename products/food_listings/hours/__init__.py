"""Opening hours of listings: what they are, when they are open, whether they are plausible, how they are read and written.

Belongs here: pure functions on values. Does not belong here: files, releases, the network, the portal.
"""

from .falling import falls_on, nth_of_month, times_on
from .holiday_calendar import holiday_calendar
from .model import (
    Day,
    ExceptionDays,
    HolidayRule,
    Holidays,
    HoursError,
    Rule,
    Schedule,
    Season,
    Times,
    clock,
    days,
    weekly,
)
from .opening import Interval, Status, next_close, next_open, open_intervals, open_now, status, status_only

__all__ = [
    "Day", "ExceptionDays", "HolidayRule", "Holidays", "HoursError", "Interval", "Rule", "Schedule", "Season", "Status",
    "Times", "clock", "days", "falls_on", "holiday_calendar", "next_close", "next_open", "nth_of_month", "open_intervals",
    "open_now", "status", "status_only", "times_on", "weekly",
]  # fmt: skip
