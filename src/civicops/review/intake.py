"""What the public sends in: suggestions, corrections, their status, and links by which an organisation confirms its own record.

Belongs here: taking a suggestion apart from who sent it, tokens, rate and size limits. Does not belong here: the form page and
its traps for robots (`civicops.portal`), sending mail (`civicops.observe`), or deciding (people do, on the task that is made).

A sender's name and address lie in a table of their own, are in no task, no landing zone and no release, and can be erased while
the suggestion stays. Tokens are random or signed; the tables hold only their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from civicops.database import moment, stamp
from civicops.review.asking import find
from civicops.review.filing import file_within
from civicops.review.forms import FormError, checked
from civicops.review.kinds import Kind
from civicops.review.room import Review, key_of, tell, version_of
from civicops.review.tables import ATTEMPT, DECISION, LANDED, LINK, SENDER, SUGGESTION, TASK
from civicops.review.values import Evidence, ReviewError, TaskDraft, canonical

PER_HOUR = 10
"""Suggestions that one address may send in an hour."""
MOST_BYTES = 20_000
MOST_TEXT = 5_000
CONTACTS = ("name", "email", "phone")
MOST_CONTACT = 200
LINK_DAYS = 30

Status = Literal["received", "in_review", "accepted", "declined", "published", "withdrawn"]


class TooManyError(ReviewError):
    """One address sends too much."""


class NoSuggestionError(ReviewError):
    """There is no such suggestion."""


class LinkError(ReviewError):
    """A confirmation link is forged, used, too old, or about a record that has changed."""


@dataclass(frozen=True)
class Received:
    """A suggestion that was taken. `token` is shown once, to its sender: with it they can ask what became of it."""

    token: str
    suggestion_id: int
    task_id: int


@dataclass(frozen=True)
class SuggestionStatus:
    """What became of a suggestion, as its sender may know it: no names, no reasons that were written for colleagues."""

    kind: str
    subject: str
    received_at: datetime
    status: Status
    changed_at: datetime


@dataclass(frozen=True)
class Confirmable:
    """What a confirmation link is about: the record as it is, to be confirmed or corrected."""

    kind: Kind
    subject: str
    record: str
    values: Mapping[str, Any]
    expires_at: datetime


def suggest(
    review: Review,
    kind: Kind,
    fields: Mapping[str, Any],
    *,
    now: datetime,
    address: str,
    subject: str | None = None,
    text: str = "",
    current: Mapping[str, Any] | None = None,
    title: str = "",
    contact: Mapping[str, str] | None = None,
) -> Received:
    """Take a suggestion (`subject` None: something new) or a correction, and make a task of it.

    `fields`: some columns of the kind. `current`: the public record, to show the difference. `address` is where it came from;
    only a keyed hash of it is kept, for an hour. `contact`: name, email, phone, all optional.

    Raises `ReviewError` when the kind takes nothing from the public or nothing was said, `FormError` for values the contract does
    not allow, `TooManyError` above `PER_HOUR`; then nothing is kept but the attempt.
    """
    if kind.file.public != "suggest":
        raise ReviewError(f"'{kind.file.title}' takes no suggestions from the public.", hint="Ask the group itself.")
    _count_attempt(review, address, now)
    given = _given(kind, fields, text)
    person = _contact(contact or {})
    token = secrets.token_urlsafe(24)
    number = _hash(review, "suggestion", token)[:12]
    record = subject or f"new-{number}"
    # Each suggestion is a question of its own: two people may say different things of one record.
    draft = TaskDraft(
        subject=f"{record[:280]}#{number}",
        record=record,
        title=(title or (f"Correction of {subject}" if subject else "A new one, from the public"))[:200],
        proposed=given,
        current={name: value for name, value in (current or {}).items() if value is not None},
        evidence=[Evidence("suggestion", "From the public", text=text.strip(), values=dict(given))],
    )
    with review.writing() as con:
        task_id = file_within(con, review, kind, draft, now, "public")
        sender = None
        if person:
            sender = key_of(con.execute(sa.insert(SENDER).values(content=person, at=stamp(now), erased_at=None)))
        made = key_of(con.execute(
            sa.insert(SUGGESTION).values(
                token_hash=_hash(review, "token", token), kind=kind.id, subject=subject or "", task_id=task_id,
                sender_id=sender, content={"fields": given, "text": text.strip()}, at=stamp(now),
            )
        ))  # fmt: skip
        said = {"kind": kind.id, "task_id": task_id, "suggestion_id": made, "columns": sorted(given)}
        tell(con, "suggestion", "public", f"review/task/{task_id}", now, key=f"review/suggestion/{made}", content=said)
    return Received(token, made, task_id)


def _given(kind: Kind, fields: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The columns that say something, checked one by one: the public need not fill in all of them."""
    if len(canonical({"fields": fields, "text": text}).encode("utf-8", "replace")) > MOST_BYTES:
        raise ReviewError("That is more than a suggestion can hold.", hint="Shorten it.")
    if len(text) > MOST_TEXT or "\0" in text:
        raise ReviewError(f"A note has at most {MOST_TEXT:,} characters.", hint="Shorten it.")
    known = {field.name: field for field in kind.fields}
    if stray := [name for name in fields if name not in known]:
        raise FormError({stray[0][:80]: "there is no such field"})
    said = {name: value for name, value in fields.items() if value not in (None, "", [])}
    if not said and not text.strip():
        raise ReviewError("Nothing was said.", hint="Fill in what is wrong, or write it in a few words.")
    return {n: v for n, v in checked([known[name] for name in said], said).items() if v is not None}


