"""From a wall-clock time to a moment, by a short table of the zone's clock changes instead of a calendar per row.

Belongs here: SQL that gives exactly what DuckDB's own `timezone` gives, in a sixth of the time. Does not belong here: parsing
text (`parse`), or which times are doubtful (`rules`).

The table is asked from DuckDB's calendar itself, so the two cannot differ by a release of the time zone database.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import duckdb

from civicops.checks.sql import text

FIRST, LAST = 1990, 2060
"""The years of the table, the last one not included; other times are left to `timezone`."""


@dataclass(frozen=True)
class Changes:
    """A zone that changes its clocks twice in every year, always between the same two offsets.

    `begins` and `ends` are the wall-clock times, by year, from which on summer's offset counts and counts no more (in the
    south, winter's); offsets are microseconds to be added to the wall clock to get UTC.
    """

    begins: tuple[str, ...]
    ends: tuple[str, ...]
    inside: int
    outside: int


def moment(zone: str, wall: str) -> str:
    """The SQL expression for the moment at which clocks in `zone` show `wall`, an expression for a timestamp without zone.

    A time that is skipped is read by the offset before the change, one that is repeated as the later of both; so does
    `timezone`.
    """
    slow = f"timezone({text(zone)}, {wall})"
    found = changes(zone)
    if found is None:
        return slow
    year = f"date_part('year', {wall}) - {FIRST - 1}"
    begin, end = (f"([{_timestamps(times)}])[{year}]" for times in (found.begins, found.ends))
    offset = f"CASE WHEN {wall} >= {begin} AND {wall} < {end} THEN {found.inside} ELSE {found.outside} END"
    known = f"{wall} >= TIMESTAMP '{FIRST}-01-01' AND {wall} < TIMESTAMP '{LAST}-01-01'"
    return f"CASE WHEN {known} THEN make_timestamptz(epoch_us({wall}) + {offset}) ELSE {slow} END"


@lru_cache
def changes(zone: str) -> Changes | None:
    """The clock changes of a zone; None when it is not as regular as `Changes` can say."""
    to_utc = f"epoch_us(timezone({text(zone)}, wall)) - epoch_us(wall)"
    with duckdb.connect() as con:
        days = f"SELECT unnest(range(TIMESTAMP '{FIRST}-01-01', TIMESTAMP '{LAST}-01-02', INTERVAL 1 DAY)) AS wall"
        con.execute(
            f"CREATE TABLE turned AS SELECT before, was FROM (SELECT {to_utc} AS now, lag(wall) OVER (ORDER BY wall) AS before, "
            f"lag({to_utc}) OVER (ORDER BY wall) AS was FROM ({days})) WHERE now <> was"
        )
        quarters = "SELECT was, unnest(range(before, before + INTERVAL 1 DAY, INTERVAL 15 MINUTE)) AS wall FROM turned"
        found = con.execute(
            f"SELECT CAST(wall AS VARCHAR), was, now, date_part('year', wall) FROM (SELECT *, {to_utc} AS now FROM ({quarters})) "
            "WHERE now <> was QUALIFY row_number() OVER (PARTITION BY wall::DATE ORDER BY wall) = 1 ORDER BY wall"
        ).fetchall()
    begins, ends = found[::2], found[1::2]
    years = list(range(FIRST, LAST))
    if not [row[3] for row in begins] == [row[3] for row in ends] == years:
        return None
    if len({row[1:3] for row in begins}) > 1 or len({row[1:3] for row in ends}) > 1:
        return None
    return Changes(tuple(row[0] for row in begins), tuple(row[0] for row in ends), begins[0][2], begins[0][1])


def _timestamps(times: tuple[str, ...]) -> str:
    return ", ".join(f"TIMESTAMP {text(time)}" for time in times)
