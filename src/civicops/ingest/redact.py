"""Taking single records, or parts of them, out of what has landed: the one exception to bytes that never change.

Belongs here: writing an object again without some of its records (or with some fields emptied), pointing the manifests to the new
one, and a line about it. Does not belong here: who may ask for that, and what follows (`civicops.govern.erasure`).

    <source>/redactions.jsonl      one line per object that was written again: request, old hash, new hash, records, when

Killed at any point it goes on: the new object has its own hash, a manifest changes in one rename, and the old object goes when no
manifest names it any more. All other records keep their bytes.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from civicops.durable import sync
from civicops.ingest.disk import writing
from civicops.ingest.landing import REDACTIONS, Landing
from civicops.ingest.layout import unique_names
from civicops.ingest.manifest import delivery_to_json
from civicops.ingest.values import Delivery, LandedObject, LandingError

Fields = Mapping[str, str]
Wanted = Callable[[Fields], bool]
"""Whether a record, by its lower-case fields, is meant."""


@dataclass(frozen=True)
class Redaction:
    """One object that was written again. `emptied`: fields that were emptied; without any the records were taken out."""

    request: str
    old: str
    new: str
    records: int
    emptied: tuple[str, ...]
    at: str


@dataclass(frozen=True)
class Edited:
    """The content of an object after its edit, and how many records were touched."""

    content: bytes
    records: int


def count_records(landing: Landing, product: str, source: str, wanted: Wanted, needle: bytes) -> dict[str, int]:
    """How many records of each landed object (by hash) are meant. Raises `LandingError` where an object cannot be edited."""
    found: dict[str, int] = {}
    for landed in _objects(landing, product, source).values():
        edited = _edit(landing, product, source, landed, wanted, needle, ())
        if edited is not None:
            found[landed.sha256] = edited.records
    return found


def redact(
    landing: Landing,
    product: str,
    source: str,
    wanted: Wanted,
    *,
    request: str,
    needle: bytes,
    emptied: tuple[str, ...] = (),
    only: Collection[str] | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> tuple[Redaction, ...]:
    """Take the meant records out of every object of a source, or empty those fields of them (lower-case names).

    `needle`: bytes that every such record holds; objects without them are not split. `only`: hashes of the objects to look at.
    Only while nobody fetches this source. Raises `LandingError` when an object cannot be edited or the disk refuses; what is done
    then stays done, and doing it again goes on.
    """
    done: list[Redaction] = []
    folder = landing.folder(product, source)
    landing.discard(product, source)
    for landed in _objects(landing, product, source).values():
        if only is not None and landed.sha256 not in only:
            continue
        edited = _edit(landing, product, source, landed, wanted, needle, emptied)
        if edited is None:
            continue
        say(f"{source}: {edited.records:,} records of object {landed.sha256[:12]}")
        new = landing.put(
            product, source, edited.content, landed.media, url=landed.url, status=landed.status, headers=landed.headers
        )
        line = Redaction(request, landed.sha256, new.sha256, edited.records, emptied, datetime.now(UTC).isoformat())
        with writing(folder), (folder / REDACTIONS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line.__dict__) + "\n")
            file.flush()
            os.fsync(file.fileno())
        done.append(line)
        for delivery in landing.deliveries(product, source):
            if any(item.sha256 == landed.sha256 for item in delivery.objects):
                _point(landing, product, source, delivery, landed.sha256, new)
    _remove_old(landing, product, source)
    return tuple(done)


def redactions(landing: Landing, product: str, source: str) -> tuple[Redaction, ...]:
    """Every object of a source that was written again, oldest first; a line that was cut off is left out."""
    path = landing.folder(product, source) / REDACTIONS
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            item = json.loads(line)
        except ValueError:
            continue
        found.append(Redaction(**{**item, "emptied": tuple(item["emptied"])}))
    return tuple(found)


def _objects(landing: Landing, product: str, source: str) -> dict[str, LandedObject]:
    found = {item.sha256: item for delivery in landing.deliveries(product, source) for item in delivery.objects}
    return {sha: item for sha, item in found.items() if landing.object_path(product, source, sha, item.media).is_file()}


def _point(landing: Landing, product: str, source: str, delivery: Delivery, old: str, new: LandedObject) -> None:
    """Write a delivery's manifest anew with another object in one's place."""
    objects = tuple(
        replace(new, retrieved_at=item.retrieved_at, first_seen=item.first_seen) if item.sha256 == old else item
        for item in delivery.objects
    )
    changed = replace(delivery, objects=objects, rows=sum(item.rows or 0 for item in objects))
    folder = landing.folder(product, source) / "deliveries"
    final = next(path for path in folder.glob(f"*-{delivery.id}.json"))
    draft = final.with_suffix(".draft")
    with writing(final):
        with draft.open("w", encoding="utf-8") as file:
            file.write(delivery_to_json(changed))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(final)
        sync(folder)


def _remove_old(landing: Landing, product: str, source: str) -> None:
    """Remove objects that were written again and that no manifest names any more."""
    named = {item.sha256 for delivery in landing.deliveries(product, source) for item in delivery.objects}
    for line in redactions(landing, product, source):
        if line.old not in named:
            for path in (landing.folder(product, source) / "objects").glob(f"{line.old[:2]}/{line.old}.*"):
                with writing(path):
                    path.unlink(missing_ok=True)


def _edit(
    landing: Landing,
    product: str,
    source: str,
    landed: LandedObject,
    wanted: Wanted,
    needle: bytes,
    emptied: tuple[str, ...],
) -> Edited | None:
    with landing.open_bytes(product, source, landed) as stream:
        content = stream.read()
    if needle not in content:
        return None
    match landed.media:
        case "csv":
            edited = _edit_csv(content, wanted, needle, emptied)
        case "json":
            edited = _edit_json(content, wanted, emptied)
        case "ndjson":
            edited = _edit_lines(content, wanted, needle, emptied)
        case _:
            raise LandingError(
                f"Source '{source}' landed a '{landed.media}' object that holds the value; such objects cannot be edited.",
                hint="Remove its delivery and fetch the source again without the record.",
            )
    # Emptied once they are empty: the same bytes again.
    return edited if edited.records and edited.content != content else None


def _edit_csv(content: bytes, wanted: Wanted, needle: bytes, emptied: tuple[str, ...]) -> Edited:
    records = _csv_records(content)
    head = next(records, b"")
    names = unique_names(tuple(_values(head) or ()))[0]
    out, count = [head], 0
    for raw in records:
        if needle in raw:
            values = _values(raw)
            if values is None or len(values) != len(names):
                raise LandingError(
                    "A record with the value in it cannot be split into fields, so it cannot be edited.",
                    hint="Look at it with `civicops quarantine show`; remove its delivery and fetch again.",
                )
            fields = dict(zip(names, values, strict=True))
            if wanted(fields):
                count += 1
                if emptied:
                    kept = ["" if name in emptied else value for name, value in fields.items()]
                    out.append(_written(kept, raw))
                continue
        out.append(raw)
    return Edited(b"".join(out), count)


def _csv_records(content: bytes) -> Iterator[bytes]:
    """The records with their line ends: lines are joined while a quote is open (RFC 4180)."""
    held = b""
    for line in io.BytesIO(content):
        held += line
        if held.count(b'"') % 2 == 0:
            yield held
            held = b""
    if held:
        yield held


def _values(raw: bytes) -> list[str] | None:
    try:
        rows = list(csv.reader([raw.decode("utf-8").removeprefix("\ufeff").rstrip("\r\n")], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def _written(values: list[str], raw: bytes) -> bytes:
    text = io.StringIO()
    end = "\r\n" if raw.endswith(b"\r\n") else "\n" if raw.endswith(b"\n") else ""
    csv.writer(text, lineterminator="").writerow(values)
    return (text.getvalue() + end).encode()


def _edit_lines(content: bytes, wanted: Wanted, needle: bytes, emptied: tuple[str, ...]) -> Edited:
    out, count = [], 0
    for line in io.BytesIO(content):
        if needle in line:
            item = json.loads(line)
            if wanted(_texts(item)):
                count += 1
                if emptied:
                    out.append(json.dumps(_emptied(item, emptied), ensure_ascii=False).encode() + b"\n")
                continue
        out.append(line)
    return Edited(b"".join(out), count)


def _edit_json(content: bytes, wanted: Wanted, emptied: tuple[str, ...]) -> Edited:
    """A list of objects; those that stay keep their text to the letter."""
    text = content.decode("utf-8-sig")
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise LandingError(
            "The value stands in JSON that is no list of objects, so it cannot be edited.",
            hint="Remove its delivery and fetch the source again without the record.",
        )
    kept, count = [], 0
    at = _skip(text, at + 1)
    while at < len(text) and text[at] != "]":
        item, end = decoder.raw_decode(text, at)
        if isinstance(item, dict) and wanted(_texts(item)):
            count += 1
            if emptied:
                kept.append(json.dumps(_emptied(item, emptied), ensure_ascii=False))
        else:
            kept.append(text[at:end])
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return Edited(f"[{','.join(kept)}]".encode(), count)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _texts(item: Mapping[str, object]) -> dict[str, str]:
    return {name.lower(): "" if value is None else str(value) for name, value in item.items()}


def _emptied(item: Mapping[str, object], emptied: tuple[str, ...]) -> dict[str, object]:
    return {name: None if name.lower() in emptied else value for name, value in item.items()}
