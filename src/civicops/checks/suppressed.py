"""Rows that leave a dataset for a named reason: reviewed conditions in a product's `suppressed/` folder.

Belongs here: reading those files, and leaving their rows out of the current ones, counted. Does not belong here: how such a file
comes to be (`civicops.change.operations`), or taking a person's data out of the bytes (`civicops.govern`).

    products/<product>/suppressed/<id>.yaml     {operation, dataset, condition, reason}

The landed bytes and the checked rows stay; the rows are not current any more, in this run and in every later one, and stand among
the ignored ones under the operation's name. Taking the file away brings them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import sqlglot
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civicops.checks.current import CurrentRows
from civicops.contracts import Contract
from civicops.contracts.explain import explain_validation
from civicops.contracts.problems import ContractFileError, Problem, nearest
from civicops.contracts.yaml_lines import read_yaml
from civicops.errors import CivicopsError

FOLDER = "suppressed"
_SQL_FUNCTIONS_OUT = (sqlglot.exp.Subquery, sqlglot.exp.Select, sqlglot.exp.AggFunc, sqlglot.exp.Window)


class SuppressionError(CivicopsError):
    """A condition cannot be held against the rows it was written for."""


class Suppression(BaseModel):
    """Rows of one accepted dataset that no longer count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operation: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,80}$", description="The operation that was reviewed for it.")
    dataset: str = Field(description="The accepted dataset of this product whose rows leave.")
    condition: str = Field(description="SQL over the dataset's columns: true for the rows that leave.")
    reason: str = Field(min_length=3, description="Why, in a sentence; nobody's name.")

    @property
    def words(self) -> str:
        """The reason under which the rows are counted as ignored."""
        return f"left out by operation {self.operation}"


def read_suppressions(product_folder: Path) -> tuple[Suppression, ...]:
    """The suppressions of a product, by the names of their files. Raises `ContractFileError` with every fault and its line."""
    found: list[Suppression] = []
    problems: list[Problem] = []
    for path in sorted((product_folder / FOLDER).glob("*.yaml")):
        try:
            document = read_yaml(path)
            found.append(Suppression.model_validate(document.data))
        except ValidationError as error:
            problems.extend(explain_validation(document, error, Suppression))
            continue
        except ContractFileError as error:
            problems.extend(error.problems)
            continue
        if found[-1].operation != path.stem:
            words = f"is of operation '{found[-1].operation}', so its name must be {found[-1].operation}.yaml"
            problems.append(Problem(path, document.line(("operation",)), words))
    if problems:
        raise ContractFileError(problems)
    return tuple(found)


def condition_problem(contract: Contract, condition: str) -> str:
    """What is wrong with a condition over one row of a dataset, in a sentence; empty when nothing is."""
    try:
        statements = sqlglot.parse(condition, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        return f"is not a SQL condition: {str(error).splitlines()[0]}"
    tree = statements[0] if len(statements) == 1 else None
    if tree is None or isinstance(tree, sqlglot.exp.Command | sqlglot.exp.DDL | sqlglot.exp.DML | sqlglot.exp.Query):
        return "is not one SQL condition"
    if any(isinstance(node, _SQL_FUNCTIONS_OUT) for node in tree.walk()):
        return "may look at one row only: no SELECT, no aggregate"
    for column in tree.find_all(sqlglot.exp.Column):
        if column.name not in contract.column_names:
            return f"there is no column '{column.name}' in {contract.id}; {nearest(column.name, contract.column_names)}"
    return ""


def suppress(
    con: duckdb.DuckDBPyConnection, contract: Contract, current: CurrentRows, suppressions: Iterable[Suppression]
) -> CurrentRows:
    """The current rows without those that a suppression of this dataset names, each counted under the first that does.

    A condition that is null for a row leaves it in. Raises `SuppressionError` when a condition fits the contract no more.
    """
    chosen = [one for one in {one.operation: one for one in suppressions}.values() if one.dataset == contract.dataset]
    if not chosen:
        return current
    for one in chosen:
        if problem := condition_problem(contract, one.condition):
            raise SuppressionError(f"{FOLDER}/{one.operation}.yaml: the condition {problem}.", hint=_HINT)
    named = [f"coalesce(({one.condition}), FALSE)" for one in chosen]
    try:
        kept, *left = _counts(con, current.select, named)
    except duckdb.Error as error:
        text = str(error).splitlines()[0]
        raise SuppressionError(
            f"{contract.id}: a condition of {FOLDER}/ cannot be asked: {text}", hint=_HINT
        ) from error
    ignored = {one.words: count for one, count in zip(chosen, left, strict=True) if count}
    if not ignored:
        return current
    select = f"SELECT * FROM ({current.select}) WHERE NOT ({' OR '.join(named)})"
    return replace(current, select=select, rows=kept, ignored=current.ignored | ignored)


_HINT = "Mend the condition, or take the file away: its rows count again then."


def _counts(con: duckdb.DuckDBPyConnection, select: str, named: Sequence[str]) -> list[int]:
    """How many rows stay, and how many leave by each condition and none before it; counted apart, so that they can disagree."""
    counts = [f"count(*) FILTER (NOT ({' OR '.join(named)}))"]
    for place, condition in enumerate(named):
        before = "".join(f" AND NOT {one}" for one in named[:place])
        counts.append(f"count(*) FILTER ({condition}{before})")
    row = con.execute(f"SELECT {', '.join(counts)} FROM ({select})").fetchone()
    return [int(value) for value in row] if row else [0] * (len(named) + 1)
