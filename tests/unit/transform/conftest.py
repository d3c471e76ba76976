"""A tiny product on disk: two models, a lookup, accepted rows, a release of another product, two boundary sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import shapely

from civicops.transform import BuildResult, build

BOUNDARY_HEADER = "layer,set_id,source,dataset,valid_from,valid_to,policy,west,south,east,north,features\n"


@dataclass
class TinyProduct:
    """A product folder whose models and lookups a test may change before it builds."""

    folder: Path
    accepted: dict[str, Any] = field(default_factory=dict)
    releases: dict[str, Any] = field(default_factory=dict)

    @property
    def warehouse(self) -> Path:
        return self.folder / "var" / "tiny.duckdb"

    def model(self, name: str, sql: str) -> None:
        path = self.folder / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql, encoding="utf-8")

    def lookup(self, name: str, text: str) -> None:
        path = self.folder / "lookups" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def rows(self, dataset: str, select: str) -> None:
        path = self.folder / f"{dataset}.parquet"
        with duckdb.connect() as con:
            con.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        self.accepted[dataset] = [path]

    def areas(self, dataset: str, shapes: Mapping[tuple[str, str], Any]) -> None:
        """Accepted boundary rows: (source, code) -> geometry."""
        with duckdb.connect() as con:
            con.execute("CREATE TABLE t (area_code VARCHAR, area_name VARCHAR, geometry VARCHAR, _source VARCHAR)")
            for (source, code), shape in shapes.items():
                text = shape if isinstance(shape, str) else shapely.to_geojson(shape)
                json.loads(text)
                con.execute("INSERT INTO t VALUES (?, ?, ?, ?)", [code, f"Area {code}", text, source])
            path = self.folder / f"{dataset}.parquet"
            con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        self.accepted[dataset] = [path]

    def build(self, **more: Any) -> BuildResult:
        lookups = {path.stem: path for path in sorted((self.folder / "lookups").glob("*.csv"))}
        return build(
            "tiny", self.folder / "models", self.warehouse,
            accepted=self.accepted, lookups=lookups, releases=self.releases, **more,
        )  # fmt: skip

    def read(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(query).fetchall()


@pytest.fixture
def tiny(tmp_path: Path) -> TinyProduct:
    product = TinyProduct(tmp_path)
    product.rows(
        "things", "SELECT * FROM (VALUES (1, 'a', 1.0, 1.0), (2, 'b', 7.0, 1.0), (3, 'a', 50.0, 1.0)) t(id, kind, x, y)"
    )
    product.lookup("kinds", "kind,name\na,Apple\nb,Bread\n")
    product.model(
        "stg_things.sql", "{{ config(materialized='view') }} select * from {{ source('accepted', 'things') }}"
    )
    product.model(
        "things_by_kind.sql",
        "select k.name, count(*) as thing_count from {{ ref('stg_things') }} as t "
        "inner join {{ source('lookup', 'kinds') }} as k on t.kind = k.kind group by k.name",
    )
    return product
