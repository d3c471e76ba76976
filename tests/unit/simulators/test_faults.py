"""Every fault on demand, seen by a real HTTP client, and that each strikes the request it was meant for and no other."""

import csv
import gzip
import io
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.unit.simulators.conftest import Portals

CASES = "2cy6-i7zn"
ADDRESS = f"/resource/{CASES}.json"
PLAIN = {"Accept-Encoding": "identity"}


def order(client: httpx.Client, *faults: dict[str, Any]) -> None:
    client.post("/_sim/faults", json=list(faults)).raise_for_status()


def page(client: httpx.Client, offset: int, limit: int = 50, **more: str) -> httpx.Response:
    params = {"$order": ":id", "$limit": str(limit), "$offset": str(offset)} | {f"${k}": v for k, v in more.items()}
    return client.get(ADDRESS, params=params, headers=PLAIN)


def numbers(answer: httpx.Response) -> list[str]:
    return [r["casenumber"] for r in answer.json()]


@pytest.mark.parametrize(("kind", "header"), [("429", "7"), ("503", "7"), ("500", None), ("502", None)])
def test_status_faults_strike_the_nth_match_so_many_times(fresh: Portals, kind: str, header: str | None) -> None:
    _, client = fresh()
    order(client, {"kind": kind, "dataset": CASES, "contains": "$offset", "nth": 2, "times": 2, "retry_after": 7})
    assert client.get(ADDRESS, params={"$select": "count(*)"}).status_code == 200, "does not contain $offset"
    answers = [page(client, 0) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, int(kind), int(kind), 200]
    assert answers[1].headers.get("Retry-After") == header
    assert answers[1].json()["error"] is True
    assert client.get("/_sim/faults").json()[0] | {"seen": 4, "struck": 2} == client.get("/_sim/faults").json()[0]


def test_retry_after_may_be_a_date_or_missing(fresh: Portals) -> None:
    _, client = fresh()
    date = "Sun, 23 Aug 2026 12:00:05 GMT"
    order(client, {"kind": "429", "retry_after": date}, {"kind": "429", "nth": 2, "retry_after": None})
    assert page(client, 0).headers["Retry-After"] == date
    assert "Retry-After" not in page(client, 0).headers


def test_timeout_says_nothing_and_hangs_up(fresh: Portals) -> None:
    _, client = fresh()
    order(client, {"kind": "timeout", "seconds": 30}, {"kind": "timeout", "nth": 2, "seconds": 0})
    with pytest.raises(httpx.ReadTimeout):
        client.get(ADDRESS, timeout=0.3)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(ADDRESS)
    assert page(client, 0).status_code == 200


def test_a_hanging_answer_does_not_hold_up_the_end(fresh: Portals) -> None:
    server, client = fresh()
    order(client, {"kind": "timeout", "seconds": 600})
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(client.get, ADDRESS, timeout=60)
        while client.get("/_sim/faults").json()[0]["struck"] == 0:
            time.sleep(0.01)
        server.stopping.set()
        with pytest.raises(httpx.RemoteProtocolError):
            hanging.result(timeout=30)


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_truncated_bodies_end_before_the_announced_end(fresh: Portals, how: str) -> None:
    _, client = fresh()
    order(client, {"kind": "truncated", "how": how, "keep": 0.4})
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        page(client, 0)
    assert len(page(client, 0).json()) == 50


