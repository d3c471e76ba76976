"""Which columns hold personal data by their own word, what is done to them, and where they flow.

Belongs here: reading that from contracts and lineage. Does not belong here: looking for what is not declared (`personal_scan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civicops.contracts import Column, Contract
from civicops.contracts.privacy import EVERY_ROW
from civicops.lineage import graph_of
from civicops.lineage.values import DIRECT
from civicops.workspace import Product, Workspace


@dataclass(frozen=True)
class Declared:
    """One column with a class of personal data, or with personal data that are expected there."""

    dataset: str
    column: str
    layer: str
    access: str
    pii_class: str
    expected: tuple[str, ...]
    reason: str
    treatments: tuple[str, ...]
    """Each with the rows it is for."""
    flows_to: tuple[str, ...]
    """Columns of releases that its values reach, as `product.dataset.column`."""


def declared(workspace: Workspace, products: Sequence[Product]) -> tuple[Declared, ...]:
    """Every declared column of these products. Raises what reading contracts and lineage raise."""
    graph = graph_of(workspace)
    return tuple(
        Declared(
            dataset=contract.id,
            column=column.name,
            layer=contract.layer,
            access=contract.access,
            pii_class=column.pii_class,
            expected=column.expected_personal.kinds if column.expected_personal else (),
            reason=column.expected_personal.reason if column.expected_personal else "",
            treatments=_treatments(contract, column),
            flows_to=tuple(
                sorted(
                    {
                        f"{item.node.dataset}.{item.node.column}"
                        for item in graph.downstream(contract.id, column.name)
                        if item.node.kind == "released" and item.node.column and item.how in DIRECT
                    }
                    - {f"{contract.id}.{column.name}"}
                )
            ),
        )
        for product in products
        for contract in product.contracts
        for column in contract.columns
        if column.pii_class.lower() not in ("none", "public", "") or column.expected_personal
    )


def _treatments(contract: Contract, column: Column) -> tuple[str, ...]:
    return tuple(
        f"{item.shown} ({'every row' if rule.when == EVERY_ROW else f'when {rule.when}'})"
        for rule in contract.privacy
        for item in rule.treatments
        if item.column == column.name
    )
