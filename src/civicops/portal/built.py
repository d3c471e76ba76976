"""The files that pages build from releases, kept under `<data>/pages/<product>/<page>/<hash>/`.

Belongs here: when a build is needed, doing it once whoever asks, removing old ones. Does not belong here: what is built; that is
the page's own function, and `charts` for its charts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from filelock import FileLock
from whitenoise.compress import Compressor  # type: ignore[import-untyped]

from civicops.portal.charts import write_charts
from civicops.portal.pages import ProductPage, page_error
from civicops.portal.releases import Releases
from civicops.workspace import Workspace

_TEXT = (".json", ".geojson", ".csv", ".html", ".svg", ".txt")
"""Files that are kept compressed too, beside themselves, for browsers that say they read that."""
KEPT = 2
"""Builds of a page that stay: the current one, and the one before it for readers who are in the middle of it."""


def build_key(page: ProductPage, releases: Releases) -> str:
    """The name of a build: a hash (8 hex digits) of which datasets it is given, and one (16) over the versions of the releases,
    their contracts and the product's code."""
    content = {
        "versions": releases.versions,
        "code": page.code,
        "contracts": [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((page.product.folder / "contracts").glob("*.yaml"))
        ],
    }
    return f"{_given(releases)}-{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]}"


def _given(releases: Releases) -> str:
    """A build is never shown to who is given other datasets: one of them may not be public any more."""
    return hashlib.sha256(json.dumps(sorted(releases)).encode()).hexdigest()[:8]


def page_files(workspace: Workspace, page: ProductPage, releases: Releases, *, older: bool = False) -> Path | None:
    """The folder of the page's files and charts, built now if it is not there yet; `None` for a page that has neither.

    `older`: rather than wait, take the newest build there is, where somebody else makes new ones. Raises `PageError` with the
    page's own words when one of its functions fails; an older build is left alone then.
    """
    if page.page.build is None and not page.page.charts:
        return None
    home = workspace.folder("pages") / page.product.name / page.name
    folder = home / build_key(page, releases)
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    if older and (builds := [path for path in _builds(home) if path.name.startswith(f"{_given(releases)}-")]):
        return builds[0]
    with FileLock(home / ".building.lock", thread_local=False):
        if not folder.is_dir():
            _build(home, folder, page, releases)
    return folder


def _build(home: Path, folder: Path, page: ProductPage, releases: Releases) -> None:
    for leftover in home.glob(".part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    part = home / f".part-{os.getpid()}"
    part.mkdir()
    try:
        if page.page.build is not None:
            page.page.build(releases, part)
        if page.page.charts:
            write_charts(page.page.charts, releases, part)
        compressor = Compressor(use_brotli=False, quiet=True)
        for path in [path for path in part.rglob("*") if path.suffix in _TEXT and path.is_file()]:
            compressor.compress(str(path))
        part.replace(folder)
    except Exception as error:
        raise page_error(page, "built", error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for old in [path for path in _builds(home) if path != folder][KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def _builds(home: Path) -> list[Path]:
    """Finished builds of a page, newest first."""
    found = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
