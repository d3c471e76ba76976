"""Time, truth, the log, determinism, and the program as a person starts it."""

import csv
import io
import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import simulators
from tests.unit.simulators.conftest import Portals

CASES = "2cy6-i7zn"
ADDRESSES = (
    "/api/views/pvft-t768/rows.csv",
    "/resource/ms7h-a45h.json?$limit=50",
    f"/resource/{CASES}.csv?$limit=300&$order=:id&$select=:*,*",
    "/api/geospatial/fu65-dz2f?method=export&format=GeoJSON",
    "/api/catalog/v1?q=MyLA311",
    "/_sim/truth",
)


def everything(client: httpx.Client) -> list[bytes]:
    return [client.get(a).content for a in ADDRESSES]


def test_same_seed_same_bytes_before_and_after_time_passes(fresh: Portals) -> None:
    (_, one), (_, two), (_, other) = fresh(seed=3), fresh(seed=3), fresh(seed=4)
    two.get("/resource/h65r-yf5i.json")  # another order of first use changes nothing
    assert everything(one) == everything(two)
    assert everything(one)[0] != everything(other)[0]
    for client in (one, two):
        client.post("/_sim/advance", json={"days": 2})
        client.post("/_sim/advance", json={"days": 1, "rows": 5, "updates": 9})
    assert everything(one) == everything(two)


def rows_of(client: httpx.Client, dataset: str = CASES) -> dict[str, list[dict[str, str]]]:
    text = client.get(f"/resource/{dataset}.csv", params={"$limit": "100000", "$select": ":*,*"}).text
    out: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        out.setdefault(row["casenumber" if "casenumber" in row else "srnumber"], []).append(row)
    return out


def test_a_day_brings_new_rows_and_changes_exactly_as_reported(fresh: Portals) -> None:
    _, client = fresh()
    before = rows_of(client)
    newest = max(r["systemmodstamp"] for rows in before.values() for r in rows)
    tag = client.get(f"/resource/{CASES}.json").headers["ETag"]
    report = client.post("/_sim/advance", json={"rows": 17, "updates": 11}).json()
    told = report["datasets"][CASES]
    after = rows_of(client)
    assert (told["inserted"], told["updated"], report["today"]) == (17, 11, "2026-08-24")
    assert set(after) - set(before) == set(told["inserted_keys"])
    assert {k for k in before if after[k] != before[k]} == set(told["updated_keys"])
    for key in told["updated_keys"]:
        (row,) = after[key]
        assert newest < row["systemmodstamp"] < "2026-08-24"
        assert row[":updated_at"] == "2026-08-24T12:00:00.000Z"
        assert row[":id"] == before[key][0][":id"], "a row keeps its id"
        assert row["status"] in ("Closed", before[key][0]["status"])
    for key in told["inserted_keys"]:
        assert after[key][0]["createddate"].startswith("2026-08-23")
    fetched = client.get(
        f"/resource/{CASES}.json", params={"$where": f"systemmodstamp > '{newest}'", "$limit": 1000}
    ).json()
    changed = {r["casenumber"] for r in fetched}
    assert changed >= set(told["updated_keys"])
    assert client.get(f"/resource/{CASES}.json").headers["ETag"] != tag
    assert client.get(f"/api/views/{CASES}.json").json()["rowsUpdatedAt"] == 1787486400 + 86_400


def test_old_years_change_too_and_closed_ones_do_not(fresh: Portals) -> None:
    _, client = fresh()
    before = {d: rows_of(client, d) for d in ("b7dx-7gc3", "h73f-gn57", "73a2-6ar5", "pvft-t768")}
    report = client.post("/_sim/advance", json={"days": 3}).json()["datasets"]
    for dataset, old in before.items():
        new = rows_of(client, dataset)
        changed = {k for k in old if new[k] != old[k]}
        assert changed == set(report.get(dataset, {}).get("updated_keys", []))
        assert bool(changed) == (dataset != "pvft-t768")


