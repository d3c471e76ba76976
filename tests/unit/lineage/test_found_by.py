"""A value that is found in another table depends on what it was found by, not only on the table it stands in."""

from __future__ import annotations

import pytest

from civicops.lineage import Graph
from civicops.lineage.sql import query_lineage
from civicops.lineage.values import DIRECT

TABLES = {
    "main.r": ("id", "word", "place"),
    "main.s": ("word", "code"),
    "main.t": ("code", "title"),
    "lookup.codes": ("code", "is_open"),
}


def columns(sql: str) -> dict[str, dict[str, str]]:
    found = query_lineage(sql, TABLES).columns
    return {
        name: {f"{table.removeprefix('main.')}.{column}": how for (table, column), how in inputs.items()}
        for name, inputs in found.items()
    }


def test_a_left_join_decides_values_and_a_join_decides_rows() -> None:
    left = columns("select r.id, s.code, s.word as known from r left join s on r.word = s.word")
    assert left["code"] == {"s.code": "copied", "s.word": "derived", "r.word": "derived"}
    assert left["known"] == {"s.word": "copied", "r.word": "derived"}
    assert left["id"] == {"r.id": "copied"}, "whatever is found, the row itself stays as it is"
    assert columns("select r.id, s.code from r join s on r.word = s.word")["code"] == {"s.code": "copied"}


def test_what_was_found_leads_to_what_is_found_by_it() -> None:
    found = columns("select t.title from r left join s on r.word = s.word left join t on s.code = t.code")["title"]
    assert found == {
        "t.title": "copied", "t.code": "derived", "s.code": "derived", "s.word": "derived", "r.word": "derived",
    }  # fmt: skip


def test_right_and_full_joins_leave_the_other_side_empty() -> None:
    assert "s.word" in columns("select r.id from r right join s on r.word = s.word")["id"]
    full = columns("select r.id, s.code from r full join s on r.word = s.word")
    assert "s.word" in full["id"] and "r.word" in full["code"]


def test_a_lookup_is_asked_however_it_is_joined() -> None:
    found = columns(
        "with k as (select id, word as code from r) select l.is_open from k join lookup.codes l on k.code = l.code"
    )
    assert found["is_open"] == {"lookup.codes.is_open": "copied", "lookup.codes.code": "derived", "r.word": "derived"}


@pytest.mark.parametrize(
    ("column", "fields", "lookups"),
    [
        ("status_code", {"cases.status", "cases.resolution_code", "legacy_requests.status"}, {"statuses", "resolutions"}),
        ("is_open", {"cases.status", "cases.resolution_code", "legacy_requests.status"}, {"statuses", "resolutions", "status_codes"}),
        ("source_code", {"cases.request_source", "legacy_requests.request_source"}, {"request_sources"}),
        ("department_code", {"cases.owner", "legacy_requests.owner"}, {"departments", "department_prefixes", "department_codes"}),
        ("request_type_code", {"cases.request_type", "legacy_requests.request_type"}, {"request_types", "request_type_codes"}),
        ("outcome_code", {"cases.resolution_code"}, {"resolutions"}),
    ],
)  # fmt: skip
def test_a_code_of_311_is_made_of_its_own_field_and_its_own_lookups(
    graph: Graph, column: str, fields: set[str], lookups: set[str]
) -> None:
    found = [item for item in graph.upstream("requests_311.requests", column) if item.how in DIRECT]
    assert {f"{item.name}.{item.column}" for item in found if item.kind == "accepted"} == fields
    assert {item.name for item in found if item.kind == "lookup"} == lookups
