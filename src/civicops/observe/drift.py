"""Comparing the profile of a release with those before it.

Belongs here: from profiles to what has shifted, as values. Does not belong here: making profiles (`profile`) or saying how bad a
shift is (`monitors`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Profile = Mapping[str, Any]
ENOUGH_ROWS, ENOUGH_PROFILES = 200, 3
"""Deciles of fewer rows jump about, and two releases do not say what is usual."""
_LEAST = 1e-4
"""Share that stands for none at all in a stability index, as the logarithm of nothing is not a number."""


@dataclass(frozen=True)
class Shift:
    """One column that is not what it was: what was measured, what was expected, and that in words."""

    column: str
    words: str
    measured: float
    expected: float
    values: Mapping[str, Any] = field(default_factory=dict)


def schema_shifts(new: Profile, old: Profile) -> Iterator[Shift]:
    """Columns that came, went or changed their type, unless the contract's version says that this was meant."""
    if new["contract"] != old["contract"]:
        return
    before, after = old["columns"], new["columns"]
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, {}).get("type"), after.get(name, {}).get("type")
        if was != now:
            words = (
                f"{name} is gone" if now is None else f"{name} is new" if was is None else f"{name} was {was}, is {now}"
            )
            yield Shift(name, words, 1, 0, {"was": was, "is": now})


def null_shifts(new: Profile, old: Sequence[Profile], change: float) -> Iterator[Shift]:
    """Columns whose share of empty values rose by at least `change`, and far more than it ever moved."""
    for name, column in new["columns"].items():
        shares = [share for profile in old if (share := _null_share(profile, name)) is not None]
        now = _null_share(new, name)
        if not shares or now is None:
            continue
        usual = median(shares)
        spread = median(abs(share - usual) for share in shares)
        if now - usual >= max(change, 6 * spread) and now > max(shares):
            words = f"{name} is empty in {now:.1%} of the rows, usually in {usual:.1%}"
            yield Shift(name, words, now, usual, {"nulls": column["nulls"]})


def category_shifts(
    new: Profile, old: Sequence[Profile], *, columns: Sequence[str], index: float, share: float
) -> Iterator[Shift]:
    """Categories that went, and columns whose mix of categories is another one.

    Where rows are counted by day the newest weeks are compared, so that a category can go from a table that only grows.
    """
    for name in columns or sorted(_tops(new)):
        now = _tops(new).get(name)
        before = [top for profile in old if (top := _tops(profile).get(name))]
        if not now or not before:
            continue
        usual = _mean_shares(before)
        shares = _shares(now)
        gone = {value: part for value, part in usual.items() if part >= share and value not in shares}
        if gone:
            named = ", ".join(f"'{value}' (usually {part:.1%})" for value, part in gone.items())
            yield Shift(name, f"{name} no longer has {named}", 0, sum(gone.values()), {"gone": sorted(gone)})
            continue
        found = stability_index(usual, shares)
        if found > index:
            values = usual.keys() | shares.keys()
            worst = max(values, key=lambda value: abs(shares.get(value, 0) - usual.get(value, 0)))
            words = (
                f"{name} is mixed otherwise (index {found:.2f}): "
                f"'{worst}' is {shares.get(worst, 0):.1%}, usually {usual.get(worst, 0):.1%}"
            )
            yield Shift(name, words, found, index, {"value": worst})


def distribution_shifts(new: Profile, old: Sequence[Profile], index: float) -> Iterator[Shift]:
    """Numbers whose deciles moved: the index of the new deciles over the usual ones."""
    old = [profile for profile in old if profile["rows"] >= ENOUGH_ROWS]
    if len(old) < ENOUGH_PROFILES or new["rows"] < ENOUGH_ROWS:
        return
    for name, column in new["columns"].items():
        now = column.get("deciles")
        before = [d for profile in old if (d := profile["columns"].get(name, {}).get("deciles"))]
        if not now or not before or any(value is None for value in now):
            continue
        usual = [median(d[i] for d in before) for i in range(11) if all(d[i] is not None for d in before)]
        if len(usual) != 11:
            continue
        found = _decile_index(usual, now)
        if found > index:
            words = f"{name} is spread otherwise (index {found:.2f}): its middle is {now[5]:g}, usually {usual[5]:g}"
            yield Shift(name, words, found, index, {"deciles": now, "usual_deciles": usual})


def stability_index(old: Mapping[str, float], new: Mapping[str, float]) -> float:
    """The population stability index of two mixes of shares: 0 for equal ones; above 0.25 is commonly called a shift."""
    total = 0.0
    for value in old.keys() | new.keys():
        a, b = max(old.get(value, 0.0), _LEAST), max(new.get(value, 0.0), _LEAST)
        total += (b - a) * math.log(b / a)
    return total


def _decile_index(usual: Sequence[float], now: Sequence[float]) -> float:
    """How the new values fall into the usual tenths. Equal edges (many equal values) are one bin."""
    edges = sorted(set(usual[1:-1]))
    old = _bins(usual, edges)
    return stability_index(old, _bins(now, edges))


def _bins(deciles: Sequence[float], edges: Sequence[float]) -> dict[str, float]:
    """The share of values in each bin, from their deciles, taking values to be spread evenly between two deciles."""
    below = [_share_below(deciles, edge) for edge in edges]
    cuts = [0.0, *below, 1.0]
    return {str(i): max(0.0, cuts[i + 1] - cuts[i]) for i in range(len(cuts) - 1)}


def _share_below(deciles: Sequence[float], edge: float) -> float:
    if edge < deciles[0]:
        return 0.0
    for i in range(9, -1, -1):
        low, high = deciles[i], deciles[i + 1]
        if edge >= high:
            return (i + 1) / 10
        if edge >= low:
            return (i + (edge - low) / (high - low)) / 10 if high > low else i / 10
    return 1.0


def _null_share(profile: Profile, name: str) -> float | None:
    column = profile["columns"].get(name)
    return column["nulls"] / profile["rows"] if column and profile["rows"] else None


def _tops(profile: Profile) -> dict[str, dict[str, int]]:
    recent: dict[str, dict[str, int]] | None = profile.get("recent")
    if recent is not None:
        return recent
    return {name: column["top"] for name, column in profile["columns"].items() if "top" in column}


def _shares(top: Mapping[str, int]) -> dict[str, float]:
    total = sum(top.values())
    return {value: count / total for value, count in top.items()} if total else {}


def _mean_shares(tops: Sequence[Mapping[str, int]]) -> dict[str, float]:
    each = [_shares(top) for top in tops]
    values = {value for shares in each for value in shares}
    return {value: sum(shares.get(value, 0.0) for shares in each) / len(each) for value in values}
