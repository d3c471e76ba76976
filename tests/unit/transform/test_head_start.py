"""What dbt read of its own macros is carried to the next project, and never changes what that one builds.

Belongs here: that dbt takes it, that it takes nothing that does not fit. Does not belong here: how long it takes (`bench`).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgpack
import pytest

from civicops.transform import build, head_start
from tests.duck import asked


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_start, "_known", {})


def build_one(folder: Path, product: str, sql: str, **variables: Any) -> Path:
    """Build one model of a product in a place of its own; the folder of its dbt project."""
    models = folder / product / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / "answer.sql").write_text(sql, encoding="utf-8")
    warehouse = folder / "var" / f"{product}.duckdb"
    warehouse.parent.mkdir(exist_ok=True)
    build(product, models, warehouse, accepted={}, lookups={}, variables=variables)
    return warehouse.with_name(f"{product}.dbt")


def read_when(project: Path) -> dict[str, str]:
    """Macro of dbt's own to when it was read, as the project keeps it."""
    content: dict[str, Any] = msgpack.unpackb((project / head_start.KEPT).read_bytes(), strict_map_key=False)
    return {
        key: macro["created_at"]
        for key, macro in content["macros"].items()
        if macro["package_name"] in ("dbt", "dbt_duckdb")
    }


def answers(project: Path) -> list[tuple[Any, ...]]:
    return asked(f"FROM '{project / 'tables' / 'answer.parquet'}'")


def test_the_next_project_of_a_process_reads_only_its_own(tmp_path: Path) -> None:
    one = build_one(tmp_path / "here", "one", "select 1 as answer")
    two = build_one(tmp_path / "there", "two", "select 2 as answer")
    assert len(read_when(one)) > 400
    assert read_when(two) == read_when(one)
    assert (answers(one), answers(two)) == ([(1,)], [(2,)])
    content = (two / head_start.KEPT).read_bytes()
    assert b"one://" not in content and b"model.one." not in content and b"macro.one." not in content


def test_another_process_finds_it_beside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = build_one(tmp_path, "one", "select 1 as answer")
    monkeypatch.setattr(head_start, "_known", {})
    two = build_one(tmp_path, "two", "select 2 as answer")
    assert read_when(two) == read_when(one)
    monkeypatch.setattr(head_start, "_known", {})
    elsewhere = build_one(tmp_path / "elsewhere", "two", "select 3 as answer")
    assert set(read_when(elsewhere).values()).isdisjoint(read_when(one).values())


def test_a_copy_elsewhere_and_other_settings_are_no_reason_to_read_them_again(tmp_path: Path) -> None:
    one = build_one(tmp_path / "here", "one", "select 1 as answer")
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    copied = build_one(tmp_path / "copy", "one", "select 4 as answer")
    assert read_when(copied) == read_when(one) and answers(copied) == [(4,)]
    build_one(tmp_path / "here", "one", "select {{ var('most') }} as answer", most=5)
    assert read_when(one) == read_when(copied) and answers(one) == [(5,)]
    build_one(tmp_path / "here", "one", "select {{ var('most') }} as answer", most=6)
    assert read_when(one) == read_when(copied) and answers(one) == [(6,)]


@pytest.mark.parametrize("damage", ["no msgpack", "another version", "another text", "nothing in it", "cut off"])
def test_what_does_not_fit_is_read_by_dbt_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    one = build_one(tmp_path, "one", "select 1 as answer")
    before, path = read_when(one), one / head_start.KEPT
    content: dict[str, Any] = msgpack.unpackb(path.read_bytes(), strict_map_key=False)
    if damage == "another version":
        content["metadata"]["dbt_version"] = "1.0.0"
    elif damage == "another text":
        for file in content["files"].values():
            file["checksum"] = {"name": "sha256", "checksum": "0" * 64}
    elif damage == "nothing in it":
        content = {"metadata": {}}
    packed: bytes = msgpack.packb(content)
    cut = {"no msgpack": b"\xc1 no such thing", "cut off": packed[: len(packed) // 2]}
    path.write_bytes(cut.get(damage, packed))
    monkeypatch.setattr(head_start, "_known", {})
    two = build_one(tmp_path, "two", "select 2 as answer")
    assert answers(two) == [(2,)]
    assert set(read_when(two).values()).isdisjoint(before.values())
