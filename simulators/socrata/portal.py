"""The portal's datasets and their rows: what is published, where it is stored, how it is looked up.

Belongs here: the list of datasets, loading them (from the world on first use, or from a given CSV file), table names,
versions. Does not belong here: HTTP, query languages, faults.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import duckdb

from simulators.socrata.tosql import text_literal
from simulators.world.boundaries import councils_geojson, districts_geojson, population_rows
from simulators.world.city import make_city
from simulators.world.clock import TODAY
from simulators.world.layout import LEGACY_HEADERS, Column, Kind, System, columns_of, key_of, quoted
from simulators.world.requests import PlantedAnomalies, generate

LEGACY_IDS: Final = {
    2015: "ms7h-a45h", 2016: "ndkd-k878", 2017: "d4vt-q4t5", 2018: "h65r-yf5i", 2019: "pvft-t768", 2020: "rq3b-xjk8",
    2021: "97z7-y5bt", 2022: "i5ke-k6by", 2023: "4a4x-mna2", 2024: "b7dx-7gc3", 2025: "h73f-gn57",
}  # fmt: skip
CASES_IDS: Final = {2025: "73a2-6ar5", 2026: "2cy6-i7zn"}
UNLISTED: Final = (2027, "n7q4-w2xk")  # a new year's dataset that no configuration lists yet
COUNCILS_ID, POPULATION_ID = "fu65-dz2f", "nwj3-ufba"
DISTRICT_IDS: Final = {"2012": "cd12-m4r1", "2021": "cd21-m4r1"}
# The portal publishes once a day; a dataset's rows carry that moment (UTC) as :updated_at.
PUBLISHED_AT: Final = datetime(TODAY.year, TODAY.month, TODAY.day, 12, 0)
PROBE_FORMAT: Final = "%m/%d/%Y %I:%M:%S %p"


@dataclass
class Dataset:
    """One published dataset. `columns` is empty for pure geometry. `version` grows with every change of its rows."""

    id: str
    name: str
    columns: tuple[Column, ...]
    kind: Literal["requests", "file", "map", "table"]
    year: int | None = None
    system: System | None = None
    source: Path | None = None
    geojson: Mapping[str, Any] | None = None
    truth: PlantedAnomalies | None = None
    loaded: bool = False
    version: int = 1
    changed_at: datetime = PUBLISHED_AT
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def table(self) -> str:
        """The quoted name of its table."""
        return quoted("d_" + self.id)

    @property
    def update_column(self) -> str | None:
        """Header of the column that says when a row was last changed, for request datasets."""
        return "UpdatedDate" if self.kind == "requests" else None


def _requests_dataset(year: int, dataset_id: str, system: System) -> Dataset:
    name = f"MyLA311 Service Request Data {year}"
    if system == "cases":
        name = "MyLA311 Cases March 2025 to December 2025" if year == 2025 else f"MyLA311 Cases {year}"
    return Dataset(dataset_id, name, columns_of(system, year), "requests", year=year, system=system)


def _file_columns(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[Column, ...]:
    """Columns of a given CSV: texts served back exactly, with date and number values for the portal's known names."""
    probe = f"read_csv({text_literal(str(path))}, all_varchar = true, header = true)"
    headers = [d[0] for d in con.execute(f"SELECT * FROM {probe} LIMIT 0").description]
    known = {c.header: c.kind for c in columns_of("legacy", 2019)}
    out = []
    for header in headers:
        kind: Kind = known.get(header, "text") if header in LEGACY_HEADERS else "text"
        text, stored = quoted(header), quoted(header)
        if kind == "date":
            stored = f"try_strptime({text}, '{PROBE_FORMAT}')"
            bad = con.execute(f"SELECT count(*) FROM {probe} WHERE {text} IS NOT NULL AND {stored} IS NULL").fetchone()
            kind, stored = ("date", stored) if bad == (0,) else ("text", text)
        elif kind == "number":
            stored = f"TRY_CAST({text} AS DOUBLE)"
        else:
            kind = "text"
        field_name = "".join(x if x.isalnum() or x == "_" else "_" for x in header.lower())
        out.append(Column(header, field_name, kind, stored, exact=text))
    return tuple(out)


