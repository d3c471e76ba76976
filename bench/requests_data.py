"""The made-up requests that bench/checks.py checks: typed, as Parquet, the same rows every time.

Belongs here: how a row follows from its number, and which rows carry which planted fault. Does not belong here: the rules
they break (`contracts/requests.yaml`) or who checks them (`checks`).

Everything follows from the row's number by integer arithmetic, so that no random generator of no version stands between two
runs. One row in `EVERY` / `len(FAULTS)` carries a fault, one row in ten thousand two of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"
EVERY = 800
"""Of so many rows one carries a given fault: 28 faults spoil 3.5 % of the rows."""

_WORDS = {
    "request_type": "Bulky Items|Bulky Items|Bulky Items|Graffiti Removal|Graffiti Removal|Illegal Dumping Pickup|Homeless "
    "Encampment|Metal/Household Appliances|Electronic Waste|Dead Animal Removal|Single Streetlight Issue|Other",
    "status": "Closed|Closed|Closed|Closed|Closed|Closed|Closed|Closed|Cancelled|Open|Pending|Referred Out",
    "request_source": "Call|Call|Call|Mobile App|Mobile App|Self Service|Driver Self Report|Email|Web Form",
    "owner": "BOS|BOS|BOS|OCB|OCB|BSL|DOT|RAP|LADBS|BSS",
    "organization": "BOS|BOS|Self Service|Proactive Insert|ITA|BSL|Council's Office",
    "street": "Alder|Bobcat|Cormorant|Dune|Egret|Foxtail|Gull|Harbor|Iris|Juniper|Kestrel|Lantern|Mallow|Osprey|Pelican",
    "suffix": "ST|AVE|BLVD|DR|PL|WAY|RD",
    "area": "North|South|East|West|Central|Harbor|South Valley",
    "council": "HARBOR GATE|LIGHTHOUSE|OLD MILL|RIVER BEND|SALT FLATS|STONE BRIDGE|SUNSET HILL|TIDE POOLS|WEST PIER",
    "precinct": "SOUTHWEST|MISSION|PACIFIC|HARBOR|RAMPART|TOPANGA|FOOTHILL|NEWTON",
}

FAULTS: tuple[tuple[str, str], ...] = (
    ("request_id", "NULL"),
    ("request_id", "'X' || request_id"),
    ("created_at", "NULL"),
    ("created_at", "TIMESTAMP '1900-01-01 00:00:00'"),
    ("updated_at", "created_at - INTERVAL 3 HOUR"),
    ("updated_at", "TIMESTAMP '3020-01-01 00:00:00'"),
    ("closed_at", "TIMESTAMP '2107-01-01 00:00:00'"),
    ("closed_at", "created_at - INTERVAL 2 HOUR"),
    ("service_at", "TIMESTAMP '1900-01-01 00:00:00'"),
    ("service_at", "closed_at + INTERVAL 5 DAY"),
    ("request_type", "NULL"),
    ("request_type", "'bulky items'"),
    ("status", "NULL"),
    ("status", "'Vanished'"),
    ("request_source", "'Fax'"),
    ("owner", "'NOBODY'"),
    ("mobile_os", "'Symbian'"),
    ("address_verified", "'?'"),
    ("address", "'?'"),
    ("address", "'-118.25'"),
    ("zip_code", "'0'"),
    ("latitude", "-latitude"),
    ("longitude", "NULL"),
    ("planning_area", "'7'"),
    ("district_code", "0"),
    ("council_code", "4720"),
    ("closed_at", "CASE WHEN status = 'Closed' THEN NULL ELSE closed_at END"),
    ("closed_at", "COALESCE(closed_at, updated_at)"),
)  # fmt: skip
"""Column and what stands in it instead, one fault after the other."""


def requests(rows: int, threads: int = 2) -> Path:
    """The Parquet file with so many requests, made if it is not there."""
    path = DATA / f"requests_{rows}.parquet"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        work = path.with_name(f".{path.name}.{os.getpid()}")
        with duckdb.connect(config={"threads": threads}) as connection:
            connection.execute(f"COPY ({_select(rows)}) TO '{work}' (FORMAT parquet, COMPRESSION snappy)")
        work.replace(path)
    return path


def _select(rows: int) -> str:
    faulty: dict[str, list[str]] = {}
    for number, (column, value) in enumerate(FAULTS):
        faulty.setdefault(column, []).append(f"WHEN fault = {number} OR second = {number} THEN {value}")
    replaced = ", ".join(f"CASE {' '.join(cases)} ELSE {column} END AS {column}" for column, cases in faulty.items())
    return f"SELECT * EXCLUDE (fault, second) REPLACE ({replaced}) FROM ({_clean(rows)})"


def _clean(rows: int) -> str:
    """Rows without a fault, and the numbers of the faults each is to get (one beyond the last: none)."""

    def mixed(salt: int, size: int) -> str:
        """A number from 0 to size - 1 that looks like chance: squared twice modulo a prime."""
        p = 2147483647
        once = f"((i * 48271 + {salt * 1_000_003}) % {p})"
        twice = f"(({once} * {once} + {salt * 7_368_787}) % {p})"
        return f"({twice} * {twice} % {p} * 16807 % {p} % {size})"

    def word(name: str, salt: int) -> str:
        words = _WORDS[name].split("|")
        listed = ", ".join("'" + item.replace("'", "''") + "'" for item in words)
        return f"[{listed}][{mixed(salt, len(words))} + 1]"

    return f"""
        SELECT '1-' || lpad((4000000000 + i * 7 % 999999937)::VARCHAR, 10, '0') AS request_id,
            created_at,
            created_at + to_seconds({mixed(3, 3_000_000)}) AS updated_at,
            CASE WHEN status NOT IN ('Open', 'Pending') THEN created_at + to_seconds(3600 + {mixed(4, 2_000_000)}) END
                AS closed_at,
            date_trunc('day', created_at) AS service_at,
            {word("request_type", 5)} AS request_type,
            status,
            request_source,
            {word("owner", 7)} AS owner,
            {word("organization", 8)} AS created_by_organization,
            CASE WHEN request_source = 'Mobile App' THEN ['iOS', 'Android'][{mixed(9, 2)} + 1] END AS mobile_os,
            {mixed(10, 4)} = 0 AS is_anonymous,
            'CREW ' || {mixed(11, 400)} AS assigned_to,
            ['Y', 'Y', 'Y', 'N', 'M'][{mixed(12, 5)} + 1] AS address_verified,
            {mixed(13, 9)} = 0 AS is_address_approximate,
            ({mixed(14, 19_000)} + 100) || ' ' || {word("street", 15)} || ' ' || {word("suffix", 16)} || ', ' || zip_code
                AS address,
            zip_code,
            33.71 + {mixed(18, 620_000_000)} / 1e9 AS latitude,
            -118.66 + {mixed(19, 500_000_000)} / 1e9 AS longitude,
            {word("area", 20)} || ' Marisol APC' AS planning_area,
            {mixed(21, 15)} + 1 AS district_code,
            {mixed(22, 120)} AS council_code,
            {word("council", 23)} || ' NC' AS council_name,
            {word("precinct", 24)} AS police_precinct,
            {mixed(25, EVERY)} AS fault,
            CASE WHEN {mixed(26, 10_000)} = 0 THEN {mixed(27, len(FAULTS))} ELSE {EVERY} END AS second
        FROM (
            SELECT *, TIMESTAMP '2019-01-01 00:00:00' + to_seconds(i * 157680000 // {rows}) AS created_at,
                {word("status", 1)} AS status, {word("request_source", 2)} AS request_source,
                (90001 + {mixed(17, 200)})::VARCHAR AS zip_code
            FROM (SELECT range AS i FROM range({rows}))
        )
    """
