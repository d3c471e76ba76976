"""`make setup` makes an environment once, mends a half-made one, and says what to do where there is no Python.

Belongs here: the real scripts run on a small project, with real packages from the real lock. Does not belong here: the lock
files (`test_lock`).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.setup_env import LEVELS, ROOT, STATE, UV_LOCK

TINY = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1"
[tool.setuptools]
packages = []
"""


def cut(lock: Path, *names: str) -> str:
    """The entries of a few packages out of a lock file."""
    entries = re.findall(r"^\S+==(?:.*\\\n)+.*\n", lock.read_text(encoding="utf-8"), re.MULTILINE)
    found = [entry for entry in entries if entry.partition("==")[0] in names]
    assert len(found) == len(names)
    return "".join(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository like ours with two packages, three for developers."""
    root = tmp_path / "project"
    (root / "tools").mkdir(parents=True)
    (root / "requirements").mkdir()
    for name in ("setup.sh", "setup_env.py"):
        shutil.copy(ROOT / "tools" / name, root / "tools" / name)
    shutil.copy(UV_LOCK, root / "requirements" / "uv.txt")
    (root / "pyproject.toml").write_text(TINY, encoding="utf-8")
    runtime, dev = LEVELS["runtime"].lock, LEVELS["dev"].lock
    (root / "requirements" / "lock.txt").write_text(cut(runtime, "setuptools", "typing-extensions"), encoding="utf-8")
    text = cut(dev, "setuptools", "typing-extensions", "iniconfig")
    (root / "requirements" / "dev.txt").write_text(text, encoding="utf-8")
    (root / ".setup").mkdir()
    for fetched in STATE.glob("uv-[0-9]*"):  # not fetched again for every test
        (root / ".setup" / fetched.name).symlink_to(fetched)
    return root


def start(project: Path, level: str = "runtime", **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["sh", "tools/setup.sh", level],
        cwd=project,
        env={**os.environ, "PYTHON": sys.executable, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def setup(project: Path, level: str = "runtime", **env: str) -> str:
    process = start(project, level, **env)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def has(project: Path, module: str) -> bool:
    command = [str(project / ".venv" / "bin" / "python"), "-c", f"import {module}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_it_installs_once_and_then_does_nothing(project: Path) -> None:
    assert ".venv is ready" in setup(project)
    assert has(project, "typing_extensions")
    assert not has(project, "iniconfig")
    for python in (sys.executable, ""):
        assert setup(project, PYTHON=python) == ""


def test_development_tools_are_added_and_stay_when_the_lock_changes(project: Path) -> None:
    setup(project)
    assert ".venv is ready" in setup(project, "dev")
    assert has(project, "iniconfig")
    assert setup(project) == ""
    with (project / "requirements" / "lock.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    with (project / "requirements" / "dev.txt").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    assert ".venv is ready" in setup(project)
    assert has(project, "iniconfig")


def test_a_package_that_left_the_lock_leaves_the_environment(project: Path) -> None:
    setup(project, "dev")
    text = cut(LEVELS["dev"].lock, "setuptools", "typing-extensions")
    (project / "requirements" / "dev.txt").write_text(text, encoding="utf-8")
    setup(project, "dev")
    assert not has(project, "iniconfig")


def test_killed_in_the_middle_it_starts_over(project: Path) -> None:
    process = start(project)
    busy = project / ".venv" / ".setup-busy"
    while not busy.exists():
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    output = setup(project)
    assert "anew" in output
    assert ".venv is ready" in output
    assert has(project, "typing_extensions")
    assert not busy.exists()


def test_two_at_once_make_one_environment(project: Path) -> None:
    both = [start(project), start(project)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum(".venv is ready" in output for output in outputs) == 1, outputs
    assert has(project, "typing_extensions")


def test_a_file_that_is_not_the_locked_one_is_refused(project: Path) -> None:
    lock = project / "requirements" / "lock.txt"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{4}", "sha256:0000", lock.read_text(encoding="utf-8")), encoding="utf-8")
    process = start(project)
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "could not be installed" in output
    assert not has(project, "typing_extensions")
    assert not list((project / ".venv").glob(".setup-runtime"))


def test_a_moved_repository_gets_an_environment_of_its_own(project: Path) -> None:
    setup(project)
    moved = project.rename(project.with_name("moved"))
    assert ".venv is ready" in setup(moved)
    pip = subprocess.run(
        [str(moved / ".venv" / "bin" / "pip"), "--version"], capture_output=True, text=True, check=True
    )
    assert str(moved) in pip.stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of programs like that of a machine without Python; it is all that the PATH holds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "cat"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def refused(project: Path, bare: Path, **env: str) -> str:
    process = start(project, PATH=str(bare), **{"PYTHON": "", **env})
    output, _ = process.communicate()
    assert process.returncode == 1, output
    assert not (project / ".venv").exists()
    return output


def test_without_python_on_debian_it_names_the_command(project: Path, bare: Path) -> None:
    program(bare, "apt-get", "exit 9")
    program(bare, "apt-cache", 'test "$2" = python3.12-venv')
    program(bare, "id", "echo 1000")
    assert "sudo apt-get install python3.12 python3.12-venv" in refused(project, bare)


def test_python_without_venv_on_debian_needs_only_that(project: Path, bare: Path) -> None:
    program(bare, "apt-get", "exit 9")
    program(bare, "id", "echo 1000")
    program(bare, "python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert f"sudo apt-get install {wanted}\n" in refused(project, bare)


def test_as_root_on_debian_it_installs_python_by_itself(project: Path, bare: Path) -> None:
    python = bare / "python3.11"
    program(bare, "id", "echo 0")
    program(bare, "apt-cache", 'test "$2" = python3.11-venv')
    program(
        bare,
        "apt-get",
        f'case "$*" in *"install "*python3.11-venv*) {shutil.which("ln")} -s {sys.executable} {python};; esac',
    )
    process = start(project, PATH=f"{bare}", PYTHON="")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "installing what is missing of Python with apt-get" in output
    assert has(project, "typing_extensions")


def test_without_python_on_a_mac_it_names_the_command(project: Path, bare: Path) -> None:
    program(bare, "uname", "echo Darwin")
    assert "brew install python@3.13" in refused(project, bare)


def test_a_python_that_will_not_do_is_named(project: Path, bare: Path) -> None:
    program(bare, "python2", "exit 1")
    assert "PYTHON=python2 is not a Python from 3.11 to 3.13" in refused(project, bare, PYTHON="python2")
