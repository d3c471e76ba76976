"""Asking git about a folder.

Belongs here: running the program. Does not belong here: what its answers mean (`civicops.change`, `civicops.product_files`).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SECONDS = 120


def is_installed() -> bool:
    """Whether there is a git to ask."""
    return shutil.which("git") is not None


def ask(folder: Path, *words: str) -> str | None:
    """What git answers in a folder; None where it says no, takes longer than two minutes, or is not installed.

    Bytes that are no UTF-8, as of a file's name, come as `os.fsdecode` has them, line ends as `\\n`.
    """
    content = ask_bytes(folder, *words)[0]
    return (
        None
        if content is None
        else content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    )


def ask_bytes(folder: Path, *words: str) -> tuple[bytes | None, str]:
    """The same as it came, and what git said besides; None where `ask` gives None."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return (done.stdout if done.returncode == 0 else None), done.stderr.decode(errors="replace").strip()
