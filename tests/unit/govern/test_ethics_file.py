"""Reading `ethics.yaml`: faults with line and nearest word, forms that are not filled in, and judging.

Belongs here: files and values. Does not belong here: what readers of a restricted dataset get (`tests/flow/test_ethics`).
"""

from __future__ import annotations

import copy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import Contract, ContractFileError, load_contract
from civicops.contracts.ethics import (
    EthicsReview,
    Reviews,
    covered,
    in_force,
    judge,
    latest_end,
    needs_review,
    personal_columns,
    uncovered,
)
from civicops.contracts.ethics_file import read_reviews
from civicops.contracts.privacy import PrivacyRule, Treatment

DAY = date(2026, 11, 24)
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "trees.trees", "name": "Trees", "version": "1.2.0", "status": "active",
    "dataProduct": "trees", "description": {"purpose": "To have them."},
    "team": {"members": [{"username": "ada-example", "role": "owner"}]},
    "customProperties": [
        {"property": "layer", "value": "published"}, {"property": "access", "value": "public"},
        {"property": "licence", "value": "CC0-1.0"},
        {"property": "privacy", "value": [{
            "id": "home_trees", "description": "Trees in gardens.", "when": "is_garden",
            "treatments": [{"column": "address", "treatment": "null"}, {"column": "longitude", "treatment": "round", "decimals": 2}],
        }]},
    ],
    "schema": [{"name": "trees", "properties": [
        {"name": "tree_id", "logicalType": "string", "primaryKey": True, "description": "Number."},
        {"name": "is_garden", "logicalType": "boolean", "description": "In a garden."},
        {"name": "address", "logicalType": "string", "description": "Where.", "classification": "location"},
        {"name": "longitude", "logicalType": "number", "description": "Degrees.", "classification": "location"},
        {"name": "height_m", "logicalType": "number", "description": "Height."},
    ]}],
}  # fmt: skip
REVIEW: dict[str, Any] = {
    "covers": [{
        "dataset": "trees", "contract": "1.2.0", "personal": {"address": "location", "longitude": "location"},
        "privacy": [{"rule": "home_trees", "when": "is_garden", "treats": {"address": "null", "longitude": "round 2"}}],
    }],
    "purpose": "Neighbours see which trees are to be felled.",
    "lives": "People in whose garden a tree stands.",
    "risks": [{"what": "A garden gives away who lives there.", "done": "Gardens have no address."}],
    "asked": [{"who": "Two gardeners", "said": "Rounding is enough for them."}],
    "reviewers": ["ben-example"],
    "decision": "approved",
    "reviewed_on": "2026-11-01",
    "expires_on": "2027-11-01",
}  # fmt: skip


def contract(tmp_path: Path, **changes: Any) -> Contract:
    path = tmp_path / "trees.yaml"
    path.write_text(yaml.safe_dump(CONTRACT | changes, sort_keys=False), encoding="utf-8")
    return load_contract(path)


def file(tmp_path: Path, *reviews: dict[str, Any], text: str = "") -> Path:
    path = tmp_path / "ethics.yaml"
    path.write_text(text or yaml.safe_dump({"reviews": list(reviews)}, sort_keys=False), encoding="utf-8")
    return path


def read(tmp_path: Path, *reviews: dict[str, Any], text: str = "") -> Reviews:
    return read_reviews(file(tmp_path, *reviews, text=text), [contract(tmp_path)])


def faults(tmp_path: Path, *reviews: dict[str, Any], text: str = "") -> list[str]:
    with pytest.raises(ContractFileError) as caught:
        read(tmp_path, *reviews, text=text)
    return [f"{one.line}: {one.message}" for one in caught.value.problems]


def line_of(tmp_path: Path, word: str) -> int:
    lines = (tmp_path / "ethics.yaml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if word in line)


def test_a_review_that_says_everything_holds(tmp_path: Path) -> None:
    one, reviews = contract(tmp_path), read(tmp_path, REVIEW)
    assert judge(one, reviews, DAY).is_valid
    held = in_force(one, reviews, DAY)
    assert (held.access, held.declared_access, held.restricted_because) == ("public", "public", "")
    assert held.reviewed is not None and held.reviewed.expires_on == date(2027, 11, 1)


def test_without_a_file_or_with_an_empty_one_a_public_dataset_is_restricted(tmp_path: Path) -> None:
    one = contract(tmp_path)
    for reviews in (
        read_reviews(tmp_path / "none.yaml", [one]),
        read(tmp_path, text="# nothing yet\n"),
        read(tmp_path, text="reviews:\n"),
    ):
        held = in_force(one, reviews, DAY)
        assert (held.access, held.declared_access) == ("restricted", "public")
        assert held.restricted_because == "no ethics review covers it"
        assert held.fingerprint == one.fingerprint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"purpos": "x"}, "unknown key 'purpos'; did you mean 'purpose'?"),
        ({"decision": "aproved"}, "'decision' cannot be 'aproved'; did you mean 'approved'?"),
        ({"purpose": "Short."}, "at least 20 characters"),
        ({"reviewers": []}, "name at least one"),
        ({"expires_on": "2028-11-02"}, "2 years at most: until 2028-11-01"),
        ({"expires_on": "2026-11-01"}, "after the day of the review"),
        ({"expires_on": "soon"}, "valid date"),
        ({"decision": "approved_with_conditions"}, "needs 'conditions'"),
        ({"conditions": ["Only in summer."]}, "so the decision is 'approved_with_conditions'"),
        ({"risks": [{"what": "Somebody could climb on them."}]}, "say in a sentence what was done about it"),
        ({"risks": [{"what": "Somebody could climb on them.", "did": "x"}]}, "unknown key 'did'"),
        ({"asked": [{"who": "Ben"}]}, "'said' is missing"),
    ],
)
def test_a_fault_is_said_with_its_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    found = faults(tmp_path, REVIEW | change)
    assert len(found) == 1 and said in found[0]
    # Of the key, or, where something is missing, of what it is missing from.
    key = {"unknown key 'did'": "did", "needs 'conditions'": "covers"}.get(said, next(iter(change)))
    line = int(found[0].partition(":")[0])
    assert line_of(tmp_path, f"{key}:") <= line <= line_of(tmp_path, f"{key}:") + 1


