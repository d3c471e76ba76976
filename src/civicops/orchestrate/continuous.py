"""What a change must pass before it lands, and landing it: the same steps on a volunteer's machine and on a code host.

    base         the branch holds everything of the base, so that what is tested is what will be there
    contracts    every file of every product can be read
    owners       CODEOWNERS says what the contracts say
    stages       what is called stable now lacks nothing that a stable product must have
    operations   states of dangerous operations moved as they may, by people who may
    plan         graded, versions moved, changed products checked, built and gated on all that has landed
    unit tests   of the models of every product the change reaches
    run          each of these products fetched and run, in a preview that is removed again
    counts       what changed rules do to the rows was accepted by people, in a file of `changes/`
    approvals    who must agree, and who has

On merge, in place of the run: apply, verify, announce.

Belongs here: that order and what each step answers. Does not belong here: printing (`cli`), a code host's files, how a plan is
made (`planning`) or applied (`applying`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from civicops.change import previews
from civicops.change.accepting import FOLDER as CHANGES
from civicops.change.accepting import counts_of, not_accepted, read_file, write
from civicops.change.agreed import Agreed, agreed
from civicops.change.operation_needs import merge_problems
from civicops.change.owners import PLACE, codeowners
from civicops.change.plan import FOLDER, Plan, save
from civicops.change.plan_words import headline
from civicops.change.states import Branch, Repository
from civicops.errors import CivicopsError
from civicops.observe.delivery import route_named
from civicops.observe.sending import send
from civicops.orchestrate.announcing import announcement
from civicops.orchestrate.applying import apply_plan
from civicops.orchestrate.order import ordered
from civicops.orchestrate.planning import WORK, make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.stages import unmet
from civicops.orchestrate.steps import read_releases
from civicops.orchestrate.trial import with_data
from civicops.orchestrate.undoing import undo
from civicops.orchestrate.unplanned import base_in_force
from civicops.release.store import ReleaseStore
from civicops.transform import run_unit_tests
from civicops.workspace import Workspace

PASSED, FAILED, WAITING, SKIPPED = "passed", "failed", "waiting", "skipped"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """What one step found: its name, how it ended, a sentence, what to do, and lines of detail."""

    name: str
    status: str
    text: str
    hint: str = ""
    details: tuple[str, ...] = ()


@dataclass
class Report:
    """All steps so far; `plan` as soon as there is one. It is good when no step failed."""

    base: str
    steps: list[Step] = field(default_factory=list)
    plan: Plan | None = None
    written: Path | None = None
    """The file of accepted counts, where it was written."""

    @property
    def is_good(self) -> bool:
        return all(step.status != FAILED for step in self.steps)

    @property
    def hint(self) -> str:
        """What to do next: about the first step that failed, else about the first that asks for something."""
        worst = sorted((step for step in self.steps if step.hint), key=lambda step: step.status != FAILED)
        return worst[0].hint if worst else ""


def check_change(
    workspace: Workspace,
    base: str = "",
    *,
    approved: Sequence[str] = (),
    fetch: bool = True,
    accept: bool = False,
    say: Say = lambda _text: None,
) -> Report:
    """Take the files of a workspace, as they lie there, through every step against the commit `base`; nothing is published.

    `fetch`: run what changed from its sources on. `accept`: write the counts that were found as accepted. What a person did wrong
    is a failed step; raises `StateError` where there is no repository or no such base, and what the disk raises.
    """
    report, branch = _begin(workspace, base, say)
    if not report.is_good:
        return report
    report.steps.append(_noted("owners", say, lambda: _owners(workspace)))
    report.steps.append(_noted("stages", say, lambda: _stages(workspace, branch)))
    report.steps.append(_noted("operations", say, lambda: _operations(workspace, branch)))
    is_possible, plan = _plan(workspace, report, say), report.plan
    if plan is None:
        return report
    branch = _against(workspace, plan, branch)
    if is_possible:
        report.steps.append(_noted("unit tests", say, lambda: _unit_tests(workspace, plan)))
        if fetch:
            report.steps.append(_noted("run", say, lambda: _run(workspace, plan)))
        else:
            report.steps.append(Step("run", SKIPPED, "Nothing is fetched; what has landed was run for the plan."))
    _accept(workspace, report, plan, branch, accept, say)
    report.steps.append(_noted("approvals", say, lambda: _approvals(plan, agreed(workspace, branch, approved))))
    return report


def land_change(
    workspace: Workspace,
    base: str = "",
    *,
    approved: Sequence[str] = (),
    route: str = "",
    say: Say = lambda _text: None,
) -> Report:
    """Publish what was merged since `base`: plan again, hold it against what was accepted, apply, verify, announce.

    By default `base` is the commit that the current releases were made of, so that what an earlier landing left out is seen with
    this one; where that is not known, the first parent.
    A release that is not the one the plan promised is rolled back at once. `route`: an alert route that hears of it. Raises as
    `check_change` does.
    """
    report, branch = _begin(workspace, base or _in_force(workspace), say)
    if report.is_good:
        report.steps.append(_noted("operations", say, lambda: _operations(workspace, branch)))
    if not report.is_good or not _plan(workspace, report, say) or report.plan is None:
        return report
    plan = report.plan
    branch = _against(workspace, plan, branch)
    report.steps.append(_noted("unit tests", say, lambda: _unit_tests(workspace, plan)))
    _accept(workspace, report, plan, branch, False, say)
    words = agreed(workspace, branch, approved)
    report.steps.append(_noted("approvals", say, lambda: _approvals(plan, words, must=True)))
    if not report.is_good:
        report.steps.append(Step("apply", SKIPPED, "Nothing was published; the last releases stay current."))
        return report
    report.steps.append(_noted("apply", say, lambda: _apply(workspace, plan, tuple(words.names), say)))
    if report.is_good:
        report.steps.append(_noted("verify", say, lambda: _verify(workspace, plan)))
    if route and report.is_good and plan.changes_releases:
        report.steps.append(_noted("announce", say, lambda: _announce(workspace, plan, route)))
    return report


def _in_force(workspace: Workspace) -> str:
    found = base_in_force(workspace, Repository(workspace))
    return found if found not in ("", "HEAD") else "HEAD^1"


def _noted(name: str, say: Say, step: Callable[[], Step]) -> Step:
    """Do a step; a failure with a known cause is its answer."""
    say(f"{name} ...")
    try:
        return step()
    except CivicopsError as error:
        return Step(name, FAILED, error.message, error.hint)


def _begin(workspace: Workspace, base: str, say: Say) -> tuple[Report, Branch]:
    branch = Repository(workspace).branch(base)
    report = Report(branch.base)
    dirty = " with changes that are not committed" if branch.is_dirty else ""
    if branch.missing:
        text = f"{branch.base} has {branch.missing} commits that {branch.name} lacks; they would be missing in all that follows."
        report.steps.append(Step("base", FAILED, text, f"git merge {branch.base}, then civicops ci"))
        return report, branch
    text = f"{branch.name}{dirty}: {branch.ahead} commits ahead of {branch.base} ({branch.commit[:12]})."
    report.steps.append(Step("base", PASSED, text))
    report.steps.append(_noted("contracts", say, lambda: _contracts(workspace)))
    return report, branch


def _against(workspace: Workspace, plan: Plan, branch: Branch) -> Branch:
    """What is checked out against the commit that the plan compares with: an older one where the base cannot be read."""
    return branch if plan.base_commit == branch.commit else Repository(workspace).branch(plan.base_commit)


def _contracts(workspace: Workspace) -> Step:
    count = sum(len(product.contracts) for product in workspace.products)
    return Step("contracts", PASSED, f"{count} contracts of {len(workspace.products)} products can be read.")


def _owners(workspace: Workspace) -> Step:
    path = Repository(workspace).top / PLACE
    if not path.is_file():
        return Step("owners", SKIPPED, f"There is no {PLACE.as_posix()}; `civicops owners --write` makes it.")
    if path.read_text(encoding="utf-8") != codeowners(workspace):
        text = f"{PLACE.as_posix()} is not what contracts and product.yaml say."
        return Step("owners", FAILED, text, "civicops owners --write, then commit it")
    return Step("owners", PASSED, f"{PLACE.as_posix()} says what contracts and product.yaml say.")


def _stages(workspace: Workspace, branch: Branch) -> Step:
    """Whether what a change calls stable lacks nothing that binds a stable product."""
    found = unmet(workspace, branch.commit)
    if not found:
        return Step("stages", SKIPPED, "No product is called stable that was not.")
    lacks = tuple(
        f"{name}: {result.practice.title}: {result.found.evidence} {result.found.next}".rstrip()
        for name, results in found.items()
        for result in results
    )
    if lacks:
        text = f"{', '.join(name for name, results in found.items() if results)} cannot be called stable yet."
        return Step(
            "stages", FAILED, text, "civicops scorecard -p PRODUCT says what is left; or leave it a pilot", lacks
        )
    return Step("stages", PASSED, f"{', '.join(found)} has all that a stable product must have.")


def _operations(workspace: Workspace, branch: Branch) -> Step:
    work = workspace.folder(FOLDER) / WORK / f".operations-{os.getpid()}"
    count, problems = merge_problems(workspace, branch, work)
    if problems:
        hint = "civicops operation moves their states; mend what was written by hand"
        return Step("operations", FAILED, f"{len(problems)} things about operations may not be.", hint, problems)
    if not count:
        return Step("operations", SKIPPED, "No dangerous operation comes with it.")
    return Step("operations", PASSED, f"{count} operations moved as they may, by people who may.")


def _plan(workspace: Workspace, report: Report, say: Say) -> bool:
    """Make and keep the plan; whether it can be applied."""

    def step() -> Step:
        report.plan = made = make_plan(workspace, report.base, say=say)
        save(made, workspace.folder(FOLDER))
        if made.problems:
            return Step("plan", FAILED, headline(made), "mend what stands there, then civicops ci", made.problems)
        return Step("plan", PASSED, f"{headline(made)} It is {made.id}.")

    report.steps.append(_noted("plan", say, step))
    return report.steps[-1].status == PASSED


def _unit_tests(workspace: Workspace, plan: Plan) -> Step:
    """Run the unit tests of each product that the plan ran, on the shapes of the releases it would then read."""
    work = workspace.folder(FOLDER) / WORK
    trial = with_data(workspace, work / plan.id) if (work / plan.id).is_dir() else workspace
    wrong, count, products = [], 0, 0
    folder = work / f".units-{plan.id}-{os.getpid()}"
    try:
        for name in plan.products:
            product = workspace.product(name)
            if not _has_unit_tests(product.models):
                continue
            products += 1
            results = run_unit_tests(
                name, product.models, folder / name, lookups=product.lookups, contracts=product.contracts,
                releases={key: [path] for key, path in read_releases(trial, product).items()},
            )  # fmt: skip
            count += len(results)
            wrong += [
                f"{name}: {one.name} of {one.model}: {' '.join(one.message.split())[:600]}"
                for one in results
                if one.status != "pass"
            ]
    finally:
        previews.remove_folder(folder)
    if wrong:
        hint = "mend the model or its unit test, then civicops ci"
        return Step("unit tests", FAILED, f"{len(wrong)} of {count} unit tests of models failed.", hint, tuple(wrong))
    if not count:
        return Step("unit tests", SKIPPED, "The models of what changed have no unit tests.")
    return Step("unit tests", PASSED, f"{count} unit tests of the models of {products} products passed.")


def _has_unit_tests(models: Path) -> bool:
    files = [path for path in models.rglob("*") if path.suffix in (".yml", ".yaml")]
    return any("unit_tests" in path.read_text(encoding="utf-8") for path in files)


def _run(workspace: Workspace, plan: Plan) -> Step:
    """Run each product of the plan from its sources on, in a preview of its own."""
    if not plan.products:
        return Step("run", SKIPPED, "No product's data can change.")
    if workspace.settings.workspace.preview:
        return Step("run", SKIPPED, "This is a preview; what has landed was run for the plan.")
    # In the order in which they read each other, or a reader would run on the release from before.
    names = [product.name for product in ordered([workspace.product(name) for name in plan.products])]
    preview = previews.make(workspace, f"ci-{plan.id}-{os.getpid()}")
    lines = []
    try:
        beside = Workspace.find(preview.folder)
        for name in names:
            record = run_product(beside, name)
            rows = sum(item["rows"] for item in record.datasets if item["layer"] == "published")
            lines.append(f"{name}: {record.status}, {rows:,} rows published")
    except CivicopsError as error:
        hint = f"{error.hint} Where sources cannot be reached: civicops ci --landed".strip()
        return Step("run", FAILED, f"{names[len(lines)]}: {error.message}", hint, tuple(lines))
    finally:
        previews.remove(workspace, preview.name)
    return Step("run", PASSED, f"{len(lines)} products ran from their sources on.", details=tuple(lines))


def _data_name(workspace: Workspace) -> str:
    """What the data of a workspace are called in files of accepted counts."""
    return workspace.settings.workspace.organisation or "this workspace"


def _accept(workspace: Workspace, report: Report, plan: Plan, branch: Branch, accept: bool, say: Say) -> None:
    """Hold the plan's counts against the files of `changes/` that came with the change, or write them there."""
    folder = workspace.products_folder.parent / CHANGES

    def step() -> Step:
        counts = counts_of(plan, workspace.products)
        if not counts:
            return Step("counts", PASSED, "No rule changes, and no row is held back or let in by another reading.")
        if accept:
            report.written = write(folder, branch.name, counts, _data_name(workspace))
            text = f"{len(counts)} counts are written as accepted into {report.written}."
            return Step("counts", PASSED, text, f"look at {report.written.name}, then git add and git commit it")
        files = [
            read_file(path) for path in branch.touched if path.parent == folder.resolve() and path.suffix == ".yaml"
        ]
        left = not_accepted(counts, files, _data_name(workspace))
        if left:
            text = f"{len(left)} of {len(counts)} counts of changed rules are not accepted."
            hint = "look at each; when the change is meant so: civicops ci --accept, and commit the file"
            return Step("counts", FAILED, text, hint, tuple(str(one) for one in left))
        return Step("counts", PASSED, f"{len(counts)} counts of changed rules are those that were accepted.")

    report.steps.append(_noted("counts", say, step))


