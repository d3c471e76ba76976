"""An independent count of everything planted, from the portal's own export files and nothing else.

It shares no code with the generator: plain SQL and shapely over the texts a stranger would download.
"""

import io
from typing import Any

import duckdb
import pyarrow.csv
import shapely
from shapely.geometry import shape

LEGACY_TYPES = (
    "Bulky Items", "Graffiti Removal", "Illegal Dumping Pickup", "Metal/Household Appliances", "Homeless Encampment",
    "Electronic Waste", "Dead Animal Removal", "Other", "Single Streetlight Issue", "Multiple Streetlight Issue",
    "Report Water Waste", "Feedback",
)  # fmt: skip
DATES = ("CreatedDate", "UpdatedDate", "ServiceDate", "ClosedDate")


def load(text: str) -> duckdb.DuckDBPyConnection:
    """A connection with table `t`: all texts of an export, dates and coordinates parsed beside them."""
    con = duckdb.connect()
    names = text.split("\n", 1)[0].split(",")
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    table = pyarrow.csv.read_csv(io.BytesIO(text.encode()), convert_options=options)
    con.register("raw", table)
    dates = ", ".join(f"strptime({d}, '%m/%d/%Y %I:%M:%S %p') AS {d[:-4].lower()}" for d in DATES)
    con.execute(
        f"CREATE TABLE t AS SELECT *, {dates}, CAST(Latitude AS DOUBLE) AS lat, CAST(Longitude AS DOUBLE) AS lon FROM raw"
    )
    return con


def one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The only number of a query."""
    row = con.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def conditions(system: str, year: int, types: tuple[str, ...], known: dict[str, list[str]]) -> dict[str, str]:
    """Kind of anomaly -> SQL condition that finds its rows."""
    listed = {k: ", ".join("'" + v.replace("'", "''") + "'" for v in values) for k, values in known.items()}
    lower = ", ".join(f"'{t.lower()}'" for t in types)
    exact = ", ".join(f"'{t}'" for t in types)
    squeezed = "regexp_replace(trim(lower(RequestType)), ' +', ' ', 'g')"
    out = {
        "created_placeholder_1900": "year(created) = 1900",
        "closed_placeholder_3020": "year(closed) = 3020",
        "closed_before_created": "closed < created",
        "closed_without_closed_date": "Status = 'Closed' AND closed IS NULL",
        "zip_zero": "ZipCode = '0' AND Address LIKE '%, 0'",
        "zip_missing": "ZipCode IS NULL AND HouseNumber IS NOT NULL",
        "zip_plus_four": "regexp_full_match(Address, '.*, \\d{5}-\\d{4}')",
        "address_with_country": "Address LIKE '%, USA'",
        "address_formula": "regexp_matches(Address, '^[=+@-]')",
        "coordinates_zero": "lat = 0 AND lon = 0",
        "coordinates_swapped": "lat < -90",
        "coordinates_far": "lat BETWEEN 20 AND 33 AND lon < -119",
        "coordinates_other_country": "lat > 50",
        "coordinates_next_town": "lat > 34.17 AND lat < 35",
        "tbm_page_over_999": "CAST(TBMPage AS BIGINT) > 999",
        "unknown_type": f"{squeezed} NOT IN ({lower})",
        "messy_type": f"{squeezed} IN ({lower}) AND RequestType NOT IN ({exact})",
        "unknown_status": f"Status NOT IN ({listed['statuses']})",
        "unknown_source": f"RequestSource NOT IN ({listed['sources']})",
    }
    spring = {2017: "2017-03-12", 2020: "2020-03-08", 2025: "2025-03-09", 2026: "2026-03-08"}
    autumn = {2015: "2015-11-01", 2017: "2017-11-05", 2020: "2020-11-01", 2025: "2025-11-02"}
    if year in spring and not (system == "cases" and year == 2025):
        out["created_in_spring_gap"] = f"CreatedDate LIKE '03/{spring[year][8:]}/{year} 02:%AM'"
    if year in autumn:
        out["created_in_autumn_fold"] = f"CreatedDate LIKE '11/{autumn[year][8:]}/{year} 01:%AM'"
    if system == "legacy":
        out |= {
            "service_placeholder_1900": "year(service) = 1900",
            "service_placeholder_2107": "year(service) = 2107",
            "open_with_closed_date": "Status IN ('Open', 'Pending', 'Forward') AND closed IS NOT NULL",
            "address_unverified": "AddressVerified = 'N'",
            "council_zero_with_name": "NC = '0' AND NCName IS NOT NULL",
        }
    else:
        out["test_department"] = "Owner LIKE 'TEST %'"
    if year == 2015:
        out["long_number"] = "length(SRNumber) = 19"
    if year == 2026:
        out["batch_import"] = "created >= '2026-03-25 11:00:00' AND created < '2026-03-25 12:00:00'"
    return out


def facts(con: duckdb.DuckDBPyConnection, key: str, councils: dict[str, Any]) -> dict[str, int]:
    """The facts, counted from the export and the portal's boundary file."""
    codes = [f["properties"]["NC_ID"] for f in councils["features"]]
    tree = shapely.STRtree([shape(f["geometry"]) for f in councils["features"]])
    rows = con.execute(
        "SELECT lon, lat, coalesce(CAST(NC AS BIGINT), 0) FROM t WHERE lat BETWEEN 33.7 AND 34.4"
    ).fetchall()
    which, council = tree.query(shapely.points([r[0] for r in rows], [r[1] for r in rows]), predicate="within")
    hits: dict[int, list[int]] = {}
    for point, index in zip(which.tolist(), council.tolist(), strict=True):
        hits.setdefault(point, []).append(codes[index])
    single = {i: c[0] for i, c in hits.items() if len(c) == 1}
    return {
        "coordinates_null": one(con, "SELECT count(*) FROM t WHERE lat IS NULL"),
        "points_placeable": len(rows),
        "points_in_one_council": len(single),
        "points_in_overlap": sum(len(c) > 1 for c in hits.values()),
        "points_in_no_council": len(rows) - len(hits),
        "points_in_one_council_source_disagrees": sum(rows[i][2] != c for i, c in single.items()),
        "points_in_no_council_source_names_one": sum(r[2] != 0 for i, r in enumerate(rows) if i not in hits),
        "crew_logged": one(con, "SELECT count(*) FROM t WHERE RequestSource LIKE 'Driver Self Report%'"),
        "information_only": one(con, "SELECT count(*) FROM t WHERE RequestType = 'Information-Only'"),
        "without_closed_date": one(con, "SELECT count(*) FROM t WHERE closed IS NULL"),
        "distinct_requests": one(con, f"SELECT count(DISTINCT {key}) FROM t"),
    }


def duplicates(con: duckdb.DuckDBPyConnection, key: str) -> dict[str, list[str]]:
    """Numbers that occur twice: with all columns equal, or with another UpdatedDate."""
    con.execute(
        f"CREATE OR REPLACE TABLE twice AS SELECT * FROM t WHERE {key} IN (SELECT {key} FROM t GROUP BY 1 HAVING count(*) > 1)"
    )
    groups = con.execute(f"SELECT {key}, count(DISTINCT UpdatedDate) FROM twice GROUP BY 1").fetchall()
    return {
        "duplicate_identical": sorted(k for k, n in groups if n == 1),
        "duplicate_later_update": sorted(k for k, n in groups if n == 2),
    }
