"""Why items are absent: each asked for by its id, and looked up in the logs of who did what.

Belongs here: the fate of an absent item and how it is known. Does not belong here: finding what is absent
(`civicops.ingest.snapshots.difference`) or deciding whether to believe a listing (`judge`).

| fate | how it is known |
|---|---|
| `still_there` | Drive shows it, live, in the same drive: the listing passed it over |
| `trashed` | Drive shows it in the trash |
| `moved_to_drive` | Drive shows it in another watched drive |
| `moved_out` | Drive shows it outside of the watched drives, or a log says that it was moved |
| `purged` | Drive does not know it, and a log says that it, or a folder above it, was deleted for good |
| `access_lost` | Drive does not know it, and a log says that permissions of it or of a folder above it were changed |
| `unknown` | Drive does not know it, and no log says why |
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from civicops.ingest.google import drive as questions
from civicops.ingest.google.client import Google, RefusalError
from civicops.ingest.google.listing import moment, person
from civicops.ingest.values import FetchError

SLACK = timedelta(hours=1)
"""How far before the last snapshot the logs are read: a listing takes a while."""
_DEEDS = {"delete": "purged", "move": "moved_out", "change_user_access": "access_lost", "trash": "trashed"}


@dataclass(frozen=True)
class Deed:
    """One entry of a log: what was done to an item, when and by whom (None: the log does not say)."""

    item: str
    fate: str
    at: datetime | None
    actor: str | None
    log: str


@dataclass(frozen=True)
class Fate:
    """What became of an absent item. `known_by` is `drive`, `activity`, `audit` or empty. `file`: what Drive showed."""

    fate: str
    at: datetime | None = None
    actor: str | None = None
    moved_to: str | None = None
    known_by: str = ""
    file: Mapping[str, Any] | None = None


def fates(
    drive: str,
    absent: Collection[str],
    parents: Mapping[str, str | None],
    answers: Mapping[str, tuple[int, bytes]],
    deeds: Mapping[str, Deed],
    watched: Collection[str],
) -> dict[str, Fate]:
    """The fate of every absent id. `parents` leads from each item and folder of the last good snapshot to its folder."""
    return {one: _fate(drive, one, parents, answers, deeds, watched) for one in absent}


def _fate(
    drive: str,
    one: str,
    parents: Mapping[str, str | None],
    answers: Mapping[str, tuple[int, bytes]],
    deeds: Mapping[str, Deed],
    watched: Collection[str],
) -> Fate:
    status, content = answers[one]
    deed = _deed(one, parents, deeds)
    actor = deed.actor if deed else None
    if status == 200:
        file = json.loads(content)
        where = file.get("driveId")
        if where != drive:
            fate = "moved_to_drive" if where in watched else "moved_out"
            return Fate(fate, deed.at if deed else None, actor, where, "drive", file)
        if file.get("trashed"):
            at, by = moment(file.get("trashedTime")), person(file.get("trashingUser"))
            return Fate("trashed", at, by or actor, None, "drive", file)
        return Fate("still_there", None, None, None, "drive", file)
    if deed is not None and deed.fate != "trashed":
        return Fate(deed.fate, deed.at, deed.actor, None, deed.log)
    return Fate("unknown")


def _deed(one: str, parents: Mapping[str, str | None], deeds: Mapping[str, Deed]) -> Deed | None:
    """What a log says of the item, or of the nearest folder above it."""
    return next((deeds[here] for here in _above(one, parents) if here in deeds), None)


def read_activity(google: Google, drive: str, since: datetime) -> list[bytes]:
    """The pages of the Drive Activity log of one drive; empty where the account may not read it. Raises `FetchError`."""
    service, token, pages = google.service("driveactivity"), "", []
    try:
        while True:
            body = {
                "ancestorName": f"items/{drive}", "pageSize": 200, "pageToken": token,
                "filter": f'time >= "{(since - SLACK).isoformat()}" AND '
                "detail.action_detail_case:(DELETE MOVE PERMISSION_CHANGE)",
            }  # fmt: skip
            pages.append(google.ask(service.activity().query(body=body)))
            token = json.loads(pages[-1]).get("nextPageToken", "")
            if not token:
                return pages
    except RefusalError as refused:
        if refused.passes:
            raise FetchError(f"The activity log cannot be read: {refused}.", hint="Run again later.") from refused
        return pages


def silent_ids(
    google: Google, drive: str, mark: str, absent: Collection[str], parents: Mapping[str, str | None]
) -> tuple[set[str], list[bytes]]:
    """Absent ids that the log of changes since `mark` does not speak of, nor of a folder above; and the pages of that log.

    None are said to be silent when there is no mark, or when Drive does not know it any more. Raises `FetchError`.
    """
    if not mark:
        return set(), []
    try:
        pages = list(questions.changed_since(google, drive, mark))
    except RefusalError as refused:
        if refused.passes:
            raise FetchError(f"The log of changes cannot be read: {refused}.", hint="Run again later.") from refused
        return set(), []
    spoken = {one["fileId"] for page in pages for one in json.loads(page).get("changes", ()) if "fileId" in one}
    return {one for one in absent if not spoken.intersection(_above(one, parents))}, pages


def _above(one: str, parents: Mapping[str, str | None]) -> list[str]:
    """The item and the folders above it."""
    found: list[str] = []
    here: str | None = one
    while here is not None and here not in found:
        found.append(here)
        here = parents.get(here)
    return found


def read_audit(google: Google, since: datetime) -> list[bytes]:
    """The pages of the domain's audit log of Drive; empty where the account may not read it. Raises `FetchError`."""
    service, token, pages = google.service("admin"), None, []
    try:
        while True:
            request = service.activities().list(
                userKey="all",
                applicationName="drive",
                startTime=(since - SLACK).isoformat(),
                maxResults=1000,
                pageToken=token,
            )
            pages.append(google.ask(request))
            token = json.loads(pages[-1]).get("nextPageToken")
            if not token:
                return pages
    except RefusalError as refused:
        if refused.passes:
            raise FetchError(f"The audit log cannot be read: {refused}.", hint="Run again later.") from refused
        return pages


