"""One run of a product at a time, and what becomes of a run whose process is gone.

Belongs here: the lock of a product and the sweep that fails dead runs. Does not belong here: running.

The lock is the operating system's: it is free the moment its process dies, however it dies. So a record that says
`running` while its lock is free belongs to a dead process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import Timeout

from civicops.errors import CivicopsError
from civicops.runs import RunLog, RunRecord

GONE = "The process of this run is gone; it was killed or the machine went down."


class BusyError(CivicopsError):
    """Another run of the same product is under way."""


@contextmanager
def product_lock(runs: RunLog, product: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a product. `wait`: how many seconds to wait for another run (-1: for ever).

    Raises `BusyError` that says which run holds it. Runs found dead on the way are recorded as failed.
    """
    lock = runs.lock(product)
    try:
        lock.acquire(timeout=wait, poll_interval=0.1)
    except Timeout as error:
        held = next(iter(runs.unfinished(product)), None)
        who = f"run {held.run_id}, process {held.pid}, since {held.started_at[:19]}Z" if held else "another process"
        raise BusyError(
            f"'{product}' is being run already ({who}).", hint="Wait for it, or run again with --wait."
        ) from error
    try:
        _fail_dead(runs, product)
        yield
    finally:
        lock.release()


def sweep(runs: RunLog, product: str) -> tuple[RunRecord, ...]:
    """Record runs of a product whose process is gone as failed; returns them. Does nothing while one is alive."""
    if not runs.unfinished(product):
        return ()
    lock = runs.lock(product)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return ()
    try:
        return _fail_dead(runs, product)
    finally:
        lock.release()


def _fail_dead(runs: RunLog, product: str) -> tuple[RunRecord, ...]:
    hint = f"Run `civicops run {product}` again: it goes on where this one stopped."
    return tuple(runs.end(record, "failed", GONE, hint) for record in runs.unfinished(product))
