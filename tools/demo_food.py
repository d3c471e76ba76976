"""The part of `make demo` about food listings: three lists come in, two people verify one listing, and it is taken back.

Belongs here: the lists and the geocoder of the made-up city, what is decided, and what is printed of it. Does not belong
here: the rest of the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from civicops.release.store import ReleaseStore
from civicops.review import asking
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.people import Person
from civicops.review.room import open_review
from civicops.review.values import TaskDraft
from civicops.workspace import Workspace
from simulators.sites import Sites, serve_sites
from simulators.world.listings import make_listings

PRODUCT = "food_listings"
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


def story(home: Path, run: Callable[[], int]) -> bool:
    """One listing is corrected by one person and approved by another, published, and taken back. True when each step showed."""
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
    good = run() == 0 and _rows(home, _SHOWN.format(listing=listing)) == [("(213) 485-0123", True, 1.0)]
    print(f"\n== {PRODUCT}: stella takes it down again; its history stays")
    _step(home, listing, STELLA, {"event_code": "unpublished"})
    good &= run() == 0 and _rows(home, _SHOWN.format(listing=listing)) == []
    good &= len(_rows(home, f"SELECT 1 FROM listing_versions WHERE listing_id = '{listing}'")) == 1
    for line, sql in _FIGURES:
        print(f"  {line}: {', '.join(str(value) for value in _rows(home, sql)[0])}")
    print()
    return good


_DUE = """SELECT s.listing_id, s.name, coalesce(f.old_value, 'none'), coalesce(nullif(s.risk_reason, ''), 'due') FROM
listing_states s
    LEFT JOIN fixes f ON f.listing_id = s.listing_id AND f.field_name = 'phone_number'
    WHERE s.state_code = 'needs_verification' AND s.source_code = 'foodoasis' AND s.finding_count < 3 ORDER BY s.risk_score
    DESC, s.listing_id LIMIT 1"""
_SHOWN = "SELECT phone_number, is_verified, confirmed_share FROM listings WHERE listing_id = '{listing}'"
_FIGURES = (
    ("listings known, public", "SELECT count(*), count(*) FILTER (is_public) FROM listing_states"),
    ("findings, automatic fixes", "SELECT (SELECT count(*) FROM findings), (SELECT count(*) FROM fixes)"),
    (
        "probable duplicates that nobody decided",
        "SELECT count(*) FROM duplicates WHERE is_probable AND decision_code = 'undecided'",
    ),
)


def _answer(home: Path, kind: str, subject: str, person: Person, outcome: str, value: dict[str, Any] | None) -> None:
    review, now = open_review(Workspace.find(home)), datetime.now(UTC)
    number = asking.find(review, f"{PRODUCT}.{kind}", subject)
    if number is None:
        raise SystemExit(f"There is no task '{kind}' about {subject}.")
    seen = asking.task(review, number, person, now).seen
    decide(review, number, person, outcome=outcome, seen=seen, now=now, value=value)


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
