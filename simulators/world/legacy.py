"""Rows as the old 311 system (2015-2025) publishes them.

Belongs here: the values of the legacy columns, before anything is planted in them. Does not belong here: anomalies.
"""

from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.world import names
from simulators.world import vocabulary as vocab
from simulators.world.arrow import Array, pa, pc
from simulators.world.city import NEW_PLAN_FIRST_YEAR
from simulators.world.clock import BULK_UPDATE, Times, clear_of_clock_changes, creation_times
from simulators.world.coded import blank, coded
from simulators.world.draw import (
    Draw,
    ascending_numbers,
    choose,
    draw,
    pick,
    place_columns,
    seconds,
    updated_times,
)
from simulators.world.frame import Frame
from simulators.world.places import make_places

# First number after "1-" and the length of the year's range; real numbers grew from 8 to 10 digits.
NUMBERS: Final = {
    2015: (11_000_001, 80_000_000), 2016: (110_000_001, 380_000_000), 2017: (500_000_001, 360_000_000),
    2018: (1_010_000_001, 180_000_000), 2019: (1_200_000_001, 310_000_000), 2020: (1_523_000_001, 360_000_000),
    2021: (1_900_000_001, 380_000_000), 2022: (2_300_000_001, 380_000_000), 2023: (2_700_000_001, 600_000_000),
    2024: (3_400_000_001, 700_000_000), 2025: (4_200_000_001, 400_000_000),
}  # fmt: skip
Rng = np.random.Generator


def _null_share(year: int, created: Times) -> NDArray[np.float64]:
    """Probability that a row has no coordinates: 17 % to 2017, fading out over 2018, 0.1 % after (measured)."""
    if year < 2018:
        return np.full(len(created), 0.17)
    if year == 2018:
        month = created.astype("datetime64[M]").astype(np.int64) % 12
        return 0.11 * (1 - month / 11) + 0.0005
    return np.full(len(created), 0.001)


def _service_dates(rng: Rng, drawn: Draw, crew: NDArray[np.bool_], grown: NDArray[np.bool_]) -> Times:
    """Planned service day at midnight (mostly); crews' own entries lie before creation (16 % of rows in 2020)."""
    n = len(drawn.created)
    style = np.array([k.service for k in vocab.LEGACY_TYPES])[drawn.kind]
    midnight = drawn.created.astype("datetime64[D]").astype("datetime64[s]")
    later = midnight + (rng.integers(1, 8, n) * 86_400).astype("timedelta64[s]")
    exact = clear_of_clock_changes(drawn.created + seconds(rng.exponential(2.0, n)))
    later = np.where(rng.random(n) < 0.15, exact, later)
    earlier = midnight - (rng.geometric(0.35, n) * 86_400 - 86_400).astype("timedelta64[s]")
    out = np.where((style == "earlier") & crew & grown, earlier, later)
    out[style == "none"] = np.datetime64("NaT")
    return out


def _owners(rng: Rng, drawn: Draw, year: int) -> Array:
    owners = pa.array([k.owner for k in vocab.LEGACY_TYPES]).take(pa.array(drawn.kind))
    if year >= 2020:
        bureau = pc.equal(owners, "BOS").to_numpy(zero_copy_only=False)
        renamed = bureau & (rng.random(len(bureau)) < (0.008 if year == 2020 else 1.0))
        owners = pc.if_else(pa.array(renamed), "LASAN", owners)
    odd = rng.random(len(owners)) < 0.0004
    return pc.if_else(
        pa.array(odd), choose(rng, len(owners), {"BSS": 3, "LADOT": 1, "RAP": 1, "BOE": 1, "LADBS": 1}), owners
    )


def _organizations(rng: Rng, source: Array, owner: Array, n: int) -> Array:
    by_source: dict[str, dict[str, float]] = {
        "Call": {"BOS": 0.78, "ITA": 0.21, "LASAN": 0.01},
        "Mobile App": {"Self Service": 1.0},
        "Self Service": {"Self Service": 0.79, "Self Service_SAN": 0.21},
        "Driver Self Report": {"OCB": 0.88, "Proactive Insert": 0.12},
    }
    out = owner
    for name, options in by_source.items():
        out = pc.if_else(pc.equal(source, name), choose(rng, n, options), out)
    return out


