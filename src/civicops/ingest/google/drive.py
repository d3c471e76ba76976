"""Drive v3 in the few questions a watch over shared drives has.

Belongs here: each question as a function that gives the bytes of its answers. Does not belong here: reading them (`listing`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from civicops.ingest.google.client import Google

PAGE_ITEMS = 1000
FILE_FIELDS = (
    "id,name,mimeType,parents,driveId,size,md5Checksum,createdTime,modifiedTime,trashed,trashedTime,"
    "trashingUser(emailAddress,displayName),lastModifyingUser(emailAddress,displayName)"
)


@dataclass(frozen=True)
class SharedDrive:
    """A shared drive by its id, with its name."""

    id: str
    name: str


def shared_drives(google: Google, *, as_admin: bool) -> tuple[SharedDrive, ...]:
    """All shared drives that the account can see; with `as_admin` all of the domain. Raises as `Google.ask`."""
    service = google.service("drive")
    found: list[SharedDrive] = []
    token = None
    while True:
        request = service.drives().list(
            pageSize=100, pageToken=token, useDomainAdminAccess=as_admin, fields="nextPageToken,drives(id,name)"
        )
        answer = json.loads(google.ask(request))
        found += [SharedDrive(one["id"], one["name"]) for one in answer.get("drives", ())]
        token = answer.get("nextPageToken")
        if not token:
            return tuple(found)


def drive_is_there(google: Google, drive: str, *, as_admin: bool) -> bytes:
    """What Drive says of one shared drive. Raises `RefusalError`: 404 for one that is gone or out of sight."""
    request = google.service("drive").drives().get(driveId=drive, useDomainAdminAccess=as_admin, fields="id,name")
    return google.ask(request)


def page(service: Any, google: Google, drive: str, token: str | None) -> bytes:
    """One page of everything in a drive, trash included. Raises as `Google.ask`."""
    return google.ask(
        service.files().list(
            corpora="drive", driveId=drive, includeItemsFromAllDrives=True, supportsAllDrives=True, pageSize=PAGE_ITEMS,
            pageToken=token, fields=f"nextPageToken,incompleteSearch,files({FILE_FIELDS})",
        )
    )  # fmt: skip


def by_id(google: Google, ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """Each item asked for by its id: status and bytes. Raises as `Google.ask_each`."""
    service = google.service("drive")
    return google.ask_each(
        {one: service.files().get(fileId=one, supportsAllDrives=True, fields=FILE_FIELDS) for one in ids}
    )


def change_mark(google: Google, drive: str) -> str:
    """The present place in a drive's log of changes; does not expire. Raises as `Google.ask`."""
    request = google.service("drive").changes().getStartPageToken(driveId=drive, supportsAllDrives=True)
    return str(json.loads(google.ask(request))["startPageToken"])


def changed_since(google: Google, drive: str, mark: str) -> Iterator[bytes]:
    """The log of changes since a mark, page by page. Raises as `Google.ask`."""
    service, token = google.service("drive"), mark
    while token:
        answer = google.ask(
            service.changes().list(
                pageToken=token, driveId=drive, includeItemsFromAllDrives=True, supportsAllDrives=True, includeRemoved=True,
                pageSize=PAGE_ITEMS, fields="nextPageToken,newStartPageToken,changes(changeType,time,fileId,removed)",
            )
        )  # fmt: skip
        yield answer
        token = json.loads(answer).get("nextPageToken", "")


def managers(google: Google, drive: str, *, as_admin: bool) -> tuple[str, ...]:
    """Addresses of those who may delete for good (role `organizer`), sorted. Raises as `Google.ask`."""
    service, token, found = google.service("drive"), None, set()
    while True:
        request = service.permissions().list(
            fileId=drive, supportsAllDrives=True, useDomainAdminAccess=as_admin, pageSize=100, pageToken=token,
            fields="nextPageToken,permissions(type,role,emailAddress,deleted)",
        )  # fmt: skip
        answer = json.loads(google.ask(request))
        found |= {
            str(one.get("emailAddress", one["type"]))
            for one in answer.get("permissions", ())
            if one["role"] == "organizer" and not one.get("deleted")
        }
        token = answer.get("nextPageToken")
        if not token:
            return tuple(sorted(found))
