"""The 311 product in workspaces of their own, pointed at the made-up city's portal.

Belongs here: making a workspace, running it, reading what it released and what the portal serves, and the fixtures that several
files share. Does not belong here: assertions.

The product's folder is copied as it is, but for one number: the portal is asked for 100 rows at a time, so that a dataset of
300 rows has pages to go wrong between.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import simulators
from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord
from civicops.workspace import Workspace
from tests.duck import asked
from tests.ethics import renewed

NAME = "requests_311"
PRODUCT = Path(__file__).parents[2] / "products" / NAME
ROWS = 300
PAGE = 100
TOKEN = "simulated-app-token"
NEWEST = "2cy6-i7zn"
"""The dataset that grows every day."""
ERAS = {"legacy": "legacy_requests", "cases": "cases"}
KEYS = {"legacy": "SRNumber", "cases": "CaseNumber"}
"""Header of the request number in the portal's export."""
PUBLISHED = {
    "requests", "requests_daily", "time_to_close", "request_types", "councils", "areas", "sensitive_locations",
}  # fmt: skip
FILES = {
    "council_boundaries": "/api/geospatial/fu65-dz2f?method=export&format=GeoJSON",
    "district_boundaries_2012": "/api/geospatial/cd12-m4r1?method=export&format=GeoJSON",
    "district_boundaries_2021": "/api/geospatial/cd21-m4r1?method=export&format=GeoJSON",
    "council_populations": "/api/views/nwj3-ufba/rows.csv?accessType=DOWNLOAD",
}
# What of `var/` a copied workspace needs to go on; the rest is rebuilt.
KEPT = ("landing", "accepted", "quarantine", "releases", "runs")


class Portal:
    """A running stand-in of the city's portal and its control panel."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fault(self, kind: str, dataset: str | None = None, **how: Any) -> None:
        raw = {"kind": kind, "dataset": dataset, **how}
        httpx.post(f"{self.url}/_sim/faults", json=raw).raise_for_status()

    def struck(self) -> dict[str, int]:
        """How often each fault struck, by the dataset it is about and its kind."""
        faults = httpx.get(f"{self.url}/_sim/faults").json()
        return {f"{fault['dataset']} {fault['kind']}": fault["struck"] for fault in faults}

    def mend(self) -> None:
        httpx.delete(f"{self.url}/_sim/faults").raise_for_status()

    def advance(self, **how: Any) -> dict[str, Any]:
        report: dict[str, Any] = httpx.post(f"{self.url}/_sim/advance", json=how).raise_for_status().json()["datasets"]
        return report

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = httpx.get(f"{self.url}/_sim/log", params={"since": since}).json()
        return entries

    def truth(self) -> dict[str, Any]:
        datasets: dict[str, Any] = httpx.get(f"{self.url}/_sim/truth", timeout=60).json()["datasets"]
        return datasets

    def rows(self, dataset_id: str) -> list[dict[str, str]]:
        """What the portal's own export says, under its friendly headers."""
        answer = httpx.get(f"{self.url}/api/views/{dataset_id}/rows.csv", headers={"X-App-Token": TOKEN}, timeout=60)
        answer.raise_for_status()
        return list(csv.DictReader(io.StringIO(answer.text)))

    def councils(self) -> dict[str, Any]:
        shapes: dict[str, Any] = httpx.get(self.url + FILES["council_boundaries"]).raise_for_status().json()
        return shapes


def is_page(entry: dict[str, Any]) -> bool:
    """Whether a line of the portal's log asked for rows of a dataset, not only how many there are."""
    return entry["route"] == "resource" and str(entry["path"]).endswith(".csv")


