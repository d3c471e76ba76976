"""Fixtures of the ingest tests: contracts made of names only, a landing zone, deliveries of given bytes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

import simulators
from civicops.contracts import Column, Contract
from civicops.ingest.landing import Landing
from civicops.ingest.read import RawRows, raw_rows
from civicops.ingest.values import Delivery, Media, SocrataSource
from civicops.ingest.web import Patience

PRODUCT, SOURCE = "trees", "north"


def make_contract(
    columns: Mapping[str, Sequence[str]], *, critical: Sequence[str] = (), ignored: Sequence[str] = ()
) -> Contract:
    """A contract of text columns: name -> source names."""
    return Contract(
        id="trees.trees",
        product=PRODUCT,
        dataset="trees",
        title="Trees",
        version="1.0.0",
        status="active",
        layer="accepted",
        access="internal",
        purpose="",
        usage="",
        limitations="",
        licence="CC0-1.0",
        people=(),
        columns=tuple(
            Column(
                name=name,
                title=name,
                description=name,
                logical_type="string",
                source_names=tuple(names),
                critical=name in critical,
            )
            for name, names in columns.items()
        ),
        key=(),
        ignored_fields=tuple((name, "not wanted") for name in ignored),
        path=Path("trees.yaml"),
    )


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


Deliver = Callable[..., Delivery]


@pytest.fixture
def deliver(landing: Landing) -> Deliver:
    """Land the given contents as one complete delivery."""

    def _deliver(*contents: bytes, media: Media = "csv", kind: str = "full", source: str = SOURCE) -> Delivery:
        with landing.fetching(PRODUCT, source):
            part = landing.begin(PRODUCT, source, {})
            for content in contents:
                part = landing.add(part, landing.put(PRODUCT, source, content, media, url="test"))
            return landing.complete(part, part.delivery(kind="full" if kind == "full" else "increment"))

    return _deliver


class Rows:
    """What `raw_rows` gives, executed."""

    def __init__(self, landing: Landing, contract: Contract, source: str = SOURCE) -> None:
        self.con = duckdb.connect()
        self.con.execute("SET threads = 2")
        self.raw: RawRows = raw_rows(self.con, landing, PRODUCT, source, landing.live(PRODUCT, source), contract)
        relation = self.con.sql(self.raw.select_sql)
        self.names = relation.columns
        self.types = {str(kind) for kind in relation.types}
        self.rows = [dict(zip(self.names, row, strict=True)) for row in relation.fetchall()]
        self.rejects = self.con.sql(self.raw.rejects_sql).fetchall() if self.raw.rejects_sql else []

    @property
    def findings(self) -> dict[str, int]:
        return {finding.check_id: finding.count for finding in self.raw.findings}

    def assert_conserved(self) -> None:
        assert len(self.rows) + len(self.rejects) == self.raw.rows_landed
        assert len(self.rejects) == self.raw.rows_unreadable


@pytest.fixture
def read(landing: Landing) -> Callable[[Contract], Rows]:
    return lambda contract: Rows(landing, contract)


QUICK = Patience(attempts=3, first_pause=0.01, longest_pause=0.05, jitter=0.01, connect=5.0, read=30.0)
"""Patience of tests: the same steps as in life, in a hundredth of the time."""

CASES = "2cy6-i7zn"


class Portal:
    """The simulated portal and its control panel."""

    def __init__(self, url: str) -> None:
        self.url = url

    def source(self, name: str = "cases", **changes: Any) -> SocrataSource:
        """The dataset of current cases, in pages of 100 rows."""
        base = SocrataSource(name, "cases", self.url, CASES, "systemmodstamp", page_rows=100)
        return replace(base, **changes)

    def fault(self, kind: str, **how: Any) -> None:
        """Put a fault in force, by default on pages only (not on the questions of count and newest)."""
        body = {"kind": kind, "route": "resource", "lacks": "newest", **how}
        httpx.post(f"{self.url}/_sim/faults", json=body).raise_for_status()

    def struck(self) -> int:
        """How many requests a fault has struck."""
        return sum(int(fault["struck"]) for fault in httpx.get(f"{self.url}/_sim/faults").json())

    def mend(self) -> None:
        """No more faults."""
        httpx.delete(f"{self.url}/_sim/faults").raise_for_status()

    def advance(self, **how: Any) -> dict[str, Any]:
        """A day passes; gives what it brought to the dataset of current cases."""
        response = httpx.post(f"{self.url}/_sim/advance", json={"days": 1, **how}, timeout=30)
        response.raise_for_status()
        found: dict[str, Any] = response.json()["datasets"][CASES]
        return found

    def log(self) -> list[dict[str, Any]]:
        """Every request so far."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/_sim/log").json()
        return found

    def pages(self, since: int = 0) -> list[int]:
        """Offsets of the pages asked for."""
        return [int(item["query"]["$offset"]) for item in self.log()[since:] if "$offset" in item["query"]]

    def keys(self) -> list[str]:
        """The keys of all current cases, asked for at once; some stand twice, as in life."""
        rows = httpx.get(
            f"{self.url}/resource/{CASES}.json", params={"$select": "casenumber", "$limit": "50000"}
        ).json()
        return [row["casenumber"] for row in rows]


@pytest.fixture
def portal() -> Iterator[Portal]:
    """A portal of its own for every test: 300 current cases."""
    with simulators.serve(rows_per_year=300, anonymous_limit=None) as server:
        yield Portal(server.url)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of an administrator, who may write everywhere; for ordinary users nothing changes."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
