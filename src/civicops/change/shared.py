"""What all products of a repository share: settings of the workspace, civicops' own code.

Belongs here: how it differs between two states, and keeping what of it a plan has put in force. Does not belong here: files of
products (`states`), what a difference does (`planning`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

import civicops
from civicops.change.states import FileChange, Repository, State, content_hash
from civicops.runs import write_json
from civicops.workspace import SETTINGS_FILE, Workspace

_TABLES = ("workspace", "engine", "retention")
_PLACES = ("data", "products", "downloads", "preview")
"""Where things lie on one machine; a commit taken out of the repository has others."""
_IN_FORCE = Path("made_of") / "in_force.json"
"""Beside what runs keep of the files they worked with."""
_PACKAGE = Path(civicops.__file__).resolve().parent
_KEPT = 50
_LOCK_SECONDS = 30
_LOOKED_AT = 100


@dataclass(frozen=True)
class Shared:
    """What products share, as two hashes: civicops' own code (empty where it is no part of the repository), and settings."""

    code: str
    settings: str

    def is_as(self, other: Shared) -> bool:
        """Whether a plan between the two shows nothing of it."""
        return self.settings == other.settings and (not (self.code and other.code) or self.code == other.code)


@dataclass(frozen=True)
class InForce:
    """What a plan put in force of what products share; `commit` is empty where some of it was not committed."""

    plan: str
    at: datetime
    commit: str
    shared: Shared


def shared_at(repository: Repository, commit: str = "") -> Shared:
    """What products share in a commit; without one, in the files as they lie there."""
    text, path = None, repository.workspace.root.resolve() / SETTINGS_FILE
    if path.is_relative_to(repository.top):
        text = repository.text(commit, path) if commit else path.read_text(encoding="utf-8") if path.is_file() else None
    try:
        tables = tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        tables = {"workspace": {"unreadable": text}}  # as no other is
    kept = {name: tables.get(name, {}) for name in (*_TABLES, "products")}
    kept["workspace"] = {name: value for name, value in kept["workspace"].items() if name not in _PLACES}
    code = _own_code(repository, commit)
    return Shared(content_hash(code) if code else "", content_hash(kept))


def in_force_now(repository: Repository, plan: str) -> InForce:
    """What lies there now of what products share, as put in force by a plan."""
    shared, head = shared_at(repository), (repository.git("rev-parse", "HEAD") or "").strip()
    commit = head if head and shared_at(repository, head) == shared else ""
    return InForce(plan, datetime.now(UTC), commit, shared)


def note_in_force(workspace: Workspace, note: InForce) -> None:
    """Keep what a plan put in force. Raises `OSError`, `filelock.Timeout`."""
    path = _notes_path(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=_LOCK_SECONDS):
        notes = [*(old for old in in_force_notes(workspace) if old.plan != note.plan), note]
        write_json(path, [asdict(one) | {"at": one.at.isoformat()} for one in notes[-_KEPT:]])


def in_force_notes(workspace: Workspace) -> list[InForce]:
    """What plans put in force, oldest first; nothing where none was kept, or where the file cannot be read."""
    try:
        rows: list[dict[str, Any]] = json.loads(_notes_path(workspace).read_text(encoding="utf-8"))
        return [
            InForce(row["plan"], datetime.fromisoformat(row["at"]), row["commit"], Shared(**row["shared"]))
            for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # a plan then shows more than it must


def commit_with(repository: Repository, shared: Shared) -> str:
    """The newest commit in which what products share is as given, of the last hundred that touched any of it; empty where none
    is."""
    paths = [repository.workspace.root.resolve() / SETTINGS_FILE, _PACKAGE]
    inside = [path.relative_to(repository.top).as_posix() for path in paths if path.is_relative_to(repository.top)]
    listed = repository.git("rev-list", f"--max-count={_LOOKED_AT}", "HEAD", "--", *inside) if inside else ""
    return next((one for one in (listed or "").split() if shared_at(repository, one).is_as(shared)), "")


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
    before = _own_code(repository, base.commit) if base.commit else {}
    if not before:
        return  # it is installed there, and not part of the repository
    after = _own_code(repository)
    inside = _PACKAGE.relative_to(repository.top).as_posix()
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            how = "added" if path not in before else "removed" if path not in after else "changed"
            yield FileChange("", f"{inside}/{path}", "framework", how)  # type: ignore[arg-type]


def _own_code(repository: Repository, commit: str = "") -> dict[str, str]:
    """civicops' own code in a commit, or as it lies there: path in its package to git's hash; nothing where it is no part of the
    repository."""
    if not _PACKAGE.is_relative_to(repository.top):
        return {}
    blobs = repository.blobs(commit, _PACKAGE) if commit else repository.blobs_now(_PACKAGE)
    return {path: blob for path, blob in blobs.items() if path.endswith((".py", ".sql"))}


def _notes_path(workspace: Workspace) -> Path:
    return workspace.folder("runs") / _IN_FORCE
