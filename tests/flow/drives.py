"""The drive monitor in workspaces of their own: pointed at the simulator, or at files with the rows of many looks.

Belongs here: making a workspace, rows of looks and events, what the monitors say. Does not belong here: assertions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from civicops.observe.signals import MonitorContext, Signal, ask_product
from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Workspace
from tests.duck import asked

NAME = "drive_monitor"
PRODUCTS = Path(__file__).parents[2] / "products"
LOOK: dict[str, Any] = dict.fromkeys((
    "reason", "compared_with", "sequence", "content", "seal", "previous_seal", "unknown_fields", "managers", "manager_count",
    "files_before",
)) | dict.fromkeys((
    "listed", "repeated", "unreadable", "slipped", "items", "files", "folders", "trashed_items", "size_bytes", "added_items",
    "moved_items", "renamed_items", "modified_items", "emptied_items",
), 0)  # fmt: skip
"""Every field of a row about a drive."""


@dataclass(frozen=True)
class Monitor:
    """A workspace with the drive monitor."""

    root: Path

    @classmethod
    def at(cls, root: Path, settings: str, products: Path = PRODUCTS) -> Monitor:
        root.mkdir(parents=True, exist_ok=True)
        text = f'[workspace]\norganisation = "Friends of Marisol"\nproducts = "{products}"\n\n[products.{NAME}]\n{settings}\n'
        (root / "civicops.toml").write_text(text, encoding="utf-8")
        return cls(root)

    @classmethod
    def replaying(
        cls,
        root: Path,
        looks: Iterable[dict[str, Any]],
        events: Iterable[dict[str, Any]],
        products: Path = PRODUCTS,
        folders: Iterable[dict[str, Any]] = (),
    ) -> Monitor:
        """One that reads the rows of looks from files instead of looking."""
        root.mkdir(parents=True, exist_ok=True)
        given = {"observations": looks, "observations_events": events, "observations_folders": folders}
        for name, rows in given.items():
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (root / f"{name}.ndjson").write_text(lines, encoding="utf-8")
        # An empty file is no delivery; the connector then has none either.
        tables = "".join(
            f'[products.{NAME}.sources.{name}]\npath = "{name}.ndjson"\n'
            for name in given
            if (root / f"{name}.ndjson").stat().st_size
        )
        return cls.at(root, tables, products)

    @property
    def workspace(self) -> Workspace:
        return Workspace.find(self.root)

    def run(self) -> RunRecord:
        return run_product(self.workspace, NAME)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for the current release of that dataset."""
        releases = ReleaseStore(self.root / "var" / "releases").snapshot(NAME)
        return asked(sql.format(**{name: f"'{release.data}'" for name, release in releases.items()}))

    def signals(self, now: datetime | None = None) -> tuple[Signal, ...]:
        """What the product's monitors say."""
        workspace = self.workspace
        releases = ReleaseStore(self.root / "var" / "releases").snapshot(NAME)
        runs = RunLog(self.root / "var" / "runs")
        product = workspace.product(NAME)
        return ask_product(MonitorContext(workspace, product, releases, {}, runs, now or datetime.now(UTC)))


def look(drive: str, day: date, count: int, *, hour: int = 14, **more: Any) -> dict[str, Any]:
    """A whole look at a drive; `hour` in UTC."""
    counted = {"listed": count, "items": count, "files": count}
    return LOOK | counted | {
        "drive_id": drive, "drive_name": drive.title(), "taken_at": f"{day}T{hour:02d}:00:00Z", "observed_on": str(day),
        "is_complete": True, "state": "present", "manager_count": 1, "managers": "a@example.org",
    } | more  # fmt: skip


def lost(drive: str, day: date, item: str, *, event: str = "trashed", **more: Any) -> dict[str, Any]:
    """An item that was lost or came back."""
    since = f"{day - timedelta(days=1)}T14:00:00Z"
    return {
        "drive_id": drive, "drive_name": drive.title(), "observed_at": f"{day}T14:00:00Z", "observed_on": str(day), "since": since,
        "item_id": item, "event": event, "name": item, "path": f"/{item}", "top_folder": None, "top_folder_files": None,
        "is_folder": False, "mime_type": "text/csv", "size_bytes": 1, "parent_id": drive, "editor": None,
        "happened_at": f"{day}T09:00:00Z", "actor": None, "known_by": "drive", "moved_to": None, "seal": None,
    } | more  # fmt: skip


def emptied(drive: str, day: date, path: str, deleted: int, before: int, **more: Any) -> dict[str, Any]:
    """A folder below which files were deleted."""
    return {
        "drive_id": drive, "folder_id": f"id of {path}", "observed_at": f"{day}T14:00:00Z", "observed_on": str(day), "path": path,
        "level": path.count("/"), "files_before": before, "deleted_files": deleted, "deleted_bytes": deleted,
    } | more  # fmt: skip
