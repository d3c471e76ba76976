"""JSON in its three forms (one array, one object per line, a GeoJSON feature collection) as rows of text.

Belongs here: splitting the bytes into objects without holding the whole file, and writing every value as text the way a CSV
would. Does not belong here: CSV (`csv_scan`, `csv_split`), matching names to a contract (`read`).

Numbers keep the source's own digits at the top level (`34.10` stays `34.10`); nested values become JSON text. A JSON null is
no value. Two keys of one object that differ only by case are refused: they would be one column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from civicops.ingest.values import SourceError

MAX_OBJECT_CHARS = 64_000_000
"""One object of a JSON array may be this long; a longer one is not a row."""
MAX_COLLECTION_BYTES = 1_000_000_000
"""A feature collection is held in memory as a whole; larger ones come as CSV, Parquet or lines."""


@dataclass(frozen=True)
class JsonRow:
    """One object: lower-case field -> text (None: null). `line` counts objects (or lines) from 1."""

    line: int
    values: dict[str, str | None]


@dataclass(frozen=True)
class JsonUnreadable:
    """An element or line that is no object, with its text."""

    line: int
    text: str
    error: str


class _Number(float):
    """A float that remembers how it was written; `json.dumps` of nested values writes it as a float."""

    raw: str

    def __new__(cls, raw: str) -> _Number:
        number = super().__new__(cls, raw)
        number.raw = raw
        return number


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


_DECODER = json.JSONDecoder(parse_float=_Number, parse_constant=_refuse_constant, object_pairs_hook=_pairs)


def text_of(value: Any) -> str | None:
    """One JSON value as a CSV would write it: text as it is, `true`/`false`, numbers as written, the rest as JSON text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Number):
        return value.raw
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _row(line: int, value: Any, raw: str) -> JsonRow | JsonUnreadable:
    if not isinstance(value, dict):
        return JsonUnreadable(line, raw, "is not a JSON object")
    if not value:
        return JsonUnreadable(line, raw, "has no fields")
    values = {key.strip().lower(): text_of(item) for key, item in value.items()}
    if len(values) != len(value):
        return JsonUnreadable(line, raw, "has two keys that differ only by case")
    try:
        "".join((*values, *filter(None, values.values()))).encode("utf-8")
    except UnicodeEncodeError:
        return JsonUnreadable(line, raw, "holds half a character (a lone surrogate)")
    return JsonRow(line, values)


def lines(stream: BinaryIO) -> Iterator[JsonRow | JsonUnreadable]:
    """Newline-delimited JSON; blank lines are no rows, a broken line costs itself only."""
    for number, raw in enumerate(stream, start=1):
        content = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if not content.strip():
            continue
        try:
            text = content.decode("utf-8").strip()
            yield _row(number, _DECODER.decode(text), text)
        except UnicodeDecodeError:
            yield JsonUnreadable(number, content.decode("utf-8", "backslashreplace").strip(), "is not UTF-8 text")
        except (ValueError, RecursionError) as error:
            yield JsonUnreadable(number, content.decode("utf-8").strip(), f"is not JSON: {error}")


def array(stream: TextIO) -> Iterator[JsonRow | JsonUnreadable]:
    """The elements of one JSON array, read piece by piece.

    Raises `SourceError` when the text is not one array from beginning to end: half an array is no delivery.
    """
    buffer, position, number = stream.read(1 << 20).removeprefix("\ufeff"), 0, 0

    def skip(characters: str) -> None:
        nonlocal buffer, position
        while True:
            while position < len(buffer) and buffer[position] in characters:
                position += 1
            if position < len(buffer):
                return
            buffer, position = stream.read(1 << 20), 0
            if not buffer:
                return

    skip(" \t\r\n")
    if buffer[position : position + 1] != "[":
        raise SourceError(
            "The JSON is not a list of objects.", hint="Give a JSON array of objects, or one object per line (.ndjson)."
        )
    position += 1
    skip(" \t\r\n")
    while buffer[position : position + 1] != "]":
        while True:
            problem: Exception | None = None
            try:
                value, end = _DECODER.raw_decode(buffer, position)
            except (ValueError, RecursionError) as error:
                end, problem = len(buffer), error
            if end < len(buffer):
                break
            # The element reaches the end of what was read (a number may go on): read more before believing it.
            more = stream.read(max(1 << 20, len(buffer) - position))
            if not more or len(buffer) - position > MAX_OBJECT_CHARS:
                reason = f": {problem}" if problem else ""
                raise SourceError(
                    f"The JSON array breaks off or is broken after {number} rows{reason}.",
                    hint="Get the file again; if it stays so, tell the people who publish it.",
                )
            buffer, position = buffer[position:] + more, 0
        number += 1
        yield _row(number, value, buffer[position:end])
        position = end
        skip(" \t\r\n")
        if buffer[position : position + 1] == ",":
            position += 1
            skip(" \t\r\n")
            if buffer[position : position + 1] == "]":
                raise SourceError("The JSON array ends in a comma.", hint="Get the file again.")
        elif buffer[position : position + 1] != "]":
            raise SourceError(
                f"The JSON array is broken after {number} rows.",
                hint="Get the file again; if it stays so, tell the people who publish it.",
            )
    position += 1
    skip(" \t\r\n")
    if position < len(buffer):
        raise SourceError("The JSON goes on after the end of its array.", hint="Get the file again.")


def features(stream: BinaryIO) -> Iterator[JsonRow | JsonUnreadable]:
    """One row per GeoJSON feature: its properties, `_geometry` (GeoJSON text), `_crs` (the name a file declares, else null).

    A feature's own `id` is `_feature_id`; other foreign members of a feature keep their names (RFC 7946, section 6.1).
    Raises `SourceError` for anything but one whole feature collection.
    """
    content = stream.read(MAX_COLLECTION_BYTES + 1)
    if len(content) > MAX_COLLECTION_BYTES:
        raise SourceError("The GeoJSON file is larger than 1 GB.", hint="Give it as GeoJSON lines or Parquet instead.")
    try:
        whole = _DECODER.decode(content.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"The GeoJSON cannot be read: {error}.", hint="Get the file again.") from error
    del content
    items = whole.get("features") if isinstance(whole, dict) else None
    if not isinstance(items, list) or whole.get("type") != "FeatureCollection":
        raise SourceError(
            "The file is not a GeoJSON feature collection.", hint="Export the layer as a GeoJSON FeatureCollection."
        )
    crs = whole.get("crs")
    name = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    for number, feature in enumerate(items, start=1):
        raw = json.dumps(feature, ensure_ascii=True)
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield JsonUnreadable(number, raw, "is not a GeoJSON feature")
            continue
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            yield JsonUnreadable(number, raw, "has properties that are no object")
            continue
        own = {
            key: value for key, value in feature.items() if key not in ("type", "properties", "geometry", "id", "bbox")
        }
        if "id" in feature:
            own["_feature_id"] = feature["id"]
        own |= {"_geometry": feature.get("geometry"), "_crs": name}
        clash = {key.strip().lower() for key in properties} & {key.lower() for key in own}
        if clash:
            yield JsonUnreadable(number, raw, f"has '{min(clash)}' both as a property and beside the properties")
            continue
        yield _row(number, {**properties, **own}, raw)
