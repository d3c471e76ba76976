"""Ethics reviews end to end: what has none is closed everywhere, the day one ends closes it, and people are told.

Belongs here: portal, interface, site, files of releases, incidents, plans, commands. Does not belong here: what makes a review valid
(`tests/unit/govern`).
"""

from __future__ import annotations

import json
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from civicops.contracts.ethics_file import read_reviews
from civicops.observe.asking import Incident, events, incident, incidents
from civicops.observe.tables import open_database
from civicops.observe.watch import tick
from civicops.orchestrate.applying import NotApprovedError, apply_plan
from civicops.orchestrate.closing import close_releases
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.undoing import ApplyError
from civicops.release.values import Release
from tests.ethics import REVIEWER, renewed, today, write_review, write_reviews
from tests.flow.conftest import LOANS_ROWS, Library
from tests.flow.orchard import Orchard, column, plant
from tests.flow.portal_kit import PROGRAM, SECRET, Server, make_shelf, serving
from tests.flow.test_cli import answer, type_in

ENDED: dict[str, Any] = {"reviewed_on": today() - timedelta(days=400), "expires_on": today() - timedelta(days=1)}


def mode(release: Release) -> tuple[int, int]:
    return stat.S_IMODE(release.path.stat().st_mode), stat.S_IMODE(release.data.stat().st_mode)


def told(release: Release) -> tuple[str, Any]:
    mine = release.package()["civicops"]
    return mine["access"], mine["ethics_review"]


# --- releases ---


def test_a_release_without_a_review_is_for_named_people_and_a_review_opens_the_next_one(library: Library) -> None:
    path = library.product / "ethics.yaml"
    text = path.read_text()
    path.unlink()
    assert library.run().status == "succeeded"
    closed = library.releases.find("library", "loan_list")
    assert (mode(closed), told(closed)) == ((0o700, 0o400), ("restricted", None))
    path.write_text(text)
    assert library.run().status == "succeeded", "a review is something new although no row is"
    opened = library.releases.find("library", "loan_list")
    assert (mode(opened), told(opened)[0]) == ((0o755, 0o444), "public")
    assert told(opened)[1] == {
        "reviewed_on": str(today() - timedelta(days=30)), "expires_on": str(today() + timedelta(days=200)),
        "reviewers": ["rosa-example"], "decision": "approved",
    }  # fmt: skip
    assert opened.data.read_bytes() == closed.data.read_bytes()
    assert library.run().status == "unchanged"


def test_the_day_after_the_last_one_the_next_release_is_restricted_though_no_file_changed(library: Library) -> None:
    last = today() + timedelta(days=200)
    workspace = replace(library.workspace, today=last)
    assert run_product(workspace, "library").status == "succeeded"
    assert told(library.releases.find("library", "loan_list"))[0] == "public"
    assert run_product(workspace, "library").status == "unchanged"
    after = replace(library.workspace, today=last + timedelta(days=1))
    contract = after.product("library").contract("loan_list")
    assert (contract.access, contract.restricted_because) == ("restricted", f"its review ended on {last}")
    before = library.releases.find("library", "loan_list")
    assert close_releases(workspace) == 0
    assert mode(before) == (0o755, 0o444)
    assert close_releases(after) == 2
    assert mode(before) == (0o700, 0o400), "also what was published while it was public"
    assert run_product(after, "library").status == "succeeded"
    closed = library.releases.find("library", "loan_list")
    assert (mode(closed), told(closed)[0]) == ((0o700, 0o400), "restricted")
    assert close_releases(after) == 0


# --- the portal ---


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(make_shelf(tmp_path_factory.mktemp("ethics"))) as server:
        yield server


@pytest.fixture
def reviews(portal: Server) -> Iterator[Path]:
    path = portal.library.product / "ethics.yaml"
    text = path.read_text()
    yield path
    path.write_text(text)
    time.sleep(1.2)


def routes(portal: Server) -> list[str]:
    """Every address by which rows of the public dataset can be had."""
    new, old = portal.version("loan_places"), portal.version("loan_places", 1)
    catalogue = "/catalogue/library/loan_places"
    return [
        "/api/v1/datasets/library/loan_places/rows",
        f"/api/v1/datasets/library/loan_places/rows?version={old}",
        *(f"{catalogue}/{version}/loan_places.{kind}" for version in (new, old) for kind in ("csv", "parquet", "geojson")),
        f"{catalogue}/{new}/datapackage.json",
        f"{catalogue}/{new}/changes/",
    ]  # fmt: skip


