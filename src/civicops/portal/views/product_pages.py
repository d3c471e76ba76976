"""Pages of products and their files.

Belongs here: who may see them and how they are sent. Does not belong here: drawing (`drawing`) and building (`built`).
"""

from __future__ import annotations

import logging

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from civicops.portal import files
from civicops.portal.access import has_role, may_see_page
from civicops.portal.drawing import built_files, draw, find_page
from civicops.portal.pages import PageError, ProductPage, page_names
from civicops.portal.reading import shelf, workspace
from civicops.portal.releases import Releases

_log = logging.getLogger("civicops.portal")


def page(request: HttpRequest, product: str, name: str) -> HttpResponse:
    """A page of a product. With `?embed` a public one has no frame and may stand in other people's pages."""
    try:
        found, releases = _find(request, product, name)
        request.embedded = found.page.is_public and "embed" in request.GET  # type: ignore[attr-defined]
        response = HttpResponse(draw(request, workspace(), found, releases, older=True))
    except PageError as error:
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


def _find(request: HttpRequest, product: str, name: str) -> tuple[ProductPage, Releases]:
    owner = shelf().product(product)
    if owner is None or name not in page_names(owner):
        raise Http404("There is no such page.")
    found, releases = find_page(workspace(), owner, name)
    if not may_see_page(request.user, found):
        # As if it were not there: its title alone may say too much.
        raise Http404("There is no such page.")
    return found, releases
