"""What the public sends in: it becomes a task, its sender stays apart, links work once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from civicops.audit import open_log
from civicops.review.asking import task, tasks
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.forms import FormError
from civicops.review.intake import (
    LinkError,
    TooManyError,
    confirm,
    confirmation_link,
    erase_sender,
    open_link,
    sender_of,
    status,
    suggest,
)
from civicops.review.room import Review, open_review
from civicops.review.source import take_up
from civicops.review.values import ReviewError
from tests.unit.review.conftest import ADA, NOW, draft
from tests.unit.review.pantries import write

CURRENT = {"phone": "213-555-0199", "status_code": "open"}


@pytest.fixture
def public(either: None, tmp_path: Path) -> Review:
    return open_review(write(tmp_path, phones="public: suggest\n", closed=""))


def test_a_correction_becomes_a_task_and_its_sender_hears_what_became_of_it(public: Review) -> None:
    kind = public.kind("pantries.phones")
    done = suggest(
        public, kind, {"phone": "213-555-0123"}, now=NOW, address="192.0.2.1", subject="pantry-1", text="They moved.",
        current=CURRENT, contact={"name": "Pat Example", "email": "pat@example.org"},
    )  # fmt: skip
    view = task(public, done.task_id, ADA, NOW)
    assert (view.line.record, view.content["proposed"], view.content["current"]) == (
        "pantry-1",
        {"phone": "213-555-0123"},
        CURRENT,
    )
    assert view.shown["evidence"][0]["text"] == "They moved."
    assert sender_of(public, done.task_id) == {"name": "Pat Example", "email": "pat@example.org"}
    assert "Pat Example" not in str(view) and "Pat Example" not in str(open_log(public.workspace).find())
    file_tasks(public, kind, [], NOW)
    found = status(public, done.token)
    assert found is not None and (found.status, found.subject) == ("received", "pantry-1")
    decide(public, done.task_id, ADA, outcome="accept", seen=view.seen, now=NOW)
    assert status(public, done.token).status == "accepted"  # type: ignore[union-attr]
    (row,) = take_up(public, kind, NOW)
    assert (row["record_id"], row["phone"]) == ("pantry-1", "213-555-0123") and "pat@" not in str(row)
    assert status(public, done.token).status == "published"  # type: ignore[union-attr]
    assert status(public, "nothing") is None
    assert erase_sender(public, done.suggestion_id, "ada", NOW) and not erase_sender(
        public, done.suggestion_id, "ada", NOW
    )
    assert sender_of(public, done.task_id) is None
    with public.reading() as con:
        whole = [
            str(con.execute(sa.text(f"SELECT * FROM {name}")).all())
            for name in ("review_sender", "review_suggestion", "review_task")
        ]
    assert "Pat Example" not in str(whole) and done.token not in str(whole) and "192.0.2.1" not in str(whole)


def test_hostile_and_empty_suggestions_are_refused_and_nothing_is_kept(public: Review) -> None:
    kind = public.kind("pantries.phones")
    for number, (fields, more, error) in enumerate((
        ({}, {}, ReviewError),
        ({"phone": "<script>alert(1)</script>"}, {}, FormError),
        ({"fax": "1"}, {}, FormError),
        ({}, {"text": "x" * 5001}, ReviewError),
        ({}, {"text": "a\0b"}, ReviewError),
        ({"phone": "1" * 30_000}, {}, ReviewError),
        ({"phone": "213-555-0123"}, {"contact": {"email": "a@example.org\nBcc: all@example.org"}}, ReviewError),
        ({"phone": "213-555-0123"}, {"contact": {"name": "x" * 201}}, ReviewError),
    )):  # fmt: skip
        with pytest.raises(error):
            suggest(public, kind, fields, now=NOW, address=f"192.0.2.{number}", **more)
    with pytest.raises(ReviewError, match="takes no suggestions"):
        suggest(public, public.kind("pantries.closed"), {"phone": "213-555-0123"}, now=NOW, address="x")
    assert tasks(public, NOW) == ()
    words = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)> {{ 7*7 }} \u202e"
    done = suggest(public, kind, {}, now=NOW, address="y", text=words)
    assert task(public, done.task_id, ADA, NOW).shown["evidence"][0]["text"] == words, "kept as it is; pages escape it"


def test_one_address_sends_only_so_much(public: Review) -> None:
    kind = public.kind("pantries.phones")
    for _ in range(10):
        suggest(public, kind, {}, now=NOW, address="192.0.2.1", text="again")
    with pytest.raises(TooManyError):
        suggest(public, kind, {}, now=NOW, address="192.0.2.1", text="again")
    suggest(public, kind, {}, now=NOW, address="192.0.2.2", text="somebody else")
    suggest(public, kind, {}, now=NOW + timedelta(hours=1.1), address="192.0.2.1", text="later")


def test_a_link_works_once_and_only_as_it_was_made(public: Review) -> None:
    kind = public.kind("pantries.phones")
    file_tasks(public, kind, [draft("p1"), draft("p2")], NOW)
    token, expires = confirmation_link(public, kind, "p1", NOW)
    about = open_link(public, token, NOW)
    assert (about.subject, about.values, about.expires_at) == ("p1", CURRENT, expires)
    other, _ = confirmation_link(public, kind, "p2", NOW)
    forged = (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "x",
        "",
        ".",
        other.split(".")[0] + "." + token.split(".")[1],
        "é.é",
    )
    for bad in forged:
        with pytest.raises(LinkError, match="not one of ours"):
            confirm(public, bad, NOW)
    with pytest.raises(LinkError, match="ended on 01 April 2026"):
        confirm(public, token, NOW + timedelta(days=30))
    with pytest.raises(FormError):
        confirm(public, token, NOW, fields={"phone": "?"})
    number = confirm(public, token, NOW, fields={"phone": "213-555-0177"})
    view = task(public, number, ADA, NOW)
    assert view.content["proposed"] == {"phone": "213-555-0177", "status_code": "open"} and view.line.record == "p1"
    with pytest.raises(LinkError, match="has been used"):
        confirm(public, token, NOW)
    file_tasks(public, kind, [draft("p2", current={"phone": "213-555-0999", "status_code": "open"})], NOW)
    with pytest.raises(LinkError, match="has changed"):
        confirm(public, other, NOW)


def test_of_two_clicks_at_once_one_counts(public: Review) -> None:
    kind = public.kind("pantries.phones")
    file_tasks(public, kind, [draft("p1")], NOW)
    token, _ = confirmation_link(public, kind, "p1", NOW)
    outcomes: list[str] = []

    def click() -> None:
        try:
            confirm(public, token, NOW)
            outcomes.append("done")
        except LinkError:
            outcomes.append("used")

    threads = [threading.Thread(target=click) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["used"] * 4]
