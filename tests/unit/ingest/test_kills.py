"""A fetch killed with SIGKILL at any moment: what had landed counts, the rest is fetched, nothing is torn."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from civicops.ingest.fetch import fetch
from civicops.ingest.landing import Landing
from civicops.ingest.values import Delivery
from tests.unit.ingest.conftest import CASES, PRODUCT, QUICK, Portal

KILLS = int(os.environ.get("CIVICOPS_KILLS", "8"))

FETCH = f"""
import sys
from pathlib import Path
from civicops.ingest.fetch import fetch
from civicops.ingest.landing import Landing
from civicops.ingest.values import SocrataSource
url, root, rows = sys.argv[1:]
source = SocrataSource("cases", "cases", url, "{CASES}", "systemmodstamp", page_rows=int(rows))
print("begins", flush=True)
fetch(source, Landing(Path(root)), "{PRODUCT}")
print("ends", flush=True)
"""


def start(portal: Portal, landing: Landing, page_rows: int) -> subprocess.Popen[str]:
    """A process of its own that fetches the current cases."""
    command = [sys.executable, "-c", FETCH, portal.url, str(landing.root), str(page_rows)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    return process


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill it; whether it was still running."""
    process.send_signal(signal.SIGKILL)
    return process.wait(timeout=30) == -signal.SIGKILL


def shas(deliveries: tuple[Delivery, ...]) -> list[list[str]]:
    return [[landed.sha256 for landed in delivery.objects] for delivery in deliveries]


def test_a_killed_fetch_goes_on_at_its_last_page(portal: Portal, landing: Landing, tmp_path: Path) -> None:
    portal.fault("timeout", nth=4, seconds=60)
    process = start(portal, landing, 50)
    until = time.monotonic() + 60
    while sum(path.read_bytes().count(b"\n") for path in landing.root.rglob("*.part")) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    assert kill(process)
    assert landing.live(PRODUCT, "cases") == ()
    portal.mend()
    before = len(portal.log())
    result = fetch(portal.source(page_rows=50), landing, PRODUCT, patience=QUICK)
    assert portal.pages(since=before) == [150, 200, 250]
    undisturbed = Landing(tmp_path / "undisturbed")
    fetch(portal.source(page_rows=50), undisturbed, PRODUCT, patience=QUICK)
    assert shas(result.live) == shas(undisturbed.live(PRODUCT, "cases"))
    assert list(landing.verify(PRODUCT, "cases")) == []
    assert not list(landing.root.rglob("*.part")) and not list(landing.root.rglob(".incoming-*"))


def test_what_changed_while_nobody_fetched_is_fetched_after_the_resumed_delivery(
    portal: Portal, landing: Landing
) -> None:
    portal.fault("timeout", nth=3, seconds=60)
    process = start(portal, landing, 100)
    until = time.monotonic() + 60
    while sum(path.read_bytes().count(b"\n") for path in landing.root.rglob("*.part")) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert kill(process)
    portal.mend()
    day = portal.advance(rows=20, updates=10)
    before = len(portal.log())
    result = fetch(portal.source(), landing, PRODUCT, patience=QUICK)
    assert [delivery.kind for delivery in result.live] == ["full", "increment"]
    assert portal.pages(since=before)[0] == 200
    names = {line.split(b",")[0].strip(b'"').decode() for line in _lines(landing, result.live)}
    assert set(day["inserted_keys"]) | set(day["updated_keys"]) <= names
    assert set(portal.keys()) <= names


def _lines(landing: Landing, deliveries: tuple[Delivery, ...]) -> list[bytes]:
    found: list[bytes] = []
    for delivery in deliveries:
        for landed in delivery.objects:
            with landing.open_bytes(PRODUCT, "cases", landed) as stream:
                found += stream.read().splitlines()
    return found


def test_kills_at_random_moments_leave_a_landing_to_go_on_from(
    portal: Portal, landing: Landing, tmp_path: Path
) -> None:
    undisturbed = Landing(tmp_path / "undisturbed")
    begun = time.monotonic()
    fetch(portal.source(page_rows=10), undisturbed, PRODUCT, patience=QUICK)
    whole = time.monotonic() - begun
    moments = random.Random(11)
    killed = 0
    for _ in range(KILLS):
        process = start(portal, landing, 10)
        time.sleep(moments.uniform(0, whole / 2))
        killed += kill(process)
        for delivery in landing.deliveries(PRODUCT, "cases"):
            assert delivery.rows == 300
        assert list(landing.verify(PRODUCT, "cases")) == []
    assert killed
    result = fetch(portal.source(page_rows=10), landing, PRODUCT, patience=QUICK)
    assert shas(result.live) == shas(undisturbed.live(PRODUCT, "cases"))
    assert result.live[0].rows == 300
    pages = portal.pages()
    # 30 pages for the undisturbed fetch, 30 for this one, and at most the one page under way again per kill.
    assert len(pages) <= 60 + killed
    assert list(landing.verify(PRODUCT, "cases")) == []
