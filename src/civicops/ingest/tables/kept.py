"""The lists a dataset has now, and which of them can be given the rows they had before.

Belongs here: where lists and their earlier rows lie, and asking. Does not belong here: writing them
(`civicops.orchestrate.importing`, `civicops.orchestrate.lists`).

The earlier rows of a list are named after the rows that replaced them, so that a list is only ever taken back to what it was
right before the rows that it has now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from civicops.contracts import Contract
from civicops.ingest.declared import declared_sources
from civicops.ingest.values import GatheredSource, SourceError
from civicops.workspace import Product

BEFORE = "before"
_EMPTY = "empty"


@dataclass(frozen=True)
class KeptList:
    """A list as it is now: how many rows, since when, and whether there is a way back."""

    code: str
    rows: int
    since: datetime
    can_be_taken_back: bool


def source_name(product: Product, contract: Contract) -> str:
    """The gathered source that feeds a dataset. Raises `SourceError` when there is none."""
    for source in declared_sources(product):
        if isinstance(source, GatheredSource) and source.dataset == contract.dataset:
            return source.name
    raise SourceError(
        f"{contract.id} has no gathered source to import into.", hint="Name a GatheredSource for it in sources.py."
    )


def lists_of(gathered: Path, source: str) -> tuple[KeptList, ...]:
    """The lists of a source, by name. `gathered`: the folder of the product's gathered rows."""
    found = []
    for place in sorted((gathered / source).glob("*.ndjson")):
        with place.open("rb") as stream:
            rows = sum(1 for line in stream if line.strip())
        since = datetime.fromtimestamp(place.stat().st_mtime, UTC)
        found.append(KeptList(place.stem, rows, since, way_back(gathered, place).exists()))
    return tuple(found)


def way_back(gathered: Path, place: Path) -> Path:
    """Where the rows lie that a list had right before those in `place`, if they are kept."""
    return gathered / BEFORE / place.parent.name / f"{place.stem}.{name_of_rows(place)}.ndjson"


def name_of_rows(path: Path) -> str:
    """A name for the rows of a file; that of no rows for one that is not there or empty."""
    if not path.exists() or not path.stat().st_size:
        return _EMPTY
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
