"""Who approved a pull request as it was merged: `python -m tools.reviewers COMMIT AUTHOR`, a review as JSON in each line given.

Belongs here: reading what the code host says of reviews, for `.github/workflows/land.yml`. Does not belong here: whose agreement
a change needs (`civicops plan` says that).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any


def approving(reviews: Iterable[dict[str, Any]], commit: str, author: str) -> list[str]:
    """The people whose last word on a pull request is that they approve `commit`, in the order of their names.

    `reviews` as the host's interface gives them. A comment takes nothing back, a later request for changes or a dismissal does;
    what was approved before the last push was approved of something else. `author`, who opened it, cannot review it.
    """
    last: dict[str, dict[str, Any]] = {}
    for review in sorted(reviews, key=lambda one: str(one.get("submitted_at") or "")):
        name = (review.get("user") or {}).get("login")  # nobody, once an account is deleted
        if name and name != author and review["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            last[name] = review
    return sorted(n for n, one in last.items() if one["state"] == "APPROVED" and one["commit_id"] == commit)


if __name__ == "__main__":
    print("\n".join(approving(map(json.loads, filter(str.strip, sys.stdin)), sys.argv[1], sys.argv[2])))
