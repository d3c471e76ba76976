"""What a release holds: the contract's columns and types, treated rows, the same bytes every time, a valid descriptor."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import pyarrow.parquet as pq
import pytest
from release_kit import THING_COLUMNS, column, things

from civicops.contracts import Contract
from civicops.release import (
    CheckOutcome,
    Conservation,
    InputManifest,
    Provenance,
    Release,
    ReleaseConflictError,
    ReleaseRefusedError,
    ReleaseStore,
    ReleaseWriteError,
    StagedRelease,
    discard,
    publish,
    stage,
)
from civicops.release.sql import fits

MakeContract = Callable[..., Contract]


class Bench:
    """The engine, a store and a provenance, so that a test names only what it is about."""

    def __init__(self, con: duckdb.DuckDBPyConnection, store: ReleaseStore, provenance: Provenance) -> None:
        self.con, self.store, self.provenance = con, store, provenance

    def stage(self, contract: Contract, sql: str, **changes: Any) -> StagedRelease:
        provenance = replace(self.provenance, **changes)
        return stage(self.con, contract=contract, select_sql=sql, provenance=provenance, store=self.store)

    def publish(self, contract: Contract, sql: str, **changes: Any) -> Release:
        return publish([self.stage(contract, sql, **changes)], store=self.store).releases[0]

    def rows(self, release: Release) -> list[tuple[Any, ...]]:
        return self.con.execute(f"FROM read_parquet('{release.data}')").fetchall()


@pytest.fixture
def bench(con: duckdb.DuckDBPyConnection, store: ReleaseStore, provenance: Provenance) -> Bench:
    return Bench(con, store, provenance)


def leftovers(store: ReleaseStore) -> list[str]:
    return [
        str(path)
        for path in store.root.rglob(".*")
        if path.name not in (".publish.lock", ".staging.lock")  # these two are there for good
    ]


def test_columns_stand_in_the_contracts_order_and_types(bench: Bench, make_contract: MakeContract) -> None:
    contract = make_contract(sort_by=["kind_code"])
    release = bench.publish(contract, f"SELECT tags, seen_at, * EXCLUDE (tags, seen_at) FROM ({things(50)})")
    described = bench.con.execute(f"DESCRIBE FROM read_parquet('{release.data}')").fetchall()
    assert [(row[0], row[1]) for row in described] == [
        ("thing_id", "BIGINT"),
        ("kind_code", "VARCHAR"),
        ("latitude", "DOUBLE"),
        ("seen_at", "TIMESTAMP WITH TIME ZONE"),
        ("tags", "VARCHAR[]"),
    ]
    rows = bench.rows(release)
    assert len(rows) == 50
    assert rows == sorted(rows, key=lambda row: (row[1] is None, row[1], row[0]))


def test_the_same_rows_give_the_same_bytes(
    bench: Bench, make_contract: MakeContract, tmp_path: Path, store: ReleaseStore
) -> None:
    """At one or two threads, in any order, with little memory, with insertion order kept or not: one hash."""
    contract = make_contract(sort_by=["kind_code", "latitude"])
    hashes = set()
    for threads in (1, 2):
        for order in ("thing_id", "thing_id DESC", "hash(thing_id)"):
            for keep, memory in (("true", "4GB"), ("false", "120MB")):
                with duckdb.connect() as con:
                    con.execute(f"SET threads = {threads}; SET preserve_insertion_order = {keep}")
                    con.execute(f"SET temp_directory = '{tmp_path / 'spill'}'; SET memory_limit = '{memory}'")
                    staged = stage(
                        con,
                        contract=contract,
                        select_sql=things(300_000, order=order),
                        provenance=bench.provenance,
                        store=store,
                    )
                    assert staged.rows == 300_000
                    assert hashlib.sha256(staged.data.read_bytes()).hexdigest() == staged.data_sha256
                    assert con.execute("SELECT current_setting('preserve_insertion_order')::text").fetchone() == (keep,)
                    hashes.add(staged.data_sha256)
                    discard([staged])
    assert len(hashes) == 1
    assert leftovers(store) == []


def test_rows_that_tie_in_every_key_still_have_one_order(bench: Bench, make_contract: MakeContract) -> None:
    """A contract without a key promises no unique rows, so its order must not depend on where rows came from."""
    contract = make_contract("notes", [column("kind_code"), column("note")], sort_by=["kind_code"])
    table = "SELECT 'k' || i % 2 AS kind_code, 'n' || i % 40 AS note FROM range(5000) t(i)"
    one = bench.stage(contract, table + " ORDER BY i")
    other = bench.stage(contract, table + " ORDER BY hash(i)")
    assert one.data_sha256 == other.data_sha256
    discard([one, other])


def test_privacy_replaces_exact_values_before_they_reach_the_file(bench: Bench, make_contract: MakeContract) -> None:
    rules = [
        {
            "id": "coarse_trees",
            "description": "Where a tree stands is told to about 1 km.",
            "when": "kind_code = 'tree' -- trees",
            "treatments": [
                {"column": "latitude", "treatment": "round", "decimals": 2},
                {"column": "seen_at", "treatment": "null"},
            ],
        },
        {
            "id": "coarser_first",
            "description": "The first hundred are told to about 10 km.",
            "when": "thing_id < 100",
            "treatments": [{"column": "latitude", "treatment": "round", "decimals": 1}],
        },
        {
            "id": "no_kind",
            "description": "A tree is not told to be one.",
            "when": "kind_code = 'tree'",
            "treatments": [{"column": "kind_code", "treatment": "null"}],
        },
    ]
    contract = make_contract(privacy=rules)
    release = bench.publish(contract, things(3000))
    exact = dict(bench.con.execute(f"SELECT thing_id, (latitude, kind_code) FROM ({things(3000)})").fetchall())
    seen: dict[str, int] = {}
    for thing_id, kind, latitude, seen_at, _ in bench.rows(release):
        true_latitude, true_kind = exact[thing_id]
        if thing_id < 100:
            case, expected = "first", round(true_latitude, 1)
        elif true_kind == "lamp":
            case, expected = "lamp", true_latitude
        else:  # trees, and those of unknown kind: what is not known to be harmless is treated
            case, expected = "tree or unknown", round(true_latitude, 2)
        assert latitude == pytest.approx(expected, abs=1e-12), case
        assert (seen_at is None) == (true_kind != "lamp")
        assert kind == ("lamp" if true_kind == "lamp" else None)
        seen[case] = seen.get(case, 0) + 1
    assert set(seen) == {"first", "lamp", "tree or unknown"}
    # No exact latitude of a treated row is anywhere in the file, its statistics included.
    told = set(bench.con.execute(f"SELECT latitude FROM read_parquet('{release.data}')").fetchnumpy()["latitude"])
    secret = {latitude for latitude, kind in exact.values() if kind != "lamp"} - {
        latitude for thing_id, (latitude, kind) in exact.items() if kind == "lamp" and thing_id >= 100
    }
    secret = {value for value in secret if round(value, 2) != value}
    assert secret and not secret & told
    metadata = bench.con.execute(
        f"SELECT stats_min_value, stats_max_value FROM parquet_metadata('{release.data}') WHERE path_in_schema = 'latitude'"
    ).fetchall()
    assert not {str(value) for value in secret} & {text for pair in metadata for text in pair}
    assert [rule["id"] for rule in release.package()["civicops"]["privacy"]] == [
        "coarse_trees",
        "coarser_first",
        "no_kind",
    ]


def test_rows_are_sorted_by_what_is_told_not_by_what_is_secret(bench: Bench, make_contract: MakeContract) -> None:
    rule = {
        "id": "coarse",
        "description": "Everything is told to a degree.",
        "when": "true",
        "treatments": [{"column": "latitude", "treatment": "round", "decimals": 0}],
    }
    contract = make_contract(privacy=[rule], sort_by=["latitude"])
    rows = bench.rows(bench.publish(contract, things(2000)))
    assert [(row[2], row[0]) for row in rows] == sorted((row[2], row[0]) for row in rows)


def test_rounding_leaves_no_sign_on_zero(bench: Bench, make_contract: MakeContract) -> None:
    rule = {
        "id": "coarse",
        "description": "Told to a degree.",
        "when": "true",
        "treatments": [{"column": "latitude", "treatment": "round", "decimals": 0}],
    }
    contract = make_contract("points", [THING_COLUMNS[0], THING_COLUMNS[2]], privacy=[rule])
    release = bench.publish(contract, "SELECT 1::BIGINT AS thing_id, (-0.2)::DOUBLE AS latitude")
    assert [str(row[1]) for row in bench.rows(release)] == ["0.0"]


@pytest.mark.parametrize(
    ("changes", "columns", "words"),
    [
        ({}, [THING_COLUMNS[0], column("phone", classification="direct")], "phone names people directly"),
        ({"access": "internal"}, THING_COLUMNS, "not for release"),
        (
            {"privacy": [("null", "thing_id", None)]},
            THING_COLUMNS,
            "treats the key column 'thing_id'",
        ),
        ({"privacy": [("round", "kind_code", 1)]}, THING_COLUMNS, "rounds 'kind_code', which is a string"),
        ({"privacy": [("round", "latitude", None)]}, THING_COLUMNS, "no stated number of decimals"),
        (
            {"privacy": [("null", "note", None)]},
            [THING_COLUMNS[0], column("note", required=True)],
            "empties 'note', which is required",
        ),
    ],
)
def test_a_contract_that_forbids_the_release_is_obeyed(
    bench: Bench, make_contract: MakeContract, changes: dict[str, Any], columns: list[Any], words: str
) -> None:
    if "privacy" in changes:
        treatment, name, decimals = changes["privacy"][0]
        item = {"column": name, "treatment": treatment} | ({} if decimals is None else {"decimals": decimals})
        changes = {"privacy": [{"id": "r", "description": "A rule.", "when": "true", "treatments": [item]}]}
    contract = make_contract("items", columns, **changes)
    with pytest.raises(ReleaseRefusedError, match=words) as raised:
        bench.stage(contract, "SELECT 1")
    assert raised.value.hint
    assert bench.store.datasets("things") == ()


def test_direct_identifiers_may_stand_in_a_restricted_release_that_only_its_user_can_read(
    bench: Bench, make_contract: MakeContract
) -> None:
    columns = [THING_COLUMNS[0], column("phone", classification="direct")]
    contract = make_contract("callers", columns, access="restricted")
    release = bench.publish(contract, "SELECT 1::BIGINT AS thing_id, '213 555 0100' AS phone")
    assert stat.S_IMODE(release.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(release.data.stat().st_mode) == 0o400
    public = bench.publish(make_contract(), things(5))
    assert stat.S_IMODE(public.path.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in public.path.iterdir()} == {0o444}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * EXCLUDE (latitude) FROM ({things})", "lacks latitude"),
        ("SELECT *, 1 AS more FROM ({things})", "has besides more"),
        ("SELECT * REPLACE (latitude::VARCHAR AS latitude) FROM ({things})", "latitude is VARCHAR, not DOUBLE"),
        (
            "SELECT * REPLACE (seen_at::TIMESTAMP AS seen_at) FROM ({things})",
            "seen_at is TIMESTAMP, not TIMESTAMP WITH",
        ),
        ("SELECT * REPLACE (thing_id + 0.5 AS thing_id) FROM ({things})", "thing_id is DECIMAL"),
        ("SELECT * REPLACE (thing_id::HUGEINT << 64 AS thing_id) FROM ({things})", "does not fit its contract"),
        ("SELECT * FROM no_such_table", "cannot be read: Catalog Error"),
    ],
)
def test_a_table_that_is_not_what_the_contract_says_is_refused(
    bench: Bench, make_contract: MakeContract, sql: str, words: str
) -> None:
    before = bench.publish(make_contract(), things(5))
    with pytest.raises(ReleaseRefusedError, match=words):
        bench.stage(make_contract(), sql.replace("{things}", things(5)))
    assert bench.store.current("things", "items") == before
    assert leftovers(bench.store) == []


def test_types_widen_only_where_no_value_can_change() -> None:
    assert fits("HUGEINT", "BIGINT") and fits("INTEGER", "DOUBLE") and fits("DECIMAL(18,2)", "DOUBLE")
    assert fits("DECIMAL(10,2)", "DECIMAL(18,4)") and not fits("DECIMAL(10,4)", "DECIMAL(18,2)")
    assert fits("ENUM('a', 'b')", "VARCHAR") and fits('"NULL"', "VARCHAR[]")
    for found, wanted in (
        ("DOUBLE", "BIGINT"),
        ("INTEGER", "VARCHAR"),
        ("VARCHAR", "INTEGER"),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
        ("TIMESTAMP", "DATE"),
        ("DOUBLE", "FLOAT"),
        ("BOOLEAN", "INTEGER"),
    ):
        assert not fits(found, wanted), (found, wanted)


def test_nothing_is_staged_past_a_failed_gate_or_lost_rows(bench: Bench, make_contract: MakeContract) -> None:
    before = bench.publish(make_contract(), things(5))
    failed = CheckOutcome("key_unique", "stop", 2, 5, False)
    flagged = CheckOutcome("odd", "flag", 2, 5, False)
    with pytest.raises(ReleaseRefusedError, match="key_unique failed"):
        bench.stage(make_contract(), things(6), checks=(flagged, failed))
    with pytest.raises(ReleaseRefusedError, match="2 of 7 rows are unaccounted for"):
        bench.stage(make_contract(), things(6), conservation=Conservation(7, 4, 1))
    assert bench.store.current("things", "items") == before
    discard([bench.stage(make_contract(), things(6), checks=(flagged,))])


def test_nothing_new_is_published_for_the_same_data_contract_and_outcome(
    bench: Bench, make_contract: MakeContract
) -> None:
    first = bench.publish(make_contract(), things(50))
    later = (InputManifest("legacy", 4, ("cd" * 32,)),)
    again = bench.stage(make_contract(), things(50, order="hash(thing_id)"), run_id="another", inputs=later)
    assert again.unchanged == first
    outcome = publish([again], store=bench.store)
    assert (outcome.releases, outcome.changed, outcome.switch) == ((first,), (), None)
    assert len(bench.store.history("things")) == 1
    found = (
        CheckOutcome("thing_id_required", "stop", 0, 7, True, "Every row has a thing."),
        CheckOutcome("odd", "flag", 3, 7, False),
    )
    for contract, changes in (
        (make_contract(version="1.0.1"), {}),
        (make_contract(version="1.0.1", licence="CC-BY-4.0"), {}),
        (make_contract(version="1.0.1", licence="CC-BY-4.0"), {"checks": found}),
    ):
        staged = bench.stage(contract, things(50), **changes)
        assert staged.unchanged is None and staged.data_sha256.startswith(first.version[-8:])
        publish([staged], store=bench.store)
    assert len(bench.store.versions("things", "items")) == 4


def test_versions_sort_in_the_order_of_publishing_whatever_the_clock_does(
    bench: Bench, make_contract: MakeContract
) -> None:
    moments = [datetime(2026, 11, 22, 11, 38, 7, tzinfo=UTC)] * 2 + [datetime(2025, 1, 1, tzinfo=UTC)]
    versions = []
    for number, moment in enumerate(moments):
        staged = bench.stage(make_contract(), things(number + 1))
        versions.append(publish([staged], store=bench.store, now=moment).releases[0].version)
    assert versions[0].startswith("20261122T113807Z-")
    assert versions == sorted(versions) and len(set(versions)) == 3
    assert [release.version for release in bench.store.versions("things", "items")] == versions
    assert [switch.at for switch in bench.store.history("things")] == moments


def test_the_descriptor_is_a_valid_data_package_that_tells_the_truth(
    bench: Bench, make_contract: MakeContract, provenance: Provenance
) -> None:
    contract = make_contract(sort_by=["seen_at"])
    release = bench.publish(contract, things(500))
    package = release.package()
    report = frictionless.Package.validate_descriptor(package)
    assert report.valid, report.flatten(["message"])
    assert frictionless.Package.from_descriptor(package, basepath=str(release.path)).get_resource(
        "items"
    ).schema.field_names == list(contract.column_names)
    resource = package["resources"][0]
    content = release.data.read_bytes()
    assert resource["bytes"] == len(content)
    assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    parquet = pq.ParquetFile(release.data)
    assert parquet.metadata.num_rows == resource["rowcount"] == 500
    assert [field["name"] for field in resource["schema"]["fields"]] == parquet.schema_arrow.names
    types = {field["name"]: field["type"] for field in resource["schema"]["fields"]}
    arrow = {field.name: str(field.type) for field in parquet.schema_arrow}
    assert (types["seen_at"], arrow["seen_at"]) == ("datetime", "timestamp[us, tz=UTC]")
    assert (types["latitude"], arrow["latitude"]) == ("number", "double")
    assert (types["thing_id"], arrow["thing_id"]) == ("integer", "int64")
    assert (types["tags"], arrow["tags"][:4]) == ("array", "list")
    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    assert fields["latitude"]["unit"] == "degrees"
    assert fields["thing_id"]["constraints"] == {"required": True, "unique": True}
    assert resource["schema"]["primaryKey"] == ["thing_id"]
    assert package["version"] == release.version
    mine = package["civicops"]
    assert mine["contract"] == {
        "id": "things.items",
        "version": "1.0.0",
        "status": "active",
        "fingerprint": contract.fingerprint,
    }
    assert mine["code"] == {"commit": "0" * 40, "dirty": True}
    assert mine["run"] == provenance.run_id
    assert mine["inputs"][0]["objects"] == ["ab" * 32] and mine["inputs"][0]["sequence"] == 3
    assert mine["conservation"] == {"rows_in": 7, "accepted": 5, "quarantined": 1, "ignored": {"not ours": 1}}
    assert mine["tools"]["duckdb"] == duckdb.__version__ and mine["tools"]["dbt"] == "1.11.0"
    assert mine["checks"][0]["id"] == "thing_id_required"
    assert package["sources"] == [{"title": "Things of old", "path": "https://city.example/things"}]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC0-1.0", {"name": "CC0-1.0"}),
        ("https://city.example/terms", {"path": "https://city.example/terms"}),
        ("Ask the city", {"name": "other", "title": "Ask the city"}),
    ],
)
def test_any_licence_makes_a_valid_descriptor(
    bench: Bench, make_contract: MakeContract, licence: str, expected: dict[str, str]
) -> None:
    local = (InputManifest("legacy", 1, (), url="/srv/secret/place.csv"),)
    package = bench.publish(make_contract(licence=licence), things(5), inputs=local).package()
    assert package["licenses"] == [expected]
    assert frictionless.Package.validate_descriptor(package).valid
    assert "/srv/secret" not in json.dumps(package)


def test_constraints_promise_only_what_stops_a_release(bench: Bench, make_contract: MakeContract) -> None:
    def rule(check_id: str, **parameters: Any) -> dict[str, Any]:
        return {
            "id": check_id,
            "description": "A rule.",
            "type": "custom",
            "engine": "civicops",
            "implementation": parameters,
        }

    columns = [
        THING_COLUMNS[0],
        column(
            "kind_code",
            quality=[
                rule("kind_known", check="allowed", values=["tree", "lamp"], action="stop"),
                rule("kind_short", check="length", maximum=3, action="flag"),
            ],
        ),
        column("latitude", "number", quality=[rule("in_range", check="range", minimum=-90, maximum=90, action="stop")]),
    ]
    contract = make_contract("items", columns)
    package = bench.publish(
        contract, "SELECT 1::BIGINT AS thing_id, 'tree' AS kind_code, 0::DOUBLE AS latitude"
    ).package()
    fields = {field["name"]: field.get("constraints") for field in package["resources"][0]["schema"]["fields"]}
    assert fields["kind_code"] == {"enum": ["tree", "lamp"]}
    assert fields["latitude"] == {"minimum": -90, "maximum": 90}
    assert frictionless.Package.validate_descriptor(package).valid


def test_a_release_staged_before_somebody_else_published_is_refused(bench: Bench, make_contract: MakeContract) -> None:
    late = bench.stage(make_contract(), things(5))
    newer = bench.publish(make_contract(), things(6))
    with pytest.raises(ReleaseConflictError, match=r"things\.items was published or rolled back by somebody else"):
        publish([late], store=bench.store)
    assert bench.store.current("things", "items") == newer
    discard([late])
    assert leftovers(bench.store) == []


def test_publish_takes_one_product_and_each_dataset_once(bench: Bench, make_contract: MakeContract) -> None:
    one = bench.stage(make_contract(), things(5))
    with pytest.raises(ValueError, match="twice"):
        publish([one, one], store=bench.store)
    with pytest.raises(ValueError, match="at least one"):
        publish([], store=bench.store)
    discard([one])
    with pytest.raises(ReleaseWriteError):
        publish([one], store=bench.store)
    assert bench.store.current("things", "items") is None
