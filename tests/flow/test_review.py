"""A product that asks people: its questions become tasks, their decisions a source, and those a release.

Belongs here: the way from a run to people and back, killed at any point. Does not belong here: rules of review
(`tests/unit/review`).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from civicops.ingest.landing import Landing
from civicops.ingest.values import DecisionSource
from civicops.review import asked, source
from civicops.review.asked import AskingError
from civicops.review.asking import task, tasks
from civicops.review.deciding import decide
from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.taking import next_task, save_draft
from tests.duck import asked as sql
from tests.flow.conftest import HEAD, LOANS_ROWS, Library, make_library
from tools.setup_env import ROOT

ADA = Person("ada", "contributor")
KIND = """title: Was it really lent for so long?
instructions: Look at the card.
contract: loans
columns: [days_count]
"""
REVIEWS = '''\
"""Asks about long loans."""

from civicops.review.values import Evidence, TaskDraft


def reviews(context):
    return {"days": long_loans(context)}


def long_loans(context):
    query = f"SELECT * FROM ({context.released('loan_list')}) WHERE days_count >= 14 ORDER BY loan_id"
    for row in context.rows(query):
        yield TaskDraft(
            subject=row["loan_id"],
            title=f"Loan {row['loan_id']}: {row['days_count']} days",
            proposed={"days_count": row["days_count"]},
            evidence=[Evidence("source_row", "The desk says", values=row)],
            confidence=1 - row["days_count"] / 100,
        )
'''
SOURCES = '''\
"""Loans come from a file, and corrections from people."""

from pathlib import Path

from civicops.ingest.values import DecisionSource, FileSource


def sources(settings):
    return [
        FileSource(name="desk", dataset="loans", path=Path("downloads"), pattern="*.csv"),
        DecisionSource(name="day_decisions", dataset="day_decisions", kind="days"),
        DecisionSource(name="day_ratings", dataset="day_ratings", kind="days", what="ratings"),
    ]
'''
DECISIONS = (
    HEAD.format(name="day_decisions", layer="accepted").replace("value: public", "value: internal")
    + """\
    customProperties:
      - property: ignoredFields
        value:
          task_id: a number of our own
          decision_id: a number of our own
          record_id: the loan
          round: not needed
          decided_by: a person
          approved_by: a person
          approved_at: approved alike
          content_hash: in the audit log
          seen_hash: in the audit log
          confidence: not needed
          is_*: not needed
          reason: for colleagues
    properties:
      - {name: loan_id, physicalName: subject, logicalType: string, primaryKey: true, description: The loan.}
      - {name: outcome_code, logicalType: string, required: true, description: What was answered.}
      - {name: days_count, logicalType: integer, description: For how long it was lent.}
      - name: decided_at
        logicalType: timestamp
        logicalTypeOptions: {format: "%Y-%m-%dT%H:%M:%S.%fZ", defaultTimezone: UTC}
        required: true
        description: When it was answered.
"""
)
RATINGS = (
    HEAD.format(name="day_ratings", layer="accepted").replace("value: public", "value: internal")
    + """\
    customProperties:
      - property: ignoredFields
        value:
          task_id: a number of our own
          record_id: the loan
          round: not needed
          subject: the loan
          rated_at: not needed
          rated_by: a person
          content_hash: in the audit log
          seen_hash: in the audit log
          stage_code: not needed
          seconds: not needed
          reason: for colleagues
          is_undone: not needed
          days_count: not needed
    properties:
      - {name: rating_id, logicalType: integer, primaryKey: true, description: The answer.}
      - {name: outcome_code, logicalType: string, required: true, description: What was answered.}
"""
)
CHECKED = (
    HEAD.format(name="checked_loans", layer="published")
    + """\
    properties:
      - {name: loan_id, logicalType: string, primaryKey: true, description: The loan.}
      - {name: days_count, logicalType: integer, description: For how long it was lent.}
      - {name: is_checked, logicalType: boolean, required: true, description: Whether a person has looked at it.}
