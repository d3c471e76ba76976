"""Which files belong to the repository, and reading them.

Belongs here: listing and reading, for the rules in this folder. Does not belong here: the rules.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path


def repository_files(root: Path) -> tuple[Path, ...]:
    """Files that are in git or would be added to it, relative to `root`; without git, all but hidden folders and `var`."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        found = {Path(name) for name in names if name}
    except (OSError, subprocess.CalledProcessError):
        every = (path.relative_to(root) for path in root.rglob("*"))
        found = {
            path for path in every if path.parts[0] != "var" and not any(part.startswith(".") for part in path.parts)
        }
    return tuple(sorted(path for path in found if (root / path).is_file()))


def text_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Relative path and text of each of them that is UTF-8 text."""
    for path in repository_files(root):
        content = (root / path).read_bytes()
        if b"\0" not in content[:8192]:
            try:
                yield path, content.decode("utf-8")
            except UnicodeDecodeError:
                continue


def python_files(root: Path, *folders: str) -> Iterator[tuple[Path, str]]:
    """The Python files below some of the top folders."""
    for path, text in text_files(root):
        if path.suffix == ".py" and path.parts[0] in folders:
            yield path, text
