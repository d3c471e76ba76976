"""A trace with the files that made the release, taken out of the commit that the release names.

Belongs here: choosing the files, and saying which they are. Does not belong here: the trace itself (`civicops.lineage`), taking a
commit apart (`states`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from civicops.change.states import Repository, StateError
from civicops.lineage.trace import trace
from civicops.lineage.traced import Decisions, Trace
from civicops.product_files import MadeFrom, files_hash, made_from
from civicops.release.store import ReleaseStore
from civicops.workspace import Workspace


def trace_as_made(
    workspace: Workspace, dataset: str, key: str, column: str | None = None, *, decisions: Decisions | None = None
) -> Trace:
    """As `trace`, with the models, lookups and code of the commit that made the current release, where those that lie in the
    product's folder are others and git still has them. `Trace.files` says which are shown. Raises what `trace` raises."""
    product = workspace.product(dataset.partition(".")[0])
    code = _code(workspace, product.name, dataset.partition(".")[2])
    now = made_from(product.folder, code)
    if now.is_same is not False or not now.commit:
        return trace(workspace, dataset, key, column, decisions=decisions)
    with TemporaryDirectory(prefix="civicops-trace-") as scratch:
        try:
            repository = Repository(workspace)
            state = repository.at(now.commit, Path(scratch))
            folder = state.workspace.product(product.name).folder
        except StateError:
            return trace(workspace, dataset, key, column, decisions=decisions)
        is_committed = code["files"] == files_hash(folder) if "files" in code else not now.is_dirty
        if not is_committed:  # what nobody had committed is nowhere any more
            return trace(workspace, dataset, key, column, decisions=decisions)
        found = trace(state.workspace, dataset, key, column, decisions=decisions)
        return _named(found, Path(scratch), now)


def _code(workspace: Workspace, product: str, dataset: str) -> dict[str, Any]:
    release = ReleaseStore(workspace.folder("releases")).snapshot(product).get(dataset)
    try:
        return dict(release.package()["civicops"].get("code", {})) if release else {}
    except (OSError, ValueError, KeyError):
        return {}


def _named(found: Trace, scratch: Path, now: MadeFrom) -> Trace:
    """With paths that still mean something when the folder is gone: `<commit>:<path>`, as `git show` takes it."""

    def path(text: str) -> str:
        return (
            f"{now.commit[:12]}:{Path(text).relative_to(scratch).as_posix()}" if text.startswith(str(scratch)) else text
        )

    return replace(
        found,
        models=tuple(replace(item, path=path(item.path)) for item in found.models),
        made=tuple(replace(item, path=path(item.path)) for item in found.made),
        lookups=tuple(replace(item, path=path(item.path)) for item in found.lookups),
        files=replace(now, shown=now.commit),
    )
