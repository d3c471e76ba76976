"""Snapshots: any kept one comes back as it was, nothing can be changed unnoticed, differences are what was done."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.errors import CivicopsError
from civicops.ingest.snapshots.delta import apply, back, compose, shaped
from civicops.ingest.snapshots.difference import changes, subtree_losses
from civicops.ingest.snapshots.items import COLUMNS, FOLDER, content_hash, item_table
from civicops.ingest.snapshots.store import SnapshotStore

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
Rows = dict[str, dict[str, Any]]


def row(one: str, parent: str = "root", **more: Any) -> dict[str, Any]:
    base = dict.fromkeys(COLUMNS)
    return (
        base
        | {"id": one, "name": one, "mime_type": "text/csv", "parent_id": parent, "size_bytes": 1, "is_trashed": False}
        | more
    )


def table(rows: Rows) -> pa.Table:
    return item_table({name: [one[name] for one in rows.values()] for name in COLUMNS})


def year_of(store: SnapshotStore, days: int, seed: int = 3) -> list[pa.Table]:
    """Daily snapshots of a drive in which something happens on most days."""
    draw = random.Random(seed)
    rows: Rows = {f"f{n}": row(f"f{n}") for n in range(40)}
    tables = []
    for day in range(days):
        for _ in range(draw.randrange(4)):
            rows.pop(draw.choice(list(rows)), None)
        for n in range(draw.randrange(4)):
            rows[f"d{day}n{n}"] = row(f"d{day}n{n}", size_bytes=draw.choice([None, 5]))
        rows[one]["name"] = f"renamed {day}" if (one := draw.choice(list(rows))) else ""
        tables.append(table(rows))
        store.seal("d", tables[-1], taken_at=START + timedelta(days=day), origin=str(day))
    return tables


def test_every_snapshot_comes_back_as_it_was_and_thinning_keeps_the_last_of_each_month(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    tables = year_of(store, 200)
    for one in (store.snapshots("d")[0], store.snapshots("d")[77], store.snapshots("d")[-1]):
        assert store.read(one).equals(tables[one.sequence - 1])
    now = START + timedelta(days=199)
    gone = store.thin("d", now=now)
    kept = [one for one in store.snapshots("d") if one.is_kept]
    monthly = {one.taken_at.date().isoformat() for one in kept if one.taken_at < now - timedelta(days=90)}
    assert monthly == {"2026-01-31", "2026-02-28", "2026-03-31"} and len(kept) == 200 - gone == 94
    for one in (*kept[:4], kept[40], kept[-1]):
        assert store.read(one).equals(tables[one.sequence - 1])
    assert list(store.verify("d")) == []
    with pytest.raises(CivicopsError, match="not kept"):
        store.read(store.snapshots("d")[0])


def test_a_change_to_any_file_is_noticed(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    year_of(store, 5)
    path = tmp_path / "d" / "back-000002.parquet"
    rows = pq.read_table(path)
    forged = pa.array(["forged"] * len(rows))
    pq.write_table(
        rows.set_column(
            rows.column_names.index("created_at"),
            "created_at",
            pa.array([START] * len(rows), pa.timestamp("ms", "UTC")),
        )
        .set_column(rows.column_names.index("changed"), "changed", pa.array([2047] * len(rows), pa.uint16()))
        .set_column(rows.column_names.index("name"), "name", forged),
        path,
    )
    assert [line[:10] for line in store.verify("d")] == ["Snapshot 2", "Snapshot 1"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert next(store.verify("d")).startswith("Snapshot 2")
    text = (tmp_path / "d" / "000004.json").read_text()
    (tmp_path / "d" / "000004.json").write_text(text.replace('"items": ', '"items": 1'))
    assert "its seal does not fit" in next(store.verify("d"))


@pytest.mark.parametrize(
    ("harm", "first"),
    [
        ("3 gone", "Snapshot 3"), ("1 gone", "Snapshot 1"), ("2 and 3 swapped", "Snapshot 2"), ("2 and 3 renumbered", "Snapshot 2"),
        ("half of 4", "Snapshot 4"), ("rows of 2 gone", "Snapshot 2"), ("rows of 5 gone", "Snapshot 5"), ("rows swapped", "Snapshot 3"),
    ],
)  # fmt: skip
def test_the_first_bad_snapshot_is_named(tmp_path: Path, harm: str, first: str) -> None:
    store = SnapshotStore(tmp_path)
    year_of(store, 5)
    folder = tmp_path / "d"
    seals = [folder / f"{number:06d}.json" for number in range(6)]
    texts = [path.read_text() if path.exists() else "" for path in seals]
    if harm.endswith(" gone"):
        path = folder / ("full-000005.parquet" if "5" in harm else "back-000002.parquet")
        (path if harm.startswith("rows") else seals[int(harm[0])]).unlink()
    elif harm == "rows swapped":
        two, three = folder / "back-000002.parquet", folder / "back-000003.parquet"
        two.rename(folder / "x")
        three.rename(two)
        (folder / "x").rename(three)
    elif harm == "half of 4":
        seals[4].write_text(texts[4][: len(texts[4]) // 2])
    else:
        swapped = (texts[3], texts[2])
        if "renumbered" in harm:
            swapped = (
                swapped[0].replace('"sequence": 3', '"sequence": 2'),
                swapped[1].replace('"sequence": 2', '"sequence": 3'),
            )
        seals[2].write_text(swapped[0])
        seals[3].write_text(swapped[1])
    found = list(store.verify("d"))
    assert found and found[0].startswith(first), found


def test_sealing_the_same_answers_again_changes_nothing_and_leftovers_of_a_kill_go(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    first = store.seal("d", table({"a": row("a")}), taken_at=START, origin="1")
    assert store.seal("d", table({"b": row("b")}), taken_at=START, origin="1") == first
    for left in ("full-000002.parquet", "back-000001.parquet", ".draft-1-full-000002.parquet"):
        (tmp_path / "d" / left).write_bytes(b"half")
    second = store.seal("d", table({"b": row("b")}), taken_at=START + timedelta(days=1), origin="2")
    assert store.read(first)["id"].to_pylist() == ["a"] and store.read(second)["id"].to_pylist() == ["b"]
    assert sorted(path.name for path in (tmp_path / "d").glob("*.parquet")) == [
        "back-000001.parquet",
        "full-000002.parquet",
    ]
    with pytest.raises(CivicopsError, match="older than the last"):
        store.seal("d", table({}), taken_at=START, origin="3")


STATES = st.lists(
    st.dictionaries(
        st.sampled_from([*"abcdefgh", "1-same-ending-of-id", "2-same-ending-of-id"]),
        st.sampled_from(["x", "y", None]),
        max_size=6,
    ),
    min_size=2,
    max_size=6,
)


@given(STATES)
@settings(max_examples=60, deadline=None)
def test_steps_lead_back_to_every_state_one_by_one_and_joined(states: list[dict[str, str | None]]) -> None:
    """Whatever comes, goes, changes and comes again, also where two ids end alike and short refs would not do."""
    tables = [table({one: row(one, editor=who, parent=str(who)) for one, who in state.items()}) for state in states]
    steps = [back(older, newer) for older, newer in pairwise(tables)]
    now = tables[-1]
    for older, step in zip(reversed(tables[:-1]), reversed(steps), strict=True):
        now = apply(now, step)
        assert now.equals(older)
    joined = steps[-1]
    for older, step in zip(reversed(tables[:-2]), reversed(steps[:-1]), strict=True):
        joined = compose(step, joined)
        assert apply(tables[-1], joined).equals(older)


def test_steps_of_an_earlier_version_are_read_and_joined() -> None:
    """They had whole rows of everything that differed, and whole ids of what was not there yet."""
    first, second, third = (
        table({one: row(one, editor=who) for one, who in state.items()})
        for state in ({"a": "x", "b": "x", "d": "x"}, {"a": "y", "c": "x", "d": "x"}, {"a": "z", "c": "y", "e": "x"})
    )

    def earlier(older: pa.Table, newer: pa.Table) -> pa.Table:
        was, now = ({one["id"]: one for one in rows.to_pylist()} for rows in (older, newer))
        rows = [one | {"is_gone": False} for key, one in was.items() if now.get(key) != one]
        rows += [dict.fromkeys(COLUMNS) | {"id": key, "is_gone": True} for key in now.keys() - was.keys()]
        return pa.Table.from_pylist(rows, schema=older.schema.append(pa.field("is_gone", pa.bool_())))

    for far in (shaped(earlier(first, second)), back(first, second)):
        for near in (shaped(earlier(second, third)), back(second, third)):
            assert apply(third, near).equals(second) and apply(second, far).equals(first)
            assert apply(third, compose(far, near)).equals(first)


def test_the_hash_is_of_values_not_of_files() -> None:
    rows = {one: row(one, size_bytes=size, editor=who) for one, size, who in (("a", None, "x"), ("b", 0, None))}
    same = pa.concat_tables([table(rows).slice(0, 1), table(rows).slice(1, 1)])
    assert content_hash(same) == content_hash(table(rows))
    for field, value in (
        ("size_bytes", 0),
        ("editor", ""),
        ("name", "a "),
        ("is_trashed", True),
        ("modified_at", START),
    ):
        changed = {**rows, "a": {**rows["a"], field: value}}
        assert content_hash(table(changed)) != content_hash(table(rows)), field


def test_changes_are_told_apart_and_have_their_paths() -> None:
    folders = {
        one: row(one, parent, mime_type=FOLDER, size_bytes=None)
        for one, parent in (("A", "root"), ("B", "A"), ("C", "root"))
    }
    files = {
        one: row(one, "B") for one in ("gone", "trashed", "moved", "renamed", "edited", "still", "emptied", "restored")
    }
    files["emptied"]["is_trashed"] = files["restored"]["is_trashed"] = True
    before = {**folders, **files}
    after = {key: dict(value) for key, value in before.items() if key not in ("gone", "emptied")}
    after["trashed"]["is_trashed"], after["restored"]["is_trashed"] = True, False
    after["moved"]["parent_id"], after["renamed"]["name"], after["edited"]["size_bytes"] = "C", "other", 9
    after["B"]["name"] = "B2"
    after["new"] = row("new", "C")
    found = {one["id"]: one for one in changes(table(before), table(after)).to_pylist()}
    assert {one: value["change"] for one, value in found.items()} == {
        "gone": "absent", "trashed": "trashed", "moved": "moved", "renamed": "renamed", "edited": "modified", "emptied": "emptied",
        "restored": "restored", "new": "added", "B": "renamed",
    }  # fmt: skip
    assert (found["gone"]["path"], found["gone"]["top_folder_files"]) == ("/A/B/gone", 6)
    assert (found["moved"]["path"], found["moved"]["path_after"]) == ("/A/B/moved", "/C/moved")
    assert found["renamed"]["path_after"] == "/A/B2/other" and found["new"]["path_after"] == "/C/new"


def test_folders_at_every_depth_know_what_they_held_and_lost() -> None:
    folders = {
        one: row(one, parent, mime_type=FOLDER, size_bytes=None, name=name)
        for one, parent, name in (("A", "root", "a/b"), ("B", "A", "b"), ("C", "B", "c"), ("D", "root", "d"))
    }
    places = {"f1": "A", "f2": "B", "f3": "C", "f4": "C", "f5": "D", "f6": "root"}
    files = {one: row(one, parent, size_bytes=size + 1) for size, (one, parent) in enumerate(places.items())}
    files["f4"]["is_trashed"] = True
    found = subtree_losses(table({**folders, **files}), ["f3", "f2", "f6", "C", "unknown"]).to_pylist()
    assert found == [
        {"folder_id": "A", "path": "/a/b", "level": 1, "files": 3, "lost_files": 2, "lost_bytes": 5},
        {"folder_id": "B", "path": "/a/b/b", "level": 2, "files": 2, "lost_files": 2, "lost_bytes": 5},
        {"folder_id": "C", "path": "/a/b/b/c", "level": 3, "files": 1, "lost_files": 1, "lost_bytes": 3},
    ]
    assert len(subtree_losses(table({**folders, **files}), [])) == 0
    circle = {one: row(one, parent, mime_type=FOLDER) for one, parent in (("A", "B"), ("B", "A"))} | {
        "f": row("f", "A")
    }
    assert len(subtree_losses(table(circle), ["f"])) == 0


def test_folders_in_a_circle_do_not_hang() -> None:
    folders = {one: row(one, parent, mime_type=FOLDER) for one, parent in (("A", "B"), ("B", "A"))}
    before = {**folders, "f": row("f", "A")}
    assert [one["change"] for one in changes(table(before), table(folders)).to_pylist()] == ["absent"]


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(CivicopsError, match="cannot be the id"):
        SnapshotStore(tmp_path).seal("../x", table({}), taken_at=START, origin="1")
