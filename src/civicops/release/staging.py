"""Hidden folders in which releases are built before they are seen.

Belongs here: making one, knowing whether the process that made it is alive, removing those of dead ones. Does not belong
here: what is built in them.

A folder belongs to a live process as long as that process holds the kernel's lock on the file beside it. A killed process
holds none, whatever its number has been given to since.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = ".staging-"
_TRASH_PREFIX = ".trash-"
_GATE = ".staging.lock"


@dataclass(frozen=True)
class Staging:
    """A hidden folder, private to its user (mode 0700), and the lock that says it is in use."""

    folder: Path
    _lock: FileLock = field(repr=False, compare=False)

    def close(self) -> None:
        """Remove the folder, if it was not renamed into place, and give up the lock. Safe to repeat."""
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()


def open_staging(product_folder: Path, dataset: str) -> Staging:
    """A new empty staging folder in `<product>/<dataset>`, on the same file system as the releases. Raises `OSError`."""
    parent = product_folder / dataset
    parent.mkdir(parents=True, exist_ok=True)
    name = f"{_PREFIX}{uuid.uuid4().hex[:12]}"
    lock = FileLock(parent / f"{name}.lock", thread_local=False)
    with _gate(product_folder):
        lock.acquire(timeout=0)
        (parent / name).mkdir(mode=0o700)
    return Staging(parent / name, lock)


def clean_stale(product_folder: Path) -> None:
    """Remove the staging folders of dead processes, and deletions that were cut short. Raises `OSError`."""
    with _gate(product_folder):
        for folder in product_folder.glob(f"*/{_PREFIX}*"):
            if not folder.is_dir():
                continue
            lock_file = folder.with_name(f"{folder.name}.lock")
            if _is_abandoned(lock_file):
                shutil.rmtree(folder, ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        for lock_file in product_folder.glob(f"*/{_PREFIX}*.lock"):
            if not lock_file.with_suffix("").exists() and _is_abandoned(lock_file):
                lock_file.unlink(missing_ok=True)
    for folder in product_folder.glob(f"*/{_TRASH_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(lock_file: Path) -> bool:
    probe = FileLock(lock_file, thread_local=False)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return False
    probe.release()
    return True


@contextmanager
def _gate(product_folder: Path) -> Iterator[None]:
    """Making and cleaning exclude each other, or a cleaner could take a folder in the instant before its lock is held."""
    with FileLock(product_folder / _GATE, timeout=30, thread_local=False):
        yield