@pytest.mark.xdist_group("portal")
def test_a_review_that_ends_closes_every_route_at_once(portal: Server, reviews: Path) -> None:
    open_ones = routes(portal)
    before = {path: portal.get(path).status_code for path in open_ones}
    assert set(before.values()) <= {200, 202}, before
    assert "loan_list" in portal.get("/p/library/lending/files/names.json").text
    page = portal.get("/catalogue/library/loan_places/").text
    assert "Why it is public" in page and "It never leaves the machine." in page and "rosa-example" in page
    write_review(portal.library.product, **ENDED)
    time.sleep(1.2)
    after = {path: portal.get(path).status_code for path in open_ones}
    assert set(after.values()) == {403}, after
    assert {portal.get(path, "steward").status_code for path in open_ones} <= {200, 202}
    page = portal.get("/catalogue/library/loan_places/").text
    assert "Not public" in page and "Why it is public" not in page and "its review ended on" not in page
    assert (
        f"its review ended on {ENDED['expires_on']}"
        in portal.get("/catalogue/library/loan_places/", "contributor").text
    )
    listed = {item["dataset"]: item["access"] for item in portal.get("/api/v1/datasets").json()["datasets"]}
    assert listed["loan_places"] == "restricted"
    # What the page had built from public releases is not served from before.
    assert portal.get("/p/library/lending/files/names.json").status_code == 404
    chart = portal.get("/p/library/lending/")
    assert chart.status_code == 403 and "not public at the moment" in chart.text and "Alder" not in chart.text
    assert "no ethics review allows" in portal.get("/p/library/lending/", "contributor").text


@pytest.mark.xdist_group("portal")
def test_a_new_column_about_people_closes_it_and_a_refusal_too(portal: Server, reviews: Path) -> None:
    address = "/api/v1/datasets/library/loan_places/rows"
    contract = portal.library.product / "contracts" / "loan_places.yaml"
    text = contract.read_text()
    try:
        word = "name: branch_name, logicalType: string,"
        contract.write_text(text.replace(word, f"{word} classification: location,"))
        time.sleep(1.2)
        assert portal.get(address).status_code == 403
        why = portal.get("/catalogue/library/loan_places/", "contributor").text
        assert "the column &#x27;branch_name&#x27; about people (location) came in" in why
        assert portal.get("/api/v1/datasets/library/branch_loans/rows").status_code == 200, "the other one is as it was"
    finally:
        contract.write_text(text)
    write_review(portal.library.product, decision="refused")
    time.sleep(1.2)
    assert portal.get(address).status_code == 403


@pytest.mark.xdist_group("portal")
def test_a_file_of_reviews_with_faults_opens_nothing(portal: Server, reviews: Path) -> None:
    reviews.write_text("reviews: [\n")
    time.sleep(1.2)
    assert portal.get("/api/v1/datasets/library/loan_places/rows").status_code == 404


