"""The landing zone: bytes first, before anything reads them.

Belongs here: storing bytes under their hash, the manifest of every delivery, resuming one that was killed, giving bytes back,
finding damage. Does not belong here: where bytes come from (`socrata`, `files`, `web`) and what they mean (`read`).

Layout, readable without civicops (`zstd -d`, any JSON reader):

    <root>/<product>/<source>/objects/<2 hex>/<sha256>.<ext>.zst    sha256 of the uncompressed bytes
    <root>/<product>/<source>/deliveries/<sequence>-<id>.json       one complete delivery
    <root>/<product>/<source>/deliveries/<sequence>-<id>.part       one under way: JSON lines, a head and then one per object

Safe to kill at any moment: an object appears by an atomic rename after its bytes are on the disk; a `.part` line is appended
after its object is there, and a half-written last line is not believed; a delivery counts once its `.json` is there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from filelock import FileLock, Timeout

from civicops.durable import sync
from civicops.ingest.csv_scan import CsvScan
from civicops.ingest.disk import explained, open_zstd, words, writing
from civicops.ingest.frames import line_counts
from civicops.ingest.manifest import delivery_from_json, delivery_to_json
from civicops.ingest.measure import measure
from civicops.ingest.part import Part, read_part, start_part
from civicops.ingest.values import Delivery, LandedObject, LandingError, Media

BLOCK = 4 * 1024 * 1024
"""Bytes per zstd frame: frames of a fixed size make the stored file the same however the network cut the bytes."""
REDACTIONS = "redactions.jsonl"
"""Beside the objects of a source: which of them were written again without some of their records (`redact`)."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_DELIVERY = re.compile(r"(\d{8})-([0-9a-f]+)\.json")


@dataclass(frozen=True)
class Damage:
    """A file of the landing zone that is not what it was."""

    path: Path
    reason: str


