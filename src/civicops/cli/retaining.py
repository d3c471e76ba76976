"""`civicops retention`: what has been kept for as long as its contract says, and letting it go.

Belongs here: arguments and sentences. Does not belong here: finding and removing (`civicops.govern.retention`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import typer

from civicops.cli.output import Json, as_json, next_step, say, table

app = typer.Typer(help="Let go of what has been kept for as long as its contract says.", no_args_is_help=True)


@app.command()
def plan(json: bool = Json) -> None:
    """Say what would go now, and why; nothing is changed."""
    from civicops.govern.retention import due  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    _show(due(Workspace.find()), json=json, then="civicops retention run")


@app.command()
def run(json: bool = Json) -> None:
    """Remove what is due and keep a report. `civicops up` does so once a day."""
    from civicops.govern.retention import note_last, retain  # noqa: PLC0415
    from civicops.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace.find()
    done = retain(workspace)
    note_last(workspace, datetime.now(UTC))
    rows = sorted({item.product for item in done if item.kind == "rows"})
    then = f"civicops run {rows[0]}" if rows else f"the report is in {workspace.folder('retention')}"
    _show(done, json=json, then=then if done else "nothing")


def _show(found: Sequence[Any], *, json: bool, then: str) -> None:
    if json:
        as_json([asdict(item) for item in found])
        return
    rows = [(i.kind, f"{i.product}.{i.dataset}", i.name, i.size_bytes, i.why) for i in found]
    table(("what", "dataset", "which", "bytes", "why"), rows, right=("bytes",))
    say(f"{len(found)} things, {sum(item.size_bytes for item in found):,} bytes")
    next_step(then if found else "nothing is due")
