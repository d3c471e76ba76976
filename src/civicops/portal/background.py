"""What is made before anybody asks: the files of pages and the differences between versions.

Belongs here: going through everything once. Does not belong here: making it (`built`, `changes`) or when (`server`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from civicops.errors import CivicopsError
from civicops.portal.built import page_files
from civicops.portal.catalogue import entries, versions
from civicops.portal.changes import changes, kept_changes, wanted_changes
from civicops.portal.drawing import find_page
from civicops.portal.pages import page_names
from civicops.portal.reading import shelf
from civicops.portal.uploads import sweep
from civicops.workspace import Workspace

_log = logging.getLogger("civicops.portal")
_told: set[str] = set()


def build_everything(workspace: Workspace, is_over: Callable[[], bool] = lambda: False) -> None:
    """Build every page that is not built, and compare the newest version of every dataset with the one before.

    Uploaded lists that nobody added are thrown away here too. Nothing more is begun once `is_over`.
    """
    sweep(workspace)
    for product in shelf().products:
        for name in page_names(product):
            if is_over():
                return
            try:
                page_files(workspace, *find_page(workspace, product, name))
            except CivicopsError as error:
                _tell(str(error))
    for old, new in wanted_changes(workspace):
        if is_over():
            return
        try:
            changes(workspace, old, new)
        except CivicopsError as error:
            _tell(str(error))
    for item in entries():
        if is_over():
            return
        newest = next((row for row in versions(item) if row.is_current), None)
        if newest is None or newest.before is None or kept_changes(workspace, newest.before, newest.release):
            continue
        try:
            changes(workspace, newest.before, newest.release)
        except CivicopsError as error:
            _tell(str(error))


def _tell(words: str) -> None:
    """Into the log, once, however often it happens again."""
    if words not in _told:
        _told.add(words)
        _log.error("%s", words)
