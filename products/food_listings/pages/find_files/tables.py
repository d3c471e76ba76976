"""Downloads for everybody: one JSON file, one table.

Belongs here: the two forms, whose names are those of the contracts. Does not belong here: HSDS (`hsds`), the page (`payload`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from ...hours import opening_hours, to_rows, write
from .listings import COLUMNS, Listing

LICENCE = "CC0-1.0"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes what begins so for a formula, and runs it."""


def to_json(listings: Sequence[Listing], moment: datetime) -> dict[str, Any]:
    """Every listing with the columns of `listings`, its hours as rows and in words, and its fields."""
    return {
        "name": "food_listings",
        "licence": LICENCE,
        "made_at": moment.isoformat(),
        "listing_count": len(listings),
        "listings": [_listing(listing) for listing in listings],
    }


def _listing(listing: Listing) -> dict[str, Any]:
    made = {name: _plain(listing[name]) for name in COLUMNS}
    made["hours"] = {
        "in_words": hours_in_words(listing, "en"),
        "in_words_es": hours_in_words(listing, "es"),
        "opening_hours": opening_hours(listing.schedule) if listing.schedule else None,
        "schedules": [
            {name: _plain(value) for name, value in row.items()} for row in to_rows(listing.schedule)
        ] if listing.schedule else [],
    }  # fmt: skip
    made["fields"] = {
        code: {name: _plain(value) for name, value in field.items() if name not in ("listing_id", "field_code")}
        for code, field in sorted(listing.fields.items())
    }
    return made


def hours_in_words(listing: Listing, language: Any) -> str:
    """Hours as a person reads them; the source's words where no rule says any."""
    return (write(listing.schedule, language) if listing.schedule else "") or str(listing["hours_text"] or "")


def to_csv(listings: Sequence[Listing]) -> str:
    """A table of UTF-8 with a byte order mark, so that spreadsheets see it; lists are joined by ' | '."""
    fields = sorted({code for listing in listings for code in listing.fields})
    head = [*COLUMNS, "hours_in_words", "opening_hours"]
    for code in fields:
        head += [f"{code}_state", f"{code}_confirmed_at"]
    stream = io.StringIO()
    stream.write("\ufeff")
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow(head)
    for listing in listings:
        row = [_cell(listing[name]) for name in COLUMNS]
        row += [
            _cell(hours_in_words(listing, "en")),
            _cell(opening_hours(listing.schedule) if listing.schedule else None),
        ]
        for code in fields:
            field = listing.fields.get(code, {})
            row += [listing.state_of(code), _cell(field.get("confirmed_at"))]
        table.writerow(row)
    return stream.getvalue()


def _cell(value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, int | float):
        return str(plain)
    text = " | ".join(map(str, plain)) if isinstance(plain, list) else str(plain)
    # A quote in front makes it text for a spreadsheet. A number that begins with a sign stays one.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
