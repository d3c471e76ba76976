"""What the tests of releases share. Files on a real disk, the real engine, no stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from release_kit import THING_COLUMNS, Column, contract_text

from civicops.contracts import Contract, load_contract
from civicops.release import CheckOutcome, Conservation, InputManifest, Provenance, ReleaseStore


@pytest.fixture
def make_contract(tmp_path: Path) -> Callable[..., Contract]:
    """A contract read from a file, as any other."""

    def make(dataset: str = "items", columns: list[Column] | None = None, **more: Any) -> Contract:
        path = tmp_path / "contracts" / f"{dataset}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(contract_text(dataset, columns or THING_COLUMNS, **more), encoding="utf-8")
        return load_contract(path)

    return make


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        yield connection


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        run_id="20261122T113807Z-run",
        git_commit="0" * 40,
        git_dirty=True,
        inputs=(
            InputManifest("legacy", 3, ("ab" * 32,), title="Things of old", url="https://city.example/things", rows=7),
        ),
        checks=(CheckOutcome("thing_id_required", "stop", 0, 7, True, "Every row has a thing."),),
        conservation=Conservation(7, 5, 1, (("not ours", 1),)),
        tools=(("dbt", "1.11.0"),),
    )
