"""What people ticked off, as a source like any other: lists that are small and whole each time.

Belongs here: landing the ticks of a page, and landing such a list. Does not belong here: reading a sheet
(`google.marks`), ticking (`civicops.marks`), or what a tick means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from civicops.ingest.landing import Landing
from civicops.ingest.values import FetchResult, MarkSource, SourceError
from civicops.workspace import Workspace


def fetch_page_marks(source: MarkSource, landing: Landing, product: str, workspace: Workspace | None) -> FetchResult:
    """All ticks that hold now as a full delivery, or none when they are as they were.

    Raises `SourceError` without a workspace, `CivicopsError` when its database cannot be used.
    """
    from civicops.marks import current_marks, open_marks  # noqa: PLC0415 - loads the database

    if workspace is None:
        raise SourceError(f"The source '{source.name}' needs a workspace.", hint="Fetch it by a run.")
    found = current_marks(open_marks(workspace), product, source.marks)
    rows = [
        {
            **dict(zip(source.key, mark.values, strict=True)),
            "done": mark.note or "done",
            "done_by": mark.who,
            "done_at": f"{mark.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        for _, mark in sorted(found.items())
    ]
    with landing.fetching(product, source.name):
        return land_whole(landing, product, source.name, rows, url=f"marks:{source.marks}", connector="marks")


def land_whole(
    landing: Landing, product: str, name: str, rows: Sequence[Mapping[str, Any]], *, url: str, connector: str
) -> FetchResult:
    """Land a list as a full delivery, unless it is what landed last. What is not in it any more does not count any more."""
    live = landing.live(product, name)
    # Without a row and without an earlier delivery there is nothing to land; a row taken away lands the emptied list.
    if not rows and not live:
        return FetchResult(None, live)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    landed = landing.put(product, name, content, "ndjson", url=url)
    if live and live[-1].objects and live[-1].objects[0].sha256 == landed.sha256:
        return FetchResult(None, live)
    part = landing.begin(product, name, {"connector": connector})
    if rows:
        part = landing.add(part, landed)
    delivery = landing.complete(part, part.delivery(kind="full"))
    return FetchResult(delivery, landing.live(product, name))
