"""One observation of all watched drives: land, read, compare with the last good snapshot, ask about what is absent, seal, report.

Belongs here: that order, and the rows it lands: one per drive (`DriveSource`), one per item that was lost or came back, and
one per folder that lost files (`DriveEventSource`). Does not belong here: thresholds; models and monitors of a product have them.

Safe to kill: raw answers land first and are read again by the next fetch when their rows did not land; sealing the same answers
twice changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from civicops.ingest.google import client, evidence
from civicops.ingest.google.client import Google, RefusalError
from civicops.ingest.google.collect import DriveAnswers, by_drive, collect, contents, pages_of, start_of, taken_at
from civicops.ingest.google.drive import SharedDrive, drive_is_there
from civicops.ingest.google.evidence import Fate
from civicops.ingest.google.judge import doubts
from civicops.ingest.google.listing import read_listing
from civicops.ingest.google.rows import came_back, event_rows, folder_rows, ids_of, live_files, observed, with_slipped
from civicops.ingest.landing import Landing
from civicops.ingest.snapshots.difference import changes
from civicops.ingest.snapshots.items import content_hash, ordered
from civicops.ingest.snapshots.store import Snapshot, SnapshotStore
from civicops.ingest.values import Delivery, DriveSource, FetchResult, Progress
from civicops.ingest.web import DEFAULT_PATIENCE, Patience

KEEP_ANSWERS = 2
"""Raw listings that stay; older ones live on in the sealed snapshots, which hold every field that was asked for."""


def events_of(source: DriveSource) -> str:
    """The name under which the rows about items land; the `DriveEventSource` has it."""
    return f"{source.name}_events"


def folders_of(source: DriveSource) -> str:
    """The name under which the rows about folders land, beside those about items."""
    return f"{source.name}_folders"


def snapshot_store(landing: Landing, product: str) -> SnapshotStore:
    """Where the snapshots of a product lie: `snapshots/<product>`, beside the landing zone."""
    return SnapshotStore(landing.root.parent / "snapshots" / product)


def observe_drives(
    source: DriveSource,
    landing: Landing,
    product: str,
    *,
    progress: Progress,
    patience: Patience = DEFAULT_PATIENCE,
    now: datetime | None = None,
) -> FetchResult:
    """Observe all drives once. A second observation of a day that finds the same as the first adds nothing.

    Raises `FetchError` when Google cannot be reached; one drive that refuses is an incomplete observation of that drive.
    """
    scopes = [client.READ_METADATA, client.READ_ACTIVITY]
    google = Google(source.key_env, tuple(scopes), source.url, patience=patience)
    audit = (
        Google(source.key_env, (client.READ_REPORTS,), source.url, source.subject, patience) if source.subject else None
    )
    with landing.fetching(product, source.name):
        live = landing.live(product, source.name)
        before = live[-1] if live else None
        answers = _pending(landing, product, source, before)
        if answers is None:
            answers = collect(source, google, landing, product, progress, start_of(now))
        run = _Observation(source, google, audit, landing, product, answers)
        rows, events, folders = run.all()
        landed = None
        repeat = before is not None and run.is_repeat(before, rows, events)
        if rows and not repeat:
            mark = f"answers:{answers.id}"
            for name, more in ((events_of(source), events), (folders_of(source), folders)):
                done = landing.live(product, name)
                if more and (not done or done[-1].objects[-1].url != mark):
                    _land(landing, product, name, more, mark)
            landed = _land(landing, product, source.name, rows, mark)
        landing.forget(product, pages_of(source), keep=KEEP_ANSWERS, also=answers if repeat else None)
        for drive in run.store.drives():
            run.store.thin(drive, now=taken_at(answers))
        return FetchResult(landed, landing.live(product, source.name))


def _pending(landing: Landing, product: str, source: DriveSource, before: Delivery | None) -> Delivery | None:
    """Answers whose rows did not land because the fetch was killed in between."""
    found = landing.deliveries(product, pages_of(source))
    if not found or (before is not None and before.objects[-1].url == f"answers:{found[-1].id}"):
        return None
    return found[-1] if before is None or found[-1].finished_at > before.finished_at else None


def _land(landing: Landing, product: str, name: str, rows: Sequence[Mapping[str, Any]], mark: str) -> Delivery:
    content = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    first = not landing.deliveries(product, name)
    part = landing.begin(product, name, {"connector": "drives"})
    part = landing.add(part, landing.put(product, name, content, "ndjson", url=mark))
    return landing.complete(part, part.delivery(kind="full" if first else "increment"))


@dataclass
class _Observation:
    source: DriveSource
    google: Google
    audit: Google | None
    landing: Landing
    product: str
    answers: Delivery
    _audit_pages: list[bytes] | None = None

    @property
    def store(self) -> SnapshotStore:
        return snapshot_store(self.landing, self.product)

    @property
    def day(self) -> str:
        """The day of this observation where the group lives."""
        return taken_at(self.answers).astimezone(ZoneInfo(self.source.timezone)).date().isoformat()

    def all(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows about drives, about items, and about folders that lost files."""
        rows: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        folders: list[dict[str, Any]] = []
        every = list(by_drive(self.landing, self.product, pages_of(self.source), self.answers))
        present = {one.drive.id for one in every}
        known = set(self.store.drives()) if not self.source.drives else set()
        watched = present | known
        for one in every:
            row, lost, emptied = self._one(one, watched)
            rows.append(row)
            events += lost
            folders += emptied
        rows += [self._vanished(drive) for drive in sorted(known - present)]
        return rows, events, folders

    def is_repeat(self, before: Delivery, rows: Sequence[Mapping[str, Any]], events: Sequence[Any]) -> bool:
        """Whether this adds nothing to what was landed earlier on the same day."""
        with self.landing.open_bytes(self.product, self.source.name, before.objects[-1]) as stream:
            old = [json.loads(line) for line in stream]
        day = {row["observed_on"] for row in (*old, *rows)}
        same = {row["drive_id"]: _sameness(row) for row in old} == {row["drive_id"]: _sameness(row) for row in rows}
        return len(day) == 1 and same and not events

    def _one(
        self, answers: DriveAnswers, watched: set[str]
    ) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        when, drive = taken_at(self.answers), answers.drive
        base = next((one for one in reversed(self.store.snapshots(drive.id)) if one.origin != self.answers.id), None)
        if answers.refused:
            state = self._state(answers.refused)
            return observed(drive, when, self.day, base, state=state, reason=f"Drive refused: {answers.reason}"), [], []
        pages = contents(self.landing, self.product, pages_of(self.source), answers.pages)
        listing = read_listing(drive.id, pages)
        if listing.problems:
            return observed(drive, when, self.day, base, listing=listing, reason=" ".join(listing.problems)), [], []
        if base is None:
            sealed = self._seal(answers, listing.items)
            return (
                observed(drive, when, self.day, None, listing=listing, sealed=sealed, managers=answers.managers),
                [],
                [],
            )
        old = self.store.read(base)
        changed = changes(old, listing.items)
        absent = ids_of(changed, "absent")
        fates, silent = self._fates(drive.id, absent, old, base, watched)
        if doubt := doubts(_live(old), fates, silent):
            return observed(drive, when, self.day, base, listing=listing, reason=" ".join(doubt)), [], []
        items = with_slipped(listing.items, fates, drive.id)
        sealed = self._seal(answers, items)
        earlier = came_back(changed, self._gone_before(drive.id))
        events = event_rows(drive, when, self.day, base, sealed, changed, fates, earlier)
        count = Counter(map(str, changed["change"].to_pylist()))
        return observed(
            drive, when, self.day, base, listing=listing, items=items, sealed=sealed, managers=answers.managers, changed=count,
            slipped=sum(fate.fate == "still_there" for fate in fates.values()), files_before=live_files(old),
        ), events, folder_rows(drive, when, self.day, old, events)  # fmt: skip

    def _seal(self, answers: DriveAnswers, items: pa.Table) -> Snapshot:
        newest, zone = self.store.newest(answers.drive.id), ZoneInfo(self.source.timezone)
        is_today = newest is not None and newest.taken_at.astimezone(zone).date().isoformat() == self.day
        if newest is not None and is_today and newest.content == content_hash(ordered(items)):
            return newest  # the same day, the same rows: one snapshot is enough
        return self.store.seal(
            answers.drive.id, items, taken_at=taken_at(self.answers), origin=self.answers.id, mark=answers.mark
        )

    def _fates(
        self, drive: str, absent: list[str], old: pa.Table, base: Snapshot, watched: set[str]
    ) -> tuple[dict[str, Fate], set[str]]:
        """What became of each absent item, and those that the log of changes does not speak of."""
        if not absent:
            return {}, set()
        answers = evidence.items_by_id(self.google, absent)
        activity = evidence.read_activity(self.google, drive, base.taken_at)
        if self.audit is not None and self._audit_pages is None:
            # Once for all drives, so as far back as the drive that was not seen whole for longest.
            last = [one.taken_at for drive in self.store.drives() if (one := self.store.newest(drive)) is not None]
            self._audit_pages = evidence.read_audit(self.audit, min(last, default=base.taken_at))
        deeds = evidence.activity_deeds(activity) | evidence.audit_deeds(self._audit_pages or ())
        parents: dict[str, str | None] = {
            str(one): parent for one, parent in zip(old["id"].to_pylist(), old["parent_id"].to_pylist(), strict=True)
        }
        silent, log = evidence.silent_ids(self.google, drive, base.mark, absent, parents)
        self._keep(drive, answers, {"activity": activity, "audit": self._audit_pages or [], "changes": log})
        return evidence.fates(drive, absent, parents, answers, deeds, watched), silent

    def _keep(self, drive: str, answers: Mapping[str, tuple[int, bytes]], logs: Mapping[str, Sequence[bytes]]) -> None:
        """The bytes that a conclusion was drawn from stay, like every other answer."""
        name = f"{self.source.name}.evidence"
        lines = [
            json.dumps({"drive": drive, "id": one, "status": status, "answer": content.decode("utf-8", "replace")})
            for one, (status, content) in sorted(answers.items())
        ]
        for kind, pages in logs.items():
            lines += [json.dumps({"drive": drive, kind: page.decode("utf-8", "replace")}) for page in pages]
        part = self.landing.begin(self.product, name, {"answers": self.answers.id})
        content = "\n".join(lines).encode() + b"\n"
        landed = self.landing.put(self.product, name, content, "answer", url=f"answers:{self.answers.id}")
        part = self.landing.add(part, landed)
        self.landing.complete(part, part.delivery(kind="increment"))

    def _gone_before(self, drive: str) -> set[str]:
        """Ids of this drive that an earlier observation reported as lost."""
        found: set[str] = set()
        for delivery in self.landing.deliveries(self.product, events_of(self.source)):
            for landed in delivery.objects:
                with self.landing.open_bytes(self.product, events_of(self.source), landed) as stream:
                    for line in stream:
                        row = json.loads(line)
                        if row["drive_id"] == drive:
                            (found.discard if row["event"] == "returned" else found.add)(row["item_id"])
        return found

    def _state(self, status: int) -> str:
        """What a refusal says of the drive itself. Only an administrator's view tells gone from out of sight."""
        if status == 404:
            return "deleted" if self.source.as_admin else "out_of_sight"
        return "refused"

    def _vanished(self, drive: str) -> dict[str, Any]:
        """A drive that is not listed any more though it was watched: asked for by its id."""
        base = self.store.newest(drive)
        try:
            drive_is_there(self.google, drive, as_admin=self.source.as_admin)
            state, reason = "refused", "The drive is there but was not in the list of drives."
        except RefusalError as refused:
            state, reason = self._state(refused.status), f"Drive refused: {refused.reason}: {refused.message}"
        return observed(SharedDrive(drive, ""), taken_at(self.answers), self.day, base, state=state, reason=reason)


def _live(items: pa.Table) -> int:
    return int(pc.sum(pc.invert(items["is_trashed"]).cast(pa.int64())).as_py() or 0)


def _sameness(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["is_complete"], row["reason"], row["content"], row["managers"], row["state"]
