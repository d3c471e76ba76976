"""Drive v3: drives, files, changes, permissions.

Belongs here: what Drive answers about the group. Does not belong here: HTTP (`server`), faults (`faults`).
"""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulators.google.group import Event, Group, Item

Query = dict[str, str]
MAX_PAGE = 1000


class RefusedError(Exception):
    """An answer with an error status, in Google's form."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message

    @property
    def body(self) -> dict[str, Any]:
        one = {"domain": "global", "reason": self.reason, "message": self.message}
        return {"error": {"code": self.status, "message": self.message, "errors": [one]}}


def stamp(moment: datetime) -> str:
    """A moment as Drive writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def token(**values: Any) -> str:
    """An opaque page token."""
    return base64.urlsafe_b64encode(json.dumps(values, sort_keys=True).encode()).decode()


def read_token(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError) as error:
        raise invalid_token() from error
    return found


def invalid_token() -> RefusedError:
    """What Drive says of a page token it does not know or that has expired."""
    return RefusedError(400, "invalid", "Invalid Value: pageToken")


def no_file(one: str) -> RefusedError:
    return RefusedError(404, "notFound", f"File not found: {one}.")


def no_drive(one: str) -> RefusedError:
    return RefusedError(404, "notFound", f"Shared drive not found: {one}")


def person(group: Group, email: str) -> dict[str, Any]:
    one = group.person(email)
    return {
        "kind": "drive#user", "displayName": one.name, "me": False, "permissionId": one.permission_id, "emailAddress": one.email,
    }  # fmt: skip


def resource(group: Group, item: Item) -> dict[str, Any]:
    """An item as Drive shows it."""
    is_trashed = group.is_trashed(item)
    found: dict[str, Any] = {
        "kind": "drive#file", "id": item.id, "name": item.name, "mimeType": item.mime, "parents": [item.parent],
        "driveId": item.drive, "trashed": is_trashed, "explicitlyTrashed": item.trashed_at is not None,
        "createdTime": stamp(item.created), "modifiedTime": stamp(item.modified),
        "lastModifyingUser": person(group, item.editor),
        "webViewLink": f"https://drive.google.com/file/d/{item.id}/view",
    }  # fmt: skip
    if item.size is not None:
        found |= {"size": str(item.size), "md5Checksum": item.md5}
    top = next((above for above in group.ancestors(item.id) if above.trashed_at), None)
    if top is not None and top.trashed_at is not None:
        found |= {"trashedTime": stamp(top.trashed_at), "trashingUser": person(group, top.trashed_by or "")}
    return found


def list_drives(group: Group, query: Query) -> dict[str, Any]:
    """`drives.list`."""
    size, start = int(query.get("pageSize", "10")), _start(query)
    found = [(one, name) for one, name in group.drives.items() if one not in group.lost]
    drives = [
        {"kind": "drive#drive", "id": one, "name": name, "createdTime": stamp(datetime(2020, 1, 1))}
        for one, name in found
    ]
    return _page("drives", drives, start, min(size, 100)) | {"kind": "drive#driveList"}


def get_drive(group: Group, one: str) -> dict[str, Any]:
    """`drives.get`."""
    _seen_drive(group, one)
    return {"kind": "drive#drive", "id": one, "name": group.drives[one]}


def list_files(group: Group, query: Query) -> dict[str, Any]:
    """`files.list`; without the flags for shared drives it shows none of them, as Drive does."""
    flags = all(query.get(name) == "true" for name in ("supportsAllDrives", "includeItemsFromAllDrives"))
    drive = query.get("driveId", "")
    if drive and query.get("corpora") != "drive":
        raise RefusedError(
            403,
            "teamDrivesCorporaInvalid",
            "The driveId parameter must be specified if and only if corpora is set to drive.",
        )
    if drive and not flags:
        raise RefusedError(
            403,
            "teamDriveFileNotSupported",
            "includeItemsFromAllDrives and supportsAllDrives must be set to list a drive.",
        )
    if drive:
        _seen_drive(group, drive)
    items = [item for item in group.items.values() if flags and item.drive == drive and group.sees(item)]
    keep = _where(group, query.get("q", ""))
    items = [item for item in items if keep(item)]
    for key in reversed([part.strip() for part in query.get("orderBy", "").split(",") if part.strip()]):
        name, _, direction = key.partition(" ")
        if name not in ORDERS:
            raise RefusedError(400, "invalid", f"Sort key {name} is not supported")
        items.sort(key=ORDERS[name], reverse=direction == "desc")
    size, start = min(int(query.get("pageSize", "100")), MAX_PAGE), _start(query)
    shown = [resource(group, item) for item in items[start : start + size]]
    more = {"nextPageToken": token(start=start + size)} if start + size < len(items) else {}
    return {"kind": "drive#fileList", "incompleteSearch": False, "files": shown} | more


