"""`civicops ci` on a real repository: branches, merges, refusals; and the page about it, typed as it stands there.

Belongs here: what a change must pass, and landing it. Does not belong here: what a plan says (`test_change`).
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from civicops.change.accepting import ALL_RULES
from civicops.change.owners import codeowners
from civicops.change.plan_words import MARKER
from civicops.cli import app
from simulators.mailbox import Mailbox
from tests.flow.orchard import Orchard, drop_dead, planted_once
from tests.flow.tutorial import perform
from tests.flow.tutorial import steps as steps_of_page
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("change")

EVERYBODY = ("ada-example", "ben-example", "cleo-example")
UNIT_TEST = """
unit_tests:
  - name: shade_is_summed
    model: counts
    given:
      - input: source('release', 'shade__shade')
        rows:
          - {district_code: north, dead_count: 2}
          - {district_code: south, dead_count: 3}
    expect:
      rows:
        - {kind_name: all, dead_count: 5}
"""


def ci(orchard: Orchard, *words: str) -> tuple[int, dict[str, Any]]:
    """Give the words to the program, in this process: loading dbt anew would take longer than most steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIVICOPS_WORKSPACE", str(orchard.root))
        done = CliRunner().invoke(app, ["ci", *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


def steps(report: dict[str, Any]) -> dict[str, str]:
    return {step["name"]: step["status"] for step in report["steps"]}


def step(report: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in report["steps"] if one["name"] == name)
    return found


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    orchard = planted_once(tmp_path_factory).copy(tmp_path_factory.mktemp("ci") / "one")
    orchard.model("parks/models/counts.yml", UNIT_TEST.lstrip())
    (orchard.root / ".github").mkdir()
    (orchard.root / ".github" / "CODEOWNERS").write_text(codeowners(orchard.workspace), encoding="utf-8")
    with (orchard.root / "civicops.toml").open("a", encoding="utf-8") as stream:
        stream.write('\n[alerts.routes.team]\nurls = ["ORCHARD_MAIL"]\nallow = ["127.0.0.1"]\n')
    orchard.commit("unit test and owners")
    return orchard


def test_a_change_to_a_check_lands_only_when_its_counts_are_accepted(
    orchard: Orchard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = orchard.bytes_of_releases()
    orchard.git("checkout", "-qb", "no-dead-trees")
    drop_dead(orchard)
    orchard.commit("dead trees are not let in")
    code, report = ci(orchard)
    assert code == 1 and not report["ok"] and report["grade"] == "breaking"
    assert steps(report) == {
        "base": "passed", "contracts": "passed", "owners": "passed", "stages": "skipped", "operations": "skipped", "plan": "passed",
        "unit tests": "passed", "run": "passed", "counts": "failed", "approvals": "waiting",
    }  # fmt: skip
    assert any("condition_known" in line and "80 newly held back" in line for line in step(report, "counts")["details"])
    assert "1 unit tests" in step(report, "unit tests")["text"]
    assert [line.partition(":")[0] for line in step(report, "run")["details"]] == ["trees", "shade", "parks"]
    assert all(": succeeded, " in line for line in step(report, "run")["details"])
    assert not list((orchard.root / "var" / "previews").iterdir()), "the preview it ran in is gone"

    comment = tmp_path / "comment.md"
    code, report = ci(orchard, "--accept", "--landed", "--comment", str(comment))
    assert code == 0, report
    assert steps(report)["run"] == "skipped" and steps(report)["counts"] == "passed"
    text = comment.read_text(encoding="utf-8")
    assert (
        text.startswith(MARKER) and text.count(MARKER) == 1 and "| counts | **passed** |" in text and "## Plan" in text
    )
    (accepted,) = yaml.safe_load((orchard.root / "changes" / "no-dead-trees.yaml").read_text(encoding="utf-8"))[
        "accepted"
    ]
    assert accepted["data"] == "Friends of Trees"
    counts = {(one["dataset"], one["rule"]): one for one in accepted["counts"]}
    found = counts["trees.inspections", "condition_known"]
    assert {name: value for name, value in found.items() if name not in ("says", "proof")} == {
        "dataset": "trees.inspections", "rule": "condition_known", "rows": 400, "breaks": 80, "held": 80, "let_in": 0,
        "plan": report["plan"],
    }  # fmt: skip
    assert counts["trees.inspections", ALL_RULES]["held"] == 80
    orchard.git("add", "-A")
    orchard.git("commit", "-qm", "counts accepted\n\nApproved-by: ada-example\nApproved-by: @ben-example")
    assert orchard.bytes_of_releases() == before, "nothing is published before the merge"

    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge no-dead-trees", "no-dead-trees")
    code, report = ci(orchard, "--merge")
    assert code == 1 and steps(report)["approvals"] == "failed" and steps(report)["apply"] == "skipped"
    assert step(report, "approvals")["text"] == "cleo-example must agree."
    assert orchard.bytes_of_releases() == before
    with Mailbox() as box:
        address = f"mailto://127.0.0.1:{box.port}?from=civicops@example.org&to=team@example.org&mode=insecure"
        monkeypatch.setenv("ORCHARD_MAIL", address)
        code, report = ci(orchard, "--merge", "--approved", "cleo-example", "--announce", "team")
        assert code == 0, report
        (mail,) = box.mails
    assert report["plan"] in mail.subject and "trees.trees: 397 rows -> 317" in " ".join(mail.text.split())
    assert f"civicops rollback {report['plan']}" in mail.text and "Made-Up" not in mail.text
    assert step(report, "apply")["text"] == "5 releases became current together."
    assert step(report, "verify")["text"].startswith("5 releases were read back")
    after = orchard.bytes_of_releases()
    assert after.keys() == before.keys() and all(after[name] != before[name] for name in before)
    # A merge that is landed twice, as when a job is started again, does nothing more.
    code, report = ci(orchard, "--merge", "--approved", "cleo-example")
    assert code == 0 and "nothing to publish" in step(report, "apply")["text"]
    assert orchard.bytes_of_releases() == after


def test_counts_that_are_not_those_accepted_stop_a_merge(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "low")
    data = orchard.read("trees.inspections")
    height = next(c for c in data["schema"][0]["properties"] if c["name"] == "height_m")
    height["quality"][0]["implementation"]["maximum"] = 48
    orchard.write("trees.inspections", data, "2.0.0")
    orchard.commit("lower")
    code, report = ci(orchard, "--accept", "--landed")
    assert code == 0, report
    # Tightened further after people had looked.
    height["quality"][0]["implementation"]["maximum"] = 30
    orchard.write("trees.inspections", data, "2.0.0")
    orchard.commit("lower still\n\n" + "\n".join(f"Approved-by: {name}" for name in EVERYBODY))
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge low", "low")
    before = orchard.bytes_of_releases()
    code, report = ci(orchard, "--merge")
    assert code == 1 and steps(report).get("counts") == "failed", report
    assert steps(report)["apply"] == "skipped"
    assert any("accepted was" in line for line in step(report, "counts")["details"])
    assert orchard.bytes_of_releases() == before


def test_counts_written_by_hand_are_refused_and_a_merge_of_two_is_finished_by_accepting(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "low")
    data = orchard.read("trees.inspections")
    height = next(c for c in data["schema"][0]["properties"] if c["name"] == "height_m")
    height["quality"][0]["implementation"]["maximum"] = 48
    orchard.write("trees.inspections", data, "2.0.0")
    orchard.commit("lower")
    assert ci(orchard, "--accept", "--landed")[0] == 0
    path = orchard.root / "changes" / "low.yaml"
    before = path.read_text(encoding="utf-8")
    # As somebody would who fears that more rows come: these shares are those that happen.
    written = yaml.safe_load(before)
    for one in written["accepted"][0]["counts"]:
        one |= {name: one[name] * 10 for name in ("rows", "breaks", "held", "let_in") if name in one}
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    code, report = ci(orchard, "--landed")
    assert code == 1 and steps(report)["counts"] == "failed"
    assert all("it was written or changed by hand" in line for line in step(report, "counts")["details"])
    path.write_text(before, encoding="utf-8")
    orchard.commit("accepted")
    # Somebody else works on the same branch, tightens it further and accepts that.
    orchard.git("checkout", "-qb", "theirs", "HEAD~1")
    height["quality"][0]["implementation"]["maximum"] = 47
    orchard.write("trees.inspections", data, "2.0.0")
    orchard.commit("lower still")
    assert ci(orchard, "--accept", "--landed")[0] == 0
    (orchard.root / "changes" / "theirs.yaml").rename(path)
    orchard.commit("accepted as well")
    with pytest.raises(subprocess.CalledProcessError):
        orchard.git("merge", "-q", "low")
    code, report = ci(orchard, "--landed")
    assert code == 1 and "two branches changed this" in step(report, "counts")["text"]
    assert "git checkout --ours" in step(report, "counts")["hint"]
    orchard.git("checkout", "--ours", "--", "changes/low.yaml")
    orchard.commit("both")
    code, report = ci(orchard, "--landed")
    assert code == 0, "what stands there is what the merged rule does"


def test_a_branch_that_lacks_what_main_has(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "words")
    (orchard.root / "products" / "parks" / "README.md").write_text("# Parks\n", encoding="utf-8")
    orchard.commit()
    orchard.git("checkout", "-q", "main")
    (orchard.root / "products" / "shade" / "README.md").write_text("# Shade\n", encoding="utf-8")
    orchard.commit()
    orchard.git("checkout", "-q", "words")
    code, report = ci(orchard, "--landed")
    assert code == 1 and steps(report) == {"base": "failed"} and "git merge main" in step(report, "base")["hint"]
    orchard.git("merge", "-q", "--no-edit", "main")
    code, report = ci(orchard)
    assert code == 0 and steps(report)["run"] == "skipped" and steps(report)["approvals"] == "passed"


def test_what_is_wrong_is_a_failed_step_and_nothing_else(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "wrong")
    model = "SELECT 'all' AS kind_name, CAST(max(dead_count) AS BIGINT) AS dead_count FROM {{ source('release', 'shade__shade') }}\n"
    orchard.model("parks/models/counts.sql", model)
    (orchard.root / "downloads" / "days.csv").unlink()
    (orchard.root / ".github" / "CODEOWNERS").write_text("* @mallory\n", encoding="utf-8")
    orchard.commit()
    code, report = ci(orchard)
    assert code == 1
    assert {name for name, status in steps(report).items() if status == "failed"} == {"owners", "unit tests", "run"}
    assert any("shade_is_summed" in line for line in step(report, "unit tests")["details"])
    assert "parks" in step(report, "run")["text"] and "--landed" in step(report, "run")["hint"]
    orchard.path("parks.counts").write_text("version: [\n", encoding="utf-8")
    code, report = ci(orchard)
    assert code == 1 and steps(report)["contracts"] == "failed" and "counts.yaml" in step(report, "contracts")["text"]


def test_owners_are_those_of_the_contracts(orchard: Orchard) -> None:
    data = orchard.read("trees.trees")
    data["team"]["members"] = [{"username": "dana-example", "role": "owner"}]
    orchard.write("trees.trees", data)
    lines = [line.split() for line in codeowners(orchard.workspace).splitlines() if line.startswith("/")]
    assert ["/products/parks/", "@cleo-example"] in lines
    assert ["/products/trees/contracts/trees.yaml", "@dana-example"] in lines
    assert ["/products/trees/models/trees.sql", "@dana-example"] in lines
    assert lines.index(["/products/trees/", "@ada-example"]) < lines.index(
        ["/products/trees/models/trees.sql", "@dana-example"]
    )
    assert re.fullmatch(r"/changes/( @[a-z]+-example){4}", " ".join(lines[-1]))


def test_the_page_works_as_printed(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIVICOPS_WORKSPACE", raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    before = orchard.bytes_of_releases()
    page = (ROOT / "docs" / "howto" / "ci.md").read_text(encoding="utf-8")
    commands = [step for step in steps_of_page(page) if perform(step, orchard.root) is not None]
    assert len(commands) >= 12
    after = orchard.bytes_of_releases()
    assert after["trees.trees"] != before["trees.trees"] and after["parks.counts"] != before["parks.counts"]
