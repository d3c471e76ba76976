"""The 311 product from the portal over HTTP to its releases, scored against what the made-up city knows about itself.

Belongs here: what an undisturbed run must find in the rows, and that it accounts for each. Does not belong here: what is
public (`test_requests_311_public`), time that passes (`test_requests_311_time`), portals that fail and runs that are killed
(`test_requests_311_faults`), the real samples (`tests/data`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
import shapely
import shapely.geometry

from civicops.orchestrate.quarantine import held_rows
from tests.flow.city import ERAS, KEYS, NAME, PRODUCT, PUBLISHED, Base, counts, dataset, lookup

pytestmark = pytest.mark.xdist_group("requests_311")

# Which check finds what was planted. A kind that is missing here fails the test below.
CAUGHT = {
    "created_placeholder_1900": ("created_at_plausible",),
    "closed_placeholder_3020": ("closed_at_plausible",),
    "service_placeholder_1900": ("service_at_plausible",),
    "service_placeholder_2107": ("service_at_plausible",),
    "closed_before_created": ("closed_after_created",),
    "closed_without_closed_date": ("closed_with_closed_date",),
    "open_with_closed_date": ("open_without_closed_date",),
    "test_department": ("no_test_department",),
    "zip_zero": ("zip_code_form", "address_without_zip"),
    "zip_missing": ("address_without_zip",),
    "address_unverified": ("address_without_zip",),
    "address_formula": ("formula_in_address",),
    "coordinates_zero": ("coordinates_inside_city",),
    "coordinates_swapped": ("coordinates_inside_city",),
    "coordinates_far": ("coordinates_inside_city",),
    "coordinates_other_country": ("coordinates_inside_city",),
    "council_zero_with_name": ("council_zero_with_name",),
    "unknown_type": ("request_type_known",),
    "messy_type": ("request_type_known",),
    "unknown_status": ("status_known",),
    "unknown_source": ("request_source_known",),
    "created_in_spring_gap": ("created_at_one_moment",),
    "created_in_autumn_fold": ("created_at_one_moment",),
    "long_number": ("sr_number_form",),
}
# Planted, and rightly not counted by any check of a row: why, and the test that looks at it instead.
NOT_A_CHECK = {
    "zip_plus_four": "a sound address in a longer form; test_addresses_in_other_forms_are_left_alone",
    "address_with_country": "a sound address in a longer form; test_addresses_in_other_forms_are_left_alone",
    "tbm_page_over_999": "a column that the contract ignores, by name and with a reason",
    "coordinates_next_town": "a sound point outside every council; test_placing_agrees_with_the_truth",
    "batch_import": "a check of the whole dataset that asks for 4,000 in an hour; test_a_small_batch_is_no_batch_import",
    "duplicate_identical": "left out for a named reason; test_every_row_is_accounted_for",
    "duplicate_later_update": "left out for a named reason; test_every_row_is_accounted_for",
    "duplicate_across_years": "left out for a named reason; test_the_number_in_two_years_is_counted_once",
}
# Checks that find more than what was planted, because it is in the nature of the data: SQL over the portal's own export, text by
# text. `moment(x)` reads the export's times.
COUNTED: dict[str, dict[str, str]] = {
    "legacy": {
        # Some messy types differ by outer blanks only, and reading trims texts.
        "request_type_known": "trim(RequestType) NOT IN (SELECT legacy_value FROM request_types WHERE legacy_value <> '')",
        "updated_after_created": "moment(UpdatedDate) < moment(CreatedDate)",
        "service_after_created": "moment(ServiceDate) < moment(CreatedDate) - INTERVAL 24 HOUR",
        "service_before_closed": "moment(ServiceDate) > moment(ClosedDate)",
    },
    "cases": {
        # The city's list of 62 types is not public; the made-up city has all of them, the lookup only those that are known.
        "request_type_known": "trim(RequestType) NOT IN (SELECT cases_value FROM request_types WHERE cases_value <> '')",
        # Names of staff besides the planted test queues.
        "owner_known": "trim(Owner) NOT IN (SELECT cases_value FROM departments WHERE cases_value <> '')",
        "information_closed_at_once": "RequestType = 'Information-Only' AND moment(ClosedDate) > moment(CreatedDate) + INTERVAL 24 HOUR",
        "updated_after_created": "moment(UpdatedDate) < moment(CreatedDate)",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def export(base: Base) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables `legacy` and `cases` of what the portal exports, all text, and the lookups that the table above names."""
    con = duckdb.connect()
    con.execute("CREATE MACRO moment(x) AS strptime(x, '%m/%d/%Y %I:%M:%S %p')")
    for era in ERAS:
        names = list(dict.fromkeys(name for row in base.rows(era) for name in row))
        rows = pa.table(
            {name: pa.array([row.get(name) or None for row in base.rows(era)], pa.string()) for name in names}
        )
        con.register("rows", rows)
        con.execute(f"CREATE TABLE {era} AS SELECT * FROM rows")
    for name in ("request_types", "departments"):
        path = PRODUCT / "lookups" / f"{name}.csv"
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', all_varchar = true)")
    yield con
    con.close()


