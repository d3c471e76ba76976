"""The catalogue, one dataset, its versions and downloads.

Belongs here: pages about datasets. Does not belong here: bringing together what they show (`catalogue`, `changes`, `downloads`).
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response

from civicops.portal import catalogue, downloads, files
from civicops.portal import lineage as pictures
from civicops.portal.access import has_role, may_read
from civicops.portal.changes import changes as work_out
from civicops.portal.changes import is_small, kept_changes, want_changes
from civicops.portal.reading import shelf as read_shelf
from civicops.portal.reading import store, workspace
from civicops.release.described import access_of, package
from civicops.release.diff import DiffError
from civicops.release.store import NoReleaseError
from civicops.release.values import Release


def browse(request: HttpRequest) -> HttpResponse:
    """Every dataset, or those in which all words of `q` occur."""
    text = request.GET.get("q", "")[:200]
    every = catalogue.entries()
    context = {
        "q": text,
        "found": catalogue.search(every, text),
        "total": len(every),
        "products": read_shelf().products,
    }
    return render(request, "portal/catalogue.html", context)


def dataset(request: HttpRequest, product: str, dataset: str) -> HttpResponse:
    """One dataset: what it promises and what there is of it."""
    item = _entry(product, dataset)
    return render(request, "portal/dataset.html", _context(request, item, item.current))


def lineage(request: HttpRequest) -> HttpResponse:
    """Which products read from which; with `product`, its datasets; with `q`, the datasets in which all words occur."""
    shelf = read_shelf()
    text, name = request.GET.get("q", "")[:200], request.GET.get("product", "")[:80]
    chosen = shelf.product(name) if name else None
    if name and chosen is None:
        raise Http404("There is no such product.")
    every = [item for item in catalogue.entries() if chosen is None or item.product.name == name]
    found = catalogue.search(every, text)
    counts = pictures.counts(shelf, [(item.product.name, item.contract.dataset) for item in found])
    context = {
        "q": text,
        "chosen": chosen,
        "drawing": pictures.of_product(shelf, chosen) if chosen else pictures.overview(shelf, shelf.products),
        "found": [(item, *counts[item.id]) for item in found],
        "total": len(every),
        "not_followed": pictures.tables(shelf).not_followed,
    }
    return render(request, "portal/lineage.html", context)


def version(request: HttpRequest, product: str, dataset: str, version: str) -> HttpResponse:
    """One version of a dataset, as it was described when it was made."""
    item = _entry(product, dataset)
    return render(request, "portal/dataset.html", _context(request, item, _release(item, version)) | {"pinned": True})


def _context(request: HttpRequest, item: catalogue.Entry, release: Release | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if release is not None:
        try:
            told = package(release)
        except (OSError, ValueError):
            release = None
    access = access_of(item.contract, release)
    readable = may_read(request.user, access)
    checks = catalogue.checks(item, release)
    versions = catalogue.versions(item)
    return {
        "item": item,
        "contract": item.contract,
        "release": release,
        "access": access,
        "may_read": readable,
        "review": item.review if access == "public" else None,
        # Why it is closed may say what could go wrong: for those who can do something about it.
        "closed_because": item.contract.restricted_because if has_role(request.user, "contributor") else "",
        "resource": told.get("resources", [{}])[0],
        "sources": told.get("sources", []),
        "provenance": told.get("civicops", {}),
        # Smallest and largest values are values: they are for who may have the rows.
        "columns": catalogue.columns(item, release if readable else None),
        "checks": checks,
        "broken": [row for row in checks if row.passed is False or row.count],
        "told_checks": [row for row in checks if not (row.implied and row.passed and not row.count)],
        "plain_checks": [row for row in checks if row.implied and row.passed and not row.count],
        "versions": versions,
        "row": next((row for row in versions if release and row.release.version == release.version), None),
        "lineage": catalogue.dataset_lineage(item),
        "neighbours": pictures.neighbours(read_shelf(), item.product, item.contract.dataset),
        "formats": downloads.formats(item),
        "exported_formats": downloads.exported_formats(item),
    }


def changes(request: HttpRequest, product: str, dataset: str, version: str) -> HttpResponse:
    """What changed between a version and the one before it."""
    item = _entry(product, dataset)
    new = _release(item, version)
    old = next((row.before for row in catalogue.versions(item) if row.release.version == version), None)
    if old is None:
        raise Http404("There is no version before it.")
    for release in (old, new):
        _refuse(request, item, release)
    context: dict[str, Any] = {"item": item, "contract": item.contract, "old": old, "new": new}
    try:
        context["found"] = kept_changes(workspace(), old, new)
        if context["found"] is None and is_small(old, new):
            context["found"] = work_out(workspace(), old, new)
    except DiffError as error:
        context["fault"] = str(error)
    if not context.get("found") and "fault" not in context:
        want_changes(workspace(), old, new)
        return render(request, "portal/changes.html", context | {"waiting": True}, status=202)
    return render(request, "portal/changes.html", context)


def download(request: HttpRequest, product: str, dataset: str, version: str, name: str) -> HttpResponseBase:
    """A version as a file: Parquet as it is, CSV and GeoJSON made while they are sent."""
    item = _entry(product, dataset)
    release = _release(item, version)
    _refuse(request, item, release)
    stem, _, kind = name.rpartition(".")
    is_public = access_of(item.contract, release) == "public"
    cache = files.FOREVER if is_public else files.NEVER
    if name == "datapackage.json":
        return files.send(request, release.path / "datapackage.json", cache=cache)
    if stem != dataset or kind not in downloads.formats(item):
        raise Http404("There is no such file.")
    if kind == "parquet":
        return files.send(request, release.data, cache=cache, download=f"{dataset}-{version}.parquet")
    etag = f'"{version}.{kind}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        body = downloads.stream(item, release, kind) if request.method == "GET" else iter(())
        response = StreamingHttpResponse(body, content_type=downloads.TYPES[kind])
        response["Content-Disposition"] = f'attachment; filename="{dataset}-{version}.{kind}"'
    response["ETag"], response["Cache-Control"] = etag, cache
    return response


def _entry(product: str, dataset: str) -> catalogue.Entry:
    found = catalogue.entry(product, dataset)
    if found is None:
        raise Http404("There is no such dataset.")
    return found


def _release(item: catalogue.Entry, version: str) -> Release:
    try:
        return store().find(item.product.name, item.contract.dataset, version)
    except NoReleaseError as error:
        raise Http404("There is no such version.") from error


def _refuse(request: HttpRequest, item: catalogue.Entry, release: Release) -> None:
    if not may_read(request.user, access_of(item.contract, release)):
        raise PermissionDenied("This dataset is for stewards only; its page says who answers for it.")
