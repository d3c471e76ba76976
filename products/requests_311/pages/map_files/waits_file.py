"""The file of one year's waits.

Belongs here: collecting the months and writing them. Does not belong here: the bins (`waits`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .binary import columns, packed, save
from .waits import WaitCells


class YearOfWaits:
    """The waits of one year, month by month; sorted by month, place, type and bin, because months come in order."""

    def __init__(self, year: int = 0) -> None:
        self.year = year
        self._months: list[tuple[int, WaitCells]] = []

    def add(self, month: int, cells: WaitCells) -> None:
        """Take the counts of one month (1 to 12)."""
        if len(cells.place):
            self._months.append((month, cells))

    def write(self, folder: Path) -> list[dict[str, Any]]:
        """Write the file; its entry in the manifest, or nothing where nobody waited."""
        if not self._months:
            return []
        parts = [np.concatenate([np.full(len(cells.place), month, "<u1") for month, cells in self._months])]
        parts += [
            np.concatenate([getattr(cells, name) for _, cells in self._months])
            for name in ("place", "type", "bin", "closed", "censored")
        ]
        file = save(folder, f"waits-{self.year}", "bin", packed(columns(parts)))
        return [{"year": self.year, "cells": len(parts[0]), "file": file.file, "bytes": file.size}]
