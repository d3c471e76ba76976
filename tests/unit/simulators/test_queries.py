"""The portal's addresses asked by a real HTTP client, each answer checked against the export of the same dataset."""

import csv
import io
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.socrata.server import DEFAULT_TOKEN
from tests.unit.simulators.conftest import ROWS, Portals

LEGACY, CASES = "pvft-t768", "2cy6-i7zn"
TOKEN = {"X-App-Token": DEFAULT_TOKEN}


def get(client: httpx.Client, dataset: str, form: str = "json", **params: Any) -> httpx.Response:
    answer = client.get(f"/resource/{dataset}.{form}", params={f"${k}": v for k, v in params.items()})
    answer.raise_for_status()
    return answer


@pytest.fixture(scope="module")
def exported(client: httpx.Client) -> list[dict[str, str]]:
    text = client.get(f"/api/views/{LEGACY}/rows.csv", params={"accessType": "DOWNLOAD"}).text
    return list(csv.DictReader(io.StringIO(text)))


def stamp(text: str) -> str:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").strftime("%Y-%m-%dT%H:%M:%S.000") if text else ""


def test_thousand_rows_unless_asked_for_more(client: httpx.Client) -> None:
    assert len(get(client, LEGACY).json()) == 1000
    assert len(get(client, LEGACY, limit=50_000).json()) == ROWS
    assert get(client, LEGACY, limit=0).json() == []
    assert len(list(csv.reader(io.StringIO(get(client, LEGACY, "csv").text)))) == 1001


def test_pages_in_stable_order_make_up_the_whole(client: httpx.Client, exported: list[dict[str, str]]) -> None:
    seen: list[tuple[str, str]] = []
    for offset in range(0, ROWS + 400, 400):
        page = get(client, LEGACY, order=":id", limit=400, offset=offset, select=":id,srnumber").json()
        seen += [(r[":id"], r["srnumber"]) for r in page]
    assert seen == sorted(seen)
    assert len(set(seen)) == ROWS
    assert Counter(n for _, n in seen) == Counter(r["SRNumber"] for r in exported)


def test_json_leaves_empty_fields_out_and_says_the_same_as_the_export(
    client: httpx.Client, exported: list[dict[str, str]]
) -> None:
    rows = get(client, LEGACY, limit=ROWS).json()
    for row, wanted in zip(rows, exported, strict=True):
        assert set(row) == {k.lower() for k, v in wanted.items() if v}
        for name, value in wanted.items():
            if name.endswith("Date") and value:
                assert row[name.lower()] == stamp(value)
            elif name == "Location" and value:
                lon, lat = value.removeprefix("POINT (").removesuffix(")").split()
                assert row["location"] == {"type": "Point", "coordinates": [float(lon), float(lat)]}
            elif value:
                assert row[name.lower()] == value


def test_csv_quotes_every_value_and_uses_field_names(client: httpx.Client, exported: list[dict[str, str]]) -> None:
    text = get(client, LEGACY, "csv", limit=ROWS).text
    assert text.startswith('"srnumber","createddate","updateddate"')
    assert ",," in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [r["address"] for r in rows] == [r["Address"] for r in exported]
    assert [r["closeddate"] for r in rows] == [stamp(r["ClosedDate"]) for r in exported]


def test_older_location_columns_and_checkboxes(client: httpx.Client) -> None:
    row = get(client, "d4vt-q4t5", where="latitude is not null", limit=1).json()[0]
    assert row["location"] == {"latitude": row["latitude"], "longitude": row["longitude"], "needs_recoding": False}
    case = get(client, CASES, limit=1).json()[0]
    assert isinstance(case["reported_anonymously__c"], bool)
    assert "location" not in case


