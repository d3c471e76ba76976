"""What people ticked off in a sheet, as a source like any other.

Belongs here: landing the marks beside the rows of one sheet. Does not belong here: writing the sheet (`sheets`), or
what a mark means.
"""

from __future__ import annotations

import json

from civicops.ingest.google.sheets import read_rows, sheets_account
from civicops.ingest.landing import Landing
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
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in marked).encode()
        live = landing.live(product, source.name)
        # Without a mark and without an earlier delivery there is nothing to land; a mark taken away lands the emptied list.
        if not marked and not live:
            return FetchResult(None, live)
        landed = landing.put(product, source.name, content, "ndjson", url=f"spreadsheet:{source.spreadsheet}")
        if live and live[-1].objects and live[-1].objects[0].sha256 == landed.sha256:
            return FetchResult(None, live)
        part = landing.begin(product, source.name, {"connector": "sheet"})
        if marked:
            part = landing.add(part, landed)
        delivery = landing.complete(part, part.delivery(kind="full"))
        return FetchResult(delivery, landing.live(product, source.name))
