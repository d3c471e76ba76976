"""Counts that were accepted, against those that would be: written, read, compared.

Belongs here: the values. Does not belong here: where counts come from (`tests/flow/test_ci_command`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from civicops.change.accepting import (
    Accepted,
    AcceptedFile,
    AcceptedFileError,
    Count,
    is_same,
    not_accepted,
    read_file,
    write,
)

DATA = "Friends of Trees"
some = st.integers(0, 10_000)
counts = st.builds(
    Count,
    dataset=st.sampled_from(["trees.trees", "trees.inspections"]),
    rule=st.sampled_from(["known", "possible"]),
    rows=st.integers(1, 10_000),
    breaks=st.none() | some,
    held=some,
    let_in=some,
)


def count(**more: int | None) -> Count:
    return Count.model_validate(
        {"dataset": "trees.trees", "rule": "known", "rows": 1000, "breaks": 50, "held": 50} | more
    )


def file_of(*some: Count) -> AcceptedFile:
    return AcceptedFile(accepted=(Accepted(data=DATA, counts=some),))


@given(counts)
def test_what_was_accepted_is_accepted(one: Count) -> None:
    assert is_same(one, one)
    assert not_accepted([one], [file_of(one.sealed(DATA))], DATA) == ()


@given(counts, counts)
def test_of_the_same_rows_only_the_same_numbers_are_accepted(now: Count, then: Count) -> None:
    then = then.model_copy(update={"rows": now.rows})
    same = (now.breaks, now.held, now.let_in) == (then.breaks, then.held, then.let_in)
    assert is_same(now, then) == same


@given(counts, st.integers(2, 50))
def test_as_many_times_the_rows_do_as_many_times_as_much(one: Count, times: int) -> None:
    numbers = {"rows": one.rows * times, "held": one.held * times, "let_in": one.let_in * times}
    more = one.model_copy(update=numbers | {"breaks": None if one.breaks is None else one.breaks * times})
    assert is_same(more, one)


@pytest.mark.parametrize(
    ("now", "is_accepted"),
    [
        (count(rows=1100, breaks=55, held=55), True),
        (count(rows=1100, breaks=60, held=60), True),
        (count(rows=1100, breaks=70, held=55), False),
        (count(rows=1100, breaks=55, held=30), False),
        (count(rows=1100, breaks=55, held=55, let_in=1), False),
        (count(rows=1100, breaks=None, held=55), False),
        (count(rows=0, breaks=0, held=0), True),
    ],
)
def test_when_other_rows_are_there_about_the_same_share_is_accepted(now: Count, is_accepted: bool) -> None:
    assert is_same(now, count()) is is_accepted


def test_nobody_accepts_for_other_data_or_another_rule() -> None:
    file = AcceptedFile(accepted=(Accepted(data="A demo", counts=(count().sealed("A demo"),)),))
    (left,) = not_accepted([count()], [file], DATA)
    assert left.accepted is None and "50 newly held back" in str(left)
    (left,) = not_accepted([count(held=51)], [file], "A demo")
    assert left.accepted == count().sealed("A demo") and "accepted was: of 1,000 rows" in str(left)
    assert not_accepted([count()], [], DATA)


@given(counts, st.sampled_from(["rows", "breaks", "held", "let_in"]), some, st.integers(1, 3))
def test_a_number_that_was_changed_by_hand_accepts_nothing(one: Count, name: str, other: int, times: int) -> None:
    sealed = one.sealed(DATA)
    changed = sealed.model_copy(update={name: other if name != "rows" else max(1, other)})
    now = changed.model_copy(update={"rows": changed.rows * times})
    if changed == sealed:
        return
    (left,) = not_accepted([changed], [file_of(changed)], DATA)
    assert "written or changed by hand" in str(left) and "civicops ci --accept" in str(left)
    assert not_accepted([now], [file_of(changed)], DATA)
    # What stands beside it and was found by a plan is accepted all the same, in whichever order.
    assert (
        not_accepted([one], [file_of(changed, sealed)], DATA)
        == not_accepted([one], [file_of(sealed, changed)], DATA)
        == ()
    )


def test_a_number_of_other_data_or_without_a_proof_accepts_nothing() -> None:
    for written in (count(), count().sealed("A demo"), count(rows=1100, breaks=55, held=55)):
        (left,) = not_accepted([count()], [file_of(written)], DATA)
        assert "which no plan found" in left.why


def test_a_count_of_the_rule_as_it_was_accepts_nothing_of_it_as_it_is() -> None:
    then = count().model_copy(update={"says": "at most 48"})
    assert not_accepted([then], [file_of(then.sealed(DATA))], DATA) == ()
    (left,) = not_accepted([then.model_copy(update={"says": "at most 47"})], [file_of(then.sealed(DATA))], DATA)
    assert "it has been changed since" in str(left)
    # Another plan of the same rule may find the same.
    assert not_accepted([then.model_copy(update={"plan": "other"})], [file_of(then.sealed(DATA))], DATA) == ()


def test_a_merge_that_nobody_finished_says_how_to(tmp_path: Path) -> None:
    path = write(tmp_path, "mine", [count()], DATA)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("  - dataset", "<<<<<<< HEAD\n  - dataset", 1) + "=======\n>>>>>>> main\n", encoding="utf-8"
    )
    with pytest.raises(AcceptedFileError, match=r"mine\.yaml:5: two branches changed this") as raised:
        write(tmp_path, "mine", [count()], DATA)
    assert "git checkout --ours mine.yaml" in raised.value.hint and "civicops ci --accept" in raised.value.hint


def test_written_again_it_keeps_what_was_accepted_on_other_data(tmp_path: Path) -> None:
    folder = tmp_path / "changes"
    path = write(folder, "ada/no dead trees", [count()], "A demo")
    assert path == folder / "ada-no-dead-trees.yaml"
    write(folder, "ada/no dead trees", [count(held=1)], DATA)
    write(folder, "ada/no dead trees", [count(held=2)], DATA)
    found = {one.data: one.counts for one in read_file(path).accepted}
    assert found == {"A demo": (count().sealed("A demo"),), DATA: (count(held=2).sealed(DATA),)}
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert [item.name for item in folder.iterdir()] == [path.name]


@given(st.text())
def test_any_branch_gives_a_plain_file_name(name: str) -> None:
    from civicops.change.accepting import _file_name

    found = _file_name(name)
    assert found and "/" not in found and not found.startswith(".") and found.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "accepted: [",
        "accepted: [{data: A, counts: [{dataset: a.b, rule: c, rows: -1}]}]",
        "acepted: []",
        "- 1",
        "\x00",
    ],
)
def test_a_file_that_cannot_be_read_says_which(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AcceptedFileError, match=r"mine\.yaml") as raised:
        read_file(path)
    assert "--accept" in raised.value.hint


def test_a_file_in_the_way_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("no: yaml: here", encoding="utf-8")
    with pytest.raises(AcceptedFileError):
        write(tmp_path, "mine", [count()], DATA)
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "no: yaml: here"
    assert yaml.safe_load(write(tmp_path, "other", [], DATA).read_text(encoding="utf-8")) == {
        "accepted": [{"data": DATA, "counts": []}]
    }
