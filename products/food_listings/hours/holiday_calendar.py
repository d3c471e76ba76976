"""Which days are holidays, from the `holidays` library.

Belongs here: days and names. Does not belong here: what a listing does on them (`model.HolidayRule`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import holidays as library

from .model import Holidays, HoursError


def holiday_calendar(country: str, subdivision: str | None, years: Iterable[int]) -> Holidays:
    """Public holidays, with the days on which they are observed instead, of a country ('US') and a part of it ('CA').

    Names are the library's English ones; of 'Labor Day (observed)' the words in brackets are taken away, so that a rule holds
    on the day off too. Raises `HoursError` for a place that the library does not know.
    """
    return _calendar(country, subdivision, tuple(sorted(set(years))))


@cache
def _calendar(country: str, subdivision: str | None, years: tuple[int, ...]) -> Holidays:
    try:
        found = library.country_holidays(country, subdiv=subdivision, years=years, language="en_US")
    except NotImplementedError as error:
        place = f"{country}-{subdivision}" if subdivision else country
        raise HoursError(f"No holidays are known of {place}.", hint="Write codes as US and CA.") from error
    named: dict[date, frozenset[str]] = {}
    for day in sorted(found):
        names = {name.replace("(observed)", "").strip() for name in found.get_list(day)}
        named[day] = frozenset(names)
    return named
