"""Made schedules, one for each thing that opening hours can be.

Belongs here: values, with nothing but the product's own code behind them, as benches use them too and have no hypothesis. Does not
belong here: strategies and the oracle (hours_made.py), assertions.
"""

from __future__ import annotations

from datetime import date

from products.food_listings.hours import (
    Day,
    ExceptionDays,
    HolidayRule,
    Recurrence,
    Rule,
    Schedule,
    Times,
    in_season,
    monthly,
    weekly,
)

LA = "America/Los_Angeles"
TELLING: dict[str, Schedule] = {
    "weekdays": Schedule(LA, (weekly("MO,TU,WE,TH,FR", 540, 1020),)),
    "twice a day": Schedule(LA, (weekly("TU,TH", 540, 720), weekly("TU,TH", 780, 900))),
    "second and fourth Saturday": Schedule(LA, (monthly("2SA,4SA", 600, 720),)),
    "last Friday": Schedule(LA, (monthly("-1FR", 900, 1020),)),
    "fifth Monday": Schedule(LA, (monthly("5MO", 900, 1020),)),
    "every other Wednesday": Schedule(LA, (Rule(Recurrence((Day(2),), interval=2, starts_on=date(2025, 12, 31)), Times(600, 660)),)),
    "over midnight": Schedule(LA, (weekly("FR,SA", 22 * 60, 26 * 60),)),
    "around the clock": Schedule(LA, (weekly("MO,TU,WE,TH,FR,SA,SU", 0, 1440),)),
    "nights": Schedule(LA, (weekly("MO,TU,WE,TH,FR,SA,SU", 20 * 60, 32 * 60),)),
    "summer": Schedule(LA, tuple(Rule(on, Times(660, 780)) for on in in_season(Recurrence((Day(0), Day(3))), (6, 10), (8, 20)))),
    "winter": Schedule(LA, tuple(Rule(on, Times(660, 780)) for on in in_season(Recurrence((Day(1),)), (11, 15), (2, 28)))),
    "a while": Schedule(LA, (Rule(Recurrence((Day(4),), valid_from=date(2026, 2, 3), valid_to=date(2026, 9, 18)), Times(540, 600)),)),
    "the 1st and the last day": Schedule(LA, (Rule(Recurrence((), "MONTHLY", month_days=(1, -1)), Times(480, 600)),)),
    "exceptions": Schedule(
        LA, (weekly("MO,TU,WE,TH,FR", 540, 1020),),
        (ExceptionDays(date(2026, 8, 3), date(2026, 8, 28), "closed", reason="summer break"),
         ExceptionDays(date(2026, 8, 12), date(2026, 8, 12), "open", (Times(600, 660), Times(720, 780)))),
    ),
    "holidays": Schedule(
        LA, (weekly("MO,TU,WE,TH,FR,SA,SU", 600, 720),), (),
        (HolidayRule("public", "closed"), HolidayRule("Thanksgiving Day", "open", (Times(480, 900),)),
         HolidayRule("Christmas Day", "open")),
    ),
    "by appointment": Schedule(LA, (weekly("MO", 540, 720), Rule(Recurrence((Day(0),)), Times(660, 900), True))),
    "any time by appointment": Schedule(LA, (weekly("MO", 540, 720),), is_any_time_by_appointment=True),
    "partly read": Schedule(LA, (weekly("MO", 540, 720),), text="and some evenings"),
    "closed first Fridays": Schedule(
        LA, (weekly("WE,FR", 630, 720),), (ExceptionDays(None, None, "closed", on=Recurrence((Day(4, 1),), "MONTHLY")),)
    ),
    "nothing known": Schedule(LA),
    "at the change of the clock": Schedule(LA, (weekly("SU", 90, 150), weekly("SU", 165, 200), weekly("SA", 1380, 1440 + 120))),
    "Honolulu": Schedule("Pacific/Honolulu", (weekly("SU", 60, 180), weekly("MO", 1200, 1500))),
    "Lord Howe": Schedule("Australia/Lord_Howe", (weekly("SU", 60, 180), weekly("SA", 1380, 1560))),
}  # fmt: skip
"""One schedule for each thing that hours can be."""
