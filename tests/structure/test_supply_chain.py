"""What can be told from the files about how safe it is to run this: the questions of OpenSSF Scorecard, as tests.

Belongs here: one test per question, with planted faults where the test is a rule of our own. Does not belong here: workflows in detail
(`test_workflows`), what locks hold (`test_lock`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import holes, sbom
from tools.repository import repository_files, text_files
from tools.setup_env import ROOT

WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github" / "workflows").glob("*.yml")
}
FETCHED = re.compile(
    r"(curl|wget)\b[^\n|;&]*\|\s*(ba|z|da)?sh\b|\bpip3? install (?![^\n]*(--require-hashes|--no-deps|-e ))|npm install\b"
)


def runs_what_it_fetched(text: str) -> list[str]:
    """Commands that run, or install without a hash, what came from elsewhere."""
    return [match[0] for match in FETCHED.finditer(text)]


def test_pinned_dependencies_no_program_runs_what_it_fetched() -> None:
    programs = {".sh", ".yml", ".yaml", ""}
    found = {
        str(path): bad
        for path, text in text_files(ROOT)
        if (path.suffix in programs or path.name == "Makefile") and (bad := runs_what_it_fetched(text))
    }
    assert not found


@pytest.mark.parametrize(
    "line",
    ["curl -fsSL https://example.org/x | sh", "wget -qO- x | bash", "pip install requests", "npm install left-pad"],
)
def test_a_program_that_runs_what_it_fetched_is_found(line: str) -> None:
    assert runs_what_it_fetched(f"set -eu\n{line}\n")


def test_pinned_dependencies_every_package_of_the_pages_has_a_hash_and_no_address() -> None:
    lock = json.loads(sbom.WEB_LOCK.read_text("utf-8"))
    packages = {name: item for name, item in lock["packages"].items() if name}
    assert len(packages) > 50
    assert not [name for name, item in packages.items() if not str(item.get("integrity", "")).startswith("sha512-")]
    assert not [name for name, item in packages.items() if "resolved" in item]


def test_token_permissions_every_workflow_starts_with_none() -> None:
    assert WORKFLOWS
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {}, name
        for job in workflow["jobs"].values():
            rights: dict[str, str] = job["permissions"]
            assert set(rights.values()) <= {"read"} or set(rights) <= {
                "contents",
                "pull-requests",
                "issues",
                "actions",
            }, name


def dangerous(workflow: dict[Any, Any]) -> list[str]:
    """Jobs that run code of a stranger with rights, or put text of an event into a command."""
    events = workflow.get("on", workflow.get(True, {}))
    found = []
    for name, job in workflow["jobs"].items():
        for step in job.get("steps", ()):
            ref = str(step.get("with", {}).get("ref", ""))
            if "pull_request_target" in events and "head" in ref:
                found.append(f"{name}: checks a stranger's code out under pull_request_target")
            if re.search(r"\$\{\{[^}]*github\.(event|head_ref)", str(step.get("run", ""))):
                found.append(f"{name}: text of the event inside a command")
    return found


def test_dangerous_workflow_none() -> None:
    assert not [bad for workflow in WORKFLOWS.values() for bad in dangerous(workflow)]


def test_a_dangerous_workflow_is_found() -> None:
    bad = {
        "on": {"pull_request_target": None},
        "jobs": {"a": {"steps": [
            {"with": {"ref": "${{ github.event.pull_request.head.sha }}"}}, {"run": "echo ${{ github.event.pull_request.title }}"},
        ]}},
    }  # fmt: skip
    assert len(dangerous(bad)) == 2


def test_binary_artifacts_only_pictures() -> None:
    binary = [path for path in repository_files(ROOT) if b"\0" in (ROOT / path).read_bytes()[:8192]]
    assert {path.suffix for path in binary} <= {".png", ".jpg", ".ico"}, binary


def test_licence_security_policy_and_updates_are_there() -> None:
    assert "MIT License" in (ROOT / "LICENSE").read_text("utf-8")
    policy = (ROOT / "SECURITY.md").read_text("utf-8")
    assert re.search(r"days|week", policy) and "@example.org" in policy
    told = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    assert {item["package-ecosystem"] for item in told["updates"]} == {"github-actions", "npm"}
    for item in told["updates"]:
        assert (ROOT / item["directory"].strip("/")).is_dir()


def test_ci_tests_and_sast_run_on_every_change() -> None:
    events = WORKFLOWS["checks.yml"].get(True) or WORKFLOWS["checks.yml"]["on"]
    assert "pull_request" in events and events["push"]["branches"] == ["main"]
    assert any(step.get("run") == ".ci/run" for step in WORKFLOWS["checks.yml"]["jobs"]["checks"]["steps"])
    made = (ROOT / "Makefile").read_text("utf-8")
    assert "ruff check" in made and "mypy --strict" in made
    rules = (ROOT / "pyproject.toml").read_text("utf-8")
    assert '"S"' in rules.split("select = ")[1].splitlines()[0], "ruff looks for what is not safe"


def test_vulnerabilities_are_looked_for_every_night() -> None:
    assert any(
        step.get("run") == "make audit" for job in WORKFLOWS["nightly.yml"]["jobs"].values() for step in job["steps"]
    )


def _report(*packages: dict[str, Any]) -> holes.Holes:
    return holes.read(json.dumps({"dependencies": packages, "fixes": []}))


def test_nobody_reached_is_no_good_news(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = _report({"name": "a", "skip_reason": "not found"}, {"name": "b", "skip_reason": "not found"})
    clean = _report({"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"})
    hole = _report({"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]})
    assert holes.verdict({"lock.txt": skipped}) == holes.verdict({"lock.txt": None}) == 3
    assert "NOT looked at" in capsys.readouterr().err
    assert holes.verdict({"lock.txt": clean}) == 0
    assert (
        holes.verdict({"lock.txt": skipped, "dev.txt": hole}) == holes.verdict({"lock.txt": hole, "dev.txt": None}) == 1
    )
    assert "a 1: CVE-1 (mended in 2)" in capsys.readouterr().out


def test_the_bill_of_materials_holds_every_locked_package_and_is_the_same_each_time() -> None:
    text = sbom.bill()
    found = {item["purl"]: item for item in json.loads(text)["components"]}
    locked = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^ ;\\]+)", sbom.LOCK.read_text("utf-8"))
    names = {(item["name"].lower(), item["version"]) for item in found.values()}
    assert {(name.lower(), version) for name, version in locked} <= names
    assert any(purl.startswith("pkg:npm/") and "maplibre-gl" in purl for purl in found)
    assert all(item["hashes"] for item in found.values())
    assert sum(not item.get("licenses") for item in found.values()) < 20
    assert "serialNumber" not in text and "timestamp" not in text
    assert sbom.bill() == text


def test_a_lock_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("--no-such-option here\n=== what\n")
    with pytest.raises(RuntimeError, match="cannot be read"):
        list(sbom.python_packages(tmp_path / "lock.txt"))


def test_packaging_the_wheel_is_the_same_bytes_and_holds_the_pages(tmp_path: Path) -> None:
    wheels = []
    for number in range(2):
        source = tmp_path / f"source{number}"
        for path in (Path("pyproject.toml"), Path("README.md"), Path("LICENSE")):
            source.mkdir(exist_ok=True)
            shutil.copy(ROOT / path, source / path)
        shutil.copytree(
            ROOT / "src", source / "src", ignore=shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info")
        )
        words = [
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            str(tmp_path / str(number)),
            ".",
        ]
        # The moment that stands in the archive, by the convention for builds that can be repeated.
        subprocess.run(
            [sys.executable, *words], cwd=source, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1760000000"}
        )
        (wheel,) = (tmp_path / str(number)).glob("*.whl")
        wheels.append(wheel)
    assert sha256(wheels[0].read_bytes()).digest() == sha256(wheels[1].read_bytes()).digest()
    names = set(zipfile.ZipFile(wheels[0]).namelist())
    wanted = {
        str(path.relative_to("src"))
        for path in repository_files(ROOT)
        if path.parts[:2] == ("src", "civicops") and "web" not in path.parts and path.name != "README.md"
    }
    assert not sorted(wanted - names)
    assert any(name.startswith("civicops/portal/built/") for name in names), "the pages are built"
