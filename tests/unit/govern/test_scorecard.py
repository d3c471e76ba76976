"""Where a product stands: each measure says what it should of what was planted, and the trend keeps it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import ContractFileError
from civicops.govern.measures import MEASURES, late_seconds
from civicops.govern.practices import practices_of
from civicops.govern.scorecard import changes, record, score, stage_gaps, trend
from civicops.marks import Mark, add_mark, key_text, open_marks
from civicops.runs import RunLog, new_record
from civicops.workspace import Workspace
from tests.unit.test_people import BOTH, group

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def pantries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return group(tmp_path, BOTH)


def states(workspace: Workspace, now: datetime = NOW) -> dict[str, str]:
    found = score(workspace, workspace.product("pantries"), now)
    return {result.practice.id: result.found.state for result in found.results}


def test_every_practice_has_a_measure_and_a_page_that_is_there(pantries: Workspace) -> None:
    root = Path(__file__).parents[3]
    practices = practices_of(pantries, tuple(MEASURES))
    assert {practice.measure for practice in practices} == set(MEASURES), (
        "no measure without a practice, none without a measure"
    )
    assert [practice.page for practice in practices if not (root / practice.page).is_file()] == []


def test_what_is_planted_is_what_is_measured(pantries: Workspace, tmp_path: Path) -> None:
    before = states(pantries)
    assert before["two_people"] == "met" and before["contracts_say_it"] == "met"
    assert before["last_run"] == before["runbook"] == before["goals"] == "missing"
    assert before["freshness"] == "missing" and before["retention"] == "missing"
    product = tmp_path / "products" / "pantries"
    (product / "README.md").write_text("# Pantries\n\n## What can go wrong\n\nPhones ring in vain.\n")
    (product / "goals.yaml").write_text("goals:\n  - {practice: runbook, by: 2026-06-30, who: ben}\n")
    log = RunLog(tmp_path / "var" / "runs")
    log.end(log.save(new_record("pantries", "test")), "succeeded")
    after = states(pantries)
    assert after["runbook"] == after["goals"] == after["last_run"] == "met"
    for name in ("contracts_say_it", "two_people"):
        assert after[name] == "met"
    contract = product / "contracts" / "listings.yaml"
    contract.write_text(contract.read_text().replace("description: Its telephone number.", "description: ''"))
    assert states(Workspace.find(tmp_path))["contracts_say_it"] == "missing", "one of four columns says nothing"


def test_incidents_reach_the_route_that_hears_of_them_and_not_the_one_that_is_named(
    pantries: Workspace, tmp_path: Path
) -> None:
    """A product names the route it would have; where a group has none of that name, the default one hears of it."""
    product, settings = tmp_path / "products" / "pantries" / "product.yaml", tmp_path / "civicops.toml"
    text = product.read_text(encoding="utf-8")
    product.write_text(
        re.sub(r"(?m)^alerts:.*\n", "", text) + "freshness_hours: 48\nalerts: [pantries]\n", encoding="utf-8"
    )

    def told(routes: str) -> str:
        plain = settings.read_text(encoding="utf-8").partition("\n[alerts")[0]
        settings.write_text(f"{plain}\n{routes}", encoding="utf-8")
        workspace = Workspace.find(tmp_path)
        found = score(workspace, workspace.product("pantries"), NOW).results
        return next(one.found.evidence for one in found if one.practice.id == "monitors")

    assert "no alert route hears of it" in told("").lower()
    assert told('[alerts.routes.default]\nurls = ["MAIL"]\n').endswith("default hears of it.")
    assert told('[alerts.routes.default]\nurls = ["MAIL"]\n[alerts.routes.pantries]\nurls = ["MAIL"]\n').endswith(
        "pantries hears of it."
    )
    assert "no alert route hears of it" in told('[alerts.routes.others]\nurls = ["MAIL"]\n').lower()


def test_a_runbook_of_monitors_needs_their_sections(pantries: Workspace, tmp_path: Path) -> None:
    product = tmp_path / "products" / "pantries"
    (product / "monitors.py").write_text('RUNBOOK = "Phones are dead"\n')
    (product / "README.md").write_text("# Pantries\n\n## What can go wrong\n")
    found = next(
        r.found for r in score(pantries, pantries.product("pantries"), NOW).results if r.practice.id == "runbook"
    )
    assert found.state == "partly" and "Phones are dead" in found.evidence
    (product / "README.md").write_text("# Pantries\n\n## Phones are dead\n\nCall the shop.\n")
    assert states(pantries)["runbook"] == "met"


def test_trying_the_runbook_counts_for_a_year_and_not_by_its_owner(pantries: Workspace) -> None:
    def tried(who: str, days: int) -> str:
        mark = Mark(NOW - timedelta(days=days), "scorecard", "runbook", key_text(["pantries"]), "", True, "", who)
        add_mark(open_marks(pantries), mark)
        return states(pantries)["runbook_tried"]

    assert states(pantries)["runbook_tried"] == "missing"
    assert tried("ben", 400) == "partly"
    assert tried("amara-okafor", 3) == "partly"
    assert tried("ben", 2) == "met"


def test_the_stage_decides_what_binds(pantries: Workspace, tmp_path: Path) -> None:
    product = pantries.product("pantries")
    assert score(pantries, product, NOW).gaps == (), "a pilot is advised"
    lacks = {result.practice.id for result in stage_gaps(pantries, product, now=NOW)}
    assert {"last_run", "runbook", "freshness"} <= lacks and "two_people" not in lacks
    path = tmp_path / "products" / "pantries" / "product.yaml"
    path.write_text(path.read_text().replace("stage: pilot", "stage: stable"))
    found = score(pantries, pantries.product("pantries"), NOW)
    assert {result.practice.id for result in found.gaps} == lacks and found.next is not None
    path.write_text(path.read_text().replace("stage: stable", "stage: retired"))
    assert all(result.weight == "advises" for result in score(pantries, pantries.product("pantries"), NOW).results)


def test_the_trend_keeps_a_line_a_day_on_which_something_changed(pantries: Workspace, tmp_path: Path) -> None:
    assert record(pantries, NOW) == 1
    assert record(pantries, NOW + timedelta(hours=3)) == 0, "once a day"
    assert record(pantries, NOW + timedelta(days=1)) == 0, "nothing changed"
    (tmp_path / "products" / "pantries" / "README.md").write_text("## What can go wrong\n")
    assert record(pantries, NOW + timedelta(days=2)) == 1
    path = tmp_path / "var" / "observe" / "scorecard" / "pantries.jsonl"
    path.write_text(path.read_text() + '{"day": "2026-03')  # killed while it was written
    days = trend(pantries, "pantries", NOW + timedelta(days=3))
    assert [day.day.isoformat() for day in days] == ["2026-03-02", "2026-03-04"] and days[1].met == days[0].met + 1
    assert changes(days, score(pantries, pantries.product("pantries"), NOW)) == (
        "better: The runbook says what to do (missing on 2026-03-02, met now)",
    )
    assert trend(pantries, "pantries", NOW + timedelta(days=500))[-1] == days[-1], "the last one before the year stays"


def test_goals_are_open_overdue_or_reached(pantries: Workspace, tmp_path: Path) -> None:
    (tmp_path / "products" / "pantries" / "goals.yaml").write_text(
        "goals:\n  - {practice: two_people, by: 2026-01-01, who: ben}\n  - {practice: runbook, by: 2026-01-01, who: ben}\n"
        "  - {text: 'Call them all.', by: 2026-12-01, who: ben}\n  - {text: 'Done.', by: 2026-01-01, who: ben, reached: 2026-01-02}\n"
    )
    found = score(pantries, pantries.product("pantries"), NOW)
    assert [goal.state for goal in found.goals] == ["reached", "overdue", "open", "reached"]


@pytest.mark.parametrize(
    ("file", "text", "line", "words"),
    [
        ("products/pantries/goals.yaml", "goals:\n  - {practice: two_peopel, by: 2026-01-01, who: ben}\n", 2, "two_people"),
        ("products/pantries/goals.yaml", "goals:\n  - {by: 2026-01-01, who: ben}\n", 2, "a goal names a practice"),
        ("products/pantries/goals.yaml", "pain: []\n", 1, "pains"),
        ("practices.yaml", "practices:\n  - {id: a, title: A, why: B, measure: runbok, page: c,\n"
         "     stages: {pilot: binds, stable: binds, retired: 'off'}}\n", 2, "runbook"),
    ],
)  # fmt: skip
def test_faults_have_a_line_and_the_nearest_word(
    pantries: Workspace, tmp_path: Path, file: str, text: str, line: int, words: str
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(ContractFileError) as failed:
        score(pantries, pantries.product("pantries"), NOW)
    assert any(words in problem.message and problem.line == line for problem in failed.value.problems), (
        failed.value.problems
    )


def test_a_workspace_changes_a_practice_and_adds_one(pantries: Workspace, tmp_path: Path) -> None:
    lines = "".join(
        f"  - {{id: {name}, title: T, why: W, measure: goals, page: p, stages: {{pilot: binds, stable: binds, retired: 'off'}}}}\n"
        for name in ("goals", "ours")
    )
    (tmp_path / "practices.yaml").write_text("practices:\n" + lines)
    assert {result.practice.id for result in score(pantries, pantries.product("pantries"), NOW).gaps} == {
        "goals",
        "ours",
    }


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=30), st.integers(1, 400))
def test_late_seconds_against_counting_each_minute(minutes: list[int], limit: int) -> None:
    good = sorted({NOW + timedelta(minutes=minute) for minute in minutes})
    begin, end = good[0], NOW + timedelta(minutes=2100)
    step = timedelta(minutes=1)
    late, at = 0, begin
    while at < end:
        newest = max(moment for moment in good if moment <= at)
        late += at - newest >= timedelta(minutes=limit)
        at += step
    assert late_seconds(good, begin, end, timedelta(minutes=limit)) == late * 60
