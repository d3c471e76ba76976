"""The requests of one month: what the map draws and filters of each, and in the same order all that the release says of it.

Belongs here: the `rows` and `details` files of a month, and handing its waits on. Does not belong here: counting (`cubes`,
`waits`).

Requests with a point come first, by day and along a Z-curve, so that what lies together in a day stands together in the file;
then those without one, by day. Ties stand in the order of the release (`created_at`, `request_id`).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .binary import Frame, Written, columns, packed, save
from .names import DISTRICT, SOURCE
from .waits import UNTIL, WAITED, WaitCells, count_waits

GROUP = 4_096
"""Rows per row group of a details file: a browser fetches one group to show one request."""
ONCE = ("request_id", "created_at", "updated_at", "closed_at", "hours_to_close", "address", "longitude", "latitude")
"""Columns whose values hardly repeat: a list of the different ones would only add to the file."""
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class MonthRows:
    """What was written for one month; `entry` stands in the manifest."""

    entry: dict[str, Any]
    waits: WaitCells


def prepare_months(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `watched`, once before the months."""
    con.execute(f"CREATE OR REPLACE TABLE watched AS {UNTIL}")


def write_month(
    con: duckdb.DuckDBPyConnection, month: date, frame: Frame, kind_types: NDArray[np.int64], folder: Path
) -> MonthRows:
    """Write both files of the month that begins with `month`. `kind_types` is the type of each kind, by number."""
    days = calendar.monthrange(month.year, month.month)[1]
    table = con.execute(
        "SELECT r.*, p.id AS __place, k.id AS __kind, s.id AS __status, "
        f"CASE WHEN r.is_resident_demand THEN {WAITED} END AS __waited "
        "FROM (SELECT * FROM requests WHERE created_on BETWEEN ? AND ?) AS r "
        f"JOIN place_ids AS p ON r.council_code = p.council_code AND {DISTRICT.replace('district_code', 'r.district_code')} "
        "= p.district_code "
        "JOIN kind_ids AS k ON r.request_type_code = k.type_code AND r.department_code = k.department_code "
        f"AND {SOURCE} = k.source "
        "JOIN status_ids AS s ON r.status_code = s.status_code "
        "JOIN watched AS w ON r.source_dataset = w.source_dataset ORDER BY r.created_at, r.request_id",
        [month, month.replace(day=days)],
    ).to_arrow_table()
    place, kind, status = (_numbers(table, name).astype(np.int64) for name in ("__place", "__kind", "__status"))
    day = (_numbers(table, "created_on").astype("datetime64[D]") - np.datetime64(month)).astype(np.int64)
    x, y = frame.quantised(_numbers(table, "longitude"), _numbers(table, "latitude"))
    pointless = np.isnan(_numbers(table, "longitude"))
    order = np.lexsort((np.where(pointless, 0, z_curve(x, y)), day, pointless))
    hours = _numbers(table, "hours_to_close").astype("<f4")
    parts = [
        x, y, day.astype("<u1"), kind.astype("<u2"), place.astype("<u2"), status.astype("<u1"), hours,
    ]  # fmt: skip
    name = f"{month:%Y-%m}"
    rows = save(folder, f"rows-{name}", "bin", packed(columns(part[order] for part in parts)))
    public = table.drop_columns([column for column in table.column_names if column.startswith("__")])
    details = _details(public.take(order), name, folder)
    waited = table.column("__waited")
    known = np.asarray(waited.is_valid())
    waits = count_waits(
        place[known],
        kind_types[kind[known]],
        waited.drop_null().to_numpy().astype(np.int64),
        np.asarray(table.column("is_closed").fill_null(pa.scalar(False)))[known],
    )
    entry = {
        "month": name, "first_day": (month - EPOCH).days, "days": days, "rows": len(order),
        "with_point": int((~pointless).sum()), "rows_file": rows.file, "rows_bytes": rows.size,
        "details_file": details.file, "details_bytes": details.size,
    }  # fmt: skip
    return MonthRows(entry, waits)


def z_curve(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.uint32]:
    """The place of each point on the Z-curve: the bits of both numbers (u16), taken in turn."""
    return _spread(x) | (_spread(y) << np.uint32(1))


def _spread(values: NDArray[Any]) -> NDArray[np.uint32]:
    bits = values.astype(np.uint32)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint32(shift))) & np.uint32(mask)
    return bits


def _details(table: pa.Table, name: str, folder: Path) -> Written:
    """All columns of the release; no statistics and no Arrow schema, a tenth of what is fetched for one row otherwise."""
    sink = pa.BufferOutputStream()
    # The stubs know yes and no only, not a list of columns.
    repeated = cast("bool", [name for name in table.column_names if name not in ONCE])
    pq.write_table(
        table.replace_schema_metadata(None), sink, row_group_size=GROUP, compression="snappy", use_dictionary=repeated,
        write_statistics=False, store_schema=False,
    )  # fmt: skip
    return save(folder, f"details-{name}", "parquet", sink.getvalue().to_pybytes())


def _numbers(table: pa.Table, name: str) -> NDArray[Any]:
    """A column as numbers; nulls of floating columns are NaN."""
    return np.asarray(table.column(name).to_numpy())
