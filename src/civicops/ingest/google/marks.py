"""What people ticked off in a sheet, as a source like any other.

Belongs here: landing the marks beside the rows of one sheet. Does not belong here: writing the sheet (`sheets`), or
what a mark means.
"""

from __future__ import annotations

from civicops.ingest.google.sheets import read_rows, sheets_account
from civicops.ingest.landing import Landing
from civicops.ingest.marks import land_whole
from civicops.ingest.values import FetchResult, SheetSource
from civicops.ingest.web import DEFAULT_PATIENCE, Patience


def fetch_marks(
    source: SheetSource, landing: Landing, product: str, *, patience: Patience = DEFAULT_PATIENCE
) -> FetchResult:
    """All marks of the sheet as a full delivery, or none when they are as they were.

    A row whose mark was taken away is not marked any more. Raises `FetchError` when the sheet cannot be read.
    """
    account = sheets_account(source.key_env, url=source.url, patience=patience)
    with landing.fetching(product, source.name):
        rows = read_rows(account, source.spreadsheet, source.sheet)
        marked = [
            {**{name: row.get(name, "") for name in source.key}, source.mark: row[source.mark].strip()}
            for row in rows
            if row.get(source.mark, "").strip()
        ]
        url = f"spreadsheet:{source.spreadsheet}"
        return land_whole(landing, product, source.name, marked, url=url, connector="sheet")
