"""What of a listing is compared: names and streets without what people write in ten ways.

Belongs here: one listing's keys. Does not belong here: comparing (`model`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_NOISE = frozenset(
    {"the", "of", "and", "inc", "llc", "at", "in", "for", "a", "an", "de", "la", "el", "los", "las", "y"}
)
_SAME = {
    "saint": "st",
    "sainte": "st",
    "santo": "st",
    "mount": "mt",
    "centre": "center",
    "ctr": "center",
    "cntr": "center",
    "chr": "church",
    "assn": "association",
    "cntry": "country",
    "svcs": "services",
    "service": "services",
    "ministry": "ministries",
    "intl": "international",
    "comm": "community",
    "1st": "first",
    "2nd": "second",
    "3rd": "third",
    "co": "county",
    "gardens": "garden",
    "programs": "program",
    "pantries": "pantry",
}
_TYPES = frozenset(
    {
        "st",
        "ave",
        "blvd",
        "rd",
        "dr",
        "ln",
        "pl",
        "ct",
        "hwy",
        "pkwy",
        "ter",
        "cir",
        "way",
        "sq",
        "trl",
        "plz",
        "n",
        "s",
        "e",
        "w",
        "ne",
        "nw",
        "se",
        "sw",
    }
)


_VAGUE = frozenset({"unknown", "other", "test"})


def words_of(text: str | None) -> list[str]:
    """The words of a name that tell it apart, in one spelling, in their order."""
    plain = unicodedata.normalize("NFKD", (text or "").lower()).encode("ascii", "ignore").decode()
    plain = re.sub(r"['’`.]", "", plain).replace("&", " and ")
    return [_SAME.get(word, word) for word in re.findall(r"[a-z0-9]+", plain) if word not in _NOISE]


def street_of(text: str | None) -> tuple[str, str]:
    """House number and the words of the street without type and direction: ('8724', 'central')."""
    words = re.findall(r"[a-z0-9]+", (text or "").lower())
    number = words[0] if words and words[0][:1].isdigit() else ""
    rest = [word for word in words[1 if number else 0 :] if word not in _TYPES]
    return number, " ".join(re.sub(r"^(\d+)(st|nd|rd|th)$", r"\1", word) for word in rest)


def keys_of(listing_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row that is compared. Empty values are None: nothing agrees with nothing."""
    words = words_of(values["name"])
    number, street = street_of(values["address_1"])
    phone = re.sub(r"\D", "", values["phone_number"] or "") or None
    host = re.sub(r"^https?://(www\.)?", "", values["url"] or "").split("/")[0] or None
    lat, lon = values["latitude"], values["longitude"]
    return {
        "unique_id": listing_id,
        "name_key": " ".join(words) or None,
        "name_sorted": " ".join(sorted(set(words))) or None,
        "first_word": words[0] if words else None,
        "number": number or None,
        "street": street or None,
        "address_key": f"{number} {street}" if number and street else None,
        "unit": "".join(words_of(values["address_2"])) or None,
        "zip": values["postal_code"],
        "phone": phone,
        "host": host,
        "lat": lat,
        "lon": lon,
        "kinds": " ".join(code for code in values["category_codes"] if code not in _VAGUE) or None,
        "cell": f"{lat:.3f},{lon:.3f}" if lat is not None else None,
    }
