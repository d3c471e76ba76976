"""The log of one workspace: taking events, and giving them back.

    <data>/audit/checkpoint, tile/...    the log, for everybody (`tiles`)
    <data>/audit/vkey                    the key that checks its signature
    <data>/keys/audit                    the key that makes it; never handed out

Belongs here: the order of an append, reading entries, erasing. Does not belong here: bytes of files (`writing`, `tiles`), proofs
(`prove`), judging the log (`verify`).

An append under the lock: mend the index, keep what is personal in the database, write tiles, replace the checkpoint. Only the
last makes an entry part of the log. `append` must not be called inside a transaction that writes to the workspace's database: it
writes there too. Inside one, `post` the event and call `flush` after it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

from civicops.audit import outbox, personal
from civicops.audit.events import AuditError, Entry, Event, Receipt, decode, encode, moment_text
from civicops.audit.index import VERIFY, DamagedError, Index
from civicops.audit.merkle import leaf_hash, tree_hash
from civicops.audit.notes import Checkpoint, SigningKey, VerifierKey, keep_key, read_checkpoint
from civicops.audit.personal import Erased, Sealed
from civicops.audit.tables import open_database
from civicops.audit.tiles import WIDTH, TileError, Tiles
from civicops.audit.writing import (
    CHECKPOINT,
    AuditWriteError,
    add_tiles,
    explained,
    present_root,
    remove,
    replace_checkpoint,
)
from civicops.database import Database
from civicops.durable import sync
from civicops.workspace import Workspace

VKEY = "vkey"
_log = logging.getLogger("civicops.audit")
_WAIT_SECONDS = 60.0


def open_log(workspace: Workspace) -> Log:
    """The audit log of a workspace; its folder, key and tables are made on first use.

    Raises `AuditError` when that is not possible, `CivicopsError` when the database cannot be used.
    """
    log = existing_log(workspace)
    log.prepare(_origin(workspace))
    return log


def existing_log(workspace: Workspace) -> Log:
    """The same as it is on the disk, damaged or not; nothing is made but tables."""
    return Log(workspace.folder("audit"), workspace.folder("keys") / "audit", open_database(workspace))


class Log:
    """The log in one folder. Holds no state; every answer is read from the disk."""

    def __init__(self, folder: Path, key_file: Path, database: Database) -> None:
        self.folder, self.key_file, self.database = folder, key_file, database
        self.index = Index(database)

    # Adding ------------------------------------------------------------------------------------------------------------

    def append(self, *events: Event) -> tuple[Receipt, ...]:
        """Log events, and before them whatever waits in the outbox; durable when it returns, all of them or none.

        Returns a receipt for each, in order; an event whose key is in the log already is given its old one. Raises `AuditError`
        (`AuditWriteError` for a full disk, `DamagedError` for a log that was tampered with).
        """
        with self._locked(), self.database.engine.connect():
            # While one connection stays open SQLite does not fold its journal into the file after each question.
            head = self._head()
            with self.database.reading() as con:
                queued = outbox.waiting(con)
            wanted = [*(event for _, event in queued), *events]
            before = self.index.receipts([event.key for event in wanted if event.key])
            fresh: list[Event] = []
            places: list[Receipt | int] = []
            keys: dict[str, int] = {}
            for event in wanted:
                if event.key and event.key in before:
                    places.append(before[event.key])
                elif event.key and event.key in keys:
                    places.append(keys[event.key])
                else:
                    keys[event.key] = len(fresh)
                    places.append(len(fresh))
                    fresh.append(event)
            done = self._add(head, fresh) if fresh else ()
            if queued:
                with self.database.writing(durable=True) as con:
                    outbox.remove(con, [number for number, _ in queued])
            receipts = [done[place] if isinstance(place, int) else place for place in places]
            return tuple(receipts[len(queued) :])

    def post(self, con: sa.Connection, *events: Event) -> None:
        """Put events into the outbox, inside the caller's transaction on the same database: both happen, or neither.

        Call `flush` after the transaction; should the process die before, the next append logs them.
        """
        outbox.put(con, *events)

    def flush(self) -> None:
        """Log what waits in the outbox. Raises what `append` does; what waits then goes on waiting."""
        with self.database.reading() as con:
            if not outbox.waiting(con):
                return
        self.append()

    def _add(self, head: Checkpoint, events: Sequence[Event]) -> tuple[Receipt, ...]:
        key = self.signing_key
        start = self.index.last_moment()
        at = max(datetime.now(UTC), start) if start else datetime.now(UTC)
        names = self._pseudonyms(events)
        sealed = {
            head.size + number: [personal.seal(name, value) for name, value in event.personal.items()]
            for number, event in enumerate(events)
            if event.personal
        }
        entries = [_bytes(event, at, names, sealed.get(head.size + number, ())) for number, event in enumerate(events)]
        leaves = [leaf_hash(entry) for entry in entries]
        with self.database.reading() as con:
            has_rest = personal.has_after(con, head.size)
        if sealed or has_rest:
            with self.database.writing(durable=True) as con:
                personal.forget_after(con, head.size)
                personal.keep(con, sealed)
        with explained(self.folder):
            root, outgrown = add_tiles(Tiles(self.folder, head.size), entries, leaves)
            replace_checkpoint(self.folder, key.checkpoint(head.size + len(entries), root).text)
        remove(outgrown)
        found = [decode(head.size + number, entry) for number, entry in enumerate(entries)]
        try:
            self.index.add(found, leaves)
        except sa.exc.DBAPIError:  # they are in the log; whoever asks next fills the index up
            _log.warning("The index of the audit log is behind; it is filled up later.")
        return tuple(Receipt(entry.index, leaf.hex(), entry.at) for entry, leaf in zip(found, leaves, strict=True))

    def _pseudonyms(self, events: Sequence[Event]) -> dict[str, str]:
        wanted = {name for event in events for name in (event.actor, event.about) if name}
        with self.database.reading() as con:
            found = personal.pseudonyms(con, wanted)
        if missing := wanted - found.keys():
            with self.database.writing(durable=True) as con:
                rows = personal.new_people(missing)
                personal.keep_people(con, rows)
            found |= {row["name"]: row["pseudonym"] for row in rows}
        return found

    # Reading -----------------------------------------------------------------------------------------------------------

    @cached_property
    def signing_key(self) -> SigningKey:
        """The private key. Raises `AuditError`."""
        try:
            return SigningKey.parse(self.key_file.read_text(encoding="utf-8"))
        except OSError as error:
            raise AuditError(
                f"The signing key of the audit log, {self.key_file}, cannot be read: {error.strerror}.",
                hint="Restore it from a backup. Without it the log can be read and verified, but not added to.",
            ) from error

    @property
    def verifier_key(self) -> VerifierKey:
        """The public key, as it lies beside the log. Raises `AuditError`."""
        try:
            return VerifierKey.parse((self.folder / VKEY).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(
                f"The verifier key {self.folder / VKEY} cannot be read.", hint="Put the published key there again."
            ) from error

    def checkpoint(self, key: VerifierKey | None = None) -> Checkpoint:
        """The present head, its signature checked. Raises `AuditError`."""
        try:
            text = (self.folder / CHECKPOINT).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedError(f"{self.folder / CHECKPOINT} cannot be read.", hint=VERIFY) from error
        return read_checkpoint(text, key or self.verifier_key)

    def tiles(self) -> Tiles:
        """The files of the log as the present head has them."""
        return Tiles(self.folder, self.checkpoint().size)

    def entry(self, index: int) -> Entry:
        """One entry. Raises `AuditError` when there is none, or it cannot be read."""
        tiles = self.tiles()
        if not 0 <= index < tiles.size:
            raise AuditError(
                f"There is no entry {index}; the log has {tiles.size:,}.", hint="The first is 0: `civicops audit list`."
            )
        try:
            return decode(index, tiles.entry(index))
        except ValueError as error:
            raise DamagedError(f"Entry {index} cannot be read: {error}.", hint=VERIFY) from error

    def find(
        self,
        *,
        kind: str = "",
        subject: str = "",
        actor: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[Entry, ...]:
        """Entries, newest first. `subject`: it or what lies below it (`food_listings` finds `food_listings.listing/1`);
        `actor`: an account's name or a pseudonym, who did it or to whom it was done; `before`: only indexes below it.
        """
        tiles = self.catch_up()
        # What is appended from here on is for the next one who asks.
        end = tiles.size if before is None else min(before, tiles.size)
        indexes = self.index.find(
            kind=kind, subject=subject, actor=actor, since=since, until=until, before=end, limit=limit
        )
        bundles: dict[int, list[bytes]] = {}
        try:
            for number in {index // WIDTH for index in indexes}:
                bundles[number] = tiles.entries(number)
            return tuple(decode(index, bundles[index // WIDTH][index % WIDTH]) for index in indexes)
        except ValueError as error:
            raise DamagedError(f"The log cannot be read: {error}.", hint=VERIFY) from error

    def knows(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys are in the log."""
        self.catch_up()
        return set(self.index.receipts(keys))

    def personal_of(self, entries: Sequence[Entry]) -> dict[int, dict[str, str]]:
        """The personal fields of entries by index; what was erased, or does not fit its commitment, is left out."""
        if not entries:
            return {}
        found: dict[int, dict[str, str]] = {}
        with self.database.reading() as con:
            for entry in entries:
                if entry.personal:
                    sealed = personal.kept(con, entry.index, entry.index + 1).get(entry.index, {})
                    fits = {n: one.value for n, one in sealed.items() if entry.personal.get(n) == one.commitment}
                    found[entry.index] = fits
        return found

    def names_of(self, entries: Sequence[Entry]) -> dict[str, str]:
        """Pseudonym to account name, for those that are not erased."""
        with self.database.reading() as con:
            return personal.names_of(con, {name for one in entries for name in (one.actor, one.about) if name})

    # Erasing -----------------------------------------------------------------------------------------------------------

    def erase(self, *, reason: str, who: str, person: str = "", index: int | None = None) -> Erased:
        """Erase what is personal of one entry, or of one person; the log, and every proof, stays as it is.

        That it was done, to which entries, is logged first. Raises `AuditError` without a reason, or when nothing is there.
        """
        if not reason.strip():
            raise AuditError("Say why it is erased.", hint='Add --reason, such as "asked for by the person".')
        self.catch_up()
        with self.database.reading() as con:
            what = personal.of_person(con, person) if index is None else personal.of_entry(con, index)
        if not what.entries and not what.pseudonym:
            raise AuditError(
                f"Nothing personal is kept of {f'entry {index}' if index is not None else person}.",
                hint="It was erased before, or there never was anything.",
            )
        subject = f"entry/{index}" if index is not None else f"person/{what.pseudonym or 'named'}"
        parts = [what.entries[at : at + 5000] for at in range(0, len(what.entries), 5000)] or [()]
        content: list[dict[str, Any]] = [{"entries": list(part)} for part in parts]
        content[0] |= {"fields": what.fields} | ({"pseudonym": what.pseudonym} if what.pseudonym else {})
        events = [
            Event("erasure", who, subject, part, {"reason": reason} if part is content[0] else {}) for part in content
        ]
        self.append(*events)
        with self.database.writing(durable=True) as con:
            personal.erase(con, what)
        self.database.empty_journal()
        return what

    # Its own state -----------------------------------------------------------------------------------------------------

    def prepare(self, origin: str) -> None:
        """Make folder and key on first use; does nothing afterwards. Raises `AuditError`."""
        if (self.folder / CHECKPOINT).exists() and (self.folder / VKEY).exists():
            return
        with self._locked(), explained(self.folder):
            if (self.folder / CHECKPOINT).exists() and (self.folder / VKEY).exists():
                return
            if (self.folder / CHECKPOINT).exists() or (self.folder / "tile").exists() or self.index.count():
                raise DamagedError(
                    f"The audit log in {self.folder} has lost its checkpoint or its verifier key.", hint=VERIFY
                )
            if not self.key_file.exists():
                keep_key(self.key_file, SigningKey.make(origin))
            (self.folder / VKEY).write_text(f"{self.signing_key.verifier}\n", encoding="utf-8")
            sync(self.folder / VKEY)
            replace_checkpoint(self.folder, self.signing_key.checkpoint(0, tree_hash([])).text)

    def catch_up(self) -> Tiles:
        """Bring the index in the database up to the log, where a crash or another database left it behind."""
        tiles = self.tiles()
        if self.index.count() < tiles.size:
            with self._locked():
                tiles = self.tiles()
                self.index.fill(tiles, self.index.count())
        return tiles

    def _head(self) -> Checkpoint:
        """The present head, known to be what the last append left. Only under the lock. Raises `DamagedError`."""
        head = self.checkpoint(self.signing_key.verifier)
        tiles = Tiles(self.folder, head.size)
        try:
            if present_root(tiles) != head.root:
                raise DamagedError("The audit log is not what its checkpoint says.", hint=VERIFY)
            count = self.index.count()
            if count > head.size:
                message = f"The audit log had {count:,} entries and has {head.size:,}: it was cut off."
                raise DamagedError(message, hint=VERIFY)
            if count and tiles.hashes(0, (count - 1) // WIDTH)[(count - 1) % WIDTH] != self.index.leaf_hash(count - 1):
                raise DamagedError(f"Entry {count - 1} of the audit log is not the one that was logged.", hint=VERIFY)
            self.index.fill(tiles, count)
        except TileError as error:
            raise DamagedError(f"The audit log is damaged: {error}.", hint=VERIFY) from error
        return head

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            # A lock of its own each time: two threads of one process are two writers as much as two processes are.
            lock = FileLock(self.folder / ".lock", thread_local=False)
            try:
                lock.acquire(timeout=_WAIT_SECONDS, poll_interval=0.01)
            except Timeout as error:
                raise AuditError(
                    "Another process has been writing to the audit log for a minute.", hint="Try again in a moment."
                ) from error
        try:
            yield
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0] if error.orig else "no reason given"
            raise AuditWriteError(
                f"The database beside the audit log cannot be used: {reason}.",
                hint="Look at DATABASE_URL, or at the free space of the disk. What was in the log is untouched.",
            ) from None
        finally:
            lock.release()


def _bytes(event: Event, at: datetime, names: Mapping[str, str], sealed: Sequence[Sealed]) -> bytes:
    return encode({
        "v": 1, "at": moment_text(at), "kind": event.kind, "actor": names[event.actor], "subject": event.subject,
        "about": names[event.about] if event.about else "", "content": dict(event.content),
        "personal": {one.field: one.commitment for one in sealed}, "key": event.key,
        "happened_at": moment_text(event.happened_at) if event.happened_at else "",
    })  # fmt: skip


def _origin(workspace: Workspace) -> str:
    """The name of the log, chosen once: where it is served if that is known, else after the organisation."""
    hosts = workspace.settings.portal.hosts
    if hosts:
        return f"{hosts[0]}/audit/log"
    slug = re.sub(r"[^a-z0-9]+", "-", workspace.settings.workspace.organisation.lower()).strip("-")
    return f"{slug or 'civicops'}/audit/log"
