"""Appending: killed at any point, two at once, a full disk, keys, the outbox, time."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from civicops.audit import AuditError, Event, open_log
from civicops.audit.events import MOST_BYTES
from civicops.audit.verify import verify
from civicops.audit.writing import AuditWriteError
from tests.unit.audit import independent
from tests.unit.audit.conftest import event, filled, workspace

APPENDER = [sys.executable, "-m", "tests.unit.audit.appender"]
ROOT = Path(__file__).parents[3]


def start(folder: Path, name: str, count: int, batch: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*APPENDER, str(folder), name, str(count), str(batch)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def acknowledged(text: str) -> dict[int, tuple[str, str]]:
    whole = text[: text.rfind("\n") + 1]
    return {int(i): (leaf, subject) for i, leaf, subject in (line.split(" ") for line in whole.splitlines())}


def test_killed_at_any_point_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    workspace(tmp_path)
    known: dict[int, tuple[str, str]] = {}
    chance = random.Random(7)
    log = open_log(workspace(tmp_path))
    for number in range(14):
        process = start(tmp_path, f"person{number}", 10_000, chance.choice((1, 3, 40, 300)))
        first = process.stdout.readline() if number % 2 and process.stdout else ""
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        known |= acknowledged(first + process.communicate()[0])
        assert process.returncode == -signal.SIGKILL
        before = log.checkpoint()
        report = verify(log)
        assert report.is_good, (number, report.problems[:3])
        (receipt,) = log.append(event(number))
        assert receipt.index == before.size, "no half entry is between"
        known[receipt.index] = (receipt.leaf_hash, f"food_listings.listing/{number}")
    assert len(known) >= 14 + 7
    entries = independent.everything(log.folder, str(log.verifier_key))
    for index, (leaf, subject) in known.items():
        assert independent.sha(b"\x00" + entries[index]).hex() == leaf
        assert f'"subject":"{subject}"' in entries[index].decode()
    report = verify(log)
    assert report.is_good, report.problems[:3]
    assert not [path for path in log.folder.rglob("*") if path.name.endswith(".new")]


def test_a_kill_between_files_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    """What a crash right before the new checkpoint leaves: tiles of entries that were never acknowledged."""
    log = filled(tmp_path, 250)
    head = (log.folder / "checkpoint").read_bytes()
    log.append(*(event(number) for number in range(50)))
    (log.folder / "checkpoint").write_bytes(head)
    other = open_log(workspace(tmp_path / "other"))
    for name in ("checkpoint", "vkey"):
        (other.folder / name).write_bytes((log.folder / name).read_bytes())
    other.key_file.unlink()
    other.key_file.write_bytes(log.key_file.read_bytes())
    for path in (log.folder / "tile").rglob("*"):
        if path.is_file():
            target = other.folder / path.relative_to(log.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    other = open_log(workspace(tmp_path / "other"))
    assert other.append(event(7, "grace"))[0].index == 250
    assert len(independent.everything(other.folder, str(other.verifier_key))) == 251


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    workspace(tmp_path)
    open_log(workspace(tmp_path))
    first, second = (start(tmp_path, name, 12, 5) for name in ("alice", "bob"))
    log, looks = open_log(workspace(tmp_path)), 0
    while first.poll() is None or second.poll() is None:
        # Looking on while others write finds no fault and nothing half.
        report = verify(log)
        assert report.is_good, report.problems[:3]
        newest = [one.index for one in log.find(limit=3)]
        assert newest == sorted(newest, reverse=True)
        looks += 1
    assert looks
    found = [acknowledged(process.communicate(timeout=120)[0]) for process in (first, second)]
    assert not found[0].keys() & found[1].keys()
    assert sorted(found[0] | found[1]) == list(range(120))
    assert verify(log).is_good and log.checkpoint().size == 120


def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path) -> None:
    log = filled(tmp_path, 200)
    before = (log.folder / "checkpoint").read_bytes()
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # The bundle alone needs more than this; the database's journal does not.
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, held[1]))
        with pytest.raises(AuditWriteError, match="cannot be written: File too large") as caught:
            log.append(*(Event("task", "civicops", f"thing/{n}", {"text": "x" * 2000}) for n in range(50)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
        signal.signal(signal.SIGXFSZ, handler)
    assert "untouched" in caught.value.hint
    assert (log.folder / "checkpoint").read_bytes() == before
    assert verify(log).is_good
    assert log.append(event(1))[0].index == 200


def test_a_database_that_cannot_be_written_is_said_and_what_is_logged_is_logged(tmp_path: Path) -> None:
    log = filled(tmp_path, 5)
    # Another program holds the write lock for longer than anybody waits; a short wait stands for a long one.
    import sqlite3

    holder = sqlite3.connect(tmp_path / "var" / "app.sqlite3", isolation_level=None)

    @sa.event.listens_for(log.database.engine, "connect")
    def impatient(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    try:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditWriteError, match="database is locked"):
            log.append(event(5, personal={"note": "n"}))
        assert log.checkpoint().size == 5
        # Nothing personal: the log takes it, and the index comes later.
        assert log.append(event(6))[0].index == 5
        holder.execute("ROLLBACK")
    finally:
        sa.event.remove(log.database.engine, "connect", impatient)
        holder.close()
    assert [one.content["number"] for one in log.find(limit=2)] == [6, 4]
    assert verify(log).is_good


def test_an_event_with_a_key_is_logged_once(tmp_path: Path) -> None:
    log = open_log(workspace(tmp_path))
    first = log.append(event(1, key="a"), event(2), event(3, key="a"))
    assert [one.index for one in first] == [0, 1, 0]
    again = log.append(event(1, key="a"))
    assert again == (first[0],) and log.checkpoint().size == 2
    assert log.knows(["a", "b"]) == {"a"}


def test_an_event_of_a_transaction_is_logged_with_it_or_not_at_all(tmp_path: Path) -> None:
    log = open_log(workspace(tmp_path))
    with pytest.raises(ZeroDivisionError), log.database.writing() as con:
        log.post(con, event(1))
        raise ZeroDivisionError
    log.flush()
    assert log.checkpoint().size == 0
    with log.database.writing() as con:
        log.post(con, event(2, personal={"note": "by telephone"}), event(3, key="mine"))
        log.post(con, event(3, key="mine"))
    # The process could die here: the next append brings them along, before its own.
    (receipt,) = log.append(event(4))
    assert receipt.index == 2
    numbers = [entry.content["number"] for entry in log.find()]
    assert numbers == [4, 3, 2]
    assert log.entry(0).happened_at is not None and log.personal_of([log.entry(0)]) == {0: {"note": "by telephone"}}
    log.flush()
    assert log.checkpoint().size == 3
    with log.database.writing() as con, pytest.raises(AuditError, match="too large"):
        log.post(con, Event("task", "alice", "x", {"text": "x" * MOST_BYTES}))


def test_what_the_log_cannot_take_is_refused(tmp_path: Path) -> None:
    log = open_log(workspace(tmp_path))
    with pytest.raises(AuditError, match="no kind of event 'decison'"):
        Event("decison", "alice", "x")  # type: ignore[arg-type]
    with pytest.raises(AuditError, match="who did it"):
        Event("decision", "", "x")
    with pytest.raises(AuditError, match="no time zone"):
        Event("decision", "alice", "x", happened_at=datetime(2026, 1, 1))
    with pytest.raises(AuditError, match="too large"):
        log.append(event(1), Event("decision", "alice", "x", {"text": "x" * MOST_BYTES}))
    with pytest.raises(AuditError, match="JSON"):
        log.append(Event("decision", "alice", "x", {"text": object()}))
    with pytest.raises(AuditError, match="JSON"):
        log.append(Event("decision", "alice", "x", {"number": float("nan")}))
    with pytest.raises(AuditError, match="JSON"):
        log.append(Event("decision", "alice", "x", {"text": "half \ud800 of a letter"}))
    for more in (
        {"actor": "a" * 151},
        {"subject": "s" * 501},
        {"personal": {"note": "a\0b"}},
        {"personal": {"note": "\ud800"}},
    ):
        with pytest.raises(AuditError, match="cannot take"):
            Event(**{"kind": "decision", "actor": "alice", "subject": "x", **more})  # type: ignore[arg-type]
    assert log.checkpoint().size == 0
    with pytest.raises(AuditError, match="no entry 0"):
        log.entry(0)


def test_entries_are_found_by_kind_subject_person_and_time(tmp_path: Path) -> None:
    log = open_log(workspace(tmp_path))
    log.append(
        event(1), event(10), event(1, "bob"), Event("permission", "bob", "account", {"role": "admin"}, about="alice")
    )
    assert [one.index for one in log.find(subject="food_listings.listing/1")] == [2, 0]
    assert [one.index for one in log.find(subject="food_listings")] == [2, 1, 0]
    assert log.find(subject="food") == () and log.find(subject="food_listings.listing/%") == ()
    assert [one.index for one in log.find(actor="alice")] == [3, 1, 0]
    assert [one.index for one in log.find(kind="permission", actor="bob")] == [3]
    assert [one.index for one in log.find(before=2, limit=1)] == [1]
    assert log.find(since=datetime.now(UTC) + timedelta(hours=1)) == ()
    assert (
        len(log.find(since=datetime.now(UTC) - timedelta(hours=1), until=datetime.now(UTC) + timedelta(hours=1))) == 4
    )


def test_the_index_is_made_again_from_the_files(tmp_path: Path) -> None:
    log = filled(tmp_path, 300)
    log.append(event(300, key="mine"))
    other = open_log(workspace(tmp_path / "other"))
    fresh = type(log)(log.folder, log.key_file, other.database)
    assert len(fresh.find(limit=1000)) == 301
    assert fresh.knows(["mine"]) == {"mine"}
    assert fresh.append(event(301))[0].index == 301


def test_moments_in_the_log_never_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(workspace(tmp_path))
    (first,) = log.append(event(1))
    import civicops.audit.log as module

    class Slow(datetime):
        """A clock that was set back by an hour."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(hours=1)

    monkeypatch.setattr(module, "datetime", Slow)
    (second,) = log.append(event(2))
    assert second.at == first.at
    assert verify(log).is_good


def test_a_lost_key_is_said(tmp_path: Path) -> None:
    log = filled(tmp_path, 3)
    log.key_file.rename(tmp_path / "elsewhere")
    again = open_log(workspace(tmp_path))
    with pytest.raises(AuditError, match="signing key of the audit log"):
        again.append(event(1))
    assert verify(again).is_good and len(again.find()) == 3
