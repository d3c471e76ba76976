"""A little reader of the map's files, written from their description alone, for tests.

Belongs here: opening files and counting in them in the plainest way. Does not belong here: anything from the code that writes them.
"""

from __future__ import annotations

import calendar
import json
import math
import re
import struct
import unicodedata
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

TYPES = {"u8": "B", "u16": "H", "u32": "I", "f32": "f"}
CUBE = (("month", "u8"), ("place", "u16"), ("kind", "u16"), ("status", "u8"), ("count", "u32"))
ROWS = (
    ("x", "u16"), ("y", "u16"), ("day", "u8"), ("kind", "u16"), ("place", "u16"), ("status", "u8"), ("hours", "f32"),
)  # fmt: skip
WAITS = (("month", "u8"), ("place", "u16"), ("type", "u8"), ("bin", "u8"), ("closed", "u32"), ("censored", "u32"))
METERS = 111_320.0

Codes = tuple[str, str, str, str, str, str]
"""Type, department, source, council, district, status."""


@dataclass(frozen=True)
class MapFiles:
    """A folder of map files."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "manifest.json").read_text(encoding="utf-8")))

    def raw(self, name: str) -> bytes:
        content = (self.folder / name).read_bytes()
        magic, length = struct.unpack("<4sI", content[:8])
        raw = zlib.decompress(content[8:])
        assert magic == b"CVM1" and len(raw) == length
        return raw

    def table(self, name: str, layout: tuple[tuple[str, str], ...], rows: int) -> list[tuple[Any, ...]]:
        raw, at, columns = self.raw(name), 0, []
        for _, kind in layout:
            column = array(TYPES[kind])
            size = rows * column.itemsize
            column.frombytes(raw[at : at + size])
            assert not any(raw[at + size : at + size + -size % 4]), "padded with zeros"
            columns.append(column)
            at += size + -size % 4
        assert at == len(raw)
        return list(zip(*columns, strict=True))

    def codes(self, kind: int, place: int, status: int) -> Codes:
        m = self.manifest
        type_, department, source = m["kinds"][kind]
        council, district = m["places"][place]
        return (
            m["types"][type_]["code"], m["departments"][department]["code"], m["sources"][source]["code"],
            m["councils"][council]["code"], m["districts"][district]["code"], m["statuses"][status]["code"],
        )  # fmt: skip

    def cells(self) -> Iterator[tuple[str, Codes, int]]:
        """(month such as 2019-03, codes, requests) of every cell."""
        for entry in self.manifest["cubes"]:
            table = self.table(entry["file"], CUBE, entry["cells"])
            assert table == sorted(table) and len({row[:4] for row in table}) == len(table)
            assert sorted({row[0] for row in table}) == entry["months"]
            for month, place, kind, status, count in table:
                yield f"{entry['year']}-{month:02d}", self.codes(kind, place, status), count

    def rows(self, month: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self.table(month["rows_file"], ROWS, month["rows"])

    def count(self, first: date, last: date, wanted: Callable[[Codes], bool]) -> int:
        """Requests from `first` to `last` (both included): whole months from the cubes, parts of months from the rows."""
        whole = {}
        found = 0
        for month in self.manifest["months"]:
            begin = date(1970, 1, 1) + timedelta(days=month["first_day"])
            end = begin + timedelta(days=month["days"] - 1)
            assert (f"{begin:%Y-%m}", month["days"]) == (
                month["month"],
                calendar.monthrange(begin.year, begin.month)[1],
            )
            if first <= begin and end <= last:
                whole[month["month"]] = True
            elif begin <= last and first <= end:
                for _, _, day, kind, place, status, _ in self.rows(month):
                    on = begin + timedelta(days=day)
                    found += first <= on <= last and wanted(self.codes(kind, place, status))
        return found + sum(count for month, codes, count in self.cells() if month in whole and wanted(codes))

    def place(self, x: int, y: int) -> tuple[float, float]:
        west, south, east, north = self.manifest["bounds"]
        return west + x / 65_535 * (east - west), south + y / 65_535 * (north - south)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def named(self) -> set[str]:
        """Every file that the manifest, or the index it names, speaks of."""
        m = self.manifest
        names = {"manifest.json", m["boundaries_file"], m["addresses"]["index_file"]}
        names |= {month[key] for month in m["months"] for key in ("rows_file", "details_file")}
        names |= {entry["file"] for kind in ("cubes", "waits") for entry in m[kind]}
        return names | {shard["file"] for shard in self.index["shards"]}

    # Waits -------------------------------------------------------------------------------------------------------------

    def waits(self) -> dict[tuple[str, str, str], tuple[Counter[int], Counter[int]]]:
        """(type, council or 'all', month) -> closed and censored by bin."""
        m, found = self.manifest, {}  # type: ignore[var-annotated]
        for entry in m["waits"]:
            table = self.table(entry["file"], WAITS, entry["cells"])
            assert table == sorted(table) and len({row[:4] for row in table}) == len(table)
            for month, place, type_, bin_, closed, censored in table:
                council = m["councils"][m["places"][place][0]]["code"]
                for where in (council, "all"):
                    key = (m["types"][type_]["code"], where, f"{entry['year']}-{month:02d}-01")
                    counts = found.setdefault(key, (Counter(), Counter()))
                    counts[0][bin_] += closed
                    counts[1][bin_] += censored
        return found

    # Outlines ----------------------------------------------------------------------------------------------------------

    def outlines(self, layer: str) -> dict[str, dict[str, Any]]:
        """Code -> GeoJSON geometry."""
        topology = self.topology
        (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
        arcs = []
        for arc in topology["arcs"]:
            x = y = 0
            points = []
            for dx, dy in arc:
                x, y = x + dx, y + dy
                points.append((x * sx + tx, y * sy + ty))
            arcs.append(points)

        def ring(numbers: list[int]) -> list[tuple[float, float]]:
            points: list[tuple[float, float]] = []
            for number in numbers:
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                assert not points or points[-1] == arc[0]
                points += arc if not points else arc[1:]
            assert points[0] == points[-1]
            return points

        made = {}
        for item in topology["objects"][layer]["geometries"]:
            is_multi = item["type"] == "MultiPolygon"
            parts = item["arcs"] if is_multi else [item["arcs"]]
            shape = [[ring(numbers) for numbers in part] for part in parts]
            made[item["properties"]["code"]] = {"type": "MultiPolygon", "coordinates": shape}
        return made

    @cached_property
    def topology(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / self.manifest["boundaries_file"]).read_text(encoding="utf-8")))

    # Addresses ---------------------------------------------------------------------------------------------------------

    @cached_property
    def index(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / self.manifest["addresses"]["index_file"]).read_text(encoding="utf-8")))

    def shard(self, number: int) -> list[dict[str, Any]]:
        return list(json.loads(self.raw(self.index["shards"][number]["file"]))["streets"])

    def find(self, text: str) -> list[tuple[str, tuple[float, float], str, int]]:
        """(label, place, council, requests) of the places that a query names fully; loads few shards, as a browser would."""
        number, direction, key, suffix, crossing, zip_code = taken_apart(text, self.index["words"])
        wanted = int(re.match(r"\d+", number).group()) if number else None  # type: ignore[union-attr]
        found = []
        shards = self._shards(key, wanted)
        for street in (street for one in shards for street in self.shard(one)):
            parts = street["name"].split(" ")
            if street["key"] != key or (direction and parts[0] != direction) or (suffix and parts[-1] != suffix):
                continue
            for n, place in enumerate(street["places"]):
                at = street["zip"][n]
                own = street["zips"][at] if at >= 0 else ""
                is_it = (
                    place == number if not crossing else place.startswith("AT ") and self._key(place[3:]) == crossing
                )
                if is_it and (not zip_code or zip_code == own):
                    spot = self.place(street["xs"][n], street["ys"][n])
                    council = self.manifest["councils"][street["councils"][n]]["code"]
                    found.append((f"{place}|{street['name']}|{own}", spot, council, street["counts"][n]))
        return found

    def _key(self, text: str) -> str:
        return taken_apart(text, self.index["words"])[2]

    def _shards(self, key: str, number: int | None) -> list[int]:
        shards = self.index["shards"]
        low = max([n for n, shard in enumerate(shards) if shard["key"] < key], default=0)
        high = max([n for n, shard in enumerate(shards) if shard["key"] == key], default=low)
        chosen = []
        for n in range(low, high + 1):
            name = (shards[n]["key"], shards[n]["name"])
            after = shards[n + 1] if n + 1 < len(shards) else None
            before = shards[n - 1] if n else None
            if number is not None and after and (after["key"], after["name"]) == name and after["number"] <= number:
                continue
            if (
                number is not None
                and before
                and (before["key"], before["name"]) == name
                and shards[n]["number"] > number
            ):
                continue
            chosen.append(n)
        return chosen


def taken_apart(text: str, words: dict[str, dict[str, str]]) -> tuple[str, str, str, str, str, str]:
    """Number, direction, key, suffix, key of the street that crosses, zip code; by the rules of docs/howto/read-the-map-files.md."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.upper()) if not unicodedata.combining(c))
    plain = re.sub(r"[^A-Z0-9/-]+", " ", re.sub(r"[&@]", " AT ", re.sub(r"['.]", "", plain)))
    tokens = plain.split()
    zip_code = tokens.pop() if len(tokens) > 1 and re.fullmatch(r"\d{5}", tokens[-1]) else ""
    crossing = number = direction = suffix = ""
    for n in range(1, len(tokens) - 1):
        if tokens[n] in words["join"]:
            crossing = taken_apart(" ".join(tokens[n + 1 :]), words | {"join": {}})[2]
            tokens = tokens[:n]
            break
    if not crossing and len(tokens) > 1 and re.fullmatch(r"[0-9]+[A-Z]?(-[0-9]+)?", tokens[0]):
        number = tokens.pop(0)
        if len(tokens) > 1 and tokens[0] == "1/2":
            number += " " + tokens.pop(0)
    if len(tokens) > 1 and tokens[0] in words["direction"] and not (len(tokens) == 2 and tokens[1] in words["suffix"]):
        direction = words["direction"][tokens.pop(0)]
    if len(tokens) > 1 and tokens[-1] in words["suffix"]:
        suffix = words["suffix"][tokens.pop()]
    if len(tokens) > 1 and tokens[0] in words["suffix"] and tokens[1][0].isdigit():
        tokens[0] = words["suffix"][tokens[0]]
    return number, direction, " ".join(words["word"].get(t, t) for t in tokens), suffix, crossing, zip_code


def meters(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of two places of one city."""
    wide = METERS * math.cos(math.radians(a[1]))
    return math.hypot((a[0] - b[0]) * wide, (a[1] - b[1]) * METERS)
