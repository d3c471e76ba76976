"""Making releases: written aside, described, then all datasets of a product switched in together.

Belongs here: `stage`, `publish`, `discard`. Does not belong here: where releases lie (`store`) or which SELECT a contract
means (`sql`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from civicops.contracts import Contract
from civicops.contracts.privacy import Period
from civicops.durable import sync
from civicops.engine_words import without_values
from civicops.errors import CivicopsError
from civicops.release.datapackage import describe, essence, with_version
from civicops.release.files import explained, link_or_copy, write_json
from civicops.release.keys import HashKeys
from civicops.release.sql import literal, release_select
from civicops.release.staging import Staging, open_staging
from civicops.release.store import ReleaseStore
from civicops.release.treatments import ReleaseRefusedError, forget_variables, hash_variables, key_ids
from civicops.release.values import (
    DATA_FILE,
    PACKAGE_FILE,
    Provenance,
    Release,
    Switch,
    version_id,
    version_time,
)

ROW_GROUP_ROWS = 122_880
"""Rows per Parquet row group: the engine's default, spelled out because the bytes of a release depend on it."""
_COMPRESSION_LEVEL = 3
_DOES_NOT_FIT = (
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.BinderException,
    duckdb.InvalidInputException,
)


class ReleaseConflictError(CivicopsError):
    """What is current changed between staging and publishing."""


@dataclass(frozen=True)
class StagedRelease:
    """Data written aside, seen by nobody. Ends in `publish` or `discard`; a process that dies leaves it to be cleaned."""

    contract: Contract
    rows: int
    data_sha256: str
    base: str | None
    """The version that was current when this was made; another one now means that somebody else published."""
    unchanged: Release | None
    """The current release, where it already says exactly this; then nothing new will be published."""
    package: dict[str, Any] = field(repr=False, compare=False)
    _staging: Staging | None = field(repr=False, compare=False)

    @property
    def data(self) -> Path:
        """The Parquet file: aside, or of the current release when unchanged."""
        if self.unchanged is not None:
            return self.unchanged.data
        assert self._staging is not None  # noqa: S101 - one of the two is always there; tells the type checker so
        return self._staging.folder / DATA_FILE


@dataclass(frozen=True)
class Published:
    """The current releases of the datasets that were given, and which of them are new."""

    releases: tuple[Release, ...]
    changed: tuple[str, ...]
    switch: Switch | None
    """`None` when nothing was new."""


def stage(
    con: duckdb.DuckDBPyConnection,
    *,
    contract: Contract,
    select_sql: str,
    provenance: Provenance,
    store: ReleaseStore,
    today: date | None = None,
    keys: HashKeys | None = None,
) -> StagedRelease:
    """Write the rows of `select_sql` as the next release of the contract's dataset, without anybody seeing it yet.

    Columns get the contract's order and types, privacy rules are applied on the way, rows are put into a total order: the
    same rows give the same bytes, whatever their order before and however many threads. The sort spills into the
    `temp_directory` of `con` under its `memory_limit`; both are the caller's to set. `today` (UTC by default) decides which old
    names of renamed columns are still offered and which key of `keys` hashes are made with.

    Raises `ReleaseRefusedError` when a check that stops failed, rows are unaccounted for, or table and contract differ;
    `ReleaseWriteError` when the disk does not take it. Nothing is left behind then.
    """
    _refuse_by_gate(contract, provenance)
    today = today or datetime.now(UTC).date()
    variables = hash_variables(con, contract, keys, today)
    select = release_select(con, contract, select_sql, today, variables)
    current = store.current(contract.product, contract.dataset)
    folder = store.product_folder(contract.product)
    with explained(f"write a release of {contract.id}", folder):
        staging = open_staging(folder, contract.dataset)
        try:
            rows = _write(con, select, staging.folder / DATA_FILE, contract)
            sync(staging.folder / DATA_FILE)
            with (staging.folder / DATA_FILE).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = (staging.folder / DATA_FILE).stat().st_size
            package = describe(contract, provenance, sha256=sha256, size=size, rows=rows, today=today)
            _note_keys(package, key_ids(contract, keys, today))
        except BaseException:
            staging.close()
            raise
        finally:
            forget_variables(con, variables)
    base = current.version if current else None
    if current is not None and _says_the_same(current, package):
        staging.close()
        return StagedRelease(contract, rows, sha256, base, current, package, None)
    return StagedRelease(contract, rows, sha256, base, None, package, staging)


