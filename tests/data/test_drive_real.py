"""Real histories replayed as drives: exactly the counted deletions and moves, and the alerts that follow from them.

Belongs here: the stand-in snapshots, read in place. Does not belong here: made-up drives (`tests/unit/ingest/google`).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pytest

from civicops.ingest.google.listing import read_listing
from civicops.ingest.snapshots.difference import changes
from tests.conftest import REALDATA
from tests.flow.drives import Monitor, look, lost

SAMPLES = REALDATA / "drive"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real samples in {SAMPLES}"),
]


def snapshot(name: str) -> pa.Table:
    """One stand-in snapshot, read as a page of Drive would be."""
    with gzip.open(SAMPLES / "snapshots" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        files = [json.loads(line) for line in stream]
    for file in files:  # the stand-in has only a name here
        if isinstance(who := file.get("lastModifyingUser"), str):
            file["lastModifyingUser"] = {"displayName": who}
    listing = read_listing(files[0]["driveId"], [json.dumps({"files": files}).encode()])
    assert listing.problems == () and listing.unknown_fields == () and len(listing.items) == len(files)
    return listing.items


@cache
def history() -> dict[tuple[str, str], list[dict[str, str]]]:
    """Every change by drive and day."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    with gzip.open(SAMPLES / "file_changes.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault((row["repo"], row["committed_at"][:10]), []).append(row)
    return found


def truth() -> Iterator[dict[str, str]]:
    with (SAMPLES / "daily_truth.csv").open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def paths(table: pa.Table) -> dict[str, str]:
    """Path of every file to its id."""
    empty = table.slice(0, 0)
    return {one["path"]: one["id"] for one in changes(table, empty).to_pylist() if not one["is_folder"]}


def replayed(drive: str, day: str, before: pa.Table, commits: int | None = None) -> tuple[set[str], set[str]]:
    """Ids that are gone, and that lie in another folder, after the day's changes (or its first commits), by the log alone."""
    now = {path.removeprefix("/"): one for path, one in paths(before).items()}
    start = {one: path for path, one in now.items()}
    rows = history().get((drive, day), [])
    chosen = list(dict.fromkeys(row["commit"] for row in rows))[:commits]
    for commit in chosen:
        mine = [row for row in rows if row["commit"] == commit]
        moving = {
            row["path"]: now.pop(row["old_path"]) for row in mine if row["change"] == "moved" and row["old_path"] in now
        }
        for row in mine:
            if row["change"] == "deleted":
                now.pop(row["path"], None)
            if row["change"] == "added":
                now[row["path"]] = f"new {commit} {row['path']}"
        now |= moving
    end = {one: path for path, one in now.items()}
    gone = set(start) - set(end)
    return gone, {
        one for one in set(start) & set(end) if PurePosixPath(start[one]).parent != PurePosixPath(end[one]).parent
    }


@pytest.mark.parametrize(
    ("drive", "before", "after", "deleted", "folders", "moved"),
    [
        ("VRMS", "2023-03-06", "2023-03-07", 237, 66, 0),
        ("311-data", "2020-12-03", "2020-12-04", 69, 15, 0),
        ("internship", "2023-09-05", "2023-09-06", 79, 39, 15),
        ("website", "2019-05-08", "2019-05-09", 103, 15, 0),
        # 214 deletions and 380 moves by the log: 190 files there and back, and 212 of the deleted made anew with other ids.
        ("VRMS", "2021-08-10", "2021-08-11", 212, 0, 0),
        ("website", "2024-10-20", "2024-10-21", 0, 0, 0),
        ("website", "2024-10-21", "2024-10-22", 0, 0, 0),
    ],
)
def test_each_pair_gives_the_counted_deletions_and_moves(
    drive: str, before: str, after: str, deleted: int, folders: int, moved: int
) -> None:
    first = snapshot(f"{drive}_{before}")
    found = changes(first, snapshot(f"{drive}_{after}")).to_pylist()
    absent = {one["id"] for one in found if one["change"] == "absent" and not one["is_folder"]}
    elsewhere = {one["id"] for one in found if one["change"] == "moved" and not one["is_folder"]}
    assert len(absent) == deleted and len(elsewhere) == moved
    if drive != "internship":  # branches met on that day: its log is not one line of commits that could be replayed
        assert absent == replayed(drive, after, first)[0]
    assert sum(one["change"] == "absent" and one["is_folder"] for one in found) == folders


def test_deletions_among_many_moves_are_told_apart() -> None:
    """VRMS on 11 August 2021 after the first of its two commits: by paths alone 402 files would seem deleted."""
    before = snapshot("VRMS_2021-08-10")
    gone, moved = replayed("VRMS", "2021-08-11", before, commits=1)
    assert (len(gone), len(moved)) == (212, 190)
    rows = before.to_pylist()
    after = pa.Table.from_pylist(
        [row | ({"parent_id": "elsewhere"} if row["id"] in moved else {}) for row in rows if row["id"] not in gone],
        schema=before.schema,
    )
    found = Counter(one["change"] for one in changes(before, after).to_pylist())
    assert found == {"absent": 212, "moved": 190}


@pytest.mark.xdist_group("drive_real")
def test_all_histories_give_the_alerts_that_their_counts_say(tmp_path: Path) -> None:
    """Every deletion of every drive-day through the product: rules fire on exactly the days the counts say."""
    looks: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for row in truth():
        day, drive = date.fromisoformat(row["day"]), row["drive"]
        looks.append(look(drive, day, int(row["files_start"]), files_before=int(row["files_start"])))
        gone = [one for one in history().get((drive, row["day"]), ()) if one["change"] == "deleted"]
        # The log names each path once; the count of the day also has the few that went, came back and went again.
        assert len(gone) <= int(row["deleted"]) <= len(gone) + 8, (drive, row["day"])
        events += [
            lost(
                drive,
                day,
                f"{day}-{number}",
                path="/" + one["path"],
                actor=one["actor"],
                size_bytes=int(one["size_before"] or 0),
            )
            for number, one in enumerate(gone)
        ]
    monitor = Monitor.replaying(tmp_path, looks, events)
    monitor.run()
    deleted = Counter((one["drive_id"], one["observed_on"]) for one in events)
    people = Counter((one["drive_id"], one["observed_on"], one["actor"]) for one in events)
    assert monitor.query("SELECT sum(deleted_files), sum(deleted_bytes) FROM {drive_days}") == [
        (len(events), sum(one["size_bytes"] for one in events))
    ]
    found: dict[str, set[tuple[str, str]]] = {}
    for drive, day, rule in monitor.query("SELECT drive_id, observed_on, rule_code FROM {alerts}"):
        found.setdefault(rule, set()).add((drive, str(day)))
    for rule, minimum in (("many_deleted_absolute", 25), ("mass_deletion", 100)):
        assert found[rule] == {one for one, count in deleted.items() if count >= minimum}
    assert found["one_person"] == {one[:2] for one, count in people.items() if count >= 20}
    assert "whole_folder" not in found and "many_left" not in found
    assert found["mass_deletion"] == {
        ("website", "2019-05-09"), ("VRMS", "2021-08-11"), ("VRMS", "2023-03-07"), ("311-data", "2024-03-10"),
    }  # fmt: skip