def test_every_fault_is_said_at_once_and_unknown_datasets_name_the_nearest(tmp_path: Path) -> None:
    other = copy.deepcopy(REVIEW)
    other["covers"][0]["dataset"] = "tree"
    found = faults(tmp_path, other, REVIEW | {"decision": "yes", "lives": "x"})
    assert len(found) == 3
    assert "no published dataset 'tree'; did you mean 'trees'?" in found[0]


def test_shapes_that_are_no_reviews_are_refused(tmp_path: Path) -> None:
    assert "did you mean 'reviews'?" in faults(tmp_path, text="review: []\n")[0]
    assert "mapping" in faults(tmp_path, text="- a\n")[0]
    assert "list of reviews" in faults(tmp_path, text="reviews: {a: 1}\n")[0]
    assert faults(tmp_path, text="reviews: [yes please]\n")
    assert "given twice" in faults(tmp_path, text="reviews: []\nreviews: []\n")[0]
    assert "covers trees twice" in faults(tmp_path, REVIEW | {"covers": REVIEW["covers"] * 2})[0]


def test_answers_that_are_missing_are_no_fault_but_count_for_nothing(tmp_path: Path) -> None:
    begun = REVIEW | {"purpose": "?", "decision": "?", "asked": [{"who": "TBD", "said": ""}]}
    reviews = read(tmp_path, begun)
    assert not reviews.finished
    missing = reviews.begun[0].unanswered
    assert [one.message for one in missing] == [
        "'purpose' is not answered yet",
        "'asked.who' is not answered yet",
        "'asked.said' is not answered yet",
        "'decision' is not answered yet",
    ]
    assert missing[0].line == line_of(tmp_path, "purpose")
    reasons = judge(contract(tmp_path), reviews, DAY).reasons
    assert reasons == (f"its review is begun, but 4 answers are missing (ethics.yaml:{missing[0].line})",)
    # The review before it still counts meanwhile.
    assert judge(contract(tmp_path), read(tmp_path, REVIEW, begun), DAY).is_valid


def test_a_review_holds_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    one, reviews = contract(tmp_path), read(tmp_path, REVIEW)
    assert judge(one, reviews, date(2027, 11, 1)).is_valid
    assert judge(one, reviews, date(2027, 11, 2)).reasons == ("its review ended on 2027-11-01",)
    assert judge(one, reviews, date(2027, 11, 2), is_retired=True).is_valid
    # A day ahead somewhere in the world, and no more: nobody may open something from the future.
    assert judge(one, reviews, date(2026, 10, 31)).is_valid
    assert judge(one, reviews, date(2026, 10, 30)).reasons == ("no ethics review covers it",)


def test_the_newest_review_counts_also_when_it_refuses(tmp_path: Path) -> None:
    no = REVIEW | {"decision": "refused", "reviewed_on": "2026-11-20", "expires_on": "2027-11-20"}
    yes = REVIEW | {"reviewed_on": "2026-11-22", "expires_on": "2027-11-22"}
    one = contract(tmp_path)
    assert judge(one, read(tmp_path, no, REVIEW), DAY).reasons == (
        "the review of 2026-11-20 refused to make it public",
    )
    assert judge(one, read(tmp_path, yes, no), DAY).is_valid
    same_day = yes | {"reviewed_on": "2026-11-20"}
    assert judge(one, read(tmp_path, no, same_day), DAY).is_valid
    assert not judge(one, read(tmp_path, same_day, no), DAY).is_valid


def test_an_owner_alone_cannot_review(tmp_path: Path) -> None:
    one = contract(tmp_path)
    alone = judge(one, read(tmp_path, REVIEW | {"reviewers": ["ada-example"]}), DAY)
    assert alone.reasons == ("nobody but its owner, ada-example, has reviewed it",)
    assert judge(one, read(tmp_path, REVIEW | {"reviewers": ["ada-example", "ben-example"]}), DAY).is_valid


