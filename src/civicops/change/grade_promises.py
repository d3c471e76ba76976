"""Grading what is promised besides single columns and checks: keys, order, access, privacy, age, time kept, licence, words.

Belongs here: everything of a contract that `grade_columns` and `grade_checks` do not look at; a test proves that together they
look at every field. Does not belong here: columns and checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import sqlglot
from sqlglot import exp

from civicops.change.grade_columns import personal
from civicops.change.grade_specs import sql
from civicops.change.grades import ETHICS, Change, Grade, change
from civicops.contracts import Contract
from civicops.contracts.privacy import EVERY_ROW, PrivacyRule, Treatment

_NOTHING = (Grade.COSMETIC, "Nothing changes for them.")
_ACCESS = ("internal", "restricted", "public")
_LICENCES = (
    ("cc0", "pddl", "public domain", "public-domain", "unlicense"),
    ("cc-by-sa", "odbl"),
    ("cc-by-nc",),
    ("cc-by",),
)
_FREEDOM = (0, 2, 3, 1)
_DAYS = {
    "d": 1.0,
    "day": 1.0,
    "week": 7.0,
    "w": 7.0,
    "month": 30.4375,
    "m": 30.4375,
    "year": 365.25,
    "y": 365.25,
    "h": 1 / 24,
}


def graded_promises(old: Contract, new: Contract) -> Iterator[Change]:
    """Every change beyond columns and checks; `old` has the columns' new names."""
    yield from _key(old, new)
    if old.layer != new.layer:
        reason = "Its rows come from elsewhere, and what is released changes with it."
        both = (Grade.BREAKING, reason)
        yield change("layer", old.layer, new.layer, both, both)
    yield from _access(old, new)
    yield from _status(old, new)
    yield from _licence(old, new)
    yield from _freshness(old, new)
    yield from _retention(old, new)
    yield from _privacy(old, new)
    yield from _ignored(old, new)
    if old.sort_by != new.sort_by and set(old.key) == set(new.key):
        reason = "The first rows of a file are others."
        yield change("order of rows", old.sort_by, new.sort_by, (Grade.DANGEROUS, reason), _NOTHING)
    if old.latest_by != new.latest_by:
        both = (Grade.DANGEROUS, "Of two versions of a row the other one may win.")
        yield change("which version counts", old.latest_by, new.latest_by, both, both)
    for name in ("title", "purpose", "usage", "limitations", "people", "monitors"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            one, other = _words(name, before), _words(name, after)
            both = (Grade.COSMETIC, "No row and no promise about one changes.")
            yield change(name, one, other, both, both)


def _words(name: str, value: Any) -> str:
    if name == "people":
        return ", ".join(f"{person.username} ({person.role})" for person in value)
    return "" if name == "monitors" else str(value)


def _key(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = set(old.key), set(new.key)
    if old.key == new.key:
        return
    if before == after:
        both = (Grade.COSMETIC, "The same columns together.")
        yield change("key", old.key, new.key, both, both)
        return
    accepted = new.layer == "accepted"
    if not before:
        consumers = (
            (Grade.DANGEROUS, "Of rows with one key only the newest stays, so there are fewer.")
            if accepted
            else (Grade.ADDITIVE, "One row per key is promised.")
        )
        producers = (
            (Grade.DANGEROUS, "Rows with a key that came before replace the older one.")
            if accepted
            else (Grade.BREAKING, "Rows that repeat a key stop the release.")
        )
    else:
        consumers = (Grade.BREAKING, "A row is told from others by something else; joins count otherwise.")
        producers = (Grade.BREAKING, "Rows that were two are one.")
        if not after:
            producers = (Grade.ADDITIVE, "Rows may repeat.")
        elif before < after:
            producers = (Grade.DANGEROUS, "Rows that were one are two.")
    yield change("key", old.key, new.key, consumers, producers)


def _access(old: Contract, new: Contract) -> Iterator[Change]:
    if old.declared_access == new.declared_access:
        yield from _reviewed(old, new)
        return
    before, after = _ACCESS.index(old.access), _ACCESS.index(new.access)
    if after < before:
        reason = "Whoever may no longer read it gets a refusal."
        yield change("access", old.access, new.access, (Grade.BREAKING, reason), _NOTHING)
    elif after > before:
        producers = (
            (Grade.BREAKING, "Whoever gave the data gave them to fewer people; now everybody has them.")
            if new.access == "public"
            else (Grade.DANGEROUS, "More people may read them than was said.")
        )
        yield change("access", old.access, new.access, (Grade.ADDITIVE, "More people may read it."), producers)


def _reviewed(old: Contract, new: Contract) -> Iterator[Change]:
    """What the contract says stays, but an ethics review came, went, or covers it no more."""
    was, is_ = (f"restricted: {one.restricted_because}" if one.restricted_because else one.access for one in (old, new))
    if old.access == new.access:
        if was != is_ or old.reviewed != new.reviewed:
            both = (Grade.COSMETIC, "Who may read it stays as it is.")
            yield change(ETHICS, _until(old) or was, _until(new) or is_, both, both)
    elif new.restricted_because:
        reason = "Without a valid ethics review it is restricted: whoever is not signed in gets a refusal."
        yield change(ETHICS, was, is_, (Grade.BREAKING, reason), (Grade.COSMETIC, "Fewer people see their data."))
    else:
        consumers = (Grade.ADDITIVE, "People have reviewed it; everybody may read it.")
        yield change(ETHICS, was, is_, consumers, (Grade.ADDITIVE, "It is open now, as its contract always said."))


def _until(contract: Contract) -> str:
    return f"until {contract.reviewed.expires_on}" if contract.reviewed else ""


def _status(old: Contract, new: Contract) -> Iterator[Change]:
    if old.status == new.status:
        return
    match new.status:
        case "retired":
            both = (Grade.BREAKING, "Nothing new comes.")
            yield change("status", old.status, new.status, both, both)
        case "deprecated":
            reason = "It works, but will end."
            yield change("status", old.status, new.status, (Grade.DANGEROUS, reason), _NOTHING)
        case "active":
            reason = "It is promised now."
            yield change("status", old.status, new.status, (Grade.ADDITIVE, reason), _NOTHING)
        case _:
            reason = "Its promises may change at any time."
            grade = Grade.COSMETIC if old.status in ("draft", "proposed") else Grade.DANGEROUS
            yield change("status", old.status, new.status, (grade, reason), _NOTHING)


def _licence(old: Contract, new: Contract) -> Iterator[Change]:
    if old.licence == new.licence:
        return
    before, after = _bonds(old.licence), _bonds(new.licence)
    if before is not None and before == after:
        both = (Grade.COSMETIC, "Another version or spelling of the same licence.")
        yield change("licence", old.licence, new.licence, both, both)
    elif before is not None and after is not None and after < before:
        consumers = (Grade.ADDITIVE, "Readers may do more.")
        producers = (Grade.DANGEROUS, "Whoever gave the data asked for more, such as to be named.")
        yield change("licence", old.licence, new.licence, consumers, producers)
    else:
        reason = "Somebody may no longer do what they do with it."
        yield change("licence", old.licence, new.licence, (Grade.BREAKING, reason), _NOTHING)


def _bonds(licence: str) -> int | None:
    """How much a licence asks for, from 0 (nothing); `None` for one that is not known."""
    plain = licence.strip().lower()
    for starts, bonds in zip(_LICENCES, _FREEDOM, strict=True):
        if plain.startswith(starts):
            return bonds
    return None


def _freshness(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.freshness_hours, new.freshness_hours
    if before == after:
        return
    was, is_ = ("" if hours is None else f"{hours:g} hours" for hours in (before, after))
    if after is None or (before is not None and after > before):
        consumers = (Grade.DANGEROUS, "Data may be older than code and pages take for granted.")
        yield change("freshness", was, is_, consumers, (Grade.ADDITIVE, "There is more time to deliver."))
    else:
        consumers = (Grade.ADDITIVE, "Data are promised to be newer.")
        yield change(
            "freshness", was, is_, consumers, (Grade.DANGEROUS, "Whoever delivers as before opens an incident.")
        )


def _retention(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = _kept_days(old.retention), _kept_days(new.retention)
    if old.retention_by != new.retention_by:
        goes = (Grade.BREAKING, "Rows that are older go from the dataset itself.")
        stays = (Grade.DANGEROUS, "Rows whose time was over count again, as far as they are still in the bytes.")
        consumers = goes if new.retention_by else stays
        yield change(
            "retention column",
            old.retention_by,
            new.retention_by,
            consumers,
            (Grade.ADDITIVE, "Nothing to deliver changes."),
        )
    if old.retention == new.retention:
        return
    if before is not None and after is not None and abs(before - after) < 1:
        both = (Grade.COSMETIC, "The same time in another unit.")
        yield change("retention", old.retention, new.retention, both, both)
    elif after is not None and (before is None or after < before):
        consumers = (Grade.BREAKING, "Rows or releases that somebody looks up are gone.")
        yield change("retention", old.retention, new.retention, consumers, (Grade.ADDITIVE, "Less is kept."))
    else:
        people = any(personal(column) == 2 for column in new.columns)
        producers = (
            (Grade.BREAKING, "People were told that their data go sooner.")
            if people
            else (Grade.DANGEROUS, "Data are kept for longer than was said.")
        )
        yield change("retention", old.retention, new.retention, (Grade.ADDITIVE, "More is kept."), producers)


def _kept_days(text: str | None) -> float | None:
    """A time such as '5 years' in days; `None` for no end."""
    match = re.fullmatch(r"\s*([\d.]+)\s+([a-z]+)\s*", text or "")
    if match is None:
        return None
    unit = match[2] if match[2] in _DAYS else match[2].removesuffix("s")
    return float(match[1]) * _DAYS[unit] if unit in _DAYS else None


def _ignored(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = dict(old.ignored_fields), dict(new.ignored_fields)
    if before == after:
        return
    read = {name for column in new.columns for name in column.source_names}
    if missing := sorted(set(before) - set(after) - read):
        reason = f"Deliveries with {', '.join(missing)} are taken, with a remark each time."
        yield change("ignored fields", before, after, _NOTHING, (Grade.DANGEROUS, reason))
    else:
        both = (Grade.COSMETIC, "They were not read before either.")
        yield change("ignored fields", before, after, both, both)


def _privacy(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({rule.id: rule for rule in contract.privacy} for contract in (old, new))
    for name in dict.fromkeys([*before, *after]):
        what, a, b = f"privacy rule {name}", before.get(name), after.get(name)
        if a is None and b is not None:
            yield change(what, "", _shown(b), _less(b.treatments), (Grade.ADDITIVE, "People are better protected."))
        elif b is None and a is not None:
            yield change(what, _shown(a), "", *_MORE)
        elif a is not None and b is not None and a != b:
            yield from _rule(what, a, b)


_MORE = (
    (Grade.DANGEROUS, "More is shown of people and places; readers gain it, and the duty to treat it well."),
    (Grade.BREAKING, "A protection that was promised is gone."),
)


def _less(treatments: tuple[Treatment, ...]) -> tuple[Grade, str]:
    if any(item.treatment in ("round", "coarsen") and item.keep is None for item in treatments):
        return Grade.BREAKING, "Numbers or days are coarser without a sign of it, so what is computed from them is off."
    if any(item.treatment != "null" for item in treatments):
        return Grade.BREAKING, "Other texts stand where values came; joins and filters on them find nothing."
    return Grade.DANGEROUS, "Values that came are empty."


def _rule(what: str, a: PrivacyRule, b: PrivacyRule) -> Iterator[Change]:
    shown = (_shown(a), _shown(b))
    reach = _reach(a.when, b.when)
    if reach in ("fewer", "other"):
        yield change(what, *shown, *_MORE)
    if reach in ("more", "other"):
        yield change(what, *shown, _less(b.treatments), (Grade.ADDITIVE, "More people are protected."))
    before, after = ({item.column: item for item in rule.treatments} for rule in (a, b))
    weaker = [name for name, item in before.items() if name not in after or _weaker(after[name], item)]
    stronger = tuple(item for name, item in after.items() if name not in before or _weaker(before[name], item))
    if weaker:
        yield change(what, *shown, *_MORE)
    if stronger:
        yield change(what, *shown, _less(stronger), (Grade.ADDITIVE, "People are better protected."))
    if reach == "same" and not weaker and not stronger:
        both = (Grade.COSMETIC, "The same protection in other words.")
        yield change(what, *shown, both, both)


def _weaker(one: Treatment, other: Treatment) -> bool:
    """Whether readers may learn something from `one` that `other` keeps from them; both can hold of different kinds."""
    if one == other or (other.treatment == "round" == one.treatment and one.decimals == other.decimals):
        return False
    if "null" in (one.treatment, other.treatment) or one.treatment == other.treatment:
        return one.strictness < other.strictness
    return True


def _reach(old: str, new: str) -> str:
    """Whether the new condition holds for `fewer`, `more`, the `same` or for all one can tell `other` rows."""
    if sql(old) == sql(new):
        return "same"
    if EVERY_ROW in (old, new):
        return "more" if new == EVERY_ROW else "fewer"
    if _parts(old, exp.And) < _parts(new, exp.And):
        return "fewer"
    if _parts(old, exp.Or) < _parts(new, exp.Or):
        return "more"
    if _parts(new, exp.And) < _parts(old, exp.And):
        return "more"
    if _parts(new, exp.Or) < _parts(old, exp.Or):
        return "fewer"
    return "other"


def _parts(condition: str, kind: type[exp.Connector]) -> set[str]:
    try:
        tree = sqlglot.parse_one(condition, read="duckdb").unnest()
    except sqlglot.errors.SqlglotError:
        return {condition.strip()}
    whole = list(tree.flatten()) if isinstance(tree, kind) else [tree]
    return {item.unnest().sql(dialect="duckdb", normalize=True) for item in whole}


def _shown(rule: PrivacyRule) -> str:
    treated = ", ".join(f"{item.column} {item.shown}" for item in rule.treatments)
    return f"{'every row' if rule.when == EVERY_ROW else f'when {rule.when}'}: {treated}"