ORDERS: dict[str, Callable[[Item], Any]] = {
    "name": lambda item: item.name,
    "folder": lambda item: not item.mime.endswith("folder"),
    "createdTime": lambda item: item.created,
    "modifiedTime": lambda item: item.modified,
}


def get_file(group: Group, one: str, query: Query) -> dict[str, Any]:
    """`files.get`; 404 for what is gone and for what may not be seen, the same to the letter."""
    item = group.items.get(one)
    if item is None or query.get("supportsAllDrives") != "true" or not group.sees(item):
        raise no_file(one)
    return resource(group, item)


def start_token(group: Group) -> dict[str, Any]:
    """`changes.getStartPageToken`."""
    return {"kind": "drive#startPageToken", "startPageToken": str(len(group.events))}


def list_changes(group: Group, query: Query) -> dict[str, Any]:
    """`changes.list` of one drive: the last state of everything that changed; `removed` says no reason."""
    if not query.get("pageToken", "").isdigit():
        raise invalid_token()
    since, drive = int(query["pageToken"]), query.get("driveId", "")
    size = min(int(query.get("pageSize", "100")), MAX_PAGE)
    window = group.events[since : since + size]
    last: dict[str, Event] = {event.item: event for event in window if drive in (event.drive, event.to_drive)}
    changes = [_change(group, event, drive) for event in last.values()]
    end = since + len(window)
    more = {"nextPageToken": str(end)} if end < len(group.events) else {"newStartPageToken": str(end)}
    return {"kind": "drive#changeList", "changes": changes} | more


def list_permissions(group: Group, one: str) -> dict[str, Any]:
    """`permissions.list` of a drive."""
    _seen_drive(group, one)
    return {"kind": "drive#permissionList", "permissions": [
        {
            "kind": "drive#permission", "id": group.person(email).permission_id, "type": "user", "role": role,
            "emailAddress": email, "displayName": group.person(email).name, "deleted": False,
        }
        for email, role in sorted(group.roles[one].items())
    ]}  # fmt: skip


def _change(group: Group, event: Event, drive: str) -> dict[str, Any]:
    item = group.items.get(event.item)
    gone = item is None or item.drive != drive or not group.sees(item)
    found = {
        "kind": "drive#change",
        "changeType": "file",
        "time": stamp(event.at),
        "fileId": event.item,
        "removed": gone,
    }
    return found if item is None or gone else found | {"file": resource(group, item)}


def _seen_drive(group: Group, one: str) -> None:
    if one not in group.drives:
        raise no_drive(one)
    if (status := group.lost.get(one)) is not None:
        raise (
            no_drive(one)
            if status == 404
            else RefusedError(status, "insufficientFilePermissions", "No access to this drive.")
        )


def _start(query: Query) -> int:
    return int(read_token(query["pageToken"])["start"]) if query.get("pageToken") else 0


def _page(name: str, values: list[Any], start: int, size: int) -> dict[str, Any]:
    more = {"nextPageToken": token(start=start + size)} if start + size < len(values) else {}
    return {name: values[start : start + size], **more}


def _where(group: Group, q: str) -> Callable[[Item], bool]:
    """The few terms of `q` that are used: `trashed = true|false` and `'<id>' in parents`, joined by `and`."""
    tests: list[Callable[[Item], bool]] = []
    for term in filter(None, (part.strip() for part in re.split(r"\band\b", q))):
        if match := re.fullmatch(r"trashed\s*=\s*(true|false)", term):
            wanted = match[1] == "true"
            tests.append(lambda item, wanted=wanted: group.is_trashed(item) == wanted)  # type: ignore[misc]
        elif match := re.fullmatch(r"'([^']+)' in parents", term):
            parent = match[1]
            tests.append(lambda item, parent=parent: item.parent == parent)  # type: ignore[misc]
        else:
            raise RefusedError(400, "invalid", f"Invalid Value: q ({term})")
    return lambda item: all(test(item) for test in tests)
