"""A made-up workspace in a git repository: trees, and two products that read each other's releases, run once.

Belongs here: its files, and what tests do with them. Does not belong here: what is tested (`test_change*`).

    trees.inspections (CSV) -> trees.trees, trees.districts
    shade                      reads trees.trees     -> shade.shade
    parks                      reads shade.shade     -> parks.parks, parks.counts
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from civicops.cli import app
from civicops.errors import CivicopsError
from civicops.lineage import graph_of
from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.workspace import Workspace
from tests.ethics import write_reviews

PRODUCTS = ("trees", "shade", "parks")
ROWS = 400
SOURCES = '''"""Where trees come from: one CSV file. Nothing else belongs here."""

from pathlib import Path

from civicops.ingest.values import FileSource


def sources(settings):
    return [FileSource(name="inspections", dataset="inspections", path=Path("downloads/inspections.csv"))]
'''
NO_SOURCES = '''"""What this product counts comes from another product's release; the one file says which day it is."""

from pathlib import Path

from civicops.ingest.values import FileSource


def sources(settings):
    return [FileSource(name="days", dataset="days", path=Path("downloads/days.csv"))]
'''
PAGE = '''"""How trees do. Belongs here: one chart."""

import altair as alt

from civicops.portal.pages import Page


def health(releases):
    """One bar per condition."""
    rows = releases.table("SELECT condition_code, count(*) AS trees FROM trees GROUP BY 1")
    return alt.Chart(rows, title="Health", description="Trees by condition.").mark_bar().encode(x="condition_code:N", y="trees:Q")


