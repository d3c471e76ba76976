"""Where the real samples are, no test on them may be skipped; where they are not, the run says so and passes.

Belongs here: the rule of `tests/conftest.py`, tried in a run of its own. Does not belong here: tests on the samples.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.setup_env import ROOT

SAMPLE = """
import pytest
@pytest.mark.realdata
@pytest.mark.skip(reason="made to be skipped")
def test_on_samples(): ...
@pytest.mark.skip(reason="has nothing to do with samples")
def test_other(): ...
def test_passes(): ...
"""


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "two processes"])
@pytest.mark.parametrize("present", [True, False], ids=["samples there", "samples absent"])
def test_a_skip_counts_only_where_the_samples_are(tmp_path: Path, processes: list[str], present: bool) -> None:
    folder, samples = tmp_path / "tests", tmp_path / "samples"
    folder.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_it.py").write_text(SAMPLE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = realdata: x\n", encoding="utf-8")
    if present:
        samples.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *processes, str(folder)],
        cwd=tmp_path,
        env={**os.environ, "CIVICOPS_REALDATA": str(samples)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 2 skipped" in done.stdout
    assert done.returncode == (1 if present else 0), done.stdout
    assert ("although the samples are there" in done.stdout) is present
    assert (f"no such folder {samples}" in done.stdout) is not present
