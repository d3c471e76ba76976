"""The repository's own products, and their models followed once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.lineage import Graph, graph_of
from civicops.lineage.models import ModelLineage, models_of
from civicops.workspace import Workspace

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def repository() -> Workspace:
    """This repository as a workspace."""
    return Workspace.find(ROOT)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for followed models, filled by the first test that needs it."""
    return tmp_path_factory.mktemp("lineage")


@pytest.fixture(scope="session")
def followed(repository: Workspace, cache: Path) -> dict[str, dict[str, ModelLineage]]:
    """The models of every product, followed."""
    return {product.name: models_of(repository, product, cache=cache) for product in repository.products}


@pytest.fixture(scope="session")
def graph(repository: Workspace, cache: Path, followed: dict[str, dict[str, ModelLineage]]) -> Graph:
    """The graph of the repository's products."""
    return graph_of(repository, cache=cache)
