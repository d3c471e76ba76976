"""What a release says of itself, read from its description and the footer of its file.

Belongs here: the description, who may read it, spans of values. Does not belong here: writing a description (`datapackage`),
finding releases (`store`). Releases never change, so each is read once per process.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from civicops.contracts import Contract
from civicops.contracts.model import stricter
from civicops.release.values import Release


@lru_cache(maxsize=1024)
def _package(folder: str, _size: int) -> dict[str, Any]:
    path = Path(folder)
    return Release(path.parent.parent.name, path.parent.name, path.name, path).package()


def package(release: Release) -> dict[str, Any]:
    """The description of a release. Releases never change, so it is read once. Raises `OSError` or `ValueError`."""
    return _package(str(release.path), (release.path / "datapackage.json").stat().st_size)


def access_of(contract: Contract | None, release: Release | None) -> str:
    """Who may read a dataset: the stricter of what its contract says now and what the release said when it was made."""
    found = [contract.access] if contract else []
    if release is not None:
        try:
            found.append(package(release)["civicops"]["access"])
        except (OSError, ValueError, KeyError, TypeError):
            found.append("internal")
    return stricter(*found)


@lru_cache(maxsize=1024)
def _spans(path: str, _mtime: int) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    meta = pq.read_metadata(path)
    for group in range(meta.num_row_groups):
        for index in range(meta.num_columns):
            column = meta.row_group(group).column(index)
            stats = column.statistics
            if stats is None or not stats.has_min_max or column.physical_type == "BYTE_ARRAY":
                continue
            low, high = stats.min, stats.max
            before = found.get(column.path_in_schema)
            found[column.path_in_schema] = (
                (min(before[0], low), max(before[1], high)) if before is not None else (low, high)
            )
    return found


def spans(release: Release) -> dict[str, tuple[Any, Any]]:
    """Smallest and largest value of each number, date and time column, from the file's footer; empty where it has none."""
    try:
        return _spans(str(release.data), release.data.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError):
        return {}
