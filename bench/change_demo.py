"""The change of docs/howto/change-a-contract.md on the workspace of `make demo`: planned, applied and undone, again and again.

Belongs here: the page's commands as a user types them, on what a newcomer has. Does not belong here: the same on as many rows as
the real city has (`change`).
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

from bench.pipeline import DATA, ROOT, Measured, measure
from bench.table import Row, Table, main, spread

PAGE = ROOT / "docs" / "howto" / "change-a-contract.md"
PYTHON = ROOT / ".venv" / "bin" / "python"
RUNS = 5


def run(quick: bool) -> Table:
    """Five times on the whole demo; with `quick` once, on the two products that the change is about."""
    if not PYTHON.is_file():
        raise SystemExit("The demo runs in the environment that `make setup` makes; there is none.")
    DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA, prefix="demo") as place:
        clone = Path(place) / "civicops"
        _git(ROOT, "clone", "-q", str(ROOT), str(clone))
        _git(clone, "checkout", "-q", "-B", "main")
        few = ["--only", "requests_311,request_channels", "--rows", "500"] if quick else []
        subprocess.run(
            [PYTHON, "-m", "tools.demo", "--no-serve", *few], cwd=clone, check=True, stdout=subprocess.DEVNULL
        )
        _git(clone, "checkout", "-q", "-b", "change")
        _change(clone)
        found: dict[str, list[Measured]] = {"plan": [], "apply": [], "rollback": []}
        for _ in range(1 if quick else RUNS):
            found["plan"].append(_civicops(clone, "plan", "--json"))
            plan = json.loads(found["plan"][-1].output)
            approved = [word for one in plan["approvals"] for word in ("--approved", one["who"])]
            found["apply"].append(_civicops(clone, "apply", plan["id"], *approved))
            found["rollback"].append(_civicops(clone, "rollback"))
    rows = sum(effect["rows_after"] or 0 for effect in plan["releases"])
    products = {effect["dataset"].partition(".")[0] for effect in plan["releases"]}
    notes = (
        "The change of docs/howto/change-a-contract.md on the workspace that `make demo SERVE=0` leaves. Each run plans, applies "
        f"what was planned, and rolls it back. The plan runs {len(products)} products, compares {len(plan['releases'])} releases "
        f"of {rows:,} rows together, and finds {len(plan['readers'])} things that read what changes; "
        f"{len(plan['approvals'])} people have to agree. Whole commands, the start of Python with them. *Processor* is what all "
        "threads used together; wall time is more where other work shares the cores.",
    )
    return Table("change_demo", tuple(_row(name, items) for name, items in found.items()), notes)


def _change(clone: Path) -> None:
    """Make the page's change: both of its patches, and the version it moves by hand."""
    patches = re.findall(r"(?s)```diff title=\w+\.patch\n(.*?)```", PAGE.read_text(encoding="utf-8"))
    assert len(patches) == 2, "the page holds the change of both products"
    for patch in patches:
        subprocess.run(["git", "apply", "-"], cwd=clone, input=patch.encode(), check=True)
    contract = clone / "products" / "requests_311" / "contracts" / "requests.yaml"
    contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 2.0.0", 1))


def _civicops(clone: Path, *words: str) -> Measured:
    return measure([str(PYTHON.with_name("civicops")), "-w", "var/demo", *words], clone)


def _row(name: str, found: list[Measured]) -> Row:
    memory = max(item.memory for item in found)
    return Row(name, {
        "wall": spread([item.seconds for item in found]), "processor": spread([item.processor for item in found]),
        "runs": str(len(found)), "peak memory": f"{memory / 1e9:.2f} GB",
    })  # fmt: skip


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


if __name__ == "__main__":
    main(run)
