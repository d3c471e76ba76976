"""Running a product's models and their unit tests with dbt, in this process.

Belongs here: the two calls other rooms make, and turning dbt's results and errors into ours. Does not belong here: the
project's files (`project`), what models read (`warehouse`).
"""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from civicops.contracts import Contract
from civicops.engine_words import without_values
from civicops.transform import head_start
from civicops.transform import warehouse as wh
from civicops.transform.prepared import find_prepared
from civicops.transform.project import TABLES, Engine, write_project
from civicops.transform.values import BuildResult, ModelResult, Status, TestStatus, TransformError, UnitTestResult

_STATUS: dict[str, Status] = {"success": "success", "error": "error", "skipped": "skipped"}
_ALWAYS = (
    "--quiet", "--no-print", "--no-use-colors", "--no-version-check", "--no-send-anonymous-usage-stats", "--partial-parse",
    "--no-write-json", "--log-level", "none", "--log-level-file", "info",
)  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()
"""dbt keeps flags, adapters and connections in globals of the process, and two must not write one project's files."""


def build(
    product: str,
    models: Path,
    warehouse: Path,
    *,
    accepted: Mapping[str, wh.Relation],
    lookups: Mapping[str, Path],
    releases: Mapping[str, wh.Relation] | None = None,
    contracts: Sequence[Contract] = (),
    variables: Mapping[str, Any] | None = None,
    select: str | None = None,
    engine: Engine | None = None,
) -> BuildResult:
    """Build a product's models in `warehouse`, the DuckDB file that is private to its runs.

    `accepted` gives the current rows of each accepted dataset as a SELECT (which must not read from the warehouse itself) or
    as Parquet files; a dataset of `contracts` that is not given is empty. `releases` are named `<product>__<dataset>`.
    `select` is dbt's node selection; without it everything is built and models that no longer exist are dropped. The
    finished models are views of the schema `main` over Parquet files in `<warehouse>.dbt/tables`; nothing is open on return.

    Raises `TransformError` that names the model, its file and what the engine said, for the first model that failed.
    """
    engine = engine or Engine()
    start = time.perf_counter()
    inputs = wh.Inputs(accepted, lookups, releases or {}, contracts, find_prepared(models.parent))
    findings = wh.prepare(warehouse, inputs, whole=select is None, memory_limit=engine.memory_limit)
    folder = warehouse.with_name(f"{warehouse.stem}.dbt")
    _write(folder, product, models, warehouse, inputs, variables, engine)
    if select is None:
        for file in (folder / TABLES).glob("*.parquet"):
            file.unlink()
    chosen = ("--select", select) if select else ()
    began = time.time()
    results = _invoke(folder, "run", *chosen, models=models)
    failed = next((r for r in results if str(r.status) == "error"), None)
    if failed is not None:
        raise _model_error(failed, models)
    rows = wh.row_counts(warehouse, folder / TABLES)
    done = tuple(
        ModelResult(
            r.node.name,
            rows.get(r.node.name),
            r.execution_time,
            _STATUS[str(r.status)],
            sql=str(r.node.compiled_code).strip(),
        )
        for r in results
    )
    starts = [t.started_at for r in results for t in r.timing if t.name == "compile" and t.started_at]
    waited = (min(starts) - datetime.fromtimestamp(began, tz=min(starts).tzinfo)).total_seconds() if starts else 0.0
    seconds = time.perf_counter() - start
    before = seconds - (time.time() - began)
    return BuildResult(done, findings, seconds, max(0.0, before) + max(0.0, waited))


def read_ahead(
    product: str,
    models: Path,
    warehouse: Path,
    *,
    lookups: Mapping[str, Path],
    releases: Mapping[str, wh.Relation] | None = None,
    contracts: Sequence[Contract] = (),
    variables: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
) -> None:
    """Let dbt read the models of a `build` that will follow with the same arguments, which then takes a second less.

    Neither opens the warehouse nor changes what a build makes. Raises `TransformError` as the build would.
    """
    inputs = wh.Inputs({}, lookups, releases or {}, contracts, find_prepared(models.parent))
    folder = warehouse.with_name(f"{warehouse.stem}.dbt")
    _write(folder, product, models, warehouse, inputs, variables, engine or Engine())
    _invoke(folder, "parse", models=models)


