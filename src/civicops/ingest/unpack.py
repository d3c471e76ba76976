"""Files as people have them: plain, gzipped, zstd, or several in one zip; each becomes streams of one kind of data.

Belongs here: what a file is, from its name, and its bytes without packing, within bounds. Does not belong here: which files a
source has (`files`), storing them (`landing`).

A zip's member names are never used as paths: members are streams, stored under their hash. A name that tries to leave the folder
is refused all the same, for nobody honest writes one.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from civicops.ingest.disk import open_zstd, words
from civicops.ingest.values import Media, SourceError

MAX_BYTES = 50_000_000_000
"""Nothing that unpacks to more is a source of one of our datasets."""
MAX_RATIO = 300
"""No table packs better than this; beyond `SMALL` it is taken for a bomb."""
SMALL = 50_000_000
_PIECE = 1 << 20

_SUFFIXES: dict[str, Media] = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".geojson": "geojson",
    ".parquet": "parquet",
}
_PACKED = (".gz", ".zst", ".zip")


@dataclass(frozen=True)
class Member:
    """One stream of data of a file: its name inside (empty for the file itself), its kind, and how to open it."""

    name: str
    media: Media
    open: Callable[[], BinaryIO]


def media_of(name: str) -> Media | None:
    """The kind of data that a file name promises, None when it promises none; packing does not count."""
    path = PurePosixPath(name.lower())
    if path.suffix in _PACKED:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix)


def is_known(name: str) -> bool:
    """Whether a file of this name can be read without saying what it is."""
    return media_of(name) is not None or name.lower().endswith(".zip")


def members(path: Path, name: str, media: Media | None) -> tuple[Member, ...]:
    """The streams of a file called `name` that lies at `path`; `media` overrules what the name says.

    Raises `SourceError` for a name that says nothing, a broken or locked zip, and a zip with nothing in it.
    """
    lower = name.lower()
    if lower.endswith(".zip"):
        return _zip_members(path, name, media)
    kind = media or media_of(name)
    if kind is None:
        raise SourceError(
            f"{name} is of no kind that can be read.",
            hint="Give a .csv, .json, .ndjson, .geojson or .parquet file, as it is or as .gz, .zst or .zip.",
        )
    if lower.endswith(".gz"):
        return (Member("", kind, lambda: cast(BinaryIO, gzip.open(path, "rb"))),)
    if lower.endswith(".zst"):
        return (Member("", kind, lambda: open_zstd(path)),)
    return (Member("", kind, lambda: path.open("rb")),)


@contextmanager
def blocks(path: Path, name: str, member: Member) -> Iterator[Iterator[bytes]]:
    """The bytes of a member in pieces; `SourceError` when it cannot be opened, is damaged, or unpacks beyond all measure."""
    packed = path.stat().st_size
    label = f"{name}: {member.name}" if member.name else name

    def pieces(stream: BinaryIO) -> Iterator[bytes]:
        size = 0
        while True:
            try:
                piece = stream.read(_PIECE)
            except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise SourceError(f"{label} is damaged: {error}.", hint="Get the file again.") from error
            except OSError as error:
                raise SourceError(f"{label} cannot be read: {words(error)}.", hint="Get the file again.") from error
            if not piece:
                return
            size += len(piece)
            if size > MAX_BYTES or (size > SMALL and size > MAX_RATIO * packed):
                raise SourceError(
                    f"{label} unpacks to more than {size // 1_000_000} MB, which no honest file does.",
                    hint="If you trust it, unpack it yourself and give the plain file.",
                )
            yield piece

    try:
        stream = member.open()
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        reason = words(error) if isinstance(error, OSError) else str(error)
        raise SourceError(f"{label} cannot be opened: {reason}.", hint="Check the file and its permissions.") from error
    with stream:
        yield pieces(stream)


def _zip_members(path: Path, name: str, media: Media | None) -> tuple[Member, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        reason = words(error) if isinstance(error, OSError) else str(error)
        raise SourceError(f"{name} cannot be read as a zip: {reason}.", hint="Get the file again.") from error
    found: list[Member] = []
    for info in sorted(listed, key=lambda item: item.filename):
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
            raise SourceError(
                f"{name} holds a file called '{info.filename}', which points out of its folder.",
                hint="Do not trust this file.",
            )
        if info.flag_bits & 1:
            raise SourceError(f"{name} is locked with a password.", hint="Unpack it and give the plain file.")
        if inside.parts[0] == "__MACOSX" or inside.name.startswith("."):
            continue  # what a Mac or a version control system leaves in a folder; no data of anybody
        kind = media_of(inside.name) if inside.suffix.lower() not in _PACKED else None
        kind = kind or (media if len(listed) == 1 else None)
        if kind is None:
            raise SourceError(
                f"{name} holds '{info.filename}', which is of no kind that can be read.",
                hint="Unpack it, and give the folder with a 'pattern' that names the files that are meant.",
            )
        found.append(Member(info.filename, kind, lambda at=info.filename: _open_member(path, at)))  # type: ignore[misc]
    if not found:
        raise SourceError(f"{name} is empty.", hint="Check that it is the right file.")
    return tuple(found)


def _open_member(path: Path, name: str) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    try:
        stream = archive.open(name)
    finally:
        archive.close()  # the file itself stays open until the member's stream is closed
    return cast(BinaryIO, stream)
