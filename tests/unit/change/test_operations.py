"""The file of a dangerous operation: what it may say, which state may follow which, by whom; faults named with their line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.change.comparing import Compared, unexpected
from civicops.change.operations import (
    KINDS,
    NEXT,
    Operation,
    OperationError,
    operations,
    read_operation,
    write_operation,
)
from civicops.change.plan import ReleaseEffect, World
from civicops.contracts.problems import ContractFileError
from civicops.workspace import Workspace

ADA, BEN, CLEO = "ada-example", "ben-example", "cleo-example"
WHEN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NEEDS: dict[str, dict[str, Any]] = {
    "backfill": {"sources": ["inspections"]},
    "replay": {},
    "delete": {"dataset": "inspections", "condition": "height_m > 40"},
    "rekey": {"dataset": "trees", "becomes": "city_id", "mapping": "cities.csv"},
    "retention": {"dataset": "trees", "becomes": "2 years"},
}


def made(kind: str = "delete", **more: Any) -> Operation:
    content = {
        "id": "one", "kind": kind, "product": "trees", "reason": "Counted twice by a contractor.", "proposed_by": ADA,
        "reviewers": [ADA, BEN, CLEO], "history": [{"state": "proposed", "at": WHEN, "by": ADA}], **NEEDS[kind],
    }  # fmt: skip
    return Operation.model_validate(content | more)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "civicops.toml").write_text("[workspace]\n", encoding="utf-8")
    (tmp_path / "products").mkdir()
    return Workspace.find(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(NEXT)), st.sampled_from((ADA, BEN, CLEO, "mallory"))), max_size=8))
def test_whatever_is_tried_only_lawful_states_follow(steps: list[tuple[str, str]]) -> None:
    one = made()
    for state, by in steps:
        may = state in NEXT[one.state] and (state != "validated" or by in (BEN, CLEO))
        try:
            moved = one.moved(state, by, comparison="c" * 64)  # type: ignore[arg-type]
        except OperationError as error:
            assert not may and one.id in error.message
            continue
        assert may and moved.history[:-1] == one.history and moved.state == state
        one = moved
    states = [event.state for event in one.history]
    if "complete" in states:
        before = states[states.index("complete") - 1]
        assert before == "validated" and states.index("complete") == len(states) - 1
    # It reads the same from a file.
    assert Operation.model_validate(yaml.safe_load(yaml.safe_dump(one.model_dump(mode="json")))) == one


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_written_and_read_the_same(workspace: Workspace, kind: str) -> None:
    one = made(kind).moved("staged", ADA).moved("validated", BEN, comparison="c" * 64)
    path = write_operation(workspace, one)
    assert read_operation(path) == one and operations(workspace) == (one,)
    assert path.read_text(encoding="utf-8").startswith("# A dangerous operation")
    assert not list(path.parent.glob(".*"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_what_it_needs_and_nothing_else(kind: str) -> None:
    for name in NEEDS[kind]:
        with pytest.raises(ValueError, match=f"a {kind} needs '{name}'"):
            made(kind, **{name: [] if name == "sources" else ""})
    other = "condition" if kind != "delete" else "becomes"
    with pytest.raises(ValueError, match=f"'{other}' has no meaning for a {kind}"):
        made(kind, **{other: "x = 1"})


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("kind: delete", "kind: delte", 4, "did you mean 'delete'"),
        ("condition:", "conditions:", 13, "did you mean 'condition'"),
        ("state: proposed\nhistory", "state: validated\nhistory", 3, "its history ends with 'proposed'"),
        ("id: one", "id: two", 3, "its name must be two.yaml"),
        ("kind: delete", "<<<<<<< HEAD\nkind: delete", 4, "two branches changed this"),
        ("  by: ada-example", "  by: ben-example", 3, "begins with its proposal by ada-example"),
        ("id: one", "id: one\nid: one", 4, "is given twice"),
    ],
)
def test_a_fault_is_named_with_its_line(workspace: Workspace, old: str, new: str, line: int, words: str) -> None:
    path = write_operation(workspace, made())
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContractFileError) as raised:
        operations(workspace)
    assert f"{path}:{line}: " in raised.value.message and words in raised.value.message, raised.value.message


def test_validated_by_hand_by_who_proposed_it(workspace: Workspace) -> None:
    one = made().moved("staged", ADA)
    event = {"state": "validated", "at": WHEN.replace(year=2027), "by": ADA, "comparison": "c" * 64}
    with pytest.raises(ValueError, match="ada-example proposed it, so somebody else must validate it"):
        one.changed(state="validated", history=[*(e.model_dump() for e in one.history), event])
    assert made(reviewers=[ADA, BEN]).others == (BEN,)


def effect(dataset: str, **more: Any) -> ReleaseEffect:
    content = {
        "dataset": dataset, "current": "x", "data_sha256": "", "rows_before": 9, "rows_after": 9, "added": 0, "removed": 0,
        "changed": 0, "is_same": False,
    }  # fmt: skip
    return ReleaseEffect.model_validate(content | more)


def compared(*effects: ReleaseEffect, **more: Any) -> Compared:
    world = World(head="", code="", landed={}, releases={})
    content: dict[str, Any] = {
        "operation": "one", "operation_sha256": "", "world": world, "landed_after": {}, "releases": effects, "accepted": (),
        "sums": (), "outside": {}, "problems": (), "notes": (),
    }  # fmt: skip
    return Compared.model_validate(content | more)


def test_only_what_was_expected_may_happen() -> None:
    one = made(expected=[{"dataset": "trees.trees", "removed": {"least": 1, "most": 3}, "within": "height_m > 40"}])
    assert unexpected(one, compared(effect("trees.trees", removed=3))) == ()
    assert unexpected(one, compared(effect("trees.trees", removed=4))) == (
        "trees.trees: 4 rows removed, expected 1 to 3",
    )
    assert unexpected(one, compared(effect("trees.trees", removed=0, is_same=True)))
    assert unexpected(one, compared(effect("trees.trees", removed=1, added=1))) == (
        "trees.trees: 1 rows added, expected 0",
    )
    fine = effect("trees.trees", removed=2)
    assert "nothing was expected of it" in unexpected(one, compared(fine, effect("shade.shade")))[0]
    assert unexpected(one, compared(fine, effect("shade.shade", is_same=True))) == ()
    assert "2 rows differ outside of height_m > 40" in unexpected(one, compared(fine, outside={"trees.trees": 2}))[0]
    assert unexpected(one, compared(fine, problems=("no proof",))) == ("no proof",)
    assert unexpected(one, compared()) == ("trees.trees is no release that this can change",)
    unread = effect("trees.trees", removed=2, note="Row by row it cannot be compared")
    assert unexpected(one, compared(unread)) == ("trees.trees: Row by row it cannot be compared",)
