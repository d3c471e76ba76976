"""Where the rows of the drive monitor come from: a service account's look at all shared drives.

Belongs here: the settings of this product. Does not belong here: looking (`civicops.ingest.google`).

Settings, all optional, in `[products.drive_monitor]`:

- `drives`: ids of the drives to watch; all that the service account sees unless given.
- `as_admin`: list all drives of the domain; the account then needs the right to.
- `subject`: the administrator for whom the domain's audit log is read, to know who deleted for good.
- `timezone`: where a day ends.
- `url`: another address than Google's.
- `spreadsheet`: id of the Google Sheet that each run brings up to date, and `civicops export sheets drive_monitor`.
- `sheets_after_run`: false to leave the sheet to that command.
- `key_env`: the environment variable that names the service account's key file; `GOOGLE_SERVICE_ACCOUNT_FILE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError
from civicops.ingest.values import DriveEventSource, DriveSource, MarkSource, SheetSource, Source

SETTINGS = ("drives", "as_admin", "subject", "timezone", "url", "key_env", "spreadsheet", "sheets_after_run", "sources")


def sources(settings: Mapping[str, Any]) -> Sequence[Source]:
    """The look at the drives, and what it says of items and folders. Raises `CivicopsError` for an unknown setting."""
    for name in settings:
        if name not in SETTINGS:
            raise CivicopsError(
                f"[products.drive_monitor] has no setting '{name}'.", hint=f"{nearest(name, SETTINGS)}."
            )
    drives = DriveSource(
        "observations",
        "observations",
        url=settings.get("url", ""),
        drives=tuple(settings.get("drives", ())),
        as_admin=bool(settings.get("as_admin", False)),
        subject=settings.get("subject", ""),
        timezone=settings.get("timezone", "America/Los_Angeles"),
        key_env=settings.get("key_env", "GOOGLE_SERVICE_ACCOUNT_FILE"),
        note="one row per drive and look",
    )
    events = DriveEventSource("observations_events", "item_events", drives, note="items that were lost or came back")
    folders = DriveEventSource("observations_folders", "folder_losses", drives, note="folders that lost files")
    key = ("drive_id", "item_id", "observed_at")
    marks = MarkSource("restore_marks", "settled_items", "deletions", key, note="what was ticked off in the portal")
    if not settings.get("spreadsheet"):
        return [drives, events, folders, marks]
    ticks = SheetSource(
        "restore_ticks",
        "settled_items",
        spreadsheet=settings["spreadsheet"],
        sheet="Restore list",
        key=key,
        mark="done",
        url=drives.url,
        key_env=drives.key_env,
        note="what was ticked off in the sheet",
    )
    return [drives, events, folders, ticks, marks]
