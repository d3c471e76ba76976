"""Where a row stands in the bytes that were landed.

Belongs here: from an accepted row, or one that was held back, to the file, byte, line and raw text it was read from. Does not
belong here: unpacking (`civicops.ingest.frames`), reading whole objects (`civicops.ingest.read`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from civicops.contracts import Contract
from civicops.ingest.frames import FramedObject
from civicops.ingest.json_rows import JsonRow
from civicops.ingest.landing import Landing
from civicops.ingest.layout import unique_names
from civicops.ingest.measure import json_records
from civicops.ingest.values import Delivery, LandedObject

LONGEST = 1_000_000
"""A record of more bytes than this around its key is not looked for."""


@dataclass(frozen=True)
class Origin:
    """The place of one row in what was landed. `line` and `offset` count from 1 and 0; of JSON `line` counts objects.

    `fields` are the raw values by the source's (lower-case) names. `missing` says why the bytes could not be shown.
    """

    source: str
    sha256: str
    delivery: int
    retrieved_at: datetime | None = None
    url: str = ""
    path: str = ""
    line: int | None = None
    offset: int | None = None
    raw: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    missing: str = ""


def find_origin(
    landing: Landing,
    product: str,
    source: str,
    sha256: str,
    delivery: int,
    wanted: Mapping[str, str],
    *,
    near: float = 0.0,
) -> Origin:
    """The place of the record whose raw fields hold `wanted` (lower-case field to text, blanks around it do not count).

    `near` is a guess, from 0 to 1, at how far into the object it stands. Raises `LandingError` for a damaged object.
    """
    found = _landed(landing, product, source, sha256)
    if found is None:
        return Origin(source, sha256, delivery, missing="the manifest of its delivery is gone")
    _, landed = found
    path = landing.object_path(product, source, sha256, landed.media)
    start = Origin(source, sha256, delivery, landed.retrieved_at, landed.url, str(path))
    if not path.is_file():
        return _but(start, missing="the landed object is gone; fetch the source again to have it")
    needle = max(wanted.values(), key=len, default="")
    if not needle:
        return _but(start, missing="the row has no text to find it by")
    if landed.media == "csv":
        return _in_csv(start, landed, wanted, needle, near)
    if landed.media in ("json", "ndjson", "geojson"):
        return _in_json(start, landing, product, source, landed, wanted)
    return _but(start, missing=f"rows of a '{landed.media}' object have no line of their own")


def _landed(landing: Landing, product: str, source: str, sha256: str) -> tuple[Delivery, LandedObject] | None:
    for delivery in reversed(landing.deliveries(product, source)):
        for item in delivery.objects:
            if item.sha256 == sha256:
                return delivery, item
    return None


def _but(origin: Origin, **changes: object) -> Origin:
    return Origin(**{**{name: getattr(origin, name) for name in Origin.__dataclass_fields__}, **changes})


def _in_csv(start: Origin, landed: LandedObject, wanted: Mapping[str, str], needle: str, near: float) -> Origin:
    names = unique_names(landed.shape.fields)[0]
    # As a CSV writes it: a quote inside is doubled.
    text = needle.replace('"', '""').encode()
    with FramedObject(Path(start.path)) as framed:
        for offset in framed.find(text, near=near):
            for begin, end, values in _records(framed, offset, len(names)):
                fields = {name: value or None for name, value in zip(names, values, strict=True)}
                if _holds(fields, wanted):
                    line = framed.line_of(begin)
                    raw = framed.part(begin, end).decode("utf-8", errors="backslashreplace").rstrip("\r\n")
                    return _but(start, line=line, offset=begin, raw=raw, fields=fields)
    return _but(start, missing="no record of the object holds these values")


def _records(framed: FramedObject, offset: int, width: int) -> Iterator[tuple[int, int, list[str]]]:
    """Records of `width` values around an offset, the shortest first: a value in quotes may hold line ends."""
    low = max(0, offset - LONGEST // 2)
    around = framed.part(low, min(framed.size, offset + LONGEST // 2))
    at = offset - low
    begin, end = around.rfind(b"\n", 0, at) + 1, around.find(b"\n", at)
    begins = [begin]
    for _ in range(8):
        if begins[-1] == 0:
            break
        begins.append(around.rfind(b"\n", 0, begins[-1] - 1) + 1)
    ends = [len(around) if end < 0 else end + 1]
    for _ in range(8):
        further = around.find(b"\n", ends[-1])
        if further < 0:
            break
        ends.append(further + 1)
    for first in begins:
        for last in ends:
            if (values := _values(around[first:last])) is not None and len(values) == width:
                yield low + first, low + last, values
                return


def _values(raw: bytes) -> list[str] | None:
    try:
        rows = list(csv.reader([raw.decode("utf-8").removeprefix("\ufeff").rstrip("\r\n")], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return None
    return rows[0] if len(rows) == 1 else None


def _in_json(
    start: Origin, landing: Landing, product: str, source: str, landed: LandedObject, wanted: Mapping[str, str]
) -> Origin:
    with json_records(landed.media, lambda: landing.open_bytes(product, source, landed)) as records:
        for record in records:
            if isinstance(record, JsonRow) and _holds(record.values, wanted):
                raw = ", ".join(f"{name}: {value}" for name, value in record.values.items() if value is not None)
                return _but(start, line=record.line, raw=raw, fields=dict(record.values))
    return _but(start, missing="no object of the file holds these values")


def _holds(fields: Mapping[str, str | None], wanted: Mapping[str, str]) -> bool:
    return all((fields.get(name) or "").strip() == value.strip() for name, value in wanted.items())


def wanted_fields(contract: Contract, row: Mapping[str, object]) -> list[dict[str, str]]:
    """What to look for: for each choice of source names, the row's key; all its texts where the key is not all text.

    A key that is no text may be written in many ways in a source, so only texts are looked for.
    """
    texts = [column for column in contract.columns if column.source_names and isinstance(row.get(column.name), str)]
    # A key that is all text says which row it is; of any other all texts of the row together do, as well as they can.
    is_text = all(isinstance(row.get(name), str) for name in contract.key)
    keys = [column for column in texts if column.name in contract.key] if contract.key and is_text else texts
    found: list[dict[str, str]] = []
    for number in range(max((len(column.source_names) for column in keys), default=0)):
        found.append({
            column.source_names[min(number, len(column.source_names) - 1)].strip().lower(): str(row[column.name])
            for column in keys
            if row[column.name]
        })  # fmt: skip
    return [item for item in found if item]
