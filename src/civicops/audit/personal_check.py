"""Whether what is kept of people fits what the log says of it.

Belongs here: holding the personal tables against the commitments of entries. Does not belong here: the entries themselves
(`verify`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from civicops.audit import personal
from civicops.audit.events import NOBODY
from civicops.audit.problem import Problem
from civicops.audit.tables import PERSON
from civicops.database import Database

_STEP = 4096


class PersonalCheck:
    """Is shown every entry in order, and says at the end what does not fit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.erased = 0
        self._kept: dict[int, dict[str, personal.Sealed]] = {}
        self._loaded = 0
        self._gone: list[tuple[int, str]] = []
        self._bad: list[Problem] = []
        self._people: dict[str, int] = {}
        self._erased_entries: dict[int, int] = {}
        """Entry to the erasure that took its personal fields."""
        self._erased_people: set[str] = set()

    def see(self, index: int, entry: Mapping[str, Any]) -> None:
        """Look at the fields of the next entry."""
        for name in (entry["actor"], entry.get("about", "")):
            if name and name not in self._people and name not in NOBODY:
                self._people[name] = index
        if entry["kind"] == "erasure":
            content = entry.get("content", {})
            self._erased_entries |= {int(one): index for one in content.get("entries", ())}
            self._erased_people |= {str(content.get("pseudonym", ""))}
        if "personal" not in entry:
            return
        while index >= self._loaded:
            with self.database.reading() as con:
                self._kept = personal.kept(con, self._loaded, self._loaded + _STEP)
            self._loaded += _STEP
        kept = self._kept.get(index, {})
        for name, commitment in entry["personal"].items():
            if name not in kept:
                self._gone.append((index, name))
            elif kept[name].commitment != commitment:
                words = f"What is kept of its '{name}' is not what was logged."
                self._bad.append(Problem(index, "personal", words))

    def finish(self) -> Iterator[Problem]:
        """Everything that does not fit."""
        yield from self._bad
        for index, name in self._gone:
            if index in self._erased_entries:
                self.erased += 1
            else:
                yield Problem(index, "personal", f"Its '{name}' is gone, and no erasure in the log says why.")
        with self.database.reading() as con:
            rows = {row.pseudonym: row for row in con.execute(sa.select(PERSON))}
        for pseudonym, index in self._people.items():
            row = rows.get(pseudonym)
            if row is None and pseudonym not in self._erased_people:
                words = f"Who {pseudonym[:9]} is, is gone, and no erasure in the log says why."
                yield Problem(index, "personal", words)
            elif row is not None and personal.pseudonym_of(row.salt, row.name) != pseudonym:
                yield Problem(index, "personal", f"The name kept for {pseudonym[:9]} is not the one that was logged.")
            elif row is not None and pseudonym in self._erased_people:
                words = (
                    f"An erasure says that the name of {pseudonym[:9]} was erased, but it is still there: erase again."
                )
                yield Problem(index, "personal", words)
