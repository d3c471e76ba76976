"""The map of 311 requests: every request since 2015 on a map that can be filtered by anything.

Belongs here: the page. Does not belong here: the files it reads (`map_files`), what the browser does with them (`map/`).
"""

from __future__ import annotations

from civicops.portal.pages import Page

from .map_files import build

PAGE = Page(
    title="Map of requests",
    summary=(
        "What residents and crews report, where, and how long it takes: by day, type, neighborhood council, district, "
        "status, source and department."
    ),
    entry="map/main.ts",
    build=build,
)
