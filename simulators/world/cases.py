"""Rows as the new 311 system ("MyLA311 Cases", since 2025-03-28) publishes them.

Belongs here: the values of the Cases columns, before anything is planted in them. Does not belong here: anomalies. The
documented facts shown: 62 types, 9 statuses, Information-Only 23 % and closed within a minute, `Reported` always with a
ClosedDate and `Workorder Created` never, ServiceDate 98 % empty, 5-6 % without coordinates, "0" for outside any council.
Case numbers are eight digits with a leading zero (the form is a guess; reading them as numbers would lose it).
"""

from datetime import date
from typing import Final

import numpy as np

from simulators.world import names
from simulators.world import vocabulary as vocab
from simulators.world.arrow import pa, pc
from simulators.world.clock import creation_times
from simulators.world.coded import as_text, blank, coded, overlaid
from simulators.world.draw import ascending_numbers, choose, draw, pick, place_columns, seconds, updated_times
from simulators.world.frame import Frame
from simulators.world.places import make_places

NUMBERS: Final = {2025: (1_000_000, 4_800_000), 2026: (6_000_000, 2_900_000), 2027: (9_400_000, 590_000)}
INFORMATION_ONLY: Final = 1
Rng = np.random.Generator


def cases_frame(
    seed: int, year: int, rng: Rng, n: int, first: date, end: date, until: np.datetime64, serial_from: int | None
) -> Frame:
    """`n` clean Cases rows created in [first, end), as known at `until`, in order of creation."""
    places = make_places(seed)
    created = creation_times(rng, n, first, end, "cases")
    drawn = draw(rng, vocab.CASE_TYPES, vocab.CASE_RARE_SOURCES, created, until)
    info = drawn.kind == INFORMATION_ONLY
    drawn.closed[info] = created[info] + rng.integers(1, 60, int(info.sum())).astype("timedelta64[s]")
    is_open = np.isnat(drawn.closed)
    start, span = NUMBERS[year] if serial_from is None else (serial_from, 2 * n)
    number = ascending_numbers(rng, n, start, span, 1)
    columns = place_columns(places, drawn, seed, year, "2021")

    nowhere = rng.random(n) < 0.055
    outside = pc.is_null(columns["NC"]).to_numpy(zero_copy_only=False)
    code = pc.fill_null(pc.cast(columns["NC"], pa.string()), "0")
    status = pc.if_else(
        pa.array(is_open), choose(rng, n, vocab.CASE_OPEN_STATUSES), choose(rng, n, vocab.CASE_CLOSED_STATUSES)
    )
    owner = pa.array([k.owner for k in vocab.CASE_TYPES]).take(pa.array(drawn.kind))
    staff = choose(rng, n, dict.fromkeys(vocab.CASE_STAFF_OWNERS[:3], 1.0))
    owner = pc.if_else(pa.array(rng.random(n) < 0.002), staff, owner)
    service = created.astype("datetime64[D]").astype("datetime64[s]") + seconds(rng.integers(1, 9, n))
    rendered = service + seconds(rng.integers(0, 3, n))
    not_served = rng.random(n) < 0.98
    nat = np.datetime64("NaT")
    resolution = choose(rng, n, tuple(zip(vocab.CASE_RESOLUTIONS, vocab.CASE_RESOLUTION_WEIGHTS, strict=True)))
    self_service = pc.is_in(drawn.source, value_set=pa.array(["Self Service", "Mobile App"]))
    action = blank(choose(rng, n, dict.fromkeys(vocab.CASE_ACTIONS, 1.0)), self_service.to_numpy(zero_copy_only=False))
    yard = pick(rng, n, [1.0] * len(vocab.ASSIGNEES))
    columns |= {
        "CaseNumber": pc.utf8_lpad(pc.cast(pa.array(number), pa.string()), 8, "0"),
        "CreatedDate": created,
        "UpdatedDate": updated_times(rng, drawn, until, np.zeros(n, dtype=bool)),
        "ClosedDate": drawn.closed,
        "ActionTaken": action,
        "Owner": owner,
        "RequestType": coded([k.name for k in vocab.CASE_TYPES], drawn.kind),
        "Status": status,
        "RequestSource": drawn.source,
        "CreatedByUserOrganization": pc.if_else(
            self_service, "Self Service", choose(rng, n, {"ITA": 0.6, "LASAN": 0.4})
        ),
        "Anonymous": pa.array(rng.random(n) < 0.14),
        "AssignTo": coded(vocab.ASSIGNEES, yard, rng.random(n) < 0.3),
        "ServiceDate": np.where(not_served, nat, service),
        "DateServiceRendered": np.where(not_served | (rng.random(n) < 0.75), nat, rendered),
        "ReasonCode": blank(choose(rng, n, dict.fromkeys(vocab.CASE_REASONS, 1.0)), rng.random(n) < 0.91),
        "ResolutionCode": blank(resolution, is_open | info),
        "HouseNumber": as_text(columns["HouseNumber"]),
        "TBMPage": as_text(columns["TBMPage"]),
        "TBMRow": as_text(columns["TBMRow"]),
        "NC": code,
        "NCName": overlaid(columns["NCName"], outside, "0"),
        "CD": pc.if_else(pa.array(nowhere), "0", pc.cast(columns["CD"], pa.string())),
        "CDMember": coded(names.MEMBERS_NEW, columns["_district"] - 1, nowhere),
        "_junk": np.zeros(n),
    }
    for axis in ("Latitude", "Longitude"):
        columns[axis] = np.where(nowhere, np.nan, columns[axis])
    # Without a located address the locator columns stay empty, and so does the address itself.
    located = ("Address", "HouseNumber", "Direction", "StreetName", "Suffix", "ZipCode", "TBMPage", "TBMColumn",
               "TBMRow", "APC", "PolicePrecinct")  # fmt: skip
    for name in located:
        columns[name] = blank(columns[name], nowhere)
    columns["NC"] = pc.if_else(pa.array(nowhere), "0", columns["NC"])
    columns["NCName"] = overlaid(columns["NCName"], nowhere, "0")
    return Frame(columns)
