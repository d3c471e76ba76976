"""311 requests of one year, as the portal would publish them, with everything that is wrong in them written down.

Belongs here: putting together draws, layout and anomalies; writing files; the command line. Does not belong here:
serving them over HTTP (`simulators.socrata`).

    python -m simulators.world.requests --year 2019 --rows 1500000 --out requests.csv
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from simulators.world.anomalies import Planter, duplicates, extra_rows, keys_of, plant, touch
from simulators.world.arrow import Table, pa
from simulators.world.cases import cases_frame
from simulators.world.clock import BULK_UPDATE, REFRESH, TODAY, period_of
from simulators.world.frame import Frame
from simulators.world.layout import Column, System, columns_of, key_of, quoted
from simulators.world.legacy import legacy_frame
from simulators.world.places import NOWHERE, council_lookup

CROSS_YEAR = (2017, 2018)  # one request of the later year also stands in the dataset of the earlier one


@dataclass(frozen=True)
class PlantedAnomalies:
    """The answer key of one dataset.

    `planted`: kind -> request numbers, one per planted row (see `anomalies.KINDS`). `facts`: counts over all published
    rows, duplicates included, of what is true without being planted one by one.
    """

    seed: int
    year: int
    system: System
    rows: int
    planted: dict[str, tuple[str, ...]]
    facts: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Kind -> number of planted rows."""
        return {kind: len(keys) for kind, keys in self.planted.items()}

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self) | {"counts": self.counts}


@dataclass(frozen=True)
class Requests:
    """One dataset: typed values under the portal's headers, its layout, and the truth about it.

    `table` has every column of `columns` that stores something (Location is printed from the coordinates): times are
    timestamps without zone (local), coordinates doubles, the rest text, integers or booleans.
    """

    table: Table
    columns: tuple[Column, ...]
    truth: PlantedAnomalies


def _facts(frame: Frame, system: System, seed: int, year: int) -> dict[str, int]:
    """Counts over all rows; a point is placeable unless it is empty or one of the junk kinds (not the next town)."""
    letter, second, junk = (frame.numpy(x) for x in ("_letter", "_second", "_junk"))
    placeable = ~frame.empty("Latitude") & (junk != 1)
    inside = placeable & (junk == 0)
    single = inside & (letter != NOWHERE) & (second == NOWHERE)
    nowhere = placeable & ((letter == NOWHERE) | (junk == 2))
    ours = np.append(council_lookup(seed, 2024)["code"], 0)[letter]
    said = frame.arrow("NC").cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    crew = frame.equals("RequestSource", ("Driver Self Report", "Driver Self Reported"))
    out = {
        "coordinates_null": int(frame.empty("Latitude").sum()),
        "points_placeable": int(placeable.sum()),
        "points_in_one_council": int(single.sum()),
        "points_in_overlap": int((inside & (second != NOWHERE)).sum()),
        "points_in_no_council": int(nowhere.sum()),
        "points_in_one_council_source_disagrees": int((single & (said != ours)).sum()),
        "points_in_no_council_source_names_one": int((nowhere & (said != 0)).sum()),
        "crew_logged": int(crew.sum()),
        "information_only": int(frame.equals("RequestType", "Information-Only").sum()),
        "without_closed_date": int(frame.empty("ClosedDate").sum()),
        "distinct_requests": len(frame.arrow(key_of(system)).unique()),
    }
    if system == "legacy" and year == 2020:
        out["bulk_updated"] = int((frame.numpy("UpdatedDate") == np.datetime64(BULK_UPDATE, "s")).sum())
    if system == "cases":
        out["reported_with_closed_date"] = int((frame.equals("Status", "Reported") & ~frame.empty("ClosedDate")).sum())
    return out


def _cross_year_row(seed: int) -> Frame:
    """The one request that two yearly datasets hold: the first of the later year."""
    year = CROSS_YEAR[1]
    rng = np.random.default_rng([seed, year, 90])
    first, _ = period_of(year, "legacy")
    frame = legacy_frame(seed, year, rng, 1, first, first + timedelta(days=1), np.datetime64(TODAY, "s"), 1_000_000_001)
    frame.put("CreatedDate", np.array([0]), np.datetime64(first, "s") + np.timedelta64(9, "s"))
    when = np.datetime64(first, "s") + np.timedelta64(5 * 86_400 + 37_098, "s")
    for name in ("ClosedDate", "UpdatedDate"):
        frame.put(name, np.array([0]), when)
    frame.put("Status", np.array([0]), "Closed")
    return frame


def _frame(
    system: System, seed: int, year: int, rng: np.random.Generator, n: int, first: date, end: date,
    until: np.datetime64, serial_from: int | None,
) -> Frame:  # fmt: skip
    make = legacy_frame if system == "legacy" else cases_frame
    return make(seed, year, rng, n, first, end, until, serial_from)


