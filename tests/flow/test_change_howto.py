"""The page about changing a contract does what it says, on the made-up city and a product that reads its release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from tests.ethics import write_review
from tests.flow.city import NAME, Base
from tests.flow.orchard import NO_SOURCES, column, contract
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT

PAGE = ROOT / "docs" / "howto" / "change-a-contract.md"


def _channels(root: Path) -> None:
    """The other product of the page: how often each channel is used, and for what nobody answers."""
    folder = root / "products" / "channels"
    for room in ("contracts", "models", "lookups"):
        (folder / room).mkdir(parents=True)
    product = {
        "title": "Channels", "summary": "How requests reach the city.", "owner": "rosa-example", "backup": "", "stage": "pilot",
        "schedule": "0 8 * * *", "timezone": "UTC", "alerts": [], "reads": ["requests_311.requests"], "privacy": "None.",
    }  # fmt: skip
    (folder / "product.yaml").write_text(yaml.safe_dump(product), encoding="utf-8")
    (folder / "sources.py").write_text(NO_SOURCES, encoding="utf-8")
    days = contract("channels.days", [column("day_name", primaryKey=True)], layer="accepted", owner="rosa-example")
    table = contract(
        "channels.channels",
        [
            column("channel_name", primaryKey=True),
            column("request_count", "integer"),
            column("unanswered_count", "integer"),
        ],
        owner="rosa-example",
    )
    for data in (days, table):
        (folder / "contracts" / f"{data['id'].partition('.')[2]}.yaml").write_text(
            yaml.safe_dump(data), encoding="utf-8"
        )
    write_review(folder)
    (folder / "models" / "channels.sql").write_text(
        "SELECT coalesce(source_channel, 'none') AS channel_name, count(*) AS request_count,\n"
        "    count(*) FILTER (WHERE status_code = 'acknowledged') AS unanswered_count\n"
        "FROM {{ source('release', 'requests_311__requests') }} GROUP BY 1\n",
        encoding="utf-8",
    )
    (root / "downloads").mkdir(exist_ok=True)
    (root / "downloads" / "days.csv").write_text("day_name\nmonday\n", encoding="utf-8")


def test_the_page_works_as_printed(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = base.city.copy(tmp_path / "city")
    _channels(city.root)
    (city.root / ".gitignore").write_text("/var/\n/downloads/\n__pycache__/\n", encoding="utf-8")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "city"]):
        name = ["-c", "user.name=rosa", "-c", "user.email=rosa@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *name, *words], cwd=city.root, check=True)
    run_product(city.workspace, "channels")
    store = ReleaseStore(city.var / "releases")
    before = {name: store.find(*name).data.read_bytes() for name in ((NAME, "requests"), ("channels", "channels"))}
    seen: dict[str, str] = {}
    for step in steps(PAGE.read_text(encoding="utf-8")):
        printed = perform(step, city.root)
        command = getattr(step, "command", "")
        if "is applied" in printed:
            release = store.find(NAME, "requests")
            names = [field["name"] for field in release.package()["resources"][0]["schema"]["fields"]]
            assert {"source_channel", "source_channel_name"} <= set(names)
            assert city.query(f"SELECT count(*) FROM '{release.data}' WHERE status_code = 'acknowledged'") == [(0,)]
            assert city.query(f"SELECT sum(unanswered_count) FROM '{store.find('channels', 'channels').data}'") == [
                (0,)
            ]
            assert store.find("channels", "channels").data.read_bytes() != before["channels", "channels"]
        seen[command] = printed
    assert "civicops rollback" in seen
    assert {name: store.find(*name).data.read_bytes() for name in before} == before
