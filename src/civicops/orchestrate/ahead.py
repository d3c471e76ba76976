"""What a run does beside its fetch: loading Dagster and dbt, opening Dagster's storage, reading the models.

Belongs here: work that takes seconds, does not depend on what is fetched, and leaves nothing that the run's own steps would not
make. Does not belong here: anything the run needs to be right. Whatever fails here is done again, and said, by the step that
needs it.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from civicops.ingest.values import Progress
from civicops.orchestrate.dagster_home import open_instance
from civicops.orchestrate.steps import read_models
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from dagster import DagsterInstance


class Ahead:
    """Passes the fetch's progress on; with the first source that has something new, it begins the work on a thread.

    Together that is some four seconds, and a fetch leaves a processor idle. A run with nothing new does none of it.
    """

    def __init__(self, workspace: Workspace, product: Product, progress: Progress) -> None:
        self._workspace = workspace
        self._product = product
        self._progress = progress
        self._thread: threading.Thread | None = None
        self._opened = threading.Event()
        self._instance: DagsterInstance | None = None

    def start(self, label: str, total: int | None) -> None:
        """A source has something new."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ahead", daemon=True)
            self._thread.start()
        self._progress.start(label, total)

    def advance(self, rows: int) -> None:
        """Passed on."""
        self._progress.advance(rows)

    def done(self) -> None:
        """Passed on."""
        self._progress.done()

    def instance(self) -> DagsterInstance:
        """Dagster's storage: the one that was opened ahead, or one opened now. To be closed by the caller."""
        if self._thread is not None:
            self._opened.wait()
        return self._instance or open_instance(self._workspace)

    def _work(self) -> None:
        try:
            with contextlib.suppress(Exception):
                self._instance = open_instance(self._workspace)
        finally:
            self._opened.set()
        with contextlib.suppress(Exception):
            read_models(self._workspace, self._product)