def activity_deeds(pages: Iterable[bytes]) -> dict[str, Deed]:
    """What the activity log says, the newest deed per item. It names people by number, so the actor is not known from it."""
    found: dict[str, Deed] = {}
    for page in pages:
        for one in json.loads(page).get("activities", ()):
            detail = one.get("primaryActionDetail", {})
            fate = {"PERMANENT_DELETE": "purged", "TRASH": "trashed"}.get(detail.get("delete", {}).get("type", ""))
            fate = fate or (
                "moved_out" if "move" in detail else "access_lost" if "permissionChange" in detail else None
            )
            at = moment(one.get("timestamp") or one.get("timeRange", {}).get("endTime"))
            for target in one.get("targets", ()) if fate else ():
                item = str(target.get("driveItem", {}).get("name", "")).removeprefix("items/")
                if fate:
                    found.setdefault(item, Deed(item, fate, at, None, "activity"))
    return found


def audit_deeds(pages: Iterable[bytes]) -> dict[str, Deed]:
    """What the audit log says, the newest deed per item, with the actor's address."""
    found: dict[str, Deed] = {}
    for page in pages:
        for one in json.loads(page).get("items", ()):
            for event in one.get("events", ()):
                fate = _DEEDS.get(str(event.get("name")))
                item = next((p.get("value", "") for p in event.get("parameters", ()) if p.get("name") == "doc_id"), "")
                if fate and item:
                    actor = one.get("actor", {}).get("email") or None
                    found.setdefault(item, Deed(item, fate, moment(one["id"]["time"]), actor, "audit"))
    return found


def items_by_id(google: Google, ids: Collection[str]) -> dict[str, tuple[int, bytes]]:
    """Each absent item asked for once more. Raises `FetchError` when Google will not answer about one of them."""
    try:
        return questions.by_id(google, sorted(ids))
    except RefusalError as refused:
        raise FetchError(f"Absent items could not be asked for: {refused}.", hint="Run again later.") from refused
