"""The main branch holds something that nobody can read: whoever mends it can plan, pass `civicops ci`, and land it.

Belongs here: what a change is compared with then. Does not belong here: files of the change itself that cannot be read
(`test_unreadable_text`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.change.states import StateError
from civicops.orchestrate.planning import make_plan
from tests.flow.orchard import Orchard

pytestmark = pytest.mark.xdist_group("change")

BAD = {
    "products/trees/contracts/trees.yaml": b"\nversion: [1.0.0\n",
    "products/trees/product.yaml": b"\nowner: [ada\n",
    "products/trees/lookups/conditions.csv": b"caf\xe9,Coffee\n",
    "products/trees/ethics.yaml": b"\nreviews: caf\xe9\n",
    "civicops.toml": b"\n[workspace\n",
    "products/shade/contracts/shade.yaml": b"\nunknownWord: 1\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_slip_on_the_main_branch_can_be_mended(orchard: Orchard, name: str) -> None:
    path = orchard.root / name
    before, good = orchard.git("rev-parse", "HEAD"), path.read_bytes() if path.exists() else None
    path.write_bytes((good or b"") + BAD[name])
    broken = orchard.commit("a slip")
    orchard.git("checkout", "-qb", "mend")
    path.write_bytes(good) if good is not None else path.unlink()
    orchard.commit("mended")

    plan = make_plan(orchard.workspace)
    (note,) = (note for note in plan.cost.notes if "cannot be read" in note)
    assert plan.base_commit == before and not plan.files and not plan.problems
    assert f"commit {broken[:12]} cannot be read, so this compares with {before[:12]}" in note
    assert name.removeprefix("products/") in note and "/var/" not in note, "as it is called in the repository"
    code, said = orchard.said_by("ci")
    assert code == 0, said
    orchard.git("checkout", "-q", "main")
    orchard.git("merge", "-q", "--no-ff", "-m", "Merge mend", "mend")
    code, said = orchard.said_by("ci", "--merge")
    assert code == 0, said
    assert "building it again" not in said
    assert not list((orchard.root / "var" / "plans" / "work").glob(".base-*"))


def test_what_came_before_the_slip_is_not_lost(orchard: Orchard) -> None:
    path = orchard.path("trees.trees")
    good = path.read_text(encoding="utf-8")
    path.write_text(good + "\nversion: [1\n", encoding="utf-8")
    orchard.commit("a slip")
    orchard.git("checkout", "-qb", "mend")
    path.write_text(good, encoding="utf-8")
    orchard.model(
        "parks/models/parks.sql",
        "SELECT district_code, shade_m + 1 AS shade_m FROM {{ source('release', 'shade__shade') }}\n",
    )
    orchard.commit("mended, and one more thing")
    plan = make_plan(orchard.workspace)
    assert [(one.product, one.path) for one in plan.files] == [("parks", "models/parks.sql")]
    assert {one.dataset for one in plan.releases if not one.is_same} == {"parks.parks"}


def test_where_no_commit_can_be_read_it_says_so(orchard: Orchard, tmp_path: Path) -> None:
    (orchard.root / ".git").rename(tmp_path / "history")
    orchard.git("init", "-q", "-b", "main")
    path = orchard.path("trees.trees")
    good = path.read_text(encoding="utf-8")
    path.write_text(good + "\nversion: [1\n", encoding="utf-8")
    orchard.commit("a slip from the start")
    path.write_text(good, encoding="utf-8")
    with pytest.raises(
        StateError, match=r"cannot be read, nor can those before it: .*trees/contracts/trees\.yaml"
    ) as refused:
        make_plan(orchard.workspace)
    assert "--base" in refused.value.hint
