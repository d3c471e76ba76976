"""A change of the 311 contract planned, applied and undone, and a preview of it, on one year and on ten years of rows.

Belongs here: the commands of docs/howto/change-a-contract.md as a user types them, each in a process of its own. Does not belong
here: comparing two releases (`release_diff`), peers: what dbt and datacontract-cli say of a change is in `contract_grades`, and
neither of them runs it.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.pipeline import (
    DATA,
    ONE_YEAR,
    PROGRAM,
    ROOT,
    ROWS,
    TEN_YEARS_ROWS,
    YEARS,
    Measured,
    boundaries,
    make_year,
    measure,
    workspace,
)
from bench.table import Row, Table, main, spread

PAGE = ROOT / "docs" / "howto" / "change-a-contract.md"
UNDONE = 2
"""How often the plan is applied and undone."""


def run(quick: bool) -> Table:
    """One year and ten; with `quick` a hundredth of the rows."""
    scale = 100 if quick else 1
    share = TEN_YEARS_ROWS // len(YEARS) // scale
    one = _changed("one year", {ONE_YEAR: ROWS // scale}, "1GB")
    ten = _changed("ten years", dict.fromkeys(YEARS, share), "2GB")
    return Table("change", (*one, *ten), (
        "The change of docs/howto/change-a-contract.md: a status dropped, a column renamed, a bound tightened. *Plan* runs the "
        "changed product on all that has landed, beside the releases, and compares each release row by row; *apply* switches in "
        "what the plan built; *again*, after it was undone, it is built anew and must give the same bytes. *Rollback* switches "
        "back. *Preview*: a workspace of its own with its own portal on the same data, made; *written* is what it adds to the "
        "disk. Whole commands, the start of Python with them. `requests_311` is alone here, so only its own part of the change "
        "is made; with the product that reads it, on the demo's data: `change_demo`.",
    ))  # fmt: skip


def _changed(name: str, years: dict[int, int], memory: str) -> list[Row]:
    files = {f"requests_{year}": make_year(year, rows) for year, rows in years.items()} | boundaries()
    rows = sum(years.values())
    with tempfile.TemporaryDirectory(dir=DATA, prefix="change") as place:
        folder = Path(place)
        workspace(folder, files, memory)
        shutil.copytree(ROOT / "products" / "requests_311", folder / "products" / "requests_311")
        settings = folder / "civicops.toml"
        settings.write_text(re.sub(r"(?m)^products = .*$", 'products = "products"', settings.read_text()))
        (folder / ".gitignore").write_text("/var/\n/log\n__pycache__/\n")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "before"]):
            _git(folder, *words)
        measure([*PROGRAM, "run", "requests_311", "--json"], folder)
        _git(folder, "checkout", "-q", "-b", "change")
        patch = re.search(r"(?s)```diff title=change.patch\n(.*?)```", PAGE.read_text(encoding="utf-8"))
        assert patch is not None, "the page holds the change"
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch[1].encode(), check=True)
        contract = folder / "products" / "requests_311" / "contracts" / "requests.yaml"
        contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 2.0.0", 1))
        planned = measure([*PROGRAM, "plan", "--json"], folder)
        plan = json.loads(planned.output)
        approved = [word for one in plan["approvals"] for word in ("--approved", one["who"])]
        applied, undone = [], []
        for _ in range(UNDONE):
            applied.append(measure([*PROGRAM, "apply", plan["id"], *approved, "--json"], folder))
            undone.append(measure([*PROGRAM, "rollback", "--json"], folder))
        _git(folder, "commit", "-qam", "after")
        before = _used(folder)
        shown = measure([*PROGRAM, "preview", "change", "--json"], folder)
        written = _used(folder) - before
    compared = sum((e["rows_before"] or 0) + (e["rows_after"] or 0) for e in plan["releases"])
    found = [
        _row(f"{name}, plan", rows, [planned], compared=f"{compared:,}"),
        _row(f"{name}, apply", rows, applied[:1]),
        _row(f"{name}, apply again", rows, applied[1:]),
        _row(f"{name}, rollback", rows, undone),
        _row(f"{name}, preview", rows, [shown]),
    ]
    found[-1].figures["written"] = f"{written / 1e6:,.0f} MB"
    return found


def _row(name: str, rows: int, found: list[Measured], compared: str = "-") -> Row:
    return Row(name, {
        "requests": f"{rows:,}", "wall": spread([item.seconds for item in found]), "runs": str(len(found)),
        "peak memory": f"{max(item.memory for item in found) / 1e9:.2f} GB", "rows compared": compared,
    })  # fmt: skip


def _git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=rosa", "-c", "user.email=rosa@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True)


def _used(folder: Path) -> int:
    """Bytes on the disk below the folder, each file once however many names it has."""
    seen = {(at.st_dev, at.st_ino): at.st_blocks * 512 for path in folder.rglob("*") if (at := os.lstat(path))}
    return sum(seen.values())


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if shutil.disk_usage(ROOT).free < 30e9:
        print("This needs about 30 GB of free disk; there is less.", file=sys.stderr)
    main(run)
