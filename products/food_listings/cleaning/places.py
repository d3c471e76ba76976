"""Addresses (usaddress) and points: parts told apart, one form, what cannot be taken out.

Belongs here: one row. Does not belong here: what other rows with the same zip code say (`across`), geocoding.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

import usaddress

from .notes import Notes

_UNIT = ("OccupancyType", "OccupancyIdentifier", "SubaddressType", "SubaddressIdentifier", "BuildingName")
_ZIP = re.compile(r"(\d{5})(?:[-\s]?\d{4})?")
_BOX = re.compile(r"\bp\.?\s*o\.?\s*box\b", re.IGNORECASE)


@dataclass(frozen=True)
class Parsed:
    """The parts of an address as usaddress tags them; `kind` is Street Address, Intersection, PO Box or Ambiguous."""

    parts: Mapping[str, str]
    kind: str


@functools.lru_cache(maxsize=200_000)
def parse_address(text: str) -> Parsed:
    """Tag an address; of a label that occurs twice the first counts and the kind is Ambiguous."""
    try:
        parts, kind = usaddress.tag(text)
        return Parsed(dict(parts), kind)
    except usaddress.RepeatedLabelError as error:
        found: dict[str, str] = {}
        last = ""
        for word, label in error.parsed_string:
            if label not in found:
                found[label] = word.strip(",")
            elif label == last:
                found[label] += " " + word.strip(",")
            last = label
        return Parsed(found, "Ambiguous")


@dataclass(frozen=True)
class Address:
    """Street and number, unit, city, state, zip code; `has_number` and `is_readable` say what could be told apart."""

    street: str | None
    unit: str | None
    city: str | None
    state: str | None
    zip: str | None
    has_number: bool
    is_readable: bool


def canonical_street(parsed: Parsed, words: Mapping[str, str]) -> str:
    """Street and number in one form: '8724 S Central Ave'. `words` maps a street word or direction to how it is written."""
    pieces = []
    for label, part in parsed.parts.items():
        if label in _UNIT or label in ("PlaceName", "StateName", "ZipCode", "CountryName"):
            continue
        text = " ".join(part.split()).strip(" ,")
        if label.endswith(("PostType", "PreType", "PreDirectional", "PostDirectional")):
            text = words.get(text.lower().strip(".").replace(".", ""), text)
        elif label.endswith("AddressNumber"):
            text = text.strip(".#")
        else:
            text = text.rstrip(".")
        if text:
            pieces.append(text)
    return " ".join(pieces)


def clean_address(
    street: str | None,
    unit: str | None,
    city: str | None,
    state: str | None,
    postal: str | None,
    one_line: str | None,
    words: Mapping[str, str],
    states: Mapping[str, str],
    default_state: str,
    notes: Notes,
) -> Address:
    """An address in one form. What is in `one_line` only fills what the other columns leave empty."""
    text = street or one_line
    parsed = parse_address(text) if text else Parsed({}, "Ambiguous")
    new_unit = unit
    if text:
        if one_line and not street:
            notes.fix("address_1", one_line, canonical_street(parsed, words), "address_split")
        occupied = " ".join(parsed.parts[label] for label in _UNIT if label in parsed.parts).strip(" ,")
        if occupied and not unit:
            notes.fix("address_2", "", occupied, "unit_split")
            new_unit = occupied
    readable = bool(text) and (parsed.kind in ("Street Address", "Intersection") or "StreetName" in parsed.parts)
    has_number = "AddressNumber" in parsed.parts or parsed.kind == "Intersection"
    new_street = canonical_street(parsed, words) if readable else text
    if occupied_lost(text, new_street, parsed, unit):
        new_street = text  # usaddress put something where it may not be; better as it was than short of a word
    if text and street:
        notes.fix("address_1", street, new_street, "address_canonical")
    if text and _BOX.search(text):
        notes.find("address_po_box", "address", text, "A post office box is no place to get food.")
    elif text and not readable:
        notes.find("address_unreadable", "address", text, "Street and number cannot be told apart.")
    elif text and not has_number:
        notes.find("address_no_number", "address", text, "There is no house number.")
    city = city or (parsed.parts.get("PlaceName", "").strip(" ,") or None if not street else None)
    state = clean_state(state or (parsed.parts.get("StateName") if not street else None), states, default_state, notes)
    postal = clean_zip(postal or (parsed.parts.get("ZipCode") if not street else None), notes)
    return Address(new_street or None, new_unit, city, state, postal, has_number, readable)


def occupied_lost(text: str | None, street: str | None, parsed: Parsed, unit: str | None) -> bool:
    """Whether taking the unit out would lose it because the second line is in use already and says something else."""
    occupied = "".join(parsed.parts[label] for label in _UNIT if label in parsed.parts)
    bare = re.sub(r"[^a-z0-9]", "", occupied.lower())
    return bool(text and street is not None and bare and unit and bare not in re.sub(r"[^a-z0-9]", "", unit.lower()))


def clean_state(raw: str | None, states: Mapping[str, str], default: str, notes: Notes) -> str | None:
    """Two letters; a state that is missing is the policy's, and both are fixes."""
    if not raw or not raw.strip():
        if default:
            notes.fix("state_province", "", default, "state_canonical")
        return default or None
    code = states.get(raw.strip(" .,").lower())
    if code:
        notes.fix("state_province", raw.strip(), code, "state_canonical")
        return code
    return raw.strip()


def clean_zip(raw: str | None, notes: Notes) -> str | None:
    """Five digits; what is none stays as it is and is a finding."""
    if not raw or not raw.strip():
        return None
    text = raw.strip()
    match = _ZIP.fullmatch(text)
    if match:
        notes.fix("postal_code", text, match[1], "postal_code_canonical")
        return match[1]
    if re.fullmatch(r"\d{4}", text):
        notes.fix("postal_code", text, "0" + text, "postal_code_padded")
        return "0" + text
    notes.find("postal_code_invalid", "address", text, "A zip code is five digits.")
    return None


def clean_point(
    latitude: str | None, longitude: str | None, box: tuple[float, float, float, float], notes: Notes
) -> tuple[float | None, float | None]:
    """A point in degrees, or none. `box` (west, south, east, north) is where points are expected.

    Latitude and longitude that changed places are put right where only that brings the point near the box.
    """
    lat, lon = _degrees(latitude), _degrees(longitude)
    if lat is None or lon is None:
        if (latitude or "").strip() or (longitude or "").strip():
            notes.fix("point", f"{latitude}, {longitude}", "", "coordinates_far_removed")
        return None, None
    if abs(lat) < 0.01 and abs(lon) < 0.01:
        notes.fix("point", f"{latitude}, {longitude}", "", "coordinates_zero_removed")
        return None, None
    if not _near(lat, lon, box) and _near(lon, lat, box):
        notes.fix("point", f"{lat}, {lon}", f"{lon}, {lat}", "coordinates_swapped")
        lat, lon = lon, lat
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        notes.fix("point", f"{latitude}, {longitude}", "", "coordinates_far_removed")
        return None, None
    return lat, lon


def _degrees(text: str | None) -> float | None:
    try:
        value = float((text or "").strip())
    except ValueError:
        return None
    return value if abs(value) <= 1000 else None


def _near(lat: float, lon: float, box: tuple[float, float, float, float], margin: float = 5.0) -> bool:
    west, south, east, north = box
    return south - margin <= lat <= north + margin and west - margin <= lon <= east + margin
