"""Review with many open tasks: the next task, a task, an answer, lists, filing, measuring.

Belongs here: timing the engine on SQLite and PostgreSQL. Does not belong here: pages, correctness (the tests compare).
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.table import Row, Table, main
from civicops.review.asking import task, tasks
from civicops.review.automatic import samples
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.people import Person
from civicops.review.room import Review, open_review
from civicops.review.source import take_up
from civicops.review.taking import next_task
from civicops.review.team import backlog
from civicops.review.values import Evidence, TaskDraft
from tests.unit.review.pantries import write
from tools.postgres import cluster, programs

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
T = TypeVar("T")
PHONES, PAIRS = "pantries.phones", "pantries.pairs"


def drafts(count: int) -> Iterator[TaskDraft]:
    """Made-up questions, a tenth of them due at some time."""
    dice = random.Random(7)
    for number in range(count):
        due = NOW + timedelta(days=dice.randint(3, 90)) if number % 10 == 0 else None
        phone = f"213-555-{number % 10000:04d}"
        yield TaskDraft(
            f"pantry-{number}", f"Telephone of pantry {number}", proposed={"phone": phone},
            current={"phone": "213-555-0199", "status_code": "open"}, confidence=round(dice.random(), 3), value=dice.random(),
            due_at=due, evidence=[Evidence("source_row", "County list", values={"phone": phone, "row": number})],
        )  # fmt: skip


@contextmanager
def opened(kind: str) -> Iterator[Review]:
    """Review in an empty workspace, on SQLite or PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="civicops-bench-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        if kind == "SQLite":
            os.environ.pop("DATABASE_URL", None)
            yield open_review(write(root / "w", phones="", pairs="raters: 2\n"))
            return
        with cluster(root / "cluster") as url:
            os.environ["DATABASE_URL"] = url
            yield open_review(write(root / "w", phones="", pairs="raters: 2\n"))
            os.environ.pop("DATABASE_URL")


def clocked(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of one call, and what it gave."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    return clocked(work)[0]


def spread(seconds: list[float]) -> dict[str, str]:
    """Median and 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    worst = ordered[int(len(ordered) * 0.95)]
    return {"median": f"{statistics.median(ordered) * 1000:.1f} ms", "95th percentile": f"{worst * 1000:.1f} ms"}


def measure(kind: str, count: int, rounds: int) -> list[Row]:
    """All figures of one database."""
    rows = []
    with opened(kind) as review:
        phones = review.kind(PHONES)
        took = timed(lambda: file_tasks(review, phones, drafts(count), NOW))
        rows.append(Row(f"{kind}: file {count:,} tasks", {"seconds": f"{took:.1f}"}))
        took = timed(lambda: file_tasks(review, phones, drafts(count), NOW))
        rows.append(Row(f"{kind}: file the same again", {"seconds": f"{took:.1f}"}))
        file_tasks(review, review.kind(PAIRS), drafts(count // 5), NOW)
        gaps: list[float] = []
        shows: list[float] = []
        answers: list[float] = []
        for number in range(rounds):
            person = Person(f"p{number % 20}", "contributor")
            seconds, number_taken = clocked(partial(next_task, review, person, NOW))
            gaps.append(seconds)
            taken = number_taken or 0
            seconds, view = clocked(partial(task, review, taken, person, NOW))
            shows.append(seconds)
            seconds, _ = clocked(
                partial(decide, review, taken, person, outcome="accept", seen=view.seen, now=NOW, seconds=3.0)
            )
            answers.append(seconds)
        rows.append(Row(f"{kind}: next task claimed, of {count + count // 5:,} open ones in two kinds", spread(gaps)))
        rows.append(Row(f"{kind}: a task with its form and evidence", spread(shows)))
        rows.append(Row(f"{kind}: an answer, in the audit log for good", spread(answers)))
        # One who has answered the best of the queue already: everything they have rated has to be passed over.
        busy = Person("busy", "contributor")
        setattr_flush(review)
        for _ in range(rounds):
            second = next_task(review, busy, NOW, kinds=[PAIRS])
            if second is None:
                break
            decide(review, second, busy, outcome="accept", seen=task(review, second, busy, NOW).seen, now=NOW)
        again = [timed(lambda: next_task(review, busy, NOW, kinds=[PAIRS])) for _ in range(20)]
        rows.append(Row(f"{kind}: next second rating, after {rounds:,} of one's own", spread(again)))
        lists = [timed(lambda: tasks(review, NOW, limit=50)) for _ in range(20)]
        rows.append(Row(f"{kind}: the first 50 of the list", spread(lists)))
        figures = [timed(lambda: backlog(review, NOW)) for _ in range(10)]
        rows.append(Row(f"{kind}: backlog of all kinds", spread(figures)))
        rows.append(
            Row(f"{kind}: decisions as a source", {"seconds": f"{timed(lambda: take_up(review, phones, NOW)):.2f}"})
        )
        rows.append(
            Row(f"{kind}: samples for calibration", {"seconds": f"{timed(lambda: samples(review, phones)):.2f}"})
        )
    return rows


def setattr_flush(review: Review) -> None:
    """From here on the audit log is left out: it is measured above, and what follows is about the queue."""
    object.__setattr__(review, "flush", lambda: None)


def run(quick: bool = False) -> Table:
    """Both databases."""
    count, rounds = (2_000, 20) if quick else (100_000, 100)
    rows = measure("SQLite", count, rounds)
    if programs() is not None:
        rows += measure("PostgreSQL", count, rounds)
    notes = (
        "One process, one caller at a time. The goal is the next task in under 200 ms with 100,000 open ones. An answer is a "
        "transaction and a durable, signed entry of the audit log; most of its time is the log's.",
    )
    return Table("review", tuple(rows), notes)


if __name__ == "__main__":
    main(run)