def flagged(base: Base, era: str) -> dict[str, set[str]]:
    """Check id -> numbers of the published requests that carry it as a flag."""
    found: dict[str, set[str]] = {}
    for number, flags in base.city.query(f"SELECT request_id, flags FROM {{requests}} WHERE era = '{era}'"):
        for check in flags:
            found.setdefault(check, set()).add(number)
    return found


# What was planted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_every_planted_kind_has_an_answer(base: Base, era: str) -> None:
    unknown = set(base.planted(era)) - set(CAUGHT) - set(NOT_A_CHECK)
    assert not unknown, f"the city plants {unknown}: say in CAUGHT which check finds it"
    assert all(base.planted(era)[kind] for kind in base.planted(era))


@pytest.mark.parametrize("era", ERAS)
def test_checks_count_what_was_planted_and_nothing_else(
    base: Base, export: duckdb.DuckDBPyConnection, era: str
) -> None:
    expected: Counter[str] = Counter()
    for kind, keys in base.planted(era).items():
        for check in CAUGHT.get(kind, ()):
            expected[check] += len(keys)
    for check, where in COUNTED[era].items():
        expected[check] = export.execute(f"SELECT count(*) FROM {era} WHERE {where}").fetchone()[0]  # type: ignore[index]
    found = {check: count for check, count in counts(base.record, ERAS[era]).items() if count}
    assert found == {check: count for check, count in expected.items() if count}


@pytest.mark.parametrize("era", ERAS)
def test_each_planted_request_carries_its_flag(base: Base, era: str) -> None:
    """Not only the right number: the right requests. What was held back or superseded is looked at elsewhere."""
    flags = flagged(base, era)
    exact = {check for found in CAUGHT.values() for check in found} - set(COUNTED[era]) - {"created_at_plausible"}
    for check in exact & set(counts(base.record, ERAS[era])):
        keys = {key for kind, found in base.planted(era).items() if check in CAUGHT.get(kind, ()) for key in found}
        assert flags.get(check, set()) == keys, check


@pytest.mark.parametrize("era", ERAS)
def test_placeholder_days_are_held_back_with_their_raw_text(base: Base, era: str) -> None:
    held = held_rows(base.city.workspace, NAME, ERAS[era], limit=100)
    keys = {row.raw["srnumber" if era == "legacy" else "casenumber"] for row in held}
    assert keys == set(base.planted(era)["created_placeholder_1900"])
    assert {row.raw["createddate"][:4] for row in held} == {"1900"}
    assert all("created_at_plausible" in row.checks for row in held)
    assert base.city.query(f"SELECT count(*) FROM {{requests}} WHERE request_id IN {(*keys, '')}") == [(0,)]


def test_types_that_differ_by_capitals_and_blanks_are_mapped(base: Base) -> None:
    keys = tuple(key for era in ERAS for key in base.planted(era)["messy_type"])
    cases_types = {row["cases_value"].lower() for row in lookup("request_types") if row["cases_value"]}
    rows = base.city.query(
        f"SELECT era, request_type_code, source_request_type FROM {{requests}} WHERE request_id IN {keys}"
    )
    assert len(rows) == len(keys)
    for era, code, said in rows:
        # The made-up cases have types that no lookup knows; every legacy type is known.
        known = era == "legacy" or " ".join(said.split()).lower() in cases_types
        assert (code != "unmapped") == known, said


def test_values_nobody_has_seen_are_unmapped_and_counted(base: Base) -> None:
    for kind, column in (
        ("unknown_type", "request_type_code"),
        ("unknown_status", "status_code"),
        ("unknown_source", "source_code"),
    ):
        keys = tuple(key for era in ERAS for key in base.planted(era)[kind])
        found = base.city.query(f"SELECT DISTINCT {column} FROM {{requests}} WHERE request_id IN {keys}")
        assert found == [("unmapped",)]


