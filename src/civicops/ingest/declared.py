"""What a product's `sources.py` declares, with the replacements of the workspace's settings.

Belongs here: loading that file. Does not belong here: what a source is (`values`), fetching one (`fetch`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from civicops.errors import CivicopsError
from civicops.ingest.values import FileSource, GatheredSource, SocrataSource, Source, UrlSource, override
from civicops.texts import read_text
from civicops.workspace import Product, Workspace, WorkspaceError

GATHERED = "gathered"
"""The room of a workspace where products write the rows they gather themselves."""


def product_sources(workspace: Workspace, product: Product) -> tuple[Source, ...]:
    """What `sources.py` of a product says, with the replacements of `civicops.toml`.

    A relative `path` is meant from the workspace's folder, or its setting `downloads`. Raises `WorkspaceError` when the file is
    missing, fails, or when `civicops.toml` replaces a source that does not exist.
    """
    found = declared_sources(product)
    replaced: Mapping[str, Mapping[str, str]] = product.settings.get("sources", {})
    names = {source.name for source in found}
    # With `only` a product leaves sources out on purpose; their replacements may stay in the file.
    if (unknown := sorted(set(replaced) - names)) and "only" not in product.settings:
        raise WorkspaceError(
            f"civicops.toml replaces a source that '{product.name}' does not have: {', '.join(unknown)}.",
            hint=f"It has: {', '.join(sorted(names))}.",
        )
    return tuple(_placed(workspace, product, source, replaced.get(source.name, {})) for source in found)


def declared_sources(product: Product) -> tuple[Source, ...]:
    """What `sources.py` of a product says, before `civicops.toml` replaces any.

    Raises `WorkspaceError` when the file is missing or fails, `TextFileError` when it is no UTF-8.
    """
    path = product.folder / "sources.py"
    spec = importlib.util.spec_from_file_location(f"civicops_products.{product.name}.sources", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise WorkspaceError(f"{path} is missing.", hint="Every product says there where its rows come from.")
    read_text(path)  # Python lets other bytes pass in a comment, and names neither line nor way out elsewhere
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return tuple(module.sources(product.settings))
    except CivicopsError:
        raise
    except Exception as error:
        raise WorkspaceError(
            f"{path} failed: {type(error).__name__}: {error}.", hint="Mend it and run again."
        ) from error


def gathered_folder(workspace: Workspace, product: str) -> Path:
    """Where a product's gathered rows lie."""
    return workspace.folder(GATHERED) / product


def _placed(workspace: Workspace, product: Product, source: Source, given: Mapping[str, str]) -> Source:
    """A source with what the settings replace of it and its place on this machine."""
    local = workspace.downloads / given["path"] if "path" in given else None
    chosen = override(source, url=given.get("url"), path=local)
    if isinstance(chosen, GatheredSource):
        folder = gathered_folder(workspace, product.name) / chosen.name
        return FileSource(chosen.name, chosen.dataset, folder, "*.ndjson", chosen.note, "ndjson", may_be_empty=True)
    if isinstance(chosen, FileSource) and chosen.path.parts[:1] == ("{data}",):
        return replace(chosen, path=workspace.data.joinpath(*chosen.path.parts[1:]))
    if isinstance(chosen, FileSource) and not chosen.path.is_absolute():
        return replace(chosen, path=workspace.downloads / chosen.path)
    if isinstance(chosen, UrlSource | SocrataSource):
        host = urlsplit(chosen.url if isinstance(chosen, UrlSource) else chosen.base_url).hostname or ""
        return replace(chosen, is_internal=host in workspace.settings.workspace.internal_hosts)
    return chosen
