"""Grading what became of the checks: added, removed, tighter, looser, milder, harsher.

Belongs here: every check but `required` and `parses`, which belong to their columns (`grade_columns`). Does not belong here: how
two sets of parameters relate (`grade_specs`).

A check whose action is `flag` promises nothing to readers and refuses nothing, so it counts as if it were not there, except that
somebody is told. The three other actions are firm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import sqlglot
from sqlglot import exp

from civicops.change.grade_specs import Moved, moved
from civicops.change.grades import Change, Grade, change
from civicops.checks.rules import LookupValues
from civicops.contracts import Check, Contract
from civicops.contracts import checktypes as ct

_NOTHING = (Grade.COSMETIC, "Nothing changes for them.")
_HARSHER = ("blank", "quarantine", "stop")
_RELIED_ON = (ct.Pattern, ct.UniqueKey, ct.ForeignKey)
"""What code takes for granted: it cuts texts by their pattern and joins on keys. Without the check it fails or drops rows."""


@dataclass(frozen=True)
class Known:
    """What is known besides the two contracts: the values of lookups on both sides, and values that rows really have."""

    lookups: tuple[LookupValues, LookupValues] = ({}, {})
    in_use: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column to all its values in landed or published rows, for columns where somebody looked."""


def graded_checks(old: Contract, new: Contract, known: Known) -> Iterator[Change]:
    """Every change of checks; `old` has the columns' new names."""
    gone = set(old.column_names) - set(new.column_names)
    come = set(new.column_names) - set(old.column_names)
    yield from _unique(old, new)
    for before, after in _pairs(_considered(old), _considered(new)):
        if before is None and after is not None:
            if not _passes_without(after, come):
                yield from _moved(after, "flag", after.action, Moved(tighter=True), known, ("", _shown(after)))
        elif after is None and before is not None:
            if not columns_of(before) & gone:
                yield from _moved(before, before.action, "flag", Moved(looser=True), known, (_shown(before), ""))
        elif before and after and not (columns_of(before) & gone and _passes_without(after, come)):
            yield from _both(before, after, known)


def _passes_without(check: Check, columns: set[str]) -> bool:
    """Whether rows that have no value in `columns` pass the check, whatever else they have."""
    mine = columns_of(check)
    return bool(mine) and (mine <= columns or (bool(mine & columns) and isinstance(check.spec, ct.Compare | ct.Inside)))


def columns_of(check: Check) -> set[str]:
    """The columns a check looks at, as far as it names them."""
    spec = check.spec
    found = {check.column} if check.column else set()
    for name in ("left", "right", "longitude", "latitude", "column"):
        if isinstance(value := getattr(spec, name, None), str):
            found.add(value)
    found |= set(getattr(spec, "columns", ()))
    if isinstance(spec, ct.Expression):
        try:
            tree = sqlglot.parse_one(spec.expression, read="duckdb")
            found |= {item.name for item in tree.find_all(exp.Column)}
        except sqlglot.errors.SqlglotError:
            pass
    return found


def _considered(contract: Contract) -> list[Check]:
    return [c for c in contract.checks if not isinstance(c.spec, ct.Required | ct.Parses | ct.UniqueKey)]


def _pairs(old: Sequence[Check], new: Sequence[Check]) -> Iterator[tuple[Check | None, Check | None]]:
    """Each check with what became of it: by its id, else by kind and column."""
    left = {check.id: check for check in old}
    later: list[Check] = []
    for check in new:
        same = left.get(check.id)
        if same is not None and (same.kind, same.column) == (check.kind, check.column):
            yield left.pop(check.id), check
        else:
            later.append(check)
    for check in later:
        alike = [c for c in left.values() if (c.kind, c.column) == (check.kind, check.column)]
        nearest = next((c for c in alike if c.spec == check.spec), None)
        if nearest is None and check.column and len(alike) == 1:
            nearest = alike[0]
        yield (left.pop(nearest.id) if nearest else None), check
    for check in left.values():
        yield check, None


