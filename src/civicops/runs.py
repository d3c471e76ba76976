"""The record of every run: what it did, step by step, in a file anybody can read.

Belongs here: the value, its file, finding old ones, and whether a run is alive. Does not belong here: judging them, or running
(`civicops.orchestrate`).

A record is written when a run begins (`running`), after each step, and when it ends; each time in whole, by rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-\w+-[0-9a-f]+")
Status = Literal["running", "succeeded", "unchanged", "failed"]


@dataclass(frozen=True)
class RunRecord:
    """One run of one product.

    `steps` gives the seconds of each step; `sources`, `datasets` and `findings` what came of them, ready for JSON.
    `inputs` is a hash over everything the outcome depends on; a run that finds the hash of the last success has nothing to do.
    """

    run_id: str
    product: str
    status: Status
    started_at: str
    trigger: str
    pid: int
    finished_at: str | None = None
    dagster_run_id: str | None = None
    message: str = ""
    hint: str = ""
    inputs: str | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    sources: tuple[Mapping[str, Any], ...] = ()
    datasets: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    models: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each model."""
    released: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What was filed for people to review: kind to numbers of tasks."""
    made_of: str = ""
    """Which files of the product it worked with (`RunLog.files` gives them); empty in records older than this field."""
    commit: str = ""
    """The commit whose files these are; empty when some are not committed, or there is no repository."""

    @property
    def is_over(self) -> bool:
        return self.status != "running"


def new_record(product: str, trigger: str, dagster_run_id: str | None = None) -> RunRecord:
    """A run that begins now, in this process."""
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{product}-{secrets.token_hex(3)}"
    return RunRecord(run_id, product, "running", now.isoformat(), trigger, os.getpid(), dagster_run_id=dagster_run_id)


class RunLog:
    """All run records under `runs/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, record: RunRecord) -> RunRecord:
        """Write a record in place of its older self."""
        path = self.folder / record.started_at[:7] / f"{record.run_id}.json"
        write_json(path, asdict(record))
        if record.status == "succeeded":
            write_json(self.folder / "last" / f"{record.product}.json", asdict(record))
        return record

    def end(self, record: RunRecord, status: Status, message: str = "", hint: str = "") -> RunRecord:
        """The record of a run that is over."""
        now = datetime.now(UTC).isoformat()
        return self.save(replace(record, status=status, finished_at=now, message=message, hint=hint))

    def last_success(self, product: str) -> RunRecord | None:
        """The newest run that published what there is, or None."""
        return _read(self.folder / "last" / f"{product}.json")

    def runs(self, product: str | None = None) -> Iterator[RunRecord]:
        """Every run, newest first; of one product if named."""
        for month in sorted((p for p in self.folder.glob("????-??") if p.is_dir()), reverse=True):
            paths = sorted(month.glob(f"*-{product or '*'}-*.json"), reverse=True)
            # A name says the second; of runs that began in the same one, only the record says which came first.
            for _, same in groupby(paths, key=lambda path: path.name.partition("-")[0]):
                records = [record for path in same if (record := _read(path)) and product in (None, record.product)]
                yield from sorted(records, key=lambda record: record.started_at, reverse=True)

    def find(self, run_id: str) -> RunRecord | None:
        """The run of that id, however old, or None."""
        if not _RUN_ID.fullmatch(run_id):
            return None
        return _read(self.folder / f"{run_id[:4]}-{run_id[4:6]}" / f"{run_id}.json")

    def lock(self, product: str) -> FileLock:
        """The lock that a run of the product holds while it lives. The system frees it when the process dies, however it dies."""
        folder = self.folder / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{product}.lock", thread_local=False)

    def is_alive(self, product: str) -> bool:
        """Whether a run of the product is going on now."""
        if not (self.folder / ".locks" / f"{product}.lock").exists():
            return False
        try:
            with self.lock(product).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def keep_files(self, files: Mapping[str, str]) -> str:
        """Keep which files (path to hash) a run works with, once for all that work with the same; returns what names them."""
        digest = hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()
        path = self.folder / "made_of" / f"{digest}.json"
        if not path.exists():
            write_json(path, dict(files))
        return digest

    def files(self, digest: str) -> Mapping[str, str] | None:
        """The files that `keep_files` kept under that name, or None."""
        try:
            found: dict[str, str] = json.loads((self.folder / "made_of" / f"{digest}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def note_made(self, run_id: str, digest: str, commit: str) -> None:
        """Note which files a run worked with whose record comes only after its releases are current."""
        write_json(self.folder / "made_of" / f"{run_id}.json", {"made_of": digest, "commit": commit})

    def made(self, run_id: str) -> tuple[str, str]:
        """Which files a run worked with and the commit that has them; empty texts where nobody knows."""
        record = self.find(run_id)
        if record is not None:
            return record.made_of, record.commit
        try:
            found = json.loads((self.folder / "made_of" / f"{run_id}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return "", ""
        return str(found["made_of"]), str(found["commit"])

    def unfinished(self, product: str) -> tuple[RunRecord, ...]:
        """Runs that are said to be running, of the newest fifty of the product."""
        newest = [record for _, record in zip(range(50), self.runs(product), strict=False)]
        return tuple(record for record in newest if not record.is_over)


def write_json(path: Path, content: object) -> None:
    """Write JSON so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{os.getpid()}")
    with work.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1, default=str)
        stream.flush()
        os.fsync(stream.fileno())
    work.replace(path)


def _read(path: Path) -> RunRecord | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    for name in ("sources", "datasets", "findings"):
        data[name] = tuple(data.get(name) or ())
    return RunRecord(**data)
