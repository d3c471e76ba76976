"""What changed between two versions of a dataset, worked out once and kept.

Belongs here: keeping the answer beside the portal's data, as releases never change. Does not belong here: comparing
(`civicops.release.diff`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from civicops.portal.releases import open_engine
from civicops.release.diff import diff
from civicops.release.store import NoReleaseError, ReleaseStore
from civicops.release.values import Release
from civicops.runs import write_json
from civicops.workspace import Workspace

SMALL_BYTES = 20_000_000
WANTED = ".wanted"


def _path(workspace: Workspace, old: Release, new: Release) -> Path:
    return workspace.folder("portal") / "changes" / new.product / new.dataset / f"{old.version}..{new.version}.json"


def kept_changes(workspace: Workspace, old: Release, new: Release) -> dict[str, Any] | None:
    """The difference if it was worked out before."""
    try:
        content: dict[str, Any] = json.loads(_path(workspace, old, new).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def is_small(old: Release, new: Release) -> bool:
    """Whether two versions are compared in a moment, so that a reader may wait for it."""
    return old.data.stat().st_size + new.data.stat().st_size < SMALL_BYTES


def want_changes(workspace: Workspace, old: Release, new: Release) -> None:
    """Note that somebody asked; whoever works in the background finds it (`wanted_changes`)."""
    path = _path(workspace, old, new).with_suffix(WANTED)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def wanted_changes(workspace: Workspace) -> Iterator[tuple[Release, Release]]:
    """The pairs of versions that somebody asked for and nobody has compared yet; those that were pruned are forgotten."""
    store = ReleaseStore(workspace.folder("releases"))
    for path in sorted((workspace.folder("portal") / "changes").glob(f"*/*/*{WANTED}")):
        product, dataset = path.parent.parent.name, path.parent.name
        old, _, new = path.name.removesuffix(WANTED).partition("..")
        try:
            yield store.find(product, dataset, old), store.find(product, dataset, new)
        except NoReleaseError:
            path.unlink(missing_ok=True)


def changes(workspace: Workspace, old: Release, new: Release) -> dict[str, Any]:
    """The difference, as `asdict` of a `ReleaseDiff` without the releases. Raises `DiffError` when they cannot be compared."""
    path = _path(workspace, old, new)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock"), thread_local=False):
            found = kept_changes(workspace, old, new)
            return found if found is not None else _work_out(workspace, old, new, path)
    finally:
        # Also after a failure: asked again, it would fail again.
        path.with_suffix(WANTED).unlink(missing_ok=True)


def _work_out(workspace: Workspace, old: Release, new: Release, path: Path) -> dict[str, Any]:
    limits = workspace.settings.engine
    with open_engine(limits.threads, limits.memory_limit, workspace.folder("tmp")) as con:
        result = diff(con, old, new, sample=5)
    found = {name: value for name, value in asdict(result).items() if name not in ("old", "new")}
    write_json(path, found | {"unchanged": result.unchanged})
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept
