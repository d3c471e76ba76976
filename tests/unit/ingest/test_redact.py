"""Single records taken out of what has landed, or emptied; all others keep their bytes."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civicops.ingest.landing import Landing
from civicops.ingest.redact import count_records, redact, redactions
from civicops.ingest.values import Delivery, LandingError, Media

CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["a,b", 'say "x"', "two\nlines"]
)


def land(landing: Landing, content: bytes, media: Media, sequence: int = 1) -> Delivery:
    part = landing.begin("p", "s", {})
    landed = landing.put("p", "s", content, media, url="made:up")
    part = landing.add(part, landed)
    now = datetime.now(UTC)
    delivery = Delivery(
        id=part.id, sequence=part.sequence, source="s", kind="full", objects=(landed,), rows=landed.rows or 0,
        source_count_before=None, source_count_after=None, high_water=None, started_at=now, finished_at=now, findings=(),
        newest=None,
    )  # fmt: skip
    return landing.complete(part, delivery)


def content_of(landing: Landing) -> bytes:
    (delivery,) = landing.live("p", "s")
    (landed,) = delivery.objects
    with landing.open_bytes("p", "s", landed) as stream:
        return stream.read()


def is_b(fields: object) -> bool:
    return dict(fields).get("id") == "b"  # type: ignore[call-overload]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.sampled_from("abc"), CELL, CELL), max_size=12), end=st.sampled_from(["\n", "\r\n"]))
def test_a_csv_loses_exactly_the_meant_records(
    rows: list[tuple[str, str, str]], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([("ID", "name", "note"), *rows])
    landing = Landing(tmp_path_factory.mktemp("landing"))
    land(landing, text.getvalue().encode(), "csv")
    done = redact(landing, "p", "s", is_b, request="e-1", needle=b"b")
    kept = list(csv.reader(io.StringIO(content_of(landing).decode(), newline="")))
    assert [tuple(row) for row in kept[1:]] == [row for row in rows if row[0] != "b"]
    assert sum(line.records for line in done) == sum(row[0] == "b" for row in rows)
    assert list(landing.verify("p", "s")) == [] and landing.live("p", "s")[0].rows == len(kept) - 1
    assert redact(landing, "p", "s", is_b, request="e-1", needle=b"b") == (), "doing it again does nothing"


def test_other_records_keep_their_bytes_and_fields_can_be_emptied(tmp_path: Path) -> None:
    content = b'ID,name\r\n"a", x \r\nb,"Kim, ""K"""\r\n c ,\r\n'
    landing = Landing(tmp_path)
    land(landing, content, "csv")
    assert count_records(landing, "p", "s", is_b, b"b") == {landing.live("p", "s")[0].objects[0].sha256: 1}
    (line,) = redact(landing, "p", "s", is_b, request="e-2", needle=b"b", emptied=("name",))
    assert content_of(landing) == content.replace(b'b,"Kim, ""K"""', b"b,")
    assert redactions(landing, "p", "s") == (line,) and line.emptied == ("name",)
    assert not list((tmp_path / "p" / "s" / "objects").glob(f"*/{line.old}*")), "the old bytes are gone"


def test_the_same_bytes_do_not_come_back_by_being_fetched_again(tmp_path: Path) -> None:
    content = b"id,name\na,x\nb,Kim\n"
    landing = Landing(tmp_path)
    land(landing, content, "csv")
    redact(landing, "p", "s", is_b, request="e-3", needle=b"b")
    land(landing, content, "csv")
    assert content_of(landing) == b"id,name\na,x\n"
    assert b"Kim" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_lists_and_lines_of_json(tmp_path: Path) -> None:
    rows = [{"id": "a", "n": 1.10}, {"id": "b", "name": "Kim"}, {"id": "c", "deep": {"x": [1, 2]}}]
    for media, content in (
        ("json", b'[ {"id": "a", "n": 1.10},\n {"id":"b","name":"Kim"} , {"id": "c", "deep": {"x": [1, 2]}}]'),
        ("ndjson", b"".join(json.dumps(row).encode() + b"\n" for row in rows)),
    ):
        landing = Landing(tmp_path / media)
        land(landing, content, media)  # type: ignore[arg-type]
        redact(landing, "p", "s", is_b, request="e-4", needle=b"b", emptied=("name",))
        assert b"Kim" not in content_of(landing) and b'"b"' in content_of(landing)
        redact(landing, "p", "s", is_b, request="e-5", needle=b"b")
        kept = content_of(landing)
        assert b'"b"' not in kept and (b"1.10" in kept or media == "ndjson") and landing.live("p", "s")[0].rows == 2


def test_what_cannot_be_edited_is_an_error_and_nothing_changes(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    land(landing, b'id,name\n"b"x,Kim\n', "csv")
    before = content_of(landing)
    with pytest.raises(LandingError, match="cannot be split"):
        redact(landing, "p", "s", is_b, request="e-6", needle=b"b")
    assert content_of(landing) == before and redactions(landing, "p", "s") == ()