def generate(seed: int, year: int, n: int, system: System | None = None) -> Requests:
    """`n` published rows of a year's dataset, deterministically from the arguments.

    `system` picks one of the two systems of 2025; elsewhere it follows from the year. Raises ValueError for a year or
    system the world does not have, and for n < 200 (the planted anomalies would not fit).
    """
    if n < 200:
        raise ValueError(f"{n} rows cannot hold the planted anomalies: ask for at least 200")
    system = system or ("legacy" if year <= 2025 else "cases")
    first, end = period_of(year, system)
    until = np.datetime64(end if year > TODAY.year else TODAY, "s") + REFRESH
    rng = np.random.default_rng([seed, year, 0 if system == "legacy" else 1])
    base = n - extra_rows(n) - int(year in CROSS_YEAR and system == "legacy")
    frame = _frame(system, seed, year, rng, base, first, end, until, None)
    planter = plant(frame, rng, system, year, np.datetime64(first, "s"), np.datetime64(end, "s"))
    return _publish(planter, system, seed, year, n, until)


def _publish(planter: Planter, system: System, seed: int, year: int, n: int, until: np.datetime64) -> Requests:
    """Rows in order of creation, second copies anywhere, and the request of two years at the end of the earlier one."""
    same, later = duplicates(planter, n, until)
    keys = keys_of(planter.frame, system, planter.rows)
    crosses = year in CROSS_YEAR and system == "legacy"
    base = len(planter.frame)
    rows = np.concatenate([np.arange(base), same, later, np.zeros(int(crosses), dtype=np.int64)])
    position = np.concatenate([np.arange(base), planter.rng.integers(0, base, len(rows) - base)])
    order = np.argsort(position, kind="stable")
    frame = planter.frame.take(rows[order])
    origin = np.argsort(order)  # where row i of `rows` went
    touch(frame, origin[base + len(same) : base + len(same) + len(later)], planter.rng, system)
    if crosses:
        cross = _cross_year_row(seed)
        keys["duplicate_across_years"] = tuple(cross.texts("SRNumber", np.array([0])))
        for name, value in cross.columns.items():
            frame.put(name, origin[-1:], value if isinstance(value, np.ndarray) else value.to_pylist())
    columns = columns_of(system, year)
    stored = [c.header for c in columns if c.kind not in ("point", "location", "none")]
    truth = PlantedAnomalies(seed, year, system, len(frame), keys, _facts(frame, system, seed, year))
    return Requests(frame.table(stored), columns, truth)


def generate_new(seed: int, year: int, n: int, first: date, end: date, serial_from: int, step: int) -> Requests:
    """`n` new, clean Cases rows created in [first, end), numbered after `serial_from`: what the next days bring.

    `step` (1, 2, ...) tells one advance of the world from the next.
    """
    rng = np.random.default_rng([seed, year, 2, step])
    until = np.datetime64(end, "s") + REFRESH
    frame = _frame("cases", seed, year, rng, n, first, end, until, serial_from)
    columns = columns_of("cases", year)
    stored = [c.header for c in columns if c.kind not in ("point", "location", "none")]
    truth = PlantedAnomalies(seed, year, "cases", n, {}, _facts(frame, "cases", seed, year))
    return Requests(frame.table(stored), columns, truth)


def text_query(requests: Requests, *, source: str = "published") -> str:
    """SQL that prints the typed table `source` in the portal's export form."""
    items = [f"{c.portal_text()} AS {quoted(c.header)}" for c in requests.columns]
    return f"SELECT {', '.join(items)} FROM {source}"


def write(requests: Requests, path: Path, *, typed: bool = False) -> None:
    """Write as `.csv` (the portal's export form) or `.parquet` (the same texts, or `typed` values).

    Raises ValueError for another ending.
    """
    with duckdb.connect() as con:
        con.register("arrow", requests.table)
        con.execute("CREATE TABLE published AS SELECT * FROM arrow")  # printing from a table is 4 times as fast
        query = "SELECT * FROM published" if typed else text_query(requests)
        target = str(path).replace("'", "''")
        if path.suffix == ".csv":
            con.execute(f"COPY ({text_query(requests)}) TO '{target}' (HEADER)")
        elif path.suffix == ".parquet":
            con.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        else:
            raise ValueError(f"{path.name}: give a name that ends in .csv or .parquet")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; prints the truth's counts as one JSON line on stdout."""
    parser = argparse.ArgumentParser(prog="python -m simulators.world.requests", description=__doc__)
    parser.add_argument("--year", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--system", choices=["legacy", "cases"], default=None)
    parser.add_argument("--out", type=Path, action="append", required=True, help=".csv or .parquet; may be given twice")
    parser.add_argument("--typed", action="store_true", help="Parquet with typed values instead of the export's texts")
    parser.add_argument("--truth", type=Path, help="write the whole answer key to this JSON file")
    args = parser.parse_args(argv)
    start = time.perf_counter()
    try:
        requests = generate(args.seed, args.year, args.rows, args.system)
        for path in args.out:
            write(requests, path, typed=args.typed)
    except (ValueError, OSError, duckdb.Error) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if args.truth:
        args.truth.write_text(json.dumps(requests.truth.to_json()), encoding="utf-8")
    summary = {"rows": requests.truth.rows, "seconds": round(time.perf_counter() - start, 2)}
    sys.stdout.write(json.dumps(summary | {"counts": requests.truth.counts, "facts": requests.truth.facts}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
