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

STORY = (
    "New [critical]: 97 files were deleted in Operations",
    "New [warning]: 26 files were deleted in Food access",
    "Over: 97 files were deleted in Operations",
    "New [warning]: 311 requests: late",
    "Over: 311 requests: late",
    "[critical]: 311 requests: no rows at all on",
    "Over: 311 requests: no rows at all on",
)
"""What the team is told by mail, and the demo prints."""
FOOD = (
    r"three lists were imported and checked, and people were asked",
    r"tasks: is this listing right, are these two one place: [1-9]\d*, [1-9]",
    r"a stranger corrects .+ on its public page",
    r"the correction is task \d+; the stranger's link says: received",
    r"submits; the stranger's link says: in_review",
    r"stella approves; the stranger's link says: accepted",
    r"phone \(.+\) .+ is now \(213\) 485-0177; the stranger's link says: published",
    r"\$ civicops audit prove (\d+) --out entry-\1.tlog-proof\n +The proof of entry \1 among",
    r"It holds: .+ had this as entry",
    r"\$ civicops audit verify\n +[\d,]+ entries of .+ are what was logged, in order",
)
"""What the demo prints of the food listings, in this order, from the import to the proof."""
ELSEWISE = "goes on for another reason"
"""The demo says so on days on which chance gave the small made-up city another odd day: the incident is then not over."""


def read_until(child: subprocess.Popen[str], wanted: str) -> str:
    """What a program printed up to the line that holds `wanted`; fails with all of it when it ends before."""
    assert child.stdout is not None
    said = ""
    for line in child.stdout:
        said += line
        if wanted in line:
            return said
    pytest.fail(f"{wanted!r} was not said:\n{said}")


@pytest.mark.timeout(900)
def test_demo_ends_at_a_portal_and_takes_it_down_when_told_to(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-u", "-m", "tools.demo"],
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
        assert "THIS IS NOT AS IT SHOULD BE" not in said
        at = 0
        for words in FOOD:
            step = re.compile(words).search(said, at)
            assert step, f"{words} is not after what was before it:\n{said[at:]}"
            at = step.start()
        letters = re.search(r"Mails that arrived: (http://127\.0\.0\.1:\d+/)", said)
        assert letters, said
        with httpx.Client(base_url=letters[1], trust_env=False) as box:
            arrived = box.get("/").text
            for words in STORY if "are not shown today" not in said else STORY[:3]:
                if words != STORY[-1] or ELSEWISE not in said:
                    assert words in said and words in arrived, words
            digest = re.search(r'href="/(\d+)/">Weekly digest of Friends of Marisol', arrived)
            assert digest, arrived
            letter = box.get(f"/{digest[1]}/letter")
            pictures = re.findall(r'src="(/\d+/[^"]+\.png)"', letter.text)
            assert pictures and box.get(pictures[0]).content.startswith(b"\x89PNG")
            assert "default-src 'none'" in letter.headers["Content-Security-Policy"]
            assert box.get("/999/").status_code == box.get("/1/nothing").status_code == 404
        assert "Map of requests" in httpx.get(address, trust_env=False).text
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, trust_env=False)
    finally:
        if child.poll() is None:
            child.terminate()  # not killed: it has a portal to end
            child.wait(60)
