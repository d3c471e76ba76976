"""The real lists of 2020 as rows of the food listings, for measuring; they lie beside the repository, never in it.

Belongs here: reading them through the product's own layouts. Does not belong here: what is measured.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from civicops.ingest.tables.fields import fields_of
from civicops.ingest.tables.layout import read_layout
from civicops.ingest.tables.mapped import mapped_rows
from civicops.ingest.tables.read import open_table
from civicops.workspace import Workspace
from products.food_listings.cleaning.lists import Lookups, lookups_in
from products.food_listings.cleaning.row import Cleaned, clean_row

ROOT = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("CIVICOPS_REALDATA", ROOT.parent / "shared" / "realdata"))
SAMPLES = REALDATA / "foodoasis"
LABELS = ROOT / "tests" / "data" / "food_duplicate_labels.csv"
FILES = {
    "larfb": "source_larfb_2020-04.csv",
    "lapl": "source_lapl_2020-04.csv",
    "open_la": "source_open_la_data_2020-04.csv",
    "info_211": "source_211_2020-04.csv",
}
APRIL, JUNE = "stakeholder_2020-04-25.csv", "stakeholder_2020-06-01.csv"

Row = dict[str, str | None]


@cache
def lookups() -> Lookups:
    """The product's lookups."""
    return lookups_in(ROOT / "products" / "food_listings" / "lookups")


def read_list(layout: str, file: str, hours: str = "") -> list[Row]:
    """The rows of a sample by a layout; `hours` names the file of its hours, which the project keeps in a table of their own."""
    product = Workspace.find(ROOT).product("food_listings")
    read = read_layout(product.lookups, layout, list(fields_of(product.contract("source_listings"))))
    times = _hours(hours) if hours else {}
    rows: list[Row] = []
    for item in mapped_rows(open_table(SAMPLES / file), read):
        if item.values:
            row: Row = {**item.values, "source_code": layout}
            if text := times.get(item.values["source_id"]):
                row["hours"] = text
            rows.append(row)
    return rows


def _hours(file: str) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in table(file):
        found[row["stakeholder_id"]].append(
            f"({row['week_of_month']},{row['day_of_week']},{row['open']},{row['close']})"
        )
    return {key: ",".join(value) for key, value in found.items()}


def table(file: str) -> Iterator[dict[str, str]]:
    """Rows of a CSV file of the samples."""
    with (SAMPLES / file).open(encoding="utf-8-sig", newline="") as stream:
        yield from csv.DictReader(stream)


@cache
def april() -> tuple[Cleaned, ...]:
    """The project's listings of 25 April 2020 with their hours, cleaned."""
    return tuple(
        clean_row(row, lookups()) for row in read_list("foodoasis", APRIL, "stakeholder_schedule_2020-04-25.csv")
    )


@cache
def others() -> tuple[Cleaned, ...]:
    """The lists of others of April 2020, cleaned."""
    return tuple(clean_row(row, lookups()) for code, file in FILES.items() for row in read_list(code, file))


def labels() -> list[dict[str, str]]:
    """The pairs that were labelled by reading both rows: id_a, id_b, stratum, label, reason."""
    with LABELS.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
