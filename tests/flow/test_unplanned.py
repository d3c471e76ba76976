"""A run publishes nothing that others rely on from files that no plan has shown; and a plan leaves out nothing that is not published.

Belongs here: runs, plans and landings after files changed without one. Does not belong here: what a plan says (`test_change`).
"""

from __future__ import annotations

import subprocess

import pytest
import yaml

from civicops.change.previews import make as make_preview
from civicops.orchestrate.applying import apply_plan
from civicops.orchestrate.continuous import land_change
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.undoing import ApplyError, undo
from civicops.orchestrate.unplanned import UnplannedError, made_of
from civicops.workspace import Workspace
from tests.flow.orchard import Orchard, drop_dead
from tests.flow.portal_kit import PROGRAM

pytestmark = pytest.mark.xdist_group("agreed")

EVERYBODY = ("ada-example", "ben-example", "cleo-example")
COUNTED = "SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) + 1 AS dead_count FROM {{ source('release', 'shade__shade') }}\n"


def stage(orchard: Orchard, product: str, stage: str) -> None:
    path = orchard.root / "products" / product / "product.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8")) | {"stage": stage}
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def land_tree(orchard: Orchard, tree: str) -> None:
    with (orchard.root / "downloads" / "inspections.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{tree},north,good,7,Robin Made-Up\n")


def test_an_edited_contract_that_others_read_is_not_published_by_a_run(orchard: Orchard) -> None:
    before = orchard.bytes_of_releases()
    land_tree(orchard, "T9001")
    drop_dead(orchard)
    with pytest.raises(UnplannedError, match=r"contracts/inspections\.yaml.*it is stable|shade reads it") as refused:
        run_product(orchard.workspace, "trees")
    assert "civicops plan" in refused.value.hint
    assert orchard.bytes_of_releases() == before
    # What was fetched is kept, and the plan counts it.
    plan = make_plan(orchard.workspace)
    assert next(one for one in plan.accepted if one.dataset == "trees.inspections").rows_in == 401
    apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    assert run_product(orchard.workspace, "trees").status == "unchanged"


def test_a_pilot_that_others_read_is_held_too_and_one_that_nobody_reads_says_so(orchard: Orchard) -> None:
    for name in ("trees", "shade", "parks"):
        stage(orchard, name, "pilot")
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    orchard.commit("all are pilots")
    drop_dead(orchard)
    with pytest.raises(UnplannedError, match="shade reads it"):
        run_product(orchard.workspace, "trees")
    orchard.model("parks/models/counts.sql", COUNTED)
    record = run_product(orchard.workspace, "parks")
    assert record.status == "succeeded"
    (finding,) = [one for one in record.findings if one["check_id"] == "unplanned_change"]
    assert "models/counts.sql" in finding["message"] and finding["severity"] == "flag"
    assert not [
        one for one in run_product(orchard.workspace, "parks").findings if one["check_id"] == "unplanned_change"
    ]


def test_words_pages_and_goals_need_no_plan(orchard: Orchard) -> None:
    folder = orchard.root / "products" / "trees"
    (folder / "README.md").write_text("# Trees\n", encoding="utf-8")
    (folder / "goals.yaml").write_text("goals: []\n", encoding="utf-8")
    (folder / "monitors.py").write_text('"""None."""\n', encoding="utf-8")
    with (folder / "pages" / "health.py").open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert run_product(orchard.workspace, "trees").status == "unchanged"


