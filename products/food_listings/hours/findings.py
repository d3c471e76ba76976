"""What is odd about hours, as values.

Belongs here: the value, and the list of all codes with what each means. Does not belong here: finding them (`plausible`,
`texts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]

CODES: Mapping[str, tuple[Level, str]] = {
    "unreadable": ("error", "Words about hours that could not be read; they are kept as text."),
    "times_missing": ("error", "A day without an opening or a closing time."),
    "no_closing_time": ("error", "A time at which it opens, but none at which it closes."),
    "no_am_pm": ("error", "Times that may be in the morning or in the afternoon."),
    "no_anchor": ("error", "Every other week, but it is not said which ones."),
    "equal_times": ("error", "It closes at the time it opens: 24 hours, closed, or not filled in."),
    "close_before_open": ("error", "It closes before it opens, and is no evening place that closes after midnight."),
    "no_such_time": ("error", "A time that no clock shows."),
    "no_such_day": ("error", "A day that no calendar has."),
    "not_supported": ("error", "A repetition that schedules here cannot say."),
    "too_long": ("warning", "Open for more than 16 hours, but not around the clock."),
    "opens_at_night": ("warning", "Opens between midnight and 5 in the morning."),
    "overlap": ("warning", "Two openings of one day overlap."),
    "duplicate": ("warning", "The same opening stands twice."),
    "never": ("warning", "A rule that falls on no day."),
    "ended": ("warning", "All rules end before the day of the check."),
    "other_hours": ("warning", "Hours of an office or of intake, perhaps not those at which food is given."),
    "over_midnight": ("note", "It closes after midnight."),
    "end_of_day": ("note", "Closing at 23:59 was read as midnight."),
}
"""Code to how bad it is and what it means. After an error, what it is about is not in the rules."""


@dataclass(frozen=True)
class Finding:
    """One thing that is odd. `about`: the text, or the days and times, in words; `rules`: places in `Schedule.rules`."""

    code: str
    about: str = ""
    rules: tuple[int, ...] = ()

    @property
    def level(self) -> Level:
        """How bad it is."""
        return CODES[self.code][0]

    @property
    def meaning(self) -> str:
        """What the code means, in a sentence."""
        return CODES[self.code][1]
