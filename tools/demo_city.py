"""The part of `make demo` about the city's 311 requests: a source that stands still, and a day that is lost.

Belongs here: what is done to the made-up city's portal, and what is printed of it. Does not belong here: the rest of the demo.

The city is brought up to date but for the last days before the first run: to the monitors its portal has stood still. Then it
moves on to today without the cases of one day, and finds them later. The world of the city ends with 2026; in other years the
story cannot be told, and the demo says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import httpx

from tools.demo_told import Told

PRODUCT = "requests_311"
ZONE = ZoneInfo("America/Los_Angeles")
STILL_DAYS = 6
"""More than the three days that the contract promises, also when two of them are public holidays, which do not count."""
LAST_DAY = date(2026, 12, 31)


def stand_still(url: str) -> bool:
    """Let the city live up to six days ago; False when today lies outside its world."""
    now = date.fromisoformat(httpx.get(f"{url}/_sim/health", trust_env=False).json()["today"])
    today = datetime.now(ZONE).date()
    days = (today - now).days - STILL_DAYS
    if days < 1 or today > LAST_DAY:
        return False
    _advance(url, days=days)
    return True


def story(url: str, told: Told, run: Callable[[], int]) -> bool:
    """A late source, a lost day, and both mended. True when each was noticed, told by mail, and closed by itself."""
    print(f"== {PRODUCT}: the city's portal has stood still for days")
    seen = told.opened(PRODUCT, "late")
    today = datetime.now(ZONE).date()
    lost = next(
        day
        for back in range(4, STILL_DAYS + 1)
        if (day := today - timedelta(days=back)).weekday() < 5 and day not in holidays.country_holidays("US")
    )
    print(f"\n== {PRODUCT}: the portal publishes again, but the cases of {lost:%A %d %B} are lost on the way")
    _advance(url, days=STILL_DAYS, lose=lost.isoformat())
    seen &= run() == 0
    seen &= told.resolved(PRODUCT, "late")
    seen &= told.opened(PRODUCT, f"no rows at all on {lost}")
    seen &= told.acknowledged(PRODUCT, "no rows at all", "asked the city's data team")
    found = httpx.post(f"{url}/_sim/find-lost", trust_env=False).json()["inserted_keys"]
    print(f"\n== {PRODUCT}: the city finds the {len(found)} lost cases")
    seen &= run() == 0
    return told.resolved(PRODUCT, "no rows at all") and seen


def _advance(url: str, **how: object) -> None:
    httpx.post(f"{url}/_sim/advance", json=how, timeout=120, trust_env=False).raise_for_status()
