"""What all products of a repository share, and how it differs between two states: settings of the workspace, civicops' own code.

Belongs here: finding these differences. Does not belong here: files of products (`states`), what a difference does (`planning`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import civicops
from civicops.change.states import FileChange, Repository, State
from civicops.workspace import SETTINGS_FILE

_TABLES = ("workspace", "engine", "retention")
_PLACES = ("data", "products", "downloads", "preview")
"""Where things lie on one machine; a commit taken out of the repository has others."""


def shared_changes(repository: Repository, base: State, head: State) -> tuple[FileChange, ...]:
    """What differs of settings that every product has, and of civicops' own code where that lies in the same repository."""
    return (*(FileChange("", text, "settings", "changed") for text in _settings(base, head)), *_code(repository, base))


def kept_shorter(base: State, head: State) -> tuple[str, ...]:
    """Sentences about releases and keys that are kept for less long than before: what is gone then does not come back."""
    before, after = base.workspace.settings.retention, head.workspace.settings.retention
    found = [
        f"{name} goes from {getattr(before, name)} to {getattr(after, name)}"
        for name in type(after).model_fields
        if getattr(after, name) < getattr(before, name)
    ]
    return tuple(found)


def _settings(base: State, head: State) -> Iterator[str]:
    for table in _TABLES:
        before, after = (getattr(state.workspace.settings, table) for state in (base, head))
        for name in type(after).model_fields:
            was, now = getattr(before, name), getattr(after, name)
            if name not in _PLACES and was != now:
                yield f"{SETTINGS_FILE} [{table}] {name}: {was!r} becomes {now!r}"


def _code(repository: Repository, base: State) -> Iterator[FileChange]:
    package = Path(civicops.__file__).resolve().parent
    if base.commit is None or not package.is_relative_to(repository.top):
        return
    before = {path: blob for path, blob in repository.blobs(base.commit, package).items() if _is_code(path)}
    if not before:
        return  # it is installed there, and not part of the repository
    after = {path: blob for path, blob in repository.blobs_now(package).items() if _is_code(path)}
    inside = package.relative_to(repository.top).as_posix()
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            how = "added" if path not in before else "removed" if path not in after else "changed"
            yield FileChange("", f"{inside}/{path}", "framework", how)  # type: ignore[arg-type]


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".sql"))
