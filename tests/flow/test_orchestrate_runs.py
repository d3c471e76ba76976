"""A product from its source to its releases, and everything that can come in between.

Belongs here: whole runs of a small product. Does not belong here: the 311 product (`tests/flow/test_requests_311.py`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from civicops.contracts import ContractFileError
from civicops.errors import CivicopsError
from civicops.orchestrate.diagnosing import diagnose_product
from civicops.orchestrate.locks import BusyError
from civicops.orchestrate.quarantine import held_counts, held_rows, release_held
from civicops.orchestrate.steps import StoppedError
from civicops.orchestrate.sweeping import sweep_all
from tests.duck import asked
from tests.flow.conftest import LOANS_ROWS, Library, make_library, many_loans

KILLS = int(os.environ.get("CIVICOPS_KILLS", "25"))


def rows(library: Library, dataset: str) -> list[tuple[object, ...]]:
    return asked(f"SELECT * FROM '{library.releases.find('library', dataset).data}' ORDER BY ALL")


def test_from_the_source_to_the_release_every_row_is_accounted_for(library: Library) -> None:
    record = library.run()
    assert record.status == "succeeded"
    assert rows(library, "branch_loans") == [("Alder", 2, 21), ("Harbor", 1, 21)]
    loans = next(item for item in record.datasets if item["dataset"] == "loans")
    assert (loans["rows_in"], loans["accepted"], loans["quarantined"], loans["missing"]) == (4, 3, 1, 0)
    package = library.releases.find("library", "branch_loans").package()
    assert package["civicops"]["conservation"]["rows_in"] == 4
    assert package["civicops"]["run"] == record.run_id or record.run_id in json.dumps(package)


def test_a_run_with_nothing_new_rebuilds_nothing(library: Library) -> None:
    library.run()
    before = {path: path.stat().st_mtime_ns for path in (library.root / "var").rglob("*.parquet")}
    record = library.run()
    assert record.status == "unchanged"
    assert {path: path.stat().st_mtime_ns for path in (library.root / "var").rglob("*.parquet")} == before
    assert set(record.steps) == {"fetch"}


def test_a_changed_model_is_something_new(library: Library) -> None:
    library.run()
    model = library.product / "models" / "branch_loans.sql"
    model.write_text(model.read_text().replace("sum(days_count)", "max(days_count)"))
    assert library.run().status == "succeeded"
    assert rows(library, "branch_loans") == [("Alder", 2, 14), ("Harbor", 1, 21)]


def test_the_same_inputs_give_the_same_bytes(library: Library, tmp_path_factory: pytest.TempPathFactory) -> None:
    library.run()
    other = make_library(tmp_path_factory.mktemp("other"))
    other.deliver(list(reversed(LOANS_ROWS)))
    other.run()
    assert other.hashes() == library.hashes()


def test_a_newer_version_of_a_row_replaces_it(library: Library) -> None:
    library.run()
    library.deliver([*LOANS_ROWS, ("l1", "Harbor", 9, "2026-02-01"), ("l2", "Harbor", 1, "2025-01-01")])
    record = library.run()
    assert rows(library, "loan_list") == [("l1", "Harbor", 9), ("l2", "Alder", 14), ("l3", "Harbor", 21)]
    loans = next(item for item in record.datasets if item["dataset"] == "loans")
    assert sum(loans["ignored"].values()) == 2
    assert loans["missing"] == 0


def test_held_rows_are_let_in_once_after_the_lookup_is_mended(library: Library) -> None:
    library.run()
    assert [(item.check_id, item.rows) for item in held_counts(library.workspace, "library")] == [("branch_known", 1)]
    held = held_rows(library.workspace, "library", "loans")
    assert held[0].raw == {"loan_id": "l4", "branch_name": "Quay", "days_count": "7", "changed_on": "2026-01-02"}
    (library.product / "lookups" / "branches.csv").write_text("branch_name\nAlder\nHarbor\nQuay\n")
    first = release_held(library.workspace, "library")
    assert [(item.dataset, item.before, item.after, item.released) for item in first.datasets] == [("loans", 1, 0, 1)]
    assert ("Quay", 1, 7) in rows(library, "branch_loans")
    second = release_held(library.workspace, "library")
    assert second.run.status == "unchanged"
    assert [item.released for item in second.datasets] == [0]
    assert ("Quay", 1, 7) in rows(library, "branch_loans")


def test_a_check_that_stops_leaves_the_last_release_in_place(library: Library) -> None:
    library.run()
    before = library.hashes()
    library.deliver([(f"x{i}", "Nowhere", 1, "2026-01-01") for i in range(9)])
    with pytest.raises(StoppedError, match="few_held_back"):
        library.run()
    assert library.hashes() == before
    failed = next(library.log.runs("library"))
    assert (failed.status, "few_held_back" in failed.message) == ("failed", True)
    found = {item.what: item.mark for item in diagnose_product(library.workspace, "library")}
    assert found["last run"] == "bad"


def test_a_missing_required_column_stops_before_anything_is_published(library: Library) -> None:
    library.run()
    before = library.hashes()
    library.deliver([("Alder", 7, "2026-01-01")], header="branch_name,days_count,changed_on")
    with pytest.raises(StoppedError, match="loan_id"):
        library.run()
    assert library.hashes() == before


def test_a_new_column_is_a_counted_finding_and_does_not_stop(library: Library) -> None:
    library.deliver([(*row, "x") for row in LOANS_ROWS], header="loan_id,branch_name,days_count,changed_on,mood")
    record = library.run()
    loans = next(item for item in record.datasets if item["dataset"] == "loans")
    assert [(finding["check_id"], finding["count"]) for finding in loans["findings"]] == [("column_unknown", 4)]


def test_rows_that_cannot_be_read_are_held_back_with_their_text(library: Library) -> None:
    library.deliver(LOANS_ROWS)
    path = library.root / "downloads" / "loans.csv"
    path.write_bytes(path.read_bytes() + b"l9,Alder\r\n")
    record = library.run()
    loans = next(item for item in record.datasets if item["dataset"] == "loans")
    assert (loans["rows_in"], loans["accepted"], loans["quarantined"]) == (5, 3, 2)
    assert any("l9,Alder" in json.dumps(row.raw) for row in held_rows(library.workspace, "library", "loans"))


def test_a_model_without_its_table_is_said_in_a_sentence(library: Library) -> None:
    (library.product / "models" / "branch_loans.sql").unlink()
    with pytest.raises(CivicopsError, match=r"branch_loans has a contract but no model"):
        library.run()
    assert library.hashes() == {}


def test_a_broken_model_is_named_with_its_file(library: Library) -> None:
    (library.product / "models" / "branch_loans.sql").write_text("select nonsense from {{ ref('loan_list') }}")
    with pytest.raises(CivicopsError, match="branch_loans") as caught:
        library.run()
    assert "nonsense" in str(caught.value)


def test_a_fault_in_a_contract_is_found_before_anything_is_fetched(library: Library) -> None:
    path = library.product / "contracts" / "loans.yaml"
    path.write_text(path.read_text().replace("quarantine_share", "quarantin_share"))
    with pytest.raises(ContractFileError, match="did you mean 'quarantine_share'"):
        library.run()
    assert not (library.root / "var" / "landing").exists()


def test_two_runs_at_once_the_second_is_refused_or_waits(library: Library) -> None:
    first = library.process()
    first.start()
    while not list((library.root / "var").glob("runs/*/*.json")):
        time.sleep(0.01)
    with pytest.raises(BusyError, match="is being run already"):
        library.run()
    record = library.run(wait=60)
    first.join()
    assert first.exitcode == 0
    assert record.status == "unchanged"


def test_a_killed_run_is_shown_as_failed_and_its_lock_is_free(library: Library) -> None:
    child = library.process()
    child.start()
    while not list((library.root / "var").glob("runs/*/*.json")):
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert next(library.log.runs("library")).status == "running"
    failed = sweep_all(library.workspace)
    assert len(failed) == 1
    killed = next(library.log.runs("library"))
    assert (killed.status, "gone" in killed.message) == ("failed", True)
    assert library.run().status == "succeeded"


def test_a_dead_run_is_failed_in_dagsters_history_too(library: Library) -> None:
    from dagster import DagsterRunStatus

    from civicops.orchestrate.dagster_home import open_instance

    child = library.process()
    child.start()
    with open_instance(library.workspace) as instance:
        while not any(run.status == DagsterRunStatus.STARTED for run in instance.get_runs()) and child.is_alive():
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        sweep_all(library.workspace, instance)
        assert {run.status for run in instance.get_runs()} == {DagsterRunStatus.FAILURE}


def test_runs_from_the_command_line_stand_in_dagsters_history_with_their_checks(library: Library) -> None:
    from dagster import AssetKey

    from civicops.orchestrate.dagster_home import open_instance

    record = library.run()
    with open_instance(library.workspace) as instance:
        assert [run.run_id for run in instance.get_runs()] == [record.dagster_run_id]
        event = instance.get_latest_materialization_event(AssetKey(["library", "accepted", "loans"]))
        assert event is not None
        metadata = event.asset_materialization.metadata
        assert (metadata["rows_in"].value, metadata["quarantined"].value) == (4, 1)
        events = [
            item.event_log_entry.dagster_event
            for item in instance.get_records_for_run(str(record.dagster_run_id)).records
        ]
        checks = [
            event.asset_check_evaluation_data
            for event in events
            if event is not None and event.event_type_value == "ASSET_CHECK_EVALUATION"
        ]
        held = next(check for check in checks if check.check_name == "no_row_held_back")
        assert (held.passed, held.metadata["branch_known"].value, held.metadata["loan_id_required"].value) == (
            False,
            1,
            0,
        )


def test_killed_at_any_moment_the_next_run_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """Law 6. CIVICOPS_KILLS says how many moments; some runs are killed several times in a row before one may end."""
    dice = random.Random(20260101)
    steady, shaken = make_library(tmp_path / "steady"), make_library(tmp_path / "shaken")
    seconds = 3.0
    kills = landed = 0
    for turn in range(max(1, KILLS // 5)):
        loans = many_loans(turn)
        for library in (steady, shaken):
            library.deliver(loans, name=f"loans{turn % 3}.csv")
        began = time.monotonic()
        steady.run()
        seconds = max(0.5, time.monotonic() - began)
        for _ in range(5):
            before = shaken.hashes()
            child = shaken.process()
            child.start()
            child.join(dice.uniform(0, seconds * 1.1))
            if child.is_alive():
                os.kill(child.pid, signal.SIGKILL)
                kills += 1
            child.join()
            after = shaken.hashes()  # reads every current release: each is whole
            landed += after != before
            assert set(after) in ({"branch_loans", "loan_list"}, set())
        shaken.run()
        assert shaken.hashes() == steady.hashes()
    assert kills >= KILLS // 2


def test_a_read_only_folder_is_a_sentence_and_changes_nothing(library: Library) -> None:
    if os.geteuid() == 0:
        command = "chattr"  # permissions do not bind root; the flow with a full disk covers writing for root
        assert command
    library.run()
    before = library.hashes()
    unreadable = library.root / "downloads" / "loans.csv"
    unreadable.unlink()
    unreadable.mkdir()
    (unreadable / "x").write_text("")
    with pytest.raises(CivicopsError):
        library.run()
    assert library.hashes() == before
