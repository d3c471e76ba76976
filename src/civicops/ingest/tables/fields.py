"""Which datasets lists can be imported into, and which of their columns a list may fill.

Belongs here: asking a contract. Does not belong here: importing (`civicops.orchestrate.importing`), the page for it
(`civicops.portal.importing`).
"""

from __future__ import annotations

from civicops.contracts import Contract
from civicops.ingest.values import SourceError

BOOKKEEPING = (
    "source_code",
    "source_id",
    "retrieved_at",
    "layout_code",
    "source_file_id",
    "source_line",
    "source_row",
)


def can_take_lists(contract: Contract) -> bool:
    """Whether a dataset's contract has every column that an imported list fills."""
    return all(name in contract.column_names for name in BOOKKEEPING)


def fields_of(contract: Contract) -> dict[str, str]:
    """The columns a layout may name, with their titles. Raises `SourceError` for a dataset that cannot be imported into."""
    lacking = [name for name in BOOKKEEPING if name not in contract.column_names]
    if lacking:
        raise SourceError(
            f"{contract.id} cannot be imported into: its contract has no column '{lacking[0]}'.",
            hint="Choose a dataset whose rows come from lists.",
        )
    kept = set(BOOKKEEPING) - {"source_id"}
    return {column.name: column.title for column in contract.columns if column.name not in kept}
