"""The files of the 311 map from a made-up release of ten years and 13 million requests: seconds, memory, size by kind.

Belongs here: making that release as Parquet, shaped like the real city's, without running the pipeline; building from it.
Does not belong here: the city (`map_city`), its requests (`map_requests`), the browser.

Everything of a request follows from its number, so two runs make the same release. Kept in bench/data/map13m (not in git):
`releases/` is a release store, `files/` the map files.
"""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from bench.map_city import make_city
from bench.map_requests import END, GROUPS, TYPES, requests_sql
from bench.table import Row, Table, main
from civicops.contracts import load_contracts
from civicops.release.datapackage import describe, with_version
from civicops.release.publish import publish, stage
from civicops.release.store import ReleaseStore
from civicops.release.values import DATA_FILE, PACKAGE_FILE, Provenance, version_id

ROOT = Path(__file__).parents[1]
DATA = ROOT / "bench" / "data"
CONTRACTS = ROOT / "products" / "requests_311" / "contracts"
ROWS, ADDRESSES = 13_000_000, 900_000
PRODUCT = "requests_311"
MOMENT = datetime(2026, 8, 23, 12, tzinfo=UTC)


def make_release(home: Path, rows: int, addresses: int) -> Path:
    """The release store under `home`; made if it is not there. Its requests are written straight, all else is published."""
    releases = home / "releases"
    if (releases / PRODUCT / "current.json").is_file():
        return releases
    shutil.rmtree(releases, ignore_errors=True)
    contracts = {contract.dataset: contract for contract in load_contracts(sorted(CONTRACTS.glob("*.yaml")))}
    city = make_city(addresses)
    store = ReleaseStore(releases)
    made = Provenance(run_id="made-up")
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(home / "scratch")}) as con:
        con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        _tables(con, city)
        staged = [
            stage(con, contract=contracts[name], select_sql=f"SELECT * FROM {name}", provenance=made, store=store)
            for name in ("areas", "councils", "request_types", "time_to_close")
        ]
        folder = home / "requests.part"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        columns = ", ".join(
            f'CAST({column.name} AS {column.sql_type}) AS "{column.name}"' for column in contracts["requests"].columns
        )
        con.execute(
            f"COPY (SELECT {columns} FROM ({requests_sql(rows)})) TO '{folder / DATA_FILE}' "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"
        )
    publish(staged, store=store, now=MOMENT)
    _place(store, contracts["requests"], made, folder, rows)
    shutil.rmtree(home / "scratch", ignore_errors=True)
    return releases


def _tables(con: duckdb.DuckDBPyConnection, city: Any) -> None:
    """Tables with the columns of the small datasets, and `addresses` for the requests."""
    con.execute(
        "CREATE TABLE areas (layer VARCHAR, set_id VARCHAR, area_code VARCHAR, area_name VARCHAR, is_newest "
        "BOOLEAN, valid_from DATE, "
        "valid_to DATE, area_km2 DOUBLE, geometry VARCHAR)"
    )
    con.executemany("INSERT INTO areas VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", city.areas)
    con.execute(
        "CREATE TABLE councils (council_code VARCHAR, council_name VARCHAR, is_area BOOLEAN, region_code "
        "VARCHAR, region_name VARCHAR, "
        "population BIGINT, area_km2 DOUBLE, boundary_set_id VARCHAR, valid_from DATE)"
    )
    con.executemany("INSERT INTO councils VALUES (?, ?, ?, ?, ?, ?, ?, 'nc_current', NULL)", city.councils)
    con.execute(
        "INSERT INTO councils (council_code, council_name, is_area) VALUES ('none', 'Outside every council', FALSE), "
        "('unknown', 'Place not known', FALSE)"
    )
    con.execute(
        "CREATE TABLE request_types (request_type_code VARCHAR, request_type_name VARCHAR, request_group_code VARCHAR, "
        "request_group_name VARCHAR, is_service_request BOOLEAN, is_information_only BOOLEAN, is_sensitive "
        "BOOLEAN, legacy_values VARCHAR[], "
        "cases_values VARCHAR[], request_count BIGINT, first_on DATE, last_on DATE)"
    )
    con.executemany(
        "INSERT INTO request_types VALUES (?, ?, ?, ?, ?, ?, ?, [], [], 0, NULL, NULL)",
        [
            (t.code, t.code.replace("_", " ").capitalize(), GROUPS.get(t.code, t.code), GROUPS.get(t.code, t.code).capitalize(),
             t.is_service, t.code == "information_only", t.code == "homeless_encampment")
            for t in TYPES
        ],
    )  # fmt: skip
    # The map takes only words from the release of waiting times, not its rows.
    con.execute(
        "CREATE TABLE time_to_close (request_type_code VARCHAR, council_code VARCHAR, created_month DATE, request_count BIGINT, "
        "closed_count BIGINT, open_count BIGINT, ended_otherwise_count BIGINT, unknown_count BIGINT, p25_hours DOUBLE, "
        "median_hours DOUBLE, p75_hours DOUBLE, p90_hours DOUBLE)"
    )
    con.register("made_addresses", city.addresses)
    con.execute("CREATE TABLE addresses AS SELECT row_number() OVER () - 1 AS a, * FROM made_addresses")
    # A place of its own for "none": a left join would put the rows without one behind the others.
    con.execute("INSERT INTO addresses (a) VALUES (-1)")


