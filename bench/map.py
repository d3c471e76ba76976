"""The 311 map in Chromium on ten years and 13 million requests, beside the existing site's approach on one of those years.

Belongs here: driving both pages and reading their clocks. Does not belong here: making the release (`map_release`), the pages
(`products/requests_311/pages/map`, `bench/map_peer`).

Each figure is read inside the page: a filter from the click to the moment when number, lists and choropleth show the answer;
points from the click to the first frame with them. Bytes are those on the wire, from a server that compresses text as web
servers do.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import statistics
import subprocess
from collections.abc import Callable
from functools import cache
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from playwright.sync_api import Browser, Page, sync_playwright

from bench.map_release import ADDRESSES, DATA, ROWS, build_files, make_release
from bench.table import Row, Table, main
from tools.browser import launch, serving
from tools.web import Web, bring_up_to_date, node, npm

PAGE = "products/requests_311/pages/map"
PEER = Path(__file__).parent / "map_peer"
PATIENCE = 120_000  # milliseconds; what takes longer has not finished for anybody
CLICK = """at => {
    const all = [...document.querySelectorAll('.option input')].filter(e => e.closest('li')?.dataset.count > 0);
    all[Math.floor(at * all.length)].click();
}"""
TEXT = (".js", ".css", ".html", ".json")


@cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 6)


class Compressing(SimpleHTTPRequestHandler):
    """Sends text compressed, as nearly every web server does."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix not in TEXT or not path.is_file():
            super().do_GET()
            return
        content = _packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def map_files(quick: bool) -> Path:
    """The map files of the made-up release; made on the first run."""
    home, scale = DATA / ("map130k" if quick else "map13m"), 100 if quick else 1
    files = home / "files"
    if not (files / "manifest.json").is_file():
        home.mkdir(parents=True, exist_ok=True)
        build_files(make_release(home, ROWS // scale, ADDRESSES // scale), files)
    return files


def our_site(files: Path) -> Path:
    """The built page with the files beside it."""
    bring_up_to_date(Web(), dev=False)
    site = DATA / "map-site"
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(Web().built, site)
    (site / PAGE / "files").symlink_to(files.resolve(), target_is_directory=True)
    return site


def peer_site(files: Path, year: str) -> Path:
    """The peer's page with the same year as an Arrow stream."""
    env = {**os.environ, "PATH": os.pathsep.join([str(node().parent), os.environ["PATH"]])}
    if not (PEER / "node_modules").is_dir():
        subprocess.run([node(), npm(), "ci"], cwd=PEER, env=env, check=True, stdout=subprocess.DEVNULL)
    vite = PEER / "node_modules" / "vite" / "bin" / "vite.js"
    build = [str(node()), str(vite), "build", "--logLevel", "warn"]
    subprocess.run(build, cwd=PEER, env=env, check=True, stdout=subprocess.DEVNULL)
    manifest = json.loads((files / "manifest.json").read_text(encoding="utf-8"))
    months = [str(files / month["details_file"]) for month in manifest["months"] if month["month"].startswith(year)]
    with duckdb.connect() as con, pa.OSFile(str(PEER / "dist" / "year.arrow"), "wb") as sink:
        reader = con.execute("SELECT * FROM read_parquet(?)", [months]).fetch_record_batch(100_000)
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    return PEER / "dist"


def memory_mb(browser: Browser) -> float:
    """Private memory of the largest page process, in MB: its heap, its workers, its buffers."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    found = [0.0]
    for process in processes:
        if process["type"] == "renderer":
            rollup = Path(f"/proc/{process['id']}/smaps_rollup").read_text(encoding="utf-8")
            private = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")]
            found.append(sum(private) / 1024)
    return max(found)


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def first_view(browser: Browser, url: str) -> tuple[float, float]:
    """Seconds to usable on a cold cache (drawn, counted, colored), and MB transferred until then."""
    context = browser.new_context(viewport={"width": 1360, "height": 850})
    page = context.new_page()
    # What the server says it sends: the network events of a page leave out what its workers fetch.
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    page.goto(url)
    page.wait_for_function("() => performance.getEntriesByName('civicops:shown').length > 0")
    shown = page.evaluate(
        "() => { const e = performance.getEntriesByName('civicops:shown')[0]; return e.startTime + e.duration; }"
    )
    total = sum(sizes)
    context.close()
    return shown / 1000, total / 1e6


def filter_times(page: Page, measure: str, changes: int, dice: random.Random) -> list[float]:
    """Milliseconds of so many clicks on filters, each after the one before was answered."""
    times = []
    for _ in range(changes):
        page.evaluate("() => performance.clearMeasures()")
        page.evaluate(CLICK, dice.random())
        page.wait_for_function("name => performance.getEntriesByName(name).length > 0", arg=measure)
        times.append(page.evaluate("name => performance.getEntriesByName(name)[0].duration", measure))
    return times


def ours(browser: Browser, url: str, year: str, quick: bool) -> tuple[dict[str, str], dict[str, float]]:
    """Our figures, ready to print, and those that the peer is set against."""
    rounds = 2 if quick else 5
    views = [first_view(browser, url) for _ in range(rounds)]
    dice = random.Random(1)
    page = browser.new_page(viewport={"width": 1360, "height": 850})
    page.goto(url)
    page.wait_for_selector('.map-canvas[data-ready="yes"]')
    page.wait_for_function("() => !document.querySelector('.loading-more')", timeout=PATIENCE)
    page.get_by_role("button", name="All years").click()
    times = filter_times(page, "civicops:shown", 20 if quick else 200, dice)
    memory_counts = memory_mb(browser)
    page.close()
    page = browser.new_page(viewport={"width": 1360, "height": 850})
    page.goto(f"{url}#from={year}-01-01&to={year}-12-31")
    page.wait_for_selector('.map-canvas[data-ready="yes"]')
    page.wait_for_function("() => !document.querySelector('.loading-more')", timeout=PATIENCE)
    page.locator(".bar label", has_text="Points").click()
    page.wait_for_function("() => performance.getEntriesByName('civicops:drawn').length > 0", timeout=PATIENCE)
    drawn = page.evaluate("() => performance.getEntriesByName('civicops:drawn')[0].duration") / 1000
    points = filter_times(page, "civicops:points", 10 if quick else 60, dice)
    memory_points = memory_mb(browser)
    page.close()
    figures = {
        "first view": f"{statistics.median(view[0] for view in views):.2f} s, {views[0][1]:.2f} MB",
        "filter change to all counts and map, p95": f"{p95(times):.0f} ms (median {statistics.median(times):.0f})",
        "a year of points drawn": f"{drawn:.1f} s",
        "filter change on points, p95": f"{p95(points):.1f} ms on the processor",
        "memory of the page": f"{memory_points:.0f} MB ({memory_counts:.0f} without points)",
    }
    return figures, {"drawn": drawn, "filter": p95(times), "memory": memory_points}


def peer(browser: Browser, url: str, types: list[str]) -> dict[str, str]:
    """The peer's figures; what it did not finish is said."""
    page = browser.new_page(viewport={"width": 1360, "height": 850})
    page.set_default_timeout(PATIENCE)
    died: list[str] = []
    page.on("crash", lambda _: died.append("the page ran out of memory"))
    try:
        page.goto(url)
        page.wait_for_function("() => 'peer' in window")
        steps = _within(page, "() => window.peer.load('year.arrow')")
        changes = [_within(page, f"() => window.peer.filter('{name}')") for name in types]
        both = p95([each["points"] + each["counts"] for each in changes])
        told = ", ".join(f"{name} {value:.1f}" for name, value in steps.items())
        figures = {
            "filter change to all counts and map, p95": f"{1000 * both:,.0f} ms",
            "a year of points drawn": f"{sum(steps.values()):.1f} s ({told})",
            "filter change on points, p95": f"{1000 * p95([each['points'] for each in changes]):,.0f} ms",
            "memory of the page": f"{memory_mb(browser):,.0f} MB",
        }
    except Exception as error:
        reason = died[0] if died else str(error).split("\n")[0][:160]
        figures = {"a year of points drawn": f"not within {PATIENCE // 1000} s: {reason}"}
    return figures


def _within(page: Page, code: str) -> dict[str, float]:
    """The answer of code in the page, or an error after the patience is over."""
    late = f"new Promise((_, no) => setTimeout(() => no(new Error('no answer')), {PATIENCE}))"
    found: dict[str, float] = page.evaluate(f"() => Promise.race([({code})(), {late}])")
    return found


def run(quick: bool) -> Table:
    """Measure both; with `quick` on a release of 130,000 requests."""
    files = map_files(quick)
    manifest = json.loads((files / "manifest.json").read_text(encoding="utf-8"))
    years: dict[str, int] = {}
    for month in manifest["months"]:
        years[month["month"][:4]] = years.get(month["month"][:4], 0) + month["with_point"]
    year = max(years, key=lambda name: years[name])
    types = [entry["code"] for entry in manifest["types"]][:6]
    measured: list[Row] = []
    launched: Callable[[Any], Browser] = launch
    with sync_playwright() as playwright:
        with serving(our_site(files), Compressing) as url:
            browser = launched(playwright)
            figures, _ = ours(browser, f"{url}/{PAGE}/", year, quick)
            browser.close()
        measured.append(Row(f"our map, {manifest['total_rows']:,} requests", figures))
        with serving(peer_site(files, year), Compressing) as url:
            browser = launched(playwright)
            measured.append(
                Row(f"existing approach, {years[year]:,} requests of {year}", peer(browser, f"{url}/", types))
            )
            browser.close()
    notes = (
        "Headless Chromium without a graphics card: WebGL is drawn by the two processor cores, which any phone does faster. "
        "*Existing approach*: a year into DuckDB-WASM, `SELECT *`, rows to objects, objects to GeoJSON, the map's own filter; "
        "the year is given as an Arrow stream because the package carries no Parquet extension. It shows no counts; for it, "
        "the counts that ours shows were asked by SQL on the same table. Ours has all years loaded while its filters are "
        "measured.",
        "*First view*: cold cache, until map, number and colors are there, with every byte of code and data asked for until "
        f"then. *A year of points*: {years[year]:,} of {year}, from the click to the first frame with them. *On points*: time of "
        "the page's processor per change.",
    )
    return Table("map", tuple(measured), notes)


if __name__ == "__main__":
    main(run)
