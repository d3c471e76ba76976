"""Writing to a disk that may be full, read-only or pulled away, and reading zstd back.

Belongs here: the few file operations that `landing` and `part` share, and the words for what can go wrong with them. Does not
belong here: what is written.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from civicops.ingest.values import LandingError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into one line that says what to do about it."""
    try:
        yield
    except OSError as error:
        raise explained(error, path) from error


def explained(error: OSError, path: Path) -> LandingError:
    """What could not be written, and what to do about it."""
    where = error.filename or path
    if error.errno in _FULL:
        return LandingError(
            f"The disk is full: cannot write to {where}.", hint="Free some space and run the command again."
        )
    if error.errno in _REFUSED:
        return LandingError(
            f"No permission to write to {where}.", hint="Make the folder writable for you, or choose another one."
        )
    return LandingError(f"Cannot write to {where}: {words(error)}.", hint="Mend that and run the command again.")


def words(error: OSError) -> str:
    """What the system says, without number and path."""
    return (error.strerror or str(error)).lower()


def open_zstd(path: Path) -> BinaryIO:
    """The uncompressed bytes of a zstd file as a buffered stream; `OSError` while reading says that it is damaged."""
    stream = pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20))
