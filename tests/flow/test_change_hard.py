"""What goes wrong around a change: kills in the middle of it, two people at once, merges nobody finished, owners who made
themselves one.

Belongs here: whole plans applied to a real repository, under those. Does not belong here: what a plan says (`test_change`), the
switch alone (`tests/unit/release/test_release_together`).
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from civicops.change.owners import PLACE, codeowners
from civicops.change.plan import FOLDER, Plan, save
from civicops.cli import app
from civicops.errors import CivicopsError
from civicops.orchestrate.applying import WorldMovedError, apply_plan
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.undoing import ApplyError, undo
from civicops.release.journal import JOURNAL_FILE
from civicops.workspace import Workspace
from tests.flow.killing import in_a_process
from tests.flow.orchard import Orchard, column, drop_dead

pytestmark = pytest.mark.xdist_group("change")

EVERYBODY = ("ada-example", "ben-example", "cleo-example")
MOMENTS = 3


@pytest.fixture(scope="module")
def dropped(planted: Orchard, tmp_path_factory: pytest.TempPathFactory) -> tuple[Orchard, Plan]:
    """A plan that changes five releases of three products, not applied yet; nobody changes either."""
    orchard = planted.copy(tmp_path_factory.mktemp("dropped") / "orchard")
    drop_dead(orchard)
    plan = make_plan(orchard.workspace)
    save(plan, orchard.workspace.folder(FOLDER))
    assert len([one for one in plan.releases if not one.is_same]) == 5
    return orchard, plan


def data_of(orchard: Orchard) -> dict[str, str]:
    """Dataset to the hash of its current data."""
    return {
        f"{product}.{name}": hashlib.sha256(release.data.read_bytes()).hexdigest()
        for product in ("trees", "shade", "parks")
        for name, release in orchard.store.snapshot(product).items()
    }


def whole_after_kill(
    first: Orchard, plan: Plan, root: Path, before: dict[str, str], **kill: float | int
) -> tuple[bool, bool]:
    """Kill `apply` of a copy; everything is as before or as planned, goes on from there, and comes back to the byte.

    Returns whether it was killed, and whether the plan was in force by then.
    """
    orchard = first.copy(root)
    promised = {one.dataset: one.data_sha256 for one in plan.releases}
    killed, _ = in_a_process(lambda: apply_plan(orchard.workspace, plan, approved=EVERYBODY), **kill)  # type: ignore[arg-type]
    found = data_of(orchard)
    was_applied = found == promised
    assert was_applied or orchard.bytes_of_releases() == before, "neither before nor after"
    again = apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    assert again.already is was_applied and data_of(orchard) == promised
    assert not (orchard.store.root / JOURNAL_FILE).exists()
    assert not [path for path in orchard.store.root.glob("*/*/.staging-*") if killed is False]
    undo(orchard.workspace)
    assert orchard.bytes_of_releases() == before
    shutil.rmtree(root)
    return killed, was_applied


def test_a_whole_apply_killed_at_its_steps_on_the_disk(dropped: tuple[Orchard, Plan], tmp_path: Path) -> None:
    first, plan = dropped
    before = first.bytes_of_releases()
    orchard = first.copy(tmp_path / "undisturbed")
    killed, steps = in_a_process(lambda: apply_plan(orchard.workspace, plan, approved=EVERYBODY))
    assert not killed
    # At the journal of the joint switch and all around it; elsewhere evenly.
    journal = [n for n, step in enumerate(steps) if step == f"os.rename {JOURNAL_FILE}"]
    gone = [n for n, step in enumerate(steps) if step == f"os.remove {JOURNAL_FILE}"]
    assert len(journal) == 1 and len(gone) == 1 and len(steps) > 60
    points = {*range(journal[0], journal[0] + 3), gone[0], gone[0] + 1, *range(0, len(steps), len(steps) // 4)}
    outcomes = {}
    for point in sorted(points):
        killed, applied = whole_after_kill(first, plan, tmp_path / f"at{point}", before, stop_at=point)
        assert killed
        outcomes[point] = applied
    assert not outcomes[journal[0]] and outcomes[journal[0] + 1], "the one rename decides"
    assert all(applied is (point > journal[0]) for point, applied in outcomes.items())


def test_a_whole_apply_killed_at_any_moment(dropped: tuple[Orchard, Plan], tmp_path: Path) -> None:
    first, plan = dropped
    before = first.bytes_of_releases()
    orchard = first.copy(tmp_path / "undisturbed")
    begun = time.monotonic()
    in_a_process(lambda: apply_plan(orchard.workspace, plan, approved=EVERYBODY))
    took = time.monotonic() - begun
    moments = random.Random(6)
    killed = [
        # The first one always comes before the end, however busy the machine was while the whole was timed.
        whole_after_kill(
            first, plan, tmp_path / f"moment{n}", before, after=moments.uniform(0.02, took) if n else 0.02
        )[0]
        for n in range(MOMENTS)
    ]
    assert any(killed)


def test_what_a_kill_left_does_not_keep_the_next_run_from_being_right(
    dropped: tuple[Orchard, Plan], tmp_path: Path
) -> None:
    """Killed right after the switch, with no record of a run kept: the next run finds the same releases to make."""
    first, plan = dropped
    orchard, dry = first.copy(tmp_path / "one"), first.copy(tmp_path / "dry")
    _, steps = in_a_process(lambda: apply_plan(dry.workspace, plan, approved=EVERYBODY))
    point = steps.index(f"os.rename {JOURNAL_FILE}") + 1
    killed, _ = in_a_process(lambda: apply_plan(orchard.workspace, plan, approved=EVERYBODY), stop_at=point)
    assert killed
    after = data_of(orchard)
    for name in ("trees", "shade", "parks"):
        assert run_product(orchard.workspace, name).status in ("succeeded", "unchanged")
    assert data_of(orchard) == after == {one.dataset: one.data_sha256 for one in plan.releases}


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "height": st.integers(20, 59),
        "conditions": st.sampled_from([("good", "fair"), ("good",), ("good", "fair", "dead", "felled")]),
        "shade": st.integers(2, 9),
        "more": st.booleans(),
    },
).filter(bool)


def make_change(orchard: Orchard, change: dict[str, object]) -> None:
    data = orchard.read("trees.inspections")
    columns = {one["name"]: one for one in data["schema"][0]["properties"]}
    if "height" in change:
        columns["height_m"]["quality"][0]["implementation"]["maximum"] = change["height"]
    if "conditions" in change:
        columns["condition_code"]["quality"][0]["implementation"]["values"] = list(change["conditions"])  # type: ignore[call-overload]
    orchard.write("trees.inspections", data, "2.0.0")
    if "shade" in change:
        sql = f"SELECT district_code, shade_m * {change['shade']} AS shade_m FROM {{{{ source('release', 'shade__shade') }}}}\n"
        orchard.model("parks/models/parks.sql", sql)
    if change.get("more"):
        data = orchard.read("parks.counts")
        data["schema"][0]["properties"].append(column("district_count", "integer"))
        orchard.write("parks.counts", data, "1.1.0")
        orchard.model(
            "parks/models/counts.sql",
            "SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) AS dead_count, count(*) AS district_count "
            "FROM {{ source('release', 'shade__shade') }}\n",
        )


def test_plan_apply_rollback_returns_the_same_bytes(orchard: Orchard) -> None:
    before, seen = orchard.bytes_of_releases(), []

    @settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(CHANGES)
    def there_and_back(change: dict[str, object]) -> None:
        make_change(orchard, change)
        plan = make_plan(orchard.workspace)
        assert not plan.problems
        done = apply_plan(orchard.workspace, plan, approved=[one.who for one in plan.approvals])
        now = data_of(orchard)
        assert all(now[one.dataset] == one.data_sha256 for one in plan.releases)
        assert {f"{p}.{n}" for p, s in done.switches.items() for n in s.after if s.before.get(n) != s.after[n]} == {
            one.dataset for one in plan.releases if not one.is_same
        }
        seen.append(len(done.switches))
        if done.switches:
            undo(orchard.workspace, plan.id)
        assert orchard.bytes_of_releases() == before
        orchard.git("checkout", "-q", ".")

    there_and_back()
    assert max(seen) >= 2, "none of them reached another product"


def owners_of(text: str, path: str) -> set[str]:
    """Whom CODEOWNERS names for a path: the last line that matches counts, as code hosts read it."""
    found: list[str] = []
    for line in text.splitlines():
        pattern, *people = line.split() or [""]
        if pattern.startswith("/") and (
            path == pattern[1:] or (pattern.endswith("/") and path.startswith(pattern[1:]))
        ):
            found = people
    return {name.removeprefix("@") for name in found}


def test_who_must_agree_are_the_owners_of_what_is_touched(orchard: Orchard) -> None:
    data = orchard.read("trees.trees")
    data["team"]["members"] = [{"username": "dana-example", "role": "owner"}]
    orchard.write("trees.trees", data)
    orchard.commit("trees are dana's")
    people = codeowners(orchard.workspace)
    drop_dead(orchard)
    plan = make_plan(orchard.workspace, "HEAD")
    wanted = {one.who for one in plan.approvals}
    touched = [f"products/{one.product}/{one.path}" for one in plan.files]
    assert touched == ["products/trees/contracts/inspections.yaml", "products/trees/contracts/trees.yaml"]
    theirs = set().union(*(owners_of(people, path) for path in touched))
    assert theirs == {"ada-example", "dana-example"} and theirs <= wanted
    # The others own what reads it, as CODEOWNERS says of their files.
    assert wanted - theirs == owners_of(people, "products/shade/models/shade.sql") | owners_of(
        people, "products/parks/x"
    )


def test_nobody_agrees_as_the_owner_that_the_change_makes_of_him(orchard: Orchard) -> None:
    drop_dead(orchard)
    for name in ("trees.inspections", "trees.trees", "trees.districts", "shade.shade", "parks.parks", "parks.counts"):
        data = orchard.read(name)
        data["team"]["members"] = [{"username": "mallory-example", "role": "owner"}]
        orchard.write(name, data, data["version"] if data["version"] != "1.0.0" else "1.0.1")
    for name in ("trees", "shade", "parks"):
        path = orchard.root / "products" / name / "product.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            "".join(
                f"{'owner: mallory-example' if line.startswith('owner:') else line.rstrip()}\n"
                for line in text.splitlines(keepends=True)
            ),
            encoding="utf-8",
        )
    plan = make_plan(orchard.workspace)
    assert {one.who for one in plan.approvals} == set(EVERYBODY)
    with pytest.raises(CivicopsError, match="ada-example"):
        apply_plan(orchard.workspace, plan, approved=["mallory-example"])


def test_handing_over_needs_the_one_who_has_it(orchard: Orchard) -> None:
    data = orchard.read("parks.parks")
    data["team"]["members"] = [{"username": "mallory-example", "role": "owner"}]
    orchard.write("parks.parks", data, "1.0.1")
    (one,) = make_plan(orchard.workspace).approvals
    assert (one.who, one.why) == ("cleo-example", ("owns parks.parks, which is handed over",))


COMMANDS = (
    ("products",), ("run", "parks"), ("diagnose", "parks"), ("plan",), ("apply", "last"), ("ci",), ("ci", "--merge"),
    ("owners",), ("lineage", "parks.parks"), ("quarantine", "list", "parks"), ("export", "site", "{root}/out"),
)  # fmt: skip


def test_a_merge_that_nobody_finished_is_named_by_every_command(orchard: Orchard) -> None:
    """`status` alone goes on: it reads what happened, not what is promised."""
    more = orchard.read("parks.parks")
    orchard.write("parks.parks", more, "1.0.1")
    save(make_plan(orchard.workspace), orchard.workspace.folder(FOLDER))
    orchard.git("checkout", "-qb", "other")
    orchard.write("parks.parks", more, "1.1.0")
    orchard.commit()
    orchard.git("checkout", "-q", "main")
    orchard.write("parks.parks", more, "1.2.0")
    orchard.commit()
    with pytest.raises(Exception, match="merge"):
        orchard.git("merge", "-q", "other")
    path = orchard.path("parks.parks")
    line = next(
        n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text.startswith("<<<<<<<")
    )
    before = orchard.bytes_of_releases()
    silent = []
    for words in COMMANDS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CIVICOPS_WORKSPACE", str(orchard.root))
            done = CliRunner().invoke(app, [word.replace("{root}", str(orchard.root)) for word in words])
        said = f"{done.output} {done.exception.message if isinstance(done.exception, CivicopsError) else ''}"
        if done.exit_code == 0 or f"{path}:{line}: two branches changed this" not in said:
            silent.append((words, done.exit_code, said[-400:], done.exception))
    assert not silent, [one[0] for one in silent]
    assert orchard.bytes_of_releases() == before


def test_of_two_people_s_plans_the_second_is_refused_and_a_new_one_works(orchard: Orchard, tmp_path: Path) -> None:
    """Each works in a checkout of their own, on the one workspace's data."""
    clones = []
    for who, factor in (("ada", 2), ("ben", 3)):
        root = tmp_path / who
        orchard.git("clone", "-q", str(orchard.root), str(root))
        (root / "civicops.toml").write_text(
            f'[workspace]\norganisation = "Friends of Trees"\ndata = {json.dumps(str(orchard.root / "var"))}\n'
            f"downloads = {json.dumps(str(orchard.root / 'downloads'))}\n", encoding="utf-8",
        )  # fmt: skip
        sql = f"SELECT district_code, shade_m * {factor} AS shade_m FROM {{{{ source('release', 'shade__shade') }}}}\n"
        (root / "products" / "parks" / "models" / "parks.sql").write_text(sql, encoding="utf-8")
        clones.append(Workspace.find(root))
    ada, ben = clones
    mine, theirs = make_plan(ada, "HEAD"), make_plan(ben, "HEAD")
    assert mine.world.releases == theirs.world.releases and mine.id != theirs.id
    apply_plan(ada, mine, approved=EVERYBODY)
    after = orchard.bytes_of_releases()
    with pytest.raises(WorldMovedError, match="current releases of parks changed since it was made") as refused:
        apply_plan(ben, theirs, approved=EVERYBODY)
    assert "`civicops plan` says what would happen now" in refused.value.hint
    assert orchard.bytes_of_releases() == after
    # What she published lies in her checkout alone: his next plan would take it back and not say so.
    with pytest.raises(ApplyError, match=r"parks \(models/parks\.sql\)") as unsaid:
        apply_plan(ben, make_plan(ben, "HEAD"), approved=EVERYBODY)
    assert "Whoever published them commits them first" in unsaid.value.hint
    assert orchard.bytes_of_releases() == after
    name = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, "commit", "-qm", "twice", "products"], cwd=ada.root, check=True)
    model = ben.root / "products" / "parks" / "models" / "parks.sql"
    his = model.read_text(encoding="utf-8")
    for words in (["checkout", "-q", "--", "products"], ["pull", "-q", "--ff-only", str(ada.root), "main"]):
        subprocess.run(["git", *name, *words], cwd=ben.root, check=True)
    model.write_text(his, encoding="utf-8")
    again = make_plan(ben)
    (effect,) = [one for one in again.releases if not one.is_same]
    assert effect.changed == 2, "against what the first one left"
    assert not apply_plan(ben, again, approved=EVERYBODY).already
    assert data_of(orchard)["parks.parks"] == effect.data_sha256
    undo(ben)
    assert orchard.bytes_of_releases() == after


