"""The models' own unit tests."""

from __future__ import annotations

from pathlib import Path

from civicops.transform import run_unit_tests
from civicops.workspace import Product
from tests.unit.products.food_listings.conftest import FOLDER


def test_rows_in_rows_out(tmp_path: Path, product: Product) -> None:
    results = run_unit_tests(
        "food_listings", FOLDER / "models", tmp_path, lookups=product.lookups, contracts=list(product.contracts)
    )
    assert [(r.model, r.name, r.message) for r in results if r.status != "pass"] == []
    assert {contract.dataset for contract in product.published} <= {result.model for result in results}
