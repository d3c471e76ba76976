"""A product that fetches nothing and only reads what others publish: run by hand and by the daemon's job.

Belongs here: what such a product needs, when it is built anew, and the order of products. Does not belong here: products with sources
(`test_orchestrate_runs`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from civicops.errors import CivicopsError
from civicops.orchestrate.dagster_home import open_instance
from civicops.orchestrate.definitions import definitions
from civicops.orchestrate.order import ordered
from civicops.orchestrate.running import run_product
from civicops.workspace import Product, WorkspaceError
from tests.duck import asked
from tests.ethics import write_review
from tests.flow.conftest import LOANS_ROWS, Library
from tests.flow.orchard import column, contract

NAME = "shelves"
NO_SOURCES = '"""Nothing is fetched."""\n\n\ndef sources(settings):\n    return []\n'


@pytest.fixture
def shelves(library: Library) -> Library:
    """The library with a second product, which adds up what it publishes; the library has run."""
    folder = library.root / "products" / NAME
    (folder / "contracts").mkdir(parents=True)
    (folder / "models").mkdir()
    product = {
        "title": "Shelves", "summary": "What is out.", "owner": "ben-example", "stage": "pilot", "schedule": "0 8 * * *",
        "reads": ["library.branch_loans"],
    }  # fmt: skip
    (folder / "product.yaml").write_text(yaml.safe_dump(product), encoding="utf-8")
    (folder / "sources.py").write_text(NO_SOURCES, encoding="utf-8")
    table = contract("shelves.totals", [column("all_name", primaryKey=True), column("loan_count", "integer")])
    (folder / "contracts" / "totals.yaml").write_text(yaml.safe_dump(table), encoding="utf-8")
    (folder / "models" / "totals.sql").write_text(
        "select 'all' as all_name, cast(sum(loan_count) as bigint) as loan_count\n"
        "from {{ source('release', 'library__branch_loans') }}\n",
        encoding="utf-8",
    )
    write_review(folder)
    library.run()
    return library


def totals(library: Library) -> list[tuple[object, ...]]:
    return asked(f"SELECT loan_count FROM '{library.releases.find(NAME, 'totals').data}'")


def test_it_runs_on_the_release_alone_and_again_only_when_that_changed(shelves: Library) -> None:
    record = run_product(shelves.workspace, NAME)
    assert record.status == "succeeded" and totals(shelves) == [(3,)]
    assert record.sources == () and [item["layer"] for item in record.datasets] == ["published"]
    assert run_product(shelves.workspace, NAME).status == "unchanged"
    shelves.deliver([*LOANS_ROWS, ("l9", "Harbor", 9, "2026-02-01")])
    shelves.run()
    assert run_product(shelves.workspace, NAME).status == "succeeded" and totals(shelves) == [(4,)]


def test_the_daemon_runs_it_the_same_way(shelves: Library) -> None:
    for wanted in ("succeeded", "unchanged"):
        job = definitions(shelves.workspace).resolve_job_def(NAME)
        with open_instance(shelves.workspace) as instance:
            assert job.execute_in_process({"loggers": {"console": {}}}, instance=instance).success
        newest = next(shelves.log.runs(NAME))
        assert (newest.status, newest.trigger) == (wanted, "daemon")
        assert totals(shelves) == [(3,)]


def test_what_it_reads_must_be_there(shelves: Library) -> None:
    folder = shelves.root / "products" / NAME
    text = (folder / "product.yaml").read_text(encoding="utf-8")
    (folder / "product.yaml").write_text(text.replace("branch_loans", "loan_lost"), encoding="utf-8")
    with pytest.raises(CivicopsError, match=r"no current release of library\.loan_lost"):
        run_product(shelves.workspace, NAME)


@pytest.mark.parametrize(
    ("reads", "has_rows", "said"),
    [(False, False, "has no source yet"), (True, True, "has no source yet")],
    ids=["nothing at all", "a dataset that nothing fills"],
)
def test_what_can_give_no_row_is_refused(shelves: Library, reads: bool, has_rows: bool, said: str) -> None:
    folder: Path = shelves.root / "products" / NAME
    product = yaml.safe_load((folder / "product.yaml").read_text(encoding="utf-8"))
    (folder / "product.yaml").write_text(
        yaml.safe_dump(product | {"reads": product["reads"] if reads else []}), encoding="utf-8"
    )
    if has_rows:
        days = contract("shelves.days", [column("day_name", primaryKey=True)], layer="accepted")
        (folder / "contracts" / "days.yaml").write_text(yaml.safe_dump(days), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=said):
        run_product(shelves.workspace, NAME)


def test_products_come_by_name_but_after_those_they_read(shelves: Library) -> None:
    product = shelves.workspace.product(NAME)

    def made(name: str, *reads: str) -> Product:
        return replace(product, name=name, file=product.file.model_copy(update={"reads": reads}))

    some = [
        made("zoo"),
        made("birds", "zoo.animals"),
        made("cats", "birds.seen", "maps.places"),
        made("maps"),
        made("dogs"),
    ]
    assert [one.name for one in ordered(some)] == ["dogs", "maps", "zoo", "birds", "cats"]
