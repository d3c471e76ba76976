"""Where a dataset comes from and what is made from it.

Belongs here: following `ref` and `source` in a product's models, and `reads` between products. Does not belong here: running
models (`civicops.transform`) or judging changes (`civicops.change`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from civicops.workspace import Product

_REF = re.compile(r"\bref\(\s*['\"](\w+)['\"]\s*\)")
_SOURCE = re.compile(r"\bsource\(\s*['\"]accepted['\"]\s*,\s*['\"](\w+)['\"]\s*\)")
_OTHER = re.compile(r"\bsource\(\s*['\"](\w+)['\"]\s*,\s*['\"](\w+)['\"]\s*\)")


@dataclass(frozen=True)
class Lineage:
    """What a dataset is made from, and what is made from it. Datasets of other products as `product.dataset`."""

    accepted: tuple[str, ...]
    """Datasets of the product's sources."""
    published: tuple[str, ...]
    """Published datasets of the same product that it is made from."""
    others: tuple[str, ...]
    """Releases of other products that it is made from."""
    used_by: tuple[str, ...]
    """Published datasets of the same product, and products that read it."""


def lineage(products: Sequence[Product], product: Product, dataset: str) -> Lineage:
    """Follow the models of `product` from `dataset` upwards, and everybody who reads it downwards."""
    models = {path.stem: path.read_text(encoding="utf-8") for path in sorted(product.models.glob("*.sql"))}
    published = {contract.dataset for contract in product.published}
    accepted = {contract.dataset for contract in product.accepted}
    above = _above(models, dataset)
    below = [name for name in sorted(published) if name != dataset and dataset in _above(models, name)]
    readers = [
        other.name for other in products if f"{product.name}.{dataset}" in (*other.file.reads, *other.file.shows)
    ]
    return Lineage(
        accepted=tuple(sorted(above & accepted)),
        published=tuple(sorted((above & published) - {dataset})),
        others=tuple(sorted(name for name in above if name in product.file.reads)),
        used_by=(*below, *readers),
    )


def _above(models: dict[str, str], name: str) -> set[str]:
    """Everything that a model is made from, near or far."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        text = models.get(waiting.pop(), "")
        others = {f"{product}.{table}" for product, table in _OTHER.findall(text) if product != "accepted"}
        for one in {*_REF.findall(text), *_SOURCE.findall(text)} - found:
            found.add(one)
            waiting.append(one)
        found |= others
    return found