def _contact(contact: Mapping[str, str]) -> dict[str, str]:
    found = {name: str(contact.get(name) or "").strip() for name in CONTACTS}
    if any(len(value) > MOST_CONTACT or any(ord(sign) < 32 for sign in value) for value in found.values()):
        raise ReviewError("The contact cannot be read.", hint="Give a short name, address or number.")
    return {name: value for name, value in found.items() if value}


def _count_attempt(review: Review, address: str, now: datetime) -> None:
    who = _hash(review, "address", address)
    hour = stamp(now - timedelta(hours=1))
    with review.writing() as con:
        con.execute(sa.delete(ATTEMPT).where(ATTEMPT.c.at < hour))
        query = sa.select(sa.func.count()).where(ATTEMPT.c.address_hash == who)
        count = con.execute(query).scalar_one()
        if count < PER_HOUR:
            con.execute(sa.insert(ATTEMPT).values(address_hash=who, at=stamp(now)))
    if count >= PER_HOUR:
        raise TooManyError("That was much at once.", hint="Come back in an hour; what you sent before is kept.")


def status(review: Review, token: str) -> SuggestionStatus | None:
    """What became of a suggestion; None for a token that was never given out."""
    with review.reading() as con:
        row = con.execute(
            sa.select(SUGGESTION, TASK.c.state, TASK.c.changed_at, TASK.c.decision_id)
            .join(TASK, TASK.c.id == SUGGESTION.c.task_id)
            .where(SUGGESTION.c.token_hash == _hash(review, "token", token[:200]))
        ).first()
        if row is None:
            return None
        found = _status(con, row)
    return SuggestionStatus(row.kind, row.subject, moment(row.at), found, moment(row.changed_at))


def _status(con: sa.Connection, row: Any) -> Status:
    if row.state == "withdrawn":
        return "withdrawn"
    if row.state != "decided":
        return "in_review" if row.state in ("submitted", "disputed") else "received"
    decided = con.execute(sa.select(DECISION).where(DECISION.c.id == row.decision_id)).one()
    if decided.outcome not in ("accept", "edit", "merge", "split"):
        return "declined"
    landed = con.execute(sa.select(LANDED.c.decision_id).where(LANDED.c.kind == row.kind)).scalar() or 0
    return "published" if landed >= decided.id else "accepted"


def sender_of(review: Review, task_id: int) -> Mapping[str, str] | None:
    """How to reach who sent in a task's suggestion; None when they did not say or were erased. For those who may decide it."""
    query = (
        sa.select(SENDER.c.content)
        .join(SUGGESTION, SUGGESTION.c.sender_id == SENDER.c.id)
        .where(SUGGESTION.c.task_id == task_id)
    )
    with review.reading() as con:
        found: Mapping[str, str] | None = con.execute(query).scalar()
    return found or None


def suggestion_of(review: Review, task_id: int) -> int | None:
    """The number of the suggestion that a task was made of; None when it was made of none."""
    with review.reading() as con:
        found = con.execute(sa.select(SUGGESTION.c.id).where(SUGGESTION.c.task_id == task_id)).scalar()
    return None if found is None else int(found)


def erase_sender(review: Review, suggestion_id: int, who: str, now: datetime) -> bool:
    """Forget who sent a suggestion; the suggestion and what came of it stay. False when nothing was known."""
    with review.writing() as con:
        row = con.execute(sa.select(SUGGESTION.c.sender_id).where(SUGGESTION.c.id == suggestion_id)).first()
        if row is None or row.sender_id is None:
            return False
        done = con.execute(
            sa.update(SENDER)
            .where(SENDER.c.id == row.sender_id, SENDER.c.erased_at.is_(None))
            .values(content={}, erased_at=stamp(now))
        )
        if not done.rowcount:
            return False
        said = {"erased": "sender", "suggestion_id": suggestion_id}
        key = f"review/suggestion/{suggestion_id}/erased"
        tell(con, "suggestion", who, f"review/suggestion/{suggestion_id}", now, key=key, content=said)
    return True


