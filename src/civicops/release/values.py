"""The values that the release room takes and gives back.

Belongs here: frozen values (`Release`, `Provenance`, `Switch` ...) and questions that can be answered from one of them
alone. Does not belong here: writing anything, or knowing which release is current (`store`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from civicops.contracts.checktypes import Action

DATA_FILE = "data.parquet"
PACKAGE_FILE = "datapackage.json"

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_VERSION = re.compile(r"^(\d{8}T\d{6}Z)-[0-9a-f]{8}$")
_STAMP = "%Y%m%dT%H%M%SZ"

SwitchAction = Literal["publish", "rollback"]


def is_name(text: str) -> bool:
    """Whether `text` can be a product or dataset: nothing that could leave the folder it stands in."""
    return _NAME.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether `text` has the shape of a version id."""
    return _VERSION.fullmatch(text) is not None


def version_id(moment: datetime, data_sha256: str) -> str:
    """`20261122T113807Z-1f3a9c04`: the second (UTC) and the first 8 hex digits of the data's hash; sorts by time."""
    return f"{moment.astimezone(UTC).strftime(_STAMP)}-{data_sha256[:8]}"


def version_time(version: str) -> datetime:
    """The moment (UTC, whole seconds) a version id stands for; `ValueError` when it is not a version id."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"'{version}' is not a version id")
    return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Release:
    """One published version of one dataset: a folder with two read-only files. Sorts by product, dataset, time."""

    product: str
    dataset: str
    version: str
    path: Path

    @property
    def data(self) -> Path:
        """The Parquet file."""
        return self.path / DATA_FILE

    @property
    def created(self) -> datetime:
        """The moment in the version id (UTC)."""
        return version_time(self.version)

    def package(self) -> dict[str, Any]:
        """The Frictionless descriptor, read from the folder; `OSError` or `ValueError` when it cannot be."""
        content = json.loads((self.path / PACKAGE_FILE).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{self.path / PACKAGE_FILE} is not an object")
        return content

    def is_complete(self) -> bool:
        """Both files are there and the data has the size its descriptor says (hashes are for `verify`, not for this)."""
        try:
            return bool(self.data.stat().st_size == self.package()["resources"][0]["bytes"])
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return False


@dataclass(frozen=True)
class InputManifest:
    """One delivery that the data was made from: which source, which one of its deliveries, which objects (sha256)."""

    source: str
    sequence: int
    objects: tuple[str, ...]
    delivery: str = ""
    title: str = ""
    url: str = ""
    """Where the source is, without secrets; local paths are left out of the descriptor."""
    rows: int | None = None
    retrieved_at: datetime | None = None


@dataclass(frozen=True)
class CheckOutcome:
    """What one check of the contract found: `count` offences among `rows` rows."""

    id: str
    action: Action
    count: int
    rows: int
    passed: bool
    description: str = ""


@dataclass(frozen=True)
class Conservation:
    """Where every row went: `rows_in = accepted + quarantined + ignored`, ignored by its named reason."""

    rows_in: int
    accepted: int
    quarantined: int
    ignored: tuple[tuple[str, int], ...] = ()

    @property
    def missing(self) -> int:
        """Rows that are unaccounted for; anything but 0 blocks publishing."""
        return self.rows_in - self.accepted - self.quarantined - sum(count for _, count in self.ignored)


@dataclass(frozen=True)
class Provenance:
    """Everything a release says about where it comes from, known to the caller before anything is written."""

    run_id: str
    git_commit: str | None = None
    git_dirty: bool = False
    files_hash: str = ""
    """Over the product's files that decide what its releases hold (`civicops.product_files`)."""
    inputs: tuple[InputManifest, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    conservation: Conservation | None = None
    tools: tuple[tuple[str, str], ...] = ()
    """(tool, version); the engine that writes the file is added."""


@dataclass(frozen=True)
class Switch:
    """One change of what is current in a product: who, when, why, and the whole state before and after."""

    sequence: int
    action: SwitchAction
    at: datetime
    who: str
    before: Mapping[str, str] = field(hash=False)
    after: Mapping[str, str] = field(hash=False)
    """Dataset to version, for all datasets of the product."""
    reason: str = ""
    run_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in `current.json` and, one per line, in `history.jsonl`."""
        return {
            "sequence": self.sequence,
            "action": self.action,
            "at": self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "who": self.who,
            "from": dict(self.before),
            "to": dict(self.after),
            "reason": self.reason,
            "run": self.run_id,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Switch:
        """The reverse of `to_json`; `KeyError`, `TypeError` or `ValueError` for anything else."""
        before, after = dict(content["from"]), dict(content["to"])
        for dataset, version in (*before.items(), *after.items()):
            if not is_name(dataset) or not is_version(version):
                raise ValueError(f"'{dataset}': '{version}' is not a dataset and a version")
        if content["action"] not in ("publish", "rollback"):
            raise ValueError(f"'{content['action']}' is not an action")
        return cls(
            sequence=int(content["sequence"]),
            action=content["action"],
            at=datetime.fromisoformat(content["at"]),
            who=str(content["who"]),
            before=before,
            after=after,
            reason=str(content["reason"]),
            run_id=content["run"],
        )
