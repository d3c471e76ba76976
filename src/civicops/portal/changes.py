"""What changed between two versions of a dataset, worked out once and kept.

Belongs here: keeping the answer beside the portal's data, as releases never change. Does not belong here: comparing
(`civicops.release.diff`).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from civicops.portal.releases import open_engine
from civicops.release.diff import diff
from civicops.release.values import Release
from civicops.runs import write_json
from civicops.workspace import Workspace


def _path(workspace: Workspace, old: Release, new: Release) -> Path:
    return workspace.folder("portal") / "changes" / new.product / new.dataset / f"{old.version}..{new.version}.json"


def kept_changes(workspace: Workspace, old: Release, new: Release) -> dict[str, Any] | None:
    """The difference if it was worked out before."""
    try:
        content: dict[str, Any] = json.loads(_path(workspace, old, new).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def changes(workspace: Workspace, old: Release, new: Release) -> dict[str, Any]:
    """The difference, as `asdict` of a `ReleaseDiff` without the releases. Raises `DiffError` when they cannot be compared."""
    path = _path(workspace, old, new)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), thread_local=False):
        found = kept_changes(workspace, old, new)
        if found is None:
            limits = workspace.settings.portal
            with open_engine(limits.threads, limits.memory_limit) as con:
                result = diff(con, old, new, sample=5)
            found = {name: value for name, value in asdict(result).items() if name not in ("old", "new")}
            found["unchanged"] = result.unchanged
            write_json(path, found)
            found = json.loads(json.dumps(found, default=str))
    return found