"""
)
CHECKED_SQL = """\
select
    loans.loan_id,
    case when decisions.outcome_code in ('accept', 'edit') then decisions.days_count else loans.days_count end as days_count,
    decisions.loan_id is not null as is_checked
from {{ ref('loan_list') }} as loans
left join {{ source('accepted', 'day_decisions') }} as decisions on loans.loan_id = decisions.loan_id
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The product after its first run."""
    made = make_library(tmp_path_factory.mktemp("ran"))
    folder = made.product
    (folder / "reviews").mkdir()
    (folder / "reviews" / "days.yaml").write_text(KIND)
    (folder / "reviews.py").write_text(REVIEWS)
    (folder / "sources.py").write_text(SOURCES)
    (folder / "contracts" / "day_decisions.yaml").write_text(DECISIONS)
    (folder / "contracts" / "day_ratings.yaml").write_text(RATINGS)
    (folder / "contracts" / "checked_loans.yaml").write_text(CHECKED)
    (folder / "models" / "checked_loans.sql").write_text(CHECKED_SQL)
    made.deliver(LOANS_ROWS)
    record = made.run()
    assert record.asked == {"days": {"new": 2, "changed": 0, "reopened": 0, "refreshed": 0, "same": 0, "withdrawn": 0}}
    assert list(record.steps)[-1] == "ask"
    return made


@pytest.fixture(scope="module")
def decided(ran: Library, tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, Library]:
    """The product with both questions decided, and a copy of that after an undisturbed run."""
    made = copy(ran, tmp_path_factory.mktemp("decided") / "shelf")
    review = open_review(made.workspace)
    for line in tasks(review, datetime.now(UTC)):
        answer(review, line.id, "accept")
    undisturbed = copy(made, tmp_path_factory.mktemp("undisturbed") / "shelf")
    undisturbed.run()
    return made, undisturbed


def copy(library: Library, to: Path) -> Library:
    shutil.copytree(library.root, to)
    return Library(to)


@pytest.fixture
def library(ran: Library, tmp_path: Path) -> Library:
    return copy(ran, tmp_path / "shelf")


def answer(review: Review, number: int, outcome: str, **value: Any) -> None:
    seen = task(review, number, ADA, datetime.now(UTC)).seen
    decide(review, number, ADA, outcome=outcome, seen=seen, now=datetime.now(UTC), value=value)


def released(library: Library) -> list[tuple[Any, ...]]:
    path = library.releases.snapshot("library")["checked_loans"].data
    return sql(f"SELECT loan_id, days_count, is_checked FROM '{path}' ORDER BY loan_id")


def test_questions_become_tasks_and_decisions_a_release(library: Library) -> None:
    review = open_review(library.workspace)
    number = next_task(review, ADA, datetime.now(UTC))
    view = task(review, number or 0, ADA, datetime.now(UTC))
    assert view.line.title == "Loan l3: 21 days", "the less sure comes first"
    assert view.shown["evidence"][0]["values"]["branch_name"] == "Harbor"
    save_draft(review, view.line.id, ADA, view.seen, {"days_count": "12"}, datetime.now(UTC))
    answer(review, tasks(review, datetime.now(UTC))[1].id, "accept")
    unchanged = library.run()
    assert (unchanged.status, unchanged.asked["days"]["same"]) == ("succeeded", 2), "a decision is something new"
    assert task(review, view.line.id, ADA, datetime.now(UTC)).draft == {"days_count": "12"}
    answer(review, view.line.id, "edit", days_count=12)
    library.run()
    assert released(library) == [("l1", 7, False), ("l2", 14, True), ("l3", 12, True)]
    again = library.run()
    assert (again.status, again.asked["days"]["same"]) == ("unchanged", 2), "what is asked may depend on the day"


def test_the_subject_changes_and_is_asked_again_while_the_old_decision_counts(library: Library) -> None:
    review = open_review(library.workspace)
    for line in tasks(review, datetime.now(UTC)):
        answer(review, line.id, "accept")
    library.deliver([("l3", "Harbor", 30, "2026-02-01")], "later.csv")
    assert library.run().asked["days"] == {
        "new": 0,
        "changed": 0,
        "reopened": 1,
        "refreshed": 0,
        "same": 1,
        "withdrawn": 0,
    }
    (line,) = tasks(review, datetime.now(UTC))
    assert task(review, line.id, ADA, datetime.now(UTC)).changes == {"proposed.days_count": [21, 30]}
    assert released(library)[2] == ("l3", 21, True)
    library.deliver([("l3", "Harbor", 5, "2026-02-02")], "last.csv")
    assert library.run().asked["days"]["withdrawn"] == 1


PLACES = {
    "decisions taken up, nothing landed": ("civicops.ingest.landing.Landing", "put", False),
    "bytes landed, no delivery": ("civicops.ingest.landing.Landing", "complete", False),
    "published, nothing asked": ("civicops.review.asked", "product_reviews", False),
    "asked, not finished": ("civicops.review.asked", "file_tasks", True),
}
KILLED = """
import os, pkgutil, signal, sys
from pathlib import Path
from tests.flow.conftest import Library
where, name, after = pkgutil.resolve_name(sys.argv[2]), sys.argv[3], sys.argv[4] == "True"
before = getattr(where, name)
def die(*given, **named):
    if after:
        before(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(where, name, die)
Library(Path(sys.argv[1])).run()
"""
"""Not a fork of this process: DuckDB's threads have run here, and a fork of those may wait for ever."""


@pytest.mark.parametrize("place", PLACES)
def test_a_run_killed_at_any_point_ends_in_the_same_bytes(
    decided: tuple[Library, Library], tmp_path: Path, place: str
) -> None:
    library, undisturbed = copy(decided[0], tmp_path / "shelf"), decided[1]
    words = [sys.executable, "-c", KILLED, str(library.root), *map(str, PLACES[place])]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    library.run()
    assert library.hashes() == undisturbed.hashes()
    landed = [
        sorted(path.name for path in (one.root / "var/landing/library/day_decisions/objects").glob("*/*"))
        for one in (library, undisturbed)
    ]
    assert landed[0] == landed[1] and len(landed[0]) == 1
    assert len(tasks(open_review(library.workspace), datetime.now(UTC), states=("decided",))) == 2


def test_faults_in_what_a_product_asks_are_named(library: Library) -> None:
    for text, words in (
        (REVIEWS.replace('"days": ', '"dayz": '), "did you mean 'days'"),
        (REVIEWS.replace("yield TaskDraft(", "yield dict("), "gave dict instead of a TaskDraft"),
        (REVIEWS.replace("days_count >= 14", "dayz >= 14"), "failed: BinderException"),
        ("def review(context): pass\n", "no function 'reviews'"),
        (REVIEWS, ""),
    ):
        (library.product / "reviews.py").write_text(text)
        product = library.workspace.product("library")
        with duckdb.connect() as con:
            snapshot = library.releases.snapshot("library")
            context = asked.ReviewContext(product, con, str, snapshot, datetime.now(UTC))
            if words:
                with pytest.raises(AskingError, match=words):
                    asked.ask_product(open_review(library.workspace), context, "r")
            else:
                assert asked.ask_product(open_review(library.workspace), context, "r")["days"].same == 2


def test_taking_up_is_before_landing_so_that_nothing_read_by_a_run_is_undone(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    from civicops.review.deciding import undo
    from civicops.review.values import ReviewError

    review = open_review(library.workspace)
    number = tasks(review, datetime.now(UTC))[0].id
    answer(review, number, "accept")

    def full(*_given: Any, **_named: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Landing, "put", full)
    kind = DecisionSource("day_decisions", "day_decisions", "days")
    with pytest.raises(OSError, match="No space"):
        source.land_decisions(review, kind, Landing(library.root / "var" / "landing"), "library", datetime.now(UTC))
    with pytest.raises(ReviewError, match="taken this decision up"):
        undo(review, number, ADA, datetime.now(UTC) + timedelta(seconds=1))
    assert source.effective(review, review.kind("library.days"))[0]["decided_by"] == "ada"
