"""A workspace that asks people about made-up pantries, with open tasks of several kinds, for the portal's review pages.

Belongs here: making the workspace and its tasks. Does not belong here: assertions, the server (`portal_kit`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from civicops.review.filing import file_tasks
from civicops.review.room import Review, now_utc, open_review
from civicops.review.values import Choice, Evidence, TaskDraft
from civicops.workspace import Workspace
from tests.unit.review.pantries import CONTRACT, PRODUCT

PHONE = """title: Is this telephone number right?
instructions: |
  Call the number, or look at the pantry's own page.

  Accept it when somebody of the pantry answers; correct it when you know better.
contract: listings
columns: [phone, email]
optional: [email]
due_days: 5
contact_channels: [called, emailed, visited]
contact_outcomes: [spoke, voicemail, no answer, wrong number, emailed]
confirm_column: email
"""
LISTING = """title: Check a whole listing
instructions: Go through every field. A coordinator approves what you submit.
contract: listings
columns: [phone, status_code, days]
decisions: [edit, reject, abstain]
stages: submit_approve
"""
SAME = """title: Are these the same place?
instructions: Compare name, address and telephone number.
contract: listings
columns: [phone]
optional: [phone]
decisions: [merge, split, abstain]
reason_for: [split]
raters: 2
public: "no"
"""
SUGGEST = """title: Somebody suggests a change
instructions: Ask the pantry before you take it over.
contract: listings
columns: [phone, days, status_code]
optional: [status_code]
public: suggest
public_columns: [phone, days]
"""


def make_pantries(root: Path, count: int = 12) -> Review:
    """The workspace with `count` tasks of each kind but suggestions."""
    folder = root / "products" / "pantries"
    for name in ("contracts", "reviews"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (root / "civicops.toml").write_text(
        '[workspace]\norganisation = "Friends of Marisol"\ntimezone = "America/Los_Angeles"\n'
        '[portal]\nmail = "CIVICOPS_PORTAL_MAIL"\nmail_allow = ["127.0.0.1"]\n'
    )
    (folder / "product.yaml").write_text(PRODUCT)
    (folder / "contracts" / "listings.yaml").write_text(
        CONTRACT.replace(
            "      - {name: days",
            "      - {name: email, logicalType: string, description: Mail address.}\n      - {name: days",
        )
    )
    for name, text in {"phone": PHONE, "listing": LISTING, "same_place": SAME, "suggestion": SUGGEST}.items():
        (folder / "reviews" / f"{name}.yaml").write_text(text)
    review = open_review(Workspace.find(root))
    refile(review, count)
    return review


def refile(review: Review, count: int = 12, *, phone: str = "213-555-01", now: datetime | None = None) -> None:
    """What the pipeline would file: the same question again, or, with another `phone`, a changed one."""
    at = now or now_utc()
    drafts = [
        TaskDraft(
            f"pantry-{number}", f"Telephone of pantry {number}", proposed={"phone": f"{phone}{number:02}"},
            current={"phone": f"(213) 555 01{number:02}", "email": f"pantry-{number}@example.org"}, confidence=0.5 + number / 30, value=float(number % 3),
            choices=(
                Choice({"phone": f"{phone}{number:02}"}, "from the county's list", 0.7),
                Choice({"phone": f"213-555-09{number:02}"}, "from the library's list", 0.3),
            ),
            evidence=(
                Evidence("source_row", "County list", values={"name": f"Pantry {number}", "telephone": f"213.555.01{number:02}"}),
                Evidence("check", "Telephone numbers", "The number is valid, and written in another way than ours."),
            ),
            due_at=at + timedelta(days=1 if number == 3 else 6), place=(-118.25, 34.05),
        )
        for number in range(count)
    ]  # fmt: skip
    file_tasks(review, review.kind("pantries.phone"), drafts, at)
    whole = [
        TaskDraft(
            f"pantry-{number}", f"Pantry {number}, all of it",
            current={"phone": f"213-555-01{number:02}", "status_code": "open", "days": ["Mon", "Wed"]},
            evidence=(Evidence("page", "The pantry's own page", "Open Mondays and Wednesdays.", link="https://pantry.example.org/"),),
        )
        for number in range(count)
    ]  # fmt: skip
    file_tasks(review, review.kind("pantries.listing"), whole, at)
    pairs = [
        TaskDraft(
            f"pair-{number}", f"St. Example's {number} and Saint Example {number}", members=(f"a{number}", f"b{number}"),
            current={"phone": f"213-555-01{number:02}"}, confidence=0.8,
            evidence=(
                Evidence("source_row", f"a{number}", values={"name": f"St. Example's {number}", "longitude": -118.2500, "latitude": 34.0500}),
                Evidence("source_row", f"b{number}", values={"name": f"Saint Example {number}", "longitude": -118.2512, "latitude": 34.0507}),
                Evidence("model", "Why they may be the same", "Same telephone number; names differ in spelling; 130 m apart."),
            ),
        )
        for number in range(count)
    ]  # fmt: skip
    file_tasks(review, review.kind("pantries.same_place"), pairs, at)