class Landing:
    """The landing zone under `root`. Holds no state of its own; several processes may use it for different sources."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, product: str, source: str) -> Path:
        """The folder of one source; `LandingError` for a name that could point elsewhere."""
        for name in (product, source):
            if not _NAME.fullmatch(name):
                raise LandingError(
                    f"'{name}' cannot be the name of a product or source.",
                    hint="Use lower-case letters, digits, '_', '-' and '.'.",
                )
        return self.root / product / source

    def object_path(self, product: str, source: str, sha256: str, media: Media) -> Path:
        """Where an object lies."""
        return self.folder(product, source) / "objects" / sha256[:2] / f"{sha256}.{media}.zst"

    @contextmanager
    def fetching(self, product: str, source: str) -> Iterator[None]:
        """Hold the source for one fetch; the lock goes when the process does. Removes what a killed fetch left half-written.

        Raises `LandingError` when another process is fetching the source.
        """
        folder = self.folder(product, source)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise LandingError(
                f"Source '{source}' of {product} is being fetched by another process.", hint="Wait for it to end."
            ) from error
        except OSError as error:
            raise explained(error, folder) from error
        try:
            with writing(folder):
                for left in (folder / "objects").glob(".incoming-*"):
                    left.unlink()
            yield
        finally:
            lock.release()

    def put(
        self,
        product: str,
        source: str,
        content: bytes | Iterable[bytes],
        media: Media,
        *,
        url: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> LandedObject:
        """Store bytes under their hash and count what is in them; the same bytes twice store nothing.

        Raises `LandingError` for a full or read-only disk and `SourceError` for bytes that are not of their kind at all
        (which then do not stay).
        """
        folder = self.folder(product, source) / "objects"
        scan = CsvScan() if media == "csv" else None
        digest, size = hashlib.sha256(), 0
        codec = pa.Codec("zstd", compression_level=2)  # of a CSV of 538 MB: 0.5 s less than level 3, for 1 % more bytes
        incoming = folder / f".incoming-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                # Hashing and counting on one thread, compressing and writing on the other: about half the time.
                lines: list[int] = []
                with incoming.open("wb") as file, ThreadPoolExecutor(1, "landing") as pool:
                    for block in _blocks(content):
                        looked = pool.submit(_look, block, digest, scan)
                        size += len(block)
                        file.write(codec.compress(block, asbytes=True))
                        lines.append(looked.result())
                    if scan is not None and len(lines) > 1:
                        file.write(line_counts(lines))
                    file.flush()
                    os.fsync(file.fileno())
            sha256 = digest.hexdigest()
            if (known := self._redacted(product, source, sha256, media)) is not None:
                return dataclasses.replace(
                    known, url=url, status=status, headers=dict(headers or {}), retrieved_at=datetime.now(UTC)
                )
            shape = measure(media, lambda: open_zstd(incoming), scan.shape() if scan is not None else None)
            first_seen = self._keep(incoming, self.object_path(product, source, sha256, media))
        finally:
            with contextlib.suppress(OSError):  # where nothing can be written nothing is left either
                incoming.unlink(missing_ok=True)
        now = datetime.now(UTC)
        return LandedObject(sha256, size, shape.rows, media, url, status, dict(headers or {}), now, first_seen, shape)

    def _redacted(self, product: str, source: str, sha256: str, media: Media) -> LandedObject | None:
        """What stands in place of bytes that a record was taken out of: they must not come back by being fetched again."""
        path = self.folder(product, source) / REDACTIONS
        if not path.is_file():
            return None
        new = sha256
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError):
                item = json.loads(line)
                new = item["new"] if item["old"] == new else new
        if new == sha256:
            return None
        named = (item for delivery in self.deliveries(product, source) for item in delivery.objects)
        return next((item for item in named if item.sha256 == new and item.media == media), None)

    def _keep(self, incoming: Path, final: Path) -> bool:
        """Move a complete object to its place; false when it was there already."""
        with writing(final):
            if final.exists():
                return False
            final.parent.mkdir(parents=True, exist_ok=True)
            incoming.replace(final)
            sync(final.parent)
            sync(final.parent.parent)
        return True

    def open_bytes(self, product: str, source: str, landed: LandedObject) -> BinaryIO:
        """The exact bytes that were received, as a stream.

        Raises `LandingError` when the object is gone.
        """
        path = self.object_path(product, source, landed.sha256, landed.media)
        try:
            return open_zstd(path)
        except OSError as error:
            raise LandingError(
                f"The landed object {landed.sha256[:12]} of {product}/{source} cannot be opened: {words(error)}.",
                hint=f"Fetch it again: civicops run {product} --full",
            ) from error

    def begin(self, product: str, source: str, plan: Mapping[str, Any]) -> Part:
        """Start a delivery, forgetting one that is under way. `plan` is what `resume` compares; it must be plain JSON."""
        self.discard(product, source)
        folder = self.folder(product, source) / "deliveries"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            sequence = max((number for number, _ in self._complete(product, source)), default=0) + 1
            return start_part(folder, source, sequence, plan)

    def resume(self, product: str, source: str) -> Part | None:
        """The delivery that was under way when its fetch was killed, with the objects it had; None when there is none."""
        found = sorted((self.folder(product, source) / "deliveries").glob("*.part"))
        complete = {sequence for sequence, _ in self._complete(product, source)}
        for path in reversed(found):
            with writing(path):
                part = read_part(path)
            if part is None or part.sequence in complete:
                continue
            if all(self.object_path(product, source, item.sha256, item.media).exists() for item in part.objects):
                return part
        return None

    def discard(self, product: str, source: str) -> None:
        """Forget a delivery under way; its objects stay, for they are found again by their hash."""
        folder = self.folder(product, source) / "deliveries"
        with writing(folder):
            for path in folder.glob("*.part"):
                path.unlink()

    def add(self, part: Part, landed: LandedObject, **position: Any) -> Part:
        """Note one more object of a delivery under way; when this returns, a kill does not lose it."""
        with writing(part.path):
            return part.add(landed, position)

    def complete(self, part: Part, delivery: Delivery) -> Delivery:
        """Make a delivery count: its manifest appears whole, then the `.part` goes."""
        final = part.path.with_suffix(".json")
        draft = part.path.with_suffix(".draft")
        with writing(final):
            with draft.open("w", encoding="utf-8") as file:
                file.write(delivery_to_json(delivery))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(final)
            part.path.unlink(missing_ok=True)
            sync(final.parent)
        return delivery

    def forget(self, product: str, source: str, *, keep: int, also: Delivery | None = None) -> int:
        """Let go of all but the newest `keep` deliveries, of `also`, and of objects only they were made of; returns how many.

        Only for a source whose content lives on elsewhere under a seal of its own, such as the snapshots of a drive.
        """
        folder = self.folder(product, source)
        every = [path for _, path in self._complete(product, source)]
        gone = [path for path in every if path in every[:-keep] or (also and path.stem.endswith(f"-{also.id}"))]
        kept = {item.sha256 for path in every if path not in gone for item in _read_delivery(path).objects}
        with writing(folder):
            for path in gone:
                path.unlink()
            for path in (folder / "objects").glob("*/*.zst"):
                if path.name.split(".", 1)[0] not in kept:
                    path.unlink()
        return len(gone)

    def forget_deliveries(self, product: str, source: str, gone: frozenset[str]) -> int:
        """Let go of deliveries (by id) that do not count any more, and of objects only they were made of; returns how many.

        Raises `LandingError` for one that counts now.
        """
        live = {delivery.id for delivery in self.live(product, source)}
        if taken := sorted(gone & live):
            raise LandingError(
                f"Delivery {taken[0]} of {product}/{source} counts now.", hint="Only what newer ones replaced may go."
            )
        folder = self.folder(product, source)
        every = [path for _, path in self._complete(product, source)]
        going = [path for path in every if path.stem.partition("-")[2] in gone]
        kept = {item.sha256 for path in every if path not in going for item in _read_delivery(path).objects}
        with writing(folder):
            for path in going:
                path.unlink()
            if going:
                for path in (folder / "objects").glob("*/*.zst"):
                    if path.name.split(".", 1)[0] not in kept:
                        path.unlink()
        return len(going)

    def verify(self, product: str, source: str) -> Iterator[Damage]:
        """Hash every object again and look for every object a delivery names; yields what is damaged or gone."""
        folder = self.folder(product, source)
        for path in sorted((folder / "objects").glob("*/*.zst")):
            digest = hashlib.sha256()
            try:
                with open_zstd(path) as stream:
                    while block := stream.read(BLOCK):
                        digest.update(block)
            except OSError as error:
                yield Damage(path, f"cannot be read: {words(error)}")
                continue
            if digest.hexdigest() != path.name.split(".", 1)[0]:
                yield Damage(path, "its bytes are not those that were received")
        for _, path in self._complete(product, source):
            try:
                delivery = _read_delivery(path)
            except LandingError as error:
                yield Damage(path, error.message)
                continue
            for landed in delivery.objects:
                where = self.object_path(product, source, landed.sha256, landed.media)
                if not where.exists():
                    yield Damage(where, f"is gone, though delivery {path.name} is made of it")

    def sources(self) -> tuple[tuple[str, str], ...]:
        """Every (product, source) that has landed something."""
        return tuple(sorted((path.parent.parent.name, path.parent.name) for path in self.root.glob("*/*/deliveries")))

    def deliveries(self, product: str, source: str) -> tuple[Delivery, ...]:
        """Every complete delivery, oldest first. Raises `LandingError` for a manifest that cannot be read."""
        return tuple(_read_delivery(path) for _, path in self._complete(product, source))

    def live(self, product: str, source: str) -> tuple[Delivery, ...]:
        """What counts now: the newest full delivery and every later increment, in order."""
        kept: list[Delivery] = []
        for _, path in reversed(self._complete(product, source)):
            delivery = _read_delivery(path)
            kept.append(delivery)
            if delivery.kind == "full":
                return tuple(reversed(kept))
        return ()

    def _complete(self, product: str, source: str) -> list[tuple[int, Path]]:
        folder = self.folder(product, source) / "deliveries"
        found = [(match, path) for path in folder.glob("*.json") if (match := _DELIVERY.fullmatch(path.name))]
        return sorted((int(match[1]), path) for match, path in found)


def _read_delivery(path: Path) -> Delivery:
    try:
        return delivery_from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandingError(
            f"The manifest {path.name} of source '{path.parent.parent.name}' cannot be read: {error}.",
            hint="Put it back from a backup, or delete it and fetch the source in full.",
        ) from error


def _look(block: bytes, digest: hashlib._Hash, scan: CsvScan | None) -> int:
    """Take the block into the hash and the scan; the number of its line ends, which only a scanned object is asked for."""
    digest.update(block)
    if scan is None:
        return 0
    scan.feed(block)
    return block.count(b"\n")


def _blocks(content: bytes | Iterable[bytes]) -> Iterator[bytes]:
    """The content in pieces of exactly `BLOCK` bytes, the last one shorter; nothing at all gives one empty piece."""
    held = bytearray()
    sent = False
    for piece in [content] if isinstance(content, bytes) else content:
        held += piece
        while len(held) >= BLOCK:
            yield bytes(held[:BLOCK])
            sent = True
            del held[:BLOCK]
    if held or not sent:
        yield bytes(held)