class Portal:
    """All datasets over one in-memory DuckDB; threads read through cursors of their own, changes take `write_lock`."""

    def __init__(
        self, seed: int, rows_per_year: int, *, unlisted: bool = False, files: Mapping[str, Path] | None = None
    ) -> None:
        self.seed, self.rows_per_year = seed, rows_per_year
        self.con = duckdb.connect(":memory:")
        self.write_lock = threading.RLock()
        self.today, self.step = TODAY, 0
        self.advances: list[dict[str, Any]] = []
        self.lost: Any = None
        """New rows (an Arrow table) that have not reached the portal yet."""
        self.datasets: dict[str, Dataset] = {}
        for year, dataset_id in LEGACY_IDS.items():
            self._add(_requests_dataset(year, dataset_id, "legacy"))
        for year, dataset_id in CASES_IDS.items():
            self._add(_requests_dataset(year, dataset_id, "cases"))
        if unlisted:
            self._add(_requests_dataset(*UNLISTED, "cases"))
        self._add_maps()
        for dataset_id, path in (files or {}).items():
            columns = _file_columns(self.con, path)
            self._add(Dataset(dataset_id, f"Given file {path.stem}", columns, "file", source=path))

    def _add(self, dataset: Dataset) -> None:
        self.datasets[dataset.id] = dataset

    def _add_maps(self) -> None:
        city = make_city(self.seed)
        councils = Dataset(COUNCILS_ID, "Neighborhood Councils (Certified)", (), "map", geojson=councils_geojson(city))
        self._add(councils)
        for plan, dataset_id in DISTRICT_IDS.items():
            shapes = districts_geojson(city, plan)
            self._add(Dataset(dataset_id, f"City Council Districts ({plan} plan)", (), "map", geojson=shapes))
        columns = (
            Column("NC_ID", "nc_id", "number", '"NC_ID"'),
            Column("council_name", "council_name", "text", '"council_name"'),
            Column("sum_pop20", "sum_pop20", "number", '"sum_pop20"'),
        )
        self._add(Dataset(POPULATION_ID, "Census Data by Neighborhood Council", columns, "table"))

    def get(self, dataset_id: str) -> Dataset | None:
        """The dataset with its rows loaded, or None."""
        dataset = self.datasets.get(dataset_id)
        if dataset is None or not dataset.columns:
            return dataset
        with dataset.lock:
            if not dataset.loaded:
                self._load(dataset)
                dataset.loaded = True
        return dataset

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of the calling thread to the shared database."""
        cursor = self.con.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _load(self, dataset: Dataset) -> None:
        with self.cursor() as con:
            if dataset.kind == "file":
                source = f"read_csv({text_literal(str(dataset.source))}, all_varchar = true, header = true)"
                self._create(con, dataset, source)
            elif dataset.kind == "table":
                con.execute("CREATE TEMP TABLE people (NC_ID BIGINT, council_name VARCHAR, sum_pop20 BIGINT)")
                con.executemany("INSERT INTO people VALUES (?, ?, ?)", population_rows(make_city(self.seed)))
                self._create(con, dataset, "people")
                con.execute("DROP TABLE people")
            elif dataset.year is not None:
                made = generate(self.seed, dataset.year, self.rows_per_year, dataset.system)
                dataset.truth = made.truth
                con.register("incoming", made.table)
                self._create(con, dataset, "incoming")
                con.unregister("incoming")

    def _create(self, con: duckdb.DuckDBPyConnection, dataset: Dataset, source: str) -> None:
        """Store rows with the portal's own columns: `_id` is stable and random-looking, `_pos` is where a row lies."""
        con.execute(
            f"CREATE TABLE {dataset.table} AS SELECT *, {_row_id(dataset.id, 'n')} AS _id, n AS _pos, "
            f"{_version('n', 1)} AS _version, {stamp(PUBLISHED_AT)} AS _created, {stamp(PUBLISHED_AT)} AS _updated "
            f"FROM (SELECT *, row_number() OVER () AS n FROM {source}) ORDER BY n"
        )
        con.execute(f"ALTER TABLE {dataset.table} DROP COLUMN n")

    def append(self, con: duckdb.DuckDBPyConnection, dataset: Dataset, source: str, when: datetime) -> None:
        """Add the rows of a relation (same stored columns) at the end. The caller holds `write_lock`."""
        con.execute(
            f"INSERT INTO {dataset.table} BY NAME SELECT * EXCLUDE (n), {_row_id(dataset.id, 'n')} AS _id, n AS _pos, "
            f"{_version('n', dataset.version + 1)} AS _version, {stamp(when)} AS _created, {stamp(when)} AS _updated "
            f"FROM (SELECT *, row_number() OVER () + (SELECT max(_pos) FROM {dataset.table}) AS n FROM {source})"
        )

    def touch(
        self, con: duckdb.DuckDBPyConnection, dataset: Dataset, changes: Mapping[str, str], where: str, when: datetime
    ) -> int:
        """Update rows (header -> SQL value) and move them to the end of the heap, as the portal's storage does.

        Returns how many. The caller holds `write_lock`.
        """
        sets = [f"{quoted(name)} = {value}" for name, value in changes.items()]
        sets += [f"_updated = {stamp(when)}", f"_version = 'rv-' || left(md5(_version || {self.step}), 12)"]
        sets.append(f"_pos = _pos + (SELECT max(_pos) FROM {dataset.table})")
        row = con.execute(f"UPDATE {dataset.table} SET {', '.join(sets)} WHERE {where}").fetchone()
        return 0 if row is None else int(row[0])

    def changed(self, dataset: Dataset, when: datetime) -> None:
        """Note that a dataset's rows are new as of `when`."""
        dataset.version += 1
        dataset.changed_at = max(dataset.changed_at, when)

    def key(self, dataset: Dataset) -> str:
        """The quoted header of the column that identifies a request."""
        return quoted(key_of(dataset.system or "legacy"))

    def now(self) -> datetime:
        """When the portal last published (UTC)."""
        return PUBLISHED_AT + timedelta(days=(self.today - TODAY).days)

    def close(self) -> None:
        """Let go of the database."""
        self.con.close()


def _row_id(dataset_id: str, number: str) -> str:
    digest = f"md5('{dataset_id}' || {number})"
    return f"'row-' || {digest}[1:4] || '.' || {digest}[5:8] || '~' || {digest}[9:16]"


def _version(number: str, version: int) -> str:
    return f"'rv-' || left(md5('{version}.' || {number}), 12)"


def stamp(when: datetime) -> str:
    """An SQL timestamp literal."""
    return f"TIMESTAMP '{when.replace(tzinfo=None).isoformat(sep=' ')}'"


def epoch(when: datetime) -> int:
    """Seconds since 1970 of a naive UTC time."""
    return int(when.replace(tzinfo=UTC).timestamp())
