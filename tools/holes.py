"""Whether a locked package has a hole that is publicly known.

Belongs here: asking pip-audit about the lock, and saying plainly when it could not be asked. Does not belong here: the lock
(`lock.py`), the list of packages for others (`sbom.py`).

    make audit              ends with 0: nothing known; 1: holes; 3: nobody could be asked, so nothing is known at all
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.setup_env import ROOT

LOCKS = ("lock.txt", "dev.txt")
FOUND, NOT_ASKED = 1, 3


@dataclass(frozen=True)
class Holes:
    """What was found out about one lock: packages asked about, packages nobody knew, and a line per hole."""

    asked: int
    unknown: tuple[str, ...]
    lines: tuple[str, ...]


def read(report: str) -> Holes:
    """What a report of pip-audit (JSON) says. Raises `ValueError` for text that is none."""
    unknown, lines, asked = [], [], 0
    for item in json.loads(report)["dependencies"]:
        if "skip_reason" in item:
            unknown.append(str(item["name"]))
            continue
        asked += 1
        for hole in item["vulns"]:
            mended = ", ".join(hole["fix_versions"]) or "no version yet"
            lines.append(f"{item['name']} {item['version']}: {hole['id']} (mended in {mended})")
    return Holes(asked, tuple(unknown), tuple(lines))


def ask(lock: Path) -> Holes | None:
    """Ask about every package of a lock; None when the service was not reached."""
    program = Path(sys.executable).with_name("pip-audit")
    words = [
        str(program),
        "-r",
        str(lock),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        return read(done.stdout)
    except (ValueError, KeyError):
        print(f"audit: {lock.name}: {done.stderr.strip().splitlines()[-1:] or ['no answer']}", file=sys.stderr)
        return None


def verdict(found: dict[str, Holes | None]) -> int:
    """Say what came of it, and the exit code. A lock of which most packages are unknown to the service was not asked about."""
    code = 0
    for name, holes in found.items():
        if holes is None or holes.asked < len(holes.unknown):
            print(
                f"audit: {name}: NOT looked at: the service that knows of holes cannot be reached from here.",
                file=sys.stderr,
            )
            code = code or NOT_ASKED
            continue
        for line in holes.lines:
            print(f"audit: {name}: {line}")
        if holes.unknown:
            print(f"audit: {name}: not known there: {', '.join(holes.unknown)}")
        print(f"audit: {name}: {holes.asked} packages, {len(holes.lines)} known holes")
        code = FOUND if holes.lines else code
    if code == FOUND:
        print("Next: raise the bound in pyproject.toml, make lock, make test.", file=sys.stderr)
    if code == NOT_ASKED:
        print(
            "Next: run make audit on a machine that reaches the internet; the nightly workflow does.", file=sys.stderr
        )
    return code


def main() -> int:
    return verdict({name: ask(ROOT / "requirements" / name) for name in LOCKS})


if __name__ == "__main__":
    sys.exit(main())
