"""Writes the lock files: every package with its exact version and the hashes of its files, and no address.

Belongs here: how `requirements/*.txt` are made from `pyproject.toml` and `bench/peers.txt`. Does not belong here: installing
them (`setup_env.py`).

    make lock               keeps the versions that are there and adds what is missing
    make lock UPGRADE=1     takes the newest versions that pyproject.toml allows
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.setup_env import ROOT, pinned_uv

REQUIREMENTS = ROOT / "requirements"
PEERS = ROOT / "bench" / "peers.txt"
PEERS_ALONE = {"bench_grades": ROOT / "bench" / "peers_grades.txt"}
"""Peers that cannot be installed beside civicops: lock file to what it is made from."""


def build_requires() -> str:
    """What builds this repository; locked too, so that installing it needs no network."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return "\n".join(tomllib.load(stream)["build-system"]["requires"])


def compile_lock(output: Path, sources: list[str], *, stdin: str = "", upgrade: bool = False) -> None:
    """Resolve `sources` (arguments of `uv pip compile`; `-` reads `stdin`) for every platform and Python we support."""
    command = [
        str(pinned_uv()), "pip", "compile", "-q", "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--only-binary", ":all:",
        *(["--upgrade"] if upgrade else []), *sources, "-o", str(output.relative_to(ROOT)),
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, input=stdin, text=True, check=True)


def main() -> int:
    upgrade = os.environ.get("UPGRADE") == "1"
    runtime, dev, bench = REQUIREMENTS / "lock.txt", REQUIREMENTS / "dev.txt", REQUIREMENTS / "bench.txt"
    build = build_requires()
    same = ["-c", str(runtime.relative_to(ROOT))]
    try:
        compile_lock(REQUIREMENTS / "uv.txt", ["--group", "installer"], upgrade=upgrade)
        # With every extra: the demo and the tests run every product.
        whole = ["pyproject.toml", "--all-extras"]
        compile_lock(runtime, [*whole, "-"], stdin=build, upgrade=upgrade)
        # Constrained to the runtime lock: what is tested and measured is what is shipped.
        compile_lock(dev, [*whole, "--group", "dev", "-", *same], stdin=build, upgrade=upgrade)
        peers = [str(PEERS.relative_to(ROOT))] if PEERS.exists() else []
        compile_lock(bench, [*whole, *peers, "-", *same], stdin=build, upgrade=upgrade)
        for name, file in PEERS_ALONE.items():
            compile_lock(REQUIREMENTS / f"{name}.txt", [str(file.relative_to(ROOT))], upgrade=upgrade)
    except subprocess.CalledProcessError as error:
        print("lock: uv found no set of versions that fits; its reason stands above.", file=sys.stderr)
        return error.returncode
    print("lock: requirements/ is up to date with pyproject.toml; now run make setup-dev")
    return 0


if __name__ == "__main__":
    sys.exit(main())