def _both(before: Check, after: Check, known: Known) -> Iterator[Change]:
    how = moved(before.spec, after.spec, known.lookups)
    shown = (_shown(before), _shown(after))
    yield from _moved(after, before.action, after.action, how, known, shown)
    if how.same and before.action == after.action:
        rest = [
            (check.id, check.description, check.dimension, check.spec.model_dump(exclude={"action"}))
            for check in (before, after)
        ]
        if getattr(before.spec, "blanks", ()) != getattr(after.spec, "blanks", ()):
            both = (Grade.DANGEROUS, "Other values are blanked.")
            yield change(_what(after), *shown, both, both, after.column)
        elif rest[0] != rest[1]:
            told = (Grade.COSMETIC, "The same rule, in other words.")
            if isinstance(after.spec, ct.RowCount | ct.NullShare) and rest[0][3] != rest[1][3]:
                yield change(_what(after), *shown, told, (Grade.ADDITIVE, "Only a warning moved."), after.column)
            else:
                yield change(_what(after), *shown, told, told, after.column)


def _moved(check: Check, before: str, after: str, how: Moved, known: Known, shown: tuple[str, str]) -> Iterator[Change]:
    """A check whose parameters or action moved; `flag` stands for 'not there' as well."""
    was, is_ = before in _HARSHER, after in _HARSHER
    if isinstance(check.spec, ct.Freshness):
        sides = _age(how, was, is_)
    elif not was and not is_:
        sides = _flagged(check, how, shown)
    elif was and not is_:
        sides = (_looser(check), (Grade.ADDITIVE, "Rows that were refused are taken."))
    elif is_ and not was:
        unused = (
            _unused(check, _all_but(check, known), known)
            if not how.lost and isinstance(check.spec, ct.Allowed)
            else False
        )
        sides = _tighter(after, how, unused)
    else:
        sides = _worst(_firm(check, before, after, how, known))
    if sides is not None:
        yield change(_what(check), *shown, *sides, column=check.column)


Sides = tuple[tuple[Grade, str], tuple[Grade, str]]


def _firm(check: Check, before: str, after: str, how: Moved, known: Known) -> Iterator[Sides]:
    if how.looser:
        yield _looser(check), (Grade.ADDITIVE, "Rows that were refused are taken.")
    if how.tighter:
        yield _tighter(after, how, _unused(check, how.lost, known))
    if before != after:
        milder = after == "blank" or (before, after) == ("stop", "quarantine")
        told = f"Rows that break it now {_does(after)}; before, they {_did(before)}."
        yield (
            (Grade.DANGEROUS, told),
            (Grade.ADDITIVE, told) if milder else (Grade.BREAKING, told),
        )


def _worst(sides: Iterator[Sides]) -> Sides | None:
    found = list(sides)
    if not found:
        return None
    return (
        max((consumers for consumers, _ in found), key=lambda side: side[0]),
        max((producers for _, producers in found), key=lambda side: side[0]),
    )


def _flagged(check: Check, how: Moved, shown: tuple[str, str]) -> Sides | None:
    if how.same:
        return None
    told = (Grade.ADDITIVE, "No row is refused; who gives them is told otherwise.")
    if isinstance(check.spec, ct.Allowed) and all(shown):
        return (
            Grade.DANGEROUS,
            "The usual values are others; legends and cases made for the old ones lack them.",
        ), told
    return (Grade.COSMETIC, "The same rows come; only remarks on them change."), told


def _looser(check: Check) -> tuple[Grade, str]:
    if isinstance(check.spec, _RELIED_ON):
        return (
            Grade.BREAKING,
            "Code takes this rule for granted (it cuts texts or joins by it) and fails or drops rows without it.",
        )
    if isinstance(check.spec, ct.Allowed):
        return Grade.DANGEROUS, "Values can come that no legend and no case has."
    return Grade.DANGEROUS, "Rows can come that never came."


