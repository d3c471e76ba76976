"""Tables that a product's Python makes before its models."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.transform import TransformError, build
from tests.duck import asked

PREPARED = """import pyarrow as pa
TABLES = {"doubled": pa.schema([("n", pa.int64())])}
def prepare(con):
    return {"doubled": con.execute("SELECT CAST(n AS BIGINT) * 2 AS n FROM accepted.numbers").to_arrow_table()}
"""


def product(folder: Path, code: str) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "prepared.py").write_text(code)
    (folder / "models" / "sums.sql").write_text("select sum(n) as total from {{ source('prepared', 'doubled') }}")
    return folder / "models"


def test_models_read_what_python_made(tmp_path: Path) -> None:
    models = product(tmp_path / "p", PREPARED)
    build("p", models, tmp_path / "w" / "p.duckdb", accepted={"numbers": "SELECT unnest([1, 2]) AS n"}, lookups={})
    assert asked(f"SELECT total FROM '{tmp_path / 'w' / 'p.dbt' / 'tables' / 'sums.parquet'}'") == [(6,)]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\n", "must hold TABLES and prepare"),
        (PREPARED.replace("return {", "return {} and {"), "differ in: doubled"),
        (PREPARED.replace("return {", "raise ValueError('why') or {"), "ValueError: why"),
        (PREPARED.replace("pa.int64()", "pa.string()"), "has not the schema"),
    ],
)
def test_what_is_not_as_promised_is_named(tmp_path: Path, code: str, words: str) -> None:
    models = product(tmp_path / "p", code)
    with pytest.raises(TransformError, match=words):
        build("p", models, tmp_path / "w" / "p.duckdb", accepted={"numbers": "SELECT 1 AS n"}, lookups={})