@pytest.mark.parametrize(
    ("where", "keeps"),
    [
        ("status = 'Closed'", lambda r: r["Status"] == "Closed"),
        ("status != 'Closed'", lambda r: r["Status"] != "Closed"),
        ("closeddate is null", lambda r: not r["ClosedDate"]),
        ("location IS NOT NULL AND nc is null", lambda r: r["Location"] and not r["NC"]),
        ("requesttype in('Bulky Items', 'Feedback')", lambda r: r["RequestType"] in ("Bulky Items", "Feedback")),
        ("requesttype like '%Streetlight%'", lambda r: "Streetlight" in r["RequestType"]),
        ("starts_with(address, '1')", lambda r: r["Address"].startswith("1")),
        ("cd > 3 and cd <= 6", lambda r: r["CD"] and 3 < int(r["CD"]) <= 6),
        ("latitude between 33.9 and 34.0", lambda r: r["Latitude"] and 33.9 <= float(r["Latitude"]) <= 34.0),
        ("createddate >= '2019-06-01' and createddate < '2019-06-08T12:00:00'",
         lambda r: "2019-06-01" <= stamp(r["CreatedDate"]) < "2019-06-08T12"),
        ("not (status = 'Closed' or mobileos = 'iOS')", lambda r: r["Status"] != "Closed" and r["MobileOS"] and
         r["MobileOS"] != "iOS"),
        ("lower(owner) = 'bos'", lambda r: r["Owner"] == "BOS"),
    ],
)  # fmt: skip
def test_where(client: httpx.Client, exported: list[dict[str, str]], where: str, keeps: Any) -> None:
    wanted = [r["SRNumber"] for r in exported if keeps(r)]
    assert wanted, "a condition that keeps nothing tests nothing"
    got = [r["srnumber"] for r in get(client, LEGACY, where=where, select="srnumber", limit=ROWS).json()]
    assert got == wanted
    assert get(client, LEGACY, where=where, select="count(*)").json() == [{"count": str(len(wanted))}]


def test_aggregates_groups_and_aliases(client: httpx.Client, exported: list[dict[str, str]]) -> None:
    newest = max(stamp(r["UpdatedDate"]) for r in exported)
    assert get(client, LEGACY, select="max(updateddate) as newest, count(*) as n, count(closeddate)").json() == [
        {"newest": newest, "n": str(ROWS), "count_closeddate": str(sum(bool(r["ClosedDate"]) for r in exported))}
    ]
    groups = get(client, LEGACY, select="owner, count(*) as n", group="owner", having="n > 5", order="n desc").json()
    wanted = [(o, n) for o, n in Counter(r["Owner"] for r in exported).most_common() if n > 5]
    assert [(g["owner"], int(g["n"])) for g in groups] == wanted
    months = get(client, LEGACY, select="date_trunc_ym(createddate) as m, count(*) as n", group="m", order="m").json()
    assert sum(int(m["n"]) for m in months) == ROWS


def test_order_puts_nulls_last_going_up_and_first_going_down(client: httpx.Client) -> None:
    up = get(client, LEGACY, select="closeddate", order="closeddate", limit=ROWS).json()
    down = get(client, LEGACY, select="closeddate", order="closeddate desc", limit=ROWS).json()
    assert "closeddate" not in up[-1]
    assert "closeddate" not in down[0]
    values = [r["closeddate"] for r in up if "closeddate" in r]
    assert values == sorted(values)


def test_system_columns_and_query_and_simple_filters(client: httpx.Client) -> None:
    row = get(client, CASES, select=":*,*", limit=1).json()[0]
    assert row[":id"].startswith("row-")
    assert row[":updated_at"] == "2026-08-23T12:00:00.000Z"
    assert {":created_at", ":version", "casenumber"} <= set(row)
    by_query = get(client, CASES, query="select casenumber where status = 'New' order by casenumber limit 3").json()
    assert len(by_query) == 3
    simple = client.get(
        f"/resource/{CASES}.json", params={"casenumber": by_query[0]["casenumber"], "$q": "ignored"}
    ).json()
    assert [r["status"] for r in simple] == ["New"]


