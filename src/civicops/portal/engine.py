"""The engine that answers questions of readers: one per process, small, and locked in.

Belongs here: how much it may use, what it may read, how long it may think. Does not belong here: the questions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from civicops.errors import CivicopsError
from civicops.portal.reading import workspace
from civicops.portal.releases import open_engine
from civicops.release.sql import literal

AT_ONCE = 4
"""Questions that are answered at the same time; the next waits a moment, then is told to come back."""
_PATIENCE_SECONDS = 5.0
_seats = threading.BoundedSemaphore(AT_ONCE)
_opening = threading.Lock()


class BusyError(CivicopsError):
    """Too many questions at once."""


class TooLongError(CivicopsError):
    """A question took longer than it may."""


class _Engine:
    con: duckdb.DuckDBPyConnection | None = None


def _engine() -> duckdb.DuckDBPyConnection:
    with _opening:
        if _Engine.con is None:
            limits = workspace().settings.portal
            releases = workspace().folder("releases")
            con = open_engine(limits.threads, limits.memory_limit)
            # From here on it reads releases and nothing else, whatever SQL it is given.
            con.execute(f"SET allowed_directories = [{literal(str(releases) + '/')}]")
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
            _Engine.con = con
        return _Engine.con


@contextmanager
def cursor(*, seconds: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of one's own to the shared engine, which reads releases only.

    `seconds`: after so many, what it is doing is interrupted. Raises `BusyError` when too many are at work, `TooLongError` after
    an interruption.
    """
    if not _seats.acquire(timeout=_PATIENCE_SECONDS):
        raise BusyError("Too many questions at once.", hint="Ask again in a few seconds.")
    try:
        with _engine().cursor() as con, _limited(con, seconds):
            yield con
    finally:
        _seats.release()


@contextmanager
def _limited(con: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    hint = "Ask for fewer columns, filter more, or download the dataset."
    late = TooLongError(f"The answer took longer than {seconds:g} seconds.", hint=hint)
    began = time.monotonic()
    timer = threading.Timer(seconds, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise late from error
    finally:
        timer.cancel()
    # The interruption may have come between two statements, where it interrupts nothing.
    if time.monotonic() - began > seconds:
        raise late
