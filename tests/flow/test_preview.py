"""Previews: the same data, its own files, nothing written back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from civicops.audit import Event, open_log
from civicops.change import previews
from civicops.database import database_url
from civicops.ingest.declared import product_sources
from civicops.ingest.values import FileSource
from civicops.orchestrate.running import run_product
from civicops.workspace import Workspace
from tests.flow.orchard import Orchard

pytestmark = pytest.mark.xdist_group("change")


def test_a_branch_gets_its_own_files_on_the_same_data(orchard: Orchard) -> None:
    orchard.git("checkout", "-qb", "taller")
    orchard.model(
        "parks/models/parks.sql",
        "SELECT district_code, shade_m + 1000 AS shade_m FROM {{ source('release', 'shade__shade') }}\n",
    )
    orchard.commit("taller")
    orchard.git("checkout", "-q", "main")
    before = orchard.bytes_of_releases()
    made = previews.make(orchard.workspace, "taller")
    assert made.branch == "taller" and made.commit == orchard.git("rev-parse", "taller")
    preview = Workspace.find(made.folder)
    assert (
        preview.settings.workspace.preview == "taller" and preview.products_folder != orchard.workspace.products_folder
    )
    shared = (
        preview.folder("releases") / "trees" / "trees" / orchard.store.find("trees", "trees").version / "data.parquet"
    )
    assert shared.stat().st_ino == orchard.store.find("trees", "trees").data.stat().st_ino
    assert run_product(preview, "parks").status == "succeeded"
    assert orchard.bytes_of_releases() == before, "what a preview runs is its own"
    assert (
        orchard.workspace.folder("runs").is_dir()
        and len(list(orchard.workspace.folder("runs").rglob("*-parks-*.json"))) == 1
    )
    # Again: up to date with the real data, without what was written.
    again = previews.make(orchard.workspace, "taller")
    assert again.own_bytes < made.own_bytes + 1_000_000
    assert [one.name for one in previews.previews(orchard.workspace)] == ["taller"]
    previews.remove(orchard.workspace, "taller")
    assert previews.previews(orchard.workspace) == () and not made.folder.exists()
    assert orchard.bytes_of_releases() == before


def test_without_a_branch_it_shows_the_files_here(orchard: Orchard) -> None:
    made = previews.make(orchard.workspace, "here")
    assert made.branch is None
    assert Workspace.find(made.folder).products_folder == orchard.workspace.products_folder.resolve()
    with pytest.raises(previews.PreviewError, match="is a preview itself"):
        previews.make(Workspace.find(made.folder), "inner")
    for bad in ("Up", "../out", "a b", ""):
        with pytest.raises(previews.PreviewError, match="cannot be a preview"):
            previews.make(orchard.workspace, bad)
    with pytest.raises(previews.PreviewError, match="There is no preview"):
        previews.remove(orchard.workspace, "nothing")


def test_nobody_is_told_of_what_happens_in_a_preview(orchard: Orchard) -> None:
    settings = orchard.root / "civicops.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8")
        + '[alerts.routes.default]\nurls = ["CIVICOPS_ALERT"]\n[observe]\nopenlineage_url = "http://127.0.0.1:9/x"\nopenlineage_allow = ["127.0.0.1"]\n'
        + '[products.trees.sources.inspections]\npath = "downloads/inspections.csv"\n',
        encoding="utf-8",
    )
    made = previews.make(orchard.workspace, "quiet")
    found = Workspace.find(made.folder)
    assert not found.settings.alerts.routes and not found.settings.observe.openlineage_url
    (source,) = product_sources(found, found.product("trees"))
    assert isinstance(source, FileSource) and source.path == orchard.root / "downloads" / "inspections.csv"


@pytest.mark.parametrize(
    "data",
    [
        {"a": {"b": 1, "c": [1, "x"]}, "d e": "q\"'\\\n", "f": True, "g": 1.5},
        {"t": {"urls": ["A"], "deep": {"er": {"x": "é"}}}},
    ],
)
def test_settings_are_written_so_that_they_read_the_same(data: dict[str, object]) -> None:
    assert tomllib.loads(previews.toml(data)) == data


def test_its_portal_shows_its_own_releases(orchard: Orchard) -> None:
    made = previews.make(orchard.workspace, "shown")
    code = (
        "import sys; from civicops.workspace import Workspace; from pathlib import Path; from civicops.portal.settings import configure;"
        "configure(Workspace.find(Path(sys.argv[1]))); from django.test import Client; c = Client(HTTP_HOST='127.0.0.1');"
        "r = c.get('/api/v1/datasets/trees/trees/rows?limit=1'); print(r.status_code); r = c.get('/p/trees/health/'); print(r.status_code)"
    )
    env = {**os.environ, "CIVICOPS_WORKSPACE": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, str(made.folder)], capture_output=True, text=True, env=env, check=False
    )
    assert done.stdout.split() == ["200", "200"], done.stdout + done.stderr[-2000:]


def test_the_commands(orchard: Orchard) -> None:
    def civicops(*words: str) -> str:
        command = [str(Path(sys.executable).parent / "civicops"), *words]
        return subprocess.run(command, cwd=orchard.root, capture_output=True, text=True, check=True).stdout

    assert json.loads(civicops("preview", "mine", "--json"))["name"] == "mine"
    assert "mine" in civicops("preview", "list")
    assert "portal serve" in civicops("preview", "make", "mine").splitlines()[-1]
    assert "is gone" in civicops("preview", "remove", "mine")
    assert json.loads(civicops("preview", "list", "--json")) == []


def test_it_has_an_audit_log_of_its_own(orchard: Orchard, caplog: pytest.LogCaptureFixture) -> None:
    log = open_log(orchard.workspace)
    log.append(Event("permission", "ada-example", "account/ben-example", {"role": "viewer"}))
    before = log.append(Event("permission", "ada-example", "account/ben-example", {"role": "steward"}))
    made = previews.make(orchard.workspace, "logged")
    preview = Workspace.find(made.folder)
    assert run_product(preview, "trees").status in ("succeeded", "unchanged")
    assert "audit log" not in caplog.text.lower(), caplog.text
    own = open_log(preview)
    first = own.append(Event("permission", "ada-example", "account/cleo-example", {"role": "admin"}))
    assert own.folder != log.folder and first[0].leaf_hash != before[0].leaf_hash
    assert [entry.subject for entry in open_log(orchard.workspace).find(kind="permission")] == [
        "account/ben-example"
    ] * 2


def test_it_never_writes_to_the_database_of_everybody(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> None:
    made = previews.make(orchard.workspace, "mine")
    named = "postgres://civicops:secret@127.0.0.1:1/civicops"
    monkeypatch.setenv("DATABASE_URL", named)
    assert database_url(orchard.workspace).endswith("@127.0.0.1:1/civicops")
    own = made.folder / "var" / "app.sqlite3"
    assert database_url(Workspace.find(made.folder)) == f"sqlite:///{own}"
    with pytest.raises(previews.PreviewError, match="DATABASE_URL names is not copied") as refused:
        previews.make(orchard.workspace, "another")
    assert "secret" not in str(refused.value)