def publish(
    staged: Sequence[StagedRelease],
    *,
    store: ReleaseStore,
    reason: str = "",
    run_id: str | None = None,
    wait: float = 0.0,
    now: datetime | None = None,
) -> Published:
    """Switch all staged datasets of one product in, in one step; those that are unchanged stay as they are.

    `wait`: seconds to wait for another publisher of the product. `now`: the moment of the release, for tests.
    Raises `ReleaseBusyError` (another publisher is at it), `ReleaseConflictError` (somebody published or rolled back since
    staging), `ReleaseWriteError` (disk). After any of them what was current is still current and `discard` is due.
    """
    product = _one_product(staged)
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    with store.writing(product, wait=wait):
        snapshot = store.snapshot(product)
        for item in staged:
            held = snapshot.get(item.contract.dataset)
            if (held.version if held else None) != item.base:
                message = f"{item.contract.id} was published or rolled back by somebody else during this run."
                raise ReleaseConflictError(message, hint="Nothing was changed; look at the release and run again.")
        new = [item for item in staged if item.unchanged is None]
        switch = _place_and_switch(new, store, moment, reason, run_id) if new else None
        after = store.snapshot(product)
    discard(staged)
    return Published(
        releases=tuple(after[item.contract.dataset] for item in staged),
        changed=tuple(item.contract.dataset for item in new),
        switch=switch,
    )


def adopt(contract: Contract, release: Release, *, store: ReleaseStore) -> StagedRelease:
    """Stage the data of a release of another store (a trial's) without copying them, where the file system can.

    Raises `ReleaseWriteError`; `OSError` or `ValueError` when the other release cannot be read.
    """
    package = release.package()
    current = store.current(contract.product, contract.dataset)
    resource = package["resources"][0]
    rows, sha256 = int(resource["rowcount"]), str(resource["hash"]).removeprefix("sha256:")
    base = current.version if current else None
    if current is not None and _says_the_same(current, package):
        return StagedRelease(contract, rows, sha256, base, current, package, None)
    folder = store.product_folder(contract.product)
    with explained(f"take over a release of {contract.id}", folder):
        staging = open_staging(folder, contract.dataset)
        try:
            link_or_copy(release.data, staging.folder / DATA_FILE)
        except BaseException:
            staging.close()
            raise
    return StagedRelease(contract, rows, sha256, base, None, package, staging)


def discard(staged: Sequence[StagedRelease]) -> None:
    """Remove what was staged and not published. Safe to repeat, and after `publish`."""
    for item in staged:
        if item._staging is not None:
            item._staging.close()


def _place_and_switch(
    new: Sequence[StagedRelease], store: ReleaseStore, moment: datetime, reason: str, run_id: str | None
) -> Switch:
    product = new[0].contract.product
    try:
        versions = place(new, store, moment)
        before = {dataset: release.version for dataset, release in store.snapshot(product).items()}
        return store.switch(product, before | versions, action="publish", reason=reason, run_id=run_id, now=moment)
    finally:
        with _best_effort():
            store.settle(product)


def place(new: Sequence[StagedRelease], store: ReleaseStore, moment: datetime) -> dict[str, str]:
    """Rename what was staged of one product into place, current for nobody yet; dataset to version. Only inside `writing`.

    What does not become current afterwards is removed by `store.settle`.
    """
    product = new[0].contract.product
    second = _free_second(new, store, moment)
    versions = {item.contract.dataset: version_id(second, item.data_sha256) for item in new}
    for item in new:
        _finish(item, with_version(item.package, versions[item.contract.dataset], moment))
    store.announce(product, versions)
    for item in new:
        target = store.release(product, item.contract.dataset, versions[item.contract.dataset]).path
        item.data.parent.rename(target)
        # Only what can still be renamed may be written to, so the folder is opened to readers after its files closed.
        target.chmod(0o700 if item.contract.access == "restricted" else 0o755)
        sync(target.parent)
    return versions


