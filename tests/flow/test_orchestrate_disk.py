"""A disk that is full, or that nobody may write to, in the middle of a run: one sentence, and the last release stays.

Belongs here: whole runs as a process on a small disk. Does not belong here: what each room does about it (`tests/unit`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.conftest import LOANS_ROWS, Library, make_library, many_loans

PROGRAM = [sys.executable, "-c", "from civicops.cli import main; main()"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        shutil.which("mount")
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("no small disk can be mounted here: that takes root on Linux")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def run(library: Library) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "run", "library"], cwd=library.root, capture_output=True, text=True, check=False, timeout=120
    )


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for `leave` bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    with filler.open("wb") as stream:
        stream.write(b"\0" * max(0, free - leave))
    return filler


@pytest.mark.parametrize("leave", [0, 60_000, 400_000])
def test_a_full_disk_is_a_sentence_and_the_last_release_stays(small_disk: Path, leave: int) -> None:
    """However far the run gets before the disk is full."""
    library = make_library(small_disk / "work")
    library.deliver(LOANS_ROWS)
    assert run(library).returncode == 0
    before = library.hashes()
    library.deliver(many_loans(1, 3000))
    filler = fill(small_disk, leave)
    done = run(library)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "full" in done.stderr
    assert library.hashes() == before
    filler.unlink()
    assert run(library).returncode == 0
    assert library.hashes() != before


def test_a_folder_nobody_may_write_to_is_a_sentence(tmp_path: Path) -> None:
    library = make_library(tmp_path)
    library.deliver(LOANS_ROWS)
    assert run(library).returncode == 0
    before = library.hashes()
    library.deliver(many_loans(2, 20))
    folders = [library.root / "var", *(path for path in (library.root / "var").rglob("*") if path.is_dir())]
    modes = {path: path.stat().st_mode for path in folders}
    for path in folders:
        path.chmod(0o555)
    try:
        done = subprocess.run(
            [*_as_nobody(tmp_path), *PROGRAM, "run", "library"],
            cwd=library.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert library.hashes() == before


def _as_nobody(folder: Path) -> list[str]:
    """Root may write anywhere: the run is made by somebody else then, who may read everything here."""
    if os.geteuid() != 0:
        return []
    for path in [*folder.parents, folder, *folder.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if path.is_dir() else 0o044))
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root cannot be kept from writing without setpriv")
    return [setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
