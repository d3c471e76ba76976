"""Text that a person wrote, read as UTF-8; what is no UTF-8 is a fault of the file, with its line.

Belongs here: reading a file as text. Does not belong here: what the text means, bytes that come from a source (`ingest`).

Spreadsheets and old editors save as Windows-1252 or UTF-16, and only the first letter beyond ASCII shows it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from civicops.errors import CivicopsError

NOT_UTF8 = "is not UTF-8 text (byte 0x{byte:02x}); open it in an editor and save it as UTF-8"
SUFFIXES = frozenset(
    (".py", ".sql", ".yaml", ".yml", ".csv", ".html", ".css", ".js", ".mjs", ".ts", ".tsx", ".json", ".md", ".txt")
)
"""Files of a product that are text."""


class TextFileError(CivicopsError):
    """A file that must be text is not."""


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark, its line ends as `\\n`. Raises `TextFileError`, `OSError`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        line, message = _fault(path.read_bytes()) or (1, "changed while it was read")
        hint = "Spreadsheets offer 'CSV UTF-8'; `iconv -f WINDOWS-1252 -t UTF-8` turns a file over."
        raise TextFileError(f"{path}:{line}: {message}.", hint=hint) from None


def text_fault(path: Path) -> tuple[int, str] | None:
    """The line of a file that is no UTF-8, and what is wrong in words; None for one that is. Raises `OSError`."""
    at = path.stat()
    return _fault_of(path, at.st_mtime_ns, at.st_size)


@lru_cache(maxsize=4096)
def _fault_of(path: Path, _changed: int, _size: int) -> tuple[int, str] | None:
    """Read again only when the file changed: a workspace is read many times by one command."""
    return _fault(path.read_bytes())


def _fault(content: bytes) -> tuple[int, str] | None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1, NOT_UTF8.format(byte=content[error.start])
    return None
