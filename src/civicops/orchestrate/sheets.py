"""Releases as rows in a Google Sheet, for people who live in sheets.

Belongs here: which rows go to which sheet, as `product.yaml` says under `sheets`. Does not belong here: writing them
(`civicops.ingest.google.sheets`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from civicops.checks.sql import parquet, quote
from civicops.errors import CivicopsError
from civicops.ingest.google.sheets import Written, sheets_account, write_rows
from civicops.observe.sheets import last_failed, note_sheets
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, SheetFile, Workspace

_log = logging.getLogger("civicops.sheets")


@dataclass(frozen=True)
class SheetDone:
    """One sheet that was brought up to date."""

    sheet: str
    dataset: str
    version: str
    written: Written


def write_sheets(workspace: Workspace, product: Product) -> tuple[SheetDone, ...]:
    """Bring every sheet of a product up to date with its current releases.

    Raises `CivicopsError` when no spreadsheet is configured, a dataset has no release, or Google refuses.
    """
    if workspace.settings.workspace.preview:
        raise CivicopsError(
            "This workspace is a preview; it writes no sheets that others read.", hint="Export from the real one."
        )
    spreadsheet = product.settings.get("spreadsheet", "")
    if not product.file.sheets or not spreadsheet:
        missing = "no `sheets` in its product.yaml" if not product.file.sheets else "no spreadsheet"
        raise CivicopsError(
            f"'{product.name}' has {missing}.",
            hint=f'Set spreadsheet = "the id in its address" under [products.{product.name}], and share it with the account.',
        )
    account = sheets_account(
        product.settings.get("key_env", "GOOGLE_SERVICE_ACCOUNT_FILE"), url=product.settings.get("url", "")
    )
    store, done = ReleaseStore(workspace.folder("releases")), []
    for wanted in product.file.sheets:
        release = store.find(product.name, wanted.dataset)
        contract = product.contract(wanted.dataset)
        rows = _rows(release.data, wanted, contract.key)
        written = write_rows(account, str(spreadsheet), wanted.title, rows, key=contract.key, marks=wanted.marks)
        done.append(SheetDone(wanted.title, wanted.dataset, release.version, written))
    return tuple(done)


def sheets_after(workspace: Workspace, product: Product, status: str) -> None:
    """Bring a product's sheets up to date after its run, if it has any and its setting `sheets_after_run` does not forbid it.

    After a run with nothing new only if the last try failed. Never raises: what Google says no to is kept, and the monitor
    `sheets` opens an incident; the run has gone well all the same.
    """
    wanted = (
        product.file.sheets and product.settings.get("spreadsheet") and product.settings.get("sheets_after_run", True)
    )
    if not wanted or not (status == "succeeded" or (status == "unchanged" and last_failed(workspace, product.name))):
        return
    error = ""
    try:
        write_sheets(workspace, product)
    except CivicopsError as refused:
        error = f"{refused.message} {refused.hint}".strip()
    except Exception as failure:  # whatever it is, the run is over and published
        _log.debug("updating the sheets of %s failed", product.name, exc_info=True)
        error = f"{type(failure).__name__}: {failure}"
    try:
        note_sheets(workspace, product.name, error)
    except OSError as full:
        _log.warning("How updating the sheets of %s ended could not be kept: %s", product.name, full)


def _rows(data: Path, wanted: SheetFile, key: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of a release with the key first, then the columns that the sheet shows; moments as text in UTC."""
    names = list(dict.fromkeys([*key, *wanted.columns]))
    columns, order = ", ".join(map(quote, names)), ", ".join(map(quote, key))
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(f"SELECT {columns} FROM {parquet([data])} ORDER BY {order}").fetchall()
    return [dict(zip(names, map(_plain, row), strict=True)) for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else value
