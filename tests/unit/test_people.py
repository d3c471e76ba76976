"""Who is in the group, and what a product lacks in people."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import ContractFileError
from civicops.people import LEAVING_DAYS, Member, People, dataset_duties, duties, gaps, read_people
from civicops.workspace import Workspace
from tests.unit.review.pantries import write

TODAY = date(2026, 3, 2)


def group(root: Path, people: str, *, backup: str = "ben", stage: str = "pilot", team: str = "") -> Workspace:
    write(root)
    product = root / "products" / "pantries"
    text = (product / "product.yaml").read_text() + (f"backup: {backup}\n" if backup else "")
    (product / "product.yaml").write_text(text.replace("stage: pilot", f"stage: {stage}"))
    contract = product / "contracts" / "listings.yaml"
    if team:
        contract.write_text(contract.read_text().replace("{username: amara-okafor, role: owner}", team))
    (root / "people.yaml").write_text(people)
    return Workspace.find(root)


BOTH = "people:\n  - {username: amara-okafor}\n  - {username: ben}\n"


def test_two_who_are_there_lack_nothing(tmp_path: Path) -> None:
    workspace = group(tmp_path, BOTH)
    people = read_people(workspace)
    assert people is not None and people.state("@ben", TODAY) == "active"
    assert gaps(workspace.product("pantries"), people, TODAY) == ()
    held = {(one.subject, one.duty, one.username, one.is_own) for one in duties(workspace)}
    assert ("pantries.listings", "owner", "amara-okafor", True) in held
    assert ("pantries.listings", "backup", "ben", False) in held, "the product's backup stands in for its datasets"


@pytest.mark.parametrize(
    ("people", "backup", "said"),
    [
        ("people:\n  - {username: amara-okafor, until: 2026-02-28}\n  - {username: ben}\n", "ben",
         [("warning", "pantries: owner amara-okafor left on 2026-02-28")]),
        ("people:\n  - {username: amara-okafor, until: 2026-02-28}\n", "", [("critical", "owner amara-okafor left")]),
        ("people:\n  - {username: amara-okafor}\n", "", [("warning", "hangs on amara-okafor alone")]),
        ("people:\n  - {username: amara-okafor}\n", "ben", [("warning", "backup ben is not in people.yaml")]),
        ("people:\n  - {username: amara-okafor, until: 2026-03-20}\n  - {username: ben}\n", "ben",
         [("info", "owner amara-okafor leaves on 2026-03-20")]),
    ],
)  # fmt: skip
def test_what_lacks_somebody_is_said(tmp_path: Path, people: str, backup: str, said: list[tuple[str, str]]) -> None:
    workspace = group(tmp_path, people, backup=backup)
    known = read_people(workspace)
    assert known is not None
    found = gaps(workspace.product("pantries"), known, TODAY)
    assert [gap.severity for gap in found] == [severity for severity, _ in said]
    assert all(words in gap.text for gap, (_, words) in zip(found, said, strict=True))


def test_a_dataset_of_somebody_who_left_is_named_and_the_product_s_own_people_are_not_said_twice(
    tmp_path: Path,
) -> None:
    people = BOTH + "  - {username: cleo, until: 2026-01-31}\n"
    workspace = group(tmp_path, people, team="{username: cleo, role: owner}")
    known = read_people(workspace)
    assert known is not None
    (gap,) = gaps(workspace.product("pantries"), known, TODAY)
    assert (gap.subject, gap.severity) == ("pantries.listings", "warning") and "cleo left" in gap.text
    product = workspace.product("pantries")
    held = {one.duty: one.username for one in dataset_duties(product, product.contract("listings"))}
    assert held == {"owner": "cleo", "backup": "ben"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("people:\n  - {username: ben}\n  - {usernam: cleo}\n", 3, "username"),
        ("people:\n  - {username: ben, since: 2026-02-01, until: 2026-01-01}\n", 2, "'until' is before 'since'"),
        ("people:\n  - {username: ben}\n  - {username: ben}\n", 1, "named more than once: ben"),
        ("peopel: []\n", 1, "people"),
    ],
)
def test_faults_have_a_line_and_the_nearest_word(tmp_path: Path, text: str, line: int, words: str) -> None:
    workspace = write(tmp_path)
    (tmp_path / "people.yaml").write_text(text)
    with pytest.raises(ContractFileError) as failed:
        read_people(workspace)
    assert any(words in problem.message and problem.line == line for problem in failed.value.problems), (
        failed.value.problems
    )


def test_without_the_file_nothing_is_known(tmp_path: Path) -> None:
    assert read_people(write(tmp_path)) is None


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-400, 400))
def test_the_last_day_is_still_theirs(until: date, after: int) -> None:
    people = People(people=(Member(username="ben", until=until),))
    state = people.state("ben", until + timedelta(days=after))
    assert state == ("left" if after > 0 else "leaving" if after >= -LEAVING_DAYS else "active")
