"""One portal per test session for reading, and a fresh one for tests that change the world or break it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simulators.socrata import PortalServer, Settings, serve

ROWS = 1500
Portals = Callable[..., tuple[PortalServer, httpx.Client]]


@pytest.fixture(scope="session")
def portal() -> Iterator[PortalServer]:
    with serve(Settings(seed=7, rows_per_year=ROWS, unlisted=True, anonymous_limit=None)) as server:
        yield server


@pytest.fixture(scope="session")
def client(portal: PortalServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=portal.url, timeout=30) as http:
        yield http


@pytest.fixture
def fresh() -> Iterator[Portals]:
    """`fresh(rows_per_year=300, ...)` -> a portal of its own and a client for it; all end with the test."""
    opened: list[Any] = []

    def make(**settings: Any) -> tuple[PortalServer, httpx.Client]:
        context = serve(Settings(**({"rows_per_year": 300, "anonymous_limit": None} | settings)))
        server = context.__enter__()
        http = httpx.Client(base_url=server.url, timeout=10)
        opened.append((context, http))
        return server, http

    yield make
    for context, http in opened:
        http.close()
        context.__exit__(None, None, None)