def compiled_models(
    product: str,
    models: Path,
    folder: Path,
    *,
    lookups: Mapping[str, Path],
    releases: Sequence[str] = (),
    contracts: Sequence[Contract] = (),
    variables: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The SQL of every model as dbt sends it to the engine (macros, `ref` and `source` resolved), by model.

    `releases` are the names `<product>__<dataset>`. Nothing is built and no data is read; the dbt project is written into
    `folder`. Raises `TransformError` as a build would.
    """
    inputs = wh.Inputs({}, lookups, dict.fromkeys(releases, ""), contracts, find_prepared(models.parent))
    project = folder / f"{product}.dbt"
    _write(project, product, models, folder / f"{product}.duckdb", inputs, variables, Engine())
    results = _invoke(project, "compile", "--no-introspect", "--no-populate-cache", models=models)
    _refuse_broken(results, models)
    return {
        str(item.node.name): str(item.node.compiled_code).strip()
        for item in results
        if str(item.node.resource_type) == "model"
    }


def run_unit_tests(
    product: str,
    models: Path,
    folder: Path,
    *,
    lookups: Mapping[str, Path],
    contracts: Sequence[Contract],
    releases: Mapping[str, wh.Relation] | None = None,
    variables: Mapping[str, Any] | None = None,
    select: str | None = None,
) -> tuple[UnitTestResult, ...]:
    """Run the unit tests of a product's models (rows in, rows out) in a warehouse of their own under `folder`.

    Accepted datasets are empty tables of their contracts' shape, lookups are the real ones, and areas are the rectangles of
    `unit_areas.csv` beside the models. A failed test is a result, not an error.

    Raises `TransformError` when the models themselves cannot be built on empty tables.
    """
    inputs = wh.Inputs({}, lookups, releases or {}, contracts, find_prepared(models.parent))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{product}_unit.duckdb"
    wh.prepare_units(file, inputs, models / wh.UNIT_AREAS)
    project = folder / f"{product}.dbt"
    _write(project, product, models, file, inputs, variables, Engine(memory_limit="1GB"))
    chosen = ("--select", select) if select else ()
    # Unit tests stand in for the data, not for the tables: dbt asks the warehouse for their column types.
    _refuse_broken(_invoke(project, "run", models=models), models)
    results = _invoke(project, "test", *chosen, models=models)
    return tuple(_unit_result(result) for result in results)


def _write(
    folder: Path, product: str, models: Path, warehouse: Path, inputs: wh.Inputs,
    variables: Mapping[str, Any] | None, engine: Engine,
) -> None:  # fmt: skip
    tables = {"accepted": inputs.datasets, "lookup": tuple(inputs.lookups), "release": tuple(inputs.releases)}
    if inputs.prepared:
        tables["prepared"] = tuple(inputs.prepared.tables)
    if (models.parent / "lookups" / "boundary_sets.csv").is_file() or "boundary_sets" in inputs.lookups:
        tables["geo"] = ("area",)
    with _ONE_AT_A_TIME:
        write_project(
            folder,
            product=product,
            models=models,
            warehouse=warehouse,
            tables=tables,
            variables=variables or {},
            engine=engine,
        )


def _invoke(folder: Path, command: str, *arguments: str, models: Path) -> list[Any]:
    """Run one dbt command; its results, or `TransformError` when it did not get as far as having any."""
    with _no_collecting():
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 - dbt takes seconds to import

    place = ("--project-dir", str(folder), "--profiles-dir", str(folder), "--log-path", str(folder / "logs"))
    with _ONE_AT_A_TIME:
        try:
            head_start.give(folder)
            outcome = dbtRunner().invoke([command, *place, *_ALWAYS, *arguments])
            head_start.keep(folder)
        finally:
            _close_warehouse()
    if outcome.exception is not None:
        raise _dbt_error(outcome.exception, folder, models)
    results = getattr(outcome.result, "results", None)
    return list(results or [])


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Importing dbt makes a million objects that all stay; looking for garbage among them is a third of the import."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def _close_warehouse() -> None:
    """dbt-duckdb keeps its connection in the class until the process ends; the file must be free for whoever reads next."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
        DuckDBConnectionManager._ENV = None


def _refuse_broken(results: Sequence[Any], models: Path) -> None:
    failed = next((r for r in results if str(r.status) == "error"), None)
    if failed is not None:
        raise _model_error(failed, models)


def _model_error(result: Any, models: Path) -> TransformError:
    file = models / Path(str(result.node.original_file_path)).relative_to("models")
    message = _plain(str(result.message))
    return TransformError(
        f"Model '{result.node.name}' failed: {message} ({file})",
        hint=f"Mend {file.name} and run the product again; the last release stays in place.",
    )


def _dbt_error(error: BaseException, folder: Path, models: Path) -> TransformError:
    named = re.search(r"\(models/([^)]+)\)", str(error))
    file = f" ({models / named[1]})" if named else ""
    text = _plain(str(error)).replace(str(folder / "models"), str(models))
    return TransformError(f"The models in {models} cannot be read: {text}{file}", hint="Mend the file named above.")


def _plain(message: str) -> str:
    """dbt's and DuckDB's message in one line: no value of a row, no headings, no trail of macros that dbt puts around it."""
    lines = [line.strip() for line in without_values(message).splitlines() if line.strip()]
    kept = [line for line in lines if not re.match(r"(Runtime|Database|Compilation|Parsing) Error( in .*)?$", line)]
    kept = [line for line in kept if not line.startswith(("> in macro", "> called by", "compiled code at"))]
    return " ".join(" ".join(kept).split())[:1500]


def _unit_result(result: Any) -> UnitTestResult:
    kinds: dict[str, TestStatus] = {"pass": "pass", "fail": "fail"}
    status = kinds.get(str(result.status), "error")
    message = "" if status == "pass" else str(result.message or "")
    model = str(result.node.unique_id).split(".")[2]  # unit_test.<product>.<model>.<name>
    return UnitTestResult(model, str(result.node.name), status, result.execution_time, message)
