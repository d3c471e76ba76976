"""Adding to the files of the log so that a crash at any moment leaves the old head or the new one.

Belongs here: writing tiles and the checkpoint durably, in the order that makes this true. Does not belong here: what they say.

New tiles never replace one that the present checkpoint needs: an unfinished tile of another width has another name. So whatever a
crash leaves beside the old checkpoint is not part of the log, and the next append writes over it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from civicops.audit.events import AuditError
from civicops.audit.merkle import tree_hash
from civicops.audit.tiles import ENTRIES, WIDTH, Tiles, pack, tile_name, widths
from civicops.durable import sync

CHECKPOINT = "checkpoint"
_INTACT = "What was in the log is untouched."
_HINTS = {
    errno.ENOSPC: f"Free some space and try again. {_INTACT}",
    errno.EDQUOT: f"Free some space and try again. {_INTACT}",
    errno.EFBIG: f"Raise the limit on file size (ulimit -f) and try again. {_INTACT}",
    errno.EACCES: f"Give the user who runs civicops the right to write there. {_INTACT}",
    errno.EROFS: f"Make the file system writable. {_INTACT}",
}


class AuditWriteError(AuditError):
    """The disk did not take an entry; the log is as it was."""


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn a failure of the disk inside the block into one line for a person (`AuditWriteError`)."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, f"Mend that and try again. {_INTACT}")
        raise AuditWriteError(
            f"The audit log in {folder} cannot be written: {error.strerror or error}.", hint=hint
        ) from error


def add_tiles(tiles: Tiles, entries: Sequence[bytes], leaves: Sequence[bytes]) -> tuple[bytes, tuple[Path, ...]]:
    """Write the tiles of a tree with `entries` more; returns its root, and files that may go once its checkpoint is there.

    Durable when it returns. Raises `OSError`; what was written by then is removed.
    """
    files: dict[str, bytes] = {}
    first = tiles.size // WIDTH
    before = tiles.entries(first) if tiles.size % WIDTH else []
    for number, width, items in _cut(first, [*before, *entries]):
        files[tile_name(ENTRIES, number, width)] = pack(items)
    edges: list[list[bytes]] = []
    level, fresh = 0, list(leaves)
    while fresh or tiles.size >> (8 * level):
        count = tiles.size >> (8 * level)
        first = count // WIDTH
        hashes = [*(tiles.hashes(level, first) if count % WIDTH else []), *fresh]
        cut = list(_cut(first, hashes))
        if fresh:
            files |= {tile_name(level, number, width): b"".join(items) for number, width, items in cut}
        edges.append(cut[-1][2] if cut and cut[-1][1] < WIDTH else [])
        level, fresh = level + 1, [tree_hash(items) for _, width, items in cut if width == WIDTH]
    _write(tiles.folder, files)
    return edge_root(edges), tuple(_outgrown(tiles, tiles.size + len(entries)))


def edge_root(edges: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree from the hashes of its unfinished tiles, from level 0 up."""
    found: list[bytes] = []
    for hashes in edges:
        items = [*hashes, *found]
        found = [tree_hash(items)] if items else []
    return found[0] if found else tree_hash([])


def present_root(tiles: Tiles) -> bytes:
    """The root as the unfinished tiles give it; a few reads, however long the log. Raises `TileError`."""
    return edge_root([tiles.hashes(level, full) if rest else [] for level, full, rest in widths(tiles.size)])


def replace_checkpoint(folder: Path, text: str) -> None:
    """Make a new head the present one, in one step, durably. Raises `OSError`."""
    work = folder / f".{CHECKPOINT}.new"
    with work.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    work.replace(folder / CHECKPOINT)
    sync(folder)


def remove(paths: Sequence[Path]) -> None:
    """Let unfinished tiles go whose whole ones are there. What cannot be removed stays, and does no harm."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
            if path.parent.name.endswith(".p") and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except OSError:
            continue


def _cut(first: int, items: list[bytes]) -> Iterator[tuple[int, int, list[bytes]]]:
    for at in range(0, len(items), WIDTH):
        part = items[at : at + WIDTH]
        yield first + at // WIDTH, len(part), part


def _write(folder: Path, files: dict[str, bytes]) -> None:
    made: list[Path] = []
    folders: set[Path] = set()
    try:
        for name, data in files.items():
            path = folder / name
            _make_folder(path.parent, folders)
            path.unlink(missing_ok=True)
            made.append(path)
            mode = 0o644 if path.parent.name.endswith(".p") else 0o444
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
        # All at once, as the disk then waits once for many of them.
        with ThreadPoolExecutor(max_workers=16) as pool:
            list(pool.map(sync, [*made, *folders]))
    except BaseException:
        remove(made)
        raise


def _make_folder(path: Path, folders: set[Path]) -> None:
    missing = path
    while not missing.is_dir():
        folders.add(missing.parent)
        missing = missing.parent
    path.mkdir(parents=True, exist_ok=True)
    folders.add(path)


def _outgrown(tiles: Tiles, size: int) -> Iterator[Path]:
    """Folders of unfinished tiles that are whole at `size`: their files."""
    for level, full, rest in widths(tiles.size):
        if rest and size >> (8 * level) >= (full + 1) * WIDTH:
            for kind in (level, ENTRIES) if level == 0 else (level,):
                partial = tiles.folder / f"{tile_name(kind, full)}.p"
                if partial.is_dir():
                    yield from partial.iterdir()