def _finish(item: StagedRelease, package: dict[str, Any]) -> None:
    folder = item.data.parent
    (folder / PACKAGE_FILE).unlink(missing_ok=True)  # left by an attempt that found another publisher at work
    write_json(folder / PACKAGE_FILE, package)
    mode = 0o400 if item.contract.access == "restricted" else 0o444
    for name in (DATA_FILE, PACKAGE_FILE):
        (folder / name).chmod(mode)
    sync(folder)


def _note_keys(package: dict[str, Any], ids: Mapping[Period, str]) -> None:
    """Say in the descriptor which key each hashed column was made with; readers may compare hashes of one key only."""
    for rule in package["civicops"]["privacy"]:
        for column in rule["columns"]:
            if column.get("rotates") in ids:
                column["key"] = ids[column["rotates"]]


def _free_second(new: Sequence[StagedRelease], store: ReleaseStore, moment: datetime) -> datetime:
    """The second for the version ids: later than every release there is, so that ids sort in the order of publishing even
    when a clock was set back or two releases fall into one second."""
    second = moment.replace(microsecond=0)
    for item in new:
        contract = item.contract
        known = [release.version for release in store.versions(contract.product, contract.dataset)]
        if known:
            second = max(second, version_time(known[-1]) + timedelta(seconds=1))
    return second


def _write(con: duckdb.DuckDBPyConnection, select: str, path: Path, contract: Contract) -> int:
    options = (
        f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {_COMPRESSION_LEVEL}, "
        f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}, PARQUET_VERSION v1, PER_THREAD_OUTPUT false"
    )
    try:
        with _insertion_order_kept(con):
            row = con.execute(f"COPY (\n{select}\n) TO {literal(str(path))} ({options})").fetchone()
    except _DOES_NOT_FIT as error:
        message = f"A value of {contract.id} does not fit its contract: {without_values(str(error)).splitlines()[0]}"
        # Without its cause, whose words hold the value and would be kept with the run.
        raise ReleaseRefusedError(message, hint="Mend the model or the contract's type.") from None
    return int(row[0]) if row else 0


@contextmanager
def _insertion_order_kept(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Without it the engine may write row groups in the order in which threads finish them."""
    row = con.execute("SELECT current_setting('preserve_insertion_order')").fetchone()
    con.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        if row is not None and not row[0]:
            con.execute("SET preserve_insertion_order = false")


def _says_the_same(current: Release, package: dict[str, Any]) -> bool:
    if not current.is_complete():
        return False
    return essence(current.package()) == essence(package)


def _refuse_by_gate(contract: Contract, provenance: Provenance) -> None:
    """A failed gate leaves the last good release in place; a run that cannot account for every row publishes nothing."""
    failed = [check.id for check in provenance.checks if check.action == "stop" and not check.passed]
    if failed:
        message = f"{contract.id} was not published: {', '.join(failed)} failed. The last release stays."
        raise ReleaseRefusedError(message, hint=f"See `civicops status {contract.product}` for what broke.")
    rows = provenance.conservation
    if rows is not None and rows.missing:
        message = f"{contract.id} was not published: {rows.missing} of {rows.rows_in} rows are unaccounted for."
        raise ReleaseRefusedError(message, hint="This is a fault of the pipeline, not of the data; please report it.")


def _one_product(staged: Sequence[StagedRelease]) -> str:
    if not staged:
        raise ValueError("publish needs at least one staged release")
    products = {item.contract.product for item in staged}
    if len(products) != 1:
        raise ValueError(f"publish takes the datasets of one product, not of {', '.join(sorted(products))}")
    if len({item.contract.dataset for item in staged}) != len(staged):
        raise ValueError("publish was given a dataset twice")
    return products.pop()


@contextmanager
def _best_effort() -> Iterator[None]:
    """For tidying that the next writer repeats anyway: its failure must not hide what happened before it."""
    try:
        yield
    except OSError:
        return
