"""Workspaces beside the real one that share what never changes and write for themselves.

Belongs here: sharing a room's files without copying them, making, listing and removing previews. Does not belong here: running
anything in them.

Landed bytes, accepted rows and releases are files that are written once and replaced only by renames, so a second name (a hard
link) for each is enough: whoever writes writes a new file, and removing a name leaves the other. Files that are appended to or
rewritten in place are copied; locks and half-made things are left behind.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from civicops.audit.tables import METADATA as AUDIT
from civicops.change.states import Repository
from civicops.database import named_database
from civicops.errors import CivicopsError
from civicops.release.files import link_or_copy
from civicops.workspace import SETTINGS_FILE, Workspace

FOLDER = "previews"
NOTE = "preview.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,60}")
_SHARED = ("landing", "accepted", "quarantine", "releases", "runs", "observe", "lineage")
_COPIED_SUFFIXES = (".jsonl", ".part", ".log", ".duckdb", ".sqlite3")


class PreviewError(CivicopsError):
    """There is no such preview, or none can be made of that name."""


@dataclass(frozen=True)
class Preview:
    """One preview: where it lies, which branch it shows (None: the files as they lie here), what it takes of the disk."""

    name: str
    folder: Path
    branch: str | None
    commit: str | None
    made_at: str
    own_bytes: int
    """Bytes that it does not share with the real workspace."""


def share(source: Path, target: Path) -> int:
    """Give every file below `source` a second name below `target`; the number of files. Raises `OSError`."""
    count = 0
    if not source.is_dir():
        return 0
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(os.scandir(source), key=lambda item: item.name):
        if entry.name.startswith(".") or entry.name.endswith(".lock"):
            continue
        if entry.is_dir(follow_symlinks=False):
            count += share(Path(entry.path), target / entry.name)
        elif entry.is_file(follow_symlinks=False):
            count += 1
            if entry.name.endswith(_COPIED_SUFFIXES):
                shutil.copy2(entry.path, target / entry.name)
            else:
                link_or_copy(Path(entry.path), target / entry.name)
    shutil.copystat(source, target)
    return count


def make(workspace: Workspace, name: str, *, branch: str = "") -> Preview:
    """Make a preview of a branch, by default the one called like the preview; without one, of the files as they lie there.

    Making it again brings its data and its files up to date and drops what it wrote. Raises `PreviewError`, `StateError`.
    """
    if not _NAME.fullmatch(name):
        raise PreviewError(f"'{name}' cannot be a preview.", hint="Use small letters, digits, '-', '_' and '.'.")
    if workspace.settings.workspace.preview:
        raise PreviewError("This workspace is a preview itself.", hint="Make previews from the real one.")
    if named_database(workspace):
        raise PreviewError(
            "A preview cannot have what people decided: the database that DATABASE_URL names is not copied.",
            hint="civicops plan shows what a change does without a preview; civicops ci --landed makes none.",
        )
    folder = workspace.folder(FOLDER) / name
    work = folder.with_name(f".{name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    repository, commit = Repository(workspace), None
    chosen = branch or (name if _is_branch(repository, name) else "")
    products: Path = workspace.products_folder.resolve()
    try:
        if chosen:
            _, commit = repository.base(chosen)
            repository.at(commit, work / "checkout")
            products = folder / "checkout" / repository.products
        for room in _SHARED:
            share(workspace.folder(room), work / "var" / room)
        _copy_database(workspace, work / "var")
        (work / SETTINGS_FILE).write_text(_settings_text(workspace, name, products), encoding="utf-8")
        note = {"name": name, "branch": chosen or None, "commit": commit, "made_at": datetime.now(UTC).isoformat()}
        (work / NOTE).write_text(json.dumps(note), encoding="utf-8")
        remove_folder(folder)
        work.rename(folder)
    finally:
        remove_folder(work)
    return read(workspace, name)


def previews(workspace: Workspace) -> tuple[Preview, ...]:
    """All previews, by name."""
    return tuple(read(workspace, path.parent.name) for path in sorted(workspace.folder(FOLDER).glob(f"[!.]*/{NOTE}")))


def read(workspace: Workspace, name: str) -> Preview:
    """One preview. Raises `PreviewError` when there is none of that name."""
    folder = workspace.folder(FOLDER) / name
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PreviewError(f"There is no preview '{name}'.", hint="`civicops preview list` names them.") from error
    own = sum(stat.st_size for path in folder.rglob("*") if path.is_file() and (stat := path.stat()).st_nlink == 1)
    return Preview(name, folder, note["branch"], note["commit"], note["made_at"], own)


def remove(workspace: Workspace, name: str) -> Preview:
    """Remove a preview and all it wrote; what it shared stays where it is. Raises `PreviewError`."""
    found = read(workspace, name)
    remove_folder(found.folder)
    return found


def remove_folder(folder: Path) -> None:
    """Remove a tree of which some folders may be closed to their owner, as those of restricted releases may be."""
    if folder.is_dir():
        gone = folder.with_name(f".gone-{folder.name.lstrip('.')}.{os.getpid()}")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone)


def _is_branch(repository: Repository, name: str) -> bool:
    try:
        repository.base(f"refs/heads/{name}")
    except CivicopsError:
        return False
    return True


def _copy_database(workspace: Workspace, target: Path) -> None:
    """What people edit, as it is now, for the preview to change; only where it is SQLite in the workspace."""
    source = workspace.data / "app.sqlite3"
    if source.is_file():
        target.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target / source.name)) as new:
            old.backup(new)
            # Its files are not there, and its key must not be: a preview begins an audit log of its own.
            for table in reversed(AUDIT.sorted_tables):
                new.execute(f"DROP TABLE IF EXISTS {table.name}")
            new.commit()


def _settings_text(workspace: Workspace, name: str, products: Path) -> str:
    """The workspace's settings for a preview: its own data, nobody alerted, nothing sent anywhere."""
    import tomllib  # noqa: PLC0415 - only here

    data: dict[str, Any] = tomllib.loads((workspace.root / SETTINGS_FILE).read_text(encoding="utf-8"))
    data["workspace"] = data.get("workspace", {}) | {
        "data": "var", "products": str(products), "downloads": str(workspace.downloads.resolve()), "preview": name,
    }  # fmt: skip
    data.pop("alerts", None)
    for key in ("openlineage_url", "openlineage_allow"):
        data.get("observe", {}).pop(key, None)
    return "# Made by `civicops preview`; remove it with `civicops preview remove`.\n" + toml(data)


def toml(data: Mapping[str, Any], prefix: str = "") -> str:
    """Plain values as TOML: what `civicops.toml` can hold."""
    lines = [f"{_key(key)} = {_toml_value(value)}" for key, value in data.items() if not isinstance(value, Mapping)]
    text = "".join(f"{line}\n" for line in lines)
    for key, value in data.items():
        if isinstance(value, Mapping):
            path = f"{prefix}.{_key(key)}" if prefix else _key(key)
            text += f"\n[{path}]\n{toml(value, path)}"
    return text


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)
