"""The food listings end to end: lists in, checks against a known truth, people's decisions, what is public, and the way back."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from civicops.ingest.values import SourceError
from civicops.review import asking, intake, source, taking
from civicops.review.values import ConflictError, ReviewError
from simulators.sites import Page, serve_sites
from simulators.world.listings import MadeListings
from tests.flow.listings import ANA, BEN, STELLA, Listings, decided, made_up

pytestmark = pytest.mark.xdist_group("food_listings")
CONFIRMED = {
    "confirmed_fields": "name, categories, address, phone, hours, status",
    "confirmed_none_fields": "email, food_types",
    "evidence_code": "called",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Listings, MadeListings]:
    here, made = made_up(tmp_path_factory.mktemp("food"))
    assert here.run().status == "succeeded"
    return here, made


def rows_in(here: Listings) -> set[str]:
    return {row[0] for row in here.query("SELECT listing_id FROM {listing_states}")}


def test_every_row_of_every_list_is_accounted_for(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    assert rows_in(here) == set(made.truth.place_of)


def test_checks_find_exactly_what_was_planted(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    planted: dict[str, set[str]] = {}
    for row, fault in made.truth.faults.items():
        planted.setdefault(fault, set()).add(row)
    found = {
        check: {row[0] for row in here.query(f"SELECT listing_id FROM {{findings}} WHERE check_code = '{check}'")}
        for check in ("phone_unreadable", "phone_invalid", "email_invalid", "point_missing", "closure_words")
    }
    assert found["phone_unreadable"] | found["phone_invalid"] >= planted["phone_invalid"]
    assert {
        row for row in found["phone_unreadable"] | found["phone_invalid"] if row.startswith("foodoasis")
    } == planted["phone_invalid"]
    assert found["email_invalid"] == planted["email_invalid"]
    assert {row for row in found["point_missing"] if row.startswith("foodoasis")} == planted["coordinates_zero"]
    assert found["closure_words"] == made.truth.closed
    swapped = {row[0] for row in here.query("SELECT listing_id FROM {fixes} WHERE rule_code = 'coordinates_swapped'")}
    assert swapped == planted["coordinates_swapped"]


def test_nothing_is_at_zero_and_nothing_private_or_unapproved_is_public(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    assert (
        here.query("SELECT count(*) FROM {listings} WHERE latitude = 0 OR latitude < 33 OR longitude > -117")[0][0] == 0
    )
    public = json.dumps(
        here.query("SELECT * FROM {listings}") + here.query("SELECT * FROM {listing_versions}"), default=str
    )
    assert "private" not in public and "Contact " not in public
    header, rows = made.lists["foodoasis"]
    approved = {f"foodoasis:{row[0]}" for row in rows if row[header.index("verification_status_id")] == "4"}
    assert {row[0] for row in here.query("SELECT listing_id FROM {listings}")} == approved
    contacts = {
        row[0] for row in here.query("SELECT listing_id FROM {listing_contacts} WHERE admin_contact_name IS NOT NULL")
    }
    assert contacts == {f"foodoasis:{row[0]}" for row in rows}


def test_every_fix_tells_old_and_new_and_every_change_is_a_fix(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    header, rows = made.lists["larfb"]
    raw = {f"larfb:{row[1]}": dict(zip(header, row, strict=True)) for row in rows}
    fixes = {
        (listing, field): (old, new)
        for listing, field, old, new in here.query("SELECT listing_id, field_name, old_value, new_value FROM {fixes}")
    }
    for listing, row in raw.items():
        old, new = fixes[listing, "phone_number"]
        assert old == row["phone"] and new.startswith("(")
    assert here.query("SELECT count(*) FROM {fixes} WHERE old_value = new_value")[0][0] == 0


def test_duplicates_are_those_of_the_truth_with_reasons(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    found = here.query("SELECT listing_id, other_listing_id, explanation FROM {duplicates} WHERE is_probable")
    place = made.truth.place_of
    wrong = [row for row in found if place[row[0]] != place[row[1]]]
    assert not wrong
    assert {(a, b) for a, b, _ in found} >= {tuple(sorted(pair)) for pair in made.truth.duplicates}
    assert all("same" in text or "spelled" in text or "holds" in text for _, _, text in found), found[:3]


def test_the_same_inputs_give_the_same_tables(world: tuple[Listings, MadeListings]) -> None:
    here, _ = world
    before = here.query("SELECT * FROM {listing_states} ORDER BY listing_id")
    record = here.run()
    assert record.status == "unchanged"
    assert here.query("SELECT * FROM {listing_states} ORDER BY listing_id") == before


def test_a_public_listing_goes_through_people_and_back(world: tuple[Listings, MadeListings]) -> None:
    here, _ = world
    listing, name = here.query(
        "SELECT listing_id, name FROM {listing_states} WHERE state_code = 'needs_verification' AND source_code = 'foodoasis' AND finding_count < 3 ORDER BY risk_score DESC LIMIT 1"
    )[0]
    # Submitted by one, approved by another; nobody approves their own.
    here.answer(
        "verify",
        listing,
        ANA,
        "edit",
        {"phone_number": "(213) 485-0111", "hours_text": "Every Monday 9:00 am to 11:00 am", **CONFIRMED},
    )
    here.run()
    assert here.query(f"SELECT is_public FROM {{listing_states}} WHERE listing_id = '{listing}'") == [(False,)]
    with pytest.raises(ReviewError):
        here.answer("verify", listing, ANA, "approve")
    here.answer("verify", listing, STELLA, "approve")
    here.run()
    shown = here.query(
        f"SELECT phone_number, is_verified, freshness_code, confirmed_share, version_number FROM {{listings}} WHERE listing_id = '{listing}'"
    )
    assert shown == [("(213) 485-0111", True, "fresh", 1.0, 1)]
    fields = dict(here.query(f"SELECT field_code, state_code FROM {{listing_fields}} WHERE listing_id = '{listing}'"))
    assert fields["phone"] == "confirmed" and fields["email"] == "confirmed_none"
    assert here.query(
        f"SELECT byday, CAST(opens_time AS VARCHAR) FROM {{listing_schedules}} WHERE listing_id = '{listing}'"
    ) == [("MO", "09:00:00")]
    roles = {row[0] for row in here.query("SELECT DISTINCT role_code FROM {listing_versions}")}
    assert roles <= {"import", "coordinator", "admin", "machine"} and "ana" not in json.dumps(
        here.query("SELECT * FROM {listing_versions}"), default=str
    )
    # Taken down, then an earlier version comes back as a new one.
    here.step(listing, STELLA, event_code="unpublished")
    here.run()
    assert here.query(f"SELECT public_reason_code FROM {{listing_states}} WHERE listing_id = '{listing}'") == [
        ("unpublished",)
    ]
    here.step(listing, STELLA, event_code="restored", restores_version=1)
    here.run()
    assert here.query(f"SELECT name, version_number FROM {{listings}} WHERE listing_id = '{listing}'") == [(name, 2)]
    assert here.query(
        f"SELECT version_number, restores_version, is_current FROM {{listing_versions}} WHERE listing_id = '{listing}' ORDER BY 1"
    ) == [
        (1, None, False),
        (2, 1, True),
    ]


def test_two_editors_on_one_listing(world: tuple[Listings, MadeListings]) -> None:
    here, _ = world
    listing = here.query(
        "SELECT listing_id FROM {listing_states} WHERE state_code = 'needs_verification' AND source_code = 'larfb' ORDER BY listing_id LIMIT 1"
    )[0][0]
    here.answer("verify", listing, ANA, "edit", {"phone_number": "(213) 485-0112", **CONFIRMED})
    with pytest.raises(ConflictError) as caught:
        here.answer("verify", listing, BEN, "edit", {"phone_number": "(213) 485-0113", **CONFIRMED})
    assert caught.value.changes["phone_number"] == ["(213) 485-0113", "(213) 485-0112"]


def test_a_merge_is_a_decision_and_can_be_told_apart(world: tuple[Listings, MadeListings]) -> None:
    here, made = world
    first, second = sorted(made.truth.duplicates)[0]
    public = {row[0] for row in here.query("SELECT listing_id FROM {listings}")}
    here.answer("duplicate", f"{first}|{second}", ANA, "merge", {"members": [first, second]})
    here.run()
    gone = here.query(
        f"SELECT listing_id, merged_into_id, public_reason_code FROM {{listing_states}} WHERE listing_id IN ('{first}', '{second}') AND merged_into_id IS NOT NULL"
    )
    assert len(gone) == 1 and gone[0][2] == "merged"
    assert {row[0] for row in here.query("SELECT listing_id FROM {listings}")} == public - {gone[0][0]}
    assert here.query(
        f"SELECT decision_code FROM {{duplicates}} WHERE listing_id = '{first}' AND other_listing_id = '{second}'"
    ) == [("merged",)]


def test_what_people_log_and_the_public_sends_reaches_the_product_without_who_they_are(
    world: tuple[Listings, MadeListings],
) -> None:
    here, _ = world
    due = here.query(
        "SELECT listing_id FROM {listing_states} WHERE state_code = 'needs_verification' AND source_code = 'open_la' AND NOT is_public ORDER BY 1"
    )
    (called,), (quiet,) = due[:2]
    listing, before = here.query("SELECT listing_id, demand_count FROM {listing_states} WHERE is_public ORDER BY 1")[0]
    assert before == 0
    row = f"SELECT * EXCLUDE (phone_number, version_number, approved_at, last_confirmed_at, confirmed_share, freshness_code) FROM {{listings}} WHERE listing_id = '{listing}'"
    public, known = here.query(row), rows_in(here)
    review, kind, now = here.review, here.review.kind("food_listings.verify"), datetime.now(UTC)
    numbers = {subject: asking.find(review, kind.id, subject) or 0 for subject in (called, quiet)}
    taking.contacted(review, numbers[called], ANA, "called", "voicemail", "canary of a note", now)
    taking.contacted(review, numbers[called], BEN, "called", "no_answer", "", now)
    taking.contacted(review, numbers[quiet], ANA, "called", "asked_not_to_call", "", now)
    taking.assign(review, numbers[called], BEN.name, STELLA, now)
    sent = intake.suggest(
        review, kind, {"phone_number": "(213) 485-0144"}, now=now, address="192.0.2.9", subject=listing, text="canary of a text",
        contact={"email": "canary@example.org"},
    )  # fmt: skip
    landed = json.dumps(
        [source.contacts(review, kind), source.suggestions(review, kind), source.open_tasks(review, kind)]
    )
    assert "canary" not in landed and '"ana"' not in landed and '"ben"' not in landed and "0144" not in landed
    assert here.run().status == "succeeded"
    states = "SELECT contact_attempt_count, last_outcome_code, is_do_not_call, state_code, assigned_at IS NOT NULL FROM {listing_states}"
    assert here.query(f"{states} WHERE listing_id = '{called}'") == [(2, "no_answer", False, "assigned", True)]
    (stands,) = here.query(f"{states} WHERE listing_id = '{quiet}'")
    assert stands[:3] == (1, "asked_not_to_call", True)
    demand = f"SELECT demand_count, risk_reason LIKE '%the public sent corrections%' FROM {{listing_states}} WHERE listing_id = '{listing}'"
    assert here.query(demand) == [(1, True)]
    assert asking.task(review, numbers[quiet], ANA, datetime.now(UTC)).line.state == "withdrawn", "nobody calls there"
    # The correction is judged by two people; it changes what it says and nothing else, and is no listing of its own.
    for person, outcome, value in (
        (ANA, "edit", {"confirmed_fields": "phone", "evidence_code": "called"}),
        (STELLA, "approve", None),
    ):
        decided(review, sent.task_id, person, outcome, value, datetime.now(UTC))
    assert here.run().status == "succeeded"
    assert here.query(f"SELECT phone_number FROM {{listings}} WHERE listing_id = '{listing}'") == [("(213) 485-0144",)]
    assert here.query(row) == public and rows_in(here) == known
    assert here.query(demand) == [(0, False)]
    found = intake.status(review, sent.token)
    assert found is not None and found.status == "published"


def test_a_sheet_that_is_published_as_csv_is_fetched_by_every_run(tmp_path: Path) -> None:
    with serve_sites() as sites:
        text = "Name,Street,City,Zip\nAlder Pantry,1 Mill Ln,Pomona,91766\n"
        sites.pages["/spreadsheets/pub"] = Page(location=f"{sites.url}/export")
        sites.pages["/export"] = Page(text, content_type="text/csv")
        address = f"{sites.url}/spreadsheets/pub?output=csv"
        here = Listings.at(tmp_path / "w", f'[products.food_listings.lists.plain]\nurl = "{address}"\n')
        assert here.run().status == "succeeded"
        names = here.query("SELECT name FROM {listing_states}")
        # Somebody adds a column that the layout does not know: the rows stay, and the run says so.
        sites.pages["/export"] = Page("Name,Shoe size\nBirch Pantry,42\n", content_type="text/csv")
        record = here.run()
        assert here.query("SELECT name FROM {listing_states}") == names == [("Alder Pantry",)]
        (said,) = [item["message"] for item in record.findings if item["check_id"] == "list_unreadable"]
        assert "List 'plain' keeps its last rows" in said and "Shoe size" in said


def test_an_approval_stays_when_the_list_takes_it_back(tmp_path: Path) -> None:
    """Defect 10 of the existing project: its date of approval is erased when verification begins anew."""
    here, made = made_up(tmp_path / "w", seed=3, places=12)
    here.run()
    before = here.query("SELECT listing_id, approved_at FROM {listings} ORDER BY 1")
    header, rows = made.lists["foodoasis"]
    status, date = header.index("verification_status_id"), header.index("approved_date")
    path = tmp_path / "again.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [
                header,
                *([*row[:status], "1", *row[status + 1 :]] for row in ([*r[:date], "", *r[date + 1 :]] for r in rows)),
            ]
        )
    here.add(path, "foodoasis", now=datetime.now(UTC) + timedelta(seconds=2))
    here.run()
    assert here.query("SELECT listing_id, approved_at FROM {listings} ORDER BY 1") == before and before


def test_importing_again_says_what_changes_and_changes_nothing_before(tmp_path: Path) -> None:
    here, made = made_up(tmp_path / "w", seed=4, places=10)
    header, rows = made.lists["larfb"]
    path = tmp_path / "new.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [
                header,
                *rows[2:],
                ["New Pantry", "9999", "USDA", "=1+1", "1 Mill Ln", "Pomona", "CA", "91766", ""],
                ["Second", "9998", "", "", "2 Mill Ln", "Pomona", "CA", "91766", ""],
            ]
        )
    kept = sorted((here.root / "var" / "gathered").rglob("*.ndjson"))
    contents = [file.read_bytes() for file in kept]
    done = here.preview(path, "larfb")
    assert (done.new, done.changed, done.same, done.gone, done.usable) == (1, 0, len(rows) - 2, 2, len(rows) - 1)
    assert [(p.number, "formula" in p.message) for p in done.problems] == [(len(rows) - 1, True)]
    assert [file.read_bytes() for file in kept] == contents
    with path.open("a", encoding="utf-8") as stream:
        stream.write("")
    text = path.read_text(encoding="utf-8").replace("stars", "Colour of the door")
    path.write_text(text, encoding="utf-8")
    assert done.can_be_imported and not here.preview(path, "larfb").can_be_imported
    with pytest.raises(SourceError, match="does not know the column Colour of the door"):
        here.add(path, "larfb")
    assert [file.read_bytes() for file in kept] == contents


def test_the_commands_say_what_to_do_next_and_fail_where_they_must(tmp_path: Path) -> None:
    here = Listings.at(tmp_path / "w")
    path = tmp_path / "theirs.csv"
    path.write_text(
        "Name,Street,City,Zip,Phone,E-mail\nAlder Pantry,1 Mill Ln,Pomona,91766,213-485-0100,\nBirch,=1+1,Pomona,91766,,\n",
        encoding="utf-8",
    )

    def civicops(*words: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("civicops")
        return subprocess.run([program, "import", *words], cwd=here.root, capture_output=True, text=True, check=False)

    suggested = civicops("suggest", "food_listings.source_listings", str(path), "--json")
    assert json.loads(suggested.stdout)["layout"] == "plain" and suggested.returncode == 0
    looked = civicops("preview", "food_listings.source_listings", str(path), "--layout", "plain")
    assert looked.returncode == 0 and "holds a formula" in looked.stdout and "civicops import add" in looked.stdout
    taken = civicops("add", "food_listings.source_listings", str(path), "--layout", "plain", "--list", "theirs")
    assert "1 of 2 rows are in list 'theirs'" in taken.stdout and "Next: civicops run food_listings" in taken.stdout
    path.write_text("Name,Shoe size\nAlder,42\n", encoding="utf-8")
    refused = civicops("preview", "food_listings.source_listings", str(path), "--layout", "plain")
    assert refused.returncode == 1 and "Shoe size" in refused.stdout
    wrong = civicops("add", "food_listings.findings", str(path), "--layout", "plain")
    assert wrong.returncode == 1 and "cannot be imported into" in wrong.stderr