def test_headers_tell_fields_types_and_freshness(client: httpx.Client) -> None:
    answer = get(client, LEGACY, select="srnumber, createddate, latitude, location", limit=1)
    assert answer.headers["X-SODA2-Fields"] == '["srnumber", "createddate", "latitude", "location"]'
    assert answer.headers["X-SODA2-Types"] == '["text", "floating_timestamp", "number", "point"]'
    assert answer.headers["Last-Modified"] == "Sun, 23 Aug 2026 12:00:00 GMT"
    again = client.get(answer.request.url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"$where": "nope = 1"}, 400, "query.soql.no-such-column"),
        ({"$where": "status = "}, 400, "query.compiler.malformed"),
        ({"$select": "status, count(*"}, 400, "query.compiler.malformed"),
        ({"$limit": "many"}, 400, "query.soql.invalid-number"),
        ({"$offset": "-1"}, 400, "query.soql.invalid-number"),
        ({"$frob": "1"}, 400, "query.soql.unrecognized-arguments"),
        ({"nope": "1"}, 400, "query.soql.unrecognized-arguments"),
        ({"$where": "createddate > 'soon'"}, 400, "query.soql.type-mismatch"),
    ],
)
def test_refusals_have_socratas_shape(client: httpx.Client, params: dict[str, str], status: int, code: str) -> None:
    answer = client.get(f"/resource/{LEGACY}.json", params=params)
    assert answer.status_code == status
    body = answer.json()
    assert (body["code"], body["error"]) == (code, True)
    assert body["message"].startswith("Query coordinator error")


def test_unknown_dataset_address_and_method(client: httpx.Client) -> None:
    assert client.get("/resource/aaaa-bbbb.json").json()["code"] == "dataset.missing"
    assert client.get("/nowhere").status_code == 404
    assert client.request("DELETE", f"/resource/{LEGACY}.json").status_code == 405
    assert client.get("/resource/fu65-dz2f.json").status_code == 400
    assert client.get("/api/geospatial/fu65-dz2f", params={"method": "export", "format": "KML"}).status_code == 400