def _place(store: ReleaseStore, contract: Any, made: Provenance, folder: Path, rows: int) -> None:
    """Make the written requests a release and switch it in with the others."""
    with (folder / DATA_FILE).open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    size = (folder / DATA_FILE).stat().st_size
    version = version_id(MOMENT, sha256)
    package = with_version(describe(contract, made, sha256=sha256, size=size, rows=rows), version, MOMENT)
    (folder / PACKAGE_FILE).write_text(json.dumps(package), encoding="utf-8")
    target = store.release(PRODUCT, contract.dataset, version).path
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    current = {name: release.version for name, release in store.snapshot(PRODUCT).items()}
    with store.writing(PRODUCT):
        store.switch(PRODUCT, current | {contract.dataset: version}, action="publish", now=MOMENT)


def build_files(releases: Path, out: Path) -> tuple[float, int]:
    """Build in a process of its own: seconds and peak memory in bytes."""
    code = (
        "import sys; from pathlib import Path; from civicops.release.store import ReleaseStore; "
        "from products.requests_311.pages.map_files import build; "
        f"build(ReleaseStore(Path(sys.argv[1])).snapshot('{PRODUCT}'), Path(sys.argv[2]))"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(releases), str(out)], cwd=ROOT, check=True)
    seconds = time.perf_counter() - began
    scale = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale


def run(quick: bool) -> Table:
    """Make the release if it is not there, then the files; with `quick` a hundredth of the rows."""
    scale = 100 if quick else 1
    home = DATA / ("map130k" if quick else "map13m")
    home.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    releases = make_release(home, ROWS // scale, ADDRESSES // scale)
    made = time.perf_counter() - began
    seconds, memory = build_files(releases, home / "files")
    manifest = json.loads((home / "files" / "manifest.json").read_text(encoding="utf-8"))
    (home / "READY").write_text(f"{manifest['total_rows']} requests until {END}\n", encoding="utf-8")
    sizes: dict[str, list[int]] = defaultdict(list)
    for path in (home / "files").glob("*.*"):
        sizes[path.name.split("-")[0].split(".")[0]].append(path.stat().st_size)
    cells = sum(entry["cells"] for entry in manifest["cubes"])
    waits = sum(entry["cells"] for entry in manifest["waits"])
    data = ReleaseStore(releases).find(PRODUCT, "requests").data.stat().st_size
    made_in = f"; making the release before took {made:,.0f} s." if made > 1 else "."
    notes = (
        f"{manifest['total_rows']:,} made-up requests of ten years ({data / 1e6:,.0f} MB of Parquet), "
        f"{manifest['addresses']['count']:,} addresses, {len(manifest['councils']) - 2} councils, "
        f"{len(manifest['types'])} types. Building took {seconds:,.0f} s and at most {memory / 1e9:.1f} GB{made_in}",
        f"The counts cube has {cells:,} cells ({len(manifest['kinds'])} kinds, {len(manifest['places'])} places), "
        f"the waits {waits:,}.",
    )
    rows = [
        Row(
            kind,
            {
                "files": f"{len(found):,}",
                "all": f"{sum(found) / 1e6:,.1f} MB",
                "largest": f"{max(found) / 1e3:,.0f} kB",
            },
        )
        for kind, found in sorted(sizes.items())
    ]
    return Table("map_release", tuple(rows), notes)


if __name__ == "__main__":
    main(run)
