"""What the database knows of the log: where each entry is, and a second copy of its leaf hash.

Belongs here: filling the index from the files and asking it. Does not belong here: the files (`tiles`) or what is personal
(`personal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from civicops.audit import personal
from civicops.audit.events import AuditError, Entry, Receipt, decode, moment_text
from civicops.audit.merkle import leaf_hash
from civicops.audit.tables import ENTRY
from civicops.audit.tiles import WIDTH, Tiles
from civicops.database import Database

VERIFY = "`civicops audit verify` says what is wrong. Restore folder and database from one backup if need be."
_MANY = 500


class DamagedError(AuditError):
    """The log is not as it was left; nothing is added to it until that is cleared up."""


class Index:
    """The table `audit_entry` of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def count(self) -> int:
        """How many entries it knows; always the first ones of the log."""
        with self.database.reading() as con:
            last = con.execute(sa.select(sa.func.max(ENTRY.c.entry_index))).scalar()
        return 0 if last is None else int(last) + 1

    def add(self, entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        """Add what was logged."""
        rows = [
            {
                "entry_index": entry.index, "leaf_hash": leaf.hex(), "at": moment_text(entry.at), "kind": entry.kind,
                "subject": entry.subject, "actor": entry.actor, "about": entry.about, "key": entry.key or None,
            }
            for entry, leaf in zip(entries, leaves, strict=True)
        ]  # fmt: skip
        with self.database.writing() as con:
            con.execute(sa.insert(ENTRY), rows)

    def fill(self, tiles: Tiles, count: int) -> None:
        """Add what the log has from entry `count` on. Raises `DamagedError`."""
        while count < tiles.size:
            number, skip = divmod(count, WIDTH)
            try:
                data = tiles.entries(number)[skip:]
                found = [decode(count + at, entry) for at, entry in enumerate(data)]
            except ValueError as error:
                raise DamagedError(f"An entry from {count} on cannot be read: {error}.", hint=VERIFY) from error
            self.add(found, [leaf_hash(entry) for entry in data])
            count += len(data)

    def leaf_hash(self, index: int) -> bytes:
        """The leaf hash of an entry as it was logged."""
        with self.database.reading() as con:
            found: str = con.execute(sa.select(ENTRY.c.leaf_hash).where(ENTRY.c.entry_index == index)).scalar_one()
        return bytes.fromhex(found)

    def leaf_hashes(self, low: int, high: int) -> dict[int, str]:
        """Index to leaf hash (hex) of the entries `[low, high)` that it knows."""
        query = sa.select(ENTRY.c.entry_index, ENTRY.c.leaf_hash)
        query = query.where(ENTRY.c.entry_index >= low, ENTRY.c.entry_index < high)
        with self.database.reading() as con:
            return {row[0]: row[1] for row in con.execute(query)}

    def last_moment(self) -> datetime | None:
        """When the newest entry was logged."""
        with self.database.reading() as con:
            last: str | None = con.execute(sa.select(ENTRY.c.at).order_by(ENTRY.c.entry_index.desc()).limit(1)).scalar()
        return datetime.fromisoformat(last) if last else None

    def receipts(self, keys: Sequence[str]) -> dict[str, Receipt]:
        """The receipts of those keys that are in the log."""
        found: dict[str, Receipt] = {}
        with self.database.reading() as con:
            for at in range(0, len(keys), _MANY):
                for row in con.execute(sa.select(ENTRY).where(ENTRY.c.key.in_(keys[at : at + _MANY]))):
                    found[row.key] = Receipt(row.entry_index, row.leaf_hash, datetime.fromisoformat(row.at))
        return found

    def find(
        self,
        *,
        kind: str,
        subject: str,
        actor: str,
        since: datetime | None,
        until: datetime | None,
        before: int | None,
        limit: int,
    ) -> Sequence[int]:
        """Indexes of entries, newest first; see `Log.find`."""
        query = sa.select(ENTRY.c.entry_index).order_by(ENTRY.c.entry_index.desc()).limit(limit)
        if kind:
            query = query.where(ENTRY.c.kind == kind)
        if subject:
            below = [ENTRY.c.subject.startswith(subject + mark, autoescape=True) for mark in "./"]
            query = query.where(sa.or_(ENTRY.c.subject == subject, *below))
        if since:
            query = query.where(ENTRY.c.at >= moment_text(since))
        if until:
            query = query.where(ENTRY.c.at < moment_text(until))
        if before is not None:
            query = query.where(ENTRY.c.entry_index < before)
        with self.database.reading() as con:
            if actor:
                name = personal.pseudonyms(con, [actor]).get(actor, actor)
                query = query.where(sa.or_(ENTRY.c.actor == name, ENTRY.c.about == name))
            found: Sequence[int] = con.execute(query).scalars().all()
        return found
