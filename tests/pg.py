"""A PostgreSQL for a test, gone when it ends.

Belongs here: that one call. Does not belong here: finding, installing and starting the programs (`tools.postgres`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.postgres import cluster, programs


@contextmanager
def postgres_cluster() -> Iterator[str]:
    """A private cluster on loopback; gives its address for `DATABASE_URL`. Fails the test where PostgreSQL is not there."""
    if programs() is None:
        pytest.fail("PostgreSQL is not installed; `python -m tools.postgres` says how to get it")
    # Below /tmp itself: PostgreSQL does not run as root, and root's own folders are closed to others.
    with tempfile.TemporaryDirectory(prefix="civicops-pg-") as folder:
        Path(folder).chmod(0o755)
        with cluster(Path(folder) / "cluster") as url:
            yield url
