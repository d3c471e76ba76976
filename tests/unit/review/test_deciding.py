"""Filing, taking, deciding: nothing is lost, nobody overwrites anybody."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from civicops.review.asking import find, task, tasks
from civicops.review.deciding import decide, reopen, undo
from civicops.review.filing import FilingError, file_tasks
from civicops.review.forms import FormError
from civicops.review.people import Person
from civicops.review.room import Review
from civicops.review.tables import DECISION, EVENT, VERSION
from civicops.review.taking import assign, claim, contacted, next_task, release, save_draft, snooze
from civicops.review.values import ConflictError, NotAllowedError, ReviewError
from tests.unit.review.conftest import ADA, BEN, CLEO, NOW, STU, SUE, VERA, draft
from tools.setup_env import ROOT

PHONES = "pantries.phones"


def ask(review: Review, *drafts: object, kind: str = PHONES, days: float = 0) -> dict[str, int]:
    filed = file_tasks(review, review.kind(kind), drafts, NOW + timedelta(days=days), run_id="r1")  # type: ignore[arg-type]
    return dict(filed.ids)


def answer(
    review: Review, number: int, who: Person, outcome: str = "accept", *, days: float = 0.1, **more: object
) -> str:
    seen = str(more.pop("seen", "")) or task(review, number, who, NOW).seen
    done = decide(review, number, who, outcome=outcome, seen=seen, now=NOW + timedelta(days=days), **more)  # type: ignore[arg-type]
    return done.state


def test_filing_again_changes_nothing_and_loses_nothing(both: Review) -> None:
    kind = both.kind(PHONES)
    first = file_tasks(both, kind, [draft("a"), draft("b")], NOW)
    assert (first.new, first.withdrawn) == (2, 0)
    save_draft(both, first.ids["a"], ADA, "x", {"phone": "213-555-01"}, NOW)
    assert answer(both, first.ids["b"], ADA) == "decided"
    again = file_tasks(both, kind, [draft("b"), draft("a")], NOW + timedelta(days=1))
    assert (again.new, again.same, again.changed, again.reopened) == (0, 2, 0, 0)
    assert again.ids == first.ids
    view = task(both, first.ids["a"], ADA, NOW)
    assert view.draft == {"phone": "213-555-01"}
    assert task(both, first.ids["b"], ADA, NOW).line.state == "decided"


def test_a_subject_that_changes_is_asked_again_with_the_difference_and_the_old_decision_is_kept(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    answer(review, number, ADA)
    filed = file_tasks(review, review.kind(PHONES), [draft(phone="213-555-0111")], NOW + timedelta(days=1))
    assert filed.reopened == 1
    view = task(review, number, BEN, NOW)
    assert view.line.state == "open"
    assert view.changes == {"proposed.phone": ["213-555-0100", "213-555-0111"]}
    assert view.effective is not None and view.effective.value == {"phone": "213-555-0100", "status_code": "open"}
    # What was decided upon comes back: nobody need decide it again.
    file_tasks(review, review.kind(PHONES), [draft()], NOW + timedelta(days=2))
    assert task(review, number, BEN, NOW).line.state == "decided"
    # And another one after that is a round that nobody has answered.
    file_tasks(review, review.kind(PHONES), [draft(phone="213-555-0112")], NOW + timedelta(days=3))
    assert next_task(review, ADA, NOW) == number


def test_data_that_follow_the_decision_are_not_asked_again(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    answer(review, number, ADA, "edit", value={"phone": "213-555-0123"})
    followed = draft(phone="213-555-0123", current={"phone": "213-555-0123", "status_code": "open"})
    assert file_tasks(review, review.kind(PHONES), [followed], NOW).refreshed == 1
    assert task(review, number, ADA, NOW).line.state == "decided"


def test_what_is_no_longer_asked_is_withdrawn_and_comes_back_when_it_is(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    assert file_tasks(review, review.kind(PHONES), [], NOW).withdrawn == 1
    assert task(review, number, ADA, NOW).line.state == "withdrawn" and next_task(review, ADA, NOW) is None
    assert file_tasks(review, review.kind(PHONES), [draft()], NOW).reopened == 1
    assert next_task(review, ADA, NOW) == number


def test_new_evidence_does_not_put_the_question_anew(review: Review) -> None:
    number = ask(review, draft(confidence=0.5))["pantry-1"]
    seen = task(review, number, ADA, NOW).seen
    assert file_tasks(review, review.kind(PHONES), [draft(confidence=0.6)], NOW).refreshed == 1
    assert task(review, number, ADA, NOW).seen != seen
    assert answer(review, number, ADA, seen=seen) == "decided"
    (made,) = task(review, number, ADA, NOW).decisions
    assert made.seen_hash == seen, "the log says exactly what its maker saw"


def test_drafts_that_cannot_be_asked_are_refused(review: Review) -> None:
    with pytest.raises(FilingError, match="twice"):
        ask(review, draft(), draft())
    with pytest.raises(FilingError, match="suggests 'fax'"):
        ask(review, draft(proposed={"fax": "1"}))


def test_an_outdated_page_and_a_second_editor_get_a_conflict_with_both_values(both: Review) -> None:
    number = ask(both, draft())["pantry-1"]
    seen = task(both, number, ADA, NOW).seen
    file_tasks(both, both.kind(PHONES), [draft(phone="213-555-0111")], NOW)
    with pytest.raises(ConflictError) as caught:
        answer(both, number, ADA, seen=seen)
    assert caught.value.changes == {"proposed.phone": ["213-555-0100", "213-555-0111"]}
    answer(both, number, ADA, "edit", value={"phone": "213-555-0120"})
    with pytest.raises(ConflictError) as caught:
        answer(both, number, BEN, "edit", value={"phone": "213-555-0121"})
    assert caught.value.changes == {"phone": ["213-555-0121", "213-555-0120"]}
    assert len(task(both, number, ADA, NOW).decisions) == 1


def test_values_are_held_to_the_contract(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    for value, words in (
        ({"phone": "none"}, "does not look as it must, such as 213-555-0100"),
        ({"status_code": "opn"}, "did you mean 'open'"),
        ({"status_code": ""}, "a value is needed"),
        ({"fone": "x"}, "did you mean 'phone'"),
        ({"phone": "213-555-0100\0"}, "character that no text has"),
    ):
        with pytest.raises(FormError, match=words):
            answer(review, number, ADA, "edit", value=value)
    with pytest.raises(ReviewError, match="needs a reason"):
        answer(review, number, ADA, "reject")
    with pytest.raises(ReviewError, match="cannot be answered here"):
        answer(review, number, ADA, "merge")
    with pytest.raises(NotAllowedError, match="contributor"):
        answer(review, number, VERA)
    assert task(review, number, ADA, NOW).decisions == ()


def test_undo_until_a_run_has_taken_it_up(both: Review) -> None:
    from civicops.review.source import take_up

    number = ask(both, draft())["pantry-1"]
    answer(both, number, ADA)
    assert undo(both, number, ADA, NOW).state == "open"
    view = task(both, number, ADA, NOW)
    assert view.effective is None and [item.outcome for item in view.decisions] == ["accept", "undo"]
    answer(both, number, ADA, "edit", value={"phone": "213-555-0120"})
    with pytest.raises(ReviewError, match="nothing on task"):
        undo(both, number, BEN, NOW)
    assert [row["phone"] for row in take_up(both, both.kind(PHONES), NOW)] == ["213-555-0120"]
    with pytest.raises(ReviewError, match="taken this decision up"):
        undo(both, number, ADA, NOW)
    with pytest.raises(NotAllowedError):
        reopen(both, number, ADA, "It was wrong.", NOW)
    reopen(both, number, STU, "It was wrong.", NOW)
    assert [row["phone"] for row in take_up(both, both.kind(PHONES), NOW)] == ["213-555-0120"], "counts until then"
    answer(both, number, BEN)
    assert [row["phone"] for row in take_up(both, both.kind(PHONES), NOW)] == ["213-555-0100"]


def test_undo_in_a_later_round_brings_the_earlier_decision_back(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    answer(review, number, ADA)
    file_tasks(review, review.kind(PHONES), [draft(phone="213-555-0111")], NOW)
    answer(review, number, BEN)
    undo(review, number, BEN, NOW)
    view = task(review, number, BEN, NOW)
    assert view.line.state == "open" and view.effective is not None and view.effective.who == "ada"


def test_two_raters_are_blind_and_a_steward_decides_where_they_disagree(review: Review) -> None:
    number = ask(review, draft(), kind="pantries.pairs")["pantry-1"]
    assert answer(review, number, ADA) == "open"
    assert task(review, number, BEN, NOW).decisions == (), "nobody sees what others answered before answering"
    assert next_task(review, ADA, NOW) is None
    with pytest.raises(NotAllowedError, match="You have answered"):
        answer(review, number, ADA)
    assert answer(review, number, BEN, "edit", value={"phone": "213-555-0111"}) == "disputed"
    with pytest.raises(NotAllowedError, match="needs the role steward"):
        answer(review, number, CLEO)
    assert next_task(review, STU, NOW) == number
    assert len(task(review, number, STU, NOW).decisions) == 2
    assert answer(review, number, STU, "edit", value={"phone": "213-555-0111"}) == "decided"


def test_an_edit_to_the_suggestion_agrees_with_who_accepted_it(review: Review) -> None:
    number = ask(review, draft(), kind="pantries.pairs")["pantry-1"]
    answer(review, number, ADA)
    assert answer(review, number, BEN, "edit", value={"phone": " 213-555-0100 "}) == "decided"


def test_a_majority_of_three_carries_the_day(review: Review) -> None:
    number = ask(review, draft(), kind="pantries.trios")["pantry-1"]
    answer(review, number, ADA)
    answer(review, number, BEN, "reject", reason="disconnected")
    assert answer(review, number, CLEO) == "decided"
    effective = task(review, number, ADA, NOW).effective
    assert effective is not None and effective.who == "ada"


def test_who_cannot_tell_is_not_asked_again_and_after_three_a_steward_is(review: Review) -> None:
    number = ask(review, draft())["pantry-1"]
    for who in (ADA, BEN):
        assert answer(review, number, who, "abstain") == "open"
        assert next_task(review, who, NOW) is None
    assert answer(review, number, CLEO, "abstain") == "disputed"
    assert next_task(review, STU, NOW) == number


def test_nobody_approves_their_own_and_changes_can_be_asked_for(both: Review) -> None:
    number = ask(both, draft(), kind="pantries.edits")["pantry-1"]
    assert answer(both, number, STU) == "submitted"
    with pytest.raises(NotAllowedError, match="You submitted it"):
        answer(both, number, STU, "approve")
    with pytest.raises(ReviewError, match="needs a reason"):
        answer(both, number, SUE, "request_changes")
    assert answer(both, number, SUE, "request_changes", reason="call again") == "open"
    assert next_task(both, ADA, NOW) is None, "it goes back to who submitted it"
    assert next_task(both, STU, NOW) == number
    assert answer(both, number, STU, "edit", value={"phone": "213-555-0150"}) == "submitted"
    assert answer(both, number, SUE, "approve") == "decided"
    effective = task(both, number, ADA, NOW).effective
    assert effective is not None and (effective.who, effective.value) == (
        "stu",
        {"phone": "213-555-0150", "status_code": "open"},
    )


def test_merge_and_split_name_what_they_are_about(review: Review) -> None:
    number = ask(review, draft("a+b", members=["a", "b", "c"]), kind="pantries.dupes")["a+b"]
    with pytest.raises(FormError, match="at least two"):
        answer(review, number, ADA, "merge", value={"members": ["a", "z"]}, reason="x")
    with pytest.raises(FormError, match="exactly one"):
        answer(review, number, ADA, "split", value={"parts": [["a"], ["b"]]})
    answer(review, number, ADA, "merge", value={"members": ["b", "a"], "phone": "213-555-0100"}, reason="same door")
    effective = task(review, number, ADA, NOW).effective
    assert effective is not None and effective.value == {
        "members": ["a", "b"],
        "phone": "213-555-0100",
        "status_code": "open",
    }


def test_ones_own_submission_is_somebody_elses_to_decide(review: Review) -> None:
    from civicops.review.filing import file_by_hand

    number = file_by_hand(review, review.kind(PHONES), draft(), "ada", NOW)
    assert next_task(review, ADA, NOW) is None
    with pytest.raises(NotAllowedError, match="your own submission"):
        answer(review, number, ADA)
    assert next_task(review, BEN, NOW) == number
    file_tasks(review, review.kind(PHONES), [], NOW)
    assert task(review, number, BEN, NOW).line.state == "open", "a pipeline withdraws only what it filed itself"


def test_a_claim_keeps_others_away_until_it_expires(review: Review) -> None:
    ids = ask(review, draft("a"), draft("b"))
    first = next_task(review, ADA, NOW)
    assert next_task(review, ADA, NOW) == first, "asking again gives the same one"
    second = next_task(review, BEN, NOW)
    assert {first, second} == set(ids.values())
    with pytest.raises(NotAllowedError, match="ada has it in hand"):
        claim(review, first or 0, BEN, NOW)
    assert next_task(review, CLEO, NOW) is None
    assert next_task(review, CLEO, NOW + timedelta(minutes=31)) == first
    release(review, first or 0, CLEO, NOW)
    assert next_task(review, ADA, NOW, skip=[second or 0]) == first


def test_given_put_off_and_contacted(review: Review) -> None:
    ids = ask(review, draft("a"), draft("b"))
    with pytest.raises(NotAllowedError, match="steward"):
        assign(review, ids["a"], "ben", ADA, NOW)
    assign(review, ids["b"], "ben", STU, NOW)
    assert next_task(review, ADA, NOW) == ids["a"]
    assert next_task(review, BEN, NOW) == ids["b"]
    with pytest.raises(ReviewError, match="Say why"):
        snooze(review, ids["b"], BEN, NOW + timedelta(days=30), "", NOW)
    snooze(review, ids["b"], BEN, NOW + timedelta(days=30), "They asked not to be called.", NOW)
    assert next_task(review, BEN, NOW + timedelta(days=29)) == ids["a"], "ada's claim is over by then"
    assert next_task(review, BEN, NOW + timedelta(days=31), skip=[ids["a"]]) == ids["b"]
    contacted(review, ids["a"], ADA, "called", "voicemail", "left a message", NOW)
    with pytest.raises(ReviewError, match="Valid here: spoke, voicemail"):
        contacted(review, ids["a"], ADA, "called", "nobody", "", NOW)
    assert [event.kind for event in task(review, ids["a"], ADA, NOW).events][-1] == "contact"
    assert next_task(review, ADA, NOW, kinds=["pantries.given"]) is None


def test_the_order_is_due_then_points_and_says_why(review: Review) -> None:
    ids = ask(
        review,
        draft("sure", confidence=0.99), draft("coin", confidence=0.5), draft("worth", confidence=0.99, value=3.0),
        draft("late", confidence=0.99, due_at=NOW - timedelta(days=1)),
    )  # fmt: skip
    got = []
    while (number := next_task(review, ADA, NOW, skip=got)) is not None:
        got.append(number)
    assert got == [ids[name] for name in ("late", "worth", "coin", "sure")]
    assert task(review, ids["late"], ADA, NOW).why[0] == "It is 24 hours overdue."
    assert task(review, ids["coin"], ADA, NOW).why[0] == "The machine is as good as guessing (+1.00)."
    assert [line.id for line in tasks(review, NOW, limit=2)] == [ids["worth"], ids["coin"]]
    assert find(review, PHONES, "coin") == ids["coin"]


def test_two_people_at_once_never_get_the_same_task(both: Review) -> None:
    ask(both, *(draft(f"p{number}") for number in range(24)))
    got: list[int] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        person, mine = Person(name, "contributor"), list[int]()
        try:
            while len(mine) < 50 and (number := next_task(both, person, NOW, skip=mine)) is not None:
                mine.append(number)
        except BaseException as error:
            failures.append(error)
        got.extend(mine)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(got) == sorted(set(got)) and len(got) == 24


def test_of_many_answers_at_once_one_counts(both: Review) -> None:
    number = ask(both, draft())["pantry-1"]
    seen = task(both, number, ADA, NOW).seen
    outcomes: list[str] = []

    def work(name: str) -> None:
        try:
            decide(both, number, Person(name, "contributor"), outcome="accept", seen=seen, now=NOW)
            outcomes.append("decided")
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=work, args=(f"w{place}",)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["decided"]


@pytest.mark.parametrize("table", [DECISION, EVENT, VERSION], ids=lambda table: table.name)
def test_the_log_cannot_be_changed(both: Review, table: sa.Table) -> None:
    number = ask(both, draft())["pantry-1"]
    answer(both, number, ADA)
    for change in (sa.update(table).values(id=999), sa.delete(table)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), both.writing() as con:
            con.execute(change)


KILLED = """
import os, signal, sys
from pathlib import Path
from civicops.review.deciding import decide
from civicops.review.room import Review, open_review
from civicops.workspace import Workspace
from tests.unit.review.conftest import ADA, NOW
Review.flush = lambda _self: os.kill(os.getpid(), signal.SIGKILL)
decide(open_review(Workspace.find(Path(sys.argv[1]))), int(sys.argv[2]), ADA, outcome="accept", seen=sys.argv[3], now=NOW)
"""


def test_every_decision_is_in_the_audit_log_though_the_process_died_between_the_two(review: Review) -> None:
    from civicops.audit import open_log

    number = ask(review, draft())["pantry-1"]
    seen = task(review, number, ADA, NOW).seen
    # A process that is killed after its transaction and before the log has heard of it.
    words = [sys.executable, "-c", KILLED, str(review.workspace.root), str(number), seen]
    assert subprocess.run(words, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    log = open_log(review.workspace)
    (made,) = task(review, number, ADA, NOW).decisions
    assert log.find(kind="decision") == ()
    review.flush()
    review.flush()
    (entry,) = log.find(kind="decision", subject=f"review/task/{number}")
    assert entry.content["decision_id"] == made.id and entry.content["seen_hash"] == seen
    assert "213-555-0100" not in str(entry), "values may be personal and stay in the part that can be erased"
    assert "213-555-0100" in log.personal_of([entry])[entry.index]["value"]
