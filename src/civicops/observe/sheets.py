"""Whether a product's Google Sheet could be brought up to date after its last run.

Belongs here: keeping how the last try ended, and the signal made of it. Does not belong here: writing the sheet
(`civicops.orchestrate.sheets`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from civicops.observe.signals import Signal
from civicops.observe.watched import Watched
from civicops.runs import write_json
from civicops.workspace import Workspace

MONITOR = "sheets"


def note_sheets(workspace: Workspace, product: str, error: str = "") -> None:
    """Keep how the last try ended: with an `error`, or well."""
    path = _file(workspace, product)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"at": datetime.now(UTC).isoformat(), "error": error})


def last_failed(workspace: Workspace, product: str) -> bool:
    """Whether the last try failed; False before the first."""
    return bool(_state(workspace, product).get("error"))


def sheet_signals(watched: Watched) -> Iterator[Signal]:
    """One signal for a product whose sheet was tried; none for others."""
    state = _state(watched.workspace, watched.product.name)
    if not state:
        return
    title, failed = watched.product.file.title, bool(state["error"])
    yield Signal(
        MONITOR, watched.subject(), failed, "warning",
        f"{title}: the sheet was not updated" if failed else f"{title}: the sheet is up to date",
        detail=f"{state['error']} The run itself went well." if failed else "",
        since=datetime.fromisoformat(state["at"]) if failed else None,
        runbook="The sheet was not updated", group=MONITOR, evidence={"tried": state["at"]},
    )  # fmt: skip


def _file(workspace: Workspace, product: str) -> Path:
    return workspace.folder("observe") / "sheets" / f"{product}.json"


def _state(workspace: Workspace, product: str) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(_file(workspace, product).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
