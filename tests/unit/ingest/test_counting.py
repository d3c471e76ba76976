"""Rows of increments are counted as the source counts them, whatever days bring."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from civicops.ingest.counting import counted_rows
from civicops.ingest.values import Delivery, DeliveryKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = st.integers(0, 10_000)


def delivery(kind: DeliveryKind, rows: int, there: int | None) -> Delivery:
    return Delivery("d", 1, "desk", kind, (), rows, there, there, None, NOW, NOW)


@given(COUNTS, st.lists(st.tuples(COUNTS, COUNTS), max_size=5))
def test_whatever_is_added_and_changed_all_rows_are_here(first: int, days: list[tuple[int, int]]) -> None:
    live, there = [delivery("full", first, first)], first
    for added, changed in days:
        there += added
        live.append(delivery("increment", added + changed, there))
    assert counted_rows(live) == there


@given(COUNTS, st.integers(1, 1000), st.integers(1, 1000))
def test_rows_that_did_not_come_or_were_taken_away_are_seen(first: int, came: int, lost: int) -> None:
    whole = delivery("full", first, first)
    assert counted_rows([delivery("full", first, first + lost)]) == first
    assert counted_rows([whole, delivery("increment", came, first + came + lost)]) == first + came
    assert counted_rows([whole, delivery("increment", 0, first - lost)]) == first
    assert counted_rows([whole, delivery("increment", came, first + came), delivery("full", came, came)]) == came


def test_what_was_not_counted_is_not_judged() -> None:
    assert counted_rows([]) is None
    assert counted_rows([delivery("increment", 3, 3)]) is None
    assert counted_rows([delivery("full", 3, None), delivery("increment", 3, 6)]) is None
    assert counted_rows([delivery("full", 3, 3), delivery("increment", 3, None)]) is None
