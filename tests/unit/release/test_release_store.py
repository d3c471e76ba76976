"""The pointer and its record: what is current, going back, deleting, and what a crash may leave of each."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from release_kit import THING_COLUMNS, things

from civicops.contracts import Contract
from civicops.release import (
    NoReleaseError,
    Provenance,
    PrunePlanError,
    Release,
    ReleaseBusyError,
    ReleaseStore,
    ReleaseStoreError,
    Retention,
    RollbackError,
    apply_prune,
    discard,
    plan_prune,
    publish,
    rollback,
    stage,
)
from civicops.release.history import HistoryError
from civicops.release.staging import open_staging

Publish = Callable[..., tuple[Release, ...]]


@pytest.fixture
def publish_rows(
    con: duckdb.DuckDBPyConnection, store: ReleaseStore, make_contract: Callable[..., Contract]
) -> Publish:
    """Publish datasets with so many rows each: `publish_rows(items=3, others=4)`."""

    def make(*, now: datetime | None = None, reason: str = "", **rows: int) -> tuple[Release, ...]:
        staged = [
            stage(
                con,
                contract=make_contract(dataset, THING_COLUMNS),
                select_sql=things(count),
                provenance=Provenance("run"),
                store=store,
            )
            for dataset, count in rows.items()
        ]
        return publish(staged, store=store, now=now, reason=reason, run_id="run").releases

    return make


def test_an_empty_store_says_so_and_creates_nothing(store: ReleaseStore) -> None:
    assert store.products() == () and store.datasets("things") == () and store.versions("things", "items") == ()
    assert store.current("things", "items") is None and store.snapshot("things") == {} and store.history("things") == ()
    with pytest.raises(NoReleaseError, match=r"There is no current release of things\.items\..*civicops run things"):
        store.path("things", "items")
    assert not store.root.exists()


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "Items", ".hidden", "a\n"])
def test_a_name_cannot_leave_its_folder(store: ReleaseStore, name: str) -> None:
    with pytest.raises(NoReleaseError, match="cannot be a"):
        store.path(name, "items")
    with pytest.raises(NoReleaseError, match="cannot be a"):
        store.versions("things", name)
    with pytest.raises(NoReleaseError):
        store.path("things", "items", "../../etc")


def test_datasets_of_a_product_switch_together_and_others_stay(store: ReleaseStore, publish_rows: Publish) -> None:
    first = publish_rows(items=3, others=4)
    (items,) = publish_rows(items=5)
    assert store.snapshot("things") == {"items": items, "others": first[1]}
    assert store.path("things", "items") == items.path
    assert store.path("things", "items", first[0].version) == first[0].path
    assert store.versions("things", "items") == (first[0], items)
    assert store.products() == ("things",) and store.datasets("things") == ("items", "others")
    pointer = json.loads((store.root / "things" / "current.json").read_text(encoding="utf-8"))
    assert pointer["datasets"] == {"items": items.version, "others": first[1].version}


def test_every_switch_is_on_the_record(
    store: ReleaseStore, publish_rows: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIVICOPS_USER", "ada_made_up")
    moment = datetime(2026, 11, 22, 11, 38, 7, 250_000, tzinfo=UTC)
    first = publish_rows(items=3, now=moment, reason="daily")
    second = publish_rows(items=4)
    monkeypatch.delenv("CIVICOPS_USER")
    rollback(store, "things", reason="the map was empty", run_id="hand")
    one, two, three = store.history("things")
    assert (one.who, one.at, one.reason, one.run_id, one.action) == ("ada_made_up", moment, "daily", "run", "publish")
    assert (dict(one.before), dict(one.after)) == ({}, {"items": first[0].version})
    assert dict(two.after) == {"items": second[0].version} and two.sequence == 2
    assert (three.action, three.reason, three.run_id) == ("rollback", "the map was empty", "hand")
    assert (three.before, three.after) == (two.after, one.after)
    assert three.who and three.who != "ada_made_up"
    lines = (store.root / "things" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize("damage", ["torn", "lost", "torn without newline", "all gone"])
def test_a_record_line_lost_in_a_crash_is_written_again(
    store: ReleaseStore, publish_rows: Publish, damage: str
) -> None:
    publish_rows(items=3)
    publish_rows(items=4)
    path = store.root / "things" / "history.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(
        {
            "torn": lines[0] + lines[1][:40],
            "lost": lines[0],
            "torn without newline": lines[0] + lines[1][:-1],
            "all gone": b"",
        }[damage]
    )
    kept = 2 if damage == "all gone" else 1
    assert [switch.sequence for switch in store.history("things")] == list(range(kept, 3)), "readers need no repair"
    publish_rows(items=5)
    assert [switch.sequence for switch in store.history("things")] == list(range(kept, 4))
    if damage != "all gone":
        assert path.read_bytes().startswith(whole)


def test_a_damaged_pointer_or_record_is_named_not_guessed(store: ReleaseStore, publish_rows: Publish) -> None:
    publish_rows(items=3)
    publish_rows(items=4)
    history = store.root / "things" / "history.jsonl"
    good = history.read_text(encoding="utf-8")
    history.write_text("nonsense\n" + good, encoding="utf-8")
    with pytest.raises(HistoryError, match="Line 1 of"):
        store.history("things")
    history.write_text(good, encoding="utf-8")
    pointer = store.root / "things" / "current.json"
    content = json.loads(pointer.read_text(encoding="utf-8"))
    content["switch"]["to"] = {"items": "../../elsewhere"}
    for text in ("", "{}", "[]", json.dumps(content)):
        pointer.write_text(text, encoding="utf-8")
        with pytest.raises(ReleaseStoreError, match="cannot be read as a pointer"):
            store.current("things", "items")
        with pytest.raises(ReleaseStoreError):
            publish_rows(items=5)


def test_going_back_twice_goes_back_two_steps_and_never_to_what_was_rolled_back(
    store: ReleaseStore, publish_rows: Publish
) -> None:
    states = [publish_rows(items=rows, others=9) for rows in (3, 4, 5)]
    assert rollback(store, "things").after["items"] == states[1][0].version
    assert rollback(store, "things").after["items"] == states[0][0].version
    with pytest.raises(RollbackError, match="no release before"):
        rollback(store, "things")
    (good,) = publish_rows(items=6)
    assert rollback(store, "things").after["items"] == states[0][0].version, "not 5, which was rolled back"
    assert good.path.is_dir() and len(store.versions("things", "items")) == 4


def test_one_dataset_can_go_back_alone_or_to_a_named_version(store: ReleaseStore, publish_rows: Publish) -> None:
    first = publish_rows(items=3, others=7)
    second = publish_rows(items=4, others=8)
    third = publish_rows(items=5)
    back = rollback(store, "things", "others")
    assert dict(back.after) == {"items": third[0].version, "others": first[1].version}
    with pytest.raises(RollbackError, match=r"never published together.*each dataset by name"):
        rollback(store, "things")
    assert rollback(store, "things", "items", first[0].version).after["items"] == first[0].version
    assert rollback(store, "things", "items", second[0].version).after["items"] == second[0].version
    with pytest.raises(RollbackError, match="already at that release"):
        rollback(store, "things", "items", second[0].version)
    with pytest.raises(NoReleaseError, match="There is no release 20200101T000000Z-00000000"):
        rollback(store, "things", "items", "20200101T000000Z-00000000")
    with pytest.raises(RollbackError, match="A version belongs to one dataset"):
        rollback(store, "things", to=second[0].version)
    with pytest.raises(RollbackError, match="has no current release"):
        rollback(store, "things", "nothing")
    with pytest.raises(RollbackError, match="other has no release yet"):
        rollback(store, "other")


def test_a_version_that_is_not_whole_is_not_gone_back_to(store: ReleaseStore, publish_rows: Publish) -> None:
    (old,) = publish_rows(items=3)
    (new,) = publish_rows(items=4)
    old.data.chmod(0o644)
    old.data.write_bytes(b"short")
    with pytest.raises(NoReleaseError, match="not complete on the disk"):
        rollback(store, "things")
    assert store.current("things", "items") == new


def month(number: int, day: int = 1) -> datetime:
    return datetime(2026, number, day, tzinfo=UTC)


def test_prune_keeps_the_newest_and_one_per_month(store: ReleaseStore, publish_rows: Publish) -> None:
    moments = [month(1), month(1, 20), month(2), month(2, 3), month(3), month(3, 2), month(3, 9), month(4)]
    all_releases = [publish_rows(items=rows, now=now)[0] for rows, now in enumerate(moments, start=1)]
    plan = plan_prune(store, "things", Retention(newest=2))
    assert plan.remove == tuple(all_releases[index] for index in (0, 2, 4, 5))
    reasons = {kept.release: kept.reasons for kept in plan.keep}
    assert reasons[all_releases[1]] == ("newest of 2026-01",)
    assert reasons[all_releases[7]] == ("one of the newest 2", "newest of 2026-04", "current")
    assert reasons[all_releases[6]][-1] == "before the current one"
    expected = sum(path.stat().st_size for release in plan.remove for path in release.path.iterdir())
    assert plan.bytes_freed == expected > 0
    assert len(store.versions("things", "items")) == 8, "a plan changes nothing"
    assert apply_prune(store, plan) == plan.remove
    assert store.versions("things", "items") == tuple(all_releases[index] for index in (1, 3, 6, 7))
    assert apply_prune(store, plan) == (), "again, it changes nothing"
    assert plan_prune(store, "things", Retention(newest=1, months=0)).remove == (all_releases[1], all_releases[3])
    assert list(store.root.rglob(".trash-*")) == []
    with pytest.raises(ValueError, match="at least one"):
        Retention(newest=0)


def test_prune_never_takes_the_current_release_or_those_of_the_last_rollback(
    store: ReleaseStore, publish_rows: Publish
) -> None:
    releases = [publish_rows(items=rows, others=1, now=month(rows))[0] for rows in range(1, 7)]
    rollback(store, "things", "items", releases[1].version)
    plan = plan_prune(store, "things", Retention(newest=1, months=0), dataset="items")
    kept = {item.release: item.reasons for item in plan.keep}
    assert kept == {
        releases[0]: ("before the current one",),
        releases[1]: ("current", "the last rollback went to it"),
        releases[5]: ("one of the newest 1", "the last rollback went from it"),
    }
    assert plan.remove == tuple(releases[2:5])
    rollback(store, "things", "items", releases[3].version)
    with pytest.raises(PrunePlanError, match="has become current since the plan was made"):
        apply_prune(store, plan)
    assert len(store.versions("things", "items")) == 6


def test_the_second_publisher_of_a_product_is_refused_clearly(
    store: ReleaseStore, publish_rows: Publish, con: duckdb.DuckDBPyConnection, make_contract: Callable[..., Contract]
) -> None:
    (before,) = publish_rows(items=3)
    staged = stage(
        con, contract=make_contract("items"), select_sql=things(4), provenance=Provenance("run"), store=store
    )
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with store.writing("things"):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(30)
    try:
        with pytest.raises(ReleaseBusyError, match="Another run is publishing things right now; nothing was changed"):
            publish([staged], store=store)
        with pytest.raises(ReleaseBusyError):
            rollback(store, "things")
        assert store.current("things", "items") == before, "readers wait for nobody"
        threading.Timer(0.2, leave.set).start()
        done = publish([staged], store=store, wait=30)
    finally:
        leave.set()
        thread.join()
    assert store.current("things", "items") == done.releases[0] != before


def test_staging_folders_of_the_living_are_left_alone(store: ReleaseStore, publish_rows: Publish) -> None:
    publish_rows(items=3)
    living = open_staging(store.root / "things", "items")
    dead = store.root / "things" / "items" / ".staging-0123456789ab"
    dead.mkdir()
    (dead / "data.parquet").write_bytes(b"half")
    (store.root / "things" / "items" / ".staging-ffffffffffff.lock").touch()
    (store.root / "things" / "items" / ".trash-0123456789ab").mkdir()
    publish_rows(items=4)
    hidden = {path for path in (store.root / "things" / "items").iterdir() if path.name.startswith(".")}
    assert hidden == {living.folder, living.folder.with_name(living.folder.name + ".lock")}
    living.close()
    living.close()
    assert not living.folder.exists()


def test_what_a_killed_publisher_placed_but_never_switched_in_is_no_release(
    store: ReleaseStore, publish_rows: Publish, tmp_path: Path
) -> None:
    first = publish_rows(items=3, others=4)
    second = publish_rows(items=5, others=6)
    # As a kill between the two renames leaves it: announced, placed, the pointer still at the first.
    product = store.root / "things"
    store.announce("things", {"items": second[0].version, "others": second[1].version})
    pointer = json.loads((product / "current.json").read_text(encoding="utf-8"))
    line = (product / "history.jsonl").read_bytes().splitlines(keepends=True)[0]
    pointer["switch"], pointer["datasets"] = json.loads(line), json.loads(line)["to"]
    (product / "current.json").write_text(json.dumps(pointer), encoding="utf-8")
    (product / "history.jsonl").write_bytes(line)
    os.rename(second[1].path, tmp_path / "never_renamed")  # noqa: PTH104
    assert store.versions("things", "items") == (first[0],)
    with pytest.raises(NoReleaseError):
        store.find("things", "items", second[0].version)
    third = publish_rows(items=7, others=8)
    assert store.versions("things", "items") == (first[0], third[0])
    assert not second[0].path.exists()
    assert not (product / ".placing.json").exists()


def test_discard_leaves_nothing(
    store: ReleaseStore, con: duckdb.DuckDBPyConnection, make_contract: Callable[..., Contract]
) -> None:
    staged = stage(con, contract=make_contract(), select_sql=things(4), provenance=Provenance("run"), store=store)
    assert staged.data.is_file()
    discard([staged])
    discard([staged])
    assert [path.name for path in (store.root / "things" / "items").iterdir()] == []
