"""The operational database: tables whose rows nobody changes, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from civicops.database import open_database
from civicops.workspace import Workspace
from tests.pg import postgres_cluster

METADATA = sa.MetaData()
KEPT = sa.Table("kept_for_good", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "sqlite":
        monkeypatch.delenv("DATABASE_URL", raising=False)
        yield
        return
    with postgres_cluster() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("statement", [sa.update(KEPT).values(text="other"), sa.delete(KEPT)], ids=["change", "remove"])
def test_rows_of_append_only_tables_cannot_be_changed_or_removed(tmp_path: Path, statement: sa.Executable) -> None:
    (tmp_path / "civicops.toml").write_text('[workspace]\norganisation = "Test"\n')
    database = open_database(Workspace.find(tmp_path), METADATA, append_only=(KEPT,))
    with database.writing() as con:
        con.execute(sa.insert(KEPT).values(id=1, text="first"))
    with pytest.raises(sa.exc.DBAPIError, match="kept_for_good is append-only"), database.writing() as con:
        con.execute(statement)
    with database.reading() as con:
        assert con.execute(sa.select(KEPT.c.text)).scalars().all() == ["first"]
