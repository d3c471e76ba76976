"""Lists of a product as people add them and take them back: one at a time, with a way back, on the audit log.

Belongs here: the lock around an import, the rows as they were before it, its event. Does not belong here: reading the file
(`importing`), asking for it (`cli.importing`, `civicops.portal`).

Before a list is written, its rows are kept below `before/` (`civicops.ingest.tables.kept`). A process that dies between the two
leaves a list without a way back, never one with a wrong one.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from civicops.audit import Event, open_log
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.ingest.disk import writing
from civicops.ingest.tables.fields import fields_of
from civicops.ingest.tables.kept import BEFORE, name_of_rows, source_name, way_back
from civicops.ingest.tables.layout import PREFIX
from civicops.ingest.values import SourceError
from civicops.orchestrate.gathering import Gathering, gathering
from civicops.orchestrate.importing import FILES, LIST_CODE, Preview, take_in
from civicops.orchestrate.locks import product_lock
from civicops.release.history import who_acts
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

KEPT = 5
"""How many steps back are kept for each list."""
WAIT_SECONDS = 20.0
"""How long an import waits for a run that is under way."""
_log = logging.getLogger("civicops.audit")


def add_list(
    workspace: Workspace,
    product: Product,
    contract: Contract,
    path: Path,
    *,
    layout: str,
    list_code: str,
    sheet: str = "",
    columns: Path | None = None,
) -> Preview:
    """Take a file in as the rows of one list, while no run of the product reads them, and log it.

    `columns`: a layout that is no lookup of the product; it is kept beside the file. Raises `SourceError` as `take_in` does and
    `BusyError` while a run is under way.
    """
    given = gathering(workspace, product, datetime.now(UTC))
    with product_lock(RunLog(workspace.folder("runs")), product.name, wait=WAIT_SECONDS):
        place = _place(given, product, contract, list_code)
        kept = _keep(given, place)
        done = take_in(
            product, contract, path, layout=layout, list_code=list_code, given=given, sheet=sheet, columns=columns
        )
        if columns is not None:
            target = given.folder / FILES / f"{PREFIX}{layout}.csv"
            with writing(target):
                shutil.copyfile(columns, target)
        after = name_of_rows(place)
        if after == name_of_rows(kept):
            kept.unlink()
        else:
            kept.replace(kept.with_name(f"{place.stem}.{after}.ndjson"))
            _forget(kept.parent, place.stem)
    content = {"change": "added", "list": list_code, "layout": layout, "rows": done.usable, "sha256": _sha256(path)}
    _record(workspace, contract, content)
    return done


def undo_list(workspace: Workspace, product: Product, contract: Contract, list_code: str) -> int:
    """Give a list the rows it had before the file that was added last; returns how many these are.

    A list that was new is removed. Raises `SourceError` when nothing was added, or the list has changed since.
    """
    given = gathering(workspace, product, datetime.now(UTC))
    with product_lock(RunLog(workspace.folder("runs")), product.name, wait=WAIT_SECONDS):
        place = _place(given, product, contract, list_code)
        kept = way_back(given.folder, place)
        if not place.exists() or not kept.exists():
            raise SourceError(
                f"There is nothing to take back in list '{list_code}'.",
                hint="Add its last right file again; a list is always given whole.",
            )
        rows = sum(1 for _ in kept.open("rb"))
        with writing(place):
            if rows:
                kept.replace(place)
            else:
                place.unlink()
                kept.unlink()
    _record(workspace, contract, {"change": "taken back", "list": list_code, "rows": rows})
    return rows


def _place(given: Gathering, product: Product, contract: Contract, list_code: str) -> Path:
    if not LIST_CODE.fullmatch(list_code):
        raise SourceError(
            f"'{list_code}' cannot be the name of a list.", hint="Use lower-case letters, digits and '_'."
        )
    fields_of(contract)  # refuses a dataset that lists are not for
    return given.folder / source_name(product, contract) / f"{list_code}.ndjson"


def _keep(given: Gathering, place: Path) -> Path:
    """Copy the rows a list has now to where a way back is kept; an empty file for a list that is new."""
    kept = given.folder / BEFORE / place.parent.name / f".{place.stem}.pending"
    with writing(kept):
        kept.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            shutil.copyfile(place, kept)
        else:
            kept.write_bytes(b"")
    return kept


def _forget(folder: Path, name: str) -> None:
    steps = sorted(folder.glob(f"{name}.*.ndjson"), key=lambda path: path.stat().st_mtime_ns)
    for path in steps[:-KEPT]:
        path.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _record(workspace: Workspace, contract: Contract, content: dict[str, object]) -> None:
    """Log what was done. It is done by then, so that a log which cannot take it is only said."""
    try:
        open_log(workspace).append(Event("import", who_acts(), contract.id, content))
    except (CivicopsError, OSError, sa.exc.SQLAlchemyError) as error:
        _log.warning("The audit log did not take the import: %s", error)
