"""Lineage and traces on products that really ran.

Belongs here: what a run leaves, values traced to bytes that are then read without us, events and documents in the standards' shapes.
Does not belong here: following SQL (`tests/unit/lineage`).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from civicops.lineage import LineageError, graph_of
from civicops.lineage.models import models_of
from civicops.lineage.origin import Origin
from civicops.lineage.prov import prov_of
from civicops.lineage.proved import building_findings, checking_findings
from civicops.lineage.steps import AREA, HELD
from civicops.lineage.trace import trace
from civicops.lineage.traced import Decision, Trace
from tests.flow.city import NAME, Base, base  # noqa: F401 - the run that all files share
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT


def bytes_of(origin: Origin) -> bytes:
    """The landed object, unpacked by another program than ours and checked against its hash."""
    import pyarrow as pa

    with pa.CompressedInputStream(pa.OSFile(origin.path), "zstd") as stream:
        content = bytes(stream.read())
    assert hashlib.sha256(content).hexdigest() == origin.sha256
    return content


def released(base: Base, columns: str, where: str) -> list[tuple[Any, ...]]:  # noqa: F811
    return base.city.query(f"SELECT {columns} FROM {{requests}} WHERE {where}")


def test_a_run_writes_no_column_that_lineage_does_not_know(base: Base) -> None:  # noqa: F811
    found = [item for item in base.record.findings if str(item["check_id"]).startswith("lineage_")]
    assert found == []
    kept = list((base.city.var / "lineage").glob(f"{NAME}-*.json"))
    assert len(kept) == 1, "the run keeps what it followed, so that nobody has to ask dbt again"
    graph = graph_of(base.city.workspace)
    assert {item.name for item in graph.downstream("requests_311.requests", "council_code") if item.kind == "page"} == {
        "map",
        "waiting",
    }


def test_a_step_that_writes_another_column_is_a_finding(base: Base, tmp_path: Path) -> None:  # noqa: F811
    workspace = base.city.workspace
    product = workspace.product(NAME)
    models = models_of(workspace, product)
    right = {("main", name): tuple(model.query.columns) for name, model in models.items()} | {
        ("geo", "area"): tuple(AREA)
    }
    assert building_findings(workspace, product, None, right) == ()
    wrong = right | {
        ("main", "councils"): (*right["main", "councils"][1:], "surprise"),
        ("geo", "area"): tuple(AREA)[1:],
    }
    found = building_findings(workspace, product, None, wrong)
    assert [item.check_id for item in found] == ["lineage_undeclared", "lineage_missing", "lineage_missing"]
    assert "'surprise'" in found[0].message and "'council_code'" in found[1].message and "'layer'" in found[2].message
    contract = product.contract("cases")
    held = tmp_path / "held.parquet"
    with duckdb.connect() as con:
        columns = ", ".join(
            f"1 AS {name}" for name in (*contract.column_names, "_flags", "_blanked", "_source", "_object")
        )
        con.execute(f"COPY (SELECT {', '.join(f'1 AS {name}' for name in HELD)}, 1 AS more) TO '{held}'")
        found = checking_findings(con, contract, f"SELECT {columns}", [held])
    assert [item.check_id for item in found] == ["lineage_missing", "lineage_undeclared"]


def test_a_value_is_traced_to_its_line_and_to_the_lookup_line_it_hangs_on(base: Base) -> None:  # noqa: F811
    workspace = base.city.workspace
    for era in ("legacy", "cases"):
        key, status = released(
            base, "request_id, status_code", f"era = '{era}' AND status_code = 'closed' AND hours_to_close > 0"
        )[0]
        found = trace(workspace, "requests_311.requests", key, "status_code")
        assert (found.value, found.again) == (status, "same")
        assert {(line.lookup, line.values["status_code"]) for line in found.lookups} == {("statuses", "closed")}
        for line in found.lookups:
            assert Path(line.path).read_text(encoding="utf-8-sig").splitlines()[line.line - 1].startswith("closed,")
        (row,) = [row for row in found.accepted if row.is_current]
        content = bytes_of(row.origin)
        assert row.origin.offset is not None and row.origin.line is not None
        assert content[row.origin.offset :].startswith(row.origin.raw.encode())
        assert content[: row.origin.offset].count(b"\n") == row.origin.line - 1
        assert key in row.origin.raw and found.run == base.record.run_id


def test_every_kind_of_column_comes_out_again_from_its_one_row(base: Base) -> None:  # noqa: F811
    keys = [key for (key,) in released(base, "request_id", "NOT is_sensitive AND longitude IS NOT NULL")[:6]]
    for key in keys:
        for column in (
            "council_code",
            "district_code",
            "created_on",
            "is_resident_demand",
            "hours_to_close",
            "address",
        ):
            found = trace(base.city.workspace, "requests_311.requests", key, column)
            assert found.again == "same", (key, column, found.again)


def test_a_privacy_rule_is_named_where_the_release_shows_less(base: Base) -> None:  # noqa: F811
    key = released(base, "request_id", "is_sensitive AND longitude IS NOT NULL")[0][0]
    found = trace(base.city.workspace, "requests_311.requests", key, "address")
    assert found.value is None and found.privacy == ("sensitive_places_coarse",) and found.again.startswith("other: ")


def test_a_row_that_was_held_back_is_traced_with_what_it_broke(base: Base) -> None:  # noqa: F811
    files = list((base.city.var / "quarantine" / NAME / "legacy_requests").glob("*.parquet"))
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT _raw, _checks, _object FROM read_parquet(?, union_by_name = true) WHERE NOT list_contains(_checks, 'row_readable')",
            [[str(path) for path in files]],
        ).fetchall()
    tried = 0
    for raw, checks, sha256 in rows:
        key = json.loads(raw).get("srnumber")
        if not key:
            continue
        held = [
            row
            for row in trace(base.city.workspace, "requests_311.legacy_requests", key).held
            if row.origin.sha256 == sha256
        ]
        assert any({rule.id for rule in row.rules} >= set(checks) - {"row_readable"} for row in held), key
        content = bytes_of(held[0].origin)
        assert held[0].origin.offset is not None and key.encode() in content[held[0].origin.offset :].split(b"\n")[0]
        tried += 1
    assert tried > 0


def test_a_count_says_of_how_many_rows_it_is_made(base: Base) -> None:  # noqa: F811
    columns = "created_on, council_code, request_type_code, status_code"
    day, council, kind, status, count = base.city.query(
        f"SELECT {columns}, request_count FROM {{requests_daily}} ORDER BY request_count DESC"
    )[0]
    key = f"created_on={day},council_code={council},request_type_code={kind},status_code={status}"
    found = trace(base.city.workspace, "requests_311.requests_daily", key, "request_count")
    assert found.value == count and found.made_of == {"requests_311.requests": count}


def test_a_key_that_is_nowhere_and_one_that_is_no_key(base: Base) -> None:  # noqa: F811
    workspace = base.city.workspace
    with pytest.raises(LineageError, match="not released, not accepted, not held back"):
        trace(workspace, "requests_311.requests", "nobody's")
    with pytest.raises(LineageError, match="does not say one row"):
        trace(workspace, "requests_311.requests_daily", "2025-01-01")
    with pytest.raises(LineageError, match="no column 'colour'"):
        trace(workspace, "requests_311.requests", "1-1", "colour")
    with pytest.raises(LineageError, match="does not fit"):
        trace(workspace, "requests_311.requests_daily", "created_on=x,council_code=1,request_type_code=a,status_code=b")


def test_decisions_are_shown_as_their_keeper_gives_them(base: Base) -> None:  # noqa: F811
    key = released(base, "request_id", "TRUE")[0][0]

    def keeper(_: object, dataset: str, asked: Mapping[str, Any]) -> tuple[Decision, ...]:
        return (Decision("7", "ada-example", "2026-01-02", f"keeps {asked['request_id']} of {dataset}"),)

    found: Trace = trace(base.city.workspace, "requests_311.requests", key, decisions=keeper)
    assert [one.text for one in found.decisions] == [f"keeps {key} of requests_311.requests"]


def test_the_run_event_says_what_each_column_is_made_of(base: Base) -> None:  # noqa: F811
    event = json.loads((base.city.var / "observe" / "openlineage.jsonl").read_text().splitlines()[0])
    inputs = {item["name"] for item in event["inputs"]}
    output = next(item for item in event["outputs"] if item["name"] == "requests_311.requests")
    facet = output["facets"]["columnLineage"]
    assert set(facet["fields"]) <= {field["name"] for field in output["facets"]["schema"]["fields"]}
    assert {field["name"] for of in facet["fields"].values() for field in of["inputFields"]} <= inputs
    created = {
        (one["name"], one["field"]): one["transformations"][0] for one in facet["fields"]["created_at"]["inputFields"]
    }
    assert created["requests_311.cases", "created_at"]["subtype"] == "IDENTITY"
    assert {one["transformations"][0]["type"] for one in facet["dataset"]} == {"INDIRECT"}
    address = facet["fields"]["address"]["inputFields"][0]["transformations"][0]
    assert address["masking"] is True and address["description"] == "sensitive_places_coarse"


RELATIONS = {
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity", "prov:activity": "activity"},
    "wasAttributedTo": {"prov:entity": "entity", "prov:agent": "agent"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent", "prov:plan": "entity"},
    "actedOnBehalfOf": {"prov:delegate": "agent", "prov:responsible": "agent", "prov:activity": "activity"},
}
"""Relations of PROV-JSON that are used here, and in which section what they name must stand (W3C submission, sections 3.2 to 3.7)."""
NAME_OF = re.compile(r"^(_|[A-Za-z][\w.-]*):\S+$")


def test_prov_has_the_structure_of_prov_json(base: Base) -> None:  # noqa: F811
    workspace = base.city.workspace
    release = base.city.releases.find(NAME, "requests")
    document = json.loads(json.dumps(prov_of(workspace, workspace.product(NAME), release)))
    assert document == prov_of(workspace, workspace.product(NAME), release), "the same twice"
    assert set(document) <= {"prefix", "entity", "activity", "agent", *RELATIONS}
    for section in ("entity", "activity", "agent"):
        for name, about in document[section].items():
            assert NAME_OF.match(name) and name.split(":")[0] in {*document["prefix"], "prov"}, name
            for key, value in about.items():
                assert key.split(":")[0] in {*document["prefix"], "prov"}, key
                assert isinstance(value, (str, bool, int, float)) or set(value) <= {"$", "type", "lang"}, value
    for relation, parts in RELATIONS.items():
        assert document[relation], relation
        for name, told in document[relation].items():
            assert name.startswith("_:")
            for part, section in parts.items():
                assert part not in told or told[part] in document[section], (relation, part, told)
            assert set(told) <= {*parts, "prov:time"}
    landed = {name.removeprefix("sha256:") for name in document["entity"] if name.startswith("sha256:")}
    assert landed == {sha for item in release.package()["civicops"]["inputs"] for sha in item["objects"]}


def test_the_page_about_tracing_does_what_it_says(tmp_path: Path) -> None:
    for name in ("tutorial.md", "howto/trace-a-value.md"):
        for step in steps((ROOT / "docs" / name).read_text(encoding="utf-8")):
            perform(step, tmp_path)
    assert json.loads((tmp_path / "prov.json").read_text())["entity"]


def test_commands_fail_in_words(base: Base) -> None:  # noqa: F811
    program = [sys.executable, "-c", "from civicops.cli import main; main()"]
    for words, said in (
        (["lineage", "requests_311.request"], "no dataset"),
        (["trace", "requests_311.requests", "x"], "There is no row"),
    ):
        done = subprocess.run([*program, *words], cwd=base.city.root, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    done = subprocess.run(
        [*program, "lineage", "requests_311.requests.council_code", "--json"],
        cwd=base.city.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"page", "chart", "api", "monitor"} <= {item["kind"] for item in json.loads(done.stdout)["down"]}
