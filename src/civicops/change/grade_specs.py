"""Which of two parameter sets of one kind of check lets more rows through.

Belongs here: comparing two specs of one kind. Does not belong here: what that does to anybody (`grade_checks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from civicops.checks.rules import LookupValues
from civicops.contracts import checktypes as ct

Spec = Any
"""One of the models of `checktypes`."""


@dataclass(frozen=True)
class Moved:
    """How a check moved: `tighter`: rows that passed may not; `looser`: rows that did not pass may. `lost`: values off a list."""

    tighter: bool = False
    looser: bool = False
    lost: frozenset[str] = frozenset()

    @property
    def same(self) -> bool:
        return not self.tighter and not self.looser


UNKNOWN = Moved(tighter=True, looser=True)
_ORDERINGS = {
    "<": {-1}, "<=": {-1, 0}, "=": {0}, "!=": {-1, 1}, ">=": {0, 1}, ">": {1},
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", "=": "=", "!=": "!=", ">=": "<=", ">": "<"}


def moved(old: Spec, new: Spec, lookups: tuple[LookupValues, LookupValues]) -> Moved:
    """How `new` differs from `old`, both of one kind. What cannot be told counts as both tighter and looser."""
    match old, new:
        case ct.Allowed(), ct.Allowed():
            return _listed(_values(old, lookups[0]), _values(new, lookups[1]))
        case (ct.Range(), ct.Range()) | (ct.Length(), ct.Length()):
            return _bounds((old.minimum, old.maximum), (new.minimum, new.maximum))
        case ct.RowCount(), ct.RowCount():
            return _bounds((old.minimum, None), (new.minimum, None))
        case ct.NullShare(), ct.NullShare():
            return _bounds((old.minimum, old.maximum), (new.minimum, new.maximum))
        case ct.QuarantineShare(), ct.QuarantineShare():
            return _bounds((None, old.maximum), (None, new.maximum))
        case ct.Freshness(), ct.Freshness():
            return _bounds((None, old.maximum_hours), (None, new.maximum_hours))
        case ct.Compare(), ct.Compare():
            return _compared(old, new)
        case ct.Inside(), ct.Inside():
            if (old.longitude, old.latitude) != (new.longitude, new.latitude):
                return UNKNOWN
            return _joined(
                _bounds((old.west, old.east), (new.west, new.east)),
                _bounds((old.south, old.north), (new.south, new.north)),
            )
        case ct.Paired(), ct.Paired():
            return Moved() if set(old.columns) == set(new.columns) else UNKNOWN
        case ct.Expression(), ct.Expression():
            return _expressed(old.expression, new.expression)
        case ct.NoRows(), ct.NoRows():
            return Moved() if sql(old.query) == sql(new.query) else UNKNOWN
        case ct.Conservation(), ct.Conservation():
            same = (set(old.sources), old.ignored) == (set(new.sources), new.ignored)
            return Moved() if same else UNKNOWN
    left, right = (spec.model_dump(exclude={"action", "blanks"}) for spec in (old, new))
    return Moved() if left == right else UNKNOWN


def _expressed(old: str, new: str) -> Moved:
    """Conditions that are joined by AND, held against each other one by one.

    One more can only turn a row away, one less only let one in, also where a value is unknown (SQL's three-valued logic). Where
    one is exchanged, it can be told if both compare the same with a number.
    """
    try:
        before, after = ({sql(part.sql("duckdb")): part for part in _conditions(text)} for text in (old, new))
    except sqlglot.errors.SqlglotError:
        return Moved() if old == new else UNKNOWN
    lost, came = (
        [part for text, part in one.items() if text not in other] for one, other in ((before, after), (after, before))
    )
    if not lost or not came:
        return Moved(tighter=bool(came), looser=bool(lost))
    if len(lost) == len(came) == 1:
        was, is_ = _limit(lost[0]), _limit(came[0])
        if was is not None and is_ is not None and was[:2] == is_[:2]:
            (_, is_upper, one, is_open), (_, _, two, opens) = was, is_
            # A limit that is not reached itself (<) lies just inside the one that is (<=).
            at, to = ((one, not is_open), (two, not opens)) if is_upper else ((-one, not is_open), (-two, not opens))
            return Moved(tighter=to < at, looser=to > at)
    return UNKNOWN


def _conditions(text: str) -> list[exp.Expr]:
    whole = sqlglot.parse_one(text, read="duckdb")
    return [part.unnest() for part in (whole.flatten() if isinstance(whole, exp.And) else [whole])]


def _limit(part: exp.Expr) -> tuple[str, bool, float, bool] | None:
    """What is compared, whether the number is its upper limit, the number, whether it is not reached itself; None for others."""
    if not isinstance(part, exp.LT | exp.LTE | exp.GT | exp.GTE):
        return None
    is_upper, left, right = isinstance(part, exp.LT | exp.LTE), part.left, part.right
    if _number(left) is not None:
        is_upper, left, right = not is_upper, right, left
    number = _number(right)
    if number is None or _number(left) is not None:
        return None
    return sql(left.sql("duckdb")), is_upper, number, isinstance(part, exp.LT | exp.GT)


def _number(part: exp.Expr) -> float | None:
    sign, plain = (-1.0, part.this) if isinstance(part, exp.Neg) else (1.0, part)
    return sign * float(plain.this) if isinstance(plain, exp.Literal) and plain.is_number else None


def sql(text: str) -> str:
    """SQL in one spelling, so that spaces and capitals make no difference; the text itself where it is no SQL."""
    try:
        # sqlglot parses a table named so; the braces of `{dataset}` it would not.
        tree = sqlglot.parse_one(text.replace("{dataset}", "_the_dataset_"), read="duckdb")
    except sqlglot.errors.SqlglotError:
        return text.strip()
    return tree.sql(dialect="duckdb", normalize=True)


def _values(spec: ct.Allowed, lookups: LookupValues) -> frozenset[str] | None:
    if spec.values:
        return frozenset(map(str, spec.values))
    found = lookups.get((str(spec.lookup), str(spec.lookup_column)))
    return None if found is None else frozenset(found)


def _listed(old: frozenset[str] | None, new: frozenset[str] | None) -> Moved:
    if old is None or new is None:
        return Moved() if old is new else UNKNOWN
    return Moved(tighter=bool(old - new), looser=bool(new - old), lost=old - new)


def _bounds(old: Sequence[float | str | None], new: Sequence[float | str | None]) -> Moved:
    """Bounds as (lowest, highest); a missing one lets everything through."""
    low = _order(old[0], new[0], missing=-1)
    high = _order(old[1], new[1], missing=1)
    return Moved(tighter=low > 0 or high < 0, looser=low < 0 or high > 0)


def _order(old: float | str | None, new: float | str | None, *, missing: int) -> int:
    """-1, 0 or 1: the new bound is lower, equal, higher."""
    if old is None or new is None:
        return 0 if old is new else (missing if new is None else -missing)
    first, second = _key(old), _key(new)
    return (second > first) - (second < first)


def _key(value: float | str) -> tuple[int, float, str]:
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, str(value)  # a day or a moment, which as text sorts as it does in time


def _compared(old: ct.Compare, new: ct.Compare) -> Moved:
    operator: str = new.operator
    if (new.left, new.right) == (old.right, old.left):
        operator = _MIRRORED[operator]
    elif (new.left, new.right) != (old.left, old.right):
        return UNKNOWN
    before, after = _ORDERINGS[old.operator], _ORDERINGS[operator]
    return Moved(tighter=bool(before - after), looser=bool(after - before))


def _joined(first: Moved, second: Moved) -> Moved:
    return Moved(first.tighter or second.tighter, first.looser or second.looser)
