"""Who did it: Drive Activity v2 and the Admin Reports v1 audit log of Drive.

Belongs here: the group's deeds as these two tell them. Does not belong here: the state of the drives (`drive`).
"""

from datetime import datetime
from typing import Any

from simulators.google.drive import RefusedError, invalid_token, stamp
from simulators.google.group import Event, Group

DETAILS: dict[str, dict[str, Any]] = {
    "trash": {"delete": {"type": "TRASH"}},
    "delete": {"delete": {"type": "PERMANENT_DELETE"}},
    "untrash": {"restore": {"type": "UNTRASH"}},
    "move": {"move": {}},
    "create": {"create": {"new": {}}},
    "rename": {"rename": {}},
    "hide": {"permissionChange": {}},
}
REPORTED = {"trash": "trash", "untrash": "untrash", "delete": "delete", "move": "move", "rename": "rename", "create": "create",
            "hide": "change_user_access"}  # fmt: skip


def query_activity(group: Group, body: dict[str, Any]) -> dict[str, Any]:
    """`activity.query` below a drive: newest first."""
    kind, _, one = str(body.get("ancestorName", "")).partition("/")
    if kind != "items" or one not in group.drives:
        raise RefusedError(404, "notFound", "Requested entity was not found.")
    found = [event for event in reversed(group.events) if event.drive == one and event.deed in DETAILS]
    if after := _after(str(body.get("filter", ""))):
        found = [event for event in found if stamp(event.at) >= after]
    size, start = int(body.get("pageSize", 50)), int(body.get("pageToken") or 0)
    activities = [_activity(group, event) for event in found[start : start + size]]
    more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
    return {"activities": activities, **more}


def list_reports(group: Group, query: dict[str, str]) -> dict[str, Any]:
    """`activities.list` of the application drive: newest first."""
    names = set(filter(None, query.get("eventName", "").split(",")))
    found = [event for event in reversed(group.events) if event.deed in REPORTED]
    found = [event for event in found if not names or REPORTED[event.deed] in names]
    if start_time := query.get("startTime"):
        moment = datetime.fromisoformat(start_time)
        found = [event for event in found if event.at >= moment]
    if not (query.get("pageToken") or "0").isdigit():
        raise invalid_token()
    size, start = int(query.get("maxResults", "1000")), int(query.get("pageToken") or 0)
    items = [_report(group, event) for event in found[start : start + size]]
    more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
    return {"kind": "admin#reports#activities", "items": items, **more}


def _after(text: str) -> str:
    _, _, rest = text.partition('time >= "')
    return rest.partition('"')[0]


def _activity(group: Group, event: Event) -> dict[str, Any]:
    person: dict[str, Any] = {
        "user": {"knownUser": {"personName": f"people/{group.person(event.actor).permission_id}"}}
    }
    actor: dict[str, Any] = person if event.actor else {"system": {"type": "TRASH_AUTO_PURGE"}}
    target = {"driveItem": {"name": f"items/{event.item}", "title": event.name}}
    detail = DETAILS[event.deed]
    return {
        "timestamp": stamp(event.at), "primaryActionDetail": detail, "actors": [actor], "targets": [target],
        "actions": [{"detail": detail, "actor": actor, "target": target}],
    }  # fmt: skip


def _report(group: Group, event: Event) -> dict[str, Any]:
    texts = {"doc_id": event.item, "doc_title": event.name, "shared_drive_id": event.drive}
    parameters: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in texts.items()]
    parameters.append({"name": "owner_is_shared_drive", "boolValue": True})
    return {
        "kind": "admin#reports#activity", "id": {"time": stamp(event.at), "applicationName": "drive"},
        "actor": {"email": event.actor, "profileId": group.person(event.actor).permission_id},
        "events": [{"type": "access", "name": REPORTED[event.deed], "parameters": parameters}],
    }  # fmt: skip
