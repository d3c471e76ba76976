"""What the detectors take for personal data and what they leave alone. Measured at length in bench/personal.py; these are the rules."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.govern.personal import find, shape
from civicops.govern.personal_words import LISTS, family_names, given_names, words


def kinds(text: str) -> list[tuple[str, str]]:
    return [(hit.kind, text[hit.start : hit.end]) for hit in find(text) if not hit.is_bare]


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("write to ana.lopez+food@mail.example.org.", "email", "ana.lopez+food@mail.example.org"),
        ("ana (at) example.org", "email", "ana (at) example.org"),
        ("ana arroba example punto org", "email", "ana arroba example punto org"),
        ("Call me at (213) 555-0142 x3", "phone", "(213) 555-0142 x3"),
        ("cell 2135550142", "phone", "2135550142"),
        ("+1.213.555.0142", "phone", "+1.213.555.0142"),
        (
            "two one three, five five five, zero one four two",
            "phone",
            "two one three, five five five, zero one four two",
        ),
        ("lives at 1234 W Temple St Apt 5", "address", "1234 W Temple St Apt 5"),
        ("1234 N LA BREA AVE", "address", "1234 N LA BREA AVE"),
        ("I live at 77 Broadway", "address", "77 Broadway"),
        ("My name is Tuan.", "name", "Tuan."),
        ("Mrs. Petrosyan called", "name", "Petrosyan"),
        ("Nguyễn Thị Lan", "name", "Nguyễn Thị Lan"),
        ("Kim Min-jun", "name", "Kim Min-jun"),
        ("GARCIA, MARIA", "name", "GARCIA, MARIA"),
        ("Jose L. Hernandez", "name", "Jose L. Hernandez"),
        ("219-09-9999", "ssn", "219-09-9999"),
        ("4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("from 8.8.8.8", "ip", "8.8.8.8"),
        ("born on May 3, 1985", "birth", "born on May 3, 1985"),
        ("see linkedin.com/in/somebody", "profile", "linkedin.com/in/somebody"),
    ],
)
def test_found(text: str, kind: str, part: str) -> None:
    assert (kind, part) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "34.05223451,-118.24371234", "90012-1234", "SR 1-2345678901", "$1,234,567.89", "2026-11-26 08:15:00", "4111 1111 1111 1112",
        "3 blocks from the street", "Washington Blvd", "Cesar Chavez Park", "Martin Luther King Jr Hospital", "San Fernando Valley",
        "Santa Monica", "Maria's Kitchen", "Bulky Items", "Open Monday to Friday", "Echo Park", "available at example.org", "10.0.0.1",
        "version 1.2.3", "000-12-3456", "24 hour drive", "St. Joseph Center", "",
    ],
)  # fmt: skip
def test_left_alone(text: str) -> None:
    assert kinds(text) == []


def test_bare_digits_are_only_candidates() -> None:
    (hit,) = find("2135550142")
    assert hit.is_bare


def test_a_shape_tells_no_letter_and_no_digit() -> None:
    assert shape("(213) 555-0142 ext. 7") == "(###) ###-#### x. #"
    assert shape("Ana Lopez") == "x x"


@given(st.text(max_size=200))
def test_any_text_is_read_and_finds_do_not_overlap(text: str) -> None:
    hits = find(text)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert all(one.end <= other.start for one, other in pairwise(hits))


@given(st.text(alphabet="0123456789 -.,/()+$:", max_size=60))
def test_numbers_alone_are_never_names_or_mail(text: str) -> None:
    assert {hit.kind for hit in find(text)} <= {"phone", "ssn", "card", "ip"}


def test_the_lists_are_whole() -> None:
    assert all(words(name) for name in LISTS)
    assert {"maria", "tuan", "hovhannes"} <= given_names()
    assert {"nguyen", "garcia", "park"} <= family_names()
    assert not given_names() & words("not_a_name")
