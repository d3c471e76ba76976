"""Where the rows of the food listings come from: lists of many hands, people's decisions, and what was looked up for them.

Belongs here: the settings of this product. Does not belong here: reading lists (`gather.py`, layouts in `lookups/`).

Settings, all optional, in `[products.food_listings]`:

- `lists.NAME`: a list that is taken in anew by every run: `path` or `url` of a CSV, XLSX or JSON file, `layout` (NAME unless
  given),
  `sheet` (of an XLSX file). Other lists come by `civicops import add`.
- `websites.check`: whether websites of listings are looked at; false unless given. `websites.per_run`,
  `websites.seconds_per_host`,
  `websites.days` (how long an answer counts), `websites.agent` (name and address by which sites know who asks).
- `geocoding.use`: which geocoders are asked, such as ["census", "nominatim"]; none unless given. `geocoding.census_url`,
  `geocoding.nominatim_url`, `geocoding.per_run`, `geocoding.days`.
- `allow_internal`: hosts inside a private network that may be asked all the same, for tests and demos.
- `service_area.path`: GeoJSON of the area served, properties `area_code` and `area_name`; a box of lookups/policies.csv
  unless given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from civicops.contracts.problems import nearest
from civicops.errors import CivicopsError
from civicops.ingest.values import DecisionSource, GatheredSource, Source

SETTINGS = ("lists", "websites", "geocoding", "allow_internal", "service_area", "sources")


def sources(settings: Mapping[str, Any]) -> Sequence[Source]:
    """The sources, all gathered by this product. Raises `CivicopsError` for an unknown setting."""
    for name in settings:
        if name not in SETTINGS:
            raise CivicopsError(
                f"[products.food_listings] has no setting '{name}'.", hint=f"{nearest(name, SETTINGS)}."
            )
    return [
        GatheredSource("lists", "source_listings", note="rows of every list, by its layout"),
        GatheredSource("decisions", "listing_decisions", note="approvals that lists bring with them"),
        DecisionSource("verify_answers", "verify_answers", "verify", "ratings", note="what was submitted and approved"),
        DecisionSource("duplicate_answers", "duplicate_answers", "duplicate", note="which listings are one place"),
        DecisionSource(
            "status_answers", "status_answers", "status", "ratings", note="steps that are not about content"
        ),
        DecisionSource("contacts", "contact_attempts", "verify", "contacts", note="attempts to reach somebody"),
        DecisionSource(
            "suggestions", "public_suggestions", "verify", "suggestions", note="that the public says something is wrong"
        ),
        DecisionSource(
            "open", "open_questions", "verify", "open", note="what somebody has in hand or waits for approval"
        ),
        GatheredSource("websites", "website_checks", note="what websites answered"),
        GatheredSource("geocodes", "geocodes", note="where addresses lie"),
        GatheredSource("areas", "service_areas", note="the area that is served"),
        GatheredSource("days", "run_days", note="the day of the run, which freshness is reckoned from"),
    ]
