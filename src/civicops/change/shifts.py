"""How the values of a release are spread otherwise than those of another, in words.

Belongs here: comparing two profiles (`civicops.observe.profile`) made of two releases. Does not belong here: deciding whether
that is unusual over time, which monitors do. Personal columns have no values in profiles, so none can show here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LEAST_SHARE = 0.005
"""Half a percent of the rows: what moves less is not told."""


def shifts(old: Mapping[str, Any], new: Mapping[str, Any], renamed: Mapping[str, str]) -> Iterator[str]:
    """A sentence for every column whose empty values, middle, ends or common values moved. `renamed`: old name to new name."""
    before = {renamed.get(name, name): column for name, column in old["columns"].items()}
    for name, column in new["columns"].items():
        if name not in before:
            continue
        was = before[name]
        share, now = _share(was.get("nulls"), old["rows"]), _share(column.get("nulls"), new["rows"])
        if share is not None and now is not None and abs(now - share) >= LEAST_SHARE:
            yield f"{name} is empty in {now:.1%} of the rows, before in {share:.1%}"
        yield from _spread(name, was, column)
        yield from _mix(name, was, column, old["rows"], new["rows"])


def _share(count: Any, rows: int) -> float | None:
    return None if count is None or not rows else float(count) / rows


def _spread(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    before, after = was.get("deciles"), now.get("deciles")
    if before and after and before != after and None not in (*before, *after):
        width = abs(before[-2] - before[1]) or 1.0
        if max(abs(a - b) for a, b in zip(before[1:-1], after[1:-1], strict=False)) / width >= LEAST_SHARE:
            yield f"{name} has its middle at {after[5]:g}, before at {before[5]:g}"
    ends = [(was.get(key), now.get(key)) for key in ("min", "max")]
    if any(a != b for a, b in ends) and None not in (x for pair in ends for x in pair):
        yield f"{name} goes from {ends[0][1]} to {ends[1][1]}, before from {ends[0][0]} to {ends[1][0]}"


def _mix(name: str, was: Mapping[str, Any], now: Mapping[str, Any], rows: int, rows_now: int) -> Iterator[str]:
    before, after = was.get("top"), now.get("top")
    if not before or not after or not rows or not rows_now:
        return
    moved = []
    for value in dict.fromkeys([*before, *after]):
        one, other = before.get(value, 0) / rows, after.get(value, 0) / rows_now
        if abs(one - other) >= LEAST_SHARE or (one > 0) != (other > 0):
            moved.append((abs(one - other), f"'{value}' {other:.1%} (before {one:.1%})"))
    if moved:
        moved.sort(key=lambda item: -item[0])
        yield f"{name}: {', '.join(words for _, words in moved[:5])}"
