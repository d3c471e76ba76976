"""Grading what became of the columns: come, gone, renamed, and changed in type, meaning, presence or source.

Belongs here: differences of columns that stand on both sides, and of the set of columns. Does not belong here: checks other than
`required` (`grade_checks`), promises about the whole dataset (`grade_promises`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from civicops.change.grade_types import graded_formats, graded_type
from civicops.change.grade_words import same_meaning, same_unit, same_zone
from civicops.change.grades import Change, Grade, change
from civicops.contracts import Column, Contract
from civicops.contracts.checktypes import Required

_NOTHING = (Grade.COSMETIC, "Nothing changes for them.")
_FIRM = ("quarantine", "stop", "blank")


def renames(old: Contract, new: Contract) -> dict[str, str]:
    """Old name to new name of the columns that the new contract says were renamed (`was`) and that the old one has so."""
    return {
        column.was.name: column.name
        for column in new.columns
        if column.was and column.was.name in old.column_names and column.name not in old.column_names
    }


def graded_columns(old: Contract, new: Contract, named: dict[str, str], today: date) -> Iterator[Change]:
    """Every change of columns. `old` already has the new names of `named` (old to new)."""
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    promised = dict(old.old_names(today))
    for name, column in before.items():
        if name not in after:
            yield _gone(new, column)
    for name, column in after.items():
        if name not in before:
            yield _come(new, column, promised)
    for was, name in named.items():
        yield _renamed(was, after[name], today)
    for name, column in after.items():
        if name in before:
            yield from _old_name(before[name], column, name in named.values(), today)
            yield from _changed(old, new, before[name], column)
    if [name for name in before if name in after] != [name for name in after if name in before]:
        reason = "The columns stand in another order, which code that counts them from the left notices."
        yield change("order of columns", "", "", (Grade.DANGEROUS, reason), _NOTHING)


def firmness(contract: Contract, name: str) -> str:
    """What happens to a row without a value: the action of the strictest `required` check, or '' when that is fine."""
    order = ("", "flag", "blank", "quarantine", "stop")
    actions = [c.action for c in contract.row_checks if isinstance(c.spec, Required) and c.column == name]
    return max(actions, key=order.index, default="")


def personal(column: Column) -> int:
    """0: says nothing about a person; 1: something; 2: names one."""
    return {"none": 0, "public": 0, "": 0, "direct": 2}.get(column.pii_class.lower(), 1)


def _gone(new: Contract, column: Column) -> Change:
    ignored = {name for name, _ in new.ignored_fields}
    is_ignored = bool(column.source_names) and all(
        name in ignored or any(n.endswith("*") and name.startswith(n[:-1]) for n in ignored)
        for name in column.source_names
    )
    producers = (
        (Grade.COSMETIC, "The field may still be delivered; the contract says that it is not read.")
        if is_ignored
        else (Grade.DANGEROUS, "Its values are still delivered, and nobody takes them.")
    )
    reason = f"Code that names '{column.name}' fails."
    return change(column.name, "there", "gone", (Grade.BREAKING, reason), producers, column.name)


def _come(new: Contract, column: Column, promised: dict[str, str]) -> Change:
    if firmness(new, column.name) in _FIRM:
        producers = (Grade.BREAKING, "Rows as delivered until now have no value there and are refused.")
    elif column.critical:
        producers = (Grade.BREAKING, "A delivery without the field stops the run.")
    elif personal(column):
        producers = (Grade.DANGEROUS, "Something about people is taken that was not asked for before.")
    else:
        producers = (Grade.ADDITIVE, "Rows without it have no value there, which is allowed.")
    consumers = (Grade.ADDITIVE, "Code that names its columns does not see it.")
    if column.name in promised:
        consumers = (Grade.BREAKING, f"Until now that name gave '{promised[column.name]}'.")
    return change(column.name, "", "new", consumers, producers, column.name)


def _renamed(was: str, column: Column, today: date) -> Change:
    until = column.was.until if column.was else today
    if today <= until:
        consumers = (Grade.DANGEROUS, f"Both names are offered until {until}; code must have changed by then.")
    else:
        consumers = (Grade.BREAKING, f"The day until which both names are offered, {until}, is past.")
    producers = (Grade.ADDITIVE, "The same values under another name.")
    return change(f"{column.name}: name", was, column.name, consumers, producers, column.name)


def _old_name(old: Column, new: Column, is_renamed: bool, today: date) -> Iterator[Change]:
    if old.was is None or today > old.was.until:
        if old.was is not None and new.was is None:
            reason = f"The name '{old.was.name}' ended on {old.was.until}; this only tidies up."
            yield change(f"{new.name}: was", old.was.name, "", (Grade.COSMETIC, reason), _NOTHING, new.name)
        return
    until = new.was.until if new.was and new.was.name == old.was.name and not is_renamed else None
    if until is None or until < old.was.until:
        consumers = (Grade.BREAKING, f"The name '{old.was.name}' was promised until {old.was.until}.")
    elif until > old.was.until:
        consumers = (Grade.ADDITIVE, f"The name '{old.was.name}' is offered for longer.")
    else:
        return
    yield change(f"{new.name}: was", old.was.until, until, consumers, _NOTHING, new.name)


def _changed(old: Contract, new: Contract, a: Column, b: Column) -> Iterator[Change]:
    name = b.name
    if sides := graded_type(a, b, new.layer):
        yield Change(f"{name}: type", name, a.sql_type, b.sql_type, *sides)
    elif a.timezone and b.timezone and not same_zone(a.timezone, b.timezone):
        reason = "The same type, but another wall clock: hours and days shift without an error."
        both = (Grade.BREAKING, reason)
        yield change(f"{name}: time zone", a.timezone, b.timezone, both, both, name)
    elif a.timezone != b.timezone:
        both = (Grade.COSMETIC, "Another name of the same zone.")
        yield change(f"{name}: time zone", a.timezone, b.timezone, both, both, name)
    yield from _meaning(new, a, b)
    yield from _presence(old, new, name)
    if old.layer == "accepted" and new.layer == "accepted":
        yield from _reading(a, b)
    yield from _people(new, a, b)
    yield from _expected(a, b)
    if (a.title, a.examples) != (b.title, b.examples):
        yield change(
            f"{name}: title or examples", a.title, b.title, (Grade.COSMETIC, "Words for people."), _NOTHING, name
        )


def _meaning(new: Contract, a: Column, b: Column) -> Iterator[Change]:
    name = b.name
    if a.unit and b.unit and not same_unit(a.unit, b.unit):
        reason = f"Every number means another amount: {b.unit} instead of {a.unit}. Nothing fails, sums are wrong."
        yield change(f"{name}: unit", a.unit, b.unit, (Grade.BREAKING, reason), (Grade.BREAKING, reason), name)
    elif a.unit and b.unit and a.unit != b.unit:
        both = (Grade.COSMETIC, "Another spelling of the same unit.")
        yield change(f"{name}: unit", a.unit, b.unit, both, both, name)
    elif a.unit and not b.unit:
        both = (Grade.DANGEROUS, "Nobody promises any more which unit the numbers have.")
        yield change(f"{name}: unit", a.unit, b.unit, both, both, name)
    elif b.unit and not a.unit:
        both = (Grade.ADDITIVE, "The unit is said for the first time.")
        yield change(f"{name}: unit", a.unit, b.unit, both, both, name)
    if a.description == b.description:
        return
    if same_meaning(a.description, b.description):
        both = (Grade.COSMETIC, "Spelling, small words or examples.")
    elif b.reworded == new.version and a.reworded != b.reworded:
        both = (Grade.COSMETIC, "Its author says that only the words changed (reworded).")
    else:
        both = (
            Grade.BREAKING,
            "The words that say what a value means changed. If the meaning did not, say so with 'reworded'.",
        )
    yield change(f"{name}: meaning", a.description, b.description, both, both, name)


def _presence(old: Contract, new: Contract, name: str) -> Iterator[Change]:
    before, after = firmness(old, name), firmness(new, name)
    if before == after:
        return
    was, is_ = before in _FIRM, after in _FIRM
    if was and not is_:
        consumers = (Grade.BREAKING, "Rows without a value can come; code that counts on one fails or drops them.")
        producers = (Grade.ADDITIVE, "A value may be left out.")
    elif is_ and not was:
        firmer = after == "stop"
        consumers = (
            (Grade.ADDITIVE, "There is always a value now.")
            if firmer
            else (Grade.DANGEROUS, "Rows without a value no longer come, so there are fewer.")
        )
        producers = (Grade.BREAKING, "Rows without a value are refused.")
    elif was and is_:
        consumers = (Grade.DANGEROUS, f"Rows without a value now {_does(after)} instead of: {_does(before)}.")
        harsher = _FIRM.index(after) > _FIRM.index(before) if "blank" not in (before, after) else after != "blank"
        producers = (
            (Grade.BREAKING, "One of them holds up more.") if harsher else (Grade.ADDITIVE, "They hold up less.")
        )
    else:
        consumers, producers = _NOTHING, (Grade.ADDITIVE, "A missing value is at most remarked on.")
    yield change(f"{name}: required", before or "no", after or "no", consumers, producers, name)


def _does(action: str) -> str:
    return {"quarantine": "are held back", "stop": "stop everything", "blank": "stay empty"}[action]


def _reading(a: Column, b: Column) -> Iterator[Change]:
    name = b.name
    if lost := [word for word in a.source_names if word not in b.source_names]:
        yield change(
            f"{name}: names in the source", a.source_names, b.source_names,
            (Grade.DANGEROUS, "Deliveries with the other name leave the column empty."),
            (Grade.BREAKING, f"'{', '.join(lost)}' is read no more; its values are lost on the way."), name,
        )  # fmt: skip
    elif a.source_names != b.source_names:
        both = (Grade.ADDITIVE, "More deliveries can be read.")
        yield change(f"{name}: names in the source", a.source_names, b.source_names, both, both, name)
    if a.formats != b.formats and (sides := graded_formats(a.formats, b.formats)):
        yield Change(f"{name}: formats", name, ", ".join(a.formats), ", ".join(b.formats), *sides)
    elif a.formats != b.formats:
        both = (Grade.COSMETIC, "No text is read otherwise.")
        yield change(f"{name}: formats", a.formats, b.formats, both, both, name)
    if dropped := set(a.null_values) - set(b.null_values):
        reason = f"'{', '.join(sorted(dropped))}' is a value now where there was none."
        producers = (Grade.DANGEROUS, reason)
        if b.logical_type != "string":
            producers = (Grade.BREAKING, f"'{', '.join(sorted(dropped))}' can no longer be read.")
        yield change(
            f"{name}: words for no value", a.null_values, b.null_values, (Grade.DANGEROUS, reason), producers, name
        )
    if set(b.null_values) - set(a.null_values):
        both = (Grade.DANGEROUS, "What was a value is none now.")
        yield change(f"{name}: words for no value", a.null_values, b.null_values, both, both, name)
    if b.logical_type == "boolean":
        yield from _yes_and_no(a, b)
    if a.critical != b.critical:
        seen, given = (
            ((Grade.ADDITIVE, "It is in every delivery now."), (Grade.BREAKING, "A delivery without it stops the run."))
            if b.critical
            else ((Grade.DANGEROUS, "It may be missing from a whole delivery."), (Grade.ADDITIVE, "It may be missing."))
        )
        yield change(f"{name}: critical", a.critical, b.critical, seen, given, name)


def _yes_and_no(a: Column, b: Column) -> Iterator[Change]:
    before = dict.fromkeys(a.true_values, True) | dict.fromkeys(a.false_values, False)
    after = dict.fromkeys(b.true_values, True) | dict.fromkeys(b.false_values, False)
    if before == after:
        return
    what, shown = f"{b.name}: words for yes and no", (before, after)
    if any(after.get(word, value) != value for word, value in before.items()):
        both = (Grade.BREAKING, "A word that meant yes means no, or the other way round.")
        yield change(what, *shown, both, both, b.name)
    elif set(before) - set(after):
        producers = (Grade.BREAKING, "A word that was read is refused.")
        yield change(what, *shown, (Grade.DANGEROUS, "Rows with such a word come no more."), producers, b.name)
    else:
        both = (Grade.ADDITIVE, "More words can be read.")
        yield change(what, *shown, both, both, b.name)


def _people(new: Contract, a: Column, b: Column) -> Iterator[Change]:
    if a.pii_class == b.pii_class:
        return
    before, after = personal(a), personal(b)
    if after > before and after == 2 and new.declared_access == "public" and new.layer == "published":
        reason = "A public dataset with a column that names people is refused, so nothing new is published."
        consumers = producers = (Grade.BREAKING, reason)
    elif after > before:
        consumers = (Grade.DANGEROUS, "Readers must treat it with more care, and pages hide it.")
        producers = (Grade.ADDITIVE, "People are better protected.")
    elif after < before:
        consumers = (Grade.ADDITIVE, "It is shown where it was hidden.")
        producers = (Grade.BREAKING, "It is shown where it was hidden: a protection is gone.")
    else:
        consumers, producers = (Grade.DANGEROUS, "Another class of personal data may bring other duties."), _NOTHING
    yield change(f"{b.name}: personal data", a.pii_class, b.pii_class, consumers, producers, b.name)


def _expected(a: Column, b: Column) -> Iterator[Change]:
    """What personal data a column without a class may hold on purpose."""
    if a.expected_personal == b.expected_personal:
        return
    before, after = (set(column.expected_personal.kinds) if column.expected_personal else set() for column in (a, b))
    shown = (", ".join(sorted(before)), ", ".join(sorted(after)))
    if after - before:
        producers = (Grade.DANGEROUS, "The gate that kept such personal data in is open.")
        yield change(f"{b.name}: expected personal data", *shown, _NOTHING, producers, b.name)
    elif before - after:
        producers = (Grade.DANGEROUS, "Rows with such personal data stop a public release.")
        yield change(f"{b.name}: expected personal data", *shown, _NOTHING, producers, b.name)
    else:
        yield change(f"{b.name}: expected personal data", *shown, _NOTHING, _NOTHING, b.name)
