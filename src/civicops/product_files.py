"""The files of a product: what each is, which of them its data can depend on, and which decide what its releases hold.

Belongs here: kinds of files, hashes over them, and which differ from a commit. Does not belong here: whole states of a repository
(`civicops.change`), what a difference means.

Pages, monitors, goals and texts for people change no data. Settings, reviews and unit tests do not decide what a release holds
either, and yet a run may end otherwise because of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from civicops import git
from civicops.contracts.ethics import FILE as ETHICS_FILE

FileKind = Literal[
    "contract", "model", "lookup", "source", "settings", "page", "monitor", "ethics", "code", "words", "framework"
]
OUTSIDE_DATA = ("page", "monitor", "words")
"""Kinds of files that nothing a product publishes depends on."""
WORDS = (".md", ".rst", ".png", ".jpg", ".svg", ".pdf", ".old", ".orig", ".rej", ".bak", ".tmp", ".swp", "~")
"""How files end that nothing reads: texts for people, and what editors and git leave behind."""
_FILES: dict[str, FileKind] = {
    "product.yaml": "settings", "sources.py": "source", ETHICS_FILE: "ethics", "monitors.py": "monitor", "goals.yaml": "words",
}  # fmt: skip
_ROOMS: dict[str, FileKind] = {"contracts": "contract", "models": "model", "lookups": "lookup", "pages": "page"}


@dataclass(frozen=True)
class MadeFrom:
    """The files that made a release, against those that lie in the product's folder.

    `is_same`: whether they are the same, as far as that is known; None where it is not known. `commit` made it, `is_dirty` with
    changes that nobody had committed. `changed` are the files that differ since, where git can say it. `shown`: the commit whose
    files a trace shows, where they are not those that lie there.
    """

    is_same: bool | None
    commit: str = ""
    is_dirty: bool = False
    changed: tuple[str, ...] = field(default=())
    shown: str = ""

    @property
    def note(self) -> str:
        """One sentence for people; empty where there is nothing to say."""
        if self.is_same and not self.shown:
            return ""
        commit = f"commit {self.commit[:12]}" if self.commit else "a folder outside git"
        made = f"made from {commit}{' with uncommitted changes' if self.is_dirty and not self.shown else ''}"
        names = ", ".join(self.changed[:5]) + (f" and {len(self.changed) - 5} more" if len(self.changed) > 5 else "")
        since = f"; other since: {names}" if names else ""
        if self.shown:
            return f"this release was {made}, and so is what is shown here{since}"
        if self.is_same is None:
            return f"this release was {made}; whether the models, lookups and code shown here made it is not known"
        return f"this release was {made}; the models, lookups and code shown here are those of now, which are others{since}"


def kind_of(path: str) -> FileKind:
    """What a file of a product is, by its path in the product's folder."""
    parts = PurePosixPath(path).parts
    if path in _FILES:
        return _FILES[path]
    if path.endswith(WORDS) or any(part.startswith((".", "__pycache__")) for part in parts):
        return "words"
    # Whatever else lies there may be read by code that lies beside it: a trained model, a list of words.
    return _ROOMS.get(parts[0], "code") if len(parts) > 1 else "code"


def data_files(folder: Path) -> dict[str, str]:
    """The files of a product that what it publishes can depend on: path in its folder to git's hash of the content."""
    return {name: blob_hash(path) for name, path in _files(folder) if kind_of(name) not in OUTSIDE_DATA}


def blob_hash(path: Path) -> str:
    """git's hash of a file's content, as `git hash-object` gives it."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def decides(path: str) -> bool:
    """Whether a file, by its path in the product's folder, decides what releases hold."""
    kind = kind_of(path)
    return kind in ("contract", "lookup", "source", "code") or (kind == "model" and path.endswith(".sql"))


def files_hash(folder: Path) -> str:
    """A hash (16 hex digits) over names and bytes of the files in a product's folder that decide what its releases hold."""
    digest = hashlib.sha256()
    for name, path in _files(folder):
        if decides(name):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def made_from(folder: Path, code: Mapping[str, Any]) -> MadeFrom:
    """What a release says of its `code`, against the product's folder as it is now."""
    commit, is_dirty, files = str(code.get("commit") or ""), bool(code.get("dirty")), code.get("files")
    changed = _changed(folder, commit) if commit else None
    if files:
        is_same: bool | None = files == files_hash(folder)
    else:  # made before releases kept the hash
        is_same = None if is_dirty or changed is None else not changed
    return MadeFrom(is_same, commit, is_dirty, () if is_same else tuple(changed or ()))


def git_state(folder: Path) -> tuple[str | None, bool]:
    """The commit of the repository around `folder` and whether that folder has uncommitted changes; (None, False) outside one."""
    commit = (git.ask(folder, "rev-parse", "HEAD") or "").strip() or None
    return commit, bool(commit and (git.ask(folder, "status", "--porcelain", "--", ".") or "").strip())


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _changed(folder: Path, commit: str) -> list[str] | None:
    """The deciding files that differ from a commit, or are new; None where git cannot say it."""
    differ = git.ask(folder, "diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", ".")
    new = git.ask(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".")
    if differ is None or new is None:
        return None
    return sorted({name for name in (*differ.split("\0"), *new.split("\0")) if name and decides(name)})
