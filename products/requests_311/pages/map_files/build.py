"""The order of the steps that make a folder of map files.

Belongs here: opening the releases, the steps, the manifest, switching the finished folder in. Does not belong here: what is in
the files (the other modules of this folder).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import yaml

from civicops.errors import CivicopsError
from civicops.release.sql import identifier, literal
from civicops.release.values import Release

from .addresses import write_addresses
from .boundaries import frame_of, write_boundaries
from .cubes import count_cells, write_cubes
from .names import read_names
from .notes import read_notes
from .rows import prepare_months, write_month
from .waits import EDGES_HOURS
from .waits_file import YearOfWaits

FORMAT = 1
MANIFEST = "manifest.json"
OURS = re.compile(r"(addresses|boundaries|cube|details|rows|waits)-.*\.(bin|json|parquet)")
DATASETS = ("requests", "request_types", "councils", "areas", "time_to_close")
MEMORY = "1500MB"


def build(releases: Mapping[str, Release], out: Path) -> None:
    """Write the map files of `releases` (dataset to release; those of `DATASETS` are read) into the folder `out`.

    The same releases give the same bytes. A manifest in `out` always names whole files, whenever the process is killed; those
    of an earlier build are removed once its manifest is replaced. Raises `CivicopsError` when a release is missing or cannot
    be drawn.
    """
    for dataset in DATASETS:
        if dataset not in releases:
            raise CivicopsError(
                f"The map needs the dataset '{dataset}', which has no release.",
                hint="Run `civicops run requests_311` first.",
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    for leftover in out.parent.glob(f".{out.name}.part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    part = out.parent / f".{out.name}.part-{os.getpid()}"
    part.mkdir()
    try:
        _write(releases, part)
        _switch_in(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _switch_in(part: Path, out: Path) -> None:
    """Move the finished files to where they are read: a new folder at once, an older one by its manifest."""
    if not out.is_dir() or not any(out.iterdir()):
        part.replace(out)
        return
    new = {path.name for path in part.iterdir()}
    # Names are made of content, so a file that is there already is the same one, and old and new ones do not meet.
    for name in sorted(new - {MANIFEST}):
        (part / name).replace(out / name)
    (part / MANIFEST).replace(out / MANIFEST)
    for path in out.iterdir():
        if path.name not in new and OURS.fullmatch(path.name):
            path.unlink()


def _write(releases: Mapping[str, Release], folder: Path) -> None:
    scratch = folder / ".scratch"
    config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": str(scratch)}
    with duckdb.connect(config=config) as con:
        con.execute("SET TimeZone = 'UTC'; SET parquet_metadata_cache = true; SET enable_progress_bar = false")
        for dataset in DATASETS:
            con.execute(
                f"CREATE VIEW {identifier(dataset)} AS FROM read_parquet({literal(str(releases[dataset].data))})"
            )
        manifest = _head(con, releases)
        frame = frame_of(con)
        manifest["bounds"] = frame.as_list()
        count_cells(con)
        names = read_names(con)
        manifest |= names.as_json()
        manifest["cubes"] = write_cubes(con, folder)
        manifest["boundaries_file"] = write_boundaries(con, folder).file
        kind_types = np.array([kind[0] for kind in names.kinds], dtype=np.int64)
        months: list[dict[str, Any]] = []
        waits: list[dict[str, Any]] = []
        prepare_months(con)
        year = YearOfWaits()
        for (month,) in con.execute("SELECT DISTINCT month FROM cells ORDER BY 1").fetchall():
            if year.year != month.year:
                waits += year.write(folder)
                year = YearOfWaits(month.year)
            written = write_month(con, month, frame, kind_types, folder)
            months.append(written.entry)
            year.add(month.month, written.waits)
        waits += year.write(folder)
        manifest |= {"months": months, "waits": waits, "wait_edges_hours": [float(edge) for edge in EDGES_HOURS]}
        councils = {council["code"]: number for number, council in enumerate(names.councils)}
        manifest["addresses"] = write_addresses(con, frame, councils, folder)
    shutil.rmtree(scratch, ignore_errors=True)
    manifest["notes"] = read_notes(releases)
    text = json.dumps(manifest, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _head(con: duckdb.DuckDBPyConnection, releases: Mapping[str, Release]) -> dict[str, Any]:
    """What the manifest says of the release as a whole; days and moments are ISO texts, null when there are none."""
    found = con.execute(
        "SELECT count(*), count(*) - count(longitude), count(*) - count(created_on), CAST(min(created_on) AS VARCHAR), "
        "CAST(max(created_on) AS VARCHAR), strftime(max(updated_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') FROM requests"
    ).fetchone() or (0, 0, 0, None, None, None)
    total, pointless, undated, first, last, updated = found
    return {
        "format": FORMAT,
        "product": releases["requests"].product,
        "versions": {dataset: releases[dataset].version for dataset in DATASETS},
        "timezone": _timezone(),
        "total_rows": total,
        "rows_without_point": pointless,
        "undated_rows": undated,
        "first_day": first,
        "last_day": last,
        "newest_created_on": last,
        "newest_updated_at": updated,
    }


def _timezone() -> str:
    """The zone of the days, from the product's own description."""
    described = yaml.safe_load((Path(__file__).parents[2] / "product.yaml").read_text(encoding="utf-8"))
    return str(described.get("timezone") or "UTC")
