"""Tags and filters of the portal's templates.

Belongs here: links that work in the portal and in a static site alike, the files of the web build, numbers and times in words.
Does not belong here: deciding what is shown.
"""

from __future__ import annotations

import posixpath
import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from civicops.portal.assets import Asset, asset_of
from civicops.portal.reviewing import SAID, WORDS, as_text

register = template.Library()
Read = dict[str, Any] | Context


def relative(request: HttpRequest, target: str) -> str:
    """`target`, an absolute path of the portal, as seen from the page that is being drawn."""
    path, _, rest = target.partition("?")
    here = request.path if request.path.endswith("/") else posixpath.dirname(request.path) + "/"
    found = posixpath.relpath(path, here)
    found = found if not path.endswith("/") else found.rstrip("/") + "/"
    return f"{found}?{rest}" if rest else found


@register.simple_tag(takes_context=True)
def to(context: Read, name: str, *args: Any) -> str:
    """The relative address of a route: `{% to 'dataset' product dataset %}`."""
    return relative(context["request"], reverse(name, args=args))


@register.simple_tag(takes_context=True)
def here(context: Read, address: str) -> str:
    """The relative form of an absolute address of the portal."""
    return relative(context["request"], address)


@register.simple_tag(takes_context=True)
def static_file(context: Read, name: str) -> str:
    """The relative address of a file of ours that the web build does not touch."""
    return relative(context["request"], f"/static/{name}")


@register.simple_tag(takes_context=True)
def entry(context: Read, source: str) -> SafeString:
    """Style sheets and script of one entry of the web build, as tags with the nonce of this answer."""
    asset = asset_of(source)
    return _tags(context, asset) if asset else SafeString("")


def _tags(context: Read, asset: Asset) -> SafeString:
    request = context["request"]
    nonce = "" if getattr(request, "exporting", False) else str(request.csp_nonce)
    mark = format_html(' nonce="{}"', nonce) if nonce else SafeString("")
    styles = format_html_join(
        "\n",
        '<link rel="stylesheet" href="{}"{}>',
        ((relative(request, f"/static/{name}"), mark) for name in asset.styles),
    )
    preloads = format_html_join(
        "\n",
        '<link rel="modulepreload" href="{}"{}>',
        ((relative(request, f"/static/{name}"), mark) for name in asset.imports),
    )
    script = format_html('<script type="module" src="{}"{}></script>', relative(request, f"/static/{asset.file}"), mark)
    return SafeString("\n".join(part for part in (styles, preloads, script) if part))


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago a moment was, in one unit."""
    if moment is None:
        return "never"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 90:
        return "a moment ago"
    for size, name in ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size * 2 or (seconds >= size and size != 60):
            count = int(seconds // size)
            return f"{count} {name}{'s' if count != 1 else ''} ago"
    return "a minute ago"


@register.filter
def size(count: int | None) -> str:
    """Bytes in words a person can compare."""
    if count is None:
        return ""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


@register.filter
def share(row: Any) -> str:
    """What part of the rows broke a check, rounded so that a single row is not 0 %."""
    if not row.count or not row.rows:
        return ""
    part = 100 * row.count / row.rows
    return "less than 0.1 %" if part < 0.1 else f"{part:.1f} %"


@register.filter
def breakable(name: str) -> SafeString:
    """A name of the code that may be broken after each `_`, so that a narrow table keeps whole words."""
    return format_html_join("", "{}<wbr>", ((part,) for part in re.findall(r"[^_]*_|[^_]+$", name)))


@register.filter
def words(name: str) -> str:
    """A name of the code for people: `requests_daily` as `requests daily`."""
    return name.replace("_", " ")


@register.filter
def percent(share: float | None) -> str:
    """A share from 0 to 1 as per cent, never rounded up to all or down to nothing."""
    if share is None:
        return ""
    part = 100 * share
    if 0 < part < 1:
        return "less than 1 %"
    return "more than 99 %" if 99 < part < 100 else f"{part:.0f} %"


@register.filter
def duration(seconds: float | None) -> str:
    """A span in words, in one unit."""
    if seconds is None:
        return ""
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


@register.filter
def said(outcome: str) -> str:
    """What a reviewer did, in a word or two."""
    return SAID.get(outcome, outcome.replace("_", " ").capitalize())


@register.filter
def button(outcome: str) -> str:
    """What the button of an answer says."""
    return WORDS.get(outcome, outcome.replace("_", " "))


@register.filter(name="as_text")
def text_of(value: Any) -> str:
    """A value of data for people."""
    return as_text(value)
