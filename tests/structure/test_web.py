"""`tools/web.py` installs and bundles once, mends what was interrupted, and says in one line what is wrong.

Belongs here: the real program on a small project, with real packages from the real lock. Does not belong here: what the bundle
does in a browser (`tests/browser`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tools.setup_env import ROOT
from tools.web import Web, reason

WEB = Web().folder
SMALL_DEV = "@types/geojson"


def cut(*names: str) -> dict[str, Any]:
    """The entries of a few packages, and of all that they need, out of the real lock file."""
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted, found = list(names), {}
    while wanted:
        path = f"node_modules/{wanted.pop()}"
        if path in packages and path not in found:
            found[path] = packages[path]
            for kind in ("dependencies", "optionalDependencies"):
                wanted += packages[path].get(kind, {})
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository like ours with one page, whose only packages are the bundler and, for developers, one of types."""
    root = tmp_path / "project"
    (root / "tools").mkdir(parents=True)
    for name in ("__init__.py", "web.py", "setup_env.py"):
        shutil.copy(ROOT / "tools" / name, root / "tools" / name)
    web = Web(root).folder
    (web / "src").mkdir(parents=True)
    for name in (".npmrc", "vite.config.ts"):
        shutil.copy(WEB / name, web / name)
    page = root / "products" / "parks" / "pages" / "trees"
    page.mkdir(parents=True)
    (page / "main.ts").write_text("document.title = `${1 + 1} trees` as string;\n", encoding="utf-8")
    packages = cut("vite", SMALL_DEV)
    wanted = {name: {name: packages[f"node_modules/{name}"]["version"]} for name in ("vite", SMALL_DEV)}
    described = {
        "name": "tiny", "version": "1.0.0", "private": True, "type": "module",
        "dependencies": wanted["vite"], "devDependencies": wanted[SMALL_DEV],
    }  # fmt: skip
    lock = {
        "name": "tiny",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": described, **packages},
    }
    (web / "package.json").write_text(json.dumps(described), encoding="utf-8")
    (web / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return root


def start(project: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.web", *words],
        cwd=project,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def make(project: Path, *words: str, **env: str) -> str:
    process = start(project, *words, **env)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def page(project: Path) -> str:
    """The page's code as a browser would get it."""
    built = Web(project).built
    entries = json.loads((built / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    return (built / entries["products/parks/pages/trees/main.ts"]["file"]).read_text(encoding="utf-8")


def test_it_builds_once_and_then_does_nothing(project: Path) -> None:
    assert "pages are built" in make(project)
    assert "trees" in page(project)
    assert not (Web(project).modules / SMALL_DEV).exists()
    assert make(project) == ""
    output = make(project, "--dev")
    assert "packages are ready" in output and "built" not in output
    assert (Web(project).modules / SMALL_DEV).exists()
    assert make(project) == ""


def test_a_change_builds_anew_and_installs_nothing(project: Path) -> None:
    make(project)
    main = project / "products" / "parks" / "pages" / "trees" / "main.ts"
    main.write_text("document.title = 'shrubs';\n", encoding="utf-8")
    output = make(project)
    assert "built" in output and "packages" not in output
    assert "shrubs" in page(project)
    (main.parent / "some.test.ts").write_text("// a test is not in the bundle\n", encoding="utf-8")
    assert make(project) == ""


def test_a_page_that_cannot_be_built_leaves_the_old_one(project: Path) -> None:
    make(project)
    main = project / "products" / "parks" / "pages" / "trees" / "main.ts"
    main.write_text("import './gone.ts';\n", encoding="utf-8")
    process = start(project)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert len(output.strip().splitlines()) == 1, output
    assert "could not be built" in output and "gone.ts" in output
    assert "trees" in page(project)


@pytest.mark.parametrize("step", ["packages", "bundle"])
def test_killed_in_the_middle_it_starts_over(project: Path, step: str) -> None:
    process = start(project)
    busy = Web(project).modules if step == "packages" else Web(project).built.with_name("built-part")
    while not busy.exists():
        assert process.poll() is None
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert "pages are built" in make(project)
    assert "trees" in page(project)
    assert make(project) == ""


def test_two_at_once_build_once(project: Path) -> None:
    both = [start(project), start(project)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("pages are built" in output for output in outputs) == 1, outputs
    assert "trees" in page(project)


def test_without_a_network_one_line_says_so(project: Path, tmp_path: Path) -> None:
    unreachable = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    process = start(project, npm_config_cache=str(tmp_path / "cache"), **unreachable)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "is there a network?" in output.splitlines()[-1]
    assert not Web(project).built.exists()


def test_a_package_that_is_not_the_locked_one_is_refused(project: Path) -> None:
    lock = Web(project).folder / "package-lock.json"
    lock.write_text(re.sub(r"sha512-[\w+/]{6}", "sha512-AAAAAA", lock.read_text(encoding="utf-8")), encoding="utf-8")
    process = start(project)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "refused" in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("npm error code ENOSPC\nnpm error nospc There appears to be insufficient space", "disk is full"),
        ("npm error code EAI_AGAIN", "is there a network?"),
        ("npm error code EACCES\nnpm error path /x", "could not be written"),
        ("\x1b[31merror during build:\x1b[39m\nx.ts is not there", "x.ts is not there"),
    ],
)
def test_reasons_are_one_line(output: str, told: str) -> None:
    assert told in reason(output) and "\n" not in reason(output) and "\x1b" not in reason(output)


def test_the_lock_names_no_address_and_nothing_runs_at_install() -> None:
    lock = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert "ignore-scripts=true" in (WEB / ".npmrc").read_text(encoding="utf-8").splitlines()
    packages = json.loads(lock)["packages"]
    assert all(entry.get("integrity", "").startswith("sha512-") for path, entry in packages.items() if path)
