"""What is wrong with a product, or about to be, without running it.

Belongs here: looking at settings, sources, the portal's catalogue, the last run and the releases, each answer with what to do.
Does not belong here: mending.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from civicops.errors import CivicopsError
from civicops.ingest.declared import product_sources
from civicops.ingest.socrata import catalogue
from civicops.ingest.values import FileSource, SocrataSource, Source, UrlSource
from civicops.observe.held import held_counts
from civicops.orchestrate.sweeping import sweep_all
from civicops.release.store import ReleaseStore
from civicops.runs import RunLog
from civicops.workspace import Product, Workspace

Mark = Literal["ok", "note", "bad"]
LOW_DISK_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: how it is, and what to do about it."""

    mark: Mark
    what: str
    text: str
    hint: str = ""


def diagnose_product(workspace: Workspace, name: str) -> tuple[Diagnosis, ...]:
    """Look at everything a run of the product depends on. Never raises for what it finds, only for an unknown product."""
    sweep_all(workspace)
    product = workspace.product(name)
    found = [Diagnosis("ok", "contracts", f"{len(product.contracts)} contracts can be read")]
    try:
        sources = product_sources(workspace, product)
        found.append(Diagnosis("ok", "sources", f"{len(sources)} sources are described"))
    except CivicopsError as error:
        return (*found, Diagnosis("bad", "sources", error.message, error.hint))
    found.extend(_models(product))
    found.extend(_files(sources))
    found.extend(_portals(product, sources))
    found.extend(_last_run(workspace, product))
    found.extend(_releases(workspace, product))
    held = held_counts(workspace, name)
    if held:
        text = f"{sum(item.rows for item in held):,} findings hold rows back, most often {held[0].check_id}"
        found.append(Diagnosis("note", "quarantine", text, f"civicops quarantine list {name}"))
    free = shutil.disk_usage(_existing(workspace.data)).free
    if free < LOW_DISK_BYTES:
        found.append(
            Diagnosis("bad", "disk", f"{free / 1e9:.1f} GB are free", "Free some space, or civicops release prune")
        )
    return tuple(found)


def _models(product: Product) -> Iterator[Diagnosis]:
    for contract in product.published:
        if not (product.models / f"{contract.dataset}.sql").is_file():
            text = f"{contract.id} has a contract but no model"
            yield Diagnosis("bad", "models", text, f"Write {product.models / (contract.dataset + '.sql')}.")


def _files(sources: tuple[Source, ...]) -> Iterator[Diagnosis]:
    for source in sources:
        if isinstance(source, FileSource) and not source.path.exists():
            text = f"{source.name}: {source.path} does not exist"
            yield Diagnosis("bad", "sources", text, "Put the file there, or change its path in civicops.toml.")


def _portals(product: Product, sources: tuple[Source, ...]) -> Iterator[Diagnosis]:
    """Whether each portal answers, and whether it has datasets that look like ours but are not listed."""
    mine = [source for source in sources if isinstance(source, SocrataSource)]
    listed = {source.dataset_id for source in mine} | {s.url for s in sources if isinstance(s, UrlSource)}
    terms = tuple(product.settings.get("catalogue_terms", ())) or _terms(product)
    for base_url in sorted({source.base_url for source in mine}):
        try:
            entries = {entry.id: entry for term in terms for entry in catalogue(base_url, term)}
        except CivicopsError as error:
            yield Diagnosis("bad", "portal", f"{base_url}: {error.message}", error.hint)
            continue
        yield Diagnosis("ok", "portal", f"{base_url} answers")
        words = [term.lower() for term in terms]
        for entry in sorted(entries.values(), key=lambda item: item.name):
            if entry.id not in listed and any(word in entry.name.lower() for word in words):
                yield Diagnosis(
                    "note", "catalogue", f"the portal has '{entry.name}' ({entry.id}), which is not listed",
                    "Add a line for it to the product's list of datasets, if it belongs there.",
                )  # fmt: skip


def _terms(product: Product) -> tuple[str, ...]:
    """What to search the catalogue for: `catalogue_terms.csv` among the product's lookups, one term a line."""
    path = product.lookups.get("catalogue_terms")
    if path is None:
        return ()
    return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines()[1:] if line.strip())


def _last_run(workspace: Workspace, product: Product) -> Iterator[Diagnosis]:
    last = next(RunLog(workspace.folder("runs")).runs(product.name), None)
    if last is None:
        yield Diagnosis("note", "last run", "it never ran in this workspace", f"civicops run {product.name}")
    elif last.status == "failed":
        yield Diagnosis("bad", "last run", last.message, last.hint)
    else:
        yield Diagnosis("ok", "last run", f"{last.status} at {last.started_at[:19]}Z")


def _releases(workspace: Workspace, product: Product) -> Iterator[Diagnosis]:
    current = ReleaseStore(workspace.folder("releases")).snapshot(product.name)
    missing = [contract.dataset for contract in product.published if contract.dataset not in current]
    if missing:
        yield Diagnosis("note", "releases", f"not published yet: {', '.join(missing)}", f"civicops run {product.name}")
        return
    newest = max((release.created for release in current.values()), default=None)
    if newest is not None:
        hours = (datetime.now(UTC) - newest).total_seconds() / 3600
        limit = product.file.freshness_hours
        late = limit is not None and hours > limit
        text = f"newest release is {hours:,.1f} hours old" + (f", {limit:g} allowed" if late else "")
        yield Diagnosis("bad" if late else "ok", "releases", text, f"civicops run {product.name}" if late else "")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
