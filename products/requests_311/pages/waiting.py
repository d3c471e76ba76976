"""How many requests residents make, and how long they wait.

Belongs here: two charts over the small published tables. Does not belong here: computing waiting times
(models/time_to_close.sql).
"""

from __future__ import annotations

from typing import Any

import altair as alt

from civicops.portal.pages import Page
from civicops.portal.releases import Releases

TOP = "SELECT request_type_code FROM request_types WHERE is_service_request ORDER BY request_count DESC LIMIT 6"
YEARS = alt.Axis(format="%Y", tickCount="year")
TYPE = alt.Color("type:N", title=None)


def per_month(releases: Releases) -> Any:
    """Requests of residents by month, one line per type."""
    rows = releases.table(f"""
        SELECT date_trunc('month', created_on)::DATE AS month, request_type_name AS type,
            sum(resident_request_count)::BIGINT AS requests
        FROM requests_daily JOIN request_types USING (request_type_code)
        WHERE request_type_code IN ({TOP}) GROUP BY ALL ORDER BY ALL""")
    chart = alt.Chart(
        rows, title="Requests per month", description="What residents asked for, the six most frequent types."
    )
    return chart.mark_line().encode(
        x=alt.X("month:T", title=None, axis=YEARS), y=alt.Y("requests:Q", title="requests"), color=TYPE
    )


def waiting(releases: Releases) -> Any:
    """Days within which half of a month's requests were closed, one line per type."""
    rows = releases.table(f"""
        SELECT created_month AS month, request_type_name AS type, round(median_hours / 24, 2) AS days
        FROM time_to_close JOIN request_types USING (request_type_code)
        WHERE council_code = 'all' AND median_hours IS NOT NULL AND request_type_code IN ({TOP}) ORDER BY ALL""")
    chart = alt.Chart(
        rows,
        title="Days until half were closed",
        description="By month of the request. What is still open counts as still waiting; closed does not always mean fixed.",
    )
    return chart.mark_line().encode(
        x=alt.X("month:T", title=None, axis=YEARS), y=alt.Y("days:Q", title="days"), color=TYPE
    )


PAGE = Page(
    title="How long people wait",
    summary="How many requests residents make each month, and how many days pass until half of them are closed.",
    charts={"per_month": per_month, "waiting": waiting},
)
