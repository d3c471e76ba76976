"""Copies of a record that no run makes anew: previews and staged operations beside the workspace, files that sources name.

Belongs here: which there are, and what to do about each. Does not belong here: erasing (`erasing`), looking into files
(`civicops.govern.searching`).

A preview and what is staged share the landed bytes and releases by second names, so that a record that goes from the workspace
stays there. A file that lies outside of the workspace's data is its owner's: it is searched and named, never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from civicops.change.operations import FOLDER as OPERATIONS
from civicops.change.previews import FOLDER as PREVIEWS
from civicops.change.previews import remove_folder
from civicops.govern.erasure import ErasureError
from civicops.govern.searching import is_in
from civicops.ingest.declared import product_sources
from civicops.ingest.values import FileSource
from civicops.workspace import Workspace, WorkspaceError


@dataclass(frozen=True)
class Copy:
    """One folder beside the workspace that shares its data; `way`: the command that removes it."""

    name: str
    path: Path
    way: str

    def __str__(self) -> str:
        return f"preview {self.name}"


def previews_of(workspace: Workspace) -> tuple[Copy, ...]:
    """Every preview, also what is left of one that was never finished."""
    return tuple(
        Copy(path.name, path, f"civicops preview remove {path.name}" if path.name[0] != "." else f"rm -r {path}")
        for path in sorted(workspace.folder(PREVIEWS).glob("*"))
        if path.is_dir()
    )


def refuse_previews(workspace: Workspace) -> None:
    """Raises `ErasureError` that names every preview and how to remove it."""
    if found := previews_of(workspace):
        raise ErasureError(
            f"The record would stay in {', '.join(map(str, found))}, which shares what has landed and was released.",
            hint=f"{' && '.join(one.way for one in found)}; or give --remove-previews.",
        )


def remove_copies(workspace: Workspace, say: Callable[[str], None], *, previews: bool) -> None:
    """Remove what is staged, which must be staged again on what is there afterwards, and the previews if asked to.

    Raises `ErasureError` for a preview that stays.
    """
    if not previews:
        refuse_previews(workspace)
    for one in previews_of(workspace):
        remove_folder(one.path)
        say(f"{one}: removed")
    for path in sorted(workspace.folder(OPERATIONS).glob("*")):
        if path.is_dir():
            remove_folder(path)
            say(f"what was staged for operation {path.name}: removed; civicops operation stage does it again")


def outside(workspace: Workspace, texts: Sequence[str]) -> tuple[str, ...]:
    """Files outside of the workspace's data, named as sources by any of its products, in which one of the texts stands."""
    return tuple(str(path) for path in sorted(set(_given(workspace))) if _holds(path, texts))


def _given(workspace: Workspace) -> Iterator[Path]:
    data = workspace.data.resolve()
    for product in workspace.products:
        try:
            sources = product_sources(workspace, product)
        except WorkspaceError:
            continue  # its next run says what is wrong with it
        for source in sources:
            if not isinstance(source, FileSource):
                continue
            path = source.path.expanduser().resolve()
            # A folder as a whole: what the source's pattern leaves out today it may have taken in before.
            files = [path] if path.is_file() else path.rglob("*")
            yield from (file for file in files if file.is_file() and not file.is_relative_to(data))


def _holds(path: Path, texts: Sequence[str]) -> bool:
    try:
        return is_in(path, texts)
    except FileNotFoundError:
        return False
