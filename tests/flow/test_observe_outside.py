"""What leaves the house: OpenLineage events over HTTP, runbook links, and no secret in any of it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from civicops.observe.asking import incidents
from civicops.observe.messages import RUNBOOK, RUNBOOK_SECTIONS, what_to_do
from civicops.observe.tables import open_database
from simulators.mailbox import WebhookSink
from tests.flow.conftest import Library
from tests.flow.test_observe import CANARY, GOOD, now, stop_the_run
from tools.setup_env import ROOT


def collected(library: Library, url: str) -> None:
    with (library.root / "civicops.toml").open("a") as stream:
        stream.write(f'\n[observe]\nopenlineage_url = "{url}"\nopenlineage_allow = ["127.0.0.1"]\n')


def test_events_reach_a_collector_as_openlineage_says(library: Library) -> None:
    with WebhookSink() as sink:
        collected(library, f"http://127.0.0.1:{sink.port}/api/v1/lineage")
        library.deliver(GOOD)
        library.run()
        library.run()  # nothing new: no event
        stop_the_run(library)
        assert sink.paths == ["/api/v1/lineage"] * 2
        done, failed = sink.messages
        assert (done["eventType"], failed["eventType"]) == ("COMPLETE", "FAIL")
        assert done["schemaURL"].startswith("https://openlineage.io/spec/") and done["job"]["name"] == "library"
        assert done["outputs"][1]["facets"]["schema"]["fields"][0]["name"] == "loan_id"
        kept = (library.root / "var" / "observe" / "openlineage.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in kept] == sink.messages


def test_a_collector_that_refuses_hangs_or_is_gone_changes_nothing_about_a_run(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    with WebhookSink() as sink:
        collected(library, f"http://127.0.0.1:{sink.port}/{CANARY}")
        library.deliver(GOOD)
        sink.status = 503
        assert library.run().status == "succeeded"
        assert "the collector answered 503" in caplog.text
        sink.seconds = 3600
        library.deliver([*GOOD, ("a3", "Alder", 1, "2026-01-04")])
        record = library.run()
        assert record.status == "succeeded" and "not sent: ReadTimeout" in caplog.text
    library.deliver([*GOOD, ("a4", "Alder", 1, "2026-01-04")])
    assert library.run().status == "succeeded"
    assert "not sent: ConnectError" in caplog.text and CANARY not in caplog.text
    assert len((library.root / "var" / "observe" / "openlineage.jsonl").read_text().splitlines()) == 3


def test_every_monitor_of_the_framework_names_a_section_that_exists(library: Library) -> None:
    """Over the source of all monitors, so that a new one cannot be forgotten; and over products' own, in their README."""
    headings = {
        line[3:].strip() for line in (ROOT / RUNBOOK).read_text(encoding="utf-8").splitlines() if line.startswith("## ")
    }
    assert set(RUNBOOK_SECTIONS) <= headings
    named = named_runbooks(*(ROOT / "src" / "civicops" / "observe").glob("*.py"))
    assert set(named.values()) == set(RUNBOOK_SECTIONS), "each section is some monitor's, and each monitor has one"
    for product in sorted((ROOT / "products").glob("*/monitors.py")):
        readme = (product.parent / "README.md").read_text(encoding="utf-8")
        own = {line.lstrip("#").strip() for line in readme.splitlines() if line.startswith("#")}
        for where, section in named_runbooks(*product.parent.glob("*.py")).items():
            assert section in own | headings, f"{where} names a section that {product.parent.name}/README.md lacks"
    library.deliver(GOOD)
    library.run()
    stop_the_run(library)
    (found,) = incidents(open_database(library.workspace), library.workspace, now())
    assert what_to_do(found).startswith(f"{RUNBOOK}, section 'A run failed'")


def named_runbooks(*paths: Path) -> dict[str, str]:
    """Where a signal is made, and the section it names: `Signal(...)` without one is a fault."""
    found: dict[str, str] = {}
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Signal"):
                continue
            if len(node.args) > 2 and isinstance(node.args[2], ast.Constant) and node.args[2].value is False:
                continue  # it only ever says that all is well
            where = f"{path.name}:{node.lineno}"
            given = [word.value for word in node.keywords if word.arg == "runbook"]
            assert given or any(word.arg is None for word in node.keywords), f"{where}: a signal without a runbook"
            for value in given:
                text = value.value if isinstance(value, ast.Constant) else constants.get(getattr(value, "id", ""))
                assert text or path.parent.name != "observe", f"{where}: the section is not a plain text"
                if text:
                    found[where] = text
    return found
