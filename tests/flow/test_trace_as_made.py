"""A trace after a rollback: the files that made the release are not those that lie in the folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from civicops.change.as_made import trace_as_made
from civicops.orchestrate.running import run_product
from civicops.product_files import decides, files_hash, made_from
from civicops.release.rollback import rollback
from tests.flow.orchard import MODELS, Orchard, plant

MODEL = "trees/models/trees.sql"
NAME = "trees.trees"
HEIGHTS = MODELS[MODEL].replace("height_m FROM", "height_m * CAST(h.factor AS DOUBLE) AS height_m FROM") .replace(
    "\n", " CROSS JOIN {{ source('lookup', 'heights') }} AS h\n"
)  # fmt: skip


def lookup(orchard: Orchard, factor: str) -> None:
    (orchard.root / "products" / "trees" / "lookups" / "heights.csv").write_text(f"factor,unit\n{factor},m\n")


@pytest.fixture(scope="module")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Orchard, str, str]:
    """A lookup of 2 made the first release, of 3 the second; then the first came back."""
    orchard = plant(tmp_path_factory.mktemp("trees") / "w")
    commits = []
    for factor in ("2", "3"):
        orchard.model(MODEL, HEIGHTS)
        lookup(orchard, factor)
        commits.append(orchard.commit(f"heights times {factor}"))
        orchard.as_of_old()
        assert run_product(orchard.workspace, "trees").status == "succeeded"
    rollback(orchard.store, "trees", "trees", reason="too high")
    return orchard, *commits


def test_what_made_the_release_is_shown_and_not_what_lies_there_now(orchard: tuple[Orchard, str, str]) -> None:
    here, first, _ = orchard
    found = trace_as_made(here.workspace, NAME, "T0007", "height_m")
    assert (found.value, found.again) == (14.0, "same")
    assert [(line.path, line.values["factor"]) for line in found.lookups] == [
        (f"{first[:12]}:products/trees/lookups/heights.csv", "2")
    ]
    assert [item.path for item in found.models] == [f"{first[:12]}:products/{MODEL}"]
    assert here.git("show", found.models[0].path) == HEIGHTS.strip()
    assert found.files is not None and (found.files.is_same, found.files.shown) == (False, first)
    assert found.files.note == (
        f"this release was made from commit {first[:12]}, and so is what is shown here; other since: lookups/heights.csv"
    )


def test_the_command_says_it_in_one_line_and_in_json(orchard: tuple[Orchard, str, str]) -> None:
    here, first, _ = orchard
    program = [sys.executable, "-c", "from civicops.cli import main; main()", "trace", NAME, "T0007", "height_m"]
    shown = subprocess.run(program, cwd=here.root, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in shown.splitlines() if line.startswith("  files")]
    assert first[:12] in line and "lookups/heights.csv" in line
    told = json.loads(
        subprocess.run([*program, "--json"], cwd=here.root, capture_output=True, text=True, check=True).stdout
    )
    assert (
        told["files"]["is_same"] is False
        and told["files"]["shown"] == first
        and told["files"]["changed"] == ["lookups/heights.csv"]
    )


def test_what_nobody_committed_is_said_and_not_guessed(orchard: tuple[Orchard, str, str], tmp_path: Path) -> None:
    here = orchard[0].copy(tmp_path / "w")
    lookup(here, "5")
    here.as_of_old()
    assert run_product(here.workspace, "trees").status == "succeeded"
    found = trace_as_made(here.workspace, NAME, "T0007", "height_m")
    assert found.value == 35.0 and found.files is not None
    assert (found.files.is_same, found.files.note) == (True, ""), "they lie there as they were, whoever committed them"
    lookup(here, "6")
    found = trace_as_made(here.workspace, NAME, "T0007", "height_m")
    assert found.again == "other: 42.0" and found.files is not None and found.files.shown == ""
    assert "with uncommitted changes" in found.files.note and "are those of now, which are others" in found.files.note
    assert found.lookups[0].path == str(here.root / "products" / "trees" / "lookups" / "heights.csv")


def test_nothing_is_said_where_nothing_that_decides_was_changed(
    orchard: tuple[Orchard, str, str], tmp_path: Path
) -> None:
    here = orchard[0].copy(tmp_path / "w")
    lookup(here, "2")
    (here.root / "products" / "trees" / "README.md").write_text("# Another word\n")
    found = trace_as_made(here.workspace, NAME, "T0007", "height_m")
    assert found.files is not None and (found.files.is_same, found.files.note) == (True, "")


def test_which_files_decide_and_what_is_known_of_older_releases(orchard: tuple[Orchard, str, str]) -> None:
    here, first, second = orchard
    assert [name for name in ("models/a.sql", "models/unit_tests.yml", "lookups/a.csv", "contracts/a.yaml", "gather.py",
            "matching/model.py", "pages/map.py", "README.md", "__pycache__/x.py", "ethics.yaml") if decides(name)] == [
        "models/a.sql", "lookups/a.csv", "contracts/a.yaml", "gather.py", "matching/model.py"
    ]  # fmt: skip
    folder = here.root / "products" / "trees"
    assert made_from(folder, {"commit": second, "dirty": False}).is_same is True
    assert made_from(folder, {"commit": first, "dirty": False}).changed == ("lookups/heights.csv",)
    assert made_from(folder, {"commit": second, "dirty": True}).is_same is None
    assert made_from(folder, {"commit": "0" * 40, "dirty": False}).is_same is None
    assert "outside git" in made_from(folder, {}).note
    assert made_from(folder, {"files": files_hash(folder)}).note == ""
