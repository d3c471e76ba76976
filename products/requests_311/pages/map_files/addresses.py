"""The search index of addresses: every public address with its place, in files small enough to fetch one per search.

Belongs here: finding the distinct addresses, their middle points, and the index files. Does not belong here: what a street
is called (`streets`), searching (the browser).

Requests of sensitive types are left out before anything else is done; the release has no address for them anyway.

`manifest.json` has `addresses: {index_file, index_bytes, count}`. The index file is JSON:

    {"format": 1, "words": {direction, suffix, word, join: {written: canonical}},
     "zips": [{zip, x, y, council, count}],                     by zip code
     "shards": [{key, name, number, file, bytes}]}              the first place of each shard

A shard is a `.bin` file (see `binary`) whose raw bytes are JSON:

    {"streets": [{key, name, x, y, count, zips: [...],
                  places: ["16815", "16817 1/2", "AT WOODLEY AVE", ""], zip: [1, ...], xs, ys, councils, counts}]}

`x`, `y`, `xs`, `ys` are quantised like those of the rows; `council` is a number of the manifest's councils; `zip` is a place
in `zips` of the same street, -1 for none. A crossing stands under both of its streets, a street without a number under "".
Places stand in the order of (key, name, number, text), where number is the whole number the text begins with, -1 for "" and
2147483647 for crossings; a street longer than a shard goes on in the next one, cut between two numbers.

How text becomes a key: capitals without accents; `'` and `.` vanish; `&` and `@` become AT; what is no letter, digit, `/` or
`-` is a blank; a number in front (`123`, `123A`, `123-125`, and a following `1/2`) is the house number; the rest is
`streets.street`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .binary import Frame, packed, save
from .streets import Words, crossing, read_words, street

FORMAT = 1
SHARD = 1_500
"""Places per shard, about 15 kB."""
CROSSING = 2_147_483_647
CLEAN = (
    "trim(regexp_replace(regexp_replace(regexp_replace(upper(strip_accents(split_part(address, ',', 1))), "
    "'[''.]', '', 'g'), '[&@]', ' AT ', 'g'), '[^A-Z0-9/-]+', ' ', 'g'))"
)
NUMBER = "'^([0-9]+[A-Z]?(?:-[0-9]+)?(?: 1/2)?) (.+)$'"

PUBLIC = "NOT is_sensitive AND longitude IS NOT NULL AND latitude IS NOT NULL AND trim(address) <> ''"
SPELLED = (
    "SELECT address, CASE WHEN parts[1] <> '' THEN parts[1] ELSE '' END AS number, "
    "CASE WHEN parts[1] <> '' THEN parts[2] ELSE clean END AS rest "
    f"FROM (SELECT address, clean, CASE WHEN is_crossing THEN ['', ''] ELSE [regexp_extract(clean, {NUMBER}, 1), "
    f"regexp_extract(clean, {NUMBER}, 2)] END AS parts FROM (SELECT address, clean, regexp_matches(clean, ?) AS is_crossing "
    f"FROM (SELECT DISTINCT address, {CLEAN} AS clean FROM written)) WHERE clean <> '')"
)
# From here on a place is a number: requests are many, and so may be their points.
MEANT = (
    "SELECT w.address, w.zip, t.key, t.name, CASE WHEN t.other <> '' THEN 'AT ' || t.other ELSE s.number END AS place "
    "FROM written AS w JOIN spelled AS s USING (address) JOIN streets AS t USING (rest)"
)
SPOTS = (
    "SELECT k.id, r.longitude, r.latitude, r.council_code, count(*) AS n FROM requests AS r "
    "JOIN known AS k ON r.address = k.address AND COALESCE(r.zip_code, '') = k.zip "
    f"WHERE {PUBLIC.replace('address', 'r.address')} GROUP BY ALL"
)
ZIP_SPOTS = (
    "SELECT zip_code AS zip, round(longitude, 3) AS longitude, round(latitude, 3) AS latitude, council_code, count(*) AS n "
    f"FROM requests WHERE {PUBLIC} AND zip_code IS NOT NULL GROUP BY ALL"
)
"""A zip code is some kilometers wide: a hundred meters are near enough for its middle."""
MIDDLES = (
    "WITH ranked AS (SELECT {by}, longitude, latitude, n, sum(n) OVER (PARTITION BY {by}) AS total, "
    "sum(n) OVER (PARTITION BY {by} ORDER BY longitude, latitude ROWS UNBOUNDED PRECEDING) AS east, "
    "sum(n) OVER (PARTITION BY {by} ORDER BY latitude, longitude ROWS UNBOUNDED PRECEDING) AS north FROM {table}), "
    "held AS (SELECT {by}, arg_max(council_code, (n, council_code)) AS council_code FROM "
    "(SELECT {by}, council_code, sum(n) AS n FROM {table} GROUP BY ALL) GROUP BY {by}) "
    "SELECT {by}, min(CASE WHEN 2 * east >= total THEN longitude END) AS longitude, "
    "min(CASE WHEN 2 * north >= total THEN latitude END) AS latitude, any_value(held.council_code) AS council_code, "
    "CAST(sum(n) AS BIGINT) AS n FROM ranked JOIN held USING ({by}) GROUP BY {by}"
)
"""The middle of all requests of a group, each way by itself, and the council that most of them are in."""


def write_addresses(
    con: duckdb.DuckDBPyConnection, frame: Frame, councils: Mapping[str, int], folder: Path
) -> dict[str, Any]:
    """Write the index of the view `requests`; its entry in the manifest. `councils` gives each code its number."""
    words = read_words()
    _keep(con, "written", f"SELECT DISTINCT address, COALESCE(zip_code, '') AS zip FROM requests WHERE {PUBLIC}")
    joins = "|".join(words["join"])
    _keep(con, "spelled", SPELLED, [rf"\S (?:{joins}) \S"])
    _name_streets(con, words)
    _keep(con, "meant", MEANT)
    _keep(
        con, "places",
        "SELECT key, name, place, zip, CAST(row_number() OVER (ORDER BY key, name, place, zip) AS INTEGER) AS id "
        "FROM (SELECT DISTINCT key, name, place, zip FROM meant)",
    )  # fmt: skip
    _keep(con, "known", "SELECT address, zip, id FROM meant JOIN places USING (key, name, place, zip)")
    _drop(con, "written", "spelled", "streets", "meant")
    _keep(con, "spots", SPOTS)
    _drop(con, "known")
    _keep(con, "middles", MIDDLES.format(by="id", table="spots"))
    _drop(con, "spots")
    _keep(con, "addresses", "SELECT * EXCLUDE (id) FROM places JOIN middles USING (id)")
    _keep(con, "whole_streets", MIDDLES.format(by="key, name", table="addresses"))
    zips = [
        {"zip": code, "x": x, "y": y, "council": council, "count": n}
        for code, x, y, council, n in _zips(con, frame, councils)
    ]
    shards = list(_shards(con, frame, councils, folder))
    index = {"format": FORMAT, "words": words, "zips": zips, "shards": shards}
    (count,) = con.execute("SELECT count(*) FROM addresses").fetchone() or (0,)
    file = save(folder, "addresses", "json", json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode())
    return {"index_file": file.file, "index_bytes": file.size, "count": count}


def _keep(con: duckdb.DuckDBPyConnection, table: str, sql: str, values: list[str] | None = None) -> None:
    con.execute(f"CREATE OR REPLACE TABLE {table} AS {sql}", values or [])


def _drop(con: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for table in tables:
        con.execute(f"DROP TABLE {table}")


def _name_streets(con: duckdb.DuckDBPyConnection, words: Words) -> None:
    """Make the table `streets`: every rest of an address with its key and name; crossings twice, with the `other` street."""
    rows: list[tuple[str, str, str, str]] = []
    for (rest,) in con.execute("SELECT DISTINCT rest FROM spelled ORDER BY rest").fetchall():
        tokens = rest.split(" ")
        two = crossing(tokens, words)
        if two is None:
            found = street(tokens, words)
            rows.append((rest, found.key, found.name, ""))
        else:
            one, other = (street(part, words) for part in two)
            rows.append((rest, one.key, one.name, other.name))
            rows.append((rest, other.key, other.name, one.name))
    names = ("rest", "key", "name", "other")
    table = pa.table({name: pa.array([row[n] for row in rows], pa.string()) for n, name in enumerate(names)})
    con.register("named_streets", table)
    _keep(con, "streets", "FROM named_streets")
    con.unregister("named_streets")


def _zips(
    con: duckdb.DuckDBPyConnection, frame: Frame, councils: Mapping[str, int]
) -> Iterator[tuple[str, int, int, int, int]]:
    found = con.execute(f"SELECT * FROM ({MIDDLES.format(by='zip', table=f'({ZIP_SPOTS})')}) ORDER BY zip").fetchall()
    for code, lon, lat, council, n in found:
        x, y = frame.quantised(np.array([lon]), np.array([lat]))
        yield code, int(x[0]), int(y[0]), councils[council], n


def _shards(
    con: duckdb.DuckDBPyConnection, frame: Frame, councils: Mapping[str, int], folder: Path
) -> Iterator[dict[str, Any]]:
    """Write the shards and give their entries in the index."""
    table = con.execute(
        "SELECT a.key, a.name, a.place, a.zip, a.longitude, a.latitude, a.council_code, a.n, w.longitude AS street_longitude, "
        "w.latitude AS street_latitude, w.n AS street_n, CASE WHEN a.place = '' THEN -1 WHEN starts_with(a.place, 'AT ') "
        f"THEN {CROSSING} ELSE least(CAST(regexp_extract(a.place, '^[0-9]+') AS HUGEINT), {CROSSING - 1}) END AS number "
        "FROM addresses AS a JOIN whole_streets AS w USING (key, name) ORDER BY a.key, a.name, number, a.place, a.zip"
    ).to_arrow_table()
    if not len(table):
        return
    xs, ys = frame.quantised(_array(table, "longitude"), _array(table, "latitude"))
    street_xs, street_ys = frame.quantised(_array(table, "street_longitude"), _array(table, "street_latitude"))
    keys, names, places, zips, held = (_texts(table, name) for name in ("key", "name", "place", "zip", "council_code"))
    numbers = _array(table, "number").astype(np.int64)
    council = np.array([councils[code] for code in held])
    counts, street_counts = _array(table, "n"), _array(table, "street_n")

    def piece(start: int, end: int) -> dict[str, Any]:
        own = sorted(set(zips[start:end]) - {""})
        at = {code: number for number, code in enumerate(own)} | {"": -1}
        return {
            "key": keys[start], "name": names[start], "x": int(street_xs[start]), "y": int(street_ys[start]),
            "count": int(street_counts[start]), "zips": own, "places": places[start:end],
            "zip": [at[code] for code in zips[start:end]], "xs": xs[start:end].tolist(), "ys": ys[start:end].tolist(),
            "councils": council[start:end].tolist(), "counts": counts[start:end].tolist(),
        }  # fmt: skip

    streets_begin = [n for n in range(len(names)) if n == 0 or names[n] != names[n - 1] or keys[n] != keys[n - 1]]
    for pieces in _cut(streets_begin, numbers):
        first = pieces[0][0]
        content = json.dumps(
            {"streets": [piece(*bounds) for bounds in pieces]}, ensure_ascii=False, separators=(",", ":")
        )
        file = save(folder, "addresses", "bin", packed(content.encode()))
        yield {
            "key": keys[first], "name": names[first], "number": int(numbers[first]), "file": file.file, "bytes": file.size,
        }  # fmt: skip


def _cut(begins: list[int], numbers: NDArray[np.int64]) -> Iterator[list[tuple[int, int]]]:
    """The pieces (first row, row after the last) of each shard: whole streets, or parts of one cut between two numbers."""
    shard: list[tuple[int, int]] = []
    size = 0
    for start, end in zip(begins, [*begins[1:], len(numbers)], strict=True):
        at = start
        while at < end:
            until = min(end, at + max(SHARD - size, 1))
            while until < end and numbers[until] == numbers[until - 1] != CROSSING:
                until += 1
            shard.append((at, until))
            size += until - at
            at = until
            if size >= SHARD:
                yield shard
                shard, size = [], 0
    if shard:
        yield shard


def _array(table: pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy())


def _texts(table: pa.Table, name: str) -> list[str]:
    return [str(value) for value in table.column(name).to_pylist()]
