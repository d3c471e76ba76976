"""Made-up places that give food, and the lists in which they stand, each with its own columns, spellings and faults; the
truth is known.

Belongs here: the places and the rows of the lists. Does not belong here: serving them.

    made = make_listings(seed=7, places=120)
    made.lists["larfb"]      header and rows, as the list's owner would send them
    made.truth               which rows are one place, which are closed, what is wrong where
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAMES = (
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fern",
    "Garnet",
    "Hazel",
    "Iris",
    "Juniper",
    "Laurel",
    "Maple",
    "Nettle",
    "Olive",
    "Poplar",
    "Quince",
    "Rowan",
    "Sage",
    "Thyme",
    "Willow",
)
KINDS = (
    ("Community Food Pantry", 1),
    ("Church Food Pantry", 1),
    ("Family Meal Program", 9),
    ("Neighborhood Food Bank", 8),
    ("Care Center", 7),
)
STREETS = (
    ("Alder", "Street"),
    ("Harbor", "Boulevard"),
    ("Mission", "Road"),
    ("Olive", "Avenue"),
    ("Sunset", "Drive"),
    ("Valley", "Avenue"),
    ("Canyon", "Road"),
    ("Ocean", "Boulevard"),
    ("Park", "Place"),
    ("Mill", "Lane"),
)
TOWNS = (
    ("Los Angeles", "90012", 34.061, -118.238),
    ("Los Angeles", "90037", 34.003, -118.287),
    ("Pasadena", "91101", 34.146, -118.139),
    ("Long Beach", "90802", 33.768, -118.189),
    ("Compton", "90220", 33.889, -118.236),
    ("Van Nuys", "91405", 34.200, -118.446),
    ("Pomona", "91766", 34.042, -117.756),
    ("Torrance", "90501", 33.834, -118.315),
)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}


@dataclass(frozen=True)
class Place:
    """One place as it really is."""

    number: int
    name: str
    category: int
    street: str
    city: str
    zip: str
    latitude: float
    longitude: float
    phone: str
    email: str
    website: str
    week: int
    day: str
    opens: str
    closes: str
    is_closed: bool


@dataclass
class Truth:
    """The answer key. Rows are named `<list>:<number>`."""

    place_of: dict[str, int] = field(default_factory=dict)
    """Row -> number of the place it is about."""
    duplicates: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of rows of one list that are one place, in the order of their names."""
    closed: set[str] = field(default_factory=set)
    """Rows that do not say that their place is closed for good."""
    faults: dict[str, str] = field(default_factory=dict)
    """Row -> the fault that was planted: phone_invalid, coordinates_swapped, coordinates_zero, old_hours, email_invalid."""


@dataclass(frozen=True)
class MadeListings:
    """The places, the lists as (header, rows), and the truth."""

    places: tuple[Place, ...]
    lists: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]]
    truth: Truth

    def write(self, folder: Path) -> dict[str, Path]:
        """Each list as a CSV file; list -> path."""
        folder.mkdir(parents=True, exist_ok=True)
        done = {}
        for name, (header, rows) in self.lists.items():
            path = folder / f"{name}.csv"
            with path.open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows([header, *rows])
            done[name] = path
        return done


FOODOASIS = (
    "id",
    "name",
    "address_1",
    "city",
    "state",
    "zip",
    "phone",
    "latitude",
    "longitude",
    "website",
    "email",
    "notes",
    "inactive",
    "category_ids",
    "hours",
    "languages",
    "modified_date",
    "approved_date",
    "verification_status_id",
    "v_name",
    "v_categories",
    "v_address",
    "v_phone",
    "v_email",
    "v_hours",
    "v_food_types",
    "admin_contact_name",
    "admin_contact_email",
)
LARFB = ("name", "lar_code", "agency_posting_code", "phone", "street", "city", "state", "zip", "stars")
OPEN_LA = (
    "id",
    "cat2",
    "name",
    "addrln1",
    "city",
    "state",
    "zip",
    "hours",
    "phones",
    "url",
    "description",
    "latitude",
    "longitude",
    "dateupdated",
)


def make_listings(seed: int = 7, places: int = 120, approved: str = "2026-09-01 10:00:00-07") -> MadeListings:
    """The same seed gives the same world. `approved` is when the approved rows of the project's list were approved."""
    rng = random.Random(seed)
    made = tuple(_place(rng, number) for number in range(places))
    truth = Truth()
    lists: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = {
        "foodoasis": (FOODOASIS, list(_foodoasis(rng, made, truth, approved))),
        "larfb": (LARFB, list(_larfb(rng, made, truth))),
        "open_la": (OPEN_LA, list(_open_la(rng, made, truth))),
    }
    return MadeListings(made, lists, truth)


