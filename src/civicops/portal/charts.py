"""Charts of pages: from an Altair chart to a file that the browser draws.

Belongs here: asking a page's functions for their charts and writing what they give. Does not belong here: colours and fonts (the
browser's half, `web/src/charts.ts`) and which charts there are (the products' pages).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from civicops.portal.releases import Releases

FOLDER = "_charts"
"""Below the files of a page: one `<id>.json` per chart, and `index.json`."""


@dataclass(frozen=True)
class Chart:
    """What a page says of one chart: its id, its title, and a sentence for who cannot see it."""

    id: str
    title: str
    description: str

    @property
    def file(self) -> str:
        """Where it lies below the page's files."""
        return f"{FOLDER}/{self.id}.json"


def write_charts(charts: Mapping[str, Callable[[Releases], Any]], releases: Releases, out: Path) -> None:
    """Ask each function for its chart and write it; raises whatever the functions raise."""
    import altair  # noqa: PLC0415 - a second that only a build needs

    # Charts are drawn from aggregated tables; the browser gets all rows that the page's author chose.
    altair.data_transformers.enable("default", max_rows=None)
    folder = out / FOLDER
    folder.mkdir()
    index = []
    for name, make in charts.items():
        spec = make(releases).to_dict()
        title = spec.get("title", "")
        title = title if isinstance(title, str) else str(title.get("text", ""))
        index.append(
            {
                "id": name,
                "title": title or name.replace("_", " ").capitalize(),
                "description": spec.get("description", ""),
            }
        )
        spec.pop("title", None)
        (folder / f"{name}.json").write_text(json.dumps(spec, separators=(",", ":"), default=str), encoding="utf-8")
    (folder / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def read_charts(files: Path | None) -> tuple[Chart, ...]:
    """The charts among a page's files, in the order of the page."""
    path = files / FOLDER / "index.json" if files else None
    if path is None or not path.is_file():
        return ()
    return tuple(Chart(**item) for item in json.loads(path.read_text(encoding="utf-8")))
