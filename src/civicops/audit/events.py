"""What is logged: events, and the bytes an entry of the log consists of.

Belongs here: the closed list of kinds, the value that others append, its canonical bytes. Does not belong here: where entries lie
(`tiles`, `log`) and who a pseudonym is (`personal`).

An entry is a JSON object in UTF-8, keys sorted, no spaces: `v` (1), `at` (when it was logged, UTC), `kind`, `actor` (a pseudonym,
`civicops` or `public`), `subject`, and where there is any: `about` (a pseudonym), `content`, `personal` (field to commitment),
`key`, `happened_at`. An entry never holds a name, an address or free text of a person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pydantic_core import from_json

from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError

Kind = Literal[
    "change.apply",
    "contract.change",
    "decision",
    "erasure",
    "import",
    "incident.action",
    "operation",
    "permission",
    "policy",
    "quarantine.release",
    "release.rollback",
    "release.switch",
    "sign_in",
    "suggestion",
    "task",
]
KINDS: tuple[str, ...] = get_args(Kind)
NOBODY = ("civicops", "public")
"""Actors that are no person: the program itself, and people without an account."""
MOST_BYTES = 65_535
"""Of one entry: the layout gives its length in two bytes."""
_NEEDED = frozenset({"v", "at", "kind", "actor", "subject"})
_FIELDS = frozenset({"v", "at", "kind", "actor", "subject", "about", "content", "personal", "key", "happened_at"})


class AuditError(CivicopsError):
    """The audit log cannot take an event, or is not as it was left."""


@dataclass(frozen=True)
class Event:
    """Something that happened, as the room that did it says it.

    `actor` and `about` are account names; the log holds pseudonyms for them. `content` is permanent and public: identifiers,
    hashes, counts, choices, no personal data. `personal` (field to text) is kept apart, bound by a commitment, and can be erased.
    """

    kind: Kind
    actor: str
    subject: str
    content: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    """The account that it happened to, such as the one that was given a role."""
    key: str = ""
    """Its own name; an event whose key is in the log already is not logged again."""
    happened_at: datetime | None = None
    """When it happened, where that is not when it is logged."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise AuditError(f"There is no kind of event '{self.kind}'.", hint=f"{nearest(self.kind, KINDS)}.")
        if not self.actor or not self.subject:
            raise AuditError("An event says who did it and to what.", hint="Give actor and subject.")
        # What one of the databases would refuse must not wait in the outbox for ever.
        for text, most in ((self.actor, 150), (self.about, 150), (self.subject, 500), (self.key, 500)):
            _must_fit(text, most)
        for name, value in self.personal.items():
            _must_fit(name, 60)
            _must_fit(value, 1_000_000)
        if self.happened_at is not None and self.happened_at.tzinfo is None:
            raise AuditError("The moment of an event has no time zone.", hint="Give it in UTC.")


def _must_fit(text: str, most: int) -> None:
    if (
        not isinstance(text, str)
        or len(text) > most
        or "\0" in text
        or any("\ud800" <= mark <= "\udfff" for mark in text)
    ):
        shown = ascii(text)[:40]
        raise AuditError(
            f"The log cannot take {shown}.", hint=f"It must be text of at most {most:,} letters, without zero bytes."
        )


@dataclass(frozen=True)
class Receipt:
    """That an event is in the log for good. `index`: its place, from 0; `leaf_hash`: RFC 6962, in hex."""

    index: int
    leaf_hash: str
    at: datetime


@dataclass(frozen=True)
class Entry:
    """One entry of the log, read."""

    index: int
    at: datetime
    kind: str
    actor: str
    subject: str
    about: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    """Field to commitment."""
    key: str = ""
    happened_at: datetime | None = None


def encode(entry: Mapping[str, Any]) -> bytes:
    """The canonical bytes of an entry's fields. Raises `AuditError` when they are too many, or not JSON."""
    kept = {name: value for name, value in entry.items() if value not in ("", None, {})}
    try:
        text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        data = text.encode()
    except (TypeError, ValueError) as error:
        raise AuditError(
            f"The content of an event cannot be written as JSON: {error}.",
            hint="Use texts, numbers, lists and objects.",
        ) from error
    if len(data) > MOST_BYTES:
        raise AuditError(
            f"An event of {len(data):,} bytes is too large for the log; {MOST_BYTES:,} is the most.",
            hint="Keep the whole elsewhere and log its hash.",
        )
    return data


def fields(data: bytes) -> dict[str, Any]:
    """The fields of an entry from its bytes, `at` as a moment. Raises `ValueError` for anything that `encode` does not write."""
    found = from_json(data)
    if not isinstance(found, dict) or not found.keys() <= _FIELDS or not found.keys() >= _NEEDED or found["v"] != 1:
        raise ValueError("it has other fields than an entry")
    found["at"] = _moment(found["at"])
    return found


def decode(index: int, data: bytes) -> Entry:
    """An entry from its bytes. Raises `ValueError` for anything that `encode` does not write."""
    found = fields(data)
    happened = found.get("happened_at")
    return Entry(
        index,
        found["at"],
        str(found["kind"]),
        str(found["actor"]),
        str(found["subject"]),
        str(found.get("about", "")),
        found.get("content", {}),
        found.get("personal", {}),
        str(found.get("key", "")),
        _moment(happened) if happened else None,
    )


def moment_text(moment: datetime) -> str:
    """A moment as entries hold it: UTC with microseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or len(text) != 27 or not text.endswith("Z"):
        raise ValueError(f"'{text}' is no moment in UTC")
    return datetime.fromisoformat(text)
