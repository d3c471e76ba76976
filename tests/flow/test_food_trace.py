"""Values of food listings traced through the product's Python: to rows of lists, to bytes, and to what people decided."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from civicops.govern.erasure import ErasureError
from civicops.lineage import graph_of
from civicops.lineage.proved import building_findings, columns_of_tables, made_findings
from civicops.lineage.trace import trace
from civicops.lineage.traced import Row, Trace
from civicops.orchestrate.erasing import propose
from civicops.workspace import Workspace
from simulators.world.listings import MadeListings
from tests.flow.listings import ANA, NAME, PRODUCTS, STELLA, Listings, made_up
from tests.flow.test_lineage import bytes_of

pytestmark = pytest.mark.xdist_group("food_listings")
PHONE, SITE = "(213) 485-0111", "https://merged.example"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Listings, MadeListings, str, tuple[str, str]]:
    """Lists of which one listing was verified by two people, and two approved listings of one place were merged by one."""
    here, made = made_up(tmp_path_factory.mktemp("food"), places=40)
    here.run()
    listing = here.query(
        "SELECT listing_id FROM {listing_states} WHERE state_code = 'needs_verification' AND source_code = 'foodoasis' "
        "AND finding_count < 3 ORDER BY risk_score DESC LIMIT 1"
    )[0][0]
    confirmed = {
        "confirmed_fields": "name, categories, address, phone, hours, status",
        "confirmed_none_fields": "email, food_types",
        "evidence_code": "called",
    }
    here.answer("verify", listing, ANA, "edit", {"phone_number": PHONE, **confirmed}, reason="They told me.")
    here.answer("verify", listing, STELLA, "approve")
    public = {row[0] for row in here.query("SELECT listing_id FROM {listings}")}
    first, second = next(pair for pair in sorted(made.truth.duplicates) if pair[0] in public or pair[1] in public)
    stays, goes = (first, second) if first in public else (second, first)
    here.answer(
        "duplicate", "|".join(sorted((first, second))), ANA, "merge",
        {"members": [first, second], "survivor_id": stays, "url": SITE},
    )  # fmt: skip
    record = here.run()
    assert record.status == "succeeded"
    assert [item for item in record.findings if str(item["check_id"]).startswith("lineage_")] == []
    return here, made, listing, (stays, goes)


def of(found: Trace, dataset: str) -> list[Row]:
    return [row for row in found.accepted if row.dataset == f"{NAME}.{dataset}"]


def holds(row: Row, *texts: str) -> None:
    """The landed bytes, unpacked and hashed by another program, hold the texts in the line that the trace names."""
    lines = bytes_of(row.origin).decode().splitlines()
    assert row.origin.line is not None
    for text in texts:
        assert text in lines[row.origin.line - 1], (text, lines[row.origin.line - 1])


def test_a_value_that_people_gave_leads_to_their_answers_and_to_no_list(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, _, listing, _ = world
    found = trace(here.workspace, f"{NAME}.listings", listing, "phone_number")
    assert (found.value, found.again, found.notes) == (PHONE, "same", ())
    assert {row.dataset for row in found.accepted} == {f"{NAME}.verify_answers"}
    assert [(item.who, item.text) for item in found.decisions] == [
        ("ana", f"edit, phone_number '{PHONE}', because: They told me."),
        ("stella", "approve"),
    ]
    rating, approval = sorted(of(found, "verify_answers"), key=lambda row: str(row.values["rated_at"]))
    holds(rating, listing, PHONE, '"ana"')
    holds(approval, listing, '"stella"', '"approve"')
    assert [row.table for row in found.made] == ["contents", "origins", "origins"]


def test_a_value_that_a_list_gave_leads_to_its_line_and_to_what_cleaning_changed(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, made, *_ = world
    listing, old, new = here.query(
        "SELECT f.listing_id, f.old_value, f.new_value FROM {fixes} f JOIN {listings} l USING (listing_id) "
        "WHERE f.field_name = 'address_1' AND l.address_1 = f.new_value AND l.version_number = 1 ORDER BY 1"
    )[0]
    found = trace(here.workspace, f"{NAME}.listings", listing, "address_1")
    assert (found.value, found.again, found.decisions) == (new, "same", ())
    (fix,) = [row for row in found.made if row.table == "fixes"]
    assert dict(fix.shown) == {"old_value": old, "new_value": new}
    (row,) = of(found, "source_listings")
    holds(row, old, row.values["source_id"])
    header, rows = made.lists["foodoasis"]
    line = rows[row.values["source_line"] - 1]
    assert f"foodoasis:{line[0]}" == listing and line[header.index("address_1")] == old


def test_a_merge_leads_to_the_decision_and_to_the_row_that_was_merged_in(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, _, _, (stays, goes) = world
    found = trace(here.workspace, f"{NAME}.listings", stays, "url")
    assert (found.value, found.again) == (SITE, "same")
    (decision,) = found.decisions
    assert decision.who == "ana" and SITE in decision.text and decision.text.startswith("merge")
    (row,) = of(found, "source_listings")
    assert f"{row.values['source_code']}:{row.values['source_id']}" == goes
    holds(of(found, "duplicate_answers")[0], SITE, stays, goes)
    merged = trace(here.workspace, f"{NAME}.listing_states", goes, "merged_into_id")
    assert merged.value == stays and [item.text.partition(",")[0] for item in merged.decisions] == ["merge"]


def test_a_value_that_a_lookup_gave_through_python_names_its_line(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, *_ = world
    key = "listing_id={},field_name=category_codes,rule_code=category_mapped"
    listing, old, new = here.query(
        "SELECT listing_id, old_value, new_value FROM {fixes} WHERE rule_code = 'category_mapped' ORDER BY ALL LIMIT 1"
    )[0]
    found = trace(here.workspace, f"{NAME}.fixes", key.format(listing), "new_value")
    assert found.again == "same"
    ((lookup, values),) = [(line.lookup, line.values) for line in found.lookups]
    assert lookup == "categories" and (values["source_number"], values["category_code"]) == (old, new)


def test_a_field_leads_to_who_confirmed_it_and_a_whole_row_to_all_that_made_it(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, _, listing, _ = world
    found = trace(here.workspace, f"{NAME}.listing_fields", f"listing_id={listing},field_code=phone", "confirmed_at")
    assert {item.who for item in found.decisions} == {"ana"}
    whole = trace(here.workspace, f"{NAME}.listings", listing)
    assert {row.dataset.partition(".")[2] for row in whole.accepted} >= {"source_listings", "verify_answers"}


def test_columns_depend_on_what_is_declared_and_no_more(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    found = graph_of(world[0].workspace).upstream(f"{NAME}.listings", "category_codes")
    direct = {(item.kind, item.name, item.column) for item in found if item.how in ("copied", "derived")}
    assert {item for item in direct if item[0] in ("accepted", "lookup")} == {
        ("accepted", "source_listings", "categories"),
        ("accepted", "listing_decisions", "content"),
        ("accepted", "verify_answers", "category_codes"),
        ("accepted", "duplicate_answers", "category_codes"),
        ("accepted", "status_answers", "restores_version"),
        ("lookup", "categories", None),
        ("lookup", "category_words", None),
    }


def test_a_declaration_that_is_not_what_was_made_is_a_finding(
    world: tuple[Listings, MadeListings, str, tuple[str, str]], tmp_path: Path
) -> None:
    here, *_ = world
    shutil.copytree(PRODUCTS / NAME, tmp_path / "products" / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "civicops.toml").write_text(f'[workspace]\norganisation = "Friends"\ndata = "{here.root / "var"}"\n')
    declaration = tmp_path / "products" / NAME / "lineage.py"
    text = declaration.read_text(encoding="utf-8")
    for was, wrong in (
        (
            '"source_code": ("accepted.source_listings.source_code",),',
            '"colour": ("accepted.source_listings.colour",),',
        ),
        ("\"'verify:' || rating_id\"", "\"'verify-' || rating_id\""),
        ('{"day_on": "day_on"}', '{"day_on": "listing_id"}'),
    ):
        assert was in text
        text = text.replace(was, wrong)
    declaration.write_text(text, encoding="utf-8")
    workspace = Workspace.find(tmp_path)
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{here.root / 'var' / 'warehouse' / f'{NAME}.duckdb'}' AS built (READ_ONLY)")
        tables = columns_of_tables(con, "built")
        columns = building_findings(workspace, workspace.product(NAME), None, tables)
        rows = made_findings(con, workspace.product(NAME), "built")
    said = [(item.check_id, item.message) for item in (*columns, *rows)]
    assert [check for check, _ in said].count("lineage_undeclared") == 1
    assert any(check == "lineage_missing" and "accepted.source_listings.colour" in text for check, text in said)
    assert any(
        check == "lineage_rows" and "Table days" in text and "cannot be followed" in text for check, text in said
    )
    assert any(
        check == "lineage_rows" and "of table versions" in text and "lead to no row" in text for check, text in said
    )


def test_the_command_shows_it(world: tuple[Listings, MadeListings, str, tuple[str, str]]) -> None:
    here, _, listing, _ = world
    program = [
        sys.executable,
        "-c",
        "from civicops.cli import main; main()",
        "trace",
        f"{NAME}.listings",
        listing,
        "phone_number",
    ]
    shown = subprocess.run(program, cwd=here.root, capture_output=True, text=True, check=True).stdout
    assert (
        "made by" in shown and "prepared.py" in shown and f"contents, listing_id {listing}, version_number 1" in shown
    )
    assert "decision  verify_answers 1: edit" in shown and "(stella, " in shown and "sha256" in shown
    told = json.loads(
        subprocess.run([*program, "--json"], cwd=here.root, capture_output=True, text=True, check=True).stdout
    )
    assert [item["who"] for item in told["decisions"]] == ["ana", "stella"]
    assert all(row["origin"]["line"] for row in told["accepted"])


def test_nobody_is_erased_by_what_lies_behind_the_code(
    world: tuple[Listings, MadeListings, str, tuple[str, str]],
) -> None:
    here, _, listing, _ = world
    with pytest.raises(ErasureError, match="was not read from a source of this product"):
        propose(here.workspace, f"{NAME}.listings", listing, "delete", reason="They asked.", by="ada-example")
