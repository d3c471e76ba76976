"""Planning, applying, undoing: a real repository, real runs, real refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from civicops.audit import open_log
from civicops.change.plan import FOLDER, Plan, PlanError, load, save
from civicops.change.plan_words import MARKER, markdown
from civicops.change.states import StateError
from civicops.contracts import ContractFileError
from civicops.orchestrate.applying import NotApprovedError, WorldMovedError, apply_plan
from civicops.orchestrate.planning import WORK, make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.undoing import ApplyError, undo
from tests.flow.orchard import Orchard, column, drop_dead
from tests.flow.portal_kit import PROGRAM

pytestmark = pytest.mark.xdist_group("change")
"""One process for all of them: planting the orchard and planning in it takes longer than any test."""

EVERYBODY = ("ada-example", "ben-example", "cleo-example")


@pytest.fixture(scope="module")
def dropped(planted: Orchard, tmp_path_factory: pytest.TempPathFactory) -> tuple[Orchard, Plan]:
    """An orchard in which dead trees are no longer let in, and the plan of that; nobody changes either."""
    orchard = planted.copy(tmp_path_factory.mktemp("dropped") / "orchard")
    drop_dead(orchard)
    plan = make_plan(orchard.workspace)
    save(plan, orchard.workspace.folder(FOLDER))
    return orchard, plan


def more_counts(orchard: Orchard, version: str = "1.1.0") -> None:
    """A small change of the last product alone: one column more."""
    data = orchard.read("parks.counts")
    data["schema"][0]["properties"].append(column("district_count", "integer"))
    orchard.write("parks.counts", data, version)
    orchard.model(
        "parks/models/counts.sql",
        "SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) AS dead_count, count(*) AS district_count "
        "FROM {{ source('release', 'shade__shade') }}\n",
    )


def test_a_plan_says_what_will_happen(dropped: tuple[Orchard, Plan]) -> None:
    _, plan = dropped
    assert plan.problems == ()
    assert {(c.contract, c.consumers, c.producers) for c in plan.contracts} == {
        ("trees.inspections", "breaking", "breaking"),
        ("trees.trees", "breaking", "breaking"),
    }
    (moved,) = plan.accepted
    assert (moved.dataset, moved.rows_in, moved.held, moved.let_in) == ("trees.inspections", 400, 80, 0)
    rule = next(r for r in plan.rules if r.dataset == "trees.inspections")
    assert (rule.check, rule.broken_before, rule.broken_after, rule.held) == ("condition_known", 0, 80, 80)
    assert rule.samples[0] == {"tree_id": "T0003", "condition_code": "dead"}
    releases = {effect.dataset: effect for effect in plan.releases}
    assert releases["trees.trees"].removed == 80
    assert releases["shade.shade"].columns == {"shade_m": 2, "dead_count": 2}
    assert any("condition_code" in words and "dead" in words for words in releases["trees.trees"].shifts)
    assert releases["parks.counts"].changed == 1
    assert plan.cost.requests == 0 and plan.cost.rows == sum(e.rows_after for e in plan.releases)


def test_a_plan_names_who_uses_what_changes_and_who_must_agree(dropped: tuple[Orchard, Plan]) -> None:
    _, plan = dropped
    found = {(r.kind, f"{r.product}.{r.name}"): r for r in plan.readers}
    page = found["page", "trees.health"]
    assert (page.owner, page.grade) == ("ada-example", "breaking") and "trees.trees.condition_code" in page.because
    assert found["chart", "trees.health/health"].grade == "breaking"
    assert "dead_count" in found["released", "shade.shade"].columns
    assert found["api", "parks.counts"].owner == "cleo-example"
    assert {one.who for one in plan.approvals} == set(EVERYBODY)


def test_a_plan_shows_nobody_s_name(dropped: tuple[Orchard, Plan]) -> None:
    orchard, plan = dropped
    for text in (
        plan.model_dump_json(),
        markdown(plan),
        (orchard.workspace.folder(FOLDER) / f"{plan.id}.json").read_text(),
    ):
        assert "Made-Up" not in text
    assert markdown(plan).startswith(MARKER)


def test_a_plan_only_reads(dropped: tuple[Orchard, Plan], planted: Orchard) -> None:
    orchard, _ = dropped
    assert orchard.bytes_of_releases() == planted.bytes_of_releases()
    kept = orchard.workspace.folder(FOLDER) / WORK
    shared = [path for path in kept.rglob("*.parquet") if path.stat().st_nlink > 1]
    assert len(shared) >= 5, "releases and accepted rows are shared, not copied"


def test_approved_applied_applied_again_and_rolled_back(dropped: tuple[Orchard, Plan], tmp_path: Path) -> None:
    first, plan = dropped
    orchard = first.copy(tmp_path / "orchard")
    before = orchard.bytes_of_releases()
    with pytest.raises(NotApprovedError, match="cleo-example"):
        apply_plan(orchard.workspace, plan, approved=EVERYBODY[:2])
    assert orchard.bytes_of_releases() == before
    done = apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    assert set(done.switches) == {"trees", "shade", "parks"} and not done.already
    after = orchard.bytes_of_releases()
    assert all(after[name] != before[name] for name in before)
    for effect in plan.releases:
        release = orchard.store.find(*effect.dataset.split("."))
        assert release.package()["resources"][0]["hash"] == f"sha256:{effect.data_sha256}"
    log = open_log(orchard.workspace)
    noted = log.find(kind="change.apply", subject=f"plan/{plan.id}")
    agreed = [entry for entry in noted if entry.content["step"] == "agreed"]
    assert [entry.content["step"] for entry in noted].count("planned") == 1
    assert set(log.names_of(agreed).values()) == set(EVERYBODY) and len(agreed) == 3
    for product in done.switches:  # at once, not with the next run
        newest = log.find(kind="release.switch", subject=product)[0]
        assert newest.content["sequence"] == done.switches[product].sequence
    again = apply_plan(orchard.workspace, plan)
    assert again.already and orchard.bytes_of_releases() == after
    # The next run of each product knows that nothing is left to do.
    assert run_product(orchard.workspace, "trees").status == "unchanged"
    assert set(undo(orchard.workspace)) == {"trees", "shade", "parks"}
    assert orchard.bytes_of_releases() == before
    with pytest.raises(ApplyError, match="undone already"):
        undo(orchard.workspace)
    # Once more: what was undone before is no reason to leave a product out.
    assert set(apply_plan(orchard.workspace, plan, approved=EVERYBODY).switches) == {"trees", "shade", "parks"}
    assert set(undo(orchard.workspace)) == {"trees", "shade", "parks"}
    assert orchard.bytes_of_releases() == before
    with pytest.raises(ApplyError, match="undone already"):
        undo(orchard.workspace)


def test_applied_by_two_at_once_it_is_applied_once_and_both_are_told(
    dropped: tuple[Orchard, Plan], tmp_path: Path
) -> None:
    first, plan = dropped
    orchard = first.copy(tmp_path / "orchard")
    command = [*PROGRAM, "apply", plan.id, "--json", *(f"--approved={name}" for name in EVERYBODY)]
    both = [
        subprocess.Popen(command, cwd=orchard.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in "ab"
    ]
    said = [(*one.communicate(timeout=300), one.returncode) for one in both]
    assert [code for *_, code in said] == [0, 0], said
    assert sorted(json.loads(out)["already"] for out, *_ in said) == [False, True]
    for product in ("trees", "shade", "parks"):
        assert sum(switch.reason.endswith(plan.id) for switch in orchard.store.history(product)) == 1


def test_what_others_read_cannot_go(orchard: Orchard) -> None:
    shutil.rmtree(orchard.root / "products" / "shade")
    plan = make_plan(orchard.workspace)
    assert "parks reads shade.shade of shade, which is no product any more" in plan.problems, plan.problems
    with pytest.raises(ApplyError, match="no product any more"):
        apply_plan(orchard.workspace, plan, approved=EVERYBODY)


def test_nothing_differs(orchard: Orchard) -> None:
    plan = make_plan(orchard.workspace)
    assert (plan.files, plan.contracts, plan.releases, plan.approvals, plan.products) == ((), (), (), (), ())
    assert apply_plan(orchard.workspace, plan).switches == {}


def test_the_same_change_is_the_same_plan(orchard: Orchard) -> None:
    more_counts(orchard)
    one, two = make_plan(orchard.workspace), make_plan(orchard.workspace)
    assert one.id == two.id and one.products == ("parks",)
    assert one.contracts[0].consumers == "additive"
    assert "trees: its releases stay as they are" in one.untouched
    # What the plan built may be gone; it is built again, and must give the same bytes.
    shutil.rmtree(orchard.workspace.folder(FOLDER) / WORK)
    assert set(apply_plan(orchard.workspace, two, approved=EVERYBODY).switches) == {"parks"}


def test_what_old_plans_built_does_not_keep_the_disk(orchard: Orchard) -> None:
    work = orchard.workspace.folder(FOLDER) / WORK
    for name, age in ((".trial-killed", 72), ("old", 72), ("new", 1)):
        (work / name).mkdir(parents=True)
        os.utime(work / name, (time.time() - age * 3600,) * 2)
    make_plan(orchard.workspace)
    assert sorted(path.name for path in work.iterdir()) == ["new"]


def test_two_plans_on_one_base(orchard: Orchard) -> None:
    more_counts(orchard)
    one = make_plan(orchard.workspace)
    orchard.model(
        "parks/models/parks.sql",
        "SELECT district_code, shade_m + 1 AS shade_m FROM {{ source('release', 'shade__shade') }}\n",
    )
    two = make_plan(orchard.workspace)
    with pytest.raises(WorldMovedError, match="files of the workspace"):
        apply_plan(orchard.workspace, one, approved=EVERYBODY)
    apply_plan(orchard.workspace, two, approved=EVERYBODY)
    after = orchard.bytes_of_releases()
    orchard.model(
        "parks/models/parks.sql", "SELECT district_code, shade_m FROM {{ source('release', 'shade__shade') }}\n"
    )
    with pytest.raises(WorldMovedError, match="current releases of parks"):
        apply_plan(orchard.workspace, one, approved=EVERYBODY)
    assert orchard.bytes_of_releases() == after


def test_a_version_that_did_not_move_refuses_the_plan(orchard: Orchard) -> None:
    more_counts(orchard, "1.0.1")
    plan = make_plan(orchard.workspace)
    assert len(plan.problems) == 1 and "must be 1.1.0 or higher" in plan.problems[0]
    with pytest.raises(ApplyError, match=r"must be 1\.1\.0 or higher"):
        apply_plan(orchard.workspace, plan)


def test_a_failed_gate_leaves_everything_as_it_was(orchard: Orchard) -> None:
    before = orchard.bytes_of_releases()
    orchard.model(
        "parks/models/counts.sql",
        "SELECT kind_name, 1::BIGINT AS dead_count FROM (VALUES ('all'), ('all')) t(kind_name)\n",
    )
    plan = make_plan(orchard.workspace)
    assert "key_unique" in plan.problems[0]
    with pytest.raises(ApplyError, match="key_unique"):
        apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    assert orchard.bytes_of_releases() == before


def test_a_product_that_reads_what_goes_is_named(orchard: Orchard) -> None:
    data = orchard.read("shade.shade")
    data["schema"][0]["properties"] = [c for c in data["schema"][0]["properties"] if c["name"] != "dead_count"]
    orchard.write("shade.shade", data, "2.0.0")
    orchard.model(
        "shade/models/shade.sql",
        "SELECT district_code, sum(height_m) AS shade_m FROM {{ source('release', 'trees__trees') }} GROUP BY 1\n",
    )
    plan = make_plan(orchard.workspace)
    assert any(problem.startswith("parks:") and "dead_count" in problem for problem in plan.problems)
    released = next(r for r in plan.readers if (r.kind, r.product, r.name) == ("released", "parks", "counts"))
    assert released.grade == "breaking"


def test_a_plan_changed_by_hand_is_refused(orchard: Orchard) -> None:
    more_counts(orchard)
    plan = make_plan(orchard.workspace)
    path = save(plan, orchard.workspace.folder(FOLDER))
    assert load(plan.id[:8], path.parent) == plan
    data = json.loads(path.read_text(encoding="utf-8"))
    data["cost"]["rows"] = 0
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PlanError, match="not as it was written"):
        load(plan.id, path.parent)
    with pytest.raises(PlanError, match="There is no plan"):
        load("nothing", path.parent)


def test_a_merge_that_is_not_finished(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "other")
    orchard.write("parks.parks", orchard.read("parks.parks"), "1.1.0")
    orchard.commit()
    orchard.git("checkout", "-q", "main")
    orchard.write("parks.parks", orchard.read("parks.parks"), "1.2.0")
    orchard.commit()
    with pytest.raises(Exception, match="merge"):
        orchard.git("merge", "-q", "other")
    with pytest.raises(ContractFileError, match="two branches changed this"):
        make_plan(orchard.workspace, "HEAD")


def test_a_base_that_is_not_there(orchard: Orchard, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no commit 'gone'"):
        make_plan(orchard.workspace, "gone")
    first = orchard.git("rev-parse", "HEAD")
    orchard.write("parks.parks", orchard.read("parks.parks"), "1.0.1")
    orchard.git("commit", "-qam", "rewritten", "--amend")
    orchard.git("reflog", "expire", "--expire=now", "--all")
    orchard.git("gc", "-q", "--prune=now")
    with pytest.raises(StateError, match=first[:12]):
        make_plan(orchard.workspace, first)


def test_a_shallow_clone_says_what_to_do(orchard: Orchard, tmp_path: Path) -> None:
    first = orchard.git("rev-parse", "HEAD")
    orchard.write("parks.parks", orchard.read("parks.parks"), "1.0.1")
    orchard.commit()
    clone = Orchard(tmp_path / "clone")
    orchard.git("clone", "-q", "--depth", "1", f"file://{orchard.root}", str(clone.root))
    with pytest.raises(StateError) as raised:
        make_plan(clone.workspace, first)
    assert "--unshallow" in raised.value.hint
    assert make_plan(clone.workspace).files == ()


def test_outside_a_repository(orchard: Orchard, tmp_path: Path) -> None:
    shutil.rmtree(orchard.root / ".git")
    with pytest.raises(StateError, match="not in a git repository"):
        make_plan(orchard.workspace)
