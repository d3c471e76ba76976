"""What the outcome of a run depends on, as one hash.

Belongs here: hashing landed objects, files of the product, releases read, and the framework's own code. Does not belong here:
what follows from it (`steps`).
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import civicops
from civicops import __version__
from civicops.govern.retention import kept_text
from civicops.orchestrate.context import ProductRun
from civicops.product_files import data_files
from civicops.release.treatments import key_ids


def inputs_hash(run: ProductRun) -> str:
    """A hash over everything a run's outcome depends on: landed objects, contracts, lookups, models, releases read, code."""
    parts: list[Any] = [__version__]
    for source in run.sources:
        for delivery in run.landing.live(run.product.name, source.name):
            parts.append([source.name, source.dataset, delivery.sequence, [item.sha256 for item in delivery.objects]])
    parts.append(data_files(run.product.folder))
    for name in run.product.file.reads:
        product, _, dataset = name.partition(".")
        release = run.releases.current(product, dataset)
        parts.append([name, release.version if release else None])
    parts.extend([item.dataset, item.old_names(run.now.date())] for item in run.product.published)
    parts.append(kept_text(run.workspace, run.product.name))
    # A review that has ended leaves its file as it is, and makes the next release restricted all the same.
    parts.extend([item.dataset, item.access] for item in run.product.published)
    parts.extend(
        [item.dataset, key_ids(item, run.keys, run.now.date())] for item in run.product.published if item.privacy
    )
    parts.append(code_hash())
    return _hash(json.dumps(parts).encode())


@functools.cache
def code_hash() -> str:
    """A hash over the framework's own code: another version of it may make other tables from the same inputs."""
    package = Path(civicops.__file__).parent
    files = sorted(path for path in package.rglob("*") if path.suffix in (".py", ".sql"))
    return _hash(b"".join(path.read_bytes() for path in files))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
