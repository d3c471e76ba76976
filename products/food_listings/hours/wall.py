"""Two times from the outside made into times of an opening, never by guessing.

Belongs here: which pairs of times are hours, which are only probably so. Does not belong here: the formats they come in
(`texts`, `legacy`).
"""

from __future__ import annotations

from .findings import Finding
from .model import DAY, Times, clock

EVENING = 17 * 60
LATEST_CLOSE = 6 * 60


def times_of(opens: int, closes: int, about: str = "") -> tuple[Times | None, tuple[Finding, ...]]:
    """Times from two minutes of the day (0 to 1440), and what is to be said about them.

    Closing at 00:00 or 23:59 is the end of the day. Closing before opening is believed only of a place that opens from 17:00
    on and closes by 06:00; 10:00 to 01:30 is rather a slip for 13:30, and is left to a person. So are equal times.
    """
    about = about or f"{clock(opens)}–{clock(closes)}"
    if not 0 <= opens < DAY or not 0 <= closes <= DAY:
        return None, (Finding("no_such_time", about),)
    if opens == closes:
        return None, (Finding("equal_times", about),)
    if closes == DAY - 1:
        return Times(opens, DAY), (Finding("end_of_day", about),)
    if closes == 0:
        return Times(opens, DAY), ()
    if closes > opens:
        return Times(opens, closes), ()
    if opens >= EVENING and closes <= LATEST_CLOSE:
        return Times(opens, DAY + closes), (Finding("over_midnight", about),)
    return None, (Finding("close_before_open", about),)