def test_the_file_of_owners_is_the_contracts_owners(orchard: Orchard) -> None:
    path = orchard.root / PLACE
    path.parent.mkdir()
    path.write_text(codeowners(orchard.workspace), encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    for product in orchard.workspace.products:
        for contract in product.contracts:
            assert owners_of(text, f"products/{product.name}/contracts/{contract.dataset}.yaml") == {contract.owner}
        assert owners_of(text, f"products/{product.name}/product.yaml") == {product.file.owner}


def test_a_contract_of_2000_columns_is_planned_applied_and_undone(orchard: Orchard) -> None:
    before = orchard.bytes_of_releases()
    data = orchard.read("parks.counts")
    names = [f"part_{n:04}_count" for n in range(1998)]
    data["schema"][0]["properties"] += [column(name, "integer") for name in names]
    orchard.write("parks.counts", data, "1.1.0")
    parts = ", ".join(f"CAST({n} AS BIGINT) AS {name}" for n, name in enumerate(names))
    orchard.model(
        "parks/models/counts.sql",
        f"SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) AS dead_count, {parts} "
        "FROM {{ source('release', 'shade__shade') }}\n",
    )
    plan = make_plan(orchard.workspace)
    assert plan.problems == () and plan.products == ("parks",)
    (found,) = plan.contracts
    assert len(found.changes) == 1998 and found.consumers == "additive"
    apply_plan(orchard.workspace, plan, approved=EVERYBODY)
    assert len(orchard.store.find("parks", "counts").package()["resources"][0]["schema"]["fields"]) == 2000
    undo(orchard.workspace)
    assert orchard.bytes_of_releases() == before
