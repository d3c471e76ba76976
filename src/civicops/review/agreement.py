"""Agreement between raters, measured from the log.

Belongs here: which answers are compared, percent and Krippendorff's alpha, per kind and month. Does not belong here: throughput
(`team`), or how right the machine is (`calibration`).

Compared are the ratings of one round of one task by different people who did not know of each other: those of kinds with several
raters, and of tasks drawn for a second rating. Taken-back ratings, abstentions, approvals and adjudications do not count. Two
answers are equal when `Decision.answer` is: the same values, whoever edited what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import krippendorff
import numpy as np
import sqlalchemy as sa

from civicops.database import stamp
from civicops.review.kinds import Kind
from civicops.review.room import Review, decision_of
from civicops.review.tables import DECISION

MOST_UNITS = 2_000
"""Of one figure: the newest ones. The library holds a table of units by different answers."""


@dataclass(frozen=True)
class Agreement:
    """How far raters agree. `units`: tasks rated by two or more. `percent`: share of pairs of ratings that are equal (0 to 1).

    `alpha`: Krippendorff's alpha for nominal data (K. Krippendorff, Content Analysis, 2004, ch. 11): 1 perfect, 0 as by chance,
    None where all answers are the same, so that chance cannot be told from agreement. `by_field`: alpha of each column alone.
    """

    period: str
    """A month such as 2026-03, or `all`."""
    units: int
    ratings: int
    percent: float | None
    alpha: float | None
    by_field: Mapping[str, float | None]


def agreement(
    review: Review, kind: Kind, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[Agreement, ...]:
    """Agreement of one kind: over all, then for each month (of a unit's last rating), the oldest first."""
    units = _units(review, kind, since, until)
    months = sorted({month for month, _ in units})
    return (
        _figures(kind, "all", [answers for _, answers in units]),
        *(_figures(kind, month, [answers for at, answers in units if at == month]) for month in months),
    )


def _units(
    review: Review, kind: Kind, since: datetime | None, until: datetime | None
) -> list[tuple[str, list[tuple[str, Mapping[str, object]]]]]:
    """Of each round with two or more ratings its month, and each rating's answer and values; in the order of the last rating."""
    query = sa.select(DECISION).where(DECISION.c.kind == kind.id).order_by(DECISION.c.id)
    if until is not None:
        query = query.where(DECISION.c.at < stamp(until))
    with review.reading() as con:
        log = [decision_of(row) for row in con.execute(query)]
    undone = {item.undoes for item in log if item.outcome == "undo"}
    rounds: dict[tuple[int, int], dict[str, tuple[datetime, str, Mapping[str, object]]]] = {}
    for item in log:
        if item.stage != "rating" or item.outcome in ("undo", "abstain") or item.id in undone:
            continue
        # A second answer of the same person (after changes were asked for) is no independent one: the first counts.
        rounds.setdefault((item.task_id, item.round), {}).setdefault(item.who, (item.at, item.answer, item.value or {}))
    found = []
    for given in rounds.values():
        last = max(at for at, _, _ in given.values())
        if len(given) > 1 and (since is None or last >= since):
            found.append((last, [(answer, value) for _, answer, value in given.values()]))
    found.sort(key=lambda item: item[0])
    return [(f"{last:%Y-%m}", answers) for last, answers in found]


def _figures(kind: Kind, period: str, units: Sequence[Sequence[tuple[str, Mapping[str, object]]]]) -> Agreement:
    answers = [[answer for answer, _ in unit] for unit in units]
    pairs = sum(len(unit) * (len(unit) - 1) // 2 for unit in answers)
    equal = sum(count * (count - 1) // 2 for unit in answers for count in Counter(unit).values())
    fields = {
        field.name: alpha([[repr(value.get(field.name)) for _, value in unit if value] for unit in units])
        for field in kind.fields
    }
    return Agreement(
        period, len(units), sum(map(len, answers)), equal / pairs if pairs else None, alpha(answers), fields
    )


def alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Krippendorff's alpha for nominal answers, given each unit's; of the newest `MOST_UNITS`. None where it is not defined."""
    rated = [unit for unit in units if len(unit) > 1][-MOST_UNITS:]
    domain = {answer: place for place, answer in enumerate(dict.fromkeys(a for unit in rated for a in unit))}
    if len(domain) < 2:
        return None
    counts = np.zeros((len(rated), len(domain)), dtype=np.int64)
    for place, unit in enumerate(rated):
        for answer in unit:
            counts[place, domain[answer]] += 1
    return round(float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")), 6)
