"""What every benchmark shares: timing, the table of results, and its place in docs/benchmarks.md.

Belongs here: nothing that knows what is measured. A benchmark is a module with `run(quick) -> Table` that ends in
`main(run)`; `make bench NAME=<module>` prints the table and puts it into the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Row:
    """One line: what was measured, and its figures by column, ready to print. An absent column prints as a dash."""

    name: str
    figures: dict[str, str]


@dataclass(frozen=True)
class Table:
    """`name` is the section's name in the page (the module's); `notes` are printed above the rows, a paragraph each."""

    name: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


def render(table: Table) -> str:
    """The notes and a Markdown table; columns in the order in which rows first name them."""
    columns = list(dict.fromkeys(column for row in table.rows for column in row.figures))
    lines = [*(f"{note}\n" for note in table.notes), _line(["", *columns])]
    lines.append(_line(["---", *("---:" for _ in columns)]))
    lines += [_line([row.name, *(row.figures.get(column, "-") for column in columns)]) for row in table.rows]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def replace_section(page: str, name: str, content: str) -> str:
    """The page with new content between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, added at the end if absent.

    Raises `ValueError` when one of the two marks is missing, doubled or out of order.
    """
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    section = f"{begin}\n{content.strip()}\n{end}"
    if begin not in page and end not in page:
        return f"{page.rstrip()}\n\n## {name}\n\n{section}\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    if page.count(begin) != 1 or page.count(end) != 1 or end not in rest:
        raise ValueError(f"The page must have {begin} once and {end} once behind it.")
    return before + section + after


def timed(call: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each of `runs` calls, after one that is not counted."""
    call()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return seconds


def spread(seconds: list[float]) -> str:
    """The median, and from the fastest to the slowest run."""
    return f"{statistics.median(seconds):.3g} s ({min(seconds):.3g} to {max(seconds):.3g})"


def machine() -> str:
    """One line on what was measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB memory"
    return f"{platform.system()}, {model}, {os.cpu_count()} cores{memory}, Python {platform.python_version()}"


def main(run: Callable[[bool], Table]) -> None:
    """Command line of a benchmark: run, print, and without `--quick` or `--print` put the table into the page."""
    parser = argparse.ArgumentParser(description=sys.modules[run.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the size, to see that it works")
    parser.add_argument("--print", action="store_true", help="leave docs/benchmarks.md alone")
    arguments = parser.parse_args()
    table = run(arguments.quick)
    content = render(table)
    print(content)
    if arguments.quick or arguments.print:
        return
    measured = f"{content.strip()}\n\n*{time.strftime('%Y-%m-%d')}, {machine()}*"
    PAGE.write_text(replace_section(PAGE.read_text(encoding="utf-8"), table.name, measured), encoding="utf-8")
    print(f"Written to {PAGE.relative_to(PAGE.parents[1])}.")
