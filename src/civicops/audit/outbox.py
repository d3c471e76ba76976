"""Events that are written in the transaction of what they are about, so that neither exists without the other.

Belongs here: the outbox in the database. Does not belong here: moving what is in it into the log (`log`).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from civicops.audit.events import Event, encode, moment_text
from civicops.audit.tables import OUTBOX


def row(event: Event) -> dict[str, str]:
    """The row of `audit_outbox` that an event becomes: `key` and `event`."""
    if not event.key:
        event = replace(event, key=secrets.token_hex(16))
    values: dict[str, Any] = {
        "kind": event.kind, "actor": event.actor, "subject": event.subject, "content": dict(event.content),
        "personal": dict(event.personal), "about": event.about, "key": event.key,
        "happened_at": moment_text(event.happened_at or datetime.now(UTC)),
    }  # fmt: skip
    # What the log could not take is refused now, with the longest that pseudonyms and times become.
    longest = {"v": 1, "at": values["happened_at"], "actor": "p" * 41, "about": "p" * 41}
    encode({**values, **longest, "personal": dict.fromkeys(event.personal, "0" * 64)})
    return {"key": event.key, "event": json.dumps(values, ensure_ascii=False)}


def put(con: sa.Connection, *events: Event) -> None:
    """Add events within the caller's transaction; one that waits there already stays as it is."""
    for event in events:
        values = row(event)
        if con.execute(sa.select(OUTBOX.c.id).where(OUTBOX.c.key == values["key"])).first() is None:
            con.execute(sa.insert(OUTBOX).values(**values))


def waiting(con: sa.Connection) -> list[tuple[int, Event]]:
    """What the log does not have yet, oldest first, with the numbers of the rows."""
    found = []
    for line in con.execute(sa.select(OUTBOX).order_by(OUTBOX.c.id)):
        values = json.loads(line.event)
        values["happened_at"] = datetime.fromisoformat(values["happened_at"])
        found.append((line.id, Event(**values)))
    return found


def remove(con: sa.Connection, numbers: list[int]) -> None:
    """Take out what the log has now."""
    for number in numbers:
        con.execute(sa.delete(OUTBOX).where(OUTBOX.c.id == number))
