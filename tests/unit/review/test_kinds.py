"""Files of kinds: faults are named with line and nearest word, and forms follow the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import ContractFileError
from civicops.portal.pages import ROLES as PORTAL_ROLES
from civicops.review.forms import Field, FormError, checked
from civicops.review.kinds import KindError, all_kinds
from civicops.review.people import ROLES
from civicops.review.room import Review
from civicops.review.values import canonical, difference, hash_of, plain
from tests.unit.review.pantries import write

FAULTS = {
    "raterz: 2": r"phones.yaml:5: unknown key 'raterz'; did you mean 'raters'\?",
    "raters: 0": r"phones.yaml:5: raters: it should be greater than or equal to 1",
    "stages: twice": r"phones.yaml:5: 'stages' cannot be 'twice'; valid here: single, submit_approve",
    "reason_for: [split]": "names what is not among 'decisions': split",
    "optional: [fone]": "names what is not among 'columns': fone",
    "contact_channels: [called]": "go together",
    "priority: {urgency: 1}": r"unknown key 'urgency'",
    "automatic: {precision: 1.2}": "less than 1",
    "raters: 2\nraters: 3": "'raters' is given twice",
}


@pytest.mark.parametrize("line", FAULTS)
def test_faults_name_line_and_nearest_word(tmp_path: Path, line: str) -> None:
    with pytest.raises(ContractFileError, match=FAULTS[line]):
        all_kinds(write(tmp_path, phones=line + "\n"))


def test_contract_and_columns_must_be_there(tmp_path: Path) -> None:
    workspace = write(tmp_path, phones="")
    path = tmp_path / "products" / "pantries" / "reviews" / "phones.yaml"
    for old, new, words in (
        ("contract: listings", "contract: listing", r"phones.yaml:3: no contract 'listing'.*did you mean 'listings'"),
        ("phone, status", "fone, status", r"phones.yaml:4: 'listings' has no column 'fone'; did you mean 'phone'"),
        ("phone, status", "phone, phone, status", "given twice"),
    ):
        text = path.read_text()
        path.write_text(text.replace(old, new))
        with pytest.raises(ContractFileError, match=words):
            all_kinds(workspace)
        path.write_text(text)
    path.rename(path.with_name("A b.yaml"))
    with pytest.raises(ContractFileError, match="the file's name is the kind's"):
        all_kinds(workspace)


def test_an_unknown_kind_names_the_nearest(review: Review) -> None:
    with pytest.raises(KindError, match=r"did you mean 'pantries\.phones'"):
        review.kind("pantries.phone")


def test_the_form_follows_the_contract(review: Review) -> None:
    phone, status = review.kind("pantries.phones").fields
    assert (phone.required, phone.pattern, phone.examples) == (False, r"\d{3}-\d{3}-\d{4}", ("213-555-0100",))
    assert (status.required, status.choices) == (True, ("open", "closed"))


def test_roles_are_those_of_the_portal() -> None:
    assert ROLES == PORTAL_ROLES


TYPED = (
    ("integer", "12", 12), ("integer", 12.0, 12), ("number", "1.5", 1.5), ("boolean", "on", True), ("boolean", "no", False),
    ("date", "2026-03-01", "2026-03-01"), ("time", "17:30", "17:30:00"), ("timestamp", "2026-03-01T17:30Z", "2026-03-01T17:30:00+00:00"),
    ("array", "Mon, Tue", ["Mon", "Tue"]), ("array", ["a"], ["a"]), ("string", 5, "5"), ("object", {"a": 1}, {"a": 1}),
)  # fmt: skip
WRONG = (
    ("integer", "1.5"), ("integer", True), ("integer", 1e400), ("number", "nan"), ("number", "x"), ("boolean", "maybe"),
    ("date", "1 March"), ("time", "25:00"), ("timestamp", "now"), ("array", ["x" * 20_001]), ("array", ["a"] * 1001),
    ("string", ["a"]), ("string", "a\0b"), ("object", "x" * 20_001), ("string", "\ud800"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "given_", "value"), TYPED)
def test_values_become_the_type_of_their_field(kind: str, given_: object, value: object) -> None:
    assert checked([Field("x", "X", "", kind, True)], {"x": given_}) == {"x": value}


@pytest.mark.parametrize(("kind", "given_"), WRONG)
def test_values_that_are_none_are_refused(kind: str, given_: object) -> None:
    with pytest.raises(FormError):
        checked([Field("x", "X", "", kind, True)], {"x": given_})


def test_bounds() -> None:
    number = Field("x", "X", "", "integer", False, minimum=1, maximum=5)
    day = Field("x", "X", "", "date", False, minimum="2020-01-01", maximum="2026-12-31")
    for field, bad in ((number, 0), (number, 6), (day, "2019-12-31"), (day, "2027-01-01")):
        with pytest.raises(FormError, match="must not be"):
            checked([field], {"x": bad})
    assert checked([number], {"x": ""}) == {"x": None}
    # A pattern that would keep other engines busy for years.
    evil = Field("x", "X", "", "string", False, pattern="(a+)+b")
    with pytest.raises(FormError):
        checked([evil], {"x": "a" * 5000})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_text_says_the_same_once(value: object) -> None:
    import json

    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert hash_of(json.loads(text)) == hash_of(value)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_the_difference_is_empty_only_for_equal_contents(first: dict[str, object], second: dict[str, object]) -> None:
    before = {"proposed": plain(first), "current": {}, "choices": [], "members": []}
    after = {"proposed": plain(second), "current": {}, "choices": [], "members": []}
    visible = {k: v for k, v in first.items() if v is not None} == {k: v for k, v in second.items() if v is not None}
    if difference(before, after) == {}:
        assert canonical({k: v for k, v in first.items() if v is not None}) == canonical(
            {k: v for k, v in second.items() if v is not None}
        )
    elif visible:
        assert canonical(first) != canonical(second)
