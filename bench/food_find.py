"""'Find food near me' in Chromium on made-up places: until the first places are there, and how fast a choice is answered.

Belongs here: driving the exported page and reading its clock. Does not belong here: the places (`tests/food_made.py`), the page.

    python -m bench.food_find
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.map import Compressing
from bench.table import Row, Table, main
from products.food_listings.pages.find_files import build
from tests.food_made import NAMED, crowd, released
from tests.food_portal import make_food
from tools.browser import launch, serving

FIND = "/p/food_listings/find/"
SIZES = (2_000, 10_000)
VIEWS = {"phone": (360, 740), "wide, with the map": (1360, 850)}
CHOICE = """async value => {
    const field = document.querySelector('[id$="-when"]');
    const began = performance.now();
    field.value = value;
    field.dispatchEvent(new Event('change', { bubbles: true }));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
    return performance.now() - began;
}"""
CHOICES = ("today", "now", "tomorrow", "any")


def first_view(browser: Browser, url: str, size: tuple[int, int]) -> tuple[float, int, list[float]]:
    """Seconds until the first places are drawn with a cold cache, bytes until then, and milliseconds of each choice."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", locale="en-US"
    )
    page = context.new_page()
    page.goto(url + FIND, wait_until="commit")
    page.wait_for_selector(".find-card")
    seconds = float(page.evaluate("performance.now()")) / 1000
    sent = int(
        page.evaluate("performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)")
    )
    choices = [float(page.evaluate(CHOICE, value)) for _ in range(5) for value in CHOICES]
    context.close()
    return seconds, sent, choices


def measure(count: int, runs: int) -> list[Row]:
    """All figures for one number of places."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        releases = released(root / "releases", [*NAMED, *crowd(count)])
        out = root / "files"
        out.mkdir()
        began = time.perf_counter()
        build(releases, out)
        built = time.perf_counter() - began
        food = make_food(root / "workspace", more=count)
        command = [sys.executable, "-c", "from civicops.cli import main; main()", "export", "site", str(root / "site")]
        subprocess.run(command, cwd=food.root, check=True, capture_output=True)
        found = []
        with serving(root / "site", Compressing) as url, sync_playwright() as playwright:
            browser: Any = launch(playwright)
            for name, size in VIEWS.items():
                taken = [first_view(browser, url, size) for _ in range(runs)]
                choices = sorted(one for _, _, each in taken for one in each)
                figures = {
                    "first places shown": f"{statistics.median(one for one, _, _ in taken):.2f} s",
                    "sent until then": f"{statistics.median(one for _, one, _ in taken) / 1000:,.0f} kB",
                    "a choice answered, p95": f"{choices[int(len(choices) * 0.95)]:.0f} ms",
                    "median": f"{statistics.median(choices):.0f} ms",
                    "files built": f"{built:.1f} s",
                }
                found.append(Row(f"{count:,} places, {name}", figures))
            browser.close()
        shutil.rmtree(root / "site")
        return found


def run(quick: bool) -> Table:
    """Measure both sizes; with `quick` a hundredth."""
    rows = [row for size in SIZES for row in measure(size // 100 if quick else size, 2 if quick else 7)]
    notes = (
        "The exported page with a cold cache, from the click on a link to the first places in the list; medians of 7. The map is "
        "fetched behind them (drawn without a graphics card here), on a phone only when it is asked for. *A choice*: another "
        "time of opening, until all places are filtered, sorted and drawn. "
        f"Load of the machine meanwhile: {os.getloadavg()[0]:.1f}.",
    )
    return Table("food_find", tuple(rows), notes)


if __name__ == "__main__":
    main(run)
