"""The workflow: what may follow what, whatever the order in which decisions arrive; merging and taking it back; versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.food_listings.cleaning.lists import Lookups
from products.food_listings.decisions import steps_of_verifications
from products.food_listings.survivorship import survive
from products.food_listings.workflow import Step, critical, fold

START = datetime(2026, 1, 1, tzinfo=UTC)
FULL = {
    "name": "Marisol Pantry",
    "category_codes": ["food_pantry"],
    "address_1": "12 Alder St",
    "city": "Los Angeles",
    "postal_code": "90012",
    "latitude": 34.05,
    "longitude": -118.24,
    "status_code": "active",
    "phone_number": None,
    "hours_text": None,
}
ALL = dict.fromkeys(("name", "categories", "address", "status"), "has_value") | dict.fromkeys(
    ("phone", "email", "hours", "food_types"), "none"
)


def step(
    number: int, event: str, listing: str = "l:1", actor: str = "ana", role: str = "coordinator", **more: Any
) -> Step:
    return Step(f"d{number:03}", listing, event, START + timedelta(hours=number), role, actor, **more)


def approved(number: int, listing: str = "l:1", **content: Any) -> Step:
    return step(number, "approved", listing, content={**FULL, **content}, confirmed=ALL)


def test_the_way_of_a_listing() -> None:
    state = fold(
        [
            step(1, "assigned"),
            step(
                2,
                "submitted",
                actor="ben",
                role="data_entry",
                content={**FULL, "phone_number": "(213) 485-0100"},
                confirmed=ALL,
            ),
            step(3, "changes_requested"),
            step(4, "submitted", actor="ben", role="data_entry", content=FULL, confirmed=ALL),
            step(5, "approved"),
        ]
    )["l:1"]
    assert state.code == "approved" and not state.refused
    assert [(version.number, version.content["phone_number"]) for version in state.versions] == [(1, None)]
    assert state.fields["phone"].state == "confirmed_none" and state.fields["name"].state == "confirmed"


def test_nobody_approves_their_own() -> None:
    state = fold(
        [step(1, "assigned"), step(2, "submitted", actor="ana", content=FULL), step(3, "approved", actor="ana")]
    )["l:1"]
    assert state.code == "submitted" and not state.versions
    assert state.refused == [("d003", "nobody approves their own submission")]


def correction(
    number: int, event: str, listing: str = "l:1", actor: str = "ana", question: str = "t:9", **more: Any
) -> Step:
    return step(number, event, listing, actor, question=question, is_partial=True, **more)


def test_a_correction_changes_what_it_says_and_leaves_verification_where_it_was() -> None:
    sent = step(3, "suggested", actor="", question="t:9")
    steps = [approved(1), step(2, "assigned"), sent, correction(4, "submitted", content={"name": "New"})]
    assert fold(steps)["l:1"].demand == 1
    state = fold([*steps, correction(5, "approved", actor="ben")])["l:1"]
    assert state.versions[-1].content == {**FULL, "name": "New"} and state.versions[-1].changed == ("name",)
    assert (state.code, state.demand, state.refused) == ("assigned", 0, [])
    turned_down = fold([*steps, correction(5, "rejected", actor="ben")])["l:1"]
    assert (turned_down.demand, len(turned_down.versions), turned_down.code) == (0, 1, "assigned")


def test_an_approval_is_of_the_answer_to_its_own_question() -> None:
    two = [
        approved(1),
        step(2, "submitted", actor="ben", question="t:1", content={**FULL, "name": "Whole"}, confirmed=ALL),
        correction(3, "submitted", content={"phone_number": "(213) 485-0100"}),
    ]
    first = fold([*two, step(4, "approved", actor="ana", question="t:1")])["l:1"]
    assert first.versions[-1].content == {**FULL, "name": "Whole"} and not first.refused
    own = fold([*two, correction(4, "approved", actor="ana")])["l:1"]
    assert own.refused == [("d004", "nobody approves their own submission")]
    other = fold([*two, correction(4, "approved", actor="ben")])["l:1"]
    assert other.versions[-1].content == {**FULL, "phone_number": "(213) 485-0100"}
    both = fold([*two, correction(4, "approved", actor="ben"), step(5, "approved", actor="ana", question="t:1")])["l:1"]
    assert [version.content["name"] for version in both.versions] == ["Marisol Pantry", "Marisol Pantry", "Whole"]
    assert both.versions[-1].content["phone_number"] == "(213) 485-0100", "nothing that was approved meanwhile is lost"


def test_what_was_never_approved_or_is_down_is_not_published_by_a_correction() -> None:
    partial = correction(8, "approved", content={"phone_number": "(213) 485-0100"})
    state = fold([partial])["l:1"]
    assert not state.versions and state.refused == [("d008", "no version was ever approved that could be corrected")]
    down = fold([approved(1), step(2, "unpublished"), partial])["l:1"]
    assert down.current is None and down.refused == [("d008", "it was taken down")]
    new = fold([correction(8, "approved", "new-1", content=FULL)])["new-1"]
    assert [version.content for version in new.versions] == [FULL]


def test_empty_columns_of_a_correction_are_not_said_and_a_day_that_is_not_named_is_set() -> None:
    row = {
        "rating_id": 1, "task_id": 9, "subject": "l:1#abc", "record_id": "l:1", "stage_code": "rating", "outcome_code": "edit",
        "rated_by": "ana", "rated_at": START, "reason": None, "is_undone": False, "confirmed_fields": "phone",
        "confirmed_none_fields": "email", "evidence_code": "called", "is_do_not_call": True, "do_not_call_until_on": None,
        "name": None, "phone_number": "(213) 485-0100", "email": None, "category_codes": None, "is_walkin": None,
    }  # fmt: skip
    names = ("name", "phone_number", "email", "category_codes", "is_walkin")
    said, quiet = steps_of_verifications([row], names, 183)
    assert (said.listing_id, said.is_partial) == ("l:1", True)
    assert said.content == {"phone_number": "(213) 485-0100", "email": None}
    assert quiet.until_on == (START + timedelta(days=183)).date()
    whole = next(iter(steps_of_verifications([row | {"subject": "l:1"}], names, 183)))
    assert not whole.is_partial and whole.content["name"] is None and whole.content["category_codes"] == []


def test_data_entry_does_not_approve() -> None:
    assert fold([step(1, "approved", role="data_entry", content=FULL)])["l:1"].versions == []


def test_what_was_approved_stays_with_its_date_while_verification_begins_anew() -> None:
    state = fold([approved(1), step(2, "needs_verification"), step(3, "assigned")])["l:1"]
    assert (
        state.code == "assigned"
        and state.current is not None
        and state.current.approved_at == START + timedelta(hours=1)
    )


def test_rollback_brings_back_a_version_as_a_new_one() -> None:
    state = fold(
        [
            approved(1),
            approved(2, name="Wrong"),
            step(3, "restored", restores_version=1),
            step(4, "restored", restores_version=9),
        ]
    )["l:1"]
    assert [version.content["name"] for version in state.versions] == ["Marisol Pantry", "Wrong", "Marisol Pantry"]
    assert state.current is not None and (state.current.number, state.current.restores) == (3, 1)
    assert state.refused == [("d004", "there is no version 9")]


def test_taken_down_and_brought_back() -> None:
    assert fold([approved(1), step(2, "unpublished")])["l:1"].current is None
    state = fold([approved(1), step(2, "unpublished"), step(3, "restored", restores_version=1)])["l:1"]
    assert state.current is not None and state.current.number == 2


def test_a_merge_is_taken_back_with_what_it_changed() -> None:
    merge = step(3, "merged", "l:2", content={"phone_number": "(213) 485-0100"}, other_listing_id="l:1")
    states = fold([approved(1), approved(2, "l:2"), merge])
    assert states["l:2"].merged_into == "l:1" and states["l:2"].current is None
    assert states["l:1"].current is not None and states["l:1"].current.content["phone_number"] == "(213) 485-0100"
    back = fold([approved(1), approved(2, "l:2"), merge, step(4, "unmerged", "l:2")])
    assert back["l:2"].current is not None and back["l:2"].code == "approved"
    assert back["l:1"].current is not None and back["l:1"].current.content["phone_number"] is None
    kept = fold([approved(1), approved(2, "l:2"), merge, approved(4, name="New"), step(5, "unmerged", "l:2")])
    assert kept["l:1"].current is not None and kept["l:1"].current.content["name"] == "New", (
        "what was approved since stays"
    )


def test_two_listings_are_not_merged_into_each_other() -> None:
    states = fold([step(1, "merged", "l:1", other_listing_id="l:2"), step(2, "merged", "l:2", other_listing_id="l:1")])
    assert states["l:2"].merged_into == "" and states["l:2"].refused


EVENTS = (
    "assigned",
    "submitted",
    "changes_requested",
    "handed_off",
    "approved",
    "needs_verification",
    "unpublished",
    "restored",
    "merged",
    "unmerged",
    "contact_attempted",
    "do_not_call",
    "suggested",
    "not_duplicate",
    "rejected",
    "created",
)


@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.sampled_from(["l:1", "l:2", "l:3"]), st.sampled_from(["ana", "ben"])),
        max_size=25,
    ),
    st.randoms(),
)
def test_the_order_of_arrival_does_not_matter_and_nothing_is_lost(
    drawn: list[tuple[str, str, str]], random: Any
) -> None:
    steps = [
        step(
            n,
            event,
            listing,
            actor,
            content=FULL if event in ("submitted", "approved") else {},
            restores_version=1,
            other_listing_id={"l:1": "l:2", "l:2": "l:3", "l:3": "l:1"}[listing],
        )
        for n, (event, listing, actor) in enumerate(drawn)
    ]
    mixed = steps[:]
    random.shuffle(mixed)
    states = fold(steps)
    assert fold(mixed) == states
    for state in states.values():
        assert [version.number for version in state.versions] == list(range(1, len(state.versions) + 1))
        assert state.merged_into != state.listing_id
        for version in state.versions:
            assert version.decision_id in {item.decision_id for item in steps}


@pytest.mark.parametrize(("status", "count"), [("active", 8), ("closed", 4), ("temporarily_closed", 4)])
def test_one_denominator(lookups: Lookups, status: str, count: int) -> None:
    content = FULL | {"status_code": status}
    assert critical(lookups.critical, content, ALL).count == count
    assert critical(lookups.critical, content, ALL).is_ready
    assert critical(lookups.critical, content, []).share == 0
    assert not critical(lookups.critical, content | {"city": None}, ALL).is_ready, "an address without a city is none"
    assert not critical(lookups.critical, content, set(ALL) - {"address"}).is_ready


def test_survivorship_does_not_depend_on_the_order_and_loses_nothing() -> None:
    first = {
        **FULL,
        "listing_id": "a:1",
        "approved_at": None,
        "trust": "2",
        "email": None,
        "latitude": None,
        "longitude": None,
    }
    second = {
        **FULL,
        "listing_id": "b:1",
        "approved_at": START,
        "trust": "1",
        "email": "info@example.org",
        "category_codes": ["meal_program"],
        "latitude": 34.0,
        "longitude": -118.2,
    }
    columns = [*FULL, "email"]
    done, other = survive(first, second, columns), survive(second, first, columns)
    assert done == other and done.survivor_id == "b:1"
    assert (
        done.values["category_codes"] == ["food_pantry", "meal_program"] and done.values["email"] == "info@example.org"
    )
    assert (done.values["latitude"], done.values["longitude"]) == (34.0, -118.2)