def test_a_later_contract_with_more_about_people_or_less_protection_is_not_covered(tmp_path: Path) -> None:
    one = contract(tmp_path)
    seen = covered(one)
    assert list(uncovered(one, seen)) == []

    def now(**changes: Any) -> list[str]:
        return list(uncovered(one.model_copy(update=changes), seen))

    def with_column(name: str, **changes: Any) -> tuple[Any, ...]:
        return tuple(c.model_copy(update=changes) if c.name == name else c for c in one.columns)

    assert "the column 'height_m' about people (person)" in now(columns=with_column("height_m", pii_class="person"))[0]
    assert "'address' went from location to direct" in now(columns=with_column("address", pii_class="direct"))[0]
    assert now(columns=with_column("address", pii_class="none")) == []
    assert "rule 'home_trees' went" in now(privacy=())[0]
    rule = one.privacy[0]

    def ruled(**changes: Any) -> tuple[PrivacyRule, ...]:
        return (rule.model_copy(update=changes),)

    assert (
        "holds for other rows (is_garden AND height_m > 3)" in now(privacy=ruled(when="is_garden AND height_m > 3"))[0]
    )
    assert now(privacy=ruled(when="  is_garden\n")) == []
    assert "no longer treats 'longitude'" in now(privacy=ruled(treatments=rule.treatments[:1]))[0]
    finer = (rule.treatments[0], Treatment(column="longitude", treatment="round", decimals=3))
    assert "'longitude' became more exact: round 2, now round 3" in now(privacy=ruled(treatments=finer))[0]
    rounded = (Treatment(column="address", treatment="round", decimals=0), rule.treatments[1])
    assert "'address' became more exact: null, now round 0" in now(privacy=ruled(treatments=rounded))[0]
    coarser = (rule.treatments[0], Treatment(column="longitude", treatment="null"))
    assert now(privacy=ruled(treatments=coarser)) == []
    # What is not there any more cannot be shown.
    assert (
        now(
            columns=tuple(c for c in one.columns if c.name != "longitude"),
            privacy=ruled(treatments=rule.treatments[:1]),
        )
        == []
    )


def test_a_renamed_column_is_still_covered(tmp_path: Path) -> None:
    one = contract(tmp_path)
    data = copy.deepcopy(CONTRACT)
    column = data["schema"][0]["properties"][3]
    column |= {
        "name": "lon",
        "customProperties": [{"property": "was", "value": {"name": "longitude", "until": "2027-06-01"}}],
    }
    data["customProperties"][3]["value"][0]["treatments"][1]["column"] = "lon"
    assert list(uncovered(contract(tmp_path, **data), covered(one))) == []
    data["customProperties"][3]["value"][0]["treatments"].pop()
    assert "no longer treats 'lon'" in next(uncovered(contract(tmp_path, **data), covered(one)))


def test_only_what_says_public_needs_a_review(tmp_path: Path) -> None:
    closed = contract(tmp_path, customProperties=[
        {"property": "layer", "value": "published"}, {"property": "access", "value": "restricted"},
        {"property": "licence", "value": "CC0-1.0"},
    ])  # fmt: skip
    assert not needs_review(closed)
    assert in_force(closed, Reviews(), DAY) is closed
    assert not needs_review(contract(tmp_path).model_copy(update={"layer": "accepted"}))


@given(begun=st.dates(date(2000, 1, 1), date(2096, 12, 31)), days=st.integers(-5, 800))
def test_no_review_holds_for_longer_than_two_years(begun: date, days: int) -> None:
    ends = begun + timedelta(days=days)
    data = REVIEW | {"reviewed_on": begun.isoformat(), "expires_on": ends.isoformat()}
    if begun < ends <= latest_end(begun):
        assert EthicsReview.model_validate(data).expires_on == ends
        assert (ends - begun).days <= 731
    else:
        with pytest.raises(ValueError, match=r"years at most|after the day"):
            EthicsReview.model_validate(data)


_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["?", "approved", "trees"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted(REVIEW)), value=_values)
def test_whatever_stands_in_the_file_it_is_a_review_a_form_or_a_fault(
    tmp_path_factory: Any, key: str, value: Any
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    one = contract(folder)
    try:
        reviews = read_reviews(file(folder, REVIEW | {key: value}), [one])
    except ContractFileError as error:
        assert all(problem.line >= 1 for problem in error.problems)
        return
    assert len(reviews.finished) + len(reviews.begun) == 1
    if reviews.begun:
        assert in_force(one, reviews, DAY).access == "restricted"


def test_what_a_review_covers_is_what_the_contract_says(tmp_path: Path) -> None:
    one = contract(tmp_path)
    assert personal_columns(one) == {"address": "location", "longitude": "location"}
    assert covered(one).model_dump(mode="json") == REVIEW["covers"][0]
