"""A delivery under way: an append-only file that a killed fetch goes on from.

Belongs here: the `.part` file, one JSON object per line: a head with the plan, then one line per object. Does not belong here:
deciding whether a plan still holds (the connector does).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from civicops.durable import sync
from civicops.ingest.manifest import landed_from_plain, plain
from civicops.ingest.values import Delivery, DeliveryKind, Finding, LandedObject


@dataclass(frozen=True)
class Part:
    """What is known of a delivery under way. `positions` say, per object, where in the source it was taken from."""

    path: Path
    id: str
    sequence: int
    source: str
    started_at: datetime
    plan: Mapping[str, Any]
    objects: tuple[LandedObject, ...] = ()
    positions: tuple[Mapping[str, Any], ...] = ()

    @property
    def rows(self) -> int:
        """Rows landed so far."""
        return sum(item.rows or 0 for item in self.objects)

    def add(self, landed: LandedObject, position: Mapping[str, Any]) -> Part:
        """The part with one more object, appended and on the disk when this returns; raises `OSError`."""
        line = json.dumps({"object": plain(landed), "position": dict(position)}, ensure_ascii=False)
        _append(self.path, line)
        return replace(self, objects=(*self.objects, landed), positions=(*self.positions, dict(position)))

    def delivery(
        self,
        *,
        kind: DeliveryKind,
        count_before: int | None = None,
        count_after: int | None = None,
        high_water: str | None = None,
        newest: str | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Delivery:
        """What the part becomes when everything has come, finished now."""
        return Delivery(
            id=self.id,
            sequence=self.sequence,
            source=self.source,
            kind=kind,
            objects=self.objects,
            rows=self.rows,
            source_count_before=count_before,
            source_count_after=count_after,
            high_water=high_water,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
            findings=findings,
            newest=newest,
        )


def start_part(folder: Path, source: str, sequence: int, plan: Mapping[str, Any]) -> Part:
    """Begin the delivery `sequence` in `folder`; raises `OSError`."""
    identity = secrets.token_hex(6)
    part = Part(folder / f"{sequence:08d}-{identity}.part", identity, sequence, source, datetime.now(UTC), dict(plan))
    head = {
        "id": identity,
        "sequence": sequence,
        "source": source,
        "started_at": plain(part.started_at),
        "plan": part.plan,
    }
    _append(part.path, json.dumps(head, ensure_ascii=False))
    sync(folder)
    return part


def read_part(path: Path) -> Part | None:
    """The part as far as it was written; None when not even its head is whole.

    A last line that was cut off by a kill is cut away from the file too, so that the next line does not stick to it. Raises
    `OSError`.
    """
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    try:
        entries = [json.loads(line) for line in whole.splitlines()]
        head, entries = entries[0], entries[1:]
        return Part(
            path,
            head["id"],
            head["sequence"],
            head["source"],
            datetime.fromisoformat(head["started_at"]),
            head["plan"],
            tuple(landed_from_plain(entry["object"]) for entry in entries),
            tuple(entry["position"] for entry in entries),
        )
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _append(path: Path, line: str) -> None:
    with path.open("ab") as file:
        file.write(line.encode("utf-8") + b"\n")
        file.flush()
        os.fsync(file.fileno())
