"""Changing files so that a crash at any moment leaves either the old or the new content.

Belongs here: the few operations on files that survive kill -9 and power loss, and what their failures mean to a person.
Does not belong here: anything that knows what a release is.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from civicops.durable import sync
from civicops.errors import CivicopsError


class ReleaseWriteError(CivicopsError):
    """The disk did not take what was to be written; the last release is untouched."""


_INTACT = "The last release is untouched."
_HINTS = {
    errno.ENOSPC: f"Free some space (civicops release prune) and run again. {_INTACT}",
    errno.EDQUOT: f"Free some space (civicops release prune) and run again. {_INTACT}",
    errno.EFBIG: f"Raise the limit on file size (ulimit -f) and run again. {_INTACT}",
    errno.EACCES: f"Give the user who runs civicops the right to write there and run again. {_INTACT}",
    errno.EPERM: f"Give the user who runs civicops the right to write there and run again. {_INTACT}",
    errno.EROFS: f"Make the file system writable or set another data folder in civicops.toml. {_INTACT}",
}


@contextmanager
def explained(what: str, where: Path) -> Iterator[None]:
    """Turn a failure of the disk inside the block into one line for a person (`ReleaseWriteError`).

    The engine reports failures of the disk in its own words; they are recognised by the text of the system's error.
    """
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, f"Mend that and run again. {_INTACT}")
        raise ReleaseWriteError(f"Cannot {what} in {where}: {error.strerror or error}.", hint=hint) from error
    except duckdb.OutOfMemoryException as error:
        message = f"Cannot {what} in {where}: the memory limit of the engine and its spill folder are both used up."
        raise ReleaseWriteError(
            message, hint=f"Raise memory_limit or free disk space, and run again. {_INTACT}"
        ) from error
    except duckdb.IOException as error:
        text = str(error).splitlines()[0]
        for number, hint in _HINTS.items():
            if os.strerror(number).lower() in text.lower():
                raise ReleaseWriteError(f"Cannot {what} in {where}: {os.strerror(number)}.", hint=hint) from error
        raise ReleaseWriteError(
            f"Cannot {what} in {where}: {text}", hint=f"Mend that and run again. {_INTACT}"
        ) from error


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that never changes a second name, or copy it where the file system has no second names. Raises `OSError`."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copyfile(source, target)
        sync(target)


def write_json(path: Path, content: Any) -> None:
    """Write a new file, durable in itself; its name is durable only after its folder is (`durable.sync`)."""
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def replace_json(path: Path, content: Any) -> None:
    """Put `content` in place of `path` in one step: a reader sees the whole old or the whole new file."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        write_json(temporary, content)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def remove_folder(folder: Path) -> None:
    """Take a folder away so that nobody ever sees it half empty: hide it under another name first."""
    hidden = folder.with_name(f".trash-{uuid.uuid4().hex[:12]}")
    try:
        folder.rename(hidden)
    except FileNotFoundError:
        return
    sync(folder.parent)
    shutil.rmtree(hidden)
