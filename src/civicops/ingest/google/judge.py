"""Whether a listing of a drive is to be believed.

Belongs here: the bounds, and the sentence that says what was wrong. Does not belong here: fetching.

What is not believed makes the observation incomplete: an incident of its own, never a deletion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from civicops.ingest.google.evidence import Fate

FEW = 10
"""So many items without an explanation are reported one by one, however small the drive."""
SLIPPED_SHARE = 0.01
UNEXPLAINED_SHARE = 0.20


def doubts(live_before: int, fates: Mapping[str, Fate]) -> tuple[str, ...]:
    """Why the listing is not believed, given what became of the items it lacks; empty when it is."""
    count = Counter(fate.fate for fate in fates.values())
    found = []
    if count["still_there"] > max(FEW, SLIPPED_SHARE * live_before):
        found.append(f"{count['still_there']:,} items that Drive shows by their id were not in the listing.")
    lost = count["unknown"] + count["access_lost"]
    if lost > max(FEW, UNEXPLAINED_SHARE * live_before):
        why = (
            "permissions were changed"
            if count["access_lost"] > count["unknown"]
            else "no log says that they were deleted"
        )
        found.append(f"{lost:,} of {live_before:,} items can no longer be seen, and {why}: access may be lost.")
    return tuple(found)