def test_a_static_site_leaves_out_what_has_no_valid_review(tmp_path: Path) -> None:
    shelf = make_shelf(tmp_path / "shelf")
    write_review(shelf.product, ["loan_list"])
    done = subprocess.run(
        [*PROGRAM, "export", "site", str(tmp_path / "site")],
        cwd=shelf.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (
        "The page library/lending is closed: no ethics review allows branch_loans, loan_places to be public now."
        in done.stdout
    )
    names = {path.name for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert any(name.startswith("loan_list") and name.endswith(".parquet") for name in names)
    assert not {name for name in names if name.startswith(("loan_places", "branch_loans", "members")) and "." in name}
    assert "not public at the moment" in (tmp_path / "site" / "p" / "library" / "lending" / "index.html").read_text()
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file())


# --- incidents ---


def ethics_incidents(library: Library, now: datetime) -> list[Incident]:
    database = open_database(library.workspace)
    return [item for item in incidents(database, library.workspace, now, every=True) if item.cause == "ethics"]


def test_the_end_of_a_review_opens_one_incident_that_a_new_one_closes(library: Library) -> None:
    library.run()
    now = datetime.now(UTC)
    end = today() + timedelta(days=200)

    def at(days: int) -> list[Incident]:
        moment = datetime.combine(end + timedelta(days=days), now.time(), UTC)
        tick(library.workspace, moment)
        return ethics_incidents(library, moment)

    assert at(-31) == []
    (early,) = at(-30)
    assert (early.severity, early.state) == ("warning", "open")
    assert early.title == "Loans: an ethics review ends in 30 days"
    (last,) = at(0)
    assert (last.id, last.severity) == (early.id, "warning")
    (over,) = at(1)
    assert (over.id, over.severity) == (early.id, "critical")
    assert over.title == "Loans: 2 datasets have no valid ethics review and cannot be public"
    (again,) = at(2)
    assert again.id == early.id
    write_review(library.product, reviewed_on=end, expires_on=end + timedelta(days=365))
    (closed,) = at(2)
    assert (closed.id, closed.state) == (early.id, "resolved")
    kinds = [event.kind for event in events(open_database(library.workspace), early.id)]
    assert kinds == ["opened", "worse", "resolved"]


def test_a_released_dataset_that_says_public_without_a_review_is_an_incident_after_its_run(library: Library) -> None:
    (library.product / "ethics.yaml").unlink()
    library.run()
    (found,) = ethics_incidents(library, datetime.now(UTC))
    assert (found.severity, found.state) == ("critical", "open")
    shown = incident(open_database(library.workspace), library.workspace, found.id, datetime.now(UTC))
    assert "loan_list is restricted: no ethics review covers it." in shown.signals[0].detail
    assert shown.runbook == "An ethics review has ended or is missing"
    assert "## An ethics review has ended or is missing" in (
        Path(__file__).parents[2] / "docs" / "howto" / "what-monitors-say.md"
    ).read_text(encoding="utf-8")
    write_reviews(library.root)
    library.run()
    (found,) = ethics_incidents(library, datetime.now(UTC))
    assert found.state == "resolved"


# --- plans ---


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    return plant(tmp_path_factory.mktemp("reviewed") / "one")


@pytest.fixture
def orchard(planted: Orchard, tmp_path: Path) -> Orchard:
    return planted.copy(tmp_path / "orchard")


@pytest.mark.xdist_group("change")
def test_losing_the_review_breaks_readers_and_getting_one_back_does_not(orchard: Orchard) -> None:
    path = orchard.root / "products" / "parks" / "ethics.yaml"
    text = path.read_text()
    path.unlink()
    plan = make_plan(orchard.workspace)
    assert not plan.problems, "the contract says what it said, so its version stays"
    graded = {one.contract: one for one in plan.contracts}
    assert set(graded) == {"parks.parks", "parks.counts"}
    lost = graded["parks.parks"].changes[0]
    assert (lost.what, lost.consumers, lost.before) == ("ethics review", "breaking", "public")
    assert lost.after == "restricted: no ethics review covers it"
    assert any(one.who == "cleo-example" for one in plan.approvals)
    assert {effect.dataset for effect in plan.releases if not effect.is_same} == {"parks.parks", "parks.counts"}
    apply_plan(orchard.workspace, plan, approved=[one.who for one in plan.approvals])
    assert told(orchard.store.find("parks", "parks"))[0] == "restricted"
    orchard.commit("no review")
    path.write_text(text)
    back = make_plan(orchard.workspace)
    assert {(c.what, c.consumers, c.producers) for one in back.contracts for c in one.changes} == {
        ("ethics review", "additive", "additive")
    }
    # Whoever wrote the file wrote the names; that it is their word, only they can say.
    why = {one.who: one.why for one in back.approvals}
    reviewers = {name for one in back_reviews(orchard) for name in one}
    assert reviewers and reviewers <= set(why)
    assert all(
        any("is named as reviewer of the ethics of parks.parks" in line for line in why[name]) for name in reviewers
    )
    assert any("owns parks.parks, which everybody may read with that review" in line for line in why["cleo-example"])
    with pytest.raises(NotApprovedError):
        apply_plan(orchard.workspace, back, approved=["cleo-example"])
    apply_plan(orchard.workspace, back, approved=[one.who for one in back.approvals])
    assert told(orchard.store.find("parks", "parks"))[0] == "public"


def back_reviews(orchard: Orchard) -> list[tuple[str, ...]]:
    return [one.reviewed.reviewers for one in orchard.workspace.product("parks").published if one.reviewed]


@pytest.mark.xdist_group("change")
def test_a_reviewer_whom_nobody_knows_opens_nothing(orchard: Orchard) -> None:
    path = orchard.root / "products" / "parks" / "ethics.yaml"
    text = path.read_text()
    people = [{"username": name} for name in ("ada-example", "ben-example", "cleo-example")]
    (orchard.root / "people.yaml").write_text(yaml.safe_dump({"people": people}), encoding="utf-8")
    path.unlink()
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=["ada-example", "ben-example", "cleo-example"])
    orchard.commit("no review, and people")
    path.write_text(text.replace(REVIEWER, "ghost-nobody"), encoding="utf-8")
    assert "ghost-nobody" in path.read_text()
    plan = make_plan(orchard.workspace)
    assert "parks.parks: ghost-nobody is named as reviewer of its ethics and is not in people.yaml" in plan.problems
    with pytest.raises(ApplyError, match="ghost-nobody"):
        apply_plan(orchard.workspace, plan, approved=[one.who for one in plan.approvals])
    assert told(orchard.store.find("parks", "parks"))[0] == "restricted"


