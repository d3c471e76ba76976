"""The files that the web build wrote, by the entry they were made from.

Belongs here: reading Vite's manifest. Does not belong here: building (`tools/web.py`) or serving (`views.home.static`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from civicops.portal.pages import ProductPage
from civicops.portal.settings import BUILT

PORTAL_ENTRY = "src/civicops/portal/web/src/portal.ts"
_MANIFEST = BUILT / ".vite" / "manifest.json"


@dataclass(frozen=True)
class Asset:
    """One entry: its script, the scripts it loads at once, and all their style sheets; paths below `/static/`."""

    file: str
    imports: tuple[str, ...]
    styles: tuple[str, ...]


def asset_of(source: str) -> Asset | None:
    """The files made from an entry such as `src/.../portal.ts`; `None` when it was not built."""
    try:
        manifest = _manifest(_MANIFEST.stat().st_mtime_ns)
    except OSError:
        return None
    return _asset(manifest, source) if source in manifest else None


def page_entry(page: ProductPage) -> str:
    """The name of a page's entry in the manifest, or nothing when it has none."""
    return f"products/{page.product.name}/pages/{page.page.entry}" if page.page.entry else ""


@lru_cache(maxsize=2)
def _manifest(_mtime: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    return content


def _asset(manifest: dict[str, Any], source: str) -> Asset:
    imports: list[str] = []
    styles: list[str] = []

    def walk(name: str) -> None:
        chunk = manifest[name]
        for other in chunk.get("imports", ()):
            if manifest[other]["file"] not in imports:
                walk(other)
                imports.append(manifest[other]["file"])
        styles.extend(style for style in chunk.get("css", ()) if style not in styles)

    walk(source)
    return Asset(manifest[source]["file"], tuple(imports), tuple(styles))
