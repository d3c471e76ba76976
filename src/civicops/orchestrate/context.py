"""One run of one product while it is under way: where everything is, and what has come of it so far.

Belongs here: opening and closing what the steps need, and the growing record. Does not belong here: the steps (`steps`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from civicops.checks.batches import Batch, BatchStore
from civicops.checks.current import CurrentRows
from civicops.checks.suppressed import Suppression
from civicops.checks.values import CheckResult, Conservation
from civicops.contracts import Contract
from civicops.engine_words import without_values
from civicops.errors import CivicopsError
from civicops.ingest.declared import product_sources
from civicops.ingest.landing import Landing
from civicops.ingest.values import Finding, NoProgress, Progress, Source
from civicops.observe.watch import after_run
from civicops.orchestrate.auditing import after_switch, note_contracts
from civicops.orchestrate.closing import close_product
from civicops.orchestrate.locks import product_lock
from civicops.release.keys import HashKeys
from civicops.release.publish import StagedRelease
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog, RunRecord, new_record
from civicops.workspace import Product, Workspace, WorkspaceError


@dataclass(frozen=True)
class Accepted:
    """What checking gave for one accepted dataset: its batches, its current rows and the results of its checks."""

    contract: Contract
    batches: tuple[Batch, ...]
    current: CurrentRows
    conservation: Conservation
    results: tuple[CheckResult, ...]


@dataclass(frozen=True)
class Gated:
    """A finished table with the results of its checks and the release written aside."""

    contract: Contract
    results: tuple[CheckResult, ...]
    staged: StagedRelease


@dataclass
class ProductRun:
    """What every step of a run is given. `record` grows; all else stays."""

    workspace: Workspace
    product: Product
    sources: tuple[Source, ...]
    record: RunRecord
    runs: RunLog
    con: duckdb.DuckDBPyConnection
    landing: Landing
    batches: BatchStore
    releases: ReleaseStore
    temp: Path
    now: datetime
    keys: HashKeys
    """What hashes in releases are made with; a trial uses the real workspace's."""
    full: bool = False
    progress: Progress = field(default_factory=NoProgress)
    accepted: dict[str, Accepted] = field(default_factory=dict)
    """What checking gave in this process, so that a later step need not look it up again."""
    suppressing: tuple[Suppression, ...] = ()
    """Rows to leave out besides those that the product's `suppressed/` folder names."""
    compiled: dict[str, str] = field(default_factory=dict)
    """The SQL of each model that was built in this process."""
    failure: BaseException | None = None
    """What stopped a step, as it was raised; Dagster only passes its text on."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and save the record when it ends well."""
        began = time.monotonic()
        yield
        steps = dict(self.record.steps) | {name: round(time.monotonic() - began, 3)}
        self.record = self.runs.save(replace(self.record, steps=steps))

    def note(self, **changes: Any) -> None:
        """Change fields of the record; saved with the next step."""
        self.record = replace(self.record, **changes)

    def find(self, *findings: Any) -> None:
        """Add findings (any dataclass values with `check_id`, `message`, `count`, `severity`)."""
        self.note(findings=(*self.record.findings, *(asdict(finding) for finding in findings)))


@contextmanager
def open_run(
    workspace: Workspace,
    name: str,
    *,
    trigger: str,
    dagster_run_id: str | None = None,
    wait: float = 0.0,
    full: bool = False,
    progress: Progress | None = None,
) -> Iterator[ProductRun]:
    """Take the product's lock, begin a record, and give the run; whatever happens inside, the record tells how it ended.

    Raises what the steps raise, after recording it; `BusyError` when the product is being run already.
    """
    product = workspace.product(name)
    runs = RunLog(workspace.folder("runs"))
    with product_lock(runs, name, wait=wait):
        record = runs.save(new_record(name, trigger, dagster_run_id))
        temp = workspace.folder("tmp") / record.run_id
        temp.mkdir(parents=True, exist_ok=True)
        con = engine(workspace, temp)
        run = ProductRun(
            workspace=workspace,
            product=product,
            sources=(),
            record=record,
            runs=runs,
            con=con,
            landing=Landing(workspace.folder("landing")),
            batches=BatchStore(workspace.folder("accepted"), workspace.folder("quarantine"), name),
            releases=ReleaseStore(workspace.folder("releases")),
            temp=temp,
            now=datetime.now(UTC),
            keys=HashKeys(workspace.folder("keys")),
            full=full,
            progress=progress or NoProgress(),
        )
        try:
            run.sources = product_sources(workspace, product)
            _refuse_empty(run)
            if wrong := note_contracts(workspace, product, record.run_id):
                run.find(Finding("audit_log", wrong, 1, "flag"))
            yield run
            if not run.record.is_over:
                raise WorkspaceError(f"The run of '{name}' ended before its last step.", hint="Run it again.")
        except CivicopsError as error:
            run.record = runs.end(run.record, "failed", error.message, error.hint)
            raise
        except BaseException as error:
            run.record = runs.end(run.record, "failed", f"{type(error).__name__}: {without_values(str(error))}", "")
            raise
        finally:
            con.close()
            shutil.rmtree(temp, ignore_errors=True)
            if run.record.status == "succeeded":
                after_switch(workspace)
                close_product(workspace, product)
            if product.file.sheets:
                from civicops.orchestrate.sheets import sheets_after  # noqa: PLC0415 - loads Google's clients

                sheets_after(workspace, product, run.record.status)
            after_run(workspace, run.record)


def _refuse_empty(run: ProductRun) -> None:
    """A product that was only just made has nothing to run; say which of its parts is missing.

    One that reads releases of others may do with those: it needs neither a source nor a dataset to put a source's rows into.
    """
    folder, accepted = run.product.folder, run.product.accepted
    only_reads = bool(run.product.file.reads) and not run.sources and not accepted
    for missing, what in (
        (not run.sources and not only_reads, f"has no source yet: name one in {folder / 'sources.py'}"),
        (not accepted and not only_reads, f"accepts no dataset yet: write its contract under {folder / 'contracts'}"),
        (not run.product.published, f"publishes no dataset yet: write its contract under {folder / 'contracts'}"),
    ):
        if missing:
            raise WorkspaceError(
                f"'{run.product.name}' {what}.", hint="docs/tutorial.md goes through it in 15 minutes."
            )


def engine(workspace: Workspace, temp: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the workspace's limits that spills to `temp` and never fetches an extension."""
    con = duckdb.connect()
    settings = workspace.settings.engine
    con.execute(f"SET threads = {settings.threads}")
    con.execute(f"SET memory_limit = '{settings.memory_limit}'")
    con.execute("SET temp_directory = ?", [str(temp)])
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET autoinstall_known_extensions = false")
    return con
