"""`python -m products.requests_311.pages.map_files`: the map files of a workspace's current releases, made by hand.

Belongs here: the command line. Does not belong here: the files (`build`).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from civicops.workspace import Workspace

from .build import build

PRODUCT = "requests_311"


def main() -> int:
    """Build, and say what was written; 1 with a line on why not."""
    parser = argparse.ArgumentParser(
        prog="map_files", description="Write the files of the 311 map from the current releases."
    )
    parser.add_argument("--workspace", type=Path, default=Path(), help="a folder with civicops.toml (default: here)")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write; replaced when it is there")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        workspace = Workspace.find(options.workspace)
        build(ReleaseStore(workspace.folder("releases")).snapshot(PRODUCT), options.out)
    except CivicopsError as error:
        sys.stderr.write(f"{error}\n{error.hint or ''}\n")
        return 1
    files = [path for path in options.out.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    sys.stdout.write(f"{len(files)} files, {size / 1e6:,.1f} MB in {options.out}, {time.monotonic() - began:.1f} s.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
