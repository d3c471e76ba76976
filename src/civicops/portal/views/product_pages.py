"""Pages of products and their files.

Belongs here: who may see them, how they are sent, and ticking off rows on them. Does not belong here: drawing
(`drawing`) and building (`built`).
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import duckdb
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from civicops.marks import NOTE_LENGTH, Mark, add_mark, open_marks
from civicops.portal import files
from civicops.portal.access import has_role, may_see_page
from civicops.portal.drawing import built_files, draw, find_page
from civicops.portal.pages import PageClosedError, PageError, ProductPage, page_names
from civicops.portal.reading import shelf, workspace
from civicops.portal.releases import Releases
from civicops.release.sql import identifier
from civicops.release.store import ReleaseStore

_log = logging.getLogger("civicops.portal")


def page(request: HttpRequest, product: str, name: str) -> HttpResponse:
    """A page of a product. With `?embed` a public one has no frame and may stand in other people's pages."""
    try:
        found, releases = _find(request, product, name)
        request.embedded = found.page.is_public and "embed" in request.GET  # type: ignore[attr-defined]
        response = HttpResponse(draw(request, workspace(), found, releases, older=True))
    except PageClosedError as error:
        told = f"{error} {error.hint}" if has_role(request.user, "contributor") else ""
        context = {"told": told, "product": shelf().product(product), "closed": True}
        return render(request, "portal/page_fault.html", context, status=403)
    except PageError as error:
        owner = shelf().product(product)
        if owner is not None and not ReleaseStore(workspace().folder("releases")).snapshot(product):
            # It has nothing to show yet, which is no fault of the page.
            return render(request, "portal/page_fault.html", {"product": owner, "waits": True}, status=503)
        _log.error("%s", error)
        told = str(error) if has_role(request.user, "contributor") else ""
        return render(
            request, "portal/page_fault.html", {"told": told, "product": shelf().product(product)}, status=500
        )
    if request.embedded:  # type: ignore[attr-defined]
        response.xframe_options_exempt = True
        response._csp_replace = {"frame-ancestors": ["*"]}  # type: ignore[attr-defined]
    return response


def page_file(request: HttpRequest, product: str, name: str, path: str) -> HttpResponseBase:
    """A file that the page built. Those with a hash in their name never change."""
    try:
        found, releases = _find(request, product, name)
        folder = built_files(workspace(), found, releases)
    except PageError as error:
        raise Http404("This page cannot be built now.") from error
    if folder is None:
        raise Http404("There is no such file.")
    cache = files.BRIEFLY if found.page.is_public else files.NEVER
    response = files.send(request, files.below(folder, path), cache=cache)
    if found.page.is_public:
        response["Access-Control-Allow-Origin"] = "*"
    return response


@require_POST
def mark(request: HttpRequest, product: str, name: str) -> HttpResponse:
    """Tick off a row of a page, or undo it. The row must be in the dataset as it is now; whoever may not is refused."""
    try:
        found, releases = _find(request, product, name)
    except PageError as error:
        raise Http404("This page cannot be shown now.") from error
    marks, user = found.page.marks, request.user
    if marks is None:
        raise Http404("Nothing can be ticked off here.")
    if not has_role(user, marks.role):
        raise PermissionDenied("Your account may not tick off here.")
    key, is_set = request.POST.get("key", ""), request.POST.get("action", "") == "set"
    back = redirect("page", product=product, name=name)
    if request.POST.get("action", "") not in ("set", "unset") or not _is_row(releases, marks.dataset, key):
        messages.error(request, "There is no such row any more; nothing was changed.")
        return back
    note = " ".join(request.POST.get("note", "").split())[:NOTE_LENGTH]
    version = request.POST.get("version", "")[:100]
    made = Mark(datetime.now(UTC), product, marks.dataset, key, version, is_set, note, user.get_username())
    add_mark(open_marks(workspace()), made)
    messages.success(request, "Ticked off." if is_set else "It is open again.")
    return back


def _is_row(releases: Releases, dataset: str, key: str) -> bool:
    """Whether the dataset has a row with this key (`civicops.marks.key_text`)."""
    if dataset not in releases:
        return False
    columns = releases.product.contract(dataset).key
    try:
        values = json.loads(key)
        if (
            not isinstance(values, list)
            or len(values) != len(columns)
            or not all(isinstance(one, str) for one in values)
        ):
            return False
        where = " AND ".join(f"{identifier(column)} = ?" for column in columns)
        with releases.connect() as con:
            return bool(
                con.execute(f"SELECT count(*) FROM {identifier(dataset)} WHERE {where}", values).fetchall()[0][0]
            )
    except (ValueError, duckdb.ConversionException):
        return False


def _find(request: HttpRequest, product: str, name: str) -> tuple[ProductPage, Releases]:
    owner = shelf().product(product)
    if owner is None or name not in page_names(owner):
        raise Http404("There is no such page.")
    found, releases = find_page(workspace(), owner, name)
    if not may_see_page(request.user, found):
        # As if it were not there: its title alone may say too much.
        raise Http404("There is no such page.")
    return found, releases