def test_time_leaves_the_answer_key_alone(fresh: Portals) -> None:
    _, client = fresh()
    truth = client.get("/_sim/truth", params={"dataset": CASES}).json()["datasets"][CASES]
    planted = {k for keys in truth["planted"].values() for k in keys}
    before = rows_of(client)
    for _ in range(4):
        client.post("/_sim/advance", json={"updates": 200})
    after = rows_of(client)
    assert all(after[k] == before[k] for k in planted)
    told = client.get("/_sim/truth", params={"dataset": CASES}).json()
    assert told["datasets"][CASES] == truth
    assert [a["step"] for a in told["advances"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("wish", [{"days": 0}, {"days": 500}, {"hours": 1}, [1]])
def test_impossible_days_are_refused(client: httpx.Client, wish: Any) -> None:
    answer = client.post("/_sim/advance", json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_log_tells_what_was_asked(fresh: Portals) -> None:
    _, client = fresh()
    client.get(f"/resource/{CASES}.json", params={"$order": ":id", "$limit": 7}, headers={"User-Agent": "test/1"})
    client.post(
        f"/api/v3/views/{CASES}/query.json", json={"query": "SELECT *"}, headers={"X-App-Token": "simulated-app-token"}
    )
    first, second = client.get("/_sim/log").json()
    assert (first["method"], first["path"], first["route"], first["dataset"]) == (
        "GET",
        f"/resource/{CASES}.json",
        "resource",
        CASES,
    )
    assert first["query"] == {"$order": ":id", "$limit": "7"}
    assert (first["status"], first["rows"], first["token"], first["headers"]["user-agent"]) == (
        200,
        7,
        "none",
        "test/1",
    )
    assert (second["method"], second["body"], second["token"], second["rows"]) == (
        "POST",
        {"query": "SELECT *"},
        "known",
        300,
    )
    assert [e["number"] for e in client.get("/_sim/log", params={"since": 1}).json()] == [2]
    client.delete("/_sim/log")
    assert client.get("/_sim/log").json() == []
    assert client.get("/_sim/nothing").status_code == 404


def test_datasets_and_vocabulary(client: httpx.Client) -> None:
    listed = {d["id"]: d for d in client.get("/_sim/datasets").json()}
    assert (listed["d4vt-q4t5"]["columns"], listed["pvft-t768"]["columns"]) == (33, 34)
    assert listed["n7q4-w2xk"]["year"] == 2027
    known = client.get("/_sim/vocabulary").json()
    assert len(known["cases"]["types"]) == 62
    assert set(known["legacy"]["statuses"]) == {"Closed", "Cancelled", "Referred Out", "Open", "Pending", "Forward"}
    assert len(known["councils"]) == 42
    assert client.get("/_sim/health").json() == {"ok": True, "today": "2026-08-23", "seed": 7}


def test_many_clients_at_once_get_whole_answers(fresh: Portals) -> None:
    server, client = fresh()
    alone = client.get("/resource/97z7-y5bt.json", params={"$limit": 300}).content

    def ask(number: int) -> bytes:
        if number % 5 == 0:
            httpx.post(f"{server.url}/_sim/advance", json={})
        return httpx.get(f"{server.url}/resource/97z7-y5bt.json", params={"$limit": 300}, timeout=30).content

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {alone}


def test_package_level_serve_gives_a_running_portal() -> None:
    with simulators.serve(rows_per_year=250, seed=2) as portal:
        assert httpx.get(f"{portal.url}/_sim/health").json()["seed"] == 2
        port = portal.server_address[1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))


def started(tmp_path: Path, *more: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "simulators", "serve", "--rows-per-year", "250", "--ready-file", str(ready), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"did not start: {process.communicate()[1]}")
        time.sleep(0.02)
    return process, json.loads(ready.read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_serves_until_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    given = tmp_path / "given.csv"
    given.write_text("A,B\n1,x\n", encoding="utf-8")
    process, ready = started(tmp_path, "--csv", f"aaaa-0001={given}", "--unlisted", "--token", "mine")
    try:
        assert httpx.get(f"{ready['url']}/resource/aaaa-0001.json").json() == [{"a": "1", "b": "x"}]
        assert httpx.get(f"{ready['url']}/resource/n7q4-w2xk.json", headers={"X-App-Token": "mine"}).status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == ready


def test_program_names_what_is_wrong(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "simulators", "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "choose another --port" in done.stderr
    command = [sys.executable, "-m", "simulators", "serve", "--csv", f"x={tmp_path}/none.csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "ID=PATH" in done.stderr


def test_the_cases_of_a_lost_day_are_missing_until_they_are_found(fresh: Portals) -> None:
    _, client = fresh()
    before = rows_of(client)
    report = client.post("/_sim/advance", json={"days": 4, "rows": 40, "lose": "2026-08-25"}).json()
    added = set(report["datasets"][CASES]["inserted_keys"])
    during = rows_of(client)
    assert set(during) - set(before) == added and 0 < len(added) < 40
    days = [row["createddate"] for key in added for row in during[key]]
    assert days and not any(day.startswith("2026-08-25") for day in days)
    newest = max(row["systemmodstamp"] for rows in during.values() for row in rows)
    found = client.post("/_sim/find-lost").json()["inserted_keys"]
    after = rows_of(client)
    assert set(after) - set(during) == set(found) and len(added) + len(found) == 40
    assert all(row["createddate"].startswith("2026-08-25") for key in found for row in after[key])
    # They bear the moment they were loaded, so that an incremental fetch sees them.
    assert all(row["systemmodstamp"] >= newest[:10] for key in found for row in after[key])
    assert client.post("/_sim/find-lost").json() == {"inserted_keys": []}