def test_tokens(fresh: Portals) -> None:
    _, client = fresh(anonymous_limit=3, anonymous_window=600.0)
    address = f"/resource/{LEGACY}.json"
    wrong = client.get(address, headers={"X-App-Token": "guess"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "permission_denied")
    assert wrong.json()["message"] == "Invalid app_token specified"
    assert [client.get(address).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(client.get(address).headers["Retry-After"]) >= 1
    assert client.get(address, headers=TOKEN).status_code == 200
    assert client.get(address, params={"$$app_token": DEFAULT_TOKEN}).status_code == 200
    log = client.get("/_sim/log").json()
    assert [e["token"] for e in log] == ["unknown", *["none"] * 5, "known", "known"]
    assert DEFAULT_TOKEN not in str(log)


def test_soda3_needs_a_token_and_pages(client: httpx.Client) -> None:
    address = f"/api/v3/views/{CASES}/query.json"
    refused = client.get(address, params={"query": "SELECT *"})
    assert (refused.status_code, refused.json()["code"]) == (403, "authentication_required")
    query = "SELECT casenumber WHERE status = 'Closed' ORDER BY casenumber"
    whole = client.get(address, params={"query": query}, headers=TOKEN).json()
    got = [
        client.get(address, params={"query": query, "pageNumber": n, "pageSize": 500}, headers=TOKEN).json()
        for n in (1, 2, 3, 4)
    ]
    assert [r for page in got for r in page] == whole
    assert len(whole) > 1000, "no hidden limit"
    posted = client.post(address, json={"query": query, "page": {"pageNumber": 2, "pageSize": 500}}, headers=TOKEN)
    assert posted.json() == got[1]
    text = client.get(address.replace(".json", ".csv"), params={"query": query, "pageSize": 2}, headers=TOKEN).text
    assert text.splitlines()[0] == '"casenumber"'
    assert len(text.splitlines()) == 3
    plain = client.get(address, params={"pageSize": 1}, headers=TOKEN).json()[0]
    assert ":id" in plain
    bare = client.get(address, params={"pageSize": 1, "includeSystem": "false"}, headers=TOKEN).json()[0]
    assert ":id" not in bare
    assert client.post(address, content=b"{", headers=TOKEN).status_code == 400
    assert (
        client.get(address, params={"query": "SELECT nope"}, headers=TOKEN).json()["code"]
        == "query.soql.no-such-column"
    )


def test_catalogue_and_metadata(client: httpx.Client) -> None:
    found = client.get("/api/catalog/v1", params={"q": "MyLA311 Cases", "limit": 20}).json()
    names = [r["resource"]["name"] for r in found["results"]]
    assert names[:3] == ["MyLA311 Cases March 2025 to December 2025", "MyLA311 Cases 2026", "MyLA311 Cases 2027"]
    assert found["resultSetSize"] == 14, "a search is generous: the older datasets share a word"
    first = client.get("/api/catalog/v1", params={"q": "MyLA311 Cases", "limit": 2, "offset": 1}).json()["results"]
    assert [r["resource"]["name"] for r in first] == names[1:3]
    only = client.get("/api/catalog/v1", params={"ids": CASES}).json()["results"]
    assert [r["resource"]["id"] for r in only] == [CASES]
    assert client.get("/api/catalog/v1", params={"q": "zebra"}).json()["resultSetSize"] == 0
    view = client.get(f"/api/views/{CASES}.json").json()
    assert view["rowsUpdatedAt"] == 1787486400
    named = {c["name"]: (c["fieldName"], c["dataTypeName"]) for c in view["columns"]}
    assert named["UpdatedDate"] == ("systemmodstamp", "calendar_date")
    assert len(named) == 34


def test_next_years_dataset_is_there_only_when_asked_for(fresh: Portals) -> None:
    _, client = fresh()
    found = client.get("/api/catalog/v1", params={"q": "MyLA311 Cases"}).json()
    assert "MyLA311 Cases 2027" not in [r["resource"]["name"] for r in found["results"]]


def test_maps_and_population(client: httpx.Client) -> None:
    for dataset, count in (("fu65-dz2f", 42), ("cd12-m4r1", 9), ("cd21-m4r1", 9)):
        answer = client.get(f"/api/geospatial/{dataset}", params={"method": "export", "format": "GeoJSON"})
        assert len(answer.json()["features"]) == count
        assert answer.json() == client.get(f"/resource/{dataset}.geojson").json()
    people = client.get("/resource/nwj3-ufba.json").json()
    assert len(people) == 42
    assert all(int(p["sum_pop20"]) > 2000 for p in people)


def test_given_files_are_served_word_for_word(fresh: Portals, tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text(
        'SRNumber,CreatedDate,Status,Latitude,My Note\n1-1,01/02/2018 01:00:00 PM,Open,34.10,"a, ""b"""\n'
        "1-2,12/31/2018 11:59:58 PM,Closed,,\n",
        encoding="utf-8",
    )
    _, client = fresh(files={"aaaa-0001": path})
    assert client.get("/api/views/aaaa-0001/rows.csv").text == path.read_text(encoding="utf-8")
    rows = get(client, "aaaa-0001", where="createddate > '2018-01-02T13:00:00'").json()
    assert [r["srnumber"] for r in rows] == ["1-2"]
    assert get(client, "aaaa-0001", where="latitude = 34.1").json() == [
        {
            "srnumber": "1-1",
            "createddate": "2018-01-02T13:00:00.000",
            "status": "Open",
            "latitude": "34.10",
            "my_note": 'a, "b"',
        }
    ]


def test_gzip_and_plain_say_the_same(client: httpx.Client) -> None:
    packed = get(client, LEGACY, limit=200)
    plain = client.get(packed.request.url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.content == packed.content
    head = client.head(packed.request.url, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(plain.content)
