"""The made-up requests of the map's benchmark, as SQL: what each column is, from the number of the request.

Belongs here: shares of types, sources, departments and statuses, as known of the real city. Does not belong here: places
(`map_city`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

START, END = "2016-08-22", "2026-08-22"
CHANGE, CHANGED = "2025-03-28", "2025-11-03"


@dataclass(frozen=True)
class Type:
    """Shares are of all requests of a system, in thousandths; `hours` is the middle of the times to close."""

    code: str
    legacy: int
    cases: int
    department: str
    crew: int
    hours: float
    is_service: bool = True


TYPES = (
    Type("bulky_items", 437, 0, "sanitation", 3, 130),
    Type("graffiti", 213, 130, "beautification", 42, 30),
    Type("illegal_dumping", 98, 105, "sanitation", 24, 100),
    Type("metal_appliances", 72, 0, "sanitation", 2, 110),
    Type("homeless_encampment", 48, 52, "sanitation", 8, 300),
    Type("electronic_waste", 40, 0, "sanitation", 2, 120),
    Type("animal_remains", 25, 24, "sanitation", 4, 20),
    Type("other", 24, 0, "information_technology", 10, 90),
    Type("streetlight_single", 20, 0, "street_lighting", 1, 260),
    Type("streetlight_multiple", 12, 0, "street_lighting", 1, 200),
    Type("feedback", 9, 11, "information_technology", 0, 60, is_service=False),
    Type("water_waste", 2, 0, "water_power", 0, 100),
    Type("item_pickup", 0, 310, "sanitation", 3, 120),
    Type("information_only", 0, 215, "information_technology", 0, 0.02, is_service=False),
    Type("missed_collection", 0, 45, "waste_franchise", 12, 48),
    Type("streetlight", 0, 26, "street_lighting", 1, 300),
    Type("pothole", 0, 22, "street_services", 5, 90),
    Type("tree_care", 0, 18, "street_services", 3, 900),
    Type("sidewalk", 0, 10, "engineering", 2, 2_000),
    Type("abandoned_vehicle", 0, 14, "transportation", 1, 110),
    Type("program_research", 0, 5, "information_technology", 0, 30, is_service=False),
    Type("unmapped", 0, 13, "unmapped", 0, 100, is_service=False),
)
GROUPS = {
    **dict.fromkeys(("bulky_items", "electronic_waste", "metal_appliances", "item_pickup"), "item_collection"),
    **dict.fromkeys(("streetlight", "streetlight_single", "streetlight_multiple"), "streetlights"),
    **dict.fromkeys(("feedback", "information_only", "program_research"), "intake"),
}
CHANNELS = (
    "phone",
    "phone",
    "phone",
    "mobile_app",
    "mobile_app",
    "website",
    "web_form",
    "email",
    "council_office",
    "chat",
)
DEPARTMENTS = (
    "sanitation",
    "beautification",
    "street_services",
    "recreation_parks",
    "transportation",
    "building_safety",
)


def requests_sql(rows: int) -> str:
    """A SELECT of so many requests in the order of a release, from the table `addresses` (numbered by `a`; -1 is no place)."""

    def u(salt: int) -> str:
        """A number from 0 to 1 that looks like chance."""
        return f"((hash(i * 64 + {salt}) >> 11) / 9007199254740992.0)"

    def drawn(shares: list[tuple[str, int]], value: str) -> str:
        total, so_far, arms = sum(share for _, share in shares), 0, ""
        for code, share in shares:
            so_far += share
            arms += f"WHEN {value} < {so_far / total} THEN '{code}' "
        return f"CASE {arms}ELSE '{shares[-1][0]}' END"

    def one_of(words: tuple[str, ...], value: str) -> str:
        return f"[{', '.join(repr(word) for word in words)}][CAST(floor({value} * {len(words)}) AS INTEGER) + 1]"

    legacy = drawn([(t.code, t.legacy) for t in TYPES if t.legacy], "u_type")
    cases = drawn([(t.code, t.cases) for t in TYPES if t.cases], "u_type")

    def of_type(value: Callable[[Type], object]) -> str:
        return "CASE type " + " ".join(f"WHEN '{t.code}' THEN {value(t)}" for t in TYPES) + " END"

    department = of_type(lambda t: repr(t.department))
    crew_share = of_type(lambda t: t.crew / 100)
    hours = of_type(lambda t: float(t.hours))
    is_service = of_type(lambda t: str(t.is_service).upper())
    return f"""
    WITH numbered AS (
        SELECT i, {START_AT} + CAST(floor(({DAYS} + 1) * pow(i / {rows}.0, 0.92)) AS INTEGER) AS created_on,
            ({DAYS} + 1) * pow(i / {rows}.0, 0.92) % 1 AS day_part, {u(1)} AS u_type, {u(2)} AS u_place, {u(3)} AS u_crew,
            {u(4)} AS u_end, {u(5)} AS u_wait, {u(6)} AS u_more, {u(7)} AS u_era, {u(8)} AS u_other, {u(9)} AS u_channel
        FROM range({rows}) AS t(i)
    ), typed AS (
        SELECT *, created_on >= DATE '{CHANGE}' AND u_era < least(1.0, date_diff('day', DATE '{CHANGE}', created_on) /
            date_diff('day', DATE '{CHANGE}', DATE '{CHANGED}')::DOUBLE) AS is_case,
            timezone('America/Los_Angeles', created_on::TIMESTAMP + to_seconds(
                CAST(floor((0.25 + 0.6 * day_part) * 86400) AS BIGINT))) AS created_at,
            CASE WHEN u_more < 0.045 THEN -1 ELSE CAST(floor(pow(u_place, 1.7) * (SELECT max(a) + 1 FROM addresses))
                AS BIGINT) END AS place
        FROM numbered
    ), coded AS (
        SELECT *, CASE WHEN is_case THEN {cases} ELSE {legacy} END AS type FROM typed
    ), known AS (
        SELECT *, {is_service} AS is_service, u_crew < {crew_share} AS is_crew,
            CASE WHEN u_other < 0.03 THEN {one_of(DEPARTMENTS, "u_other / 0.03")} ELSE {department} END AS department,
            CAST(3600 * {hours} * exp(1.1 * sqrt(-2 * ln(u_wait + 1e-12)) * cos(6.2831853 * u_more)) AS BIGINT)
                + 1 AS waits
        FROM coded
    ), ended AS (
        SELECT *, CASE WHEN is_crew AND u_wait < 0.6 THEN created_at ELSE created_at + to_seconds(waits) END AS ends_at,
            TIMESTAMPTZ '{END} 23:00:00+00' AS watched_at
        FROM known
    ), stated AS (
        SELECT *, CASE
            WHEN type = 'unmapped' AND u_end < 0.2 THEN 'unmapped'
            WHEN ends_at > watched_at THEN CASE WHEN u_end < 0.7 THEN 'open' ELSE 'in_progress' END
            WHEN is_case AND u_end < 0.03 THEN 'acknowledged' WHEN is_case AND u_end < 0.05 THEN 'duplicate'
            WHEN is_case AND u_end < 0.055 THEN 'possible_duplicate'
            WHEN u_end < 0.08 THEN 'cancelled' WHEN u_end < 0.087 THEN 'referred' WHEN u_end < 0.093 THEN 'open'
            ELSE 'closed' END AS status
        FROM ended
    )
    SELECT
        CASE WHEN is_case THEN lpad(CAST(10000000 + i AS VARCHAR), 8, '0') ELSE '1-' ||
            CAST(4000000000 + i * 10 + 1 AS VARCHAR) END AS request_id,
        CASE WHEN is_case THEN 'cases' ELSE 'legacy' END AS era,
        CASE WHEN is_case THEN 'cases_' ELSE 'requests_' END || year(created_on) AS source_dataset,
        type AS request_type_code, type AS source_request_type, status AS status_code, status AS source_status,
        CASE WHEN status <> 'unmapped' THEN status IN ('open', 'in_progress', 'possible_duplicate') END AS is_open,
        CASE WHEN status <> 'unmapped' THEN status = 'closed' END AS is_closed,
        CASE WHEN is_case AND status = 'closed' THEN 'work_done' END AS outcome_code,
        CASE WHEN is_crew THEN 'work_crew' ELSE {one_of(CHANNELS, "u_channel")} END AS source_code,
        CASE WHEN is_crew THEN 'Driver Self Report' ELSE {one_of(CHANNELS, "u_channel")} END AS source_channel,
        department AS department_code, upper(department) AS source_owner,
        CASE WHEN type <> 'unmapped' AND status <> 'unmapped' THEN is_service AND NOT is_crew AND status <> 'duplicate' END
            AS is_resident_demand,
        is_crew AS is_crew_logged, type = 'information_only' AS is_information_only, type = 'homeless_encampment' AS is_sensitive,
        u_channel < 0.4 AS is_anonymous, created_at, created_on,
        CASE WHEN status IN ('open', 'in_progress') THEN created_at + to_seconds(3600) ELSE least(ends_at, watched_at) END
            AS updated_at,
        CASE WHEN status NOT IN ('open', 'in_progress', 'possible_duplicate', 'duplicate', 'unmapped') THEN ends_at END
            AS closed_at,
        CASE WHEN status = 'closed' AND ends_at > created_at THEN waits / 3600.0 END AS hours_to_close,
        CASE WHEN type <> 'homeless_encampment' THEN address END AS address, zip_code,
        CASE WHEN type = 'homeless_encampment' THEN round(longitude, 2) ELSE longitude END AS longitude,
        CASE WHEN type = 'homeless_encampment' THEN round(latitude, 2) ELSE latitude END AS latitude,
        CASE WHEN place < 0 THEN 'unknown' ELSE COALESCE(council, 'none') END AS council_code,
        CASE WHEN place >= 0 THEN CASE WHEN council IS NULL THEN 0 ELSE 1 END END AS council_matches,
        council AS source_council_code, CASE WHEN council IS NOT NULL THEN TRUE END AS is_council_agreed,
        CASE WHEN created_on < DATE '2022-12-12' THEN cd_2012 ELSE cd_2021 END AS district_code,
        cd_2012 AS source_district_code,
        CASE WHEN created_on < DATE '2022-12-12' THEN cd_2012 ELSE cd_2021 END = cd_2012 AS is_district_agreed,
        'AREA ' || (CAST(council AS INTEGER) % 7) || ' APC' AS planning_area, 'POLICE ' || (CAST(council AS INTEGER) % 21) AS
        police_precinct,
        CASE WHEN i % 40 = 0 THEN ['service_before_closed'] ELSE CAST([] AS VARCHAR[]) END AS flags
    FROM stated JOIN addresses ON place = a
    """


START_AT = f"DATE '{START}'"
DAYS = f"date_diff('day', DATE '{START}', DATE '{END}')"
