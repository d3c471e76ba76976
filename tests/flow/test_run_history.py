"""The history of runs as a product: what it publishes, and that it comes to rest."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from civicops.errors import CivicopsError
from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.runs import RunRecord
from tests.flow.conftest import LOANS_ROWS, Library
from tests.flow.test_observe import stop_the_run
from tools.setup_env import ROOT

PRODUCT = "run_history"


def told(library: Library) -> RunRecord:
    return run_product(library.workspace, PRODUCT)


def asked(library: Library, sql: str) -> list[tuple[object, ...]]:
    releases = ReleaseStore(library.root / "var" / "releases").snapshot(PRODUCT)
    with duckdb.connect() as con:
        return con.execute(sql.format(**{name: f"'{item.data}'" for name, item in releases.items()})).fetchall()


def test_every_run_is_published_with_its_counts_and_pass_rates(library: Library) -> None:
    shutil.copytree(ROOT / "products" / PRODUCT, library.root / "products" / PRODUCT)
    with pytest.raises(CivicopsError, match="There is no file or folder"):
        told(library)
    stop_the_run(library)  # a failed run alone: many fields are in no line yet
    assert told(library).status == "succeeded"
    assert asked(library, "SELECT status_code, broken_check_count FROM {runs}") == [("failed", 2)]

    library.deliver(LOANS_ROWS)
    record = library.run(full=True)
    library.run()
    assert told(library).status == "succeeded"
    assert told(library).status == "unchanged", "its own runs do not keep it going"
    found = asked(library, "SELECT status_code, product_name FROM {runs} ORDER BY ended_at")
    assert found == [("failed", "library"), ("succeeded", "library"), ("unchanged", "library")]
    found = asked(
        library, f"SELECT * EXCLUDE (run_id, ended_at, duration_seconds) FROM {{runs}} WHERE run_id = '{record.run_id}'"
    )
    assert found[0][:4] == ("library", "succeeded", "command", 4)
    found = asked(
        library,
        "SELECT input_row_count, accepted_row_count, quarantined_row_count, ignored_row_count FROM {dataset_runs} "
        "WHERE dataset_name = 'loans' AND status_code = 'succeeded'",
    )
    assert found == [(4, 3, 1, 0)]
    found = asked(
        library,
        "SELECT published_row_count, size_bytes, release_version FROM {dataset_runs} WHERE dataset_name = 'loan_list'",
    )
    release = library.releases.find("library", "loan_list")
    assert found == [(3, release.data.stat().st_size, release.version)]
    sql = f"SELECT broken_row_count, pass_share FROM {{check_results}} WHERE check_id = 'branch_known' AND run_id = '{record.run_id}'"
    found = asked(library, sql)
    assert found == [(1, 0.75)]

    # A machine that stopped in the middle of a line costs that line only, and says so.
    (lines,) = (library.root / "var" / "observe" / "history" / "library").glob("runs-*.jsonl")
    with lines.open("a") as stream:
        stream.write('{"at":"2026-01-01T00:00:00+00:00","run_id":"half')
    record = told(library)
    assert record.status == "succeeded"
    (note,) = [item for item in record.datasets if item["dataset"] == "run_lines"]
    assert (note["quarantined"], note["missing"]) == (1, 0)
    assert asked(library, "SELECT count(*) FROM {runs}") == [(3,)]
