"""The product and its lookups, read once.

Belongs here: fixtures. Does not belong here: assertions.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.workspace import Product, Workspace
from products.food_listings.cleaning.lists import Lookups, lookups_in

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "products" / "food_listings"


@pytest.fixture(scope="session")
def product() -> Product:
    return Workspace.find(ROOT).product("food_listings")


@pytest.fixture(scope="session")
def lookups() -> Lookups:
    return lookups_in(FOLDER / "lookups")
