"""What somebody who leaves passes on, and the edits that give it to another person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civicops.govern.handover import HandoverError, checklist, edits, tick
from civicops.review.filing import file_tasks
from civicops.review.room import open_review
from civicops.review.taking import next_task
from civicops.workspace import Workspace
from tests.unit.review.conftest import draft
from tests.unit.test_people import BOTH, group


@pytest.fixture
def pantries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return group(tmp_path, BOTH + "  - {username: cleo}\n  - {username: old, until: 2020-01-01}\n")


def test_all_that_names_a_person_is_on_the_list(pantries: Workspace, tmp_path: Path) -> None:
    product = tmp_path / "products" / "pantries"
    (product / "goals.yaml").write_text("goals:\n  - {text: x, by: 2026-01-01, who: amara-okafor}\n")
    (product / "reviews").mkdir(exist_ok=True)
    (product / "reviews" / "phones.yaml").write_text(
        "title: T\ninstructions: I\ncontract: listings\ncolumns: [phone]\n"
    )
    now = datetime.now(UTC)
    review = open_review(Workspace.find(tmp_path))
    file_tasks(review, review.kind("pantries.phones"), [draft()], now)
    from civicops.review.people import Person

    assert next_task(review, Person("amara-okafor", "contributor"), now) is not None
    items = {item.id: item for item in checklist(Workspace.find(tmp_path), "@amara-okafor", now)}
    assert {"owner:pantries", "owner:pantries.datasets", "goals:pantries", "review", "secrets", "unwritten"} <= set(
        items
    )
    assert "1 review tasks" in items["review"].title
    assert "review" not in {item.id for item in checklist(pantries, "amara-okafor", now + timedelta(days=2))}


def test_ticks_stay_and_can_be_taken_back(pantries: Workspace) -> None:
    tick(pantries, "amara-okafor", "secrets", who="ben", note="changed")
    done = {item.id: item.done for item in checklist(pantries, "amara-okafor")}
    assert done["secrets"] is not None and (done["secrets"].who, done["secrets"].note) == ("ben", "changed")
    assert {item.done for item in checklist(pantries, "ben")} == {None}, "each person has a list of their own"
    tick(pantries, "amara-okafor", "secrets", who="cleo", undo=True)
    assert all(item.done is None for item in checklist(pantries, "amara-okafor"))
    with pytest.raises(HandoverError, match="not on the list"):
        tick(pantries, "amara-okafor", "owner:nothing", who="ben")


def test_only_the_lines_that_name_them_change(pantries: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "products" / "pantries" / "product.yaml"
    path.write_text("# kept\n" + path.read_text().replace("owner: amara-okafor", "owner: 'amara-okafor'  # since 2024"))
    found = {edit.path.name: edit for edit in edits(Workspace.find(tmp_path), "amara-okafor", "cleo")}
    assert set(found) == {"product.yaml", "listings.yaml"}
    assert found["product.yaml"].after == found["product.yaml"].before.replace("amara-okafor", "cleo")
    assert "{username: cleo, role: owner}" in found["listings.yaml"].after
    assert path.read_text().startswith("# kept"), "nothing is written"


def test_a_backup_who_becomes_owner_leaves_the_place_of_the_backup_empty(pantries: Workspace) -> None:
    edit = next(edit for edit in edits(pantries, "amara-okafor", "ben") if edit.path.name == "product.yaml")
    assert "owner: ben\n" in edit.after and 'backup: ""' in edit.after


def test_a_name_inside_another_is_left_alone(pantries: Workspace) -> None:
    assert edits(pantries, "amara", "cleo") == ()


@pytest.mark.parametrize(
    ("name", "to", "words"), [("ben", "ben", "themselves"), ("ben", "old", "not in the group"), ("ben", "x", "not in")]
)
def test_who_cannot_take_over_is_refused(pantries: Workspace, name: str, to: str, words: str) -> None:
    with pytest.raises(HandoverError, match=words):
        edits(pantries, name, to)


def test_a_word_of_a_sentence_is_no_name(pantries: Workspace, tmp_path: Path) -> None:
    goals = tmp_path / "products" / "pantries" / "goals.yaml"
    goals.write_text(
        "pains:\n  - {text: cleo is a word here, since: 2026-01-01}\ngoals:\n  - {text: x, by: 2026-01-01, who: ben}\n"
    )
    assert not any(item.id.startswith("goals") for item in checklist(Workspace.find(tmp_path), "cleo"))
    goals.write_text("goals:\n  - {text: x, by: 2026-01-01, who: '@cleo'}\n")
    assert any(item.id == "goals:pantries" for item in checklist(Workspace.find(tmp_path), "cleo"))


def test_a_stranger_has_no_list(pantries: Workspace) -> None:
    with pytest.raises(HandoverError, match="holds nothing here"):
        checklist(pantries, "somebody")
