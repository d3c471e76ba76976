"""A workspace with the food listings, released from made-up places, for the portal to serve and to export.

Belongs here: making it. Does not belong here: assertions, what the places are (`food_made`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from civicops.release.store import ReleaseStore
from tests.ethics import renewed
from tests.food_made import NAMED, ROOT, areas, crowd, released

TOML = '[workspace]\norganisation = "Made-up neighbors"\ntimezone = "America/Los_Angeles"\n\n[portal]\napi_per_minute = 100000\n'


@dataclass(frozen=True)
class FoodWorkspace:
    """What `portal_kit.serving` needs of a workspace."""

    root: Path

    @property
    def releases(self) -> ReleaseStore:
        return ReleaseStore(self.root / "var" / "releases")


def make_food(root: Path, more: int = 120) -> FoodWorkspace:
    """The product's folder as it is, with releases of the named places, `more` others, and two neighborhoods."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "civicops.toml").write_text(TOML, encoding="utf-8")
    left_out = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "products" / "food_listings", root / "products" / "food_listings", ignore=left_out)
    renewed(root / "products" / "food_listings")
    releases = root / "var" / "releases"
    released(releases, [*NAMED, *crowd(more)])
    areas(releases)
    return FoodWorkspace(root)
