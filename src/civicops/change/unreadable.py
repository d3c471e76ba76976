"""Files of a change that are no UTF-8 text, or no Python where they should be.

Belongs here: which of the changed files nobody could read. Does not belong here: reading one (`civicops.texts`), saying so when a
command needs the file itself, running it.

A page or a note is read by no run, so that nothing but this would say so before somebody opens it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from civicops.change.states import FileChange
from civicops.texts import SUFFIXES, read_text, text_fault
from civicops.workspace import SETTINGS_FILE, Workspace


def unreadable(workspace: Workspace, files: Iterable[FileChange]) -> tuple[str, ...]:
    """A sentence for each file of a product that was added or changed and is text or Python by its name alone, models left out.

    Raises `OSError`.
    """
    found = []
    for one in files:
        path = workspace.products_folder / one.product / one.path
        # A model is read by the trial run, which says so itself.
        if one.how == "removed" or one.kind == "model" or one.path == SETTINGS_FILE or not one.product:
            continue
        if path.suffix not in SUFFIXES:
            continue
        if fault := text_fault(path) or _slip(path):
            found.append(f"{one.product}/{one.path}:{fault[0]}: {fault[1]}")
    return tuple(found)


def _slip(path: Path) -> tuple[int, str] | None:
    if path.suffix != ".py":
        return None
    try:
        ast.parse(read_text(path))
    except SyntaxError as error:
        return error.lineno or 1, f"is no Python that can be read: {error.msg}"
    except ValueError as error:  # a null byte
        return 1, f"is no Python that can be read: {error}"
    return None
