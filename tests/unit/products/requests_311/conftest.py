"""The product's folder, its contracts and its lookups."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from civicops.contracts import Contract, load_contracts

PRODUCT = Path(__file__).parents[4] / "products" / "requests_311"


@pytest.fixture(scope="session")
def product() -> Path:
    return PRODUCT


@pytest.fixture(scope="session")
def contracts() -> dict[str, Contract]:
    return {c.dataset: c for c in load_contracts(sorted((PRODUCT / "contracts").glob("*.yaml")))}


@pytest.fixture(scope="session")
def lookups() -> dict[str, list[dict[str, str]]]:
    found = {}
    for path in sorted((PRODUCT / "lookups").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            found[path.stem] = list(csv.DictReader(stream))
    return found