def test_truncated_gzip_looks_complete_to_http(fresh: Portals) -> None:
    _, client = fresh()
    order(client, {"kind": "truncated", "how": "gzip", "keep": 0.5})
    with client.stream("GET", ADDRESS, params={"$limit": "100"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert (answer.status_code, int(answer.headers["Content-Length"])) == (200, len(raw))
    part = zlib.decompressobj(31)
    text = part.decompress(raw)
    assert text.startswith(b"[{")
    assert not part.eof
    with pytest.raises(EOFError):
        gzip.decompress(raw)


def test_reset_is_a_tcp_reset(fresh: Portals) -> None:
    server, client = fresh()
    order(client, {"kind": "reset", "keep": 0.2})
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as raw:
        raw.sendall(f"GET {ADDRESS}?$limit=300 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            while raw.recv(65536):
                pass
            pytest.fail("the connection ended in good order")


def test_a_page_served_twice(fresh: Portals) -> None:
    _, client = fresh()
    order(client, {"kind": "page_twice", "dataset": CASES, "nth": 2})
    first, again, third = page(client, 0), page(client, 50), page(client, 100)
    assert again.content == first.content
    client.delete("/_sim/faults")
    assert numbers(page(client, 50)) != numbers(first)
    assert numbers(page(client, 100)) == numbers(third)


def test_an_empty_page(fresh: Portals) -> None:
    _, client = fresh()
    order(client, {"kind": "empty_page"})
    assert page(client, 0).json() == []
    assert len(page(client, 0).json()) == 50


def test_rows_updated_between_pages_shift_unordered_pages_but_not_ordered_ones(fresh: Portals) -> None:
    def fetched(client: httpx.Client, **extra: str) -> list[str]:
        out: list[str] = []
        for offset in range(0, 300, 50):
            params = {"$limit": "50", "$offset": str(offset)} | extra
            out += numbers(client.get(ADDRESS, params=params))
        return out

    fault = {"kind": "rows_updated_between_pages", "nth": 3, "rows": 7}
    _, client = fresh()
    whole = fetched(client)
    order(client, fault)
    shifted = fetched(client)
    assert len(shifted) == len(whole) == 300
    missed, twice = set(whole) - set(shifted), len(shifted) - len(set(shifted))
    assert len(missed) == 7, "rows slid into a page already read"
    assert twice >= 7, "and updated rows came a second time"
    client.delete("/_sim/faults")
    order(client, fault)
    assert sorted(fetched(client, **{"$order": ":id"})) == sorted(whole)
    newest = client.get(ADDRESS, params={"$select": "max(systemmodstamp) as m"}).json()[0]["m"]
    assert newest > "2026-08-23T05:00:00.000"


def test_columns_renamed_added_dropped(fresh: Portals) -> None:
    _, client = fresh()
    order(
        client,
        {"kind": "column_renamed", "column": "status", "to": "case_status", "times": None, "dataset": CASES},
        {"kind": "column_dropped", "column": "origin", "times": None, "dataset": CASES},
        {"kind": "column_added", "column": "priority__c", "value": "P1", "times": None, "dataset": CASES},
    )
    row = page(client, 0, limit=1).json()[0]
    assert {"case_status", "priority__c"} <= set(row)
    assert not {"status", "origin"} & set(row)
    header = client.get(f"/resource/{CASES}.csv", params={"$limit": "1"}).text.splitlines()[0].split(",")
    assert (header.count('"case_status"'), header.count('"priority__c"'), header.count('"origin"')) == (1, 1, 0)
    exported = client.get(f"/api/views/{CASES}/rows.csv").text.splitlines()[0].split(",")
    assert {"case_status", "priority__c"} <= set(exported)
    assert "RequestSource" not in exported
    view = client.get(f"/api/views/{CASES}.json").json()
    assert "origin" not in [c["fieldName"] for c in view["columns"]]
    asked = client.get(ADDRESS, params={"$select": "status"})
    assert asked.json()["code"] == "query.soql.no-such-column"
    other = client.get("/resource/73a2-6ar5.json", params={"$limit": "1"}).json()[0]
    assert "status" in other


def test_an_enum_that_grows(fresh: Portals) -> None:
    _, client = fresh()
    before = {r["status"] for r in page(client, 0, limit=300).json()}
    order(client, {"kind": "enum_grows", "column": "status", "value": "On Hold", "share": 0.1, "times": None})
    rows = page(client, 0, limit=300).json()
    grown = sum(r["status"] == "On Hold" for r in rows)
    assert "On Hold" not in before
    assert 10 <= grown <= 60
    count = client.get(ADDRESS, params={"$where": "status = 'On Hold'", "$select": "count(*) as n"}).json()
    assert count == [{"n": str(grown)}]


def test_an_html_page_with_status_200(fresh: Portals) -> None:
    _, client = fresh()
    order(client, {"kind": "html_200"})
    answer = page(client, 0)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_byte_order_mark(fresh: Portals) -> None:
    _, client = fresh()
    plain = client.get(f"/api/views/{CASES}/rows.csv").content
    order(client, {"kind": "bom"})
    assert client.get(f"/api/views/{CASES}/rows.csv").content == b"\xef\xbb\xbf" + plain


def test_wrong_encoding(fresh: Portals) -> None:
    _, client = fresh(rows_per_year=1500)
    address = "/api/views/d4vt-q4t5/rows.csv"
    right = client.get(address).content.decode("utf-8")
    assert any(ord(x) > 127 for x in right), "without such a letter the fault would not show"
    order(client, {"kind": "latin1"})
    wrong = client.get(address)
    assert "utf-8" in wrong.headers["Content-Type"]
    with pytest.raises(UnicodeDecodeError):
        wrong.content.decode("utf-8")
    assert wrong.content.decode("latin-1") == right
    rows = list(csv.reader(io.StringIO(right)))
    assert {len(r) for r in rows} == {33}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "meteor"}, "unknown kind"),
        ({"kind": "500", "when": 3}, "unknown field when"),
        ({"kind": "column_dropped"}, "needs a column"),
        ({"kind": "truncated", "how": "sideways"}, "length, chunked or gzip"),
        ({"kind": "enum_grows", "column": "a b"}, "not an API field name"),
    ],
)
def test_a_mistaken_fault_is_refused_with_the_reason(client: httpx.Client, fault: dict[str, Any], words: str) -> None:
    answer = client.post("/_sim/faults", json=[fault])
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert client.get("/_sim/faults").json() == []
