"""The public page: that the drives are watched, at how much, and how much was deleted. No name of anything or anybody.

Belongs here: one sentence and one chart. Does not belong here: names (`report`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from civicops.portal.pages import Page
from civicops.portal.releases import Releases


def per_day(releases: Releases) -> Any:
    """Files deleted, out of sight and restored by day."""
    rows = releases.table("""
        SELECT observed_on AS day, kind, files FROM (
            SELECT observed_on, deleted_files AS "deleted", left_files AS "out of sight", returned_files AS "came back"
            FROM daily_reports
        ) UNPIVOT (files FOR kind IN ("deleted", "out of sight", "came back")) ORDER BY ALL""")
    chart = alt.Chart(
        rows,
        title="Files lost and restored per day",
        description="All watched drives together. A day without a look has no bar.",
    )
    return chart.mark_bar().encode(
        x=alt.X("day:T", title=None), y=alt.Y("files:Q", title="files"), color=alt.Color("kind:N", title=None)
    )


def context(releases: Releases) -> Mapping[str, Any]:
    """The newest days of the report, newest first."""
    if "daily_reports" not in releases:
        return {"days": []}
    return {"days": releases.table("SELECT * FROM daily_reports ORDER BY observed_on DESC LIMIT 30").to_pylist()}


PAGE = Page(
    title="Are the shared drives all right?",
    summary="Every shared drive is looked at each day. This page says what was seen, also when nothing happened.",
    template="watch.html",
    context=context,
    charts={"per_day": per_day},
)
