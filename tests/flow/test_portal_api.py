"""The programming interface over HTTP: paging, filters, limits, and what it makes of hostile questions.

Belongs here: answers against SQL on the same release. Does not belong here: who may read what (`test_portal_access`).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.flow.portal_kit import SECRET, Server, make_shelf, serving

pytestmark = pytest.mark.xdist_group("portal")
ROWS = "/api/v1/datasets/library/loan_places/rows"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(make_shelf(tmp_path_factory.mktemp("api"))) as server:
        yield server


def pages(portal: Server, limit: int, **more: Any) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        answer = portal.get(ROWS, params={"limit": limit, "cursor": cursor, **more})
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.json()["next"]
        if cursor is None:
            return


@pytest.mark.parametrize("limit", [1, 7, 97, 193, 194, 5000])
def test_pages_together_are_the_release_in_its_order(portal: Server, limit: int) -> None:
    ids = [row["loan_id"] for page in pages(portal, limit) for row in page["rows"]]
    assert ids == [row[0] for row in portal.sql("SELECT loan_id FROM {loan_places}")]


def test_values_keep_their_types(portal: Server) -> None:
    row = portal.get(ROWS, params={"limit": 1}).json()["rows"][0]
    wanted = portal.sql(
        "SELECT loan_id, branch_name, days_count, epoch(lent_at)::BIGINT, longitude, latitude, tags FROM {loan_places} LIMIT 1"
    )[0]
    assert (row["loan_id"], row["branch_name"], row["days_count"]) == wanted[:3]
    assert (row["longitude"], row["latitude"], row["tags"]) == wanted[4:]
    assert row["lent_at"].endswith("Z")


FILTERS = {
    "days_count:ge:10": "days_count >= 10",
    "days_count:lt:5": "days_count < 5",
    "days_count:in:3,5,7": "days_count IN (3, 5, 7)",
    "branch_name:eq:Harbor": "branch_name = 'Harbor'",
    "branch_name:ne:Harbor": "branch_name <> 'Harbor'",
    "branch_name:contains:HARB": "lower(branch_name) LIKE '%harb%'",
    "branch_name:in:Harbor,Alder": "branch_name IN ('Harbor', 'Alder')",
    "longitude:null:true": "longitude IS NULL",
    "longitude:null:false": "longitude IS NOT NULL",
    "longitude:le:-118.1": "longitude <= -118.1",
    "lent_at:gt:2026-01-06": "lent_at > '2026-01-06 00:00:00+00'",
    "tags:contains:b1": "list_contains(tags, 'b1')",
}


@pytest.mark.parametrize("chosen", [*((one,) for one in FILTERS), *itertools.combinations(list(FILTERS)[::3], 2)])
def test_filters_give_what_sql_gives(portal: Server, chosen: tuple[str, ...]) -> None:
    where = " AND ".join(FILTERS[one] for one in chosen)
    wanted = [row[0] for row in portal.sql(f"SET TimeZone = 'UTC'; SELECT loan_id FROM {{loan_places}} WHERE {where}")]
    found = [row for page in pages(portal, 40, filter=list(chosen), columns="loan_id,tags") for row in page["rows"]]
    assert [row["loan_id"] for row in found] == wanted
    assert all(set(row) == {"loan_id", "tags"} for row in found)


def test_an_older_version_answers_as_it_was_and_is_kept_for_ever(portal: Server) -> None:
    old = portal.version("loan_places", 1)
    answer = portal.get(ROWS, params={"version": old, "limit": 5000})
    now = len(portal.get(ROWS, params={"limit": 5000}).json()["rows"])
    assert now == portal.sql("SELECT count(*) FROM {loan_places}")[0][0]
    assert len(answer.json()["rows"]) == now - 1 and "immutable" in answer.headers["Cache-Control"]
    first = portal.get(ROWS, params={"version": old, "limit": 10}).json()
    follow = portal.get(ROWS, params={"limit": 10, "cursor": first["next"]}).json()
    assert follow["version"] == old, "a cursor stays in its version"


def test_unchanged_answers_are_not_sent_again(portal: Server) -> None:
    first = portal.get(ROWS, params={"limit": 3})
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    known = {"If-None-Match": first.headers["ETag"]}
    again = portal.get(ROWS, params={"limit": 3}, headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert portal.get(ROWS, params={"limit": 4}, headers=known).status_code == 200
    assert portal.get(ROWS, params={"limit": 3, "filter": "days_count:ge:2"}, headers=known).status_code == 200


HOSTILE = (
    "'", '"', "';DROP TABLE x;--", "1 OR 1=1", "x' OR 'a'='a", "*", "loan_id FROM read_text('/etc/passwd')", "../../etc/passwd",
    "%00", "\x00", "days_count) UNION SELECT 1--", "{{7*7}}", "<script>alert(1)</script>", "\u202e", "a" * 5000, "-1", "1e999", "NaN",
    "read_parquet('/etc/hosts')", "\\", "\n", "?position", "file_row_number", "null",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_in_every_parameter_are_values_or_refused(portal: Server, text: str) -> None:
    asked = [{name: text} for name in ("version", "columns", "limit", "cursor", "filter")]
    asked += [
        {"filter": f"{column}:{operator}:{text}"}
        for column in ("loan_id", "days_count", "lent_at", "tags")
        for operator in ("eq", "in", "contains", "null", "ge")
    ]
    asked += [{"filter": f"{text}:eq:1"}, {"filter": f"loan_id:{text}:1"}, {"columns": f"loan_id,{text}"}]
    for params in asked:
        answer = portal.get(ROWS, params=params)
        assert answer.status_code in (200, 404, 422), (params, answer.status_code, answer.text)
        assert "root:" not in answer.text and SECRET not in answer.text
        if answer.status_code == 200:
            assert len(answer.json()["rows"]) <= 100
        else:
            assert set(answer.json()) == {"message", "hint"}
    for path in (
        f"/api/v1/datasets/{text}/loan_places/rows",
        f"/api/v1/datasets/library/{text}/rows",
        f"/api/v1/datasets/library/{text}",
    ):
        try:
            answer = portal.get(path)
        except httpx.InvalidURL:
            continue
        assert answer.status_code in (301, 400, 404, 414, 422), (path, answer.status_code)
    assert portal.get("/api/v1/datasets", params={"q": text[:200]}).status_code == 200


def test_a_value_with_quotes_is_compared_as_it_is(portal: Server) -> None:
    answer = portal.get(ROWS, params={"filter": "branch_name:ne:x' OR '1'='1", "limit": 5000})
    assert len(answer.json()["rows"]) == portal.sql("SELECT count(branch_name) FROM {loan_places}")[0][0]


def test_a_cursor_is_neither_changed_nor_carried_over(portal: Server) -> None:
    cursor = portal.get(ROWS, params={"limit": 2}).json()["next"]
    assert portal.get(ROWS, params={"cursor": cursor}).status_code == 200
    for bad in (cursor[:-1], cursor + "x", "x" + cursor, cursor.replace(":", ".", 1)):
        assert portal.get(ROWS, params={"cursor": bad}).status_code == 422
    for other in ({"filter": "days_count:ge:2"}, {"columns": "loan_id"}, {"version": portal.version("loan_places", 1)}):
        assert portal.get(ROWS, params={"cursor": cursor, **other}).status_code == 422
    assert portal.get("/api/v1/datasets/library/loan_list/rows", params={"cursor": cursor}).status_code in (404, 422)


def test_wrong_words_are_answered_with_the_nearest_right_one(portal: Server) -> None:
    assert "branch_name" in portal.get(ROWS, params={"columns": "branch_nam"}).json()["hint"]
    assert (
        portal.get(ROWS, params={"filter": "days_count:eq:many"})
        .json()["message"]
        .startswith("'many' cannot be compared")
    )
    assert (
        portal.get(ROWS, params={"filter": "days_count"}).json()["hint"].startswith("Write it as column:operator:value")
    )
    assert portal.get(ROWS, params={"filter": ["days_count:ge:1"] * 21}).status_code == 422
    assert portal.get(ROWS, params={"filter": f"loan_id:in:{','.join(['x'] * 201)}"}).status_code == 422


def test_rows_time_and_rate_have_limits(tmp_path_factory: pytest.TempPathFactory, portal: Server) -> None:
    config = portal.library.root / "civicops.toml"
    text = config.read_text()
    config.write_text(
        text.replace("api_per_minute = 100000", "api_per_minute = 12\napi_rows = 5\napi_seconds = 0.0000001")
    )
    try:
        with serving(portal.library) as server:
            slow = server.get(ROWS, params={"limit": 1})
            assert slow.status_code == 503 and "took longer than" in slow.json()["message"]
            assert server.get("/api/v1/datasets").status_code == 200, "an interrupted question leaves the engine well"
            answers = [server.get("/api/v1/datasets", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(12)]
            assert answers[-1].status_code == 429, "whatever address one claims to be"
            assert int(answers[-1].headers["Retry-After"]) > 0
        config.write_text(text.replace("api_per_minute = 100000", "api_per_minute = 100000\napi_rows = 5"))
        with serving(portal.library) as server:
            answer = server.get(ROWS, params={"limit": 5000}).json()
            assert len(answer["rows"]) == 5 and answer["next"]
    finally:
        config.write_text(text)


def test_many_at_once_are_all_answered(portal: Server) -> None:
    def ask(number: int) -> int:
        with httpx.Client(base_url=portal.base, trust_env=False, timeout=60) as client:
            return client.get(ROWS, params={"limit": 50, "filter": f"days_count:ge:{number % 20}"}).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(24) as pool:
        assert set(pool.map(ask, range(120))) == {200}
    assert time.monotonic() - began < 30


def test_describing_datasets(portal: Server) -> None:
    listed = {item["id"]: item for item in portal.get("/api/v1/datasets").json()["datasets"]}
    assert (
        listed["library.members"]["access"] == "restricted"
        and listed["library.loan_places"]["rows"] == portal.sql("SELECT count(*) FROM {loan_places}")[0][0]
    )
    assert {item["id"] for item in portal.get("/api/v1/datasets", params={"q": "latitude"}).json()["datasets"]} == {
        "library.loan_places"
    }
    one = portal.get("/api/v1/datasets/library/loan_places").json()
    assert one["key"] == ["loan_id"] and one["made_from"] == ["library.loans", "library.loan_list"]
    assert [column["name"] for column in one["columns"]] == [
        row[0] for row in portal.sql("DESCRIBE SELECT * FROM {loan_places}")
    ]
    for url in one["downloads"].values():
        assert portal.get(url).status_code == 200
    versions = portal.get("/api/v1/datasets/library/loan_places/versions").json()["versions"]
    assert [item["version"] for item in versions] == [portal.version("loan_places"), portal.version("loan_places", 1)]
    assert portal.get("/api/v1/datasets/library/nothing").status_code == 404


PATHS = (
    "datasets",
    "datasets/{product}/{dataset}",
    "datasets/{product}/{dataset}/versions",
    "datasets/{product}/{dataset}/rows",
)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(
    "fixed", [None, {"product": "library", "dataset": "loan_places"}], ids=["any dataset", "one that is there"]
)
@pytest.mark.parametrize("path", PATHS)
def test_answers_are_those_of_its_description(
    portal: Server, path: str, fixed: dict[str, str] | None, mode: GenerationMode
) -> None:
    if fixed and mode is GenerationMode.NEGATIVE and not path.endswith("/rows"):
        fixed = None  # where the path is all there is to ask with, only the path can be wrong
    schema = schemathesis.openapi.from_url(f"{portal.base}/api/v1/openapi.json")
    questions = schema[f"/api/v1/{path}"]["GET"].as_strategy(generation_mode=mode, path_parameters=fixed)
    seen: set[int] = set()

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(questions)
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(base_url=portal.base)
        seen.add(answer.status_code)
        if answer.status_code != 431:  # an address longer than the web server reads; no route ever sees it
            # Whether a dataset, column or version exists is not in the description, so a well-formed question may be refused.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])

    ask()
    assert seen and max(seen) < 500
