"""The simulated Google, asked by Google's own client: it has the traps of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_auth_httplib2
import httplib2
import pytest
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from simulators.google import GoogleServer, made_up_group, serve_google
from simulators.google.fields import cut, read_mask

SHARED = {"corpora": "drive", "supportsAllDrives": True, "includeItemsFromAllDrives": True}


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    with serve_google(made_up_group(drives=2, files=30)) as server:
        yield server


@pytest.fixture
def drive(google: GoogleServer, tmp_path: Path) -> Any:
    scopes = ["https://www.googleapis.com/auth/drive.metadata.readonly"]
    path = str(google.write_key(tmp_path / "key.json"))
    credentials = service_account.Credentials.from_service_account_file(path, scopes=scopes)  # type: ignore[no-untyped-call]
    http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=10))
    return build("drive", "v3", http=http, client_options={"api_endpoint": f"{google.url}/drive/v3/"})


def refused(request: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as told:
        request.execute(num_retries=0)
    return told.value.resp.status, told.value.error_details[0]["reason"]


def test_shared_drives_are_seen_only_with_all_flags(google: GoogleServer, drive: Any) -> None:
    one = next(iter(google.group.drives))
    assert drive.files().list().execute()["files"] == []
    assert refused(drive.files().list(driveId=one, corpora="drive"))[0] == 403
    assert refused(drive.files().list(driveId=one, supportsAllDrives=True, includeItemsFromAllDrives=True))[0] == 403
    assert len(drive.files().list(driveId=one, **SHARED).execute()["files"]) == 42
    assert refused(drive.files().get(fileId=next(iter(google.group.items)))) == (404, "notFound")
    assert refused(drive.drives().get(driveId="0ANone")) == (404, "notFound")


def test_pages_masks_and_conditions(google: GoogleServer, drive: Any) -> None:
    one = next(iter(google.group.drives))
    found: list[dict[str, Any]] = []
    request = drive.files().list(
        driveId=one, pageSize=10, fields="nextPageToken,files(id,lastModifyingUser/emailAddress)", **SHARED
    )
    pages = 0
    while request is not None:
        answer = request.execute()
        found, pages = found + answer["files"], pages + 1
        request = drive.files().list_next(request, answer)
    assert pages == 5 and len({item["id"] for item in found}) == 42
    assert {tuple(sorted(item)) for item in found} == {("id", "lastModifyingUser")}
    folder = next(item.id for item in google.group.children(one))
    google.group.trash([folder], "a@example.org")
    trashed = drive.files().list(driveId=one, q="trashed = true", **SHARED).execute()["files"]
    below = set(google.group.below(folder))
    assert {item["id"] for item in trashed} == below | {folder}
    assert [item["id"] for item in trashed if item["explicitlyTrashed"]] == [folder]
    assert refused(drive.files().list(driveId=one, q="name contains 'x'", **SHARED))[0] == 400
    assert refused(drive.files().list(driveId=one, pageToken="none", **SHARED)) == (400, "invalid")


def test_changes_say_removed_for_a_purge_and_for_lost_access_alike(google: GoogleServer, drive: Any) -> None:
    one, group = next(iter(google.group.drives)), google.group
    mark = drive.changes().getStartPageToken(driveId=one, supportsAllDrives=True).execute()["startPageToken"]
    files = [item.id for item in group.items.values() if item.drive == one and item.size is not None]
    group.purge(files[:1], "a@example.org")
    group.hide(files[1:2], "a@example.org")
    group.rename(files[2], "other", "a@example.org")
    flags = {"supportsAllDrives": True, "includeItemsFromAllDrives": True, "driveId": one}
    changes = drive.changes().list(pageToken=mark, **flags).execute()["changes"]
    assert {change["fileId"]: change["removed"] for change in changes} == {
        files[0]: True,
        files[1]: True,
        files[2]: False,
    }


def test_the_trash_empties_itself_after_thirty_days(google: GoogleServer) -> None:
    group = google.group
    one = next(item.id for item in group.items.values() if item.size is not None)
    group.trash([one], "a@example.org")
    group.pass_time(days=29)
    assert one in group.items
    group.pass_time(days=2)
    assert one not in group.items


def test_a_mask_that_is_none_is_refused() -> None:
    assert read_mask("a,b(c,d/e)") == {"a": {}, "b": {"c": {}, "d": {"e": {}}}}
    assert cut({"a": 1, "b": [{"c": 2, "x": 3}], "y": 4}, read_mask("a,b(c)")) == {"a": 1, "b": [{"c": 2}]}
    for text in ("", "a(", "a)", "a,,b"):
        with pytest.raises(ValueError, match="field selection"):
            read_mask(text)
