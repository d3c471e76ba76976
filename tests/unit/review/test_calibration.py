"""What may be accepted without a person: the proof holds, audits find where it no longer does, and it switches itself off."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.observe.asking import incidents
from civicops.observe.tables import open_database
from civicops.review import calibration
from civicops.review.agreement import agreement, alpha
from civicops.review.asking import task, tasks
from civicops.review.automatic import accept_sure, policy, report, samples
from civicops.review.calibration import Sample
from civicops.review.deciding import decide
from civicops.review.filing import file_tasks
from civicops.review.room import Review, open_review
from civicops.review.source import effective
from civicops.review.taking import next_task
from civicops.review.team import backlog, members, throughput
from civicops.review.upkeep import keep_up
from tests.unit.review.conftest import ADA, BEN, NOW, draft
from tests.unit.review.pantries import write

AUTOMATIC = "automatic: {precision: 0.9, confidence: 0.95, audit_share: 0.2, minimum: 60}\n"


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0], ids=["modest", "honest", "boastful"])
def test_the_precision_that_was_proved_holds_in_simulation(exponent: float) -> None:
    """200 worlds per machine, each measured five times as decisions come in: a false proof in at most 5 % of the worlds."""
    random = np.random.default_rng(20260302)
    false = proved = 0
    for _ in range(200):
        sure = np.round(random.beta(4, 1, 1600), 3)
        right = random.random(1600) < sure**exponent
        every = [Sample(float(c), bool(r), n) for n, (c, r) in enumerate(zip(sure, right, strict=True))]
        is_false = False
        for k, size in enumerate((200, 300, 450, 675, 1600), start=1):
            found = calibration.threshold(every[:size], 0.9, calibration.error_of(k, 0.95))
            if found is not None:
                proved += 1
                # The true precision above the threshold, from the distribution itself.
                grid = np.linspace(found.confidence, 1, 2001)
                weight = grid**3
                is_false |= bool((weight * grid**exponent).sum() / weight.sum() < 0.9)
        false += is_false
    assert false <= 0.05 * 200
    assert proved > 100, "a machine that is mostly right has to be proved so"


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0]), st.booleans()), max_size=400))
@settings(max_examples=60, deadline=None)
def test_a_threshold_is_what_it_says(pairs: list[tuple[float, bool]]) -> None:
    every = [Sample(c, r, n) for n, (c, r) in enumerate(pairs)]
    found = calibration.threshold(every, 0.8, 0.05)
    if found is not None:
        above = [item for item in every if item.confidence >= found.confidence]
        assert (found.samples, found.right) == (len(above), sum(item.is_right for item in above))
        assert calibration.lower_bound(found.right, found.samples, 0.05 / calibration.STARTS) >= 0.8
    curve = calibration.curve(every)
    if curve is not None:
        shares = [curve(step / 20) for step in range(21)]
        assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)


def test_bounds_are_those_of_the_books() -> None:
    # 59 of 59: the rule of three, 0.05 ** (1 / 59).
    assert calibration.lower_bound(59, 59, 0.05) == pytest.approx(0.95, abs=0.0005)
    assert calibration.fewest(0.98, 0.05) == 149
    assert calibration.lower_bound(0, 10, 0.05) == 0.0
    assert sum(calibration.error_of(k, 0.95) for k in range(1, 20000)) == pytest.approx(0.05, rel=1e-4)
    assert not calibration.falls_short([], 0.98, 0.95)
    assert not calibration.falls_short([Sample(0.99, n > 0, n) for n in range(100)], 0.98, 0.95)
    assert calibration.falls_short([Sample(0.99, n > 5, n) for n in range(100)], 0.98, 0.95)


def test_alpha_is_that_of_the_book() -> None:
    """Krippendorff's own example (Computing alpha-reliability, 2011, section C): four coders, twelve units, nominal: 0.743."""
    table = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
    columns = list(zip(*(line.split() for line in table), strict=True))
    assert alpha([[item for item in unit if item != "."] for unit in columns]) == pytest.approx(0.743, abs=0.0005)
    assert alpha([["a", "a"], ["a", "a"]]) is None


def test_agreement_is_measured_from_the_log_per_month(review: Review) -> None:
    kind = review.kind("pantries.pairs")
    ids = file_tasks(review, kind, [draft(name) for name in "abcd"], NOW).ids
    for name, when in zip("abcd", (NOW, NOW, NOW, NOW + timedelta(days=40)), strict=True):
        for who in (ADA, BEN):
            seen = task(review, ids[name], who, NOW).seen
            more = (
                {"outcome": "reject", "reason": "no"}
                if (name, who) in (("a", BEN), ("b", ADA), ("b", BEN))
                else {"outcome": "accept"}
            )
            decide(review, ids[name], who, seen=seen, now=when, seconds=30.0, **more)  # type: ignore[arg-type]
    whole, march, april = agreement(review, kind)
    assert (whole.units, whole.ratings, whole.percent) == (4, 8, 0.75)
    # Coincidences by hand: n = 8, accept 5, reject 3, one unit of four disagrees: 1 - 7 * 2 / (2 * 5 * 3).
    assert whole.alpha == pytest.approx(1 - 7 * 2 / 30, abs=1e-6)
    assert (march.period, march.units, april.period, april.percent, april.alpha) == ("2026-03", 3, "2026-04", 1.0, None)
    (line,) = backlog(review, NOW + timedelta(days=41), ["pantries.pairs"])
    assert (line.disputed, line.decided, line.going) == (1, 3, 1)
    assert [day.answers for day in throughput(review, NOW + timedelta(days=40), days=41)][::40] == [6, 2]
    assert [(m.name, m.answers, m.median_seconds) for m in members(review, NOW + timedelta(days=40), days=60)] == [
        ("ada", 4, 30.0), ("ben", 4, 30.0),
    ]  # fmt: skip