def confirmation_link(
    review: Review, kind: Kind, subject: str, now: datetime, *, days: int = LINK_DAYS
) -> tuple[str, datetime]:
    """A token by which whoever is named by a record can confirm or correct it, once, until it expires.

    It is about the record as it is now: once it has changed, the link no longer works. Raises `ReviewError` when there is no task
    about the subject.
    """
    task_id = find(review, kind.id, subject)
    if task_id is None:
        raise ReviewError(f"There is no task about '{subject}' of {kind.id}.", hint="File one first.")
    expires = (now + timedelta(days=days)).replace(microsecond=0)
    with review.writing() as con:
        row = con.execute(sa.select(TASK.c.content_hash).where(TASK.c.id == task_id)).one()
        number = key_of(con.execute(
            sa.insert(LINK).values(task_id=task_id, content_hash=row.content_hash, expires_at=stamp(expires), used_at=None)
        ))  # fmt: skip
    body = base64.urlsafe_b64encode(json.dumps([number, int(expires.timestamp())]).encode()).decode().rstrip("=")
    return f"{body}.{_hash(review, 'link', body)[:43]}", expires


def open_link(review: Review, token: str, now: datetime) -> Confirmable:
    """What a link is about; does not use it up. Raises `LinkError` that says what is wrong with it."""
    with review.reading() as con:
        return _opened(review, con, token, now)[0]


def confirm(
    review: Review, token: str, now: datetime, *, fields: Mapping[str, Any] | None = None, text: str = ""
) -> int:
    """Use a link: its subject's record is right as it is, or right with some columns changed; gives the task.

    It is evidence, not a decision: a person still decides. Raises `LinkError`, `FormError`; the link is not used up then.
    """
    with review.writing() as con:
        about, link = _opened(review, con, token, now)
        given = _given(about.kind, fields or {}, text) if fields or text else {}
        word = "Corrected" if given or text else "Confirmed"
        draft = TaskDraft(
            subject=f"{about.subject[:270]}#confirmed-{link.id}",
            record=about.record,
            title=f"{word} by the organisation itself: {about.subject}"[:200],
            proposed={**about.values, **given},
            current=dict(about.values),
            evidence=[Evidence("contact", f"{word} by the organisation itself", text=text.strip(), values=dict(given))],
        )
        # Of two clicks at once one finds it used; the whole of this happens or nothing of it.
        done = con.execute(
            sa.update(LINK).where(LINK.c.id == link.id, LINK.c.used_at.is_(None)).values(used_at=stamp(now))
        )
        if not done.rowcount:
            raise LinkError("This link has been used.", hint="Ask for a new one if something has changed since.")
        task_id = file_within(con, review, about.kind, draft, now, "public")
        said = {"kind": about.kind.id, "task_id": task_id, "link_id": link.id, "columns": sorted(given)}
        tell(con, "suggestion", "public", f"review/task/{task_id}", now, key=f"review/link/{link.id}", content=said)
    return task_id


def _opened(review: Review, con: sa.Connection, token: str, now: datetime) -> tuple[Confirmable, Any]:
    body, _, signature = token[:500].partition(".")
    wrong = LinkError("This link is not one of ours.", hint="Copy the whole address from the message.")
    if not hmac.compare_digest(signature.encode(), _hash(review, "link", body)[:43].encode()):
        raise wrong
    try:
        number, _ = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        raise wrong from None
    link = con.execute(sa.select(LINK).where(LINK.c.id == number)).first()
    if link is None:
        raise wrong
    if link.used_at is not None:
        raise LinkError("This link has been used.", hint="Ask for a new one if something has changed since.")
    expires = moment(link.expires_at)
    if now >= expires:
        raise LinkError(f"This link ended on {expires:%d %B %Y}.", hint="Ask for a new one.")
    row = con.execute(sa.select(TASK).where(TASK.c.id == link.task_id)).one()
    if row.content_hash != link.content_hash:
        raise LinkError("The record has changed since this link was sent.", hint="Ask for a new one.")
    kind = review.kind(row.kind)
    content = version_of(con, row.version_id).content
    values = {f.name: content["current"].get(f.name, content["proposed"].get(f.name)) for f in kind.fields}
    return Confirmable(kind, row.subject, row.record, {n: v for n, v in values.items() if v is not None}, expires), link


def _hash(review: Review, purpose: str, text: str) -> str:
    """A keyed hash, of its own for each purpose."""
    return hmac.new(review.secret, f"{purpose}\0{text}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
