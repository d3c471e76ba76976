"""What verifying the log can find.

Belongs here: the value. Does not belong here: finding it (`verify`, `personal_check`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was logged."""

    index: int | None
    """The first entry it concerns; None for the log as a whole."""
    what: str
    """entry, tile, file, database, checkpoint, key, root, truncated, rewritten, back-dated, post-dated, personal."""
    message: str

    def __str__(self) -> str:
        return self.message if self.index is None else f"Entry {self.index}: {self.message}"
