"""Fixtures of the ingest tests: contracts made of names only, a landing zone, deliveries of given bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from civicops.contracts import Column, Contract
from civicops.ingest.landing import Landing
from civicops.ingest.read import RawRows, raw_rows
from civicops.ingest.values import Delivery, Media

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
