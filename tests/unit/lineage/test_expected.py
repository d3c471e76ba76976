"""Every column of every model of two products, against a table made by reading the SQL (`expected.txt`)."""

from __future__ import annotations

from pathlib import Path

from civicops.lineage.models import ModelLineage
from civicops.lineage.values import Inputs

EXPECTED = Path(__file__).parent / "expected.txt"


def expected() -> dict[str, dict[str, dict[str, str]]]:
    """Model to column to input to how."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    model: dict[str, dict[str, str]] = {}
    for line in EXPECTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            model = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            column, _, inputs = line.partition(" <-")
            model[column] = dict(item.rsplit(":", 1) for item in inputs.split())
    return found


def written(inputs: Inputs) -> dict[str, str]:
    return {f"{table.removeprefix('main.')}.{column or '*'}": how for (table, column), how in inputs.items()}


def test_every_column_of_every_model_is_made_of_what_its_sql_says(
    followed: dict[str, dict[str, ModelLineage]],
) -> None:
    found = {
        f"{product}.{model.name}": {
            **{column: written(inputs) for column, inputs in model.query.columns.items()},
            "*": written(model.query.rows),
        }
        for product in ("requests_311", "drive_monitor")
        for model in followed[product].values()
    }
    wanted = expected()
    assert set(found) == set(wanted)
    assert sum(len(columns) for columns in wanted.values()) > 300
    for model, columns in wanted.items():
        assert found[model] == columns, model
