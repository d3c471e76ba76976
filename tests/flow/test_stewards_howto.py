"""The pages about handing over and about assessing where one stands do what they say; and a stage is no word that one just writes.

Belongs here: running them on three small products, the gate of `civicops ci`, the incident when somebody is gone. Does not belong here:
measures one by one (`tests/unit/govern`).
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from civicops.observe.asking import incidents
from civicops.observe.tables import open_database
from civicops.observe.watch import tick
from civicops.orchestrate.continuous import check_change
from civicops.workspace import Workspace
from tests.flow.orchard import Orchard, plant
from tests.flow.tutorial import perform, steps
from tools.setup_env import ROOT


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    return plant(tmp_path_factory.mktemp("stewards") / "orchard")


@pytest.mark.parametrize("page", ["hand-over.md", "assess-where-you-stand.md"])
def test_the_page_works_as_printed(
    planted: Orchard, tmp_path: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    orchard = planted.copy(tmp_path / "orchard")
    for step in steps((ROOT / "docs" / "howto" / page).read_text(encoding="utf-8")):
        perform(step, orchard.root)


def test_handing_over_where_products_lie_outside_the_workspace(planted: Orchard, tmp_path: Path) -> None:
    """As in the demo: the workspace is a folder of its own, its products are those of a checkout."""
    elsewhere = Orchard(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    products = planted.root / "products"
    (elsewhere.root / "civicops.toml").write_text(f'[workspace]\nproducts = "{products}"\n', encoding="utf-8")
    code, said = elsewhere.said_by("handover", "ada-example", "--to", "ben-example")
    assert code == 0 and f"+++ {products / 'trees' / 'product.yaml'}" in said
    assert "+owner: ben-example" in said and "--write" in said


def test_a_product_is_called_stable_when_it_is(planted: Orchard, tmp_path: Path) -> None:
    orchard = planted.copy(tmp_path / "orchard")
    product = orchard.root / "products" / "parks" / "product.yaml"

    def commit(*words: str) -> None:
        name = ["-c", "user.name=cleo", "-c", "user.email=cleo@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *name, *words], cwd=orchard.root, check=True)

    product.write_text(product.read_text().replace("stage: stable", "stage: pilot"))
    commit("commit", "-qam", "a pilot again")
    commit("checkout", "-q", "-b", "raise")
    product.write_text(product.read_text().replace("stage: pilot", "stage: stable"))
    commit("commit", "-qam", "stable")
    report = check_change(Workspace.find(orchard.root), "main", fetch=False)
    step = next(step for step in report.steps if step.name == "stages")
    assert step.status == "failed" and any("Two people answer for it" in line for line in step.details)
    product.write_text(product.read_text().replace("stage: stable", "stage: pilot"))
    step = next(s for s in check_change(Workspace.find(orchard.root), "main", fetch=False).steps if s.name == "stages")
    assert step.status == "skipped"


def test_somebody_who_is_gone_is_one_incident_until_it_is_handed_over(
    planted: Orchard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    orchard = planted.copy(tmp_path / "orchard")
    people = orchard.root / "people.yaml"
    three = "people:\n  - {username: ada-example}\n  - {username: ben-example}\n  - {username: cleo-example}\n"

    def told() -> list[tuple[str, str]]:
        tick(Workspace.find(orchard.root))
        workspace = Workspace.find(orchard.root)
        found = incidents(open_database(workspace), workspace, datetime.now(UTC))
        return [(one.severity, one.product) for one in found if one.cause == "people" or "answers for it" in one.title]

    assert told() == [], "without people.yaml nobody is missed"
    people.write_text(three.replace("{username: ada-example}", "{username: ada-example, until: 2026-01-31}"))
    assert ("critical", "trees") in told() and len([one for one in told() if one[1] == "trees"]) == 1
    for name in ("trees", "shade", "parks"):
        path = orchard.root / "products" / name / "product.yaml"
        text = path.read_text().replace("owner: ada-example", "owner: ben-example")
        backup = "cleo-example" if "owner: ben-example" in text else "ben-example"
        path.write_text(text.replace("backup: ''", f"backup: {backup}"))
    for path in (orchard.root / "products").glob("*/contracts/*.yaml"):
        path.write_text(path.read_text().replace("ada-example", "ben-example"))
    assert told() == []
