"""Making what was written survive a power cut.

Belongs here: the one call that waits for the disk. Does not belong here: writing, renaming, or what a failure means to whom.
"""

from __future__ import annotations

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until the content of a file, or the new names in a folder, would survive a power cut. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
