"""The weekly digest: a week of some products as a text, as a mail with pictures, as a page to look at.

Belongs here: its words, tables and pictures. Does not belong here: gathering the week (`week`), drawing (`charts`), sending
(`delivery`). Nothing in it names anybody but the owner of a product: incidents stand in it by their titles.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from civicops.observe.asking import Incident
from civicops.observe.charts import days_chart, picture, volume_chart
from civicops.observe.messages import Image, Message, link
from civicops.observe.week import DatasetWeek, ProductWeek, Week
from civicops.workspace import Workspace

_COLOURS = {"in order": "#2e8540", "has trouble": "#936f38", "broken": "#b50909", "not run this week": "#5c5c5c"}
_PAGE = (
    "font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:16px;line-height:1.5;color:#1b1b1b;max-width:600px;"
    "margin:0 auto;padding:16px"
)
_CELL = "padding:4px 12px 4px 0;text-align:left;vertical-align:top"


@dataclass(frozen=True)
class _Drawing:
    """A picture and what it shows, in a sentence for who cannot see it."""

    image: Image
    caption: str


def weekly(workspace: Workspace, week: Week) -> Message:
    """The digest of a week: a title that says whether anything is wrong, a plain text, and the same as HTML with pictures."""
    zone = ZoneInfo(workspace.settings.workspace.timezone)
    drawings = {item.name: _drawings(item) for item in week.products}
    images = tuple(drawing.image for found in drawings.values() for drawing in found)
    title = _title(workspace, week)
    return Message(
        title,
        _text(workspace, week, zone),
        html=_html(workspace, week, zone, title, drawings),
        images=images,
    )


def as_page(message: Message) -> str:
    """The HTML of a digest as one file: its pictures are in it."""
    html = message.html
    for image in message.images:
        data = base64.b64encode(image.content).decode()
        html = html.replace(f'src="cid:{image.name}"', f'src="data:image/png;base64,{data}"')
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(message.title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body style="margin:0">{html}</body></html>'


def _title(workspace: Workspace, week: Week) -> str:
    who = workspace.settings.workspace.organisation or "civicops"
    trouble, every = len(week.in_trouble), len(week.products)
    words = "all in order" if not trouble else f"{trouble} of {every} products not in order"
    return f"Weekly digest of {who}: {words}"


def facts(item: ProductWeek, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What is said of a product: (name, words), the same in every form of the digest."""
    runs = f"{item.runs_good} ended well, {item.runs_failed} failed"
    yield "Runs", f"{runs}; last good one {_when(item.last_good_at, zone)}"
    yield "Incidents", f"{len(item.opened)} opened, {len(item.resolved)} resolved, {len(item.going)} open now"
    yield "Freshness", " ".join(item.late) or "as promised"
    share = item.quarantine_share
    if share is not None:
        before = (
            "" if item.quarantine_share_before is None else f"; a week ago {_percent(item.quarantine_share_before)}"
        )
        yield "Held back", f"{item.quarantined:,} rows, {_percent(share)}{before}"
    for metric in item.metrics:
        yield metric.title, f"{metric.week:,.0f} in seven days, {metric.week_before:,.0f} in the seven before"


def _text(workspace: Workspace, week: Week, zone: ZoneInfo) -> str:
    lines = [f"{_day(week.starts_at, zone)} to {_day(week.ends_at, zone)}"]
    for item in week.products:
        lines += ["", f"{item.title}: {item.health} (kept by {item.owner})"]
        lines += [f"  {name}: {words}" for name, words in facts(item, zone)]
        lines += [f"  Open: [{one.severity}] {one.title}, since {_day(one.since, zone)}" for one in item.going]
        lines += [f"  {one.title}: {_rows(one)}" for one in item.datasets]
    return "\n".join([*lines, "", f"More: {link(workspace)}"])


def _html(
    workspace: Workspace, week: Week, zone: ZoneInfo, title: str, drawings: dict[str, tuple[_Drawing, ...]]
) -> str:
    parts = [f'<div style="{_PAGE}"><h1 style="font-size:22px;line-height:1.3">{escape(title)}</h1>']
    parts.append(f"<p>{_day(week.starts_at, zone)} to {_day(week.ends_at, zone)}</p>")
    for item in week.products:
        colour = _COLOURS[item.health]
        parts.append(f'<h2 style="font-size:19px;margin-bottom:0">{escape(item.title)}</h2>')
        parts.append(
            f'<p style="margin-top:0"><strong style="color:{colour}">{item.health.capitalize()}</strong>, kept by '
            f"{escape(item.owner)}</p>"
        )
        parts.append(_table(facts(item, zone)))
        if item.going:
            parts.append(f"<ul>{''.join(_open(workspace, one, zone) for one in item.going)}</ul>")
        parts.append(_table((one.title, _rows(one)) for one in item.datasets))
        for drawing in drawings[item.name]:
            caption = escape(drawing.caption)
            image = (
                f'<img src="cid:{drawing.image.name}" alt="{caption}" width="560" style="max-width:100%;height:auto">'
            )
            parts.append(f'<p style="margin:16px 0 0">{caption}<br>{image}</p>')
    parts.append(f'<p><a href="{escape(link(workspace))}">Every incident</a></p></div>')
    return "\n".join(parts)


def _open(workspace: Workspace, one: Incident, zone: ZoneInfo) -> str:
    address = escape(link(workspace, one))
    return f'<li>{one.severity}: <a href="{address}">{escape(one.title)}</a>, since {_day(one.since, zone)}</li>'


def _table(rows: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row" style="{_CELL};font-weight:600">{escape(name)}</th><td style="{_CELL}">{escape(words)}</td></tr>'
        for name, words in rows
    )
    return f'<table style="border-collapse:collapse;font-size:15px">{cells}</table>' if cells else ""


def _drawings(item: ProductWeek) -> tuple[_Drawing, ...]:
    found = []
    for one in item.datasets:
        if len(one.days) > 1:
            odd = f"{one.odd_days} outside what was expected" if one.odd_days else "none outside what was expected"
            known = any("low" in point for point in one.days)
            caption = f"{one.title}: rows a day, {odd if known else 'too few days yet to expect anything'}."
            found.append(_Drawing(Image(f"{one.name}.png", picture(volume_chart(one.days))), caption))
    for number, metric in enumerate(item.metrics):
        if metric.days:
            caption = f"{metric.title}: {metric.week:,.0f} in seven days."
            drawn = picture(days_chart(metric.days, metric.title))
            found.append(_Drawing(Image(f"{item.name}-{number}.png", drawn), caption))
    return tuple(found)


def _rows(one: DatasetWeek) -> str:
    more = "" if one.more is None else f", {one.more:+,} in the week"
    odd = f", {one.odd_days} odd day{'' if one.odd_days == 1 else 's'} in thirty" if one.odd_days else ""
    return f"{one.rows:,} row{'' if one.rows == 1 else 's'}{more}{odd}"


def _percent(share: float) -> str:
    return f"{share:.2%}" if 0 < share < 0.1 else f"{share:.0%}"


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%-d %B %Y}"


def _when(moment: datetime | None, zone: ZoneInfo) -> str:
    return "never" if moment is None else f"{moment.astimezone(zone):%A %-d %B, %H:%M}"