def test_a_file_that_only_code_reads_needs_one(orchard: Orchard) -> None:
    (orchard.root / "products" / "trees" / "trained.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UnplannedError, match=r"trained\.json"):
        run_product(orchard.workspace, "trees")
    assert {change.path for change in make_plan(orchard.workspace).files} == {"trained.json"}


def test_what_was_rolled_back_is_not_published_again_by_the_next_run(orchard: Orchard) -> None:
    before = orchard.bytes_of_releases()
    drop_dead(orchard)
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    undo(orchard.workspace)
    land_tree(orchard, "T9002")
    with pytest.raises(UnplannedError, match="inspections"):
        run_product(orchard.workspace, "trees")
    assert orchard.bytes_of_releases() == before
    orchard.git("checkout", "-q", ".")
    assert run_product(orchard.workspace, "trees").status == "succeeded"


def test_on_the_main_branch_a_plan_shows_what_was_committed_and_not_published(orchard: Orchard) -> None:
    first = orchard.git("rev-parse", "HEAD")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == first and {one.contract for one in plan.contracts} >= {
        "trees.inspections",
        "trees.trees",
    }
    # Compared with what is not published, a plan leaves that out: it can be looked at and not applied.
    orchard.model(
        "trees/models/districts.sql",
        "SELECT district_code, count(*) AS tree_count FROM {{ ref('trees') }} GROUP BY ALL\n",
    )
    small = make_plan(orchard.workspace, "HEAD")
    assert not small.contracts and set(small.behind) == {"trees"}
    with pytest.raises(ApplyError, match="of whose files current releases were not made") as refused:
        apply_plan(orchard.workspace, small, approved=EVERYBODY)
    assert first[:7] in refused.value.hint
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    found = made_of(orchard.workspace, "trees")
    assert found is not None and found.commit == "", "it was made of files that are not committed"
    assert run_product(orchard.workspace, "trees").status == "unchanged"


def test_what_a_landing_left_out_is_seen_by_the_next_one(orchard: Orchard) -> None:
    before = orchard.bytes_of_releases()
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge no-dead-trees", "no-dead-trees")
    report = land_change(orchard.workspace)
    assert not report.is_good and orchard.bytes_of_releases() == before

    orchard.git("checkout", "-qb", "one-more")
    orchard.model("parks/models/counts.sql", COUNTED)
    orchard.commit("one more")
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge one-more", "one-more")
    report = land_change(orchard.workspace, approved=("cleo-example",))
    assert report.plan is not None and {one.contract for one in report.plan.contracts} >= {
        "trees.inspections",
        "trees.trees",
    }
    assert not report.is_good and orchard.bytes_of_releases() == before
    # Named by hand, the commit before lands what came since, and only that.
    report = land_change(orchard.workspace, "HEAD^1", approved=EVERYBODY)
    assert report.is_good
    after = orchard.bytes_of_releases()
    assert {name for name in before if after[name] != before[name]} == {"parks.counts"}
    report = land_change(orchard.workspace, approved=("cleo-example",))
    assert report.plan is not None and {one.contract for one in report.plan.contracts} >= {
        "trees.inspections",
        "trees.trees",
    }
    assert not report.is_good and orchard.bytes_of_releases() == after


def keep_fewer(orchard: Orchard, count: int) -> str:
    path = orchard.root / "civicops.toml"
    text = path.read_text(encoding="utf-8").partition("\n[retention]")[0]
    path.write_text(f"{text}\n[retention]\nkeep_newest = {count}\n", encoding="utf-8")
    return orchard.commit(f"keep {count}")


def test_shared_settings_that_no_plan_put_in_force_are_in_the_next_plan(orchard: Orchard) -> None:
    first = orchard.git("rev-parse", "HEAD")
    keep_fewer(orchard, 5)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == first and "keep_newest: 10 becomes 5" in " ".join(plan.cost.notes)
    # Another change lands against the commit that was left out: it stays left out.
    orchard.model("parks/models/counts.sql", COUNTED)
    orchard.commit("one more")
    apply_plan(orchard.workspace, make_plan(orchard.workspace, "HEAD^1"), approved=EVERYBODY)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == first and "keep_newest: 10 becomes 5" in " ".join(plan.cost.notes)
    apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == orchard.git("rev-parse", "HEAD") and not plan.cost.notes and not plan.approvals


def test_shared_settings_that_were_rolled_back_with_a_plan_are_in_the_next_one(orchard: Orchard) -> None:
    first = orchard.git("rev-parse", "HEAD")
    orchard.model("parks/models/counts.sql", COUNTED)
    second = keep_fewer(orchard, 5)
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    assert make_plan(orchard.workspace).base_commit == second
    undo(orchard.workspace)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == first and "keep_newest: 10 becomes 5" in " ".join(plan.cost.notes)
    # In force, and changed again by a commit that nobody planned: only that is left.
    apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    keep_fewer(orchard, 4)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == second and "keep_newest: 5 becomes 4" in " ".join(plan.cost.notes)


def test_a_branch_that_was_applied_and_then_squashed_is_known_by_what_it_holds(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "fewer")
    keep_fewer(orchard, 5)
    apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--squash", "fewer")
    squashed = orchard.commit("Keep five (squashed)")
    orchard.git("branch", "-qD", "fewer")
    assert make_plan(orchard.workspace).base_commit == squashed
    keep_fewer(orchard, 4)
    plan = make_plan(orchard.workspace)
    assert plan.base_commit == squashed and "keep_newest: 5 becomes 4" in " ".join(plan.cost.notes)


def test_a_preview_may_run_whatever_its_branch_says(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    preview = make_preview(orchard.workspace, "no-dead-trees")
    assert run_product(Workspace.find(preview.folder), "trees").status == "succeeded"


def test_the_program_says_what_to_do(orchard: Orchard) -> None:
    drop_dead(orchard)
    done = subprocess.run([*PROGRAM, "run", "trees"], cwd=orchard.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "must be planned first" in done.stderr and "civicops apply last" in done.stderr


def test_what_a_plan_left_as_it_was_is_undone_with_it(orchard: Orchard) -> None:
    """A plan that changes the releases of some products and only the files of others: undone, both are as before."""
    first = made_of(orchard.workspace, "trees")
    assert first is not None
    (orchard.root / "products" / "trees" / "trained.json").write_text("{}", encoding="utf-8")
    orchard.model("parks/models/counts.sql", COUNTED)
    applied = apply_plan(orchard.workspace, make_plan(orchard.workspace), approved=EVERYBODY)
    assert set(applied.switches) == {"parks"}
    now = made_of(orchard.workspace, "trees")
    assert now is not None and "trained.json" in now.files
    undo(orchard.workspace)
    again = made_of(orchard.workspace, "trees")
    assert again is not None and again.files == first.files
    with pytest.raises(UnplannedError, match=r"trained\.json"):
        run_product(orchard.workspace, "trees")
