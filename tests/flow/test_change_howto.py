"""The page about changing a contract does what it says: on a clone of this repository, in the workspace that the demo makes there.

Belongs here: the clone, the demo of the two products that the page is about, each command of the page, and what the page claims of
bytes. Does not belong here: what a plan says (`test_change`), the whole demo (`test_demo`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from civicops.release.store import ReleaseStore
from tests.duck import asked
from tests.flow.test_orchestrate_up import free_port
from tests.flow.tutorial import TypeCommand, perform, steps
from tools.repository import repository_files
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("change_howto")

PAGE = ROOT / "docs" / "howto" / "change-a-contract.md"
PRODUCTS = ("requests_311", "request_channels")
FEW = "500"
"""Requests a year: enough that some were merely filed, few enough for a test."""
PORT = "8311"
"""Of the page's portal. The test takes one that is free, for somebody may follow the page on this machine."""


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A clone of this repository, with what is not committed here, on its main branch; the two products have run in its demo."""
    root = tmp_path / "civicops"
    _git(tmp_path, "clone", "-q", str(ROOT), str(root))
    _git(root, "config", "user.name", "Marisol Vega")
    _git(root, "config", "user.email", "marisol-vega@example.org")
    _git(root, "checkout", "-q", "-B", "main")
    here = set(repository_files(ROOT))
    for path in set(repository_files(root)) - here:
        (root / path).unlink()
    for path in here:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, root / path)
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "--allow-empty", "-m", "as it lies there")
    words = ["-m", "tools.demo", "--no-serve", "--only", ",".join(PRODUCTS), "--rows", FEW]
    env = {name: value for name, value in os.environ.items() if name != "CIVICOPS_DEMO_FOLDER"}
    done = subprocess.run([sys.executable, *words], cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    yield root
    with suppress(FileNotFoundError, ProcessLookupError):  # the page ends its portal itself, unless it stopped before
        os.kill(int((root / "var" / "portal.pid").read_text()), signal.SIGTERM)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "commit.gpgsign=false", *words], cwd=folder, check=True, capture_output=True)


def _bytes(store: ReleaseStore) -> dict[str, str]:
    """Every current release of the two products: its data and its description."""
    return {
        f"{product}.{name}": hashlib.sha256(
            release.data.read_bytes() + (release.path / "datapackage.json").read_bytes()
        ).hexdigest()
        for product in PRODUCTS
        for name, release in store.snapshot(product).items()
    }


@pytest.mark.timeout(900)
def test_the_page_works_as_printed(clone: Path) -> None:
    store = ReleaseStore(clone / "var" / "demo" / "releases")
    before = _bytes(store)
    months = "SELECT sum(request_count), sum(acknowledged_count), sum(referred_count) FROM '{}'"
    ((requests, filed, referred),) = asked(months.format(store.find("request_channels", "channel_months").data))
    assert filed > 0, "something would change"
    typed, port = [], str(free_port())
    for step in steps(PAGE.read_text(encoding="utf-8")):
        if isinstance(step, TypeCommand):
            typed.append(step.command)
            printed = perform(replace(step, command=step.command.replace(PORT, port)), clone)
        else:
            printed = perform(step, clone)
        if "is applied" in printed:
            after = _bytes(store)
            moved = {"requests_311.requests", "requests_311.requests_daily", "request_channels.channel_months"}
            assert {name for name in before if after[name] != before[name]} == moved
            release = store.find("requests_311", "requests")
            asks = f"SELECT count(*) FILTER (source_channel IS DISTINCT FROM source_channel_name) FROM '{release.data}'"
            assert asked(asks) == [(0,)]
            data = store.find("request_channels", "channel_months").data
            assert asked(f"SELECT sum(request_count), sum(referred_count) FROM '{data}'") == [
                (requests, referred + filed)
            ]
    assert "civicops -w var/demo rollback" in typed
    assert _bytes(store) == before