def test_addresses_in_other_forms_are_left_alone(base: Base) -> None:
    keys = tuple(
        key for era in ERAS for kind in ("zip_plus_four", "address_with_country") for key in base.planted(era)[kind]
    )
    found = base.city.query(
        f"SELECT count(*), count(*) FILTER (address IS NULL AND NOT is_sensitive), count(*) FILTER (zip_code IS NULL), "
        f"count(*) FILTER (list_has_any(flags, ['address_without_zip', 'zip_code_form', 'address_length'])) "
        f"FROM {{requests}} WHERE request_id IN {keys}"
    )  # fmt: skip
    assert found == [(len(keys), 0, 0, 0)]


def test_a_small_batch_is_no_batch_import(base: Base, export: duckdb.DuckDBPyConnection) -> None:
    busiest = export.execute(
        "SELECT date_trunc('hour', moment(CreatedDate)) AS h, count(*) FROM cases GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    ).fetchone()
    assert busiest is not None and str(busiest[0]) == "2026-03-25 11:00:00"
    assert busiest[1] == len(base.planted("cases")["batch_import"]) < 4000
    assert counts(base.record, "cases")["batch_import"] == 0


def test_times_to_close_are_unknown_rather_than_wrong(base: Base) -> None:
    keys = tuple(
        key for era in ERAS for kind in ("closed_before_created", "closed_placeholder_3020", "closed_without_closed_date")
        for key in base.planted(era)[kind]
    )  # fmt: skip
    found = base.city.query(
        "SELECT count(*), count(hours_to_close), count(closed_at), count(*) FILTER (is_closed) > 40, count(*) FILTER (is_open) "
        f"FROM {{requests}} WHERE request_id IN {keys}"
    )
    assert found == [(len(keys), 0, 0, True, 0)]
    assert base.city.query("SELECT count(*) FROM {requests} WHERE hours_to_close <= 0 OR closed_at < created_at") == [
        (0,)
    ]
    assert base.city.query("SELECT count(*) FROM {requests} WHERE is_open AND closed_at IS NOT NULL") == [(0,)]


def test_crews_and_questions_are_marked_and_no_demand(base: Base, export: duckdb.DuckDBPyConnection) -> None:
    held = tuple(key for era in ERAS for key in base.planted(era)["created_placeholder_1900"])
    for era, key in KEYS.items():
        crew, info = export.execute(
            f"SELECT count(DISTINCT {key}) FILTER (RequestSource IN ('Driver Self Report', 'Driver Self Reported')), "
            f"count(DISTINCT {key}) FILTER (lower(trim(RequestType)) = 'information-only') FROM {era} WHERE {key} NOT IN {held}"
        ).fetchone()  # type: ignore[misc]
        found = base.city.query(
            "SELECT count(*) FILTER (is_crew_logged), count(*) FILTER (is_information_only), "
            "count(*) FILTER (is_resident_demand AND (is_crew_logged OR is_information_only)) FROM {requests} "
            f"WHERE era = '{era}'"
        )
        assert found == [(crew, info, 0)]
        assert crew > 0 and (info > 0) == (era == "cases")


# Conservation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_every_row_is_accounted_for(base: Base, era: str) -> None:
    said, planted = dataset(base.record, ERAS[era]), base.planted(era)
    copies = {kind: len(planted.get(kind, ())) for kind in planted if kind.startswith("duplicate_")}
    # Of the number in two years both rows stand in the export; which is older depends on their update times.
    across = 1 if "duplicate_across_years" in planted else 0
    assert sum(said["ignored"].values()) == copies["duplicate_identical"] + copies["duplicate_later_update"] + across
    assert said["quarantined"] == len(planted["created_placeholder_1900"])
    assert said["rows_in"] == len(base.rows(era))
    assert said["rows_in"] == said["accepted"] + said["quarantined"] + sum(said["ignored"].values())
    assert said["missing"] == 0
    held = set(planted["created_placeholder_1900"])
    distinct = {row[KEYS[era]] for row in base.rows(era)} - held
    assert base.city.query(f"SELECT count(*), count(DISTINCT request_id) FROM {{requests}} WHERE era = '{era}'") == [
        (len(distinct), len(distinct))
    ]


def test_every_dataset_is_conserved_and_published(base: Base) -> None:
    assert base.record.status == "succeeded"
    for item in base.record.datasets:
        if item["layer"] == "accepted":
            kept = item["accepted"] + item["quarantined"] + sum(item["ignored"].values())
            assert (item["rows_in"], item["missing"]) == (kept, 0), item["dataset"]
    assert set(base.city.hashes()) == PUBLISHED
    # No request of one system is a copy of a case here; `test_requests_311_faults` serves one that is.
    total = sum(dataset(base.record, name)["accepted"] for name in ERAS.values())
    assert base.city.query("SELECT count(*) FROM {requests}") == [(total,)]
    assert base.city.query("SELECT sum(request_count) FROM {requests_daily}") == [(total,)]
    assert base.city.query("SELECT sum(request_count) FROM {request_types}") == [(total,)]


def test_the_number_in_two_years_is_counted_once(base: Base) -> None:
    (number,) = set(base.planted("legacy")["duplicate_across_years"])
    assert base.city.query(f"SELECT count(*) FROM {{requests}} WHERE request_id = '{number}'") == [(1,)]


def test_of_two_versions_the_later_one_is_published(base: Base, export: duckdb.DuckDBPyConnection) -> None:
    for era, key in KEYS.items():
        keys = tuple(base.planted(era)["duplicate_later_update"])
        newest = export.execute(
            f"SELECT {key}, strftime(max(moment(UpdatedDate)), '%Y-%m-%d %H:%M:%S') FROM {era} WHERE {key} IN {keys} GROUP BY 1 ORDER BY 1"
        ).fetchall()
        found = base.city.query(
            "SELECT request_id, strftime(timezone('America/Los_Angeles', updated_at), '%Y-%m-%d %H:%M:%S') "
            f"FROM {{requests}} WHERE request_id IN {keys} ORDER BY 1"
        )
        assert found == newest and len(newest) == len(keys)


# Placing ----------------------------------------------------------------------------------------------------------------


def test_placing_agrees_with_the_truth(base: Base) -> None:
    """Every point is placed again by shapely on the portal's own outlines; both, and the city's answer key, must agree."""
    features = base.portal.councils()["features"]
    codes = [str(feature["properties"]["NC_ID"]) for feature in features]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    tree = shapely.STRtree(shapes)
    areas = {code: shape.area for code, shape in zip(codes, shapes, strict=True)}
    published = {
        (era, number): (code, matches, agreed)
        for era, number, code, matches, agreed in base.city.query(
            "SELECT era, request_id, council_code, council_matches, is_council_agreed FROM {requests}"
        )
    }
    for era, key in KEYS.items():
        planted = base.planted(era)
        junk = {n for kind, numbers in planted.items() if kind.startswith("coordinates_") for n in numbers}
        junk -= set(planted["coordinates_next_town"])
        found: Counter[str] = Counter()
        for row in base.rows(era):
            number, said = row[key], row["NC"] or "0"
            here: list[str] = []
            if not row["Latitude"]:
                found["coordinates_null"] += 1
            elif number not in junk:
                point = shapely.Point(float(row["Longitude"]), float(row["Latitude"]))
                here = [codes[index] for index in tree.query(point, predicate="intersects")]
                found["points_placeable"] += 1
                found["points_in_one_council"] += len(here) == 1
                found["points_in_overlap"] += len(here) > 1
                found["points_in_no_council"] += not here
                found["points_in_one_council_source_disagrees"] += len(here) == 1 and said != here[0]
                found["points_in_no_council_source_names_one"] += not here and said != "0"
            if number in planted["created_placeholder_1900"]:
                continue  # held back: in the truth, not in the release
            code, matches, agreed = published[era, number]
            if not row["Latitude"] or number in junk:
                assert (code, matches, agreed) == ("unknown", None, None)
                continue
            smallest = min(here, key=areas.__getitem__, default="none")
            assert (code, matches) == (smallest, len(here)), number
            # The city's own number may be one of several councils that hold the point; 0 means that it names none.
            assert agreed == (None if not here or said == "0" else said in here), number
        assert {name: found[name] for name in found} == {name: base.facts(era)[name] for name in found}
        assert found["points_in_no_council"] > 0 and found["points_in_one_council_source_disagrees"] > 0
    assert base.facts("legacy")["points_in_overlap"] > 0
