"""Every bench starts with what `make bench` installs for it, and nothing else.

Belongs here: the benches' imports held against their lock file. Does not belong here: running a bench (minutes), figures.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.setup_env import LEVELS, ROOT

BENCHES = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if path.stem != "__init__")
START = """
import importlib, importlib.metadata, re, sys
import civicops  # the environment's own, before the rule stands
locked, bench = set(sys.argv[2].split()), sys.argv[1]
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
owners = importlib.metadata.packages_distributions()

class OnlyLocked:
    def find_spec(self, name, path=None, target=None):
        owned = {plain(owner) for owner in owners.get(name.partition(".")[0], ())} - {"civicops"}
        if owned and not owned & locked:
            raise SystemExit(f"{name} of {', '.join(sorted(owned))} is not in the bench's lock")

sys.meta_path.insert(0, OnlyLocked())
try:
    importlib.import_module(f"bench.{bench}")
except ModuleNotFoundError as error:
    raise SystemExit(f"no {error.name}") from None
"""
"""Imports one bench in this environment, as if only the packages of its lock were installed."""


def locked(lock: Path) -> set[str]:
    """The packages of a lock file by their plain names."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_starts_with_what_is_locked_for_it(bench: str) -> None:
    """Peers (pandas, DuckDB's own) are imported where they run, so this environment, which has none, gets through the imports."""
    packages = locked(LEVELS["bench"].lock)
    done = subprocess.run(
        [sys.executable, "-c", START, bench, " ".join(packages)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_package_outside_the_lock_is_found() -> None:
    """The rule above can fail: hypothesis is a tool of the tests alone."""
    assert "hypothesis" not in locked(LEVELS["bench"].lock)
    done = subprocess.run(
        [sys.executable, "-c", START.replace("bench.{bench}", "hypothesis"), "none", " ".join(locked(LEVELS["bench"].lock))],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "hypothesis" in done.stderr
