"""Counts by month, place, kind and status: all that a filter over whole months needs.

Belongs here: counting the release once, and the cube files. Does not belong here: single requests (`rows`), waits (`waits`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from .binary import columns, packed, save
from .names import DISTRICT, SOURCE


def count_cells(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `cells` from the view `requests`: one row per combination of month and codes, with its number of requests.

    Requests without a day are in no month and so in no cell.
    """
    con.execute(
        "CREATE OR REPLACE TABLE cells AS SELECT CAST(date_trunc('month', created_on) AS DATE) AS month, "
        "request_type_code AS type_code, "
        f"department_code, {SOURCE} AS source, council_code, {DISTRICT} AS district_code, status_code, "
        "count(*) AS request_count, count(longitude) AS point_count FROM requests WHERE created_on IS NOT NULL GROUP BY ALL"
    )


def write_cubes(con: duckdb.DuckDBPyConnection, folder: Path) -> list[dict[str, Any]]:
    """One file per year that has requests, oldest first, from `cells` and the tables of numbers of `names.read_names`."""
    written = []
    for (year,) in con.execute("SELECT DISTINCT year(month) FROM cells ORDER BY 1").fetchall():
        found = con.execute(
            "SELECT month(c.month) AS month, p.id AS place, k.id AS kind, s.id AS status, "
            "CAST(sum(c.request_count) AS BIGINT) AS count "
            "FROM cells AS c JOIN place_ids AS p USING (council_code, district_code) "
            "JOIN kind_ids AS k USING (type_code, department_code, source) JOIN status_ids AS s USING (status_code) "
            "WHERE year(c.month) = ? GROUP BY ALL ORDER BY ALL",
            [year],
        ).fetchnumpy()
        parts = [
            found["month"].astype("<u1"), found["place"].astype("<u2"), found["kind"].astype("<u2"),
            found["status"].astype("<u1"), found["count"].astype("<u4"),
        ]  # fmt: skip
        file = save(folder, f"cube-{year}", "bin", packed(columns(parts)))
        months = [int(month) for month in np.unique(found["month"])]
        cells: NDArray[Any] = found["month"]
        written.append({"year": year, "months": months, "cells": len(cells), "file": file.file, "bytes": file.size})
    return written
