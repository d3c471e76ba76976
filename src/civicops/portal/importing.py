"""Importing a list by the portal: what a column may be, and the commands that read the file.

Belongs here: choices and layouts, calling `civicops import`. Does not belong here: keeping files (`uploads`), pages
(`views.imports`).

Only the commands open an uploaded file, in a process of its own with bounded time and memory: a file made to do harm ends that
process and not the portal, and what a person adds here is what the command adds.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.ingest.disk import writing
from civicops.ingest.tables.fields import can_take_lists, fields_of
from civicops.ingest.tables.layout import COLUMNS, PREFIX, Layout, key_of, layouts_of, missing_columns
from civicops.portal.uploads import Choice, Upload
from civicops.workspace import Product, Workspace

MOST_COLUMNS = 100
"""Of a file on the page; a wider one goes by the commands."""
SECONDS = 180
"""Longest time that reading one file may take."""
MEMORY = 6 * 2**30
"""Bytes of addresses that reading one file may use; most of them are never touched."""
AT_ONCE = 2
"""Files read at the same time; others wait."""
_PROGRAM = f"""\
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
except (ImportError, ValueError, OSError):
    pass
from civicops.cli import main
main()
"""
_room = threading.BoundedSemaphore(AT_ONCE)


def targets(product: Product) -> tuple[Contract, ...]:
    """The datasets of a product that lists can be imported into."""
    return tuple(contract for contract in product.contracts if can_take_lists(contract))


def command(workspace: Workspace, account: str, *words: str) -> dict[str, Any]:
    """The answer of `civicops import ... --json`. Raises `CivicopsError` with the command's own words when it has none."""
    if not _room.acquire(timeout=30):
        raise CivicopsError("Other files are being read just now.", hint="Try again in a minute.")
    try:
        done = subprocess.run(  # noqa: S603 - our own program; no shell, file names as whole arguments
            [sys.executable, "-c", _PROGRAM, "import", *words, "--json"],
            cwd=workspace.root,
            env={**os.environ, "CIVICOPS_WORKSPACE": str(workspace.root), "CIVICOPS_USER": account},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CivicopsError(
            "Reading this file takes too long.", hint="Save the sheet as .csv, or split it, and try again."
        ) from error
    finally:
        _room.release()
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        if not said or done.returncode != 1 or said[0].startswith("Traceback"):
            raise CivicopsError(
                "This file cannot be read; it needs more memory than there is, or it is damaged.",
                hint="Save the sheet as .csv, or split it, and try again.",
            ) from None
        raise CivicopsError(said[0][:500], hint=" ".join(said[1:3])[:500]) from None
    return found


def look_into(workspace: Workspace, account: str, product: Product, contract: Contract, upload: Upload) -> None:
    """Read the header of an upload and choose what is likely for each column. Raises `CivicopsError` for what is no list."""
    found = command(
        workspace, account, "suggest", f"{product.name}.{contract.dataset}", str(upload.path), "--sheet", upload.sheet
    )
    header = [str(name) for name in found["header"]]
    if len(header) > MOST_COLUMNS:
        raise CivicopsError(
            f"The file has {len(header):,} columns; this page takes {MOST_COLUMNS}.",
            hint="Remove those that are not needed, or use the command `civicops import`.",
        )
    upload.header, upload.sheets = header, [str(name) for name in found["sheets"]][:50]
    layouts = {one.code: one for one in layouts_of(product.lookups, list(fields_of(contract)))}
    best = layouts.get(str(found["layout"]))
    fits = best is not None and found["known_share"] >= 0.5 and _tells_places(best, header)
    upload.layout = best.code if best is not None and fits else ""
    if not upload.list_code:
        # A name that has rows already would be replaced by this file; only the very same table is meant for it.
        same = bool(upload.layout) and found["known_share"] == 1 and not missing_columns(layouts[upload.layout], header)
        upload.list_code = upload.layout if same else _code(upload.path.stem)
    choose(upload, product, contract, {str(one["column"]): one for one in found["columns"]})


def _tells_places(layout: Layout, header: Sequence[str]) -> bool:
    """Whether a table read by the layout says which row is which."""
    lines = (layout.columns.get(key_of(name)) for name in header)
    return any(line is not None and (line.rule == "identity" or line.field == "source_id") for line in lines)


def choose(upload: Upload, product: Product, contract: Contract, suggested: dict[str, dict[str, Any]]) -> None:
    """Fill the choices anew: what the layout says of a column, else what is suggested for it, once per field."""
    layouts = layouts_of(product.lookups, list(fields_of(contract)))
    layout = next((one for one in layouts if one.code == upload.layout), None)
    telling = {line.field for one in layouts for line in one.lines if line.rule == "identity"}
    upload.choices = []
    for name in upload.header:
        line = layout.columns.get(key_of(name)) if layout else None
        if line is not None:
            chosen = Choice("ignore" if line.rule == "ignore" else line.field, line.rule == "identity")
        elif name in suggested:
            field = str(suggested[name]["field"])
            chosen = Choice(field, layout is None and field in telling, f"like '{suggested[name]['because']}'")
        else:
            chosen = Choice()
        upload.choices.append(chosen)
    if any(one.field == "source_id" for one in upload.choices):
        for one in upload.choices:
            one.is_identity = one.is_identity and not one.why


def reading(upload: Upload, product: Product, contract: Contract) -> tuple[str, Path | None]:
    """The layout an upload is read by: the product's where nothing was changed, else one of its own and its file."""
    layout = next(
        (one for one in layouts_of(product.lookups, list(fields_of(contract))) if one.code == upload.layout), None
    )
    if layout is not None and _is_as(layout, upload):
        return layout.code, None
    rows = [
        [name, "" if one.field == "ignore" else one.field, _rule(one), "left out when it was imported" * (one.field == "ignore")]
        for name, one in zip(upload.header, upload.choices, strict=True)
        if name and one.field
    ]  # fmt: skip
    given = {one.field for one in upload.choices}
    constants = layout.constants if layout else {}
    rows += [[value, field, "constant", ""] for field, value in constants.items() if field not in given]
    name = f"columns_{hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]}"
    path = upload.folder / f"{PREFIX}{name}.csv"
    with writing(path), path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return name, path


def _rule(choice: Choice) -> str:
    if choice.field == "ignore":
        return "ignore"
    return "identity" if choice.is_identity else ""


def _is_as(layout: Layout, upload: Upload) -> bool:
    for name, one in zip(upload.header, upload.choices, strict=True):
        line = layout.columns.get(key_of(name))
        if not name:
            continue
        if line is None or (line.rule, line.field if line.rule != "ignore" else "ignore") != (_rule(one), one.field):
            return False
    return True


def arguments(upload: Upload, product: Product, contract: Contract) -> Sequence[str]:
    """The words of `civicops import preview` and `add` for an upload as it is chosen now."""
    layout, columns = reading(upload, product, contract)
    return [
        f"{product.name}.{contract.dataset}",
        str(upload.path),
        "--layout",
        layout,
        "--list",
        upload.list_code,
        "--sheet",
        upload.sheet,
        *(["--columns", str(columns)] if columns else []),
    ]


def _code(text: str) -> str:
    """A name for a list, made from a file's name."""
    code = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    return code if code[:1].isalpha() else f"list_{code}".rstrip("_")
