"""The vocabularies of the map: what the numbers in its files stand for.

Belongs here: types, statuses, departments, sources, councils and districts in a fixed order; the combinations that occur
(`kinds`, `places`). Does not belong here: counting (`cubes`), outlines (`boundaries`).

Vocabularies stand in the order of the lookups, and combinations in the order of the month they first occurred in, so that a
new day's release changes the numbers of as few old files as possible. A code that a release has and the lookups do not (any
more) is added at the end under its own name.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from civicops.errors import CivicopsError

LOOKUPS = Path(__file__).parents[2] / "lookups"

SOURCES = (
    ("resident", "Residents"),
    ("crew", "City crews"),
    ("information", "Questions answered"),
    ("other", "Neither"),
)
SOURCE = (
    "CASE WHEN is_resident_demand THEN 'resident' WHEN is_crew_logged THEN 'crew' "
    "WHEN is_information_only THEN 'information' ELSE 'other' END"
)
"""Who a request comes from, the one rule, the first that holds: resident demand; entered by a crew; a question that was answered;
anything else (opinions, duplicates, test queues, words that are not mapped yet). `resident` is `is_resident_demand`, exactly."""
DISTRICT = "COALESCE(district_code, CASE WHEN longitude IS NULL THEN 'unknown' ELSE 'none' END)"
"""A request has no district where it lies in none, or has no point; councils have words for both, so districts get them."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """All vocabularies, each a list of objects with `code` and `name`; a code's number is its place in the list."""

    types: tuple[Entry, ...]
    statuses: tuple[Entry, ...]
    departments: tuple[Entry, ...]
    sources: tuple[Entry, ...]
    councils: tuple[Entry, ...]
    districts: tuple[Entry, ...]
    kinds: tuple[tuple[int, int, int], ...]
    """(type, department, source), by number."""
    places: tuple[tuple[int, int], ...]
    """(council, district), by number."""

    def as_json(self) -> dict[str, Any]:
        """As they stand in the manifest."""
        lists: dict[str, Sequence[Any]] = {
            "types": self.types, "statuses": self.statuses, "departments": self.departments, "sources": self.sources,
            "councils": self.councils, "districts": self.districts, "kinds": self.kinds, "places": self.places,
        }  # fmt: skip
        return {
            name: [list(item) if isinstance(item, tuple) else item for item in items] for name, items in lists.items()
        }


def read_names(con: duckdb.DuckDBPyConnection) -> Names:
    """The vocabularies of the views `request_types`, `councils`, `areas` and of the table `cells`.

    `cells` has the columns month, type_code, department_code, source, council_code, district_code, status_code. Leaves the tables
    `kind_ids`, `place_ids` and `status_ids` behind, which give each combination its number (`id`).
    """
    types = _dicts(
        con,
        "SELECT request_type_code AS code, request_type_name AS name, is_sensitive, is_information_only FROM request_types",
    )
    order = {row["request_type_code"]: number for number, row in enumerate(_lookup("request_type_codes"))}
    types.sort(key=lambda item: (order.get(item["code"], len(order)), item["code"]))
    statuses = [
        {"code": row["status_code"], "name": row["status_name"], "group": _group(row)}
        for row in _lookup("status_codes")
    ]
    departments = [{"code": r["department_code"], "name": r["department_name"]} for r in _lookup("department_codes")]
    vocabularies = {
        "type_code": _with_strays(con, "type_code", types, {"is_sensitive": False, "is_information_only": False}),
        "status_code": _with_strays(con, "status_code", statuses, {"group": "other"}),
        "department_code": _with_strays(con, "department_code", departments, {}),
        "source": tuple({"code": code, "name": name} for code, name in SOURCES),
        "council_code": _with_strays(con, "council_code", _councils(con), dict.fromkeys(_COUNCIL_FIELDS)),
        "district_code": _with_strays(con, "district_code", _districts(con), {}),
    }
    for column, entries in vocabularies.items():
        con.execute(f"CREATE OR REPLACE TABLE vocabulary_{column} (code VARCHAR, id INTEGER)")
        con.executemany(
            f"INSERT INTO vocabulary_{column} VALUES (?, ?)", [(e["code"], n) for n, e in enumerate(entries)]
        )
    con.execute("CREATE OR REPLACE TABLE status_ids AS SELECT code AS status_code, id FROM vocabulary_status_code")
    kinds = _combinations(con, "kind_ids", ("type_code", "department_code", "source"))
    places = _combinations(con, "place_ids", ("council_code", "district_code"))
    for what, found, limit in (
        ("combinations of type, department and source", len(kinds), 65_536),
        ("combinations of council and district", len(places), 65_536),
        ("types", len(vocabularies["type_code"]), 256),
        ("statuses", len(vocabularies["status_code"]), 256),
    ):
        if found > limit:
            raise CivicopsError(
                f"The release has {found:,} {what}; the map's files hold at most {limit:,}.",
                hint="Look whether a code that should be one of a few is something else.",
            )
    return Names(
        vocabularies["type_code"], vocabularies["status_code"], vocabularies["department_code"], vocabularies["source"],
        vocabularies["council_code"], vocabularies["district_code"],
        tuple((a, b, c) for a, b, c in kinds), tuple((a, b) for a, b in places),
    )  # fmt: skip