PAGE = Page(title="Health", summary="How the trees do.", charts={"health": health})
'''


def column(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"The {name.replace('_', ' ')} of it.", "logicalType": kind, **more}


def rule(check_id: str, **spec: Any) -> dict[str, Any]:
    text = f"Rule {check_id}."
    return {"id": check_id, "description": text, "type": "custom", "engine": "civicops", "implementation": spec}


def contract(
    name: str, columns: list[dict[str, Any]], *, layer: str = "published", owner: str = "ada-example"
) -> dict[str, Any]:
    product, _, dataset = name.partition(".")
    access = "public" if layer == "published" else "internal"
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": name, "name": dataset.title(), "version": "1.0.0",
        "status": "active", "dataProduct": product, "description": {"purpose": "To have them."},
        "team": {"members": [{"username": owner, "role": "owner"}]},
        "customProperties": [
            {"property": "layer", "value": layer}, {"property": "access", "value": access},
            {"property": "licence", "value": "CC0-1.0"},
        ],
        "schema": [{"name": dataset, "properties": columns}],
    }  # fmt: skip


INSPECTIONS = contract(
    "trees.inspections",
    [
        column("tree_id", primaryKey=True),
        column("district_code", required=True),
        column("condition_code", quality=[rule("condition_known", check="allowed", values=["good", "fair", "dead"], action="quarantine")]),
        column("height_m", "number", quality=[rule("height_possible", check="range", minimum=0, maximum=60, action="quarantine")]),
        column("inspector_name", classification="direct"),
    ],
    layer="accepted",
)  # fmt: skip
TREES = contract(
    "trees.trees",
    [
        column("tree_id", primaryKey=True),
        column("district_code", required=True),
        column("condition_code", quality=[rule("condition_known", check="allowed", values=["good", "fair", "dead"], action="stop")]),
        column("height_m", "number"),
    ],
)  # fmt: skip
DISTRICTS = contract(
    "trees.districts", [column("district_code", primaryKey=True), column("tree_count", "integer", required=True)]
)
DAYS = contract("x.days", [column("day_name", primaryKey=True)], layer="accepted")
SHADE = contract(
    "shade.shade",
    [
        column("district_code", primaryKey=True),
        column("shade_m", "number"),
        column("dead_count", "integer", required=True),
    ],
    owner="ben-example",
)
PARKS = contract(
    "parks.parks", [column("district_code", primaryKey=True), column("shade_m", "number")], owner="cleo-example"
)
COUNTS = contract(
    "parks.counts", [column("kind_name", primaryKey=True), column("dead_count", "integer")], owner="cleo-example"
)

MODELS = {
    "trees/models/trees.sql": "SELECT tree_id, district_code, condition_code, height_m FROM {{ source('accepted', 'inspections') }}\n",
    "trees/models/districts.sql": "SELECT district_code, count(*) AS tree_count FROM {{ ref('trees') }} GROUP BY 1\n",
    "shade/models/shade.sql": (
        "SELECT district_code, sum(height_m) AS shade_m, count(*) FILTER (WHERE condition_code = 'dead') AS dead_count\n"
        "FROM {{ source('release', 'trees__trees') }} GROUP BY 1\n"
    ),
    "parks/models/parks.sql": "SELECT district_code, shade_m FROM {{ source('release', 'shade__shade') }}\n",
    "parks/models/counts.sql": (
        "SELECT 'all' AS kind_name, CAST(sum(dead_count) AS BIGINT) AS dead_count FROM {{ source('release', 'shade__shade') }}\n"
    ),
}


@dataclass(frozen=True)
class Orchard:
    """The workspace at `root`."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace.find(self.root)

    @property
    def store(self) -> ReleaseStore:
        return ReleaseStore(self.root / "var" / "releases")

    def git(self, *words: str) -> str:
        name = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *name, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def path(self, name: str) -> Path:
        product, _, dataset = name.partition(".")
        return self.root / "products" / product / "contracts" / f"{dataset}.yaml"

    def read(self, name: str) -> dict[str, Any]:
        data: dict[str, Any] = yaml.safe_load(self.path(name).read_text(encoding="utf-8"))
        return data

    def write(self, name: str, data: dict[str, Any], version: str = "") -> None:
        text = yaml.safe_dump(data | ({"version": version} if version else {}), sort_keys=False)
        self.path(name).write_text(text, encoding="utf-8")

    def model(self, path: str, sql: str) -> None:
        (self.root / "products" / path).write_text(sql, encoding="utf-8")

    def bytes_of_releases(self) -> dict[str, str]:
        """Every current release's data and descriptor, by dataset."""
        return {
            f"{product}.{name}": hashlib.sha256(
                release.data.read_bytes() + (release.path / "datapackage.json").read_bytes()
            ).hexdigest()
            for product in PRODUCTS
            for name, release in self.store.snapshot(product).items()
        }

    def said_by(self, *words: str) -> tuple[int, str]:
        """The exit code of the program given these words, in this process, and what it says: its output and its error."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CIVICOPS_WORKSPACE", str(self.root))
            done = CliRunner().invoke(app, words)
        error = done.exception
        assert error is None or isinstance(error, CivicopsError | SystemExit), error
        return done.exit_code, done.output + (str(error) if isinstance(error, CivicopsError) else "")

    def as_of_old(self) -> None:
        """Lose the notes of which files releases were made of, as a workspace has none from before there were any: the next run of
        each product takes the files that lie there, without a plan."""
        shutil.rmtree(self.root / "var" / "runs" / "made_of")

    def copy(self, root: Path) -> Orchard:
        shutil.copytree(self.root, root)
        return Orchard(root)


def drop_dead(orchard: Orchard) -> None:
    """A change that breaks: dead trees are called 'gone' by nobody any more, they are simply not let in."""
    for name in ("trees.inspections", "trees.trees"):
        data = orchard.read(name)
        item = next(c for c in data["schema"][0]["properties"] if c["name"] == "condition_code")
        item["quality"][0]["implementation"]["values"] = ["good", "fair"]
        orchard.write(name, data, "2.0.0")


def plant(root: Path) -> Orchard:
    """Make the workspace, commit it, run all products once."""
    orchard = Orchard(root)
    (root / "downloads").mkdir(parents=True)
    conditions = ("good", "fair", "good", "dead", "fair")
    lines = [
        f"T{n:04},{'north' if n % 3 else 'south'},{conditions[n % 5]},{n % 50 + (20 if n % 97 == 0 else 0)},Robin Made-Up {n}"
        for n in range(ROWS)
    ]
    head = "tree_id,district_code,condition_code,height_m,inspector_name"
    (root / "downloads" / "inspections.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    (root / "downloads" / "days.csv").write_text("day_name\nmonday\n", encoding="utf-8")
    (root / "civicops.toml").write_text('[workspace]\norganisation = "Friends of Trees"\n', encoding="utf-8")
    (root / ".gitignore").write_text("/var/\n/downloads/\n__pycache__/\n", encoding="utf-8")
    reads = {"trees": [], "shade": ["trees.trees"], "parks": ["shade.shade"]}
    owners = {"trees": "ada-example", "shade": "ben-example", "parks": "cleo-example"}
    for name in PRODUCTS:
        folder = root / "products" / name
        (folder / "contracts").mkdir(parents=True)
        (folder / "models").mkdir()
        (folder / "lookups").mkdir()
        product = {
            "title": name.title(), "summary": f"About {name}.", "owner": owners[name], "backup": "", "stage": "stable",
            "schedule": "0 7 * * *", "timezone": "UTC", "alerts": [], "reads": reads[name], "privacy": "None.",
        }  # fmt: skip
        (folder / "product.yaml").write_text(yaml.safe_dump(product, sort_keys=False), encoding="utf-8")
        (folder / "sources.py").write_text(SOURCES if name == "trees" else NO_SOURCES, encoding="utf-8")
    (root / "products" / "trees" / "pages").mkdir()
    (root / "products" / "trees" / "pages" / "health.py").write_text(PAGE, encoding="utf-8")
    for path, sql in MODELS.items():
        orchard.model(path, sql)
    for data in (INSPECTIONS, TREES, DISTRICTS, SHADE, PARKS, COUNTS):
        orchard.write(data["id"], data)
    for name in ("shade", "parks"):
        orchard.write(f"{name}.days", DAYS | {"id": f"{name}.days", "dataProduct": name})
    write_reviews(root)
    orchard.git("init", "-q", "-b", "main")
    orchard.commit("trees")
    for name in PRODUCTS:
        run_product(orchard.workspace, name)
    graph_of(orchard.workspace)  # kept in the workspace, so that no copy has to work it out again
    return orchard


_PLANTED: list[Orchard] = []


def planted_once(factory: pytest.TempPathFactory) -> Orchard:
    """One planted orchard for all tests of this process, to be copied and never changed: planting takes longer than a test."""
    if not _PLANTED:
        _PLANTED.append(plant(factory.mktemp("orchard") / "one"))
    return _PLANTED[0]
