"""Kinds of review task, read from `products/<product>/reviews/<kind>.yaml` together with the contract they fill.

Belongs here: reading and cross-checking those files. Does not belong here: the keys (`kindfile`), checking answers (`forms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from civicops.contracts import Contract, ContractFileError, Problem
from civicops.contracts.explain import explain_validation
from civicops.contracts.problems import nearest
from civicops.contracts.yaml_lines import read_yaml
from civicops.errors import CivicopsError
from civicops.release.values import is_name
from civicops.review.forms import Field, fields_of
from civicops.review.kindfile import KindFile
from civicops.workspace import Product, Workspace

FOLDER = "reviews"
RESERVED = (
    "task_id", "decision_id", "round", "subject", "record_id", "outcome_code", "reason", "decided_by", "decided_at",
    "approved_by", "approved_at", "content_hash", "seen_hash", "confidence", "is_automatic", "is_withdrawn", "is_current",
    "members", "parts", "rated_by", "rated_at", "stage_code", "seconds", "is_undone", "rating_id",
)  # fmt: skip
"""What a landed decision says besides the columns of its kind; a column of a kind must not be called the same."""


class KindError(CivicopsError):
    """There is no such kind of task."""


@dataclass(frozen=True)
class Kind:
    """One kind of task with everything that is needed to put and to check its question."""

    product: str
    name: str
    file: KindFile
    fields: tuple[Field, ...]
    path: Path

    @property
    def id(self) -> str:
        """`product.kind`."""
        return f"{self.product}.{self.name}"


def load_kinds(product: Product) -> tuple[Kind, ...]:
    """Every kind of a product, in the order of their names. Raises `ContractFileError` with the faults of all files at once."""
    found: list[Kind] = []
    problems: list[Problem] = []
    for path in sorted((product.folder / FOLDER).glob("*.yaml")):
        try:
            found.append(_load(product, path))
        except ContractFileError as error:
            problems.extend(error.problems)
    if problems:
        raise ContractFileError(problems)
    return tuple(found)


def all_kinds(workspace: Workspace) -> dict[str, Kind]:
    """Every kind of the workspace by its id (`product.kind`); a product with faulty files raises `ContractFileError`."""
    names = [name for name in workspace.product_names if (workspace.products_folder / name / FOLDER).is_dir()]
    return {kind.id: kind for name in names for kind in load_kinds(workspace.product(name))}


def _load(product: Product, path: Path) -> Kind:
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise ContractFileError([Problem(path, 1, "a kind of task is a mapping of keys to values; this is not")])
    if not is_name(path.stem):
        raise ContractFileError([Problem(path, 1, "the file's name is the kind's: lower-case words joined by _")])
    try:
        file = KindFile.model_validate(document.data)
    except ValidationError as error:
        raise ContractFileError(tuple(explain_validation(document, error, KindFile))) from error
    contract = next((item for item in product.contracts if item.dataset == file.contract), None)
    if contract is None:
        known = [item.dataset for item in product.contracts]
        message = f"no contract '{file.contract}' in this product; {nearest(file.contract, known)}"
        raise ContractFileError([Problem(path, document.line(("contract",)), message)])
    problems = [
        Problem(path, document.line(("columns", index)), message)
        for index, name in enumerate(file.columns)
        if (message := _fault(name, contract, file.columns[:index]))
    ]
    if problems:
        raise ContractFileError(problems)
    fields = fields_of(contract, file.columns, file.optional, product.lookup_values(contract))
    return Kind(product.name, path.stem, file, fields, path)


def _fault(name: str, contract: Contract, before: tuple[str, ...]) -> str:
    if name not in contract.column_names:
        return f"'{contract.dataset}' has no column '{name}'; {nearest(name, contract.column_names)}"
    if name in RESERVED:
        return f"'{name}' is what every decision says of itself; choose a column of another name"
    return f"column '{name}' is given twice" if name in before else ""