_COUNCIL_FIELDS = ("region", "region_code", "population", "area_km2")


def _group(row: Mapping[str, str]) -> str:
    return "open" if row["is_open"] == "true" else "closed" if row["is_closed"] == "true" else "other"


def _councils(con: duckdb.DuckDBPyConnection) -> list[Entry]:
    """By number; those that are no councils last."""
    return _dicts(
        con,
        "SELECT council_code AS code, council_name AS name, region_name AS region, region_code, population, "
        "area_km2 FROM councils "
        "ORDER BY NOT is_area, TRY_CAST(council_code AS INTEGER) NULLS LAST, council_code",
    )


def _districts(con: duckdb.DuckDBPyConnection) -> list[Entry]:
    named = _dicts(
        con,
        "SELECT area_code AS code, COALESCE(area_name, 'District ' || area_code) AS name FROM areas "
        "WHERE layer = 'district' AND is_newest ORDER BY TRY_CAST(area_code AS INTEGER) NULLS LAST, area_code",
    )
    return [
        *named,
        {"code": "none", "name": "Outside every district"},
        {"code": "unknown", "name": "Place not known"},
    ]


def _with_strays(
    con: duckdb.DuckDBPyConnection, column: str, entries: list[Entry], fields: Mapping[str, Any]
) -> tuple[Entry, ...]:
    known = {entry["code"] for entry in entries}
    found = con.execute(f"SELECT DISTINCT {column} FROM cells ORDER BY 1").fetchall()
    return (*entries, *({"code": code, "name": code, **fields} for (code,) in found if code not in known))


def _combinations(con: duckdb.DuckDBPyConnection, table: str, parts: Sequence[str]) -> list[tuple[int, ...]]:
    """Make `table` (the codes and `id`) and give the combinations as numbers of the vocabularies, in the order of `id`."""
    joins = " ".join(f"JOIN vocabulary_{part} AS v_{part} ON c.{part} = v_{part}.code" for part in parts)
    numbers = ", ".join(f"v_{part}.id AS n_{part}" for part in parts)
    ordered = ", ".join(f"n_{part}" for part in parts)
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT *, CAST(row_number() OVER (ORDER BY first_month, {ordered}) - "
        "1 AS INTEGER) AS id "
        f"FROM (SELECT {', '.join(f'c.{part}' for part in parts)}, {numbers}, min(month) AS first_month FROM "
        f"cells AS c {joins} GROUP BY ALL)"
    )
    return con.execute(f"SELECT {ordered} FROM {table} ORDER BY id").fetchall()


def _lookup(name: str) -> list[dict[str, str]]:
    with (LOOKUPS / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _dicts(con: duckdb.DuckDBPyConnection, sql: str) -> list[Entry]:
    done = con.execute(sql)
    columns = [item[0] for item in done.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in done.fetchall()]
