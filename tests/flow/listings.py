"""The food listings in a workspace of their own, with made-up lists.

Belongs here: making the workspace, importing, running, asking releases, deciding tasks. Does not belong here: assertions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from civicops.orchestrate.gathering import gathering
from civicops.orchestrate.importing import Preview, preview, take_in
from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.review import asking
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.values import TaskDraft
from civicops.runs import RunRecord
from civicops.workspace import Workspace
from simulators.world.listings import MadeListings, make_listings
from tests.duck import asked

NAME = "food_listings"
PRODUCTS = Path(__file__).parents[2] / "products"
ANA, BEN = Person("ana", "contributor"), Person("ben", "contributor")
STELLA = Person("stella", "steward")


@dataclass(frozen=True)
class Listings:
    """A workspace with the food listings."""

    root: Path

    @classmethod
    def at(cls, root: Path, settings: str = "") -> Listings:
        root.mkdir(parents=True, exist_ok=True)
        text = f'[workspace]\norganisation = "Friends of Marisol"\nproducts = "{PRODUCTS}"\n\n{settings}\n'
        (root / "civicops.toml").write_text(text, encoding="utf-8")
        return cls(root)

    @property
    def workspace(self) -> Workspace:
        return Workspace.find(self.root)

    def add(self, path: Path, layout: str, list_code: str = "", now: datetime | None = None) -> Preview:
        product = self.workspace.product(NAME)
        given = gathering(self.workspace, product, now or datetime.now(UTC))
        return take_in(
            product,
            product.contract("source_listings"),
            path,
            layout=layout,
            list_code=list_code or layout,
            given=given,
        )

    def preview(self, path: Path, layout: str, list_code: str = "") -> Preview:
        product = self.workspace.product(NAME)
        given = gathering(self.workspace, product, datetime.now(UTC))
        return preview(
            self.workspace,
            product,
            product.contract("source_listings"),
            path,
            layout=layout,
            list_code=list_code or layout,
            given=given,
        )

    def run(self) -> RunRecord:
        return run_product(self.workspace, NAME)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for the current release of that dataset."""
        releases = ReleaseStore(self.root / "var" / "releases").snapshot(NAME)
        return asked(sql.format(**{name: f"'{release.data}'" for name, release in releases.items()}))

    @property
    def review(self) -> Review:
        return open_review(self.workspace)

    def answer(
        self,
        kind: str,
        subject: str,
        person: Person,
        outcome: str,
        value: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Answer the task of that kind about a subject, as somebody who just opened it."""
        review, now = self.review, datetime.now(UTC)
        number = asking.find(review, f"{NAME}.{kind}", subject)
        assert number is not None, f"no task {kind} about {subject}"
        decided(review, number, person, outcome, value, now, reason)

    def step(self, listing_id: str, person: Person, **value: Any) -> None:
        """A step that is not about content, such as bringing back a version: filed and decided by one steward."""
        review, now = self.review, datetime.now(UTC)
        subject = f"{listing_id}#{now.timestamp()}"
        draft = TaskDraft(subject, f"Step of {listing_id}", proposed=value)
        file_tasks(review, review.kind(f"{NAME}.status"), [draft], now, is_complete=False, origin="person")
        self.answer("status", subject, person, "accept")


def decided(
    review: Review,
    number: int,
    person: Person,
    outcome: str,
    value: Mapping[str, Any] | None,
    now: datetime,
    reason: str = "",
) -> None:
    """Answer a task; where chance drew it for a second, blind answer, somebody else gives the same."""
    for who in (person, Person("drawn-second", "contributor")):
        seen = asking.task(review, number, who, now).seen
        came = decide(review, number, who, outcome=outcome, seen=seen, now=now, value=value, reason=reason)
        if came.state != "open":
            return


def made_up(root: Path, *, seed: int = 7, places: int = 80, days_ago: int = 30) -> tuple[Listings, MadeListings]:
    """A workspace whose lists are imported; the approved rows were approved so many days ago."""
    approved = (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%d %H:%M:%S+00")
    made = make_listings(seed, places, approved)
    here = Listings.at(root)
    for name, path in made.write(root / "lists").items():
        here.add(path, name)
    return here, made
