"""A workspace with one product of made-up pantries, written anew: for the tests of review and for its benchmark.

Belongs here: its files. Does not belong here: fixtures (`conftest`).
"""

from __future__ import annotations

from pathlib import Path

from civicops.workspace import Workspace

PRODUCT = """title: Pantries
summary: Made-up pantries.
owner: amara-okafor
stage: pilot
schedule: "0 5 * * *"
"""
CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: pantries.listings
name: Pantries
version: 1.0.0
status: active
dataProduct: pantries
description: {purpose: Where food is given out.}
team: {members: [{username: amara-okafor, role: owner}]}
customProperties:
  - {property: layer, value: accepted}
  - {property: access, value: internal}
  - {property: licence, value: CC0-1.0}
schema:
  - name: listings
    properties:
      - {name: listing_id, logicalType: string, primaryKey: true, description: The pantry.}
      - name: phone
        logicalType: string
        description: Its telephone number.
        examples: ["213-555-0100"]
        quality:
          - {id: phone_form, description: It looks like one., type: custom, engine: civicops,
             implementation: {check: pattern, pattern: '\\d{3}-\\d{3}-\\d{4}'}}
      - name: status_code
        logicalType: string
        required: true
        description: Whether it is open.
        quality:
          - {id: status_known, description: A known status., type: custom, engine: civicops,
             implementation: {check: allowed, values: [open, closed]}}
      - {name: days, logicalType: array, description: Weekdays on which it is open.}
"""
KIND = """title: Is this telephone number right?
instructions: Call it.
contract: listings
columns: [phone, status_code]
"""


def write(root: Path, **kinds: str) -> Workspace:
    """A workspace in `root` with these kinds: name to the lines added to `KIND`."""
    folder = root / "products" / "pantries"
    for name in ("contracts", "reviews"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (root / "civicops.toml").write_text('[workspace]\norganisation = "Test"\n')
    (folder / "product.yaml").write_text(PRODUCT)
    (folder / "contracts" / "listings.yaml").write_text(CONTRACT)
    for name, more in kinds.items():
        (folder / "reviews" / f"{name}.yaml").write_text(KIND + more)
    return Workspace.find(root)
