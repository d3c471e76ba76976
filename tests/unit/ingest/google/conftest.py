"""A group with shared drives, a service account's key, and one look at a time. Nothing is asked of anybody but the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from civicops.ingest.google.observe import events_of, observe_drives, snapshot_store
from civicops.ingest.landing import Landing
from civicops.ingest.snapshots.store import SnapshotStore
from civicops.ingest.values import DriveSource, NoProgress
from civicops.ingest.web import Patience
from simulators.google import FOLDER, GoogleServer, Group, made_up_group, serve_google

PRODUCT = "watch"
QUICK = Patience(attempts=3, first_pause=0.01, longest_pause=0.02, jitter=0.0)


@dataclass
class Watch:
    """The simulator and a landing zone that looks at it."""

    google: GoogleServer
    landing: Landing
    source: DriveSource

    @property
    def group(self) -> Group:
        return self.google.group

    @property
    def drives(self) -> list[str]:
        return list(self.group.drives)

    @property
    def store(self) -> SnapshotStore:
        return snapshot_store(self.landing, PRODUCT)

    def files(self, drive: str) -> list[str]:
        """Ids of the drive's files, in the order they were made."""
        return [one.id for one in self.group.items.values() if one.drive == drive and one.mime != FOLDER]

    def folders(self, drive: str) -> list[str]:
        """Ids of the folders at the root of the drive."""
        return [one.id for one in self.group.children(drive) if one.mime == FOLDER]

    def look(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """Look once: the rows about drives by id, and the rows about items; nothing when it added nothing."""
        before = len(self.landing.deliveries(PRODUCT, events_of(self.source)))
        result = observe_drives(
            self.source, self.landing, PRODUCT, progress=NoProgress(), patience=QUICK, now=self.group.now
        )
        if result.delivery is None:
            return {}, []
        events = self.landing.deliveries(PRODUCT, events_of(self.source))
        rows = self._rows(self.source.name, result.delivery.objects[-1])
        lost = self._rows(events_of(self.source), events[-1].objects[-1]) if len(events) > before else []
        return {row["drive_id"]: row for row in rows}, lost

    def _rows(self, name: str, landed: Any) -> list[dict[str, Any]]:
        with self.landing.open_bytes(PRODUCT, name, landed) as stream:
            return [json.loads(line) for line in stream]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    with serve_google(made_up_group(drives=3, files=60)) as google:
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_FILE", str(google.write_key(tmp_path / "key.json")))
        source = DriveSource("looks", "looks", url=google.url, subject="admin@example.org")
        yield Watch(google, Landing(tmp_path / "landing"), source)
