"""Snapshots on the disk: the newest in whole, each older one as what it takes to go back to it.

Belongs here: sealing, reading any kept snapshot, thinning out, proving that nothing was changed. Does not belong here: comparing
two (`difference`).

Layout, readable without civicops (any Parquet and JSON reader), one folder per drive:

    <root>/<drive>/<sequence>.json           when, how many, from which delivery, hashes; stays for ever
    <root>/<drive>/full-<sequence>.parquet   the newest snapshot
    <root>/<drive>/back-<sequence>.parquet   what differed from the next kept one (`delta`)

Safe to kill: a snapshot counts once its `.json` is there; what a killed seal left is removed by the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock

from civicops.durable import sync
from civicops.ingest.disk import writing
from civicops.ingest.snapshots.delta import apply, back, compose, shaped
from civicops.ingest.snapshots.items import content_hash, ordered
from civicops.ingest.values import LandingError

_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Snapshot:
    """One sealed snapshot. `content` is the hash of its rows, `seal` that of everything here with the seal before it.

    `origin` names the delivery it was read from, `mark` the place in the source's log of changes when it was begun.
    """

    drive: str
    sequence: int
    taken_at: datetime
    origin: str
    items: int
    content: str
    previous: str
    seal: str
    mark: str = ""
    is_kept: bool = True

    def sealed(self) -> str:
        """The seal that belongs to these values."""
        parts = [
            self.drive,
            self.sequence,
            self.taken_at.isoformat(),
            self.origin,
            self.items,
            self.content,
            self.previous,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class SnapshotStore:
    """The snapshots under `root`. Holds no state; one process at a time may seal."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, drive: str) -> Path:
        """Where a drive's snapshots lie; `LandingError` for an id that could point elsewhere."""
        if not _NAME.fullmatch(drive):
            raise LandingError(
                f"'{drive}' cannot be the id of a drive.", hint="Check the list of drives in civicops.toml."
            )
        return self.root / drive

    def drives(self) -> tuple[str, ...]:
        """Ids of all drives that have a snapshot, sorted."""
        return tuple(sorted({path.parent.name for path in self.root.glob("*/[0-9]*.json")}))

    def snapshots(self, drive: str) -> tuple[Snapshot, ...]:
        """All snapshots ever sealed of a drive, oldest first. Raises `LandingError` for one that cannot be read."""
        return tuple(_read(path) for path in sorted(self.folder(drive).glob("[0-9]*.json")))

    def newest(self, drive: str) -> Snapshot | None:
        """The last sealed snapshot: the last good one."""
        found = sorted(self.folder(drive).glob("[0-9]*.json"))
        return _read(found[-1]) if found else None

    def path(self, snapshot: Snapshot) -> Path:
        """The file of the newest snapshot."""
        return self.folder(snapshot.drive) / f"full-{snapshot.sequence:06d}.parquet"

    def seal(self, drive: str, table: pa.Table, *, taken_at: datetime, origin: str, mark: str = "") -> Snapshot:
        """Keep a snapshot as the newest of its drive. Sealing the same `origin` again changes nothing.

        Raises `LandingError` when the disk refuses, or when the snapshot is older than the newest.
        """
        folder = self.folder(drive)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"), writing(folder):
            last = self.newest(drive)
            if last is not None and last.origin == origin:
                return last
            if last is not None and taken_at < last.taken_at:
                raise LandingError(
                    f"The snapshot of {taken_at:%Y-%m-%d %H:%M} is older than the last one of drive {drive}.",
                    hint="The clock of this machine went back; set it right and run again.",
                )
            self._clean(folder, last)
            table = ordered(table)
            draft = Snapshot(
                drive, last.sequence + 1 if last else 1, taken_at, origin, len(table), content_hash(table),
                last.seal if last else "", "", mark,
            )  # fmt: skip
            snapshot = replace(draft, seal=draft.sealed())
            _write(table, self.path(snapshot))
            if last is not None:
                _write(back(self._full(last), table), self._back_path(last))
            _save(folder, snapshot)
            if last is not None:
                self.path(last).unlink(missing_ok=True)
            return snapshot

    def read(self, snapshot: Snapshot) -> pa.Table:
        """The rows of a kept snapshot. Raises `LandingError` when it was thinned out or a file is gone."""
        kept = [one for one in self.snapshots(snapshot.drive) if one.is_kept]
        newest = kept[-1] if kept else None
        if newest is None or snapshot.sequence not in {one.sequence for one in kept}:
            raise LandingError(
                f"Snapshot {snapshot.sequence} of drive {snapshot.drive} is not kept any more.",
                hint="Take a later one.",
            )
        table = self._full(newest)
        for one in reversed(kept[:-1]):
            if one.sequence < snapshot.sequence:
                break
            table = apply(table, self._step(one))
        return table

    def thin(self, drive: str, *, now: datetime, daily: timedelta = timedelta(days=90)) -> int:
        """Keep all snapshots of the last `daily`, and the last of each month before; returns how many were let go.

        The seals of those stay, so that the chain can still be proven.
        """
        folder, gone = self.folder(drive), 0
        with FileLock(folder / ".lock"), writing(folder):
            kept = [one for one in self.snapshots(drive) if one.is_kept]
            for index in range(len(kept) - 2, -1, -1):
                one, following = kept[index], kept[index + 1]
                if one.taken_at >= now - daily or one.taken_at.strftime("%Y-%m") != following.taken_at.strftime(
                    "%Y-%m"
                ):
                    continue
                before = kept[index - 1] if index else None
                if before is not None:
                    merged = compose(self._step(before), self._step(one))
                    _write(merged, self._back_path(before))
                _save(folder, replace(one, is_kept=False))
                self._back_path(one).unlink(missing_ok=True)
                kept.pop(index)
                gone += 1
        return gone

    def verify(self, drive: str) -> Iterator[str]:
        """Walk the chain and rebuild every kept snapshot; yields one line for each that is not what was sealed, seals first.

        Snapshots are rebuilt from the newest back, each from the one after it, so the first line about rows names the bad one;
        those before it cannot be proven any more.
        """
        every: list[Snapshot] = []
        previous = ""
        for number, path in enumerate(sorted(self.folder(drive).glob("[0-9]*.json")), start=1):
            name = f"Snapshot {int(path.stem)} of drive {drive}"
            try:
                one = _read(path)
            except LandingError as error:
                yield f"{name}: its seal cannot be read. {error.message}"
                return
            if one.sequence != number or path.stem != f"{number:06d}":
                yield f"Snapshot {number} of drive {drive}: it is missing, or stands in another place."
                return
            if one.previous != previous or one.seal != one.sealed():
                yield f"{name}: its seal does not fit the one before it."
            previous = one.seal
            every.append(one)
        table: pa.Table | None = None
        for one in reversed([one for one in every if one.is_kept]):
            try:
                table = self._full(one) if table is None else apply(table, self._step(one))
                is_same = content_hash(table) == one.content
            except (LandingError, pa.ArrowException, duckdb.Error, KeyError) as error:
                why = f"its rows cannot be read, nor those of the ones before it. {str(error).splitlines()[0]}"
                yield f"Snapshot {one.sequence} of drive {drive}: {why}"
                return
            if not is_same:
                yield f"Snapshot {one.sequence} of drive {drive}: its rows are not those that were sealed."

    def _full(self, snapshot: Snapshot) -> pa.Table:
        return _load(self.path(snapshot))

    def _step(self, snapshot: Snapshot) -> pa.Table:
        """The step that leads back to a snapshot from the next kept one."""
        return shaped(_load(self._back_path(snapshot)))

    def _back_path(self, snapshot: Snapshot) -> Path:
        return self.folder(snapshot.drive) / f"back-{snapshot.sequence:06d}.parquet"

    def _clean(self, folder: Path, last: Snapshot | None) -> None:
        """Remove what a killed seal left behind."""
        wanted = {self.path(last), self._back_path(last)} if last else set()
        for path in [*folder.glob(".draft-*"), *folder.glob("full-*.parquet")]:
            if path not in wanted:
                path.unlink()
        if last is not None:
            self._back_path(last).unlink(missing_ok=True)


def _write(table: pa.Table, path: Path) -> None:
    draft = path.with_name(f".draft-{os.getpid()}-{path.name}")
    # Ids and checksums do not repeat; the other columns do, above all in a whole snapshot.
    few: Any = [name for name in table.column_names if name not in ("id", "ref", "checksum", "name")]
    pq.write_table(table, draft, compression="zstd", compression_level=9, use_dictionary=few, write_statistics=False)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def _load(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise LandingError(
            f"{path} cannot be read.", hint="Put it back from a backup; the snapshots before it need it."
        ) from error


def _save(folder: Path, snapshot: Snapshot) -> None:
    path = folder / f"{snapshot.sequence:06d}.json"
    draft = path.with_name(f".draft-{os.getpid()}-{path.name}")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"format": 1, **asdict(snapshot), "taken_at": snapshot.taken_at.isoformat()}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(folder)


def _read(path: Path) -> Snapshot:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != 1:
            raise ValueError("written by another version")
        return Snapshot(**{**data, "taken_at": datetime.fromisoformat(data["taken_at"]).astimezone(UTC)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandingError(f"{path} cannot be read: {error}.", hint="Put it back from a backup.") from error
