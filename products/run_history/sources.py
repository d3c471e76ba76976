"""Where the history of runs comes from: the lines that civicops appends when a run ends.

Belongs here: which of its files are read. Does not belong here: writing them (`civicops.observe.history`).

Files of this product's own runs are left out. Each run would otherwise find the line of the one before and publish again, for
ever; `civicops history run_history` and the portal's page of runs show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from civicops.ingest.values import FileSource, Source

FOLDER = Path("{data}/observe/history")


def sources(_settings: Mapping[str, Any]) -> Sequence[Source]:
    """One file per product and month, of runs and of checks."""
    own = "run_history/*"
    note = "Lines that civicops appended when runs ended."
    return [
        FileSource("runs", "run_lines", FOLDER, pattern="*/runs-????-??.jsonl", without=own, note=note),
        FileSource("checks", "check_lines", FOLDER, pattern="*/checks-????-??.jsonl", without=own, note=note),
    ]
