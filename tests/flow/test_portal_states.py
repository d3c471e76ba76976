"""How the portal speaks of a product in every state it can be in, each of them brought about for real.

Belongs here: never run, fresh, unchanged, failed, killed, late, retired. Does not belong here: the rest of the pages.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from civicops.errors import CivicopsError
from tests.flow.conftest import LOANS_ROWS, Library
from tests.flow.portal_kit import LENDING, serving
from tests.flow.test_observe import busy_days, now, watched_by_day
from tests.flow.test_orchestrate_up import eventually

pytestmark = pytest.mark.xdist_group("portal")


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    time.sleep(1.2)  # the portal looks at files once a second


def test_every_state_in_words(library: Library) -> None:
    (library.product / "pages").mkdir()
    (library.product / "pages" / "lending.py").write_text(LENDING)
    with serving(library) as portal:
        for path in (
            "/catalogue/",
            "/catalogue/library/loan_list/",
            "/products/library/",
            "/api/",
            "/api/v1/datasets/library/loan_list",
        ):
            assert portal.get(path).status_code == 200, "before the first run"
        assert portal.get("/api/v1/datasets/library/loan_list/rows").status_code == 404
        page = portal.get("/p/library/lending/")
        assert page.status_code == 503 and "has not published anything so far" in page.text
        assert "No data yet" in portal.get("/").text and "It has not run here yet." in portal.get("/").text

        library.run()
        assert "Up to date" in portal.get("/").text
        assert portal.get("/p/library/lending/").status_code == 200
        library.run()
        assert "the source had nothing new" in portal.get("/").text

        # A delivery of which most rows are held back: nothing is published, and the last good data stay.
        library.deliver([(f"l{number}", "Quay", 7, "2026-01-03") for number in range(50)])
        with pytest.raises(CivicopsError):
            library.run()
        page = portal.get("/").text
        assert "Last run failed" in page and "What you see is the last good data." in page
        assert "few_held_back" not in page, "what exactly is wrong is for those who can mend it"
        assert "few_held_back" in portal.get("/", "contributor").text
        assert portal.get("/api/v1/datasets/library/loan_list/rows").status_code == 200

        # While a run goes on, and after its process was killed.
        library.deliver([(f"m{number}", "Harbor", 7, "2026-01-04") for number in range(20_000)])
        run = library.process()
        run.start()
        eventually(lambda: not next(library.log.runs("library")).is_over, 60)
        assert "Updating now" in portal.get("/").text
        os.kill(run.pid, signal.SIGKILL)
        run.join()
        assert "stopped half-way" in portal.get("/").text

        library.deliver(LOANS_ROWS)
        library.run()
        assert "Up to date" in portal.get("/").text
        product = library.product / "product.yaml"
        change(
            product,
            "stage: pilot",
            "stage: pilot\nfreshness_hours: 0.0001\nmonitors: {freshness: {grace_hours: 0, holidays: false}}",
        )
        assert ">Late<" in portal.get("/").text.replace("</span>Late", "</span>>Late")
        change(product, "stage: pilot", "stage: retired")
        assert "Retired" in portal.get("/").text


def test_late_is_what_the_monitors_say_it_is(library: Library) -> None:
    """A run has just ended well, but the newest row is old: home, the status page and the incident say the same."""
    watched_by_day(library)
    library.deliver([row for row in busy_days(30) if str(row[3]) < str(now().date() - timedelta(days=10))])
    library.run()
    with serving(library) as portal:
        old = now().date() - timedelta(days=11)
        assert f"Its newest data are of {old:%-d %B %Y}; they should be at most 48 hours old." in portal.get("/").text
        assert "1 of 1 products has trouble" in portal.get("/status/").text
        assert "loan_list: late" in portal.get("/incidents/", "contributor").text
        library.deliver(busy_days(30))
        library.run()
        assert "Up to date" in portal.get("/").text and "Everything works" in portal.get("/status/").text
        assert "Nothing is open" in portal.get("/incidents/", "contributor").text


def test_the_portal_ends_well_while_the_engine_is_at_work() -> None:
    """Left to Python's own way out, this process aborts (134) each time: the engine finds the interpreter gone."""
    program = (
        "import duckdb, threading, time\n"
        "from civicops.portal.server import end_with_threads\n"
        "def ask():\n"
        "    while True:\n"
        "        duckdb.connect().execute('SELECT sum(a) FROM range(3000) t(a)').fetchall()\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
        "time.sleep(0.5)\n"
        "print('told', end='')\n"
        "end_with_threads()\n"
    )
    for _ in range(5):  # it is a matter of moments
        ended = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "told", "")
