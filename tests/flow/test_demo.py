"""`make demo` as a person has it: it runs everything, ends at a portal that answers, and takes all of it down when told to.

Belongs here: the demo as a whole. Does not belong here: what the pages show (`tests/browser`), the products' own flows.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tools.setup_env import ROOT


def read_until(child: subprocess.Popen[str], wanted: str) -> str:
    """What a program printed up to the line that holds `wanted`; fails with all of it when it ends before."""
    assert child.stdout is not None
    said = ""
    for line in child.stdout:
        said += line
        if wanted in line:
            return said
    pytest.fail(f"{wanted!r} was not said:\n{said}")


@pytest.mark.timeout(600)
def test_demo_ends_at_a_portal_and_takes_it_down_when_told_to(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "tools.demo", "--rows", "400"],
        cwd=ROOT,
        env=os.environ | {"CIVICOPS_DEMO_FOLDER": str(tmp_path / "demo")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = read_until(child, "in a browser")
        found = re.search(r"Open (http://127\.0\.0\.1:\d+/)", said)
        assert found, said
        address = found[1]
        assert re.search(r"unaccounted +0", said)
        assert "Map of requests" in httpx.get(address, trust_env=False).text
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, trust_env=False)
    finally:
        if child.poll() is None:
            child.terminate()  # not killed: it has a portal to end
            child.wait(60)
