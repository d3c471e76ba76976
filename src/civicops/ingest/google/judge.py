"""Whether a listing of a drive is to be believed.

Belongs here: the bounds, and the sentence that says what was wrong. Does not belong here: fetching.

What is not believed makes the observation incomplete: an incident of its own, never a deletion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from civicops.ingest.google.evidence import Fate

FEW = 10
"""So many items without an explanation are reported one by one, however small the drive."""
SLIPPED_SHARE = 0.01
UNEXPLAINED_SHARE = 0.20


def doubts(live_before: int, fates: Mapping[str, Fate], silent: Collection[str] = ()) -> tuple[str, ...]:
    """Why the listing is not believed, given what became of the items it lacks; empty when it is.

    `silent` are absent ids that Drive's own log of changes does not speak of, nor of a folder above them: listing and log are
    two sources that should agree.
    """
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
    unexplained = sum(fates[one].fate in ("unknown", "access_lost") for one in silent)
    if not found and unexplained > FEW:
        found.append(
            f"{unexplained:,} items can no longer be seen, though Drive's log of changes does not speak of them."
        )
    return tuple(found)
