"""Products that read each other in a circle: nobody can be run first, and every command that orders products says so.

Belongs here: the order of products, and what is said of a circle. Does not belong here: what runs do with what they read
(`test_orchestrate_runs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from civicops.orchestrate.order import CircleError, circles, ordered
from civicops.orchestrate.planning import make_plan
from civicops.orchestrate.running import run_product
from civicops.orchestrate.serving import serve
from tests.flow.orchard import Orchard, planted_once

pytestmark = pytest.mark.xdist_group("change")

SAID = "parks reads shade.shade, shade reads trees.trees, trees reads parks.parks"


def products(reads: Mapping[str, list[str]]) -> list[Any]:
    """Products of which only the name and what they read matters."""
    return [SimpleNamespace(name=name, file=SimpleNamespace(reads=tuple(those))) for name, those in reads.items()]


@pytest.fixture
def orchard(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    """The orchard whose trees also read what parks make of them."""
    made = planted_once(tmp_path_factory).copy(tmp_path / "orchard")
    path = made.root / "products" / "trees" / "product.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8")) | {"reads": ["parks.parks"]}
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return made


def test_a_circle_is_a_problem_of_the_plan(orchard: Orchard) -> None:
    plan = make_plan(orchard.workspace)
    (problem,) = (one for one in plan.problems if "circle" in one)
    assert SAID in problem
    assert plan.releases == ()


def test_a_circle_that_is_taken_out_is_no_problem(orchard: Orchard) -> None:
    orchard.commit("a circle that nobody saw")
    path = orchard.root / "products" / "trees" / "product.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8")) | {"reads": []}
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    assert make_plan(orchard.workspace).problems == ()


@pytest.mark.parametrize(
    "words", [("plan",), ("ci", "--landed"), ("run", "shade"), ("products",), ("products", "--json")]
)
def test_every_command_names_the_circle(orchard: Orchard, words: tuple[str, ...]) -> None:
    code, said = orchard.said_by(*words)
    assert code == 1
    assert SAID in said
    assert "product.yaml" in said


def test_nothing_is_started_in_a_circle(orchard: Orchard) -> None:
    with pytest.raises(CircleError, match=SAID):
        serve(orchard.workspace, port=0, portal_port=0, say=print)


def test_a_product_beside_the_circle_is_run(orchard: Orchard) -> None:
    path = orchard.root / "products" / "trees" / "product.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8")) | {"reads": []}
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    path = orchard.root / "products" / "shade" / "product.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8")) | {"reads": ["trees.trees", "parks.parks"]}
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    assert run_product(orchard.workspace, "trees").status == "unchanged"
    with pytest.raises(CircleError, match=r"parks reads shade\.shade, shade reads parks\.parks"):
        run_product(orchard.workspace, "parks")


def test_lineage_of_a_circle_ends(orchard: Orchard) -> None:
    orchard.model(
        "trees/models/back.sql", "SELECT district_code, shade_m FROM {{ source('release', 'parks__parks') }}\n"
    )
    code, said = orchard.said_by("lineage", "trees.trees")
    assert code == 0 and "shade.shade" in said


def test_a_product_that_reads_itself_is_a_circle() -> None:
    (said,) = circles(products({"a": ["a.rows"], "b": ["a.rows"]}))
    assert said.startswith("a reads a.rows")


@given(st.data())
def test_whoever_reads_comes_after(data: st.DataObject) -> None:
    names = [f"p{number}" for number in range(data.draw(st.integers(1, 8)))]
    rank = {name: number for number, name in enumerate(data.draw(st.permutations(names)))}
    reads = {
        name: [f"{other}.rows" for other in data.draw(st.sets(st.sampled_from(names))) if rank[other] < rank[name]]
        for name in names
    }
    given_ = products({name: [*those, "elsewhere.rows"] for name, those in reads.items()})
    found = [one.name for one in ordered(given_)]
    assert sorted(found) == sorted(names) and circles(given_) == ()
    for name in names:
        assert all(found.index(other.partition(".")[0]) < found.index(name) for other in reads[name])


@given(st.integers(1, 6), st.integers(0, 3))
def test_a_circle_of_any_length_is_named_whole(length: int, beside: int) -> None:
    around = {f"c{n}": [f"c{(n + 1) % length}.rows"] for n in range(length)}
    others = {f"o{n}": ["c0.rows"] for n in range(beside)}
    (said,) = circles(products(around | others))
    assert all(f"c{n} reads c{(n + 1) % length}.rows" in said for n in range(length))
    assert "o0" not in said
    with pytest.raises(CircleError):
        ordered(products(around | others))
