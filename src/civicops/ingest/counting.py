"""How many of a source's rows have landed, in the source's own way of counting.

Belongs here: that number. Does not belong here: what follows when it is not the source's (`civicops.observe.monitors`).
"""

from __future__ import annotations

from collections.abc import Iterable

from civicops.ingest.values import Delivery


def counted_rows(live: Iterable[Delivery]) -> int | None:
    """The rows of a source that its deliveries account for; None where the source did not count.

    A full delivery holds every row once. An increment holds new rows and new versions of old ones; by how many the source grew
    meanwhile are new, as far as it holds so many. What was taken away at the source stays counted, as no increment tells of it.
    """
    here: int | None = None
    there: int | None = None
    for delivery in live:
        if delivery.kind == "full":
            here = delivery.rows
        elif here is None or there is None or delivery.source_count_after is None:
            return None
        else:
            here += min(max(delivery.source_count_after - there, 0), delivery.rows)
        there = delivery.source_count_after
    return here