@pytest.mark.xdist_group("change")
def test_a_column_about_people_without_a_new_review_is_planned_as_the_loss_it_is(orchard: Orchard) -> None:
    data = orchard.read("parks.counts")
    data["schema"][0]["properties"].append(column("ranger_area", classification="location"))
    orchard.write("parks.counts", data, "1.1.0")
    orchard.model(
        "parks/models/counts.sql",
        "SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) AS dead_count, 'north' AS ranger_area\n"
        "FROM {{ source('release', 'shade__shade') }}\n",
    )
    graded = {c.what: c for one in make_plan(orchard.workspace).contracts for c in one.changes}
    assert graded["ethics review"].consumers == "breaking"
    assert "the column 'ranger_area' about people (location) came in" in graded["ethics review"].after
    write_review(orchard.root / "products" / "parks")
    assert "ethics review" not in {c.what for one in make_plan(orchard.workspace).contracts for c in one.changes}
    write_review(orchard.root / "products" / "parks", expires_on=today() + timedelta(days=300))
    graded = {c.what: c for one in make_plan(orchard.workspace).contracts for c in one.changes}
    assert graded["ethics review"].consumers == graded["ethics review"].producers == "cosmetic"


# --- commands ---


def test_the_list_says_what_is_missing_and_fails(library: Library) -> None:
    assert type_in(library.root, "ethics").returncode == 0
    write_review(library.product, ["loan_list"])
    done = type_in(library.root, "ethics")
    assert done.returncode == 1
    assert "library.branch_loans says public and is restricted" in done.stdout
    assert done.stdout.rstrip().endswith("Next: civicops ethics new library")
    done = type_in(library.root, "ethics", "--json")
    found = {item["dataset"]: item for item in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["library.branch_loans"]["missing"] == ["no ethics review covers it"]
    assert found["library.branch_loans"]["effective"] == "restricted"
    assert found["library.loan_list"]["effective"] == found["library.loan_list"]["declared"] == "public"
    assert found["library.loan_list"]["reviewers"] == ["rosa-example"]


def test_a_form_is_written_filled_in_and_then_counts(library: Library) -> None:
    path = library.product / "ethics.yaml"
    before = write_review(library.product, ["loan_list"]).read_text()
    begun = answer(library.root, "ethics", "new", "library")
    assert begun["datasets"] == ["branch_loans"]
    text = path.read_text()
    assert text.startswith(before), "nothing that was there is changed"
    done = type_in(library.root, "ethics")
    assert done.returncode == 1
    number = next(n for n, line in enumerate(text.splitlines(), 1) if 'purpose: "?"' in line)
    assert f"ethics.yaml:{number}: 'purpose' is not answered yet" in done.stdout
    assert "Next: answer what is missing in the ethics.yaml of library" in done.stdout
    again = type_in(library.root, "ethics", "new", "library", "branch_loans")
    assert again.returncode == 1 and "is begun already" in again.stderr and str(number) in again.stderr
    assert path.read_text() == text
    text = text.replace('reviewers: ["?"]', "reviewers: [rosa-example]").replace('decision: "?"', "decision: approved")
    path.write_text(text.replace('"?"', "An answer in a sentence of its own."))
    assert type_in(library.root, "ethics").returncode == 0
    # Round trip: what the form says of the contracts is what the review covers, and it is a year long.
    made = read_reviews(path, library.workspace.product("library").contracts).finished[-1]
    assert [one.dataset for one in made.covers] == ["branch_loans"]
    assert (made.reviewed_on, made.expires_on) == (today(), today() + timedelta(days=365))


def test_a_form_for_nothing_or_for_what_is_not_there_is_refused(library: Library) -> None:
    library.deliver(LOANS_ROWS)
    done = type_in(library.root, "ethics", "new", "library", "loan_lst")
    assert done.returncode == 1 and "loan_list" in done.stderr
    done = type_in(library.root, "ethics", "new", "library", "loans")
    assert done.returncode == 1 and "never released" in done.stderr
    assert type_in(library.root, "ethics", "new", "libary").returncode == 1


def test_a_copied_product_is_renewed_for_tests(library: Library) -> None:
    write_review(library.product, **ENDED)
    renewed(library.product)
    assert all(one.access == "public" for one in library.workspace.product("library").published)
