"""Charts of what is watched: for incidents in the portal, for mails.

Belongs here: points and their charts as Vega-Lite, and charts as pictures for who has no browser at hand. Does not belong here:
colours of the portal (its web build), what is said around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

from civicops.contracts import Contract
from civicops.observe.detect import judge
from civicops.observe.volume import daily_series
from civicops.observe.watched import Watched

Point = dict[str, Any]
JUDGED_DAYS = 60
PLOTTED_DAYS = 120
_ACCENT, _FAULT = "#0b6e63", "#d54309"
_WIDTH, _HEIGHT, _SCALE = 560, 170, 2
"""Of a picture, in pixels; drawn twice as fine, as telephones have fine screens."""


def volume_points(
    watched: Watched, contract: Contract, *, plotted: int = PLOTTED_DAYS, judged: int = JUDGED_DAYS
) -> list[Point]:
    """The newest days of a dataset: `day`, `observed` and, of those judged, `expected`, `low`, `high`, `is_fault`.

    Empty where there are no daily counts. Raises `CivicopsError` when the calendar cannot be read.
    """
    rule = watched.product.monitors(contract).volume
    series = daily_series(watched, contract, rule) if rule.enabled else None
    if series is None:
        return []
    holidays = watched.calendar.holidays(series.days)
    # Some days of a short history teach nothing (holidays), so a few more than it needs are left to learn from.
    newest = min(judged, len(series.days) - rule.points - 14)
    known = {}
    if newest > 0:
        options: dict[str, Any] = {"holidays": holidays, "points": rule.points, "strictness": rule.strictness}
        known = {item.day: item for item in judge(series.days, series.counts, newest=newest, **options)}
    points = []
    for day, count in list(zip(series.days, series.counts, strict=True))[-plotted:]:
        if count is None:
            continue
        point: Point = {"day": day.isoformat(), "observed": count}
        if day in known:
            item = known[day]
            point |= {"expected": item.expected, "low": item.low, "high": item.high, "is_fault": item.is_fault}
        points.append(point)
    return points


def volume_chart(points: Sequence[Point], *, height: int = 280) -> Any:
    """Rows a day as a line, where days like these usually lie as a band, days outside it as diamonds."""
    import altair as alt  # noqa: PLC0415 - a second that most commands do not need

    base = alt.Chart(alt.InlineData(values=list(points))).encode(x=alt.X("day:T", title=None))
    line = base.mark_line(point=True).encode(y=alt.Y("observed:Q", title="rows a day"))
    layers: list[Any] = [line]
    if any("low" in point for point in points):
        band = base.mark_area(opacity=0.25).encode(y=alt.Y("low:Q", title="rows a day"), y2="high:Q")
        usual = base.mark_line(strokeDash=[4, 4], opacity=0.7).encode(y="expected:Q")
        fault = (
            base.transform_filter("datum.is_fault")
            .mark_point(size=160, filled=True, shape="diamond", color=_FAULT)
            .encode(y="observed:Q")
        )
        layers = [band, usual, line, fault]
    return alt.layer(*layers).properties(height=height)


def days_chart(values: Mapping[date, float], title: str, *, height: int = 170) -> Any:
    """One number a day as bars."""
    import altair as alt  # noqa: PLC0415

    points = [{"day": day.isoformat(), "value": value} for day, value in sorted(values.items())]
    encoded = alt.Chart(alt.InlineData(values=points)).mark_bar(width={"band": 0.8})
    day = alt.X("yearmonthdate(day):T", title=None, axis=alt.Axis(format="%-d %b"))
    return encoded.encode(x=day, y=alt.Y("value:Q", title=title)).properties(height=height)


def shares_chart(lines: Iterable[Mapping[str, Any]], title: str, *, height: int = 280) -> Any:
    """Shares over time, one line per `name`: each of `lines` has `at` (ISO), `name` and `share` from 0 to 1."""
    import altair as alt  # noqa: PLC0415

    base = alt.Chart(alt.InlineData(values=[dict(line) for line in lines])).mark_line(point=True)
    share = alt.Y("share:Q", title=title, axis=alt.Axis(format="~%"), scale=alt.Scale(zero=False))
    encoded = base.encode(x=alt.X("at:T", title=None), y=share, color=alt.Color("name:N", title=None))
    return encoded.properties(height=height)


def picture(chart: Any) -> bytes:
    """A chart as a PNG, drawn in this process without a browser or a network."""
    drawn = BytesIO()
    chart = chart.properties(width=_WIDTH, height=_HEIGHT)
    chart = chart.configure(background="white", font="sans-serif").configure_mark(color=_ACCENT)
    chart.save(drawn, format="png", scale_factor=_SCALE)
    return drawn.getvalue()
