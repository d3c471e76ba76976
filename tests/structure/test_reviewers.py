"""Whose review of a pull request counts when it lands.

Belongs here: reviews as the code host gives them. Does not belong here: the workflow that asks for them (`test_workflows`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.reviewers import approving
from tools.setup_env import ROOT

HEAD = "1f3a9c04"


def review(login: str | None, state: str, at: int, commit: str = HEAD) -> dict[str, Any]:
    user = {"login": login} if login else None
    return {"user": user, "state": state, "commit_id": commit, "submitted_at": f"2026-11-20T10:{at:02}:00Z"}


def test_only_a_last_word_on_the_merged_commit_counts() -> None:
    reviews = [
        review("ada-example", "APPROVED", 1),
        review("ada-example", "COMMENTED", 2),
        review("ben-example", "APPROVED", 1),
        review("ben-example", "CHANGES_REQUESTED", 3),
        review("cleo-example", "APPROVED", 1, "0ld0ld0l"),
        review("dora-example", "CHANGES_REQUESTED", 1),
        review("dora-example", "APPROVED", 4),
        review("emil-example", "APPROVED", 2),
        review("emil-example", "DISMISSED", 5),
        review("author-example", "APPROVED", 6),
        review(None, "APPROVED", 6),
    ]
    assert approving(reviews, HEAD, "author-example") == ["ada-example", "dora-example"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(("APPROVED", "COMMENTED", "CHANGES_REQUESTED", "DISMISSED")),
            st.integers(0, 59),
            st.booleans(),
        ),
        unique_by=lambda item: item[2],
    )
)
def test_the_order_in_which_they_come_does_not_matter(said: list[tuple[str, str, int, bool]]) -> None:
    reviews = [review(name, state, at, HEAD if is_head else "other") for name, state, at, is_head in said]
    found = approving(reviews, HEAD, "a")
    assert found == approving(reversed(reviews), HEAD, "a") and "a" not in found
    for name in found:
        words = [one for one in sorted(said, key=lambda item: item[2]) if one[0] == name and one[1] != "COMMENTED"]
        assert words[-1][1] == "APPROVED" and words[-1][3]


def test_as_the_workflow_calls_it() -> None:
    lines = "\n".join(json.dumps(review(name, "APPROVED", 1)) for name in ("ben-example", "ada-example"))
    words = [sys.executable, "-m", "tools.reviewers", HEAD, "ben-example"]
    done = subprocess.run(words, cwd=ROOT, input=lines + "\n\n", capture_output=True, text=True, check=True)
    assert done.stdout == "ada-example\n"