def _tighter(action: str, how: Moved, unused: bool) -> Sides:
    if unused:
        return (
            (Grade.ADDITIVE, "No row has what is refused now, so nothing that is read changes."),
            (Grade.DANGEROUS, "No row has what is refused now; one that came with it would be."),
        )
    if how.lost:
        consumers = (
            Grade.BREAKING,
            f"Code that looks for {', '.join(sorted(how.lost))} finds nothing, without an error.",
        )
    elif action == "stop":
        consumers = (Grade.ADDITIVE, "More is promised of every row.")
    else:
        gone = "Rows" if action == "quarantine" else "Values"
        consumers = (Grade.DANGEROUS, f"{gone} that came no longer do; counts and averages shift.")
    if action == "blank":
        return consumers, (Grade.DANGEROUS, "Rows are taken, but lose the value.")
    return consumers, (Grade.BREAKING, f"Rows that were good {_does(action)}.")


def _all_but(check: Check, known: Known) -> frozenset[str]:
    """Values in use that a new list leaves out."""
    spec = check.spec
    return known.in_use.get(check.column or "", frozenset()) - frozenset(map(str, getattr(spec, "values", ())))


def _unused(check: Check, lost: frozenset[str], known: Known) -> bool:
    """Whether somebody looked, and no row has what a list of values now leaves out."""
    if not isinstance(check.spec, ct.Allowed) or check.column not in known.in_use or not (lost or check.spec.values):
        return False
    return not lost & known.in_use[str(check.column)]


def _age(how: Moved, was: bool, is_: bool) -> Sides | None:
    if how.looser or (was and not is_):
        return (
            (Grade.DANGEROUS, "Older data can come before anybody is told."),
            (Grade.ADDITIVE, "There is more time to deliver."),
        )
    if how.tighter or (is_ and not was):
        told = "Old data stop a release." if is_ else "Somebody is told sooner; nothing is refused."
        return (Grade.ADDITIVE, "Data are promised to be newer."), (Grade.BREAKING if is_ else Grade.DANGEROUS, told)
    return None


def _unique(old: Contract, new: Contract) -> Iterator[Change]:
    """Which sets of columns are promised to be unique; a set is implied by every smaller one."""
    before, after = _unique_sets(old), _unique_sets(new)
    both = (set(old.column_names), set(new.column_names))
    for columns in sorted(before, key=sorted):
        if columns <= both[1] and not any(other <= columns for other in after):
            reason = "Two rows can have the same values there, so joins on them count rows twice."
            producers = (Grade.ADDITIVE, "Rows that repeat one are taken.")
            yield change(f"unique: {', '.join(sorted(columns))}", "unique", "", (Grade.BREAKING, reason), producers)
    for columns in sorted(after, key=sorted):
        if columns & both[0] and not any(other <= columns for other in before):
            producers = (Grade.BREAKING, "Rows that repeat one stop the release.")
            consumers = (Grade.ADDITIVE, "No two rows have the same values there.")
            yield change(f"unique: {', '.join(sorted(columns))}", "", "unique", consumers, producers)


def _unique_sets(contract: Contract) -> set[frozenset[str]]:
    return {
        frozenset(check.spec.columns)
        for check in contract.dataset_checks
        if isinstance(check.spec, ct.UniqueKey) and check.action == "stop"
    }


def _what(check: Check) -> str:
    return f"{check.column}: check {check.id}" if check.column else f"check {check.id}"


def _shown(check: Check) -> str:
    parts = check.spec.model_dump(exclude={"check"}, exclude_defaults=True, by_alias=False) | {"action": check.action}
    pairs = chain([check.kind], (f"{name} {_plain(value)}" for name, value in parts.items()))
    return ", ".join(pairs)


def _plain(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _does(action: str) -> str:
    return {"quarantine": "are held back", "stop": "stop everything", "blank": "lose the value"}[action]


def _did(action: str) -> str:
    return {"quarantine": "were held back", "stop": "stopped everything", "blank": "lost the value"}[action]
