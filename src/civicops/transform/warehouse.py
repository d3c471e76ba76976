"""What models may read, put into the warehouse file before dbt opens it.

Belongs here: the schemas `accepted`, `lookup`, `release` and `geo`, as views where the rows lie in Parquet. Does not belong
here: which rows are current (`civicops.checks`), the models' own tables (dbt makes them in `main`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import shapely

from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.transform.layers import CREATE, LOOKUP, read_layer_sets, store_layers
from civicops.transform.prepared import Prepared, make_empty, make_tables
from civicops.transform.values import LayerFinding, TransformError

UNIT_AREAS = "unit_areas.csv"
"""Rectangles beside the models (layer, set_id, policy, valid_from, valid_to, area_code, area_name, west, south, east, north)
that stand for boundaries in unit tests."""

Relation = str | Sequence[Path]
"""A SELECT, or Parquet files."""


@dataclass(frozen=True)
class Inputs:
    """What one product's models read, by name. `contracts` are those of its accepted datasets: one that has no relation in
    `accepted` is an empty table of the contract's shape."""

    accepted: Mapping[str, Relation]
    lookups: Mapping[str, Path]
    releases: Mapping[str, Relation]
    contracts: Sequence[Contract] = ()
    prepared: Prepared | None = None

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of all accepted datasets, given or empty."""
        return tuple(sorted({*self.accepted, *(c.dataset for c in self.contracts if c.layer == "accepted")}))


def prepare(path: Path, inputs: Inputs, *, whole: bool, memory_limit: str) -> tuple[LayerFinding, ...]:
    """Put the inputs into the warehouse at `path`; with `whole`, models of earlier builds are dropped.

    Raises `TransformError` for a file that is missing, is no table, or lacks boundaries.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open(path, memory_limit) as con:
        for schema in ("accepted", "lookup", "release", "geo"):
            con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        if whole:
            _drop_models(con)
        _inputs(con, inputs)
        findings = store_layers(con, read_layer_sets(inputs.lookups[LOOKUP])) if LOOKUP in inputs.lookups else ()
        if inputs.prepared:
            make_tables(con, inputs.prepared)
        return findings


def prepare_units(path: Path, inputs: Inputs, areas: Path) -> None:
    """A warehouse for unit tests: accepted datasets empty, lookups as they are, areas from rectangles if the file exists."""
    path.unlink(missing_ok=True)
    with _open(path, "1GB") as con:
        for schema in ("accepted", "lookup", "release", "geo"):
            con.execute(f"CREATE SCHEMA {schema}")
        _inputs(con, inputs)
        if areas.is_file():
            _rectangles(con, areas)
        if inputs.prepared:
            make_empty(con, inputs.prepared)


def row_counts(path: Path, tables: Path) -> dict[str, int]:
    """The number of rows of every model that was kept as a file in `tables`; views are left out."""
    with _open(path, "1GB") as con:
        found = con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'").fetchall()
        kept = [name for (name,) in found if (tables / f"{name}.parquet").is_file()]
        return {name: int((con.execute(f"SELECT count(*) FROM {_quote(name)}").fetchone() or (0,))[0]) for name in kept}


def _open(path: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config={"memory_limit": memory_limit})
    except duckdb.Error as error:
        raise TransformError(
            f"The warehouse {path} cannot be opened: {str(error).splitlines()[0]}.",
            hint="It is scratch: when no run is under way, delete the file and run again.",
        ) from error


def _drop_models(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'main'"
    ).fetchall()
    for name, kind in rows:
        con.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} IF EXISTS {_quote(name)} CASCADE")


def _inputs(con: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    by_dataset = {contract.dataset: contract for contract in inputs.contracts if contract.layer == "accepted"}
    for name in inputs.datasets:
        relation = inputs.accepted.get(name)
        if relation:
            _view(con, "accepted", name, relation)
        else:
            columns = {column.name: column.sql_type for column in by_dataset[name].columns} | BESIDES
            listed = ", ".join(f"{_quote(column)} {kind}" for column, kind in columns.items())
            con.execute(f"CREATE TABLE accepted.{_quote(name)} ({listed})")
    for name, relation in inputs.releases.items():
        _view(con, "release", name, relation)
    for name, file in inputs.lookups.items():
        try:
            # All text: what a cell means is said by the model that reads it, not guessed from the cells above it.
            con.execute(
                f"CREATE TABLE lookup.{_quote(name)} AS SELECT * FROM "
                f"read_csv({_text(str(file))}, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
            )
        except duckdb.Error as error:
            raise TransformError(
                f"Lookup {file} cannot be read: {str(error).splitlines()[0]}.",
                hint="It must be a CSV file with a header and as many fields in every line.",
            ) from error


def _view(con: duckdb.DuckDBPyConnection, schema: str, name: str, relation: Relation) -> None:
    if not isinstance(relation, str):
        files = ", ".join(_text(str(path)) for path in relation)
        relation = f"SELECT * FROM read_parquet([{files}])"
    try:
        con.execute(f"CREATE VIEW {schema}.{_quote(name)} AS {relation}")
    except duckdb.Error as error:
        raise TransformError(
            f"What the models read as {schema}.{name} cannot be read: {str(error).splitlines()[0]}.",
            hint="Run the product again; its accepted rows are made anew from what was landed.",
        ) from error


def _rectangles(con: duckdb.DuckDBPyConnection, areas: Path) -> None:
    con.execute(CREATE)
    with areas.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            west, south, east, north = (float(row[side]) for side in ("west", "south", "east", "north"))
            box = shapely.box(west, south, east, north)
            con.execute(
                "INSERT INTO geo.area VALUES (?, ?, ?, CAST(? AS DATE), CAST(? AS DATE), ?, ?, ?, 1.0, ?, ?)",
                [
                    row["layer"], row["set_id"], row["policy"], row["valid_from"] or None, row["valid_to"] or None,
                    not row["valid_to"], row["area_code"], row["area_name"], shapely.to_wkb(box),
                    shapely.to_geojson(box),
                ],
            )  # fmt: skip


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
