"""`make demo`: every product, run on a made-up city, and a summary of what came of it.

Belongs here: starting the simulators, a workspace of its own under `var/demo`, the runs, the summary. Does not belong here:
anything a user's own workspace needs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from simulators import serve

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "demo"
ROWS_PER_YEAR = 5_000


def main() -> int:
    """Run the demo; 0 when every product published and every row is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--no-serve", action="store_true", help="end after the summary")
    parser.add_argument("--rows", type=int, default=ROWS_PER_YEAR, help="made-up requests per year")
    options = parser.parse_args()
    began = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with serve(rows_per_year=options.rows) as portal:
        _workspace(portal.url)
        print(f"A made-up city answers at {portal.url}, as the real one's portal would.\n")
        names = [item["product"] for item in _civicops("products", "--json")]
        records = {}
        for name in names:
            print(f"== {name}: fetch, check, build, publish")
            code = subprocess.run(_command("run", name), cwd=HOME, check=False).returncode
            if code:
                print(f"\nThe demo failed at {name}.")
                return code
            records[name] = _civicops("status", name, "--json", "-n", "1")[0]
            print()
        again = {name: _again(name) for name in names}
        complete = _summary(records, again, time.monotonic() - began)
        if not options.no_serve and complete:
            print("The portal's pages come with a later version; until then the releases above are what to look at.")
    return 0 if complete else 1


def _workspace(url: str) -> None:
    products = os.path.relpath(ROOT / "products", HOME)
    sources = {
        "council_boundaries": "/api/geospatial/fu65-dz2f?method=export&format=GeoJSON",
        "district_boundaries_2012": "/api/geospatial/cd12-m4r1?method=export&format=GeoJSON",
        "district_boundaries_2021": "/api/geospatial/cd21-m4r1?method=export&format=GeoJSON",
        "council_populations": "/api/views/nwj3-ufba/rows.csv?accessType=DOWNLOAD",
    }
    lines = [
        "# Made by `make demo` for a made-up city; remove the folder whenever you like.",
        "[workspace]",
        'organisation = "Friends of Marisol"',
        'timezone = "America/Los_Angeles"',
        'data = "."',
        f'products = "{products}"',
        "",
        "[products.requests_311]",
        f'portal_url = "{url}"',
    ]
    for name, path in sources.items():
        lines += ["", f"[products.requests_311.sources.{name}]", f'url = "{url}{path}"']
    (HOME / "civicops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("civicops")), *words]


def _civicops(*words: str) -> Any:
    done = subprocess.run(_command(*words), cwd=HOME, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _again(name: str) -> tuple[str, float]:
    """Run once more, with nothing new at the source: how it ended and how long it took."""
    began = time.monotonic()
    record = _civicops("run", name, "--json")
    return record["status"], time.monotonic() - began


def _summary(records: dict[str, Any], again: dict[str, tuple[str, float]], seconds: float) -> bool:
    print("=" * 78)
    complete = True
    for name, record in records.items():
        accepted = [item for item in record["datasets"] if item["layer"] == "accepted"]
        published = [item for item in record["datasets"] if item["layer"] == "published"]
        checks = [check for item in record["datasets"] for check in item["checks"]]
        ignored = sum(sum(item["ignored"].values()) for item in accepted)
        missing = sum(abs(item["missing"]) for item in accepted)
        complete &= record["status"] == "succeeded" and missing == 0 and again[name][0] == "unchanged"
        print(f"{name}")
        print(
            f"  fetched      {sum(item['new_rows'] for item in record['sources']):>9,} rows from {len(record['sources'])} sources"
        )
        print(f"  accepted     {sum(item['accepted'] for item in accepted):>9,}")
        print(f"  quarantined  {sum(item['quarantined'] for item in accepted):>9,}   civicops quarantine list {name}")
        print(f"  ignored      {ignored:>9,}   each for a named reason")
        print(f"  unaccounted  {missing:>9,}")
        print(
            f"  checks       {len(checks):>9,}   {sum(check['outcome'] != 'passed' for check in checks)} of them found something"
        )
        print(f"  published    {sum(item['rows'] for item in published):>9,} rows in {len(published)} datasets")
        print(f"  once more: {again[name][0]}, {again[name][1]:.1f} s")
    folder = os.path.relpath(HOME, Path.cwd())
    print("=" * 78)
    print(f"Done in {seconds:.0f} s. Where to look:")
    print(f"  releases     {folder}/releases        Parquet and datapackage.json, one folder per version")
    print(f"  quarantine   {folder}/quarantine      rows held back, with reasons")
    print(f"  landing      {folder}/landing         every byte as it was received")
    print(f"  runs         {folder}/runs            what happened, step by step")
    print(f"\nNext: cd {folder} && {os.path.relpath(_command()[0], HOME)} status")
    return complete


if __name__ == "__main__":
    sys.exit(main())