def _status(rng: Rng, drawn: Draw) -> Array:
    n = len(drawn.created)
    closed = choose(rng, n, {"Closed": 1 - vocab.LEGACY_CANCELLED - vocab.LEGACY_REFERRED,
                             "Cancelled": vocab.LEGACY_CANCELLED, "Referred Out": vocab.LEGACY_REFERRED})  # fmt: skip
    return pc.if_else(pa.array(np.isnat(drawn.closed)), choose(rng, n, vocab.LEGACY_OPEN_STATUSES), closed)


def _people_columns(rng: Rng, drawn: Draw, area: NDArray[np.int64]) -> dict[str, Any]:
    n = len(area)
    app = pc.equal(drawn.source, "Mobile App").to_numpy(zero_copy_only=False)
    yard = np.where(rng.random(n) < 0.72, area % 5, pick(rng, n, [1.0] * 10))
    return {
        "MobileOS": blank(choose(rng, n, {"iOS": 0.67, "Android": 0.33}), ~app),
        "Anonymous": choose(rng, n, {"N": 0.89, "Y": 0.11}),
        "AssignTo": coded(vocab.ASSIGNEES, yard, rng.random(n) < 0.018),
        "AddressVerified": choose(rng, n, {"Y": 0.9995, "M": 0.0005}),
        "ApproximateAddress": blank(choose(rng, n, {"N": 0.987, "Y": 0.013}), rng.random(n) < 0.29),
        "ActionTaken": choose(rng, n, {"SR Created": 0.9994, "SR Updated": 0.0004, "Information Provided": 0.0002}),
    }


def legacy_frame(
    seed: int, year: int, rng: Rng, n: int, first: date, end: date, until: np.datetime64, serial_from: int | None
) -> Frame:
    """`n` clean legacy rows created in [first, end), as known at `until`, in order of creation."""
    places = make_places(seed)
    created = creation_times(rng, n, first, end, "legacy")
    drawn = draw(rng, vocab.LEGACY_TYPES, vocab.RARE_SOURCES, created, until)
    crew = pc.equal(drawn.source, "Driver Self Report").to_numpy(zero_copy_only=False)
    graffiti = drawn.kind == 1
    start, span = NUMBERS[year] if serial_from is None else (serial_from, 20 * n)
    number = ascending_numbers(rng, n, start, span, 10)
    plan = "2021" if year >= NEW_PLAN_FIRST_YEAR else "2012"
    columns = place_columns(places, drawn, seed, year, plan)
    owner = _owners(rng, drawn, year)
    updated = updated_times(rng, drawn, until, graffiti)
    if year == 2020:  # one night the whole table was touched
        touched = (rng.random(n) < 0.05) & (updated < np.datetime64(BULK_UPDATE, "s"))
        updated[touched] = np.datetime64(BULK_UPDATE, "s")
    nowhere = rng.random(n) < _null_share(year, created)
    for axis in ("Latitude", "Longitude"):
        columns[axis] = np.where(nowhere, np.nan, columns[axis])
    members = names.MEMBERS_NEW if plan == "2021" else names.MEMBERS_OLD
    member = coded(members, columns["_district"] - 1)
    columns |= {
        "SRNumber": pc.binary_join_element_wise("1", pc.cast(pa.array(number), pa.string()), "-"),
        "CreatedDate": created,
        "UpdatedDate": updated,
        "ServiceDate": _service_dates(rng, drawn, crew, rng.random(n) < 0.97),
        "ClosedDate": drawn.closed,
        "Owner": owner,
        "RequestType": coded([k.name for k in vocab.LEGACY_TYPES], drawn.kind),
        "Status": _status(rng, drawn),
        "RequestSource": drawn.source,
        "CreatedByUserOrganization": _organizations(rng, drawn.source, owner, n),
        "CDMember": blank(member, rng.random(n) < (0.18 if year == 2020 else 0.001)),
        "_junk": np.zeros(n),
    }
    return Frame(columns | _people_columns(rng, drawn, places.area[drawn.place]))
