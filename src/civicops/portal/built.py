"""The files that pages build from releases, kept under `<data>/pages/<product>/<page>/<hash>/`.

Belongs here: when a build is needed, doing it once whoever asks, removing old ones. Does not belong here: what is built; that is
the page's own function.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from filelock import FileLock

from civicops.portal.pages import PageError, ProductPage
from civicops.portal.releases import Releases
from civicops.workspace import Workspace

KEPT = 2
"""Builds of a page that stay: the current one, and the one before it for readers who are in the middle of it."""


def build_key(page: ProductPage, releases: Releases) -> str:
    """The name of a build: a hash (16 hex digits) over the versions of the releases, their contracts and the product's code."""
    content = {
        "versions": releases.versions,
        "code": page.code,
        "contracts": [
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((page.product.folder / "contracts").glob("*.yaml"))
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def page_files(workspace: Workspace, page: ProductPage, releases: Releases) -> Path | None:
    """The folder of the page's files, built now if it is not there yet; `None` for a page that builds nothing.

    Raises `PageError` with the page's own words when its function fails; an older build is left alone then.
    """
    if page.page.build is None:
        return None
    home = workspace.folder("pages") / page.product.name / page.name
    folder = home / build_key(page, releases)
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / ".building.lock", thread_local=False):
        if folder.is_dir():
            return folder
        for leftover in home.glob(".part-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        part = home / f".part-{os.getpid()}"
        part.mkdir()
        try:
            page.page.build(releases, part)
            part.replace(folder)
        except Exception as error:
            name = f"{page.product.name}/{page.name}"
            message = f"The page {name} could not be built: {type(error).__name__}: {error}."
            raise PageError(message, hint=f"Mend {page.folder / page.name}.py, then load the page again.") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _forget_old(home, keep=folder)
    return folder


def _forget_old(home: Path, keep: Path) -> None:
    builds = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".") and path != keep]
    for old in sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