def _approvals(plan: Plan, words: Agreed, *, must: bool = False) -> Step:
    wanted = plan.approvals
    if not wanted:
        return Step("approvals", PASSED, "Nobody has to agree: nothing that others rely on changes.")
    found = {**words.refused, **words.names}
    details = tuple(f"{one.who}: {found.get(one.who, 'not yet')} ({'; '.join(one.why[:2])})" for one in wanted)
    missing = [one.who for one in wanted if one.who not in words.names]
    if not missing:
        return Step("approvals", PASSED, "All who must agree have agreed.", details=details)
    lines = ", ".join(f"'Approved-by: {name}'" for name in missing)
    hint = f"when they agree, a line of its own for each in a commit message says so ({lines}), or --approved NAME"
    return Step("approvals", FAILED if must else WAITING, f"{', '.join(missing)} must agree.", hint, details)


def _apply(workspace: Workspace, plan: Plan, agreed: Sequence[str], say: Say) -> Step:
    done = apply_plan(workspace, plan, approved=agreed, say=say)
    if done.already:
        return Step("apply", PASSED, f"Plan {plan.id} has been applied already; nothing was done.")
    lines = tuple(
        f"{product}.{name}: {switch.before.get(name) or 'new'} -> {version}"
        for product, switch in done.switches.items()
        for name, version in switch.after.items()
        if switch.before.get(name) != version
    )
    if not lines:
        return Step("apply", PASSED, "No release changes; there is nothing to publish.")
    return Step("apply", PASSED, f"{len(lines)} releases became current together.", details=lines)


def _verify(workspace: Workspace, plan: Plan) -> Step:
    """Read every release of the plan back from the disk; what is not as promised goes back at once."""
    store, wrong = ReleaseStore(workspace.folder("releases")), []
    for effect in plan.releases:
        product, _, dataset = effect.dataset.partition(".")
        with store.find(product, dataset).data.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != effect.data_sha256:
            wrong.append(f"{effect.dataset}: {found[:12]} instead of {effect.data_sha256[:12]}")
    if wrong:
        undo(workspace, plan.id)
        text = f"{len(wrong)} releases are not what the plan promised; all of it was rolled back."
        return Step("verify", FAILED, text, "look at the disk, then civicops ci --merge again", tuple(wrong))
    return Step("verify", PASSED, f"{len(plan.releases)} releases were read back; each is what the plan promised.")


def _announce(workspace: Workspace, plan: Plan, route: str) -> Step:
    if workspace.settings.workspace.preview:
        return Step("announce", SKIPPED, "This is a preview; nothing is sent.")
    send(route_named(workspace, route), announcement(workspace, plan))
    return Step("announce", PASSED, f"The alert route {route} was told.")
