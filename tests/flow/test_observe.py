"""Observation end to end: runs leave history, what goes wrong opens one incident, people are told once, what is mended closes it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civicops.errors import CivicopsError
from civicops.observe.asking import Incident, announce, attempts, events, incident, incidents
from civicops.observe.incidents import acknowledge, resolve
from civicops.observe.tables import Database, open_database
from civicops.observe.watch import tick
from civicops.observe.watched import history_of
from civicops.orchestrate.sweeping import sweep_all
from simulators.mailbox import Mailbox, WebhookSink
from tests.duck import asked
from tests.flow.conftest import Library
from tests.flow.test_cli import answer, type_in

GOOD: list[tuple[object, ...]] = [("a1", "Alder", 3, "2026-01-02"), ("a2", "Harbor", 5, "2026-01-03")]
CANARY = "hunter2-canary-secret"


def now() -> datetime:
    return datetime.now(UTC)


def open_ones(library: Library) -> tuple[Incident, ...]:
    return incidents(open_database(library.workspace), library.workspace, now())


def alerting(library: Library, monkeypatch: pytest.MonkeyPatch, url: str, more: str = "") -> None:
    monkeypatch.setenv("LIBRARY_ALERTS", url)
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write(f'\n[alerts.routes.default]\nurls = ["LIBRARY_ALERTS"]\nallow = ["127.0.0.1"]\n{more}\n')


def stop_the_run(library: Library) -> None:
    library.deliver([("a1", "Alder", 3)], header="loan_id,branch_name,days_count")
    with pytest.raises(CivicopsError):
        library.run(full=True)


def test_every_run_leaves_history_that_any_tool_can_ask_and_that_stays(library: Library) -> None:
    library.deliver(GOOD)
    library.run()
    library.run()
    history = history_of(library.workspace)
    assert [line.status for line in history.observations("library", "")] == ["succeeded", "unchanged"]
    (loans,) = history.observations("library", "loans")
    assert (loans.rows_in, loans.accepted, loans.quarantined, loans.ignored) == (2, 2, 0, 0)
    (listed,) = history.observations("library", "loan_list")
    assert (listed.rows, listed.is_changed) == (2, True)
    assert listed.size_bytes == library.releases.find("library", "loan_list").data.stat().st_size
    rates = {count.check_id: count.pass_rate for count in history.check_counts("library", "loans")}
    assert rates["branch_known"] == 1.0
    shutil.rmtree(library.root / "var" / "releases")
    found = asked(
        f"SELECT dataset, rows FROM '{library.root}/var/observe/history/*/runs-*.jsonl' WHERE layer = 'published' ORDER BY 1"
    )
    assert found == [("branch_loans", 2), ("loan_list", 2)]


def test_a_release_is_profiled_once_and_names_nobody(library: Library) -> None:
    contract = library.product / "contracts" / "loan_list.yaml"
    text = contract.read_text().replace("{name: loan_id,", "{name: loan_id, classification: direct,")
    contract.write_text(text.replace("value: public", "value: restricted"))
    library.deliver(GOOD)
    library.run()
    history = history_of(library.workspace)
    (profile,) = history.profiles("library", "branch_loans")
    assert profile["columns"]["branch_name"]["top"] == {"Alder": 1, "Harbor": 1}
    assert profile["columns"]["loan_count"]["deciles"] == [1.0] * 11
    (private,) = history.profiles("library", "loan_list")
    assert private["columns"]["loan_id"] == {"type": "VARCHAR", "nulls": 0, "distinct": 2}
    assert "a1" not in json.dumps(private)
    files = sorted((library.root / "var" / "observe" / "profiles").rglob("*.json"))
    library.run()
    assert sorted((library.root / "var" / "observe" / "profiles").rglob("*.json")) == files


def test_a_failed_run_opens_one_incident_tells_once_and_its_recovery_closes_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebhookSink() as sink:
        alerting(library, monkeypatch, f"json://127.0.0.1:{sink.port}/{CANARY}")
        library.deliver(GOOD)
        library.run()
        assert sink.messages == [] and open_ones(library) == ()
        stop_the_run(library)
        stop_the_run(library)
        (found,) = open_ones(library)
        assert (found.product, found.state, found.severity) == ("library", "open", "warning")
        assert len(sink.messages) == 1
        message = sink.messages[0]
        for words in ("What: Loans: the last run failed", "Since:", "How bad: warning", "Affected: library", "What to do:",
                      "section 'A run failed'", f"/incidents/{found.id}/"):  # fmt: skip
            assert words in message["message"]
        library.deliver(GOOD)
        library.run(full=True)
        assert open_ones(library) == ()
        assert [m["title"].partition(":")[0] for m in sink.messages] == ["New [warning]", "Over"]
        happened = events(open_database(library.workspace), found.id)
        assert [event.kind for event in happened] == ["opened", "resolved"]
        assert happened[1].content["evidence"]["run library"]["status"] in ("succeeded", "unchanged")
        assert all(a.is_delivered for a in attempts(open_database(library.workspace), found.id))
        text = "".join(p.read_text(errors="replace") for p in (library.root / "var").rglob("*") if p.is_file())
        assert CANARY not in text


def test_what_comes_back_is_the_same_incident_and_flapping_is_damped(library: Library) -> None:
    library.deliver(GOOD)
    library.run()
    for _ in range(3):
        stop_the_run(library)
        library.deliver(GOOD)
        library.run(full=True)
    database = open_database(library.workspace)
    (found,) = incidents(database, library.workspace, now(), every=True)
    assert found.reopened_count == 2
    assert found.state == "reopened"  # quiet now, but not for an hour yet
    tick(library.workspace, now() + timedelta(minutes=30))
    assert not incident(database, library.workspace, found.id, now()).is_over
    tick(library.workspace, now() + timedelta(minutes=90))
    assert incident(database, library.workspace, found.id, now()).is_over


def test_a_killed_run_opens_an_incident(library: Library) -> None:
    library.deliver([(f"a{i}", "Alder", 3, "2026-01-02") for i in range(2000)])
    run = library.process()
    run.start()
    while not library.log.unfinished("library"):
        assert run.is_alive()
    run.kill()
    run.join()
    assert len(sweep_all(library.workspace)) == 1
    (found,) = open_ones(library)
    assert found.title == "Loans: the last run failed"


def test_people_acknowledge_and_resolve_with_a_reason(library: Library) -> None:
    library.deliver(GOOD)
    library.run()
    stop_the_run(library)
    database = open_database(library.workspace)
    (found,) = open_ones(library)
    acknowledge(database, found.id, "grace", "looking", now())
    stop_the_run(library)
    (still,) = open_ones(library)
    assert (still.state, still.acknowledged_by) == ("acknowledged", "grace")
    with pytest.raises(CivicopsError, match="Say why"):
        resolve(database, found.id, "grace", " ", now())
    resolve(database, found.id, "grace", "the desk sends no dates this week", now())
    tick(library.workspace)
    assert open_ones(library) == ()  # the same failed run does not open it again
    with pytest.raises(CivicopsError, match="was resolved"):
        acknowledge(database, found.id, "grace", "", now())
    stop_the_run(library)
    assert [item.id for item in open_ones(library)] == [found.id + 1]


def test_nobody_is_alerted_of_announced_work_until_it_ends(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with WebhookSink() as sink:
        alerting(library, monkeypatch, f"json://127.0.0.1:{sink.port}/")
        library.deliver(GOOD)
        library.run()
        until = now() + timedelta(hours=2)
        announce(open_database(library.workspace), scope="library", reason="moving desks", who="grace",
                 starts_at=now() - timedelta(minutes=1), ends_at=until)  # fmt: skip
        stop_the_run(library)
        (found,) = open_ones(library)
        assert (found.maintenance, sink.messages) == ("moving desks", [])
        tick(library.workspace, until + timedelta(minutes=1))
        assert [m["title"] for m in sink.messages] == ["New [warning]: Loans: the last run failed"]


def test_silence_is_noticed(library: Library) -> None:
    library.deliver(GOOD)
    library.run()
    assert tick(library.workspace).firing == 0
    tick(library.workspace, now() + timedelta(days=3))
    (found,) = open_ones(library)
    assert (found.severity, found.signals[0].monitor_id) == ("critical", "dead_man")
    tick(library.workspace)
    assert open_ones(library) == ()


def test_an_alert_by_mail(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox() as box:
        address = f"mailto://127.0.0.1:{box.port}?from=civicops@example.org&to=grace@example.org&mode=insecure"
        alerting(library, monkeypatch, address)
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        (mail,) = box.mails
        assert mail.to == ("grace@example.org",)
        assert mail.subject == "New [warning]: Loans: the last run failed"
        assert "What to do: docs/howto/what-monitors-say.md" in mail.text


def test_a_route_that_fails_is_logged_without_its_secret_and_tried_again(
    library: Library, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with WebhookSink() as sink:
        sink.status = 500
        alerting(library, monkeypatch, f"json://grace:{CANARY}@127.0.0.1:{sink.port}/hook")
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        database = open_database(library.workspace)
        (tried,) = attempts(database)
        assert not tried.is_delivered and "LIBRARY_ALERTS" in tried.error and "500" in tried.error
        tick(library.workspace)
        assert len(attempts(database)) == 1  # not yet again
        sink.status = 200
        tick(library.workspace, now() + timedelta(minutes=6))
        assert [a.is_delivered for a in attempts(database)] == [True, False]
        out = capfd.readouterr()
        assert CANARY not in out.out + out.err
        assert CANARY not in "".join(
            p.read_text(errors="replace") for p in (library.root / "var").rglob("*") if p.is_file()
        )


def test_internal_addresses_are_refused_unless_named(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with WebhookSink() as sink:
        monkeypatch.setenv("LIBRARY_ALERTS", f"json://localhost:{sink.port}/{CANARY}")
        with (library.root / "civicops.toml").open("a") as stream:
            stream.write('\n[alerts.routes.default]\nurls = ["LIBRARY_ALERTS"]\n')
        library.deliver(GOOD)
        library.run()
        stop_the_run(library)
        assert sink.messages == []
        (tried,) = attempts(open_database(library.workspace))
        assert "leads to an internal address" in tried.error and CANARY not in tried.error


def test_openlineage_events_are_written(library: Library) -> None:
    library.deliver(GOOD)
    library.run()
    library.run()
    stop_the_run(library)
    lines = (library.root / "var" / "observe" / "openlineage.jsonl").read_text().splitlines()
    done, failed = map(json.loads, lines)
    assert [done["eventType"], failed["eventType"]] == ["COMPLETE", "FAIL"]
    assert [item["name"] for item in done["outputs"]] == ["library.branch_loans", "library.loan_list"]
    assert done["outputs"][1]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert done["inputs"][0]["name"] == "library/desk"
    assert failed["run"]["facets"]["errorMessage"]["message"]


def test_a_product_that_is_late_because_its_upstream_is_late_joins_its_incident(library: Library) -> None:
    other = library.root / "products" / "shelf"
    shutil.copytree(library.product, other)
    for path in (other / "contracts").glob("*.yaml"):
        path.write_text(path.read_text().replace("library", "shelf"))
    (other / "product.yaml").write_text((other / "product.yaml").read_text() + "reads: [library.loan_list]\n")
    library.deliver(GOOD)
    library.run()
    from civicops.orchestrate.running import run_product

    run_product(library.workspace, "shelf")
    tick(library.workspace, now() + timedelta(days=3))
    database: Database = open_database(library.workspace)
    found = incidents(database, library.workspace, now())
    assert [item.product for item in found] == ["library"]
    assert found[0].affected == ("shelf",)
    assert [event.kind for event in events(database, found[0].id)] == ["opened", "affects"]


def watched_by_day(library: Library) -> None:
    """The list of loans has the day of each, and its contract says to count by it."""
    contract = library.product / "contracts" / "loan_list.yaml"
    text = contract.read_text().replace(
        "  - {property: licence, value: CC0-1.0}\n",
        "  - {property: licence, value: CC0-1.0}\n"
        "  - {property: monitors, value: {volume: {column: changed_on, settle_days: 0}, freshness: {column: changed_on, hours: 48}}}\n",
    )
    contract.write_text(text + "      - {name: changed_on, logicalType: date, description: The day.}\n")
    (library.product / "models" / "loan_list.sql").write_text(
        "select loan_id, branch_name, days_count, changed_on from {{ source('accepted', 'loans') }}\n"
    )


def busy_days(days: int, lost: int | None = None) -> list[tuple[object, ...]]:
    """Loans of many days up to yesterday; about 60 on weekdays and 20 at weekends. `lost`: so many days ago nothing came."""
    today = now().date()
    rows: list[tuple[object, ...]] = []
    for back in range(days, 0, -1):
        day = today - timedelta(days=back)
        count = 0 if back == lost else (60 if day.weekday() < 5 else 20) + (back * 7) % 5
        rows += [(f"{day}-{i}", "Alder" if i % 2 else "Harbor", 3, day) for i in range(count)]
    return rows


def test_a_lost_day_is_found_with_what_was_expected_and_its_mending_closes_it(library: Library) -> None:
    watched_by_day(library)
    library.deliver(busy_days(90, lost=2))
    library.run()
    (found,) = [item for item in open_ones(library) if item.cause.startswith("data:")]
    assert (found.severity, found.affected) == ("critical", ("library.loan_list",))
    (said,) = [said for said in found.signals if said.monitor_id == "volume"]
    day = now().date() - timedelta(days=2)
    assert said.values["day"] == day.isoformat() and said.values["observed"] == 0
    usual = 60 if day.weekday() < 5 else 20
    assert usual * 0.8 <= said.values["expected"] <= usual * 1.2
    assert said.values["low"] > 0 and said.values["sureness"] > 0.95
    assert "expected about" in said.detail
    library.deliver(busy_days(90))
    library.run()
    assert [item for item in open_ones(library) if item.cause.startswith("data:")] == []


def test_a_typo_in_a_monitor_is_an_error_that_names_the_nearest_word(library: Library) -> None:
    (library.product / "product.yaml").write_text(
        (library.product / "product.yaml").read_text() + "monitors: {freshnes: {hours: 3}}\n"
    )
    with pytest.raises(CivicopsError, match="freshness"):
        library.workspace.product("library")
    watched_by_day(library)
    text = (library.product / "product.yaml").read_text().partition("monitors:")[0]
    (library.product / "product.yaml").write_text(text)
    contract = library.product / "contracts" / "loan_list.yaml"
    contract.write_text(contract.read_text().replace("column: changed_on, settle", "column: changed_at, settle"))
    with pytest.raises(CivicopsError, match="changed_on"):
        library.workspace.product("library")


def test_the_commands_answer_people_and_programs(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def words(*command: str, fails: bool = False) -> str:
        done = type_in(library.root, *command, CIVICOPS_USER="grace")
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    library.deliver(GOOD)
    library.run()
    stop_the_run(library)
    assert "Loans: the last run failed" in words("status")
    assert [item["title"] for item in answer(library.root, "incidents", "list")] == ["Loans: the last run failed"]
    assert "What to do:" in words("incidents", "show", "1")
    words("incidents", "ack", "1", "--note", "looking")
    shown = answer(library.root, "incidents", "show", "1")
    assert shown["incident"]["state"] == "acknowledged"
    assert [event["kind"] for event in shown["events"]] == ["opened", "acknowledged"]
    words("maintenance", "start", "library", "--hours", "1", "--reason", "moving")
    assert [item["reason"] for item in answer(library.root, "maintenance", "list")] == ["moving"]
    words("maintenance", "end", "1")
    words("incidents", "resolve", "1", "--note", "done")
    assert answer(library.root, "incidents", "list") == []
    assert answer(library.root, "observe", "tick")["firing"] == 0
    assert [line["status"] for line in answer(library.root, "history", "library")] == ["succeeded", "failed"]
    assert "100.00%" in words("history", "library.loans", "--checks")
    assert "There is no alert route 'desk'" in words("alerts", "test", "desk", fails=True)
    assert "There is no incident 9" in words("incidents", "show", "9", fails=True)
    assert answer(library.root, "alerts", "log") == []
