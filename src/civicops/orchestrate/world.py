"""What a plan depends on: files, code, what has landed, what is current.

Belongs here: that value as it is now, and which products it is about. Does not belong here: comparing it (`applying`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from civicops.change.plan import World
from civicops.change.states import State
from civicops.ingest.declared import product_sources
from civicops.ingest.landing import Landing
from civicops.orchestrate.inputs import code_hash
from civicops.orchestrate.order import ordered
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, Workspace


def world(workspace: Workspace, head: State, affected: list[Product]) -> World:
    """What a plan depends on, as it is now."""
    store, landing = ReleaseStore(workspace.folder("releases")), Landing(workspace.folder("landing"))
    landed, current = {}, {}
    for product in affected:
        parts = []
        for source in product_sources(workspace, product):
            for delivery in landing.live(product.name, source.name):
                parts.append(
                    [source.name, source.dataset, delivery.sequence, [item.sha256 for item in delivery.objects]]
                )
        landed[product.name] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        current[product.name] = {name: release.version for name, release in store.snapshot(product.name).items()}
    return World(head=head.fingerprint, code=code_hash(), landed=landed, releases=current)


def with_readers(products: Iterable[Product], names: Iterable[str]) -> list[Product]:
    """The named products and all that read their releases, directly or not, in the order in which they are run.

    Raises `CircleError`.
    """
    every, chosen = {product.name: product for product in products}, set(names)
    while True:
        more = {
            product.name
            for product in every.values()
            if product.name not in chosen and any(read.partition(".")[0] in chosen for read in product.file.reads)
        }
        if not more:
            return ordered([every[name] for name in sorted(chosen)])
        chosen |= more
