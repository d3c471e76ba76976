"""All pages of all watched drives into the landing zone, resumable.

Belongs here: one delivery of raw answers per observation. Does not belong here: what they hold (`listing`), or
comparing (`observe`).

A fetch that was killed goes on at the page it had reached, while Google still knows its page tokens; a token that has expired
starts that drive once more. A drive that refuses is landed as its refusal: that is an observation too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from civicops.ingest.google import drive as questions
from civicops.ingest.google.client import Google, RefusalError
from civicops.ingest.google.drive import SharedDrive
from civicops.ingest.landing import Landing
from civicops.ingest.part import Part
from civicops.ingest.values import Delivery, DriveSource, FetchError, LandedObject, Progress

TOKENS_LIVE = timedelta(hours=3)
"""Google says 'some hours' of its page tokens."""


@dataclass(frozen=True)
class DriveAnswers:
    """What landed about one drive: its pages in order, or the refusal. `mark` is its place in the log of changes."""

    drive: SharedDrive
    pages: tuple[LandedObject, ...]
    refused: int
    reason: str
    mark: str
    managers: tuple[str, ...] | None


def pages_of(source: DriveSource) -> str:
    """The name under which the raw answers of a source land."""
    return f"{source.name}.answers"


def collect(
    source: DriveSource, google: Google, landing: Landing, product: str, progress: Progress, now: datetime
) -> Delivery:
    """Land every page of every drive; returns the complete delivery.

    Raises `FetchError` when Google cannot be reached or does not say which drives there are; nothing is concluded then.
    """
    name = pages_of(source)
    try:
        seen = questions.shared_drives(google, as_admin=source.as_admin)
    except RefusalError as refused:
        raise FetchError(
            f"Google does not list the shared drives: {refused}.",
            hint="Was the account removed from the domain or its drives?",
        ) from refused
    names = {one.id: one.name for one in seen}
    wanted = [SharedDrive(one, names.get(one, "")) for one in source.drives] or list(seen)
    part = landing.resume(product, name)
    if part is None or _age(part, now) > TOKENS_LIVE or part.plan.get("drives", []) != [one.id for one in wanted]:
        part = landing.begin(product, name, {"drives": [one.id for one in wanted], "taken_at": now.isoformat()})
    progress.start(source.name, None)
    try:
        for one in wanted:
            part = _Drive(one, google, landing, product, name, progress).land(part, as_admin=source.as_admin)
    finally:
        progress.done()
    return landing.complete(part, part.delivery(kind="full"))


def _age(part: Part, now: datetime) -> timedelta:
    return abs(now - datetime.fromisoformat(part.plan["taken_at"]))


@dataclass(frozen=True)
class _Drive:
    drive: SharedDrive
    google: Google
    landing: Landing
    product: str
    source: str
    progress: Progress

    def land(self, part: Part, *, as_admin: bool) -> Part:
        """The part with everything about this drive."""
        done = [position for position in part.positions if position["drive"] == self.drive.id]
        if any(position["is_last"] for position in done):
            return part
        try:
            if not done:
                mark = questions.change_mark(self.google, self.drive.id)
                managers = questions.managers(self.google, self.drive.id, as_admin=as_admin)
                known = json.dumps({"mark": mark, "managers": managers}).encode()
                part = self._add(part, known, "about", 0, token=None)
                done = [part.positions[-1]]
            try:
                return self._pages(part, int(done[-1]["attempt"]), done[-1]["token"], len(done))
            except RefusalError as refused:
                if refused.status != 400:
                    raise
                return self._pages(part, int(done[-1]["attempt"]) + 1, None, 1)
        except RefusalError as refused:
            body = json.dumps({"reason": refused.reason, "message": refused.message}).encode()
            return self._add(part, body, "refused", 99, token=None, is_last=True, status=refused.status)

    def _pages(self, part: Part, attempt: int, token: str | None, number: int) -> Part:
        service = self.google.service("drive")
        while True:
            content = questions.page(service, self.google, self.drive.id, token)
            try:
                answer = json.loads(content)
            except ValueError:
                answer = {}
            token = answer.get("nextPageToken")
            part = self._add(part, content, "page", attempt, token=token, number=number, is_last=not token)
            self.progress.advance(len(answer.get("files", ())))
            number += 1
            if not token:
                return part

    def _add(
        self,
        part: Part,
        content: bytes,
        kind: str,
        attempt: int,
        *,
        token: str | None,
        number: int = 0,
        is_last: bool = False,
        status: int = 200,
    ) -> Part:
        about = {
            "x-kind": kind, "x-drive": self.drive.id, "x-drive-name": self.drive.name, "x-attempt": str(attempt),
            "x-page": str(number), "x-taken-at": str(part.plan["taken_at"]),
        }  # fmt: skip
        url = f"{self.google.root('drive')}drive/v3/files?driveId={self.drive.id}"
        landed = self.landing.put(self.product, self.source, content, "answer", url=url, status=status, headers=about)
        return self.landing.add(part, landed, drive=self.drive.id, attempt=attempt, token=token, is_last=is_last)


def taken_at(delivery: Delivery) -> datetime:
    """When the observation began."""
    return (
        datetime.fromisoformat(delivery.objects[0].headers["x-taken-at"]) if delivery.objects else delivery.started_at
    )


def by_drive(landing: Landing, product: str, source: str, delivery: Delivery) -> Iterator[DriveAnswers]:
    """What a delivery holds, drive by drive; of a drive that was started twice, the last attempt."""
    groups: dict[str, list[LandedObject]] = {}
    for landed in delivery.objects:
        groups.setdefault(landed.headers["x-drive"], []).append(landed)
    for drive, objects in groups.items():
        about: dict[str, Any] = {}
        reason, refused = "", 0
        for landed in objects:
            if landed.headers["x-kind"] == "about":
                about = json.loads(_content(landing, product, source, landed))
            if landed.headers["x-kind"] == "refused":
                said = json.loads(_content(landing, product, source, landed))
                refused, reason = landed.status, f"{said['reason']}: {said['message']}"
        pages = [landed for landed in objects if landed.headers["x-kind"] == "page"]
        last = max((int(landed.headers["x-attempt"]) for landed in pages), default=0)
        kept = tuple(landed for landed in pages if int(landed.headers["x-attempt"]) == last)
        named = SharedDrive(drive, objects[0].headers["x-drive-name"])
        managers = tuple(about["managers"]) if "managers" in about else None
        yield DriveAnswers(named, kept, refused, reason, about.get("mark", ""), managers)


def contents(landing: Landing, product: str, source: str, objects: Iterable[LandedObject]) -> Iterator[bytes]:
    """The bytes of landed answers, one at a time."""
    for landed in objects:
        yield _content(landing, product, source, landed)


def _content(landing: Landing, product: str, source: str, landed: LandedObject) -> bytes:
    with landing.open_bytes(product, source, landed) as stream:
        return stream.read()


def start_of(now: datetime | None) -> datetime:
    """The moment an observation bears, to the second."""
    return (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
