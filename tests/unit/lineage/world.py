"""A small made-up world in DuckDB on which a product's models really run, and one column of it can be changed.

Belongs here: tables with made-up rows, running the compiled models, changing a column. Does not belong here: what must follow
from a change (the tests).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from civicops.checks.current import BESIDES
from civicops.contracts.model import Column, Contract
from civicops.lineage.models import ModelLineage
from civicops.lineage.steps import ORIGIN
from civicops.transform.placing import read_layers, register
from civicops.transform.warehouse import UNIT_AREAS, Inputs, prepare_units
from civicops.workspace import Product

ROWS = 80
FIRST = datetime(2025, 4, 1, 15, tzinfo=UTC)
_WORDS = {"era": "legacy", "reason": "r", "severity_code": "warning"}


class World:
    """The tables of one product in a file, models made in order. Everything follows from `seed`."""

    def __init__(self, product: Product, models: Mapping[str, ModelLineage], folder: Path, seed: int = 3) -> None:
        self.product, self.models = product, models
        path = folder / f"{product.name}.duckdb"
        prepare_units(path, Inputs({}, product.lookups, {}, product.contracts), product.models / UNIT_AREAS)
        self.con = duckdb.connect(str(path))
        self.con.execute("SET TimeZone = 'UTC'; SET threads = 1")
        self.chance = random.Random(seed)
        for contract in product.accepted:
            self._fill(contract)
        self.con.execute("CREATE SCHEMA kept")
        self.tables = [
            (schema, name)
            for schema, name in self.con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ('accepted', 'lookup', 'geo') "
                "ORDER BY ALL"
            ).fetchall()
        ]
        register(self.con, read_layers(self.con))

    def close(self) -> None:
        self.con.close()

    def readers(self, schema: str, table: str) -> list[str]:
        """The models that name the table, or a model that does, in order. From the text alone, whatever lineage says."""
        found: list[str] = []
        for model in self.models.values():
            named = [f'"{schema}"."{table}"', *(f'"main"."{name}"' for name in found)]
            if any(name in model.sql for name in named) or (schema == "geo" and "__" in model.sql):
                found.append(model.name)
        return found

    def run(self, names: Sequence[str] | None = None) -> dict[tuple[str, str], Any]:
        """Make these models, or all. By (model, column): a number that all of its values make together, in any order; under '*': rows."""
        found: dict[tuple[str, str], Any] = {}
        for model in self.models.values():
            if names is not None and model.name not in names:
                continue
            self.con.execute(f'CREATE OR REPLACE TABLE main."{model.name}" AS {model.sql}')
            sums = "".join(
                f', sum(hash(coalesce(CAST("{name}" AS VARCHAR), chr(0)))::HUGEINT)' for name in model.query.columns
            )
            answer = self.con.execute(f'SELECT count(*){sums} FROM main."{model.name}"').fetchone() or ()
            found |= {
                (model.name, name): value for name, value in zip(("*", *model.query.columns), answer, strict=True)
            }
        return found

    def columns(self, schema: str, table: str) -> list[tuple[str, str]]:
        """Name and type of every column."""
        return [
            (str(name), str(kind)) for name, kind, *_ in self.con.execute(f'DESCRIBE "{schema}"."{table}"').fetchall()
        ]

    def change(self, schema: str, table: str, column: str, kind: str) -> None:
        """Give the column other values: texts change places, numbers, dates and moments move, truths turn round."""
        name = f'"{schema}"."{table}"'
        number = "FLOAT" in kind or "DOUBLE" in kind or "INT" in kind
        if number:
            value = f'"{column}" + 1'
        elif kind == "BOOLEAN":
            value = f'NOT "{column}"'
        elif kind.startswith(("DATE", "TIMESTAMP")):
            value = f'CAST("{column}" + INTERVAL 40 DAY AS {kind})'
        else:
            value = f'coalesce(lead("{column}") OVER (ORDER BY rowid), first("{column}") OVER (ORDER BY rowid))'
        self.con.execute(
            f'CREATE OR REPLACE TABLE kept."was" AS SELECT * FROM {name} ORDER BY rowid;'
            f'CREATE OR REPLACE TEMP TABLE changed AS SELECT * REPLACE ({value} AS "{column}") FROM {name} ORDER BY rowid;'
            f"DELETE FROM {name}; INSERT INTO {name} SELECT * FROM changed"
        )

    def restore(self, schema: str, table: str) -> None:
        """Undo the last change."""
        name = f'"{schema}"."{table}"'
        self.con.execute(f'DELETE FROM {name}; INSERT INTO {name} SELECT * FROM kept."was"')

    def placing(self) -> None:
        """Read the outlines anew, after they were changed."""
        for (function,) in self.con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE starts_with(function_name, 'place_in__') "
            "OR starts_with(function_name, 'is_in__')"
        ).fetchall():
            self.con.remove_function(function)
        register(self.con, read_layers(self.con))

    def _fill(self, contract: Contract) -> None:
        words = self._vocabulary()
        kinds = {column.name: column.sql_type for column in contract.columns} | BESIDES
        rows = [self._row(contract, number, words) for number in range(ROWS)]
        places = ", ".join(f"CAST(? AS {kind})" for kind in kinds.values())
        self.con.executemany(f'INSERT INTO accepted."{contract.dataset}" VALUES ({places})', rows)

    def _vocabulary(self) -> dict[str, Sequence[str]]:
        """Words that lookups know, by the column that may hold them."""
        found: dict[str, list[str]] = {}
        of = {
            "request_types": "request_type",
            "statuses": "status",
            "request_sources": "request_source",
            "departments": "owner",
        }
        for lookup, column in of.items():
            if lookup in self.product.lookups:
                with self.product.lookups[lookup].open(encoding="utf-8-sig", newline="") as stream:
                    for row in csv.DictReader(stream):
                        found.setdefault(column, []).extend(filter(None, (row["legacy_value"], row["cases_value"])))
        return {column: sorted(set(words))[:9] for column, words in found.items()}

    def _row(self, contract: Contract, number: int, words: Mapping[str, Sequence[str]]) -> list[Any]:
        values = [self._value(contract, column, number, words) for column in contract.columns]
        origin = {
            "_flags": [],
            "_blanked": None,
            "_source": f"{contract.dataset}_{number % 2}",
            "_object": "0f" * 32,
            "_delivery": 1,
        }
        assert set(origin) == set(ORIGIN)
        return [*values, *origin.values()]

    def _value(self, contract: Contract, column: Column, number: int, words: Mapping[str, Sequence[str]]) -> Any:
        pick, name = self.chance.choice, column.name
        place = number % 16
        if name in words:
            return pick([*words[name], "Something new"])
        if name in contract.key and column.logical_type == "string" and name not in ("drive_id", "item_id"):
            return f"{contract.dataset[:2]}-{number}"
        fixed: dict[str, Any] = {
            "drive_id": f"d{number % 3}", "item_id": f"i{number}", "top_folder": f"F{number % 4}",
            "path": f"/F{number % 4}" if number % 3 else f"/F{number % 4}/x", "event_code": pick(
                ["trashed", "purged", "moved_out", "returned", "moved_to_drive", "unknown"]),
            "state_code": pick(["present", "deleted", "refused"]), "is_complete": number % 5 != 0,
            "longitude": 1.0 + place, "latitude": 1.5 + place / 2, "source_district_code": number % 4,
            "source_council_code": pick([0, 10, 20, 30]), "source_council_name": pick(["NORTH WESTWOOD NC", "WEST NC", "EAST NC"]),
            "resolution_code": pick(["AR-1", "RC-2", "zz", None]), "council_name": f"NAME {number}", "council_code": pick(["10", "20", None]),
            "area_code": pick(["10", "20", "30"]), "area_name": pick(["WEST NC", "EAST NC"]), "region": f"REGION {number % 3} - PLACE {number % 5}",
            "actor": pick(["ada@example.org", "ben@example.org", None]), "managers": f"m{number // 7}", "manager_count": number % 3,
            "tick": pick(["x", "done"]),
        }  # fmt: skip
        if name in fixed:
            return fixed[name]
        if column.logical_type == "timestamp":
            later = {"created_at": 0, "updated_at": 50, "closed_at": 30}.get(name, 0)
            # The same minutes in both systems, so that some records of one are copies of cases of the other.
            moment = FIRST + timedelta(hours=7 * number + later, minutes=self.chance.randrange(9))
            return None if name == "closed_at" and number % 3 == 0 else moment
        if column.logical_type == "date":
            return (FIRST + timedelta(hours=7 * number)).date() if name != "valid_from" else date(2025, 1, 1)
        if column.logical_type == "boolean":
            return pick([True, False])
        if column.logical_type in ("integer", "number"):
            return self.chance.randrange(1, 60)
        return pick([f"{name}-{value}" for value in "abcdef"])
