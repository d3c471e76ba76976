"""What pages and monitors read, found in their code, against what they ask when they run; and the graph of the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from civicops.lineage import Graph, LineageError
from civicops.lineage.readers import query_reads
from civicops.lineage.values import DIRECT
from civicops.workspace import Workspace

ASKING = """
import json, sys, tempfile
from pathlib import Path
import duckdb
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
import django
django.setup()
from civicops.portal.pages import load_page, page_names
from civicops.portal.releases import Releases
from civicops.release.values import Release
from civicops.workspace import Workspace

workspace, folder, asked = Workspace.find(Path(sys.argv[1])), Path(sys.argv[2]), []

class Noting(Releases):
    def table(self, sql):
        asked.append([self.product.name, page_name, part, sql])
        return super().table(sql)

for product in workspace.products:
    found = {}
    for contract in product.published:
        release = Release(product.name, contract.dataset, "20260101T000000Z-00000000", folder / product.name / contract.dataset)
        release.path.mkdir(parents=True, exist_ok=True)
        columns = ", ".join(f'CAST(NULL AS {c.sql_type}) AS "{c.name}"' for c in contract.columns)
        with duckdb.connect() as con:
            con.execute(f"COPY (SELECT {columns}) TO '{release.data}' (FORMAT parquet)")
        found[contract.dataset] = release
    for page_name in page_names(product):
        page = load_page(product, page_name).page
        releases = Noting(workspace, product, found)
        for part, function in page.charts.items():
            function(releases)
        part = "context"
        if page.context:
            page.context(releases)
print(json.dumps(asked))
"""


def test_what_pages_ask_when_they_run_is_what_was_found_in_their_code(
    repository: Workspace, graph: Graph, tmp_path: Path
) -> None:
    import json

    (tmp_path / "asking.py").write_text(ASKING)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "asking.py"), str(repository.root), str(tmp_path / "releases")],
        cwd=repository.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = json.loads(done.stdout)
    assert len(asked) >= 6
    for product, page, part, sql in asked:
        reads = query_reads(repository, repository.product(product), sql)
        assert any(column for _, column in reads)
        whole = f"{page}/{part}" if part != "context" else page
        known = {
            (edge.origin.name, edge.origin.column)
            for edge in graph.edges
            if edge.target.product == product and edge.target.name in (whole, page) and edge.origin.kind == "released"
        }
        assert set(reads) <= known, (page, part, set(reads) - known)


def test_each_chart_depends_on_the_columns_of_its_own_query(graph: Graph) -> None:
    by_chart: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.target.kind == "chart" and edge.origin.column:
            by_chart.setdefault(edge.target.name, set()).add(f"{edge.origin.name}.{edge.origin.column}")
    assert by_chart["waiting/waiting"] == {
        "time_to_close.created_month", "time_to_close.median_hours", "time_to_close.council_code",
        "time_to_close.request_type_code", "request_types.request_type_name", "request_types.request_type_code",
        "request_types.is_service_request", "request_types.request_count",
    }  # fmt: skip
    assert "daily_reports.deleted_files" in by_chart["watch/per_day"]


def test_files_that_a_page_builds_depend_on_every_column_of_a_starred_table(
    repository: Workspace, graph: Graph
) -> None:
    built = {
        (e.origin.name, e.origin.column)
        for e in graph.edges
        if e.target.kind == "map_file" and e.target.name == "map/files"
    }
    contract = repository.product("requests_311").contract("requests")
    assert {("requests", name) for name in contract.column_names} <= built
    assert ("areas", "geometry") in built and ("councils", "population") in built


@pytest.mark.parametrize(
    ("dataset", "column", "kind", "name", "how"),
    [
        ("requests_311.legacy_requests", "sr_number", "released", "requests", "copied"),
        ("requests_311.requests", "median_hours", None, "", ""),
        ("requests_311.status_codes", "status_code", "released", "requests", "joined"),
        ("drive_monitor.thresholds", "minimum", "released", "daily_reports", "filtered"),
        ("drive_monitor.deletions", "path", "sheet", "Restore list", "copied"),
        ("requests_311.requests", "hours_to_close", "monitor", "requests/distribution_drift", "aggregated"),
        ("requests_311.requests", "created_on", "alert", "requests-311", "aggregated"),
        ("drive_monitor.alerts", "severity_code", "monitor", "own rules", "derived"),
    ],
)
def test_who_uses_it(graph: Graph, dataset: str, column: str | None, kind: str | None, name: str, how: str) -> None:
    if kind is None:
        with pytest.raises(LineageError, match="no column"):
            graph.downstream(dataset, column)
        return
    found = [item for item in graph.downstream(dataset, column) if (item.kind, item.name) == (kind, name)]
    assert found
    assert how in {item.how for item in found}
    assert all(item.owner for item in found)


def test_up_and_down_say_the_same(graph: Graph) -> None:
    """Whatever is downstream of a column has that column upstream, by the same way."""
    for node in [node for node in graph.nodes if node.kind == "accepted" and node.column][::9]:
        for item in graph.downstream_of([node])[::5]:
            back = {other.node: other.how for other in graph.upstream_of([item.node])}
            how = back.get(node)
            # Of several ways that only decide rows, each direction may name another one.
            assert how == item.how if item.how in DIRECT else how and how not in DIRECT, (
                str(node),
                str(item.node),
                item.how,
                how,
            )
