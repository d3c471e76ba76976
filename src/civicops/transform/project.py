"""The dbt project around a product's models: generated, the same from the same models, never edited by hand.

Belongs here: writing dbt_project.yml, profiles.yml, the list of sources, and copies of models and macros. Does not belong
here: running it (`build`).

Files are only touched when their content changed, so that dbt's partial parsing has nothing to do when nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from civicops.texts import read_text
from civicops.transform.values import TransformError

SOURCES = "_civicops_sources.yml"
PROFILE = "civicops"
TABLES = "tables"
"""Folder of the finished models, one Parquet file each."""


@dataclass(frozen=True)
class Engine:
    """How much of the machine a build may use. `model_threads` is how many models run at once, `threads` those of the engine."""

    threads: int = 2
    model_threads: int = 2
    memory_limit: str = "2GB"


def write_project(
    folder: Path,
    *,
    product: str,
    models: Path,
    warehouse: Path,
    tables: Mapping[str, Iterable[str]],
    variables: Mapping[str, Any],
    engine: Engine,
) -> None:
    """Write the project into `folder`; `tables` are the names that each source schema offers.

    Raises `TransformError` when there is no model, `TextFileError` for one that is no UTF-8.
    """
    if not any(models.glob("**/*.sql")):
        raise TransformError(f"Product '{product}' has no models in {models}.", hint="Add a .sql file there.")
    _write(folder / "dbt_project.yml", _yaml(_project(folder, product, variables)))
    _write(folder / "profiles.yml", _yaml(_profile(folder, warehouse, engine)))
    wanted = {folder / "models" / SOURCES: _yaml(_sources(tables))}
    for path in sorted([*models.glob("**/*.sql"), *models.glob("**/*.yml")]):
        wanted[folder / "models" / path.relative_to(models)] = read_text(path)
    macros = files("civicops.transform") / "macros"
    for resource in sorted(macros.iterdir(), key=lambda item: item.name):
        if resource.name.endswith(".sql"):
            wanted[folder / "macros" / resource.name] = resource.read_text(encoding="utf-8")
    for path, content in wanted.items():
        _write(path, content)
    (folder / TABLES).mkdir(exist_ok=True)
    for room in ("models", "macros"):
        for path in (folder / room).rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()


def _project(folder: Path, product: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": product,
        "version": "1.0.0",
        "config-version": 2,
        "profile": PROFILE,
        "model-paths": ["models"],
        "macro-paths": ["macros"],
        "target-path": "target",
        "models": {product: {"+materialized": "kept"}},
        "vars": {"civicops_tables": str(folder / TABLES), **variables},
        # dbt tells its makers about every run unless told not to, and asks them for newer versions.
        "flags": {"send_anonymous_usage_stats": False, "partial_parse": True, "use_colors": False},
    }


def _profile(folder: Path, warehouse: Path, engine: Engine) -> dict[str, Any]:
    return {
        PROFILE: {
            "target": "local",
            "outputs": {
                "local": {
                    "type": "duckdb",
                    "path": str(warehouse),
                    "schema": "main",
                    "threads": engine.model_threads,
                    # One open file for the whole build: reopening it between models would index the boundaries again.
                    "keep_open": True,
                    "plugins": [{"module": "civicops.transform.plugin"}],
                    "config_options": {
                        "memory_limit": engine.memory_limit,
                        "threads": engine.threads,
                        "temp_directory": str(folder / "spill"),
                    },
                    # The order of rows is the release's business (`sortBy`); without it a table is written in less memory.
                    "settings": {"preserve_insertion_order": False, "TimeZone": "UTC"},
                }
            },
        }
    }


def _sources(tables: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    listed = [
        {"name": schema, "schema": schema, "tables": [{"name": name} for name in sorted(names)]}
        for schema, names in sorted(tables.items())
    ]
    return {"version": 2, "sources": [item for item in listed if item["tables"]]}


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def _write(path: Path, content: str) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
