"""What a product gathers itself before the fetch: rows that no connector can give, such as lists read by a layout, or what a
website answered.

Belongs here: running a product's `gather.py` and the folder it writes to. Does not belong here: landing what it wrote (that is
fetched from the folder like any other file, so that nothing downstream knows the difference).

`gather.py` holds `gather(given: Gathering) -> Sequence[Finding]`. It writes `<folder>/<source>/*.ndjson` (whole files, by
`write_rows`) for each `GatheredSource` of the product and may ask the outside world. A source it wrote nothing for is empty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from civicops.errors import CivicopsError
from civicops.ingest.declared import gathered_folder
from civicops.ingest.disk import writing
from civicops.ingest.values import Finding
from civicops.product_code import load_code
from civicops.release.store import ReleaseStore
from civicops.workspace import Product, Workspace, WorkspaceError

MODULE = "gather"


@dataclass(frozen=True)
class Gathering:
    """What `gather` is given: where to write, what is set, what is published now, and the time of the run."""

    folder: Path
    root: Path
    """The workspace's folder, from which relative paths of settings are meant."""
    product: Product
    settings: Mapping[str, Any]
    releases: ReleaseStore
    now: datetime

    def write_rows(self, source: str, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
        """Write rows as one NDJSON file of a source, whole or not at all; the same name replaces it, and no row removes it."""
        path = self.folder / source / f"{name}.ndjson"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            with part.open("w", encoding="utf-8") as stream:
                stream.writelines(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
                stream.flush()
                os.fsync(stream.fileno())
            if part.stat().st_size:
                part.replace(path)
            else:
                part.unlink()
                path.unlink(missing_ok=True)
        return path

    def rows(self, source: str) -> Iterable[dict[str, Any]]:
        """Everything gathered for a source so far, file by file in the order of their names."""
        for path in sorted((self.folder / source).glob("*.ndjson")):
            with path.open(encoding="utf-8") as stream:
                yield from (json.loads(line) for line in stream if line.strip())


def gathering(workspace: Workspace, product: Product, now: datetime) -> Gathering:
    """What a product's `gather` is given."""
    return Gathering(
        gathered_folder(workspace, product.name),
        workspace.root,
        product,
        product.settings,
        ReleaseStore(workspace.folder("releases")),
        now,
    )


def gather(workspace: Workspace, product: Product, now: datetime) -> tuple[Finding, ...]:
    """Let the product gather, if it does.

    Raises `WorkspaceError` that names the file when its code fails.
    """
    module = load_code(product.folder, MODULE)
    if module is None:
        return ()
    path = product.folder / f"{MODULE}.py"
    try:
        return tuple(module.gather(gathering(workspace, product, now)))
    except CivicopsError:
        raise
    except Exception as error:
        raise WorkspaceError(
            f"{path} failed: {type(error).__name__}: {error}", hint="Mend it and run again."
        ) from error