@dataclass(frozen=True)
class City:
    """A workspace with the 311 product and what can be done to it."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.find(self.root)

    @property
    def product(self) -> Path:
        return self.root / "products" / NAME

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def releases(self) -> ReleaseStore:
        return ReleaseStore(self.var / "releases")

    @property
    def log(self) -> RunLog:
        return RunLog(self.var / "runs")

    def run(self, **options: Any) -> RunRecord:
        return run_product(self.workspace, NAME, **options)

    def hashes(self) -> dict[str, str]:
        """The content of every current release."""
        return {
            name: hashlib.sha256(release.data.read_bytes()).hexdigest()
            for name, release in self.releases.snapshot(NAME).items()
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for the current release of that dataset."""
        tables = {name: f"'{release.data}'" for name, release in self.releases.snapshot(NAME).items()}
        return asked(sql.format(**tables))

    def point(self, url: str, only: Sequence[str] = (), paths: dict[str, Path] | None = None) -> City:
        """Write the settings: which portal, which of its datasets, and which sources are files instead."""
        lines = [
            "[workspace]",
            'organisation = "Friends of Marisol"',
            'timezone = "America/Los_Angeles"',
            f"[products.{NAME}]",
            f'portal_url = "{url}"',
        ]
        if only:
            lines.append(f"only = {json.dumps([*only, *FILES])}")
        for name, path in FILES.items():
            lines += [f"[products.{NAME}.sources.{name}]", f'url = "{url}{path}"']
        for name, file in (paths or {}).items():
            lines += [f"[products.{NAME}.sources.{name}]", f"path = {json.dumps(str(file))}"]
        (self.root / "civicops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self

    def copy(self, root: Path) -> City:
        """Another workspace that starts from where this one is."""
        other = City(root)
        shutil.copytree(self.product, other.product)
        for room in KEPT:
            if (self.var / room).is_dir():
                shutil.copytree(self.var / room, other.var / room)
        shutil.copy(self.root / "civicops.toml", other.root / "civicops.toml")
        return other

    def process(self) -> Any:
        """A run in a process of its own that can be killed; everything heavy is loaded already, so it is quick to start."""
        import dagster  # noqa: F401
        import dbt.cli.main  # noqa: F401

        return multiprocessing.get_context("fork").Process(target=self._quiet_run)

    def _quiet_run(self) -> None:
        try:
            self.run()
        except BaseException:
            raise SystemExit(1) from None


def make_city(root: Path, url: str, **settings: Any) -> City:
    """A new workspace on the portal at `url`."""
    city = City(root)
    shutil.copytree(PRODUCT, city.product, ignore=shutil.ignore_patterns("__pycache__"))
    renewed(city.product)
    sources = city.product / "sources.py"
    before = sources.read_text(encoding="utf-8")
    after = before.replace(
        'note=row["note"],\n            #', f'note=row["note"],\n            page_rows={PAGE},\n            #'
    )
    assert before.count("SocrataSource(\n") == 1 and after != before, "sources.py reads otherwise: mend this helper"
    sources.write_text(after, encoding="utf-8")
    return city.point(url, **settings)


def lookup(name: str) -> list[dict[str, str]]:
    """The rows of one of the product's lookups."""
    with (PRODUCT / "lookups" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def dataset(record: RunRecord, name: str) -> dict[str, Any]:
    """What a run's record says of one dataset."""
    return dict(next(item for item in record.datasets if item["dataset"] == name))


def counts(record: RunRecord, name: str) -> dict[str, int]:
    """Check id -> rows of a dataset that broke it."""
    return {check["check_id"]: check["broken"] for check in dataset(record, name)["checks"]}


def findings(record: RunRecord, name: str) -> dict[tuple[str, str], int]:
    """(check id, source) -> count, of what was found about the layout of a dataset's sources."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for item in dataset(record, name)["findings"]:
        found[item["check_id"], item["message"].split("'")[1]] += item["count"]
    return dict(found)


@dataclass(frozen=True)
class Base:
    """The city's portal as it stands at first, a workspace run once on it, and what the portal said it serves.

    Shared by many tests: nobody changes it, and who needs faults mends them afterwards.
    """

    portal: Portal
    city: City
    record: RunRecord
    truth: dict[str, Any]
    """Answer key by dataset id."""
    served: dict[str, list[dict[str, str]]]
    """The portal's export by dataset id."""

    def datasets(self, era: str) -> list[str]:
        return [dataset_id for dataset_id, key in self.truth.items() if key["system"] == era]

    def planted(self, era: str) -> dict[str, list[str]]:
        """Kind -> request numbers, over all datasets of an era."""
        found: dict[str, list[str]] = defaultdict(list)
        for dataset_id in self.datasets(era):
            for kind, keys in self.truth[dataset_id]["planted"].items():
                found[kind] += keys
        return dict(found)

    def facts(self, era: str) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for dataset_id in self.datasets(era):
            for name, count in self.truth[dataset_id]["facts"].items():
                found[name] += count
        return dict(found)

    def rows(self, era: str) -> list[dict[str, str]]:
        return [row for dataset_id in self.datasets(era) for row in self.served[dataset_id]]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """One undisturbed run on a portal that also has a dataset which nobody listed, with a good app token."""
    with simulators.serve(rows_per_year=ROWS, unlisted=True, anonymous_limit=None) as server:
        portal = Portal(server.url)
        truth = {key: value for key, value in portal.truth().items() if value["year"] <= 2026}
        served = {dataset_id: portal.rows(dataset_id) for dataset_id in truth}
        city = make_city(tmp_path_factory.mktemp("base"), portal.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SOCRATA_APP_TOKEN", TOKEN)
            record = city.run()
        yield Base(portal, city, record, truth, served)


@pytest.fixture
def portal(base: Base) -> Iterator[Portal]:
    """The portal of `base`, without faults before and after."""
    base.portal.mend()
    yield base.portal
    base.portal.mend()
