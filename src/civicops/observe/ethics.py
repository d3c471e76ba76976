"""The monitor over ethics reviews: whether every dataset that says public has one that holds, and for how long.

Belongs here: from reviews and a day to one signal per product. Does not belong here: what makes a review valid
(`civicops.contracts.ethics`), restricting the dataset (`civicops.workspace` does, without being asked).

It reads nothing but files that have been read already, so it is asked on every tick.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import Any

from civicops.contracts.ethics import WARN_DAYS, judge, needs_review
from civicops.observe.signals import Signal
from civicops.observe.watched import Watched

MONITOR = "ethics"


def ethics_signals(watched: Watched) -> Iterator[Signal]:
    """One signal about all datasets of a product that say public and have been released: critical where one has no review that
    holds on the day, a warning from 30 days before one ends; none for a product without such a dataset."""
    today = watched.now.astimezone(UTC).date()
    lines: list[str] = []
    values: dict[str, Any] = {}
    missing, ends = 0, []
    for contract in watched.product.published:
        if not needs_review(contract) or contract.dataset not in watched.releases:
            continue
        verdict = judge(contract, watched.product.reviews, today)
        end = verdict.review.expires_on if verdict.review else None
        values[contract.dataset] = {"until": end.isoformat() if end else None, "missing": list(verdict.reasons)}
        if not verdict.is_valid:
            missing += 1
            lines.append(f"{contract.title} is restricted: {'; '.join(verdict.reasons)}.")
        elif end is not None and end - today <= timedelta(days=WARN_DAYS):
            ends.append(end)
            lines.append(f"{contract.title} is public until {end}, and restricted from the next day on.")
    if values:
        # A subject of its own: who resolves it by hand says nothing of the product's runs.
        title = watched.product.file.title
        yield Signal(
            MONITOR, f"{watched.subject()}/ethics", bool(lines), "critical" if missing or not ends else "warning",
            f"{title}: {_words(missing, ends, today)}", detail="\n".join(lines), values=values,
            runbook="An ethics review has ended or is missing", group=MONITOR, evidence={"day": today.isoformat()},
        )  # fmt: skip


def _words(missing: int, ends: list[date], today: date) -> str:
    if missing:
        what = "dataset has" if missing == 1 else "datasets have"
        return f"{missing} {what} no valid ethics review and cannot be public"
    if ends:
        days = (min(ends) - today).days
        when = "today" if days == 0 else f"in {days} day{'s' if days != 1 else ''}"
        return f"an ethics review ends {when}"
    return "ethics reviews hold"
