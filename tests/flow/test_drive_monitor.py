"""The drive monitor end to end: a mass deletion is told once and ends with its restore; a year gives its alerts and no other."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from civicops.observe.asking import Incident, incidents
from civicops.observe.tables import open_database
from civicops.orchestrate.sheets import write_sheets
from simulators.google import GoogleServer, made_up_group, serve_google
from simulators.google.server import SPREADSHEET
from tests.flow.drives import PRODUCTS, Monitor, emptied, look, lost
from tests.flow.portal_kit import PROGRAM

WHO = "tobias.lindqvist@example.org"
FIRST = date(2025, 1, 1)


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleServer]:
    with serve_google(made_up_group(drives=2, files=100)) as server:
        server.group.now = datetime.now(UTC)
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_FILE", str(server.write_key(tmp_path / "key.json")))
        yield server


def test_a_mass_deletion_fires_until_it_is_restored(google: GoogleServer, tmp_path: Path) -> None:
    monitor = Monitor.at(tmp_path / "work", f'url = "{google.url}"')
    assert monitor.run().status == "succeeded" and monitor.signals() == ()
    assert monitor.run().status == "unchanged"
    files, drives, above = monitor.query("SELECT file_count, drive_count, drives_above_threshold FROM {daily_reports}")[
        0
    ]
    assert (files, drives, above) == (200, 2, 0)
    drive = next(iter(google.group.drives))
    folders = [one.id for one in google.group.children(drive)][:3]
    google.group.trash(folders, WHO)
    monitor.run()
    firing = {one.monitor_id: one for one in monitor.signals()}
    assert all(one.is_firing and one.pii and WHO in one.detail for one in firing.values())
    assert {"whole_folder", "mass_deletion_share", "one_person"} <= set(firing)
    assert len({one.cause for one in firing.values()}) == 1 and WHO not in firing["one_person"].title
    gone = monitor.query("SELECT count(*), min(restore_by_at) - max(happened_at), min(actor) FROM {deletions}")[0]
    assert gone[0] == sum(1 for one in folders for _ in google.group.below(one)) + 3
    assert gone[1:] == (timedelta(days=30), WHO)
    gone_files = sum(
        one.is_firing and one.values["lost_files"] for one in firing.values() if one.monitor_id == "whole_folder"
    )
    google.group.untrash(folders, WHO)
    monitor.run()
    assert monitor.query(
        "SELECT max(percent), max(file_count_before) FROM {alerts} JOIN {drive_days} USING (drive_id) WHERE scope_code = 'drive'"
    ) == [(gone_files, 100)]
    assert monitor.signals() and not any(one.is_firing for one in monitor.signals())


def test_sheets_show_the_restore_list_and_a_tick_settles_an_item(google: GoogleServer, tmp_path: Path) -> None:
    monitor = Monitor.at(
        tmp_path / "work", f'url = "{google.url}"\nspreadsheet = "{SPREADSHEET}"\nsheets_after_run = false'
    )
    monitor.run()
    drive = next(iter(google.group.drives))
    files = [one.id for one in google.group.items.values() if one.drive == drive and one.size is not None][:12]
    google.group.rename(files[0], "=HYPERLINK(1)", WHO)
    google.group.trash(files, WHO)
    monitor.run()
    workspace = monitor.workspace
    done = {one.sheet: one.written for one in write_sheets(workspace, workspace.product("drive_monitor"))}
    assert done["Restore list"].added == 12 and done["Daily report"].added == 2
    rows = google.sheets.grids[SPREADSHEET]["Restore list"]
    assert {row[1] for row in rows[1:]} == set(files) and google.sheets.formulas == []
    assert rows[0][-1] == "done"
    rows[1].extend([""] * (len(rows[0]) - len(rows[1])))
    rows[1][-1] = "done"
    again = write_sheets(workspace, workspace.product("drive_monitor"))
    assert all(one.written.added == one.written.changed == 0 for one in again) and rows[1][-1] == "done"
    monitor.run()
    assert {one.values["not_back"] for one in monitor.signals()} == {11}
    for row in rows[2:]:
        row[len(rows[0]) - 1 :] = ["meant to go"]
    monitor.run()
    assert monitor.signals() and not any(one.is_firing for one in monitor.signals())
    assert monitor.query("SELECT settled_tick, count(*) FROM {deletions} GROUP BY 1 ORDER BY 1") == [
        ("done", 1),
        ("meant to go", 11),
    ]


def year() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """A year of two drives. `calm` loses a file every third day. To `busy` happens what the test expects, and weekends are missed."""
    looks, events = [], []
    for number in range(365):
        day = FIRST + timedelta(days=number)
        # Clocks change on 9 March and 2 November: the same morning there is another hour in UTC.
        hour = 13 if date(2025, 3, 9) <= day < date(2025, 11, 2) else 14
        looks.append(look("calm", day, 1000, hour=hour))
        if number % 3 == 0:
            events.append(lost("calm", day, f"calm{number}"))
        if day.weekday() < 5 and day != date(2025, 6, 4):
            looks.append(look("busy", day, 500, hour=hour))

    def many(day: date, count: int, name: str, **more: object) -> None:
        events.extend(lost("busy", day, f"{name}{n}", **more) for n in range(count))

    many(date(2025, 2, 3), 30, "thirty")
    many(date(2025, 3, 10), 120, "mass", actor=WHO)
    many(date(2025, 4, 7), 24, "not quite")
    many(date(2025, 5, 5), 26, "moved", event="moved_out", known_by="activity")
    looks.append(
        look("busy", date(2025, 6, 4), 0, is_complete=False, reason="Search was not complete.", items=None, files=None)
    )
    many(date(2025, 7, 7), 12, "folder", top_folder="Plans", top_folder_files=20)
    for week in range(4):  # nothing much on any day
        for number in range(5):
            many(date(2025, 9, 1) + timedelta(days=7 * week + number), 6, f"drip{week}{number}")
    many(date(2025, 10, 6), 40, "other drive", event="moved_to_drive", moved_to="calm")
    many(date(2025, 12, 29), 9, "unusual")
    return looks, events


def test_a_year_gives_the_alerts_it_should_and_no_other(tmp_path: Path) -> None:
    folders = [
        emptied("busy", date(2025, 7, 7), path, 12, before) for path, before in (("/Plans", 20), ("/Plans/2024", 12))
    ]
    monitor = Monitor.replaying(tmp_path, *year(), folders=folders)
    monitor.run()
    found = monitor.query("SELECT drive_id, observed_on, rule_code FROM {alerts} ORDER BY ALL")
    assert {one[0] for one in found} == {"busy"}
    by_day: dict[str, set[str]] = {}
    for _, day, rule in found:
        by_day.setdefault(str(day), set()).add(rule)
    drips = {day: rules for day, rules in by_day.items() if day.startswith("2025-09")}
    for day in drips:
        by_day.pop(day)
    assert by_day == {
        "2025-02-03": {"many_deleted", "many_deleted_absolute", "unusual"},
        "2025-03-10": {"many_deleted", "many_deleted_absolute", "mass_deletion", "mass_deletion_share", "one_person", "unusual",
                       "slow_drip_7", "slow_drip_30"},
        # Of the 30 days before, 120 files still count until 8 April; each day that adds to them says so.
        "2025-04-07": {"slow_drip_30", "unusual"},
        "2025-05-05": {"many_left", "many_left_absolute"},
        "2025-06-04": {"look_incomplete"},
        "2025-07-07": {"folder_emptied", "unusual"},
        "2025-12-29": {"unusual"},
    }  # fmt: skip
    # 30 files a week are below every daily rule. 10 % of 500 in seven days needs 50; 20 % in thirty days needs 100: the fourth week.
    assert {day for day, rules in drips.items() if "slow_drip_30" in rules} == {
        f"2025-09-{day}" for day in (23, 24, 25, 26)
    }
    assert not any(rules - {"slow_drip_30"} for rules in drips.values())
    assert monitor.query("SELECT count(*) FROM {daily_reports}")[0][0] == 365
    state = [one for one in monitor.signals(datetime(2025, 12, 30, tzinfo=UTC)) if one.monitor_id == "look_incomplete"]
    assert state == []  # mended long ago


def test_states_of_drives_and_a_threshold_of_one_drive(tmp_path: Path) -> None:
    shutil.copytree(PRODUCTS / "drive_monitor", tmp_path / "products" / "drive_monitor")
    with (tmp_path / "products" / "drive_monitor" / "lookups" / "thresholds.csv").open("a", encoding="utf-8") as stream:
        stream.write("many_deleted_absolute,strict,,critical,drive,deleted_files,3,,,1,3 files of this drive\n")
    second = FIRST + timedelta(days=1)
    gone = {"is_complete": False, "items": None, "files": None, "managers": None, "manager_count": None}
    looks = [look(one, FIRST, 100) for one in ("strict", "lax", "gone", "full", "nobody", "more", "mended")]
    looks[-1] |= gone | {"reason": "Search was not complete."}
    looks += [
        look("strict", second, 97), look("lax", second, 97), look("gone", second, 0) | gone | {"state": "deleted", "reason": "404"},
        look("full", second, 460_000), look("nobody", second, 100, manager_count=0, managers=""),
        look("more", second, 100, manager_count=2, managers="a@example.org b@example.org"), look("mended", second, 100),
    ]  # fmt: skip
    events = [lost(one, second, f"{one}{n}") for one in ("strict", "lax") for n in range(3)]
    monitor = Monitor.replaying(tmp_path / "work", looks, events, tmp_path / "products")
    monitor.run()
    found = monitor.query("SELECT drive_id, rule_code, severity_code FROM {alerts} ORDER BY ALL")
    assert found == [
        ("full", "near_limit", "warning"), ("gone", "drive_gone", "critical"), ("mended", "look_incomplete", "warning"),
        ("more", "new_manager", "info"), ("nobody", "no_manager", "warning"), ("strict", "many_deleted_absolute", "critical"),
    ]  # fmt: skip
    now = datetime.combine(second, datetime.min.time(), UTC) + timedelta(hours=20)
    firing = {
        one.subject.lower(): one.is_firing for one in monitor.signals(now) if one.monitor_id != "many_deleted_absolute"
    }
    assert firing == {"full": True, "gone": True, "mended": False, "more": True, "nobody": True}
    assert monitor.query("SELECT whole_look_count, drive_count FROM {daily_reports} ORDER BY observed_on") == [
        (6, 7),
        (6, 7),
    ]


def test_without_a_single_event_every_table_is_there(tmp_path: Path) -> None:
    monitor = Monitor.replaying(tmp_path, [look("calm", FIRST, 10)], [lost("calm", FIRST, "x", event="returned")])
    monitor.run()
    assert monitor.query("SELECT count(*) FROM {deletions}")[0][0] == 0 and monitor.signals() == ()
    assert monitor.query("SELECT file_count, drives_above_threshold FROM {daily_reports}") == [(10, 0)]


def test_folders_at_any_depth_and_people_have_thresholds_of_their_own(tmp_path: Path) -> None:
    """The line that says most about a subject counts; of folders within each other the uppermost speaks."""
    shutil.copytree(PRODUCTS / "drive_monitor", tmp_path / "products" / "drive_monitor")
    with (tmp_path / "products" / "drive_monitor" / "lookups" / "thresholds.csv").open("a", encoding="utf-8") as stream:
        stream.write(
            "board_minutes,,/Board/2026/Minutes,critical,folder,deleted_files,1,,,1,any file of the minutes\n"
            "folder_emptied,,/Scratch,warning,folder,deleted_files,500,,,1,scratch may be emptied\n"
            "folder_emptied,one,/Scratch,warning,folder,deleted_files,40,,,1,but not in this drive\n"
            f"one_person,,{WHO},warning,person,deleted_files,5,,,1,5 files by a new volunteer\n"
            "folder_bytes,,/Film,warning,folder,deleted_bytes,1000,,,7,1000 bytes of films in a week\n"
        )
    second, third = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
    looks = [look(drive, day, 2000) for drive in ("one", "two") for day in (FIRST, second, third)]
    events = [lost("one", second, f"a{n}", actor=WHO) for n in range(5)]
    events += [lost("one", second, f"b{n}", actor="b@example.org") for n in range(5)]
    folders = [
        emptied("one", second, "/Board", 1, 400), emptied("one", second, "/Board/2026", 1, 90),
        emptied("one", second, "/Board/2026/Minutes", 1, 30), emptied("two", second, "/Scratch", 50, 60),
        emptied("one", second, "/Scratch", 50, 60), emptied("one", second, "/Old", 40, 50),
        emptied("one", second, "/Old/A", 20, 20), emptied("one", second, "/Old/B", 20, 30), emptied("one", second, "/Older", 20, 20),
        emptied("one", second, "/Film", 1, 99, deleted_bytes=600), emptied("one", third, "/Film", 1, 99, deleted_bytes=600),
    ]  # fmt: skip
    monitor = Monitor.replaying(tmp_path / "work", looks, events, tmp_path / "products", folders)
    monitor.run()
    found = monitor.query(
        "SELECT observed_on, drive_id, rule_code, subject, meaning FROM {alerts} WHERE scope_code <> 'drive' ORDER BY ALL"
    )
    assert found == [
        (second, "one", "board_minutes", "/Board/2026/Minutes", "any file of the minutes"),
        (second, "one", "folder_emptied", "/Old", "half of a folder and 10 files"),
        (second, "one", "folder_emptied", "/Older", "half of a folder and 10 files"),
        (second, "one", "folder_emptied", "/Scratch", "but not in this drive"),
        (second, "one", "one_person", WHO, "5 files by a new volunteer"),
        (third, "one", "folder_bytes", "/Film", "1000 bytes of films in a week"),
    ]


def test_the_sheet_is_updated_by_each_run_and_its_failure_is_an_incident_not_a_failed_run(
    google: GoogleServer, tmp_path: Path
) -> None:
    monitor = Monitor.at(tmp_path / "work", f'url = "{google.url}"\nspreadsheet = "{SPREADSHEET}"')
    assert monitor.run().status == "succeeded"
    grids = google.sheets.grids[SPREADSHEET]
    assert len(grids["Daily report"]) == 3
    grids["Daily report"][0][0] = "somebody renamed this"
    drive = next(iter(google.group.drives))
    google.group.trash(
        [one.id for one in google.group.items.values() if one.drive == drive and one.size is not None][:12], WHO
    )
    assert monitor.run().status == "succeeded"
    assert monitor.query("SELECT sum(deleted_files) FROM {daily_reports}") == [(12,)]
    (found,) = [one for one in open_incidents(monitor) if one.title.endswith("the sheet was not updated")]
    assert "other columns" in " ".join(found.details(people=False)) and found.severity == "warning"
    del grids["Daily report"]
    assert monitor.run().status == "unchanged"  # nothing new, but the sheet is owed
    assert len(grids["Daily report"]) == 3
    assert not [one for one in open_incidents(monitor) if one.title.endswith("the sheet was not updated")]
    settings = (tmp_path / "work" / "civicops.toml").read_text()
    (tmp_path / "work" / "civicops.toml").write_text(settings + "sheets_after_run = false\n")
    del grids["Daily report"]
    google.group.now += timedelta(days=1)
    monitor.run()
    assert "Daily report" not in grids


def open_incidents(monitor: Monitor) -> tuple[Incident, ...]:
    return incidents(open_database(monitor.workspace), monitor.workspace, datetime.now(UTC))


def test_the_command_names_the_first_snapshot_that_is_not_what_was_sealed(google: GoogleServer, tmp_path: Path) -> None:
    monitor = Monitor.at(tmp_path / "work", f'url = "{google.url}"')
    monitor.run()
    drive = next(iter(google.group.drives))
    files = [one.id for one in google.group.items.values() if one.drive == drive and one.size is not None]
    google.group.trash(files[:2], WHO)
    monitor.run()
    good = verified(monitor)
    assert good.returncode == 0 and {(one["drive"], one["sealed"]) for one in json.loads(good.stdout)} >= {(drive, 2)}
    newest = tmp_path / "work" / "var" / "snapshots" / "drive_monitor" / drive / "000002.json"
    content = newest.read_bytes()
    newest.unlink()  # the newest cut off: the chain alone would not show it
    cut = verified(monitor)
    assert cut.returncode == 1
    (bad,) = [one for one in json.loads(cut.stdout) if one["problems"]]
    assert bad["drive"] == drive and any(one == f"Snapshot 2 of drive {drive} is missing." for one in bad["problems"])
    newest.write_bytes(content)
    assert verified(monitor).returncode == 0
    refused = verified(monitor, "--drive", "no-such-drive")
    assert refused.returncode == 1 and "no snapshot of a drive" in refused.stderr


def verified(monitor: Monitor, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "--workspace", str(monitor.root), "snapshots", "verify", "drive_monitor", *words, "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)
