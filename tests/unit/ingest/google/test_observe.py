"""Looks at shared drives: what is lost is told apart, what was not seen whole says nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest

from civicops.ingest.google import client
from civicops.ingest.google.collect import pages_of
from civicops.ingest.google.observe import events_of
from civicops.ingest.values import FetchError, LandingError, SourceError
from tests.unit.ingest.google.conftest import PRODUCT, Watch

WHO = "tobias.lindqvist@example.org"


def test_a_first_look_counts_and_loses_nothing(watch: Watch) -> None:
    drives, lost = watch.look()
    assert {
        row["drive_id"]: (row["files"], row["folders"], row["is_complete"]) for row in drives.values()
    } == dict.fromkeys(watch.drives, (60, 12, True))
    assert lost == []
    assert watch.google.scopes == {client.READ_METADATA, client.READ_ACTIVITY}


def test_the_same_again_on_the_same_day_adds_nothing_and_on_the_next_day_a_row(watch: Watch) -> None:
    watch.look()
    assert watch.look() == ({}, [])
    watch.group.pass_time(days=1)
    drives, lost = watch.look()
    assert len(drives) == 3 and lost == []
    assert [one.sequence for one in watch.store.snapshots(watch.drives[0])] == [1, 2]


def test_every_kind_of_loss_is_told_apart(watch: Watch) -> None:
    one, two, _ = watch.drives
    outside = watch.group.add_drive("0AOutside", "Somebody's own")
    watch.source = replace(watch.source, drives=tuple(watch.drives[:3]))
    watch.look()
    watch.group.pass_time(days=1)
    files = watch.files(one)
    watch.group.trash(files[:5], WHO)
    watch.group.purge(files[5:9], WHO)
    watch.group.move(files[9:12], two, WHO)
    watch.group.move(files[12:14], outside, WHO)
    watch.group.hide(files[14:15], WHO)
    watch.group.move(files[15:25], watch.folders(one)[0], WHO)
    watch.group.rename(files[25], "another name", WHO)
    drives, lost = watch.look()
    assert Counter(row["event"] for row in lost) == {
        "trashed": 5, "purged": 4, "moved_to_drive": 3, "moved_out": 2, "access_lost": 1,
    }  # fmt: skip
    assert {row["item_id"] for row in lost if row["event"] == "trashed"} == set(files[:5])
    assert {row["actor"] for row in lost} == {WHO}
    assert {row["moved_to"] for row in lost if row["event"] == "moved_to_drive"} == {two}
    moved = sum(watch.group.items[item].parent == watch.folders(one)[0] for item in files[15:25])
    assert drives[one]["moved_items"] <= moved == 10 and drives[one]["renamed_items"] == 1


def test_a_trashed_folder_takes_along_what_lies_in_it_and_brings_it_back(watch: Watch) -> None:
    one = watch.drives[0]
    watch.look()
    watch.group.pass_time(days=1)
    folder = watch.folders(one)[0]
    inside = set(watch.group.below(folder))
    watch.group.trash([folder], WHO)
    _, lost = watch.look()
    assert {row["item_id"] for row in lost} == inside | {folder}
    name = watch.group.items[folder].name
    assert all(row["path"].startswith(f"/{name}") and row["top_folder"] == name for row in lost)
    assert {row["top_folder_files"] for row in lost} == {sum(not row["is_folder"] for row in lost)}
    watch.group.pass_time(days=1)
    watch.group.untrash([folder], WHO)
    _, back = watch.look()
    assert {row["item_id"] for row in back} == inside | {folder} and {row["event"] for row in back} == {"returned"}


def test_a_purged_file_that_comes_back_is_noticed(watch: Watch) -> None:
    one = watch.drives[0]
    item = watch.group.items[watch.files(one)[0]]
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.purge([item.id], WHO)
    assert [row["event"] for row in watch.look()[1]] == ["purged"]
    watch.group.pass_time(days=1)
    watch.group.add(item)
    assert [(row["event"], row["item_id"]) for row in watch.look()[1]] == [("returned", item.id)]


def test_the_trash_that_empties_itself_is_no_deletion(watch: Watch) -> None:
    one = watch.drives[0]
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.trash(watch.files(one)[:5], WHO)
    watch.look()
    watch.group.pass_time(days=31)
    drives, lost = watch.look()
    assert lost == [] and drives[one]["emptied_items"] == 5


def test_missed_days_are_compared_with_the_last_good_look(watch: Watch) -> None:
    one = watch.drives[0]
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.trash(watch.files(one)[:3], WHO)
    watch.group.pass_time(days=9)
    drives, lost = watch.look()
    assert len(lost) == 3 and drives[one]["compared_with"] == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("incomplete_search", "not complete"), ("rate_limit", "userRateLimitExceeded"), ("server_error", "backendError")],
)
def test_a_look_that_fails_for_one_drive_says_nothing_about_its_files(watch: Watch, kind: str, reason: str) -> None:
    one, two, _ = watch.drives
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.trash(watch.files(one)[:4] + watch.files(two)[:2], WHO)
    fault = watch.google.faults.set(kind, contains=one, times=None)  # type: ignore[arg-type]
    drives, lost = watch.look()
    assert fault.struck and reason in drives[one]["reason"]
    assert not drives[one]["is_complete"] and drives[one]["files"] is None
    assert {row["drive_id"] for row in lost} == {two}
    watch.google.faults.faults.clear()
    watch.group.pass_time(days=1)
    drives, lost = watch.look()
    assert drives[one]["is_complete"] and [row["drive_id"] for row in lost] == [one] * 4


@pytest.mark.parametrize("kind", ["rate_limit", "too_many", "server_error"])
def test_a_limit_that_passes_is_waited_for(watch: Watch, kind: str) -> None:
    fault = watch.google.faults.set(kind, times=2)  # type: ignore[arg-type]
    drives, _ = watch.look()
    assert fault.struck == 2 and all(row["is_complete"] for row in drives.values())


def test_a_limit_inside_a_batch_is_waited_for(watch: Watch) -> None:
    watch.look()
    watch.group.pass_time(days=1)
    files = watch.files(watch.drives[0])[:3]
    watch.group.purge(files, WHO)
    fault = watch.google.faults.set("rate_limit", path=f"/files/{files[1]}", times=2)
    _, lost = watch.look()
    assert fault.struck == 2 and [row["event"] for row in lost] == ["purged"] * 3


@pytest.mark.parametrize("path", ["/drives", "/changes/startPageToken"])
def test_no_answer_at_all_concludes_nothing(watch: Watch, path: str) -> None:
    watch.look()
    watch.group.pass_time(days=1)
    watch.google.faults.set("server_error", path=path, times=None)
    if path == "/drives":
        with pytest.raises(FetchError, match="does not list"):
            watch.look()
    else:
        drives, lost = watch.look()
        assert not any(row["is_complete"] for row in drives.values()) and lost == []


def small_pages(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 items a page, so that 72 items have four."""
    monkeypatch.setattr("civicops.ingest.google.drive.PAGE_ITEMS", 20)
    assert watch.source.name == "looks"


