"""The part of `make demo` about food listings: three lists come in, people verify one listing, a stranger corrects another, both
are published, one is taken back, and the log proves who decided.

Belongs here: the lists and the geocoder of the made-up city, what is decided, and what is printed of it. Does not belong
here: the rest of the demo.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from civicops.release.store import ReleaseStore
from civicops.review import asking, intake, taking
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.people import Person
from civicops.review.room import open_review
from civicops.review.values import TaskDraft
from civicops.workspace import Workspace
from simulators.sites import Sites, serve_sites
from simulators.world.listings import make_listings

PRODUCT = "food_listings"
BEN = Person("ben", "contributor")
"""Answers where chance wants a second answer, so that agreement can be measured."""
ANA, STELLA = Person("ana", "contributor"), Person("stella", "steward")


@contextmanager
def made_up_lists(home: Path) -> Iterator[Sites]:
    """The lists of the made-up city as files, and a geocoder that knows its addresses."""
    approved = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%d %H:%M:%S+00")
    made = make_listings(7, 120, approved)
    made.write(home / "food_lists")
    words = {
        "Street": "St",
        "Boulevard": "Blvd",
        "Road": "Rd",
        "Avenue": "Ave",
        "Drive": "Dr",
        "Place": "Pl",
        "Lane": "Ln",
    }
    with serve_sites() as sites:
        for place in made.places:
            street = " ".join(words.get(word, word) for word in place.street.split())
            sites.points[f"{street.lower()}|{place.zip}"] = (place.latitude, place.longitude)
        yield sites


def settings(sites: Sites) -> list[str]:
    """The lines of civicops.toml that point the product at them."""
    lines = ["", f"[products.{PRODUCT}.geocoding]", 'use = ["census"]', f'census_url = "{sites.url}"']
    for name in ("foodoasis", "larfb", "open_la"):
        lines += ["", f"[products.{PRODUCT}.lists.{name}]", f'path = "food_lists/{name}.csv"']
    return lines


def story(home: Path, run: Callable[[], int], civicops: Callable[..., str]) -> bool:
    """What people do with listings after an import, and what comes of it. True when each step showed.

    `run` runs the product; `civicops` runs a command and gives what it printed.
    """
    print(f"== {PRODUCT}: three lists were imported and checked, and people were asked")
    for line, sql in _IMPORTED:
        print(f"  {line}: {', '.join(str(value) for value in _rows(home, sql)[0])}")
    review = open_review(Workspace.find(home))
    waiting = [
        len(asking.tasks(review, datetime.now(UTC), kinds=[f"{PRODUCT}.{kind}"], limit=10_000))
        for kind in ("verify", "duplicate")
    ]
    print(f"  tasks: is this listing right, are these two one place: {waiting[0]}, {waiting[1]}")
    listing, name, phone, risk = _rows(home, _DUE)[0]
    print(f"== {PRODUCT}: ana calls {name} ({listing}), which is due because it is {risk}")
    confirmed = {
        "confirmed_fields": "name, categories, address, phone, hours, status",
        "confirmed_none_fields": "email, food_types",
        "evidence_code": "called",
    }
    _answer(home, "verify", listing, ANA, "edit", {"phone_number": "(213) 485-0123", **confirmed})
    print(f"  ana submits another phone, (213) 485-0123 in place of {phone}; stella, who did not enter it, approves")
    _answer(home, "verify", listing, STELLA, "approve", None)
    correction = _correct(home, listing)
    good = run() == 0 and _rows(home, _SHOWN.format(listing=listing)) == [("(213) 485-0123", True, 1.0)]
    good &= _is_corrected(home, correction)
    print(f"\n== {PRODUCT}: stella takes it down again; its history stays")
    _step(home, listing, STELLA, {"event_code": "unpublished"})
    good &= run() == 0 and _rows(home, _SHOWN.format(listing=listing)) == []
    good &= len(_rows(home, f"SELECT 1 FROM listing_versions WHERE listing_id = '{listing}'")) == 1
    for line, sql in _FIGURES:
        print(f"  {line}: {', '.join(str(value) for value in _rows(home, sql)[0])}")
    good &= _proof(home, correction.task, civicops)
    print()
    return good


@dataclass(frozen=True)
class Correction:
    """What a stranger sent, and the public row before."""

    listing: str
    token: str
    task: int
    before: dict[str, Any]


NEW_PHONE = "(213) 485-0177"


def _correct(home: Path, other_than: str) -> Correction:
    """A stranger sends another phone number, without an account; it is a task, one person checks it, another approves."""
    review, now = open_review(Workspace.find(home)), datetime.now(UTC)
    (listing,) = _rows(home, _PUBLIC.format(other=other_than))[0]
    before = _public(home, listing)
    print(f"\n== {PRODUCT}: a stranger corrects {before['name']} ({listing}) on its public page")
    sent = intake.suggest(
        review, review.kind(f"{PRODUCT}.verify"), {"phone_number": NEW_PHONE}, now=now, address="192.0.2.7", subject=listing,
        text="I called, and it rang at somebody's home.", current={"phone_number": before["phone_number"]},
        title=f"Correction of {before['name']}",
    )  # fmt: skip
    print(f"  the correction is task {sent.task_id}; {_status(home, sent.token)}")
    taking.contacted(review, sent.task_id, ANA, "called", "spoke", "", datetime.now(UTC))
    _decide(home, sent.task_id, ANA, "edit", {"confirmed_fields": "phone", "evidence_code": "called"})
    print(f"  ana calls the number, logs that she spoke to them, and submits; {_status(home, sent.token)}")
    _decide(home, sent.task_id, STELLA, "approve", None)
    print(f"  stella approves; {_status(home, sent.token)}\n")
    return Correction(listing, sent.token, sent.task_id, before)


def _status(home: Path, token: str) -> str:
    found = intake.status(open_review(Workspace.find(home)), token)
    return f"the stranger's link says: {found.status if found else 'nothing'}"


def _is_corrected(home: Path, correction: Correction) -> bool:
    """Whether the public row holds the correction, and nothing else of what it says changed."""
    after = _public(home, correction.listing)
    changed = [name for name in LISTED if after.get(name) != correction.before[name]]
    said = _status(home, correction.token)
    print(
        f"  {correction.listing}: phone {correction.before['phone_number']} is now {after.get('phone_number')}; {said}"
    )
    return changed == ["phone_number"] and after["phone_number"] == NEW_PHONE and said.endswith("published")


def _proof(home: Path, task: int, civicops: Callable[..., str]) -> bool:
    """The log proves the approval to anybody, and was not changed since."""
    found = json.loads(civicops("audit", "list", "--kind", "decision", "--subject", f"review/task/{task}", "--json"))
    index = str(found[0]["index"])
    proof = home / f"entry-{index}.tlog-proof"
    print(f"\n== {PRODUCT}: the proof that the correction was approved")
    good = bool(found[0]["content"]["outcome"] == "approve")
    for words in (("prove", index, "--out", proof.name), ("check", proof.name), ("verify",)):
        said = civicops("audit", *words).strip()
        print(f"  $ civicops audit {' '.join(words)}")
        print("\n".join(f"    {line}" for line in [line for line in said.splitlines() if line][-3:]))
        good &= bool(said)
    return good


LISTED = ("name", "address_1", "postal_code", "phone_number", "hours_text", "latitude", "category_codes", "status_code")


def _public(home: Path, listing: str) -> dict[str, Any]:
    """The public row of a listing, the columns of `LISTED`; empty when it is not public."""
    rows = _rows(home, f"SELECT {', '.join(LISTED)} FROM listings WHERE listing_id = '{listing}'")
    return dict(zip(LISTED, rows[0], strict=True)) if rows else {}


_DUE = """SELECT s.listing_id, s.name, coalesce(f.old_value, 'none'), coalesce(nullif(s.risk_reason, ''), 'due') FROM
listing_states s
    LEFT JOIN fixes f ON f.listing_id = s.listing_id AND f.field_name = 'phone_number'
    WHERE s.state_code = 'needs_verification' AND s.source_code = 'foodoasis' AND s.finding_count < 3 ORDER BY s.risk_score
    DESC, s.listing_id LIMIT 1"""
_PUBLIC = """SELECT listing_id FROM listings WHERE phone_number IS NOT NULL AND hours_text IS NOT NULL AND listing_id <> '{other}'
    ORDER BY listing_id LIMIT 1"""
_SHOWN = "SELECT phone_number, is_verified, confirmed_share FROM listings WHERE listing_id = '{listing}'"
_KNOWN = ("listings known, public", "SELECT count(*), count(*) FILTER (is_public) FROM listing_states")
_IMPORTED = (
    _KNOWN,
    ("findings of checks, automatic fixes", "SELECT (SELECT count(*) FROM findings), (SELECT count(*) FROM fixes)"),
)
_FIGURES = (
    _KNOWN,
    (
        "probable duplicates that nobody decided",
        "SELECT count(*) FROM duplicates WHERE is_probable AND decision_code = 'undecided'",
    ),
)


def _answer(home: Path, kind: str, subject: str, person: Person, outcome: str, value: dict[str, Any] | None) -> None:
    number = asking.find(open_review(Workspace.find(home)), f"{PRODUCT}.{kind}", subject)
    if number is None:
        raise SystemExit(f"There is no task '{kind}' about {subject}.")
    _decide(home, number, person, outcome, value)


def _decide(home: Path, number: int, person: Person, outcome: str, value: dict[str, Any] | None) -> None:
    review, now = open_review(Workspace.find(home)), datetime.now(UTC)
    seen = asking.task(review, number, person, now).seen
    came = decide(review, number, person, outcome=outcome, seen=seen, now=now, value=value)
    if came.state == "open":
        print("  it was drawn for a second answer: ben, who does not see the first, says the same")
        seen = asking.task(review, number, BEN, now).seen
        decide(review, number, BEN, outcome=outcome, seen=seen, now=now, value=value)


def _step(home: Path, listing: str, person: Person, value: dict[str, Any]) -> None:
    review, now = open_review(Workspace.find(home)), datetime.now(UTC)
    subject = f"{listing}#{now.timestamp()}"
    file_tasks(
        review,
        review.kind(f"{PRODUCT}.status"),
        [TaskDraft(subject, f"Step of {listing}", proposed=value)],
        now,
        is_complete=False,
        origin="person",
    )
    _answer(home, "status", subject, person, "accept", None)


def _rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    releases = ReleaseStore(home / "releases").snapshot(PRODUCT)
    with duckdb.connect() as con:
        for name, release in releases.items():
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{release.data}')")
        return con.execute(sql).fetchall()
