"""The 311 product from landed CSV to all releases: one year, ten years, a run with nothing new, and `civicops --help`.

Belongs here: whole commands as a user types them, each in a process of its own with its peak memory. Does not belong here:
parts of a run (`checks`, `points_to_polygons`), peers: nothing else does this work.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.table import Row, Table, main, spread

ROOT = Path(__file__).parents[1]
DATA = ROOT / "bench" / "data" / "pipeline"
PROGRAM = [sys.executable, "-m", "bench.program"]
YEARS = (2016, 2017, 2018, 2019, 2020, 2021, 2022, 2023, 2024)
ONE_YEAR = 2019
ROWS = 1_500_000
TEN_YEARS_ROWS = 13_000_000
RUNS = 3


@dataclass(frozen=True)
class Measured:
    """One finished command: wall seconds, peak memory of its largest process in bytes, what it printed, when it began."""

    seconds: float
    memory: int
    output: str
    began_at: float
    """Seconds since 1970."""
    processor: float = 0.0
    """Processor seconds of all its threads."""


def measure(words: list[str], folder: Path) -> Measured:
    """Run a command to its end; `RuntimeError` with its last words when it fails."""
    log = folder / "log"
    began_at, began = time.time(), time.perf_counter()
    with log.open("wb") as stream:
        child = subprocess.Popen(words, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, env=_environment())
        _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    text = log.read_text(encoding="utf-8", errors="replace")
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(words)} failed:\n{text[-2000:]}")
    scale = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
    return Measured(seconds, usage.ru_maxrss * scale, text, began_at, usage.ru_utime + usage.ru_stime)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def make_year(year: int, rows: int) -> Path:
    """A made-up year as the portal's CSV; made once."""
    path = DATA / f"{year}_{rows}.csv"
    if not path.is_file():
        DATA.mkdir(parents=True, exist_ok=True)
        work = path.with_suffix(".part.csv")
        words = [
            sys.executable,
            "-m",
            "simulators.world.requests",
            "--year",
            str(year),
            "--rows",
            str(rows),
            "--out",
            str(work),
        ]
        subprocess.run(words, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.DEVNULL)
        work.rename(path)
    return path


def workspace(folder: Path, files: dict[str, Path], memory: str) -> None:
    """A workspace in which only these sources exist, as files."""
    lines = [
        "[workspace]", 'timezone = "America/Los_Angeles"', f"products = {json.dumps(str(ROOT / 'products'))}",
        "[engine]", f'memory_limit = "{memory}"', "[products.requests_311]", f"only = {json.dumps(list(files))}",
    ]  # fmt: skip
    for name, path in files.items():
        lines += [f"[products.requests_311.sources.{name}]", f"path = {json.dumps(str(path))}"]
    (folder / "civicops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def boundaries() -> dict[str, Path]:
    """The made-up city's council and district files; made once."""
    from simulators.world import boundaries as made
    from simulators.world.city import make_city

    DATA.mkdir(parents=True, exist_ok=True)
    city = make_city(7)
    wanted = {
        "council_boundaries": made.councils_geojson(city),
        "district_boundaries_2012": made.districts_geojson(city, "2012"),
        "district_boundaries_2021": made.districts_geojson(city, "2021"),
    }
    for name, content in wanted.items():
        (DATA / f"{name}.geojson").write_text(json.dumps(content), encoding="utf-8")
    return {name: DATA / f"{name}.geojson" for name in wanted}


@dataclass(frozen=True)
class Found:
    """Runs from an empty workspace, the same up to the moment their releases were current, and runs with nothing new."""

    fresh: list[Measured]
    current: list[Measured]
    again: list[Measured]
    steps: dict[str, float]
    """Those of the median run."""


def pipeline(years: dict[int, int], memory: str, runs: int) -> Found:
    """Run the product on made-up years, each time in a workspace of its own."""
    files = {f"requests_{year}": make_year(year, rows) for year, rows in years.items()} | boundaries()
    fresh: list[Measured] = []
    current: list[Measured] = []
    steps: list[dict[str, float]] = []
    again: list[Measured] = []
    for number in range(runs):
        with tempfile.TemporaryDirectory(dir=DATA, prefix="run") as name:
            folder = Path(name)
            workspace(folder, files, memory)
            fresh.append(measure([*PROGRAM, "run", "requests_311", "--json"], folder))
            record = json.loads((folder / "var" / "runs" / "last" / "requests_311.json").read_text())
            steps.append(record["steps"])
            ended = datetime.fromisoformat(record["finished_at"]).timestamp()
            current.append(replace(fresh[-1], seconds=ended - fresh[-1].began_at))
            if number == runs - 1:
                again = [measure([*PROGRAM, "run", "requests_311", "--json"], folder) for _ in range(3)]
                if '"unchanged"' not in again[-1].output:
                    raise RuntimeError("the second run found something new")
    order = sorted(range(runs), key=lambda index: fresh[index].seconds)
    return Found(fresh, current, again, steps[order[runs // 2]])


def run(quick: bool) -> Table:
    """One year and ten years; with `quick` a hundredth of the rows and one run each."""
    scale, runs = (100, 1) if quick else (1, RUNS)
    with tempfile.TemporaryDirectory() as name:
        helps = [measure([*PROGRAM, "--help"], Path(name)) for _ in range(11)][1:]
    one = pipeline({ONE_YEAR: ROWS // scale}, "1GB", runs)
    share = TEN_YEARS_ROWS // len(YEARS) // scale
    ten = pipeline(dict.fromkeys(YEARS, share), "2GB", 1)
    rows_ten = share * len(YEARS)
    one_median, ten_median = (statistics.median(item.seconds for item in found.fresh) for found in (one, ten))
    per_row = (ten_median / rows_ten) / (one_median / (ROWS // scale))
    notes = (
        f"A made-up year of {ROWS // scale:,} legacy rows ({make_year(ONE_YEAR, ROWS // scale).stat().st_size / 1e6:,.0f} MB of "
        f"CSV, 34 columns), and {len(YEARS)} years of {rows_ten:,} rows together: landed, checked, placed, modelled, gated, "
        "published, from an empty workspace. *Releases current*: from the start of the command to the moment readers see the new "
        "releases; the whole command goes on to profile them and to look at its monitors. Memory is the peak of the process.",
        f"Steps of one year: {_steps(one.steps)}. Of ten: {_steps(ten.steps)}.",
        f"Ten years take {per_row:.2f} times as long per row as one.",
    )
    return Table(
        "pipeline",
        (
            _row("one year, releases current", ROWS // scale, one.current),
            _row("one year, whole command", ROWS // scale, one.fresh),
            _row("ten years, releases current", rows_ten, ten.current),
            _row("ten years, whole command", rows_ten, ten.fresh),
            _row("one year, nothing new", ROWS // scale, one.again),
            _row("ten years, nothing new", rows_ten, ten.again),
            _row("civicops --help", 0, helps),
        ),
        notes,
    )


def _steps(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items() if seconds >= 0.05)


def _row(name: str, rows: int, found: list[Measured]) -> Row:
    seconds = [item.seconds for item in found]
    figures = {"rows": f"{rows:,}" if rows else "-", "wall": spread(seconds), "runs": str(len(found))}
    figures["peak memory"] = f"{max(item.memory for item in found) / 1e9:.2f} GB"
    if rows:
        figures["M rows/s"] = f"{rows / statistics.median(seconds) / 1e6:.2f}"
    return Row(name, figures)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if shutil.disk_usage(ROOT).free < 30e9:
        print("This needs about 30 GB of free disk for the ten years; there is less.", file=sys.stderr)
    main(run)
