"""What the log knows of people, apart from the log: pseudonyms and personal fields, bound by commitments and erasable.

Belongs here: making and checking commitments, keeping, finding and erasing what they stand for. Does not belong here: entries
(`events`) or the event that an erasure is (`log`).

A commitment is `SHA-256(salt || value)` with 32 random bytes of salt; a pseudonym is `p` and the first 40 hex digits of one over
the account's name. Who holds salt and value can prove what was meant; once both are erased nobody can find out, not even by
trying every name, while the entry and its proof stay as they are.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from civicops.audit.events import NOBODY
from civicops.audit.tables import ENTRY, PERSON, PERSONAL

_SALT_BYTES = 32
_MANY = 500
"""Parameters of one question; SQLite takes no more than about a thousand."""


@dataclass(frozen=True)
class Sealed:
    """A personal value with the salt that its commitment was made with (hex)."""

    field: str
    salt: str
    value: str

    @property
    def commitment(self) -> str:
        """What the entry holds of it."""
        return commit(self.salt, self.value)


@dataclass(frozen=True)
class Erased:
    """What an erasure took away."""

    entries: tuple[int, ...]
    fields: int
    pseudonym: str = ""


def commit(salt: str, value: str) -> str:
    """`SHA-256(salt || value)` in hex; `salt` in hex, `value` in UTF-8."""
    return hashlib.sha256(bytes.fromhex(salt) + value.encode()).hexdigest()


def seal(field: str, value: str) -> Sealed:
    """A value with a new salt."""
    return Sealed(field, secrets.token_hex(_SALT_BYTES), value)


def pseudonym_of(salt: str, name: str) -> str:
    """The pseudonym that a salt gives a name."""
    return f"p{commit(salt, name)[:40]}"


def pseudonyms(con: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """Name to pseudonym, for names that have one; nobody's names stand for themselves."""
    wanted = sorted(set(names))
    found = {name: name for name in NOBODY}
    for at in range(0, len(wanted), _MANY):
        query = sa.select(PERSON.c.name, PERSON.c.pseudonym).where(PERSON.c.name.in_(wanted[at : at + _MANY]))
        found |= {row.name: row.pseudonym for row in con.execute(query)}
    return found


def new_people(names: Iterable[str]) -> list[dict[str, str]]:
    """Rows of `PERSON` with new pseudonyms."""
    salted = [(name, secrets.token_hex(_SALT_BYTES)) for name in sorted(set(names))]
    return [{"pseudonym": pseudonym_of(salt, name), "name": name, "salt": salt} for name, salt in salted]


def keep_people(con: sa.Connection, rows: Sequence[Mapping[str, str]]) -> None:
    """Keep new pseudonyms."""
    con.execute(sa.insert(PERSON), [dict(row) for row in rows])


def names_of(con: sa.Connection, found: Iterable[str]) -> dict[str, str]:
    """Pseudonym to name, for those that are not erased."""
    wanted = sorted(set(found) - set(NOBODY))
    names: dict[str, str] = {}
    for at in range(0, len(wanted), _MANY):
        query = sa.select(PERSON.c.pseudonym, PERSON.c.name).where(PERSON.c.pseudonym.in_(wanted[at : at + _MANY]))
        names |= {row.pseudonym: row.name for row in con.execute(query)}
    return names


def people(con: sa.Connection, found: Sequence[str]) -> tuple[Sealed, ...]:
    """Names with the salts that made their pseudonyms, which stand in `field`; those that are not erased."""
    query = sa.select(PERSON).where(PERSON.c.pseudonym.in_(found))
    return tuple(Sealed(row.pseudonym, row.salt, row.name) for row in con.execute(query))


def keep(con: sa.Connection, sealed: Mapping[int, Sequence[Sealed]]) -> None:
    """Keep the personal fields of entries, by index."""
    rows = [
        {"entry_index": index, "field": one.field, "salt": one.salt, "value": one.value}
        for index, fields in sealed.items()
        for one in fields
    ]
    if rows:
        con.execute(sa.insert(PERSONAL), rows)


def kept(con: sa.Connection, low: int, high: int) -> dict[int, dict[str, Sealed]]:
    """The personal fields of entries `[low, high)` that are not erased."""
    query = sa.select(PERSONAL).where(PERSONAL.c.entry_index >= low, PERSONAL.c.entry_index < high)
    found: dict[int, dict[str, Sealed]] = {}
    for row in con.execute(query):
        found.setdefault(row.entry_index, {})[row.field] = Sealed(row.field, row.salt, row.value)
    return found


def forget_after(con: sa.Connection, size: int) -> None:
    """Remove what a killed append kept for entries that never came."""
    con.execute(sa.delete(PERSONAL).where(PERSONAL.c.entry_index >= size))


def has_after(con: sa.Connection, size: int) -> bool:
    """Whether a killed append left something."""
    return (
        con.execute(sa.select(PERSONAL.c.entry_index).where(PERSONAL.c.entry_index >= size).limit(1)).first()
        is not None
    )


def of_entry(con: sa.Connection, index: int) -> Erased:
    """What erasing one entry's personal fields will take away."""
    fields = con.execute(sa.select(sa.func.count()).where(PERSONAL.c.entry_index == index)).scalar_one()
    return Erased((index,) if fields else (), fields)


def of_person(con: sa.Connection, name: str) -> Erased:
    """What erasing a person will take away: their name, and the personal fields of what they did, of what was done to them, and
    of every entry that holds exactly their name."""
    pseudonym = pseudonyms(con, [name]).get(name, "")
    mine = sa.select(ENTRY.c.entry_index).where(sa.or_(ENTRY.c.actor == pseudonym, ENTRY.c.about == pseudonym))
    query = sa.select(PERSONAL.c.entry_index).where(
        sa.or_(PERSONAL.c.entry_index.in_(mine), PERSONAL.c.value == name) if pseudonym else PERSONAL.c.value == name
    )
    found: Sequence[int] = con.execute(query.order_by(PERSONAL.c.entry_index)).scalars().all()
    return Erased(tuple(sorted(set(found))), len(found), pseudonym)


def erase(con: sa.Connection, what: Erased) -> None:
    """Take it away: values, salts, and the pseudonym's name."""
    for at in range(0, len(what.entries), _MANY):
        con.execute(sa.delete(PERSONAL).where(PERSONAL.c.entry_index.in_(what.entries[at : at + _MANY])))
    if what.pseudonym:
        con.execute(sa.delete(PERSON).where(PERSON.c.pseudonym == what.pseudonym))