def _place(rng: random.Random, number: int) -> Place:
    # No two of the first 380 places have the same two words: two places of one name are one place here.
    first, second = NAMES[number % len(NAMES)], NAMES[(number + 1 + number // len(NAMES)) % len(NAMES)]
    kind, category = KINDS[rng.randrange(len(KINDS))]
    city, zip_code, lat, lon = TOWNS[rng.randrange(len(TOWNS))]
    street, way = STREETS[rng.randrange(len(STREETS))]
    day = DAYS[rng.randrange(7)]
    opens = rng.choice((8, 9, 10, 13, 15))
    return Place(
        number,
        f"{first} {second} {kind}",
        category,
        f"{rng.randrange(100, 9900)} {street} {way}",
        city,
        zip_code,
        round(lat + rng.uniform(-0.02, 0.02), 6),
        round(lon + rng.uniform(-0.02, 0.02), 6),
        f"({rng.choice((213, 310, 323, 562, 626, 818))}) {rng.randrange(220, 980)}-{rng.randrange(10_000):04d}",
        f"info{number}@example.org",
        f"https://place{number}.example.org/",
        rng.choice((0, 0, 0, 1, 3)),
        day,
        f"{opens:02d}:00:00",
        f"{opens + rng.choice((2, 3, 4)):02d}:00:00",
        rng.random() < 0.08,
    )


def _foodoasis(rng: random.Random, places: Sequence[Place], truth: Truth, approved: str) -> Iterable[tuple[str, ...]]:
    number = 1000
    for place in places:
        number += 1
        yield _foodoasis_row(rng, place, number, truth, approved, is_copy=False)
        if rng.random() < 0.07:
            first = f"foodoasis:{number}"
            number += 1
            yield _foodoasis_row(rng, place, number, truth, approved, is_copy=True)
            truth.duplicates.add((first, f"foodoasis:{number}"))


def _foodoasis_row(
    rng: random.Random, place: Place, number: int, truth: Truth, approved: str, *, is_copy: bool
) -> tuple[str, ...]:
    row = f"foodoasis:{number}"
    truth.place_of[row] = place.number
    phone, lat, lon, email, notes, inactive = (
        place.phone,
        f"{place.latitude}",
        f"{place.longitude}",
        place.email,
        "",
        "f",
    )
    name, street = place.name, place.street
    week, opens = place.week, place.opens
    if place.is_closed:
        truth.closed.add(row)
        notes = rng.choice(
            ("This pantry is permanently closed.", "They no longer offer food here.", "Closed until further notice.")
        )
    fault = rng.choices(
        ("", "phone_invalid", "coordinates_swapped", "coordinates_zero", "old_hours", "email_invalid"),
        (80, 4, 3, 3, 6, 4),
    )[0]
    if fault:
        truth.faults[row] = fault
    if fault == "phone_invalid":
        phone = "(213) 1"
    elif fault == "coordinates_swapped":
        lat, lon = lon, lat
    elif fault == "coordinates_zero":
        lat, lon = "0", "0"
    elif fault == "old_hours":
        opens = "07:00:00"
    elif fault == "email_invalid":
        email = "info at example"
    if is_copy:
        name = place.name.replace("Community", "Comm.").replace("Church", "Chr")
        street = (
            place.street.replace("Street", "St.")
            .replace("Avenue", "Av")
            .replace("Boulevard", "Blvd")
            .replace("Road", "Rd")
        )
        phone = phone.replace("(", "").replace(") ", ".").replace("-", ".")
    status = "1" if is_copy else rng.choices(("4", "1", "2", "3"), (60, 25, 10, 5))[0]
    flag = "t" if status == "4" else "f"
    return (
        str(number),
        name,
        street,
        place.city,
        "CA",
        place.zip,
        phone,
        lat,
        lon,
        place.website,
        email,
        notes,
        inactive,
        str(place.category),
        f"({week},{place.day},{opens},{place.closes})",
        "English",
        "2026-08-30 09:00:00-07",
        approved if status == "4" else "",
        status,
        *([flag] * 7),
        f"Contact {place.number}",
        f"private{place.number}@example.org",
    )


def _larfb(rng: random.Random, places: Sequence[Place], truth: Truth) -> Iterable[tuple[str, ...]]:
    for place in places:
        if rng.random() < 0.5:
            code = f"{2000 + place.number}"
            truth.place_of[f"larfb:{code}"] = place.number
            street = place.street.replace("Street", "St.").replace("Avenue", "Ave.").replace("Boulevard", "Blvd")
            yield (
                place.name,
                code,
                "USDA",
                place.phone.replace("(", "").replace(") ", "-"),
                street,
                place.city,
                "CA",
                place.zip,
                "",
            )


def _open_la(rng: random.Random, places: Sequence[Place], truth: Truth) -> Iterable[tuple[str, ...]]:
    for place in places:
        if rng.random() < 0.3:
            number = f"{place.number + 1}"
            truth.place_of[f"open_la:{number}"] = place.number
            end = int(place.closes[:2])
            words = f"{LONG[place.day]}, {_clock(int(place.opens[:2]))} to {_clock(end)}."
            yield (
                number,
                "Food Assistance",
                place.name.upper(),
                place.street,
                place.city,
                "CA",
                place.zip,
                words if place.week == 0 else "",
                f"FAX (213) 485-0199,  Service/Intake {place.phone}",
                place.website,
                "Gives food to families.",
                f"{place.latitude}",
                f"{place.longitude}",
                "1370112656000",
            )


def _clock(hour: int) -> str:
    return f"{hour % 12 or 12}:00{'am' if hour < 12 else 'pm'}"
