"""Whether a proposed operation speaks of what there is: datasets, columns, conditions, times.

Belongs here: refusing what is misspelt, before anybody is asked to agree. Does not belong here: its sources and staging
(`operating`), the form of its file (`civicops.change.operations`).
"""

from __future__ import annotations

from civicops.change.operations import Operation, OperationError, folder_of
from civicops.checks.suppressed import condition_problem
from civicops.contracts.periods import period
from civicops.contracts.problems import nearest
from civicops.orchestrate.rekeying import check_mapping
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, Workspace


def makes_sense(workspace: Workspace, product: Product, operation: Operation) -> None:
    """Refuse names that the product does not know, and a mapping that is not there. Raises `OperationError`, `MappingError`."""
    layer = "accepted" if operation.kind == "delete" else ""
    contracts = {c.dataset: c for c in product.contracts if layer in ("", c.layer)}
    if operation.dataset and operation.dataset not in contracts:
        what = f"{layer} dataset" if layer else "dataset"
        raise OperationError(
            f"{product.name} has no {what} '{operation.dataset}'.", hint=f"{nearest(operation.dataset, contracts)}."
        )
    if operation.condition and (problem := condition_problem(contracts[operation.dataset], operation.condition)):
        raise OperationError(f"The condition {problem}.", hint="It is SQL over the columns of one row.")
    for one in operation.expected:
        name, _, dataset = one.dataset.partition(".")
        every = {c.dataset: c for c in workspace.product(name).published}
        if dataset not in every:
            raise OperationError(f"{name} publishes no '{dataset}'.", hint=f"{nearest(dataset, every)}.")
        if one.within and (problem := condition_problem(every[dataset], one.within)):
            raise OperationError(f"{one.dataset}: within {problem}.", hint="It is SQL over the columns of one row.")
    if operation.kind == "retention" and operation.becomes != "no end":
        try:
            period(operation.becomes)
        except ValueError as error:
            raise OperationError(f"becomes: {error}", hint="Such as '5 years', or 'no end'.") from error
    if operation.kind == "rekey":
        names = contracts[operation.dataset].column_names
        for column in (part.strip() for part in operation.becomes.split(",")):
            if column not in names:
                raise OperationError(
                    f"{product.name}.{operation.dataset} has no column '{column}'.", hint=f"{nearest(column, names)}."
                )
        current = ReleaseStore(workspace.folder("releases")).current(product.name, operation.dataset)
        check_mapping(operation, current, folder_of(workspace) / operation.mapping)
