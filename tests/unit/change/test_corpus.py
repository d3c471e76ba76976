"""The grades against labelled pairs: no breaking change may be missed, and what is known to be judged too harshly is listed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from civicops.change.grade import compare
from civicops.change.grade_checks import Known
from civicops.change.grades import Grade
from tests.unit.change.pairs import TODAY, Pair, pairs

TOO_HARSH = {
    # Only a person reads that a road is a street; the file gives no sign of it, so the author has to say `reworded`.
    "description_reworded",
    # Five or six letters are too few to tell a slip from another word (later, latter; form, from).
    "description_mistyped_before",
}


@dataclass(frozen=True)
class Graded:
    pair: Pair
    consumers: Grade
    producers: Grade


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> list[Graded]:
    folder, found = tmp_path_factory.mktemp("pairs"), []
    for pair in pairs():
        old, new = pair.contracts(folder / pair.id)
        result = compare(old, new, today=TODAY, known=Known(in_use=pair.in_use))
        found.append(Graded(pair, result.consumers, result.producers))
    return found


def test_the_corpus_is_large_and_names_each_pair_once(graded: list[Graded]) -> None:
    ids = Counter(item.pair.id for item in graded)
    assert len(ids) >= 150 and set(ids.values()) == {1}
    for side in ("consumers", "producers"):
        labels = Counter(getattr(item.pair, side) for item in graded)
        assert set(labels) == {str(grade) for grade in Grade} and min(labels.values()) >= 15, labels


def test_no_breaking_change_is_missed(graded: list[Graded]) -> None:
    missed = [
        f"{item.pair.id} ({side}): {grade}"
        for item in graded
        for side, label, grade in (
            ("consumers", item.pair.consumers, item.consumers),
            ("producers", item.pair.producers, item.producers),
        )
        if label == "breaking" and grade is not Grade.BREAKING
    ]
    assert missed == []


def test_every_other_grade_is_the_labelled_one(graded: list[Graded]) -> None:
    wrong = {
        item.pair.id: (str(item.consumers), str(item.producers))
        for item in graded
        if (str(item.consumers), str(item.producers)) != (item.pair.consumers, item.pair.producers)
    }
    assert set(wrong) == TOO_HARSH, wrong


def test_a_pair_is_two_readable_contracts(tmp_path: Path) -> None:
    pair = next(pair for pair in pairs() if pair.id == "unit_changes")
    old, new = pair.contracts(tmp_path)
    assert (old.column("height_m").unit, new.column("height_m").unit) == ("metres", "feet")
