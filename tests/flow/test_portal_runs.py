"""Runs in the portal: what each did, rules over time, and the rows that an old run held back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.conftest import LOANS_ROWS, Library, make_library
from tests.flow.portal_kit import Server, serving
from tests.flow.test_cli import answer, type_in
from tests.flow.test_observe import stop_the_run

pytestmark = pytest.mark.xdist_group("portal")
RAW = "<b>Quay</b>"
"""An unknown branch, as the source wrote it."""


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Four runs: one holds a row back, one is told of the branch and lets it in, one finds nothing new, one fails."""
    library = make_library(tmp_path_factory.mktemp("runs"))
    library.deliver([*LOANS_ROWS[:3], ("l4", RAW, 7, "2026-01-02")])
    library.run()
    with (library.product / "lookups" / "branches.csv").open("a") as stream:
        stream.write(f"{RAW}\n")
    library.run()
    library.run()
    stop_the_run(library)
    return library


@pytest.fixture(scope="module")
def portal(mended: Library) -> Iterator[Server]:
    with serving(mended) as server:
        yield server


def first_run(library: Library) -> str:
    return list(library.log.runs("library"))[-1].run_id


def test_runs_are_for_contributors_and_rows_for_stewards(portal: Server, mended: Library) -> None:
    pages = [
        "/products/library/runs/",
        "/products/library/runs/rules.json",
        f"/products/library/runs/{first_run(mended)}/",
    ]
    for path in pages:
        assert portal.get(path).status_code == 302
        assert portal.get(path, "viewer").status_code == 403
        assert portal.get(path, "contributor").status_code == 200
    held = f"{pages[2]}held/loans/"
    assert portal.get(held, "contributor").status_code == 403
    assert portal.get(held, "steward").status_code == 200
    for path in ("nothing/runs/", "library/runs/nothing.json", "library/runs/20260101T000000Z-library-abc/",
                 "library/runs/..%2F..%2Flast%2Flibrary/", f"library/runs/{first_run(mended)}/held/nothing/"):  # fmt: skip
        assert portal.get(f"/products/{path}", "admin").status_code == 404


def test_the_list_shows_every_run_and_leads_to_what_it_did(portal: Server, mended: Library) -> None:
    assert "products/library/runs" not in portal.get("/products/library/").text
    assert 'href="runs/"' in portal.get("/products/library/", "contributor").text
    page = portal.get("/products/library/runs/?page=7", "contributor").text
    assert re.findall(r"</span>(succeeded|failed|nothing new)</span>", page) == [
        "failed", "nothing new", "succeeded", "succeeded",
    ]  # fmt: skip
    first = portal.get(f"/products/library/runs/{first_run(mended)}/", "steward").text
    assert "The branch is one of ours." in first and "75.00 %" in first and ">1 rows</a>" in first
    failed = next(mended.log.runs("library"))
    assert failed.message[:40] in portal.get(f"/products/library/runs/{failed.run_id}/", "contributor").text


def test_pass_rates_are_drawn_over_time(portal: Server) -> None:
    spec = json.loads(portal.get("/products/library/runs/rules.json", "contributor").text)
    rates = [point["share"] for point in values(spec) if point["name"] == "loans: branch_known"]
    assert rates[:2] == [0.75, 1.0]
    spec = json.loads(portal.get("/products/library/runs/held.json", "contributor").text)
    assert [point["share"] for point in values(spec)][:2] == [0.25, 0.0]


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for rows in spec["datasets"].values() for row in rows]


def test_rows_of_an_old_run_stay_though_they_were_let_in_since(portal: Server, mended: Library) -> None:
    now = answer(mended.root, "quarantine", "show", "library.loans")
    assert RAW not in [row["raw"]["branch_name"] for row in now]
    run = first_run(mended)
    (row,) = answer(mended.root, "quarantine", "show", "library.loans", "--run", run)
    assert row["raw"]["branch_name"] == RAW and row["checks"] == ["branch_known"]
    found: httpx.Response = portal.get(f"/products/library/runs/{run}/held/loans/?check=branch_known", "steward")
    assert "&lt;b&gt;Quay&lt;/b&gt;" in found.text and RAW not in found.text
    assert "no-store" in found.headers["Cache-Control"]
    assert "None are here" in portal.get(f"/products/library/runs/{run}/held/loans/?check=other", "steward").text


def test_status_tells_everything_about_one_run(mended: Library) -> None:
    run = first_run(mended)
    assert answer(mended.root, "status", "--run", run)["datasets"][0]["quarantined"] == 1
    said = type_in(mended.root, "status", "library", "--run", run)
    assert said.returncode == 0 and "branch_known" in said.stdout
    assert f"civicops quarantine show library.loans --run {run}" in said.stdout
    wrong = type_in(mended.root, "status", "--run", "../../etc/passwd")
    assert wrong.returncode == 1 and "There is no run" in wrong.stderr
