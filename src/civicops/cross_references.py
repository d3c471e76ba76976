"""Faults of a product's files that only show when they are seen together.

Belongs here: comparing contracts, lookups and `product.yaml` with each other. Does not belong here: reading any of them
(`workspace`, `contracts`).
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from civicops.contracts.checktypes import Allowed
from civicops.contracts.problems import Problem, nearest
from civicops.texts import text_fault

if TYPE_CHECKING:
    from civicops.workspace import Product


def cross_references(product: Product) -> list[Problem]:
    """Faults that only show when contracts and lookups are seen together."""
    # Lookups are read by many: checks, models, lineage, sources, pages. Here each of them is known to be text.
    problems = [Problem(path, *fault) for path in product.lookups.values() if (fault := text_fault(path))]
    if problems:
        return problems
    published = {contract.dataset: contract for contract in product.published}
    for metric in product.file.report:
        known = published[metric.dataset].column_names if metric.dataset in published else ()
        for wanted, choices in (
            (metric.dataset, published),
            *((name, known) for name in (metric.day, metric.value) if name),
        ):
            if wanted not in choices:
                message = f"report '{metric.title}': there is no '{wanted}'; {nearest(wanted, choices)}"
                problems.append(Problem(product.folder / "product.yaml", 1, message))
                break
    for contract in product.contracts:
        if contract.product != product.name:
            message = f"belongs to product '{contract.product}' but lies in the folder of '{product.name}'"
            problems.append(Problem(contract.path, 1, message))
        for check in contract.row_checks:
            spec = check.spec
            if not isinstance(spec, Allowed) or spec.lookup is None:
                continue
            if spec.lookup not in product.lookups:
                message = f"check '{check.id}': no lookup '{spec.lookup}'; {nearest(spec.lookup, product.lookups)}"
                problems.append(Problem(contract.path, 1, message))
                continue
            with product.lookups[spec.lookup].open(encoding="utf-8-sig", newline="") as stream:
                header = next(csv.reader(stream), [])
            if spec.lookup_column not in header:
                near = nearest(str(spec.lookup_column), header)
                message = f"check '{check.id}': lookup '{spec.lookup}' has no column '{spec.lookup_column}'; {near}"
                problems.append(Problem(contract.path, 1, message))
    return problems