def test_ids_that_come_twice_count_once(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(watch, monkeypatch)
    watch.google.faults.set("page_repeats", contains=watch.drives[0], nth=2, times=2)
    drives, _ = watch.look()
    row = drives[watch.drives[0]]
    assert (row["items"], row["listed"], row["repeated"]) == (72, 78, 6)


def test_an_item_that_slips_between_two_pages_is_asked_for_and_put_back(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(watch, monkeypatch)
    watch.look()
    watch.group.pass_time(days=1)
    watch.google.faults.set("item_slips", contains=watch.drives[0], nth=3)
    drives, lost = watch.look()
    row = drives[watch.drives[0]]
    assert lost == [] and (row["slipped"], row["items"], row["listed"]) == (1, 72, 71)


def test_a_page_token_that_expired_starts_the_drive_again(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(watch, monkeypatch)
    fault = watch.google.faults.set("expired_token", contains=watch.drives[1], nth=3)
    drives, _ = watch.look()
    assert fault.struck == 1
    assert {row["items"] for row in drives.values()} == {72} and {row["repeated"] for row in drives.values()} == {0}


def test_permission_lost_for_half_the_tree_is_no_deletion(watch: Watch) -> None:
    one = watch.drives[0]
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.hide(watch.folders(one)[:3], WHO)
    drives, lost = watch.look()
    assert lost == [] and not drives[one]["is_complete"] and "access may be lost" in drives[one]["reason"]
    watch.group.pass_time(days=1)
    watch.group.show(list(watch.group.hidden))
    drives, lost = watch.look()
    assert lost == [] and drives[one]["is_complete"]


def test_items_that_vanish_behind_the_back_of_the_log_of_changes_are_not_believed(watch: Watch) -> None:
    one, two, _ = watch.drives
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.hidden |= set(watch.files(one)[:11]) | set(watch.files(two)[:10])  # nobody did anything
    drives, lost = watch.look()
    assert not drives[one]["is_complete"] and "log of changes does not speak of them" in drives[one]["reason"]
    assert {(row["drive_id"], row["event"]) for row in lost} == {(two, "unknown")} and len(lost) == 10


def test_the_audit_log_is_read_as_far_back_as_the_drive_that_was_not_seen_for_longest(watch: Watch) -> None:
    one, two, _ = watch.drives
    watch.look()
    watch.google.faults.set("incomplete_search", contains=two, times=None)
    watch.group.pass_time(days=1)
    watch.group.purge(watch.files(two)[:5], WHO)
    watch.look()
    watch.google.faults.faults.clear()
    watch.group.pass_time(days=5)
    watch.group.purge(watch.files(one)[:5], WHO)
    _, lost = watch.look()
    assert {(row["drive_id"], row["event"], row["actor"]) for row in lost} == {
        (one, "purged", WHO),
        (two, "purged", WHO),
    }


def test_without_logs_a_purge_is_unknown_and_many_of_them_are_not_believed(watch: Watch) -> None:
    one, two, _ = watch.drives
    watch.google.has_activity = watch.google.has_reports = False
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.purge(watch.files(one)[:3], WHO)
    watch.group.purge(watch.files(two)[:40], WHO)
    drives, lost = watch.look()
    assert [(row["drive_id"], row["event"], row["actor"]) for row in lost] == [(one, "unknown", None)] * 3
    assert not drives[two]["is_complete"] and "no log says" in drives[two]["reason"]


@pytest.mark.parametrize(
    ("status", "as_admin", "state"), [(404, False, "out_of_sight"), (404, True, "deleted"), (403, False, "refused")]
)
def test_a_drive_that_vanishes_is_told_as_such(watch: Watch, status: int, as_admin: bool, state: str) -> None:
    watch.source = replace(watch.source, as_admin=as_admin)
    one = watch.drives[0]
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.lost[one] = status
    drives, lost = watch.look()
    assert drives[one]["state"] == state and not drives[one]["is_complete"] and lost == []
    assert drives[watch.drives[1]]["is_complete"]


def test_a_clock_that_went_back_is_refused(watch: Watch) -> None:
    watch.look()
    watch.group.now = watch.group.now.replace(year=2025)
    with pytest.raises(LandingError, match="older than the last"):
        watch.look()


def test_without_a_key_file_it_says_what_to_do(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_SERVICE_ACCOUNT_FILE")
    with pytest.raises(SourceError, match="GOOGLE_SERVICE_ACCOUNT_FILE is not set"):
        watch.look()
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_FILE", __file__)
    with pytest.raises(SourceError, match="not a key file") as told:
        watch.look()
    assert "import" not in str(told.value)


def test_raw_listings_are_let_go_and_evidence_stays(watch: Watch) -> None:
    for _ in range(4):
        watch.look()
        watch.group.trash(watch.files(watch.drives[0])[:1], WHO)
        watch.group.purge(watch.files(watch.drives[0])[:1], WHO)
        watch.group.pass_time(days=1)
    assert len(watch.landing.deliveries(PRODUCT, pages_of(watch.source))) == 2
    assert list(watch.landing.verify(PRODUCT, pages_of(watch.source))) == []
    assert len(watch.landing.deliveries(PRODUCT, "looks.evidence")) == 3
    assert list(watch.store.verify(watch.drives[0])) == []


LOOK = f"""
import sys
from datetime import datetime
from pathlib import Path
from civicops.ingest.google import drive
from civicops.ingest.google.observe import observe_drives
from civicops.ingest.landing import Landing
from civicops.ingest.values import DriveSource, NoProgress
drive.PAGE_ITEMS = 10
url, root, now = sys.argv[1:]
print("begins", flush=True)
source = DriveSource("looks", "looks", url=url, subject="admin@example.org")
observe_drives(source, Landing(Path(root)), "{PRODUCT}", progress=NoProgress(), now=datetime.fromisoformat(now))
"""


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.3, 0.6])
def test_a_killed_look_ends_as_one_that_was_not(watch: Watch, moment: float) -> None:
    watch.look()
    watch.group.pass_time(days=1)
    watch.group.trash(watch.files(watch.drives[0])[:7], WHO)
    watch.group.purge(watch.files(watch.drives[1])[:3], WHO)
    command = [sys.executable, "-c", LOOK, watch.google.url, str(watch.landing.root), watch.group.now.isoformat()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    watch.look()
    rows = watch.landing.deliveries(PRODUCT, "looks")
    events = watch.landing.deliveries(PRODUCT, events_of(watch.source))
    assert len(rows) == 2 and [delivery.rows for delivery in events] == [10]
    for drive in watch.drives:
        assert [one.sequence for one in watch.store.snapshots(drive)] == [1, 2]
        assert list(watch.store.verify(drive)) == []