@pytest.fixture
def sure(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Review:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return open_review(write(tmp_path, phones=AUTOMATIC))  # type: ignore[arg-type]


def decide_all(review: Review, *, right: bool = True, only: set[int] | None = None) -> int:
    """Decide every open task as somebody who is always right about whether the machine is."""
    count = 0
    done: list[int] = []
    while (number := next_task(review, ADA, NOW, skip=done)) is not None:
        done.append(number)
        if only is not None and number not in only:
            continue
        view = task(review, number, ADA, NOW)
        change = {} if right else {"phone": "213-555-0999"}
        decide(review, number, ADA, outcome="edit", value=change, seen=view.seen, now=NOW)
        count += 1
    return count


def test_sure_suggestions_are_accepted_once_proved_audited_and_stopped_when_audits_fail(
    sure: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Review, "flush", lambda _self: None)  # the log takes 60 ms a decision; it is read at the end
    kind = sure.kind("pantries.phones")
    file_tasks(sure, kind, [draft(f"p{n}", confidence=0.95) for n in range(80)], NOW)
    assert accept_sure(sure, kind, NOW) == (0, 0), "nothing is accepted before anything was proved"
    decide_all(sure)
    assert len(samples(sure, kind)) == 80
    more = [draft(f"q{n}", confidence=0.95) for n in range(100)]
    doubtful = [draft(f"r{n}", confidence=0.6) for n in range(5)]
    bad = [draft("bad", confidence=0.99, phone="what?")]
    file_tasks(sure, kind, [*more, *doubtful, *bad], NOW, is_complete=False)
    done = keep_up(sure, NOW)
    stands = policy(sure, kind)
    assert stands.what == "on" and stands.threshold == 0.95
    assert done.accepted + done.drawn in (100, 101), "what the contract does not allow waits for a person"
    assert 3 <= done.drawn <= 45
    assert keep_up(sure, NOW).accepted == 0, "doing it again changes nothing"
    automatic = [row for row in effective(sure, kind) if row["is_automatic"]]
    assert len(automatic) == done.accepted and automatic[0]["decided_by"] == "civicops"
    # Blind: neither events nor reasons say that a task is an audit.
    audited = {line.id for line in tasks(sure, NOW, limit=1000) if line.confidence == 0.95}
    assert done.accepted + len(audited) == 100, "each sure one is accepted or audited; the bad one may be drawn besides"
    view = task(sure, next(iter(audited)), ADA, NOW)
    assert [event.kind for event in view.events] == ["filed"] and "drawn at random" in " ".join(view.why)
    # The machine has become worse: audits say so, and it stops by itself.
    decide_all(sure, right=False, only=audited)
    keep_up(sure, NOW)
    assert policy(sure, kind).what == "short"
    file_tasks(sure, kind, [draft(f"s{n}", confidence=0.95) for n in range(10)], NOW, is_complete=False)
    assert accept_sure(sure, kind, NOW) == (0, 0)
    (incident,) = incidents(open_database(sure.workspace), sure.workspace, NOW)
    assert "nothing is accepted without a person any more" in incident.title
    assert report(sure, kind).automatic == done.accepted
    monkeypatch.undo()
    from civicops.audit import open_log

    sure.flush()
    switches = [entry.content["switch"] for entry in open_log(sure.workspace).find(kind="policy")]
    assert switches == ["short", "on"]


def test_what_waits_too_long_goes_higher_up_and_is_an_incident(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    review = open_review(write(tmp_path, phones="due_days: 2\nescalation: {overdue_days: 1}\n"))  # type: ignore[arg-type]
    number = file_tasks(review, review.kind("pantries.phones"), [draft()], NOW).ids["pantry-1"]
    assert keep_up(review, NOW + timedelta(days=2.5)).escalated == 0
    assert keep_up(review, NOW + timedelta(days=3.5)).escalated == 1
    line = task(review, number, ADA, NOW + timedelta(days=4)).line
    assert line.escalated_to == "steward" and line.is_overdue
    database = open_database(review.workspace)
    assert len(incidents(database, review.workspace, NOW)) == 1
    seen = task(review, number, ADA, NOW).seen
    decide(review, number, ADA, outcome="accept", seen=seen, now=NOW + timedelta(days=4))
    keep_up(review, NOW + timedelta(days=4))
    assert len(incidents(database, review.workspace, NOW)) == 0


def test_a_second_rating_is_drawn_for_a_share_that_nobody_can_foresee(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(Review, "flush", lambda _self: None)
    review = open_review(write(tmp_path, phones="second_rating_share: 0.3\n"))  # type: ignore[arg-type]
    ids = file_tasks(review, review.kind("pantries.phones"), [draft(f"p{n}") for n in range(100)], NOW).ids
    decide_all(review)
    twice = [line.id for line in tasks(review, NOW, limit=200)]
    assert 10 <= len(twice) <= 50 and set(twice) < set(ids.values())
    again = open_review(review.workspace)
    assert again.draw("second", "x", 1) == review.draw("second", "x", 1)
