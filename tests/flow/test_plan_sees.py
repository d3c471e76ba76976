"""A plan sees what all products share, and pages that could not ask their questions any more.

Belongs here: settings of the workspace, civicops' own code in the same repository, files that only code reads, SQL of pages. Does
not belong here: contracts and rows (`test_change`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from civicops.change.plan_words import markdown
from civicops.orchestrate.planning import make_plan
from tests.flow.orchard import PAGE, Orchard
from tools.setup_env import ROOT

pytestmark = pytest.mark.xdist_group("agreed")


def test_releases_that_are_kept_for_less_long_are_named_and_agreed_to(orchard: Orchard) -> None:
    with (orchard.root / "civicops.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[retention]\nkeep_newest = 3\nhash_key_days = 60\n\n[engine]\nthreads = 1\n")
    plan = make_plan(orchard.workspace)
    notes = "\n".join(plan.cost.notes)
    assert "[retention] keep_newest: 10 becomes 3" in notes and "[retention] hash_key_days: 30 becomes 60" in notes
    assert "[engine] threads: 2 becomes 1" in notes
    why = {one.who: " ".join(one.why) for one in plan.approvals}
    assert set(why) == {"ada-example", "ben-example", "cleo-example"}
    assert "keep_newest goes from 10 to 3" in why["ben-example"] and "hash_key_days" not in why["ben-example"]
    assert not plan.releases and not plan.problems
    assert "keep_newest: 10 becomes 3" in markdown(plan)


def test_a_change_of_civicops_itself_runs_every_product(orchard: Orchard) -> None:
    shutil.copytree(
        ROOT / "src" / "civicops",
        orchard.root / "src" / "civicops",
        ignore=shutil.ignore_patterns("__pycache__", "web"),
    )
    orchard.commit("civicops beside the products")

    def said_by(*words: str) -> str:
        program = [sys.executable, "-c", "from civicops.cli import main; main()", *words]
        environment = os.environ | {"PYTHONPATH": str(orchard.root / "src")}
        done = subprocess.run(program, cwd=orchard.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return done.stdout

    assert not json.loads(said_by("plan", "--json"))["files"]
    said_by("apply", "last")
    path = orchard.root / "src" / "civicops" / "checks" / "compile.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    # Committed on main, and not put in force by any plan.
    orchard.commit("a comment in civicops")
    found: dict[str, object] = json.loads(said_by("plan", "--json"))
    assert found["files"] == [
        {"product": "", "path": "src/civicops/checks/compile.py", "kind": "framework", "how": "changed"}
    ]
    releases = found["releases"]
    assert isinstance(releases, list)
    assert {one["dataset"] for one in releases} == {
        "trees.trees", "trees.districts", "shade.shade", "parks.parks", "parks.counts"
    }  # fmt: skip
    assert all(one["is_same"] for one in releases)
    said_by("apply", "last")
    assert not json.loads(said_by("plan", "--json"))["files"]


def test_a_page_that_asks_for_a_column_that_goes_stops_the_plan(orchard: Orchard) -> None:
    data = orchard.read("trees.trees")
    data["schema"][0]["properties"] = [c for c in data["schema"][0]["properties"] if c["name"] != "condition_code"]
    orchard.write("trees.trees", data, "2.0.0")
    orchard.model(
        "trees/models/trees.sql",
        "SELECT tree_id, district_code, height_m FROM {{ source('accepted', 'inspections') }}\n",
    )
    orchard.model(
        "shade/models/shade.sql",
        "SELECT district_code, sum(height_m) AS shade_m, 0::BIGINT AS dead_count FROM {{ source('release', 'trees__trees') }} GROUP BY 1\n",
    )
    (problem,) = make_plan(orchard.workspace).problems
    assert "page trees.health" in problem and "condition_code" in problem
    # The page goes along, and there is none.
    page = orchard.root / "products" / "trees" / "pages" / "health.py"
    page.write_text(PAGE.replace("condition_code", "district_code"), encoding="utf-8")
    assert not make_plan(orchard.workspace).problems


def test_a_page_that_is_changed_to_ask_for_a_column_that_is_not_there_stops_it(orchard: Orchard) -> None:
    page = orchard.root / "products" / "trees" / "pages" / "health.py"
    page.write_text(PAGE.replace("condition_code,", "condition_colour,"), encoding="utf-8")
    (problem,) = make_plan(orchard.workspace).problems
    assert "page trees.health" in problem and "condition_colour" in problem
