"""Files of a product that are no UTF-8 text: every command names the file and says what to do, none shows a traceback.

Belongs here: one damaged file of each kind, under the commands that read it. Does not belong here: what is wrong in a text that can
be read (`tests/unit/contracts`, `tests/unit/transform`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from civicops.cli import app
from civicops.errors import CivicopsError
from civicops.orchestrate.running import run_product
from tests.flow.orchard import Orchard, planted_once

pytestmark = pytest.mark.xdist_group("change")

BAD = {".sql": b"-- caf\xe9\n", ".csv": b"caf\xe9,Coffee\n", ".html": b"<p>caf\xe9</p>\n", ".md": b"caf\xe9\n"}
LOOKUP = "condition_code,condition_name\ngood,In good health\nfair,Fair\ndead,Dead\n"
UNIT_TEST = """\
unit_tests:
  - name: trees_are_counted
    model: districts
    given:
      - input: ref('trees')
        rows: [{tree_id: T1, district_code: north}]
    expect:
      rows: [{district_code: north, tree_count: 1}]
"""
EVERY = ("plan", "run", "lineage", "ci", "scorecard")
FILES = {
    "models/trees.sql": ("plan", "run", "lineage", "ci"),
    "models/unit_tests.yml": EVERY,
    "contracts/trees.yaml": EVERY,
    "lookups/conditions.csv": EVERY,
    "lookups/unused.csv": EVERY,
    "sources.py": ("plan", "run", "ci"),
    "product.yaml": EVERY,
    "ethics.yaml": EVERY,
    "pages/health.py": ("plan", "lineage", "ci"),
    "pages/health_parts.py": ("plan", "lineage", "ci"),
    "pages/notes.html": ("plan", "ci"),
    "monitors.py": ("plan", "lineage", "ci", "scorecard"),
    "README.md": ("plan", "ci", "scorecard"),
}
"""Each file, and the commands that read it and so must say what is wrong with it."""
COMMANDS = {
    "plan": ("plan",),
    "run": ("run", "trees"),
    "lineage": ("lineage", "trees.trees"),
    "ci": ("ci", "--landed"),
    "scorecard": ("scorecard", "--product", "trees", "--json"),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Orchard:
    orchard = planted_once(tmp_path_factory).copy(tmp_path_factory.mktemp("texts") / "one")
    folder = orchard.root / "products" / "trees"
    (folder / "lookups" / "conditions.csv").write_text(LOOKUP, encoding="utf-8")
    (folder / "lookups" / "unused.csv").write_text(LOOKUP, encoding="utf-8")
    (folder / "models" / "unit_tests.yml").write_text(UNIT_TEST, encoding="utf-8")
    (folder / "pages" / "notes.html").write_text("<p>Notes.</p>\n", encoding="utf-8")
    (folder / "pages" / "health_parts.py").write_text('"""Parts."""\n\nPART = 1\n', encoding="utf-8")
    page = (folder / "pages" / "health.py").read_text(encoding="utf-8")
    page = page.replace("import altair as alt", "import altair as alt\n\nfrom .health_parts import PART")
    (folder / "pages" / "health.py").write_text(
        page.replace(".mark_bar()", ".mark_bar(opacity=PART)"), encoding="utf-8"
    )
    (folder / "README.md").write_text("# Trees\n", encoding="utf-8")
    (folder / "monitors.py").write_text('"""None."""\n\n\ndef monitors(releases):\n    return []\n', encoding="utf-8")
    data = orchard.read("trees.inspections")
    item = next(c for c in data["schema"][0]["properties"] if c["name"] == "condition_code")
    spec = {"check": "allowed", "lookup": "conditions", "lookup_column": "condition_code", "action": "quarantine"}
    item["quality"][0]["implementation"] = spec
    orchard.write("trees.inspections", data, "1.1.0")
    orchard.commit("more kinds of files")
    # A run that wants a plan first would stop before it reads a model.
    orchard.as_of_old()
    return orchard


@pytest.mark.parametrize(("name", "command"), [(name, one) for name, those in FILES.items() for one in those])
def test_a_file_that_is_no_utf8_is_named(planted: Orchard, tmp_path: Path, name: str, command: str) -> None:
    orchard = planted.copy(tmp_path / "orchard")
    path = orchard.root / "products" / "trees" / name
    line = path.read_bytes().count(b"\n") + 1
    path.write_bytes(path.read_bytes() + BAD.get(path.suffix, b"# caf\xe9\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIVICOPS_WORKSPACE", str(orchard.root))
        done = CliRunner().invoke(app, COMMANDS[command])
    said = done.output + (str(done.exception) if isinstance(done.exception, CivicopsError) else "")
    assert done.exit_code == 1
    assert isinstance(done.exception, CivicopsError | SystemExit), done.exception
    assert f"trees/{name}:{line}: is not UTF-8 text (byte 0xe9)" in said
    assert "save it as UTF-8" in said


@pytest.mark.parametrize("name", ["pages/health.py", "pages/health_parts.py", "monitors.py"])
def test_a_slip_in_python_stops_a_plan_and_is_named(planted: Orchard, tmp_path: Path, name: str) -> None:
    orchard = planted.copy(tmp_path / "orchard")
    path = orchard.root / "products" / "trees" / name
    line = path.read_text(encoding="utf-8").count("\n") + 1
    path.write_text(path.read_text(encoding="utf-8") + "def half(:\n", encoding="utf-8")
    code, said = orchard.said_by("plan")
    assert code == 1
    assert f"trees/{name}:{line}: is no Python that can be read: invalid syntax" in " ".join(said.split())


@pytest.mark.parametrize("name", ["pages/health.py", "pages/notes.html", "monitors.py"])
def test_a_run_does_not_stop_at_a_page(planted: Orchard, tmp_path: Path, name: str) -> None:
    orchard = planted.copy(tmp_path / "orchard")
    path = orchard.root / "products" / "trees" / name
    path.write_bytes(path.read_bytes() + BAD.get(path.suffix, b"# caf\xe9\n"))
    assert run_product(orchard.workspace, "trees").status in ("succeeded", "unchanged")
