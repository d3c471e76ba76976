"""The public pages as a folder that any web server can serve.

Belongs here: drawing every public page as an anonymous reader would see it, and copying the files that belong to it. Does not
belong here: what the pages show; they are drawn by the same views and templates as in the portal, with relative links.

Nothing restricted gets in: every page is drawn for nobody, and files are copied only of datasets that are public by their
contract and by their release.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import resolve, reverse

from civicops.errors import CivicopsError
from civicops.govern.catalogue import CatalogueError, Teller, items
from civicops.govern.catalogue_dcat import as_text, dcat_us
from civicops.portal import downloads
from civicops.portal.catalogue import Entry, entries
from civicops.portal.drawing import draw, find_page
from civicops.portal.pages import PageClosedError, page_names
from civicops.portal.reading import shelf, store
from civicops.portal.settings import BUILT, PACKAGE
from civicops.workspace import Workspace

MARK = ".civicops-site"
"""Lies in a folder that we wrote, so that only such a folder is ever replaced."""


class ExportError(CivicopsError):
    """The site cannot be written."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    pages: int
    files: int
    size_bytes: int
    without: str = ""
    """Why there is no `data.json`, and what would make one; empty where there is."""


def export_site(
    workspace: Workspace, out: Path, say: Callable[[str], None] = lambda _text: None, *, address: str = ""
) -> Exported:
    """Write the public pages to `out`, all at once: a folder that was exported before is replaced, any other is refused.

    `address` is where it will stand, the setting when left out; only `data.json` needs it. Raises `CatalogueError` for one
    that is none, `ExportError` for a folder that holds something else, `PageError` for a public page that cannot be drawn.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise ExportError(f"{out} holds something that was not exported.", hint="Name a new folder, or empty this one.")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        pages = _write(workspace, part, say)
        without = _catalogue(workspace, part, address)
        (part / MARK).write_text(
            "Written by `civicops export site`; replaced as a whole by the next one.\n", encoding="utf-8"
        )
        shutil.rmtree(out, ignore_errors=True)
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    files = [path for path in out.rglob("*") if path.is_file()]
    return Exported(out, pages, len(files) - pages, sum(path.stat().st_size for path in files), without)


def _catalogue(workspace: Workspace, part: Path, address: str) -> str:
    """Write `data.json`; why it could not be, where it could not."""
    try:
        teller = Teller.of(workspace.settings, address)
        text = as_text(dcat_us(items(shelf().products, store()), teller, store()))
    except CatalogueError as error:
        if address:
            raise  # somebody asked for it
        return f"{error.message} {error.hint}"
    (part / "data.json").write_text(text, encoding="utf-8")
    return ""


def _write(workspace: Workspace, part: Path, say: Callable[[str], None]) -> int:
    pages = 0
    for path in _paths():
        _save(part, path, _drawn(path))
        pages += 1
    for product in shelf().products:
        for name in page_names(product):
            page, releases = find_page(workspace, product, name)
            if not page.page.is_public:
                continue
            say(f"page {product.name}/{name}")
            path = reverse("page", args=[product.name, name])
            try:
                _save(part, path, draw(_request(path), workspace, page, releases).encode())
                _copy_files(workspace, part, path, page, releases)
            except PageClosedError as error:
                say(f"  closed: {error.message}")
                told = {"product": product, "closed": True}
                _save(part, path, render_to_string("portal/page_fault.html", told, _request(path)).encode())
            pages += 1
    for item in entries():
        if item.current is not None and item.access == "public":
            say(f"dataset {item.id}")
            _copy_dataset(part, item)
    _copy_static(part / "static")
    return pages


def _paths() -> Iterator[str]:
    yield reverse("home")
    yield reverse("catalogue")
    yield reverse("interface")
    for product in shelf().products:
        yield reverse("product", args=[product.name])
    for item in entries():
        yield reverse("dataset", args=[item.product.name, item.contract.dataset])


def _request(path: str) -> HttpRequest:
    request: Any = RequestFactory().get(path)
    request.user = AnonymousUser()
    request.exporting = True
    request.csp_nonce = ""
    return request  # type: ignore[no-any-return]


def _drawn(path: str) -> bytes:
    match = resolve(path)
    request = _request(path)
    request.resolver_match = match
    response = match.func(request, *match.args, **match.kwargs)
    if response.status_code != 200:
        raise ExportError(f"{path} cannot be drawn: status {response.status_code}.", hint="Look at it in the portal.")
    return bytes(response.content)


def _save(part: Path, path: str, content: bytes) -> None:
    folder = part / path.strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_bytes(content)


def _copy_files(workspace: Workspace, part: Path, path: str, page: Any, releases: Any) -> None:
    from civicops.portal.built import page_files  # noqa: PLC0415 - beside its one use

    files = page_files(workspace, page, releases)
    if files is not None:
        shutil.copytree(files, part / path.strip("/") / "files")


def _copy_dataset(part: Path, item: Entry) -> None:
    release = item.current
    if release is None:
        return
    folder = part / reverse("version", args=[item.product.name, item.contract.dataset, release.version]).strip("/")
    folder.mkdir(parents=True)
    shutil.copyfile(release.data, folder / f"{item.contract.dataset}.parquet")
    shutil.copyfile(release.path / "datapackage.json", folder / "datapackage.json")
    for kind in downloads.exported_formats(item):
        if kind != "parquet":
            with (folder / f"{item.contract.dataset}.{kind}").open("wb") as stream:
                for piece in downloads.stream(item, release, kind):
                    stream.write(piece)


def _copy_static(out: Path) -> None:
    for folder in (BUILT, PACKAGE / "static"):
        if folder.is_dir():
            shutil.copytree(folder, out, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
