"""What signals do to incidents, and what a message says of people."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from civicops.observe.asking import incident, incidents
from civicops.observe.incidents import Change, Rules, apply, learnings
from civicops.observe.messages import about
from civicops.observe.signals import Signal
from civicops.observe.tables import EVENT, Database, open_database
from civicops.workspace import Workspace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Rules(timedelta(hours=24))
DELETED = Signal(
    "many_deletions", "drive-1", True, "critical", "240 files were deleted", detail="Ada Example deleted them.",
    since=NOW - timedelta(hours=2), group="drive-1", pii=True,
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "civicops.toml").write_text("")
    (tmp_path / "products").mkdir()
    return Workspace.find(tmp_path)


@pytest.fixture
def database(workspace: Workspace) -> Iterator[Database]:
    yield open_database(workspace)


def say(database: Database, *signals: Signal, after: float = 0, asked: bool = True) -> tuple[Change, ...]:
    now = NOW + timedelta(hours=after)
    return apply(database, "drives", signals, covers=lambda _: asked, now=now, rules=RULES)


def test_signals_of_one_cause_are_one_incident_and_its_severity_is_the_worst(
    database: Database, workspace: Workspace
) -> None:
    mild = dataclasses.replace(DELETED, monitor_id="slow_drip", severity="warning", title="A slow drip")
    assert [change.kind for change in say(database, mild)] == ["opened"]
    assert [change.kind for change in say(database, mild, DELETED, after=1)] == ["joined", "worse"]
    (found,) = incidents(database, workspace, NOW)
    assert (found.severity, found.title, len(found.signals)) == ("critical", "240 files were deleted", 2)
    assert say(database, mild, DELETED, after=2) == ()


def test_it_is_over_only_when_nothing_of_it_fires(database: Database, workspace: Workspace) -> None:
    other = dataclasses.replace(DELETED, monitor_id="slow_drip")
    say(database, DELETED, other)
    quiet = dataclasses.replace(DELETED, is_firing=False, title="restored", evidence={"restored": 240})
    assert say(database, quiet, other, after=1) == ()
    assert say(database, quiet, after=2, asked=False) == (), (
        "a monitor that was not asked has not said that all is well"
    )
    assert [change.kind for change in say(database, quiet, after=3)] == ["resolved"]
    (found,) = incidents(database, workspace, NOW, every=True)
    assert (found.state, found.resolved_by) == ("resolved", "civicops")


def test_what_comes_back_after_a_day_is_a_new_incident(database: Database, workspace: Workspace) -> None:
    for after in (0, 30):
        say(database, DELETED, after=after)
        say(database, after=after + 1)
    assert len(incidents(database, workspace, NOW, every=True)) == 2


def test_no_two_processes_open_the_same_incident_twice(database: Database, workspace: Workspace) -> None:
    threads = [threading.Thread(target=say, args=(database, DELETED)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(incidents(database, workspace, NOW, every=True)) == 1


def test_events_can_not_be_changed(database: Database) -> None:
    say(database, DELETED)
    for change in (sa.update(EVENT).values(text="nothing"), sa.delete(EVENT)):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.writing() as con:
            con.execute(change)


def test_who_did_it_is_shown_only_to_those_who_may_see_people(database: Database, workspace: Workspace) -> None:
    (change,) = say(database, DELETED)
    found = incident(database, workspace, change.incident_id, NOW)
    told = about(workspace, found, "opened", people=True, now=NOW).body
    hidden = about(workspace, found, "opened", people=False, now=NOW).body
    assert "Ada Example" in told and "Ada Example" not in hidden
    assert "240 files were deleted" in hidden and "(2 hours)" in hidden


def test_time_under_an_incident_teaches_nothing_and_what_a_person_accepted_does(database: Database) -> None:
    from civicops.observe.incidents import resolve

    (change,) = say(database, DELETED)
    learning = learnings(database, "drives")["drive-1"]
    assert learning.is_excluded(NOW) and not learning.is_excluded(NOW - timedelta(hours=3))
    resolve(database, change.incident_id, "grace", "an announced clean-up", NOW + timedelta(hours=1))
    learning = learnings(database, "drives")["drive-1"]
    assert not learning.is_excluded(NOW) and learning.accepted_at == NOW + timedelta(hours=1)
