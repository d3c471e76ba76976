"""Home, one product, the page for programs, and the portal's own files.

Belongs here: what a visitor sees first. Does not belong here: datasets (`datasets`) and pages of products (`product_pages`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from civicops.errors import CivicopsError
from civicops.govern.catalogue import CatalogueError, Teller, items
from civicops.govern.catalogue_dcat import as_text, dcat_us
from civicops.portal import files
from civicops.portal.access import has_role, may_see_page
from civicops.portal.catalogue import entries, source_checks
from civicops.portal.importing import targets
from civicops.portal.pages import ProductPage, load_page, page_names
from civicops.portal.reading import newest_run, run_log, shelf, store, workspace
from civicops.portal.settings import BUILT, PACKAGE
from civicops.portal.state import product_states, state_of
from civicops.workspace import Product


@dataclass(frozen=True)
class Shown:
    """The pages of one product that a reader may see, and what is wrong with those that cannot be loaded."""

    pages: tuple[ProductPage, ...]
    faults: tuple[str, ...]


def shown_pages(request: HttpRequest, product: Product) -> Shown:
    """Every page of the product that this reader may see."""
    pages, faults = [], []
    for name in page_names(product):
        try:
            page = load_page(product, name)
        except CivicopsError as error:
            faults.append(str(error))
            continue
        if may_see_page(request.user, page):
            pages.append(page)
    return Shown(tuple(pages), tuple(faults))


def home(request: HttpRequest) -> HttpResponse:
    """Every product as a card, with its state in words."""
    cards = []
    for state in product_states():
        product = shelf().product(state.name)
        cards.append((state, shown_pages(request, product) if product else Shown((), ())))
    return render(request, "portal/home.html", {"cards": cards, "datasets": sum(state.datasets for state, _ in cards)})


def product(request: HttpRequest, product: str) -> HttpResponse:
    """One product: state, pages, datasets, what its checks found, its newest runs."""
    found = shelf().product(product)
    if found is None:
        raise Http404("There is no such product.")
    last = newest_run(product)
    may_import = not getattr(request, "exporting", False) and has_role(request.user, "steward")
    context = {
        "product": found,
        "state": state_of(found),
        "shown": shown_pages(request, found),
        "entries": [entry for entry in entries() if entry.product.name == product],
        "source_checks": source_checks(found),
        "last": last,
        "success": run_log().last_success(product),
        "imports": targets(found) if may_import else (),
    }
    return render(request, "portal/product.html", context)


def interface(request: HttpRequest) -> HttpResponse:
    """How programs read the datasets, with examples that work."""
    public = [entry for entry in entries() if entry.access == "public" and entry.current]
    limits = workspace().settings.portal
    return render(request, "portal/interface.html", {"example": public[0] if public else None, "limits": limits})


def static(request: HttpRequest, path: str) -> HttpResponseBase:
    """A file of the web build, or one of ours that it does not touch. Those with a hash in their name never change."""
    folder = BUILT if (BUILT / path).is_file() else PACKAGE / "static"
    cache = files.FOREVER if re.search(r"^assets/.+-[\w-]{8}\.\w+$", path) else files.BRIEFLY
    return files.send(request, files.below(folder, path), cache=cache)


def data_json(request: HttpRequest) -> HttpResponse:
    """What is public, for catalogues that harvest it (DCAT-US 3.0)."""
    settings = workspace().settings
    address = settings.portal.address or request.build_absolute_uri("/")
    try:
        teller = Teller.of(settings, address, answers=True)
        found = dcat_us(items(shelf().products, store()), teller, store())
    except CatalogueError as error:
        return JsonResponse({"message": error.message, "hint": error.hint}, status=404)
    answer = HttpResponse(as_text(found), content_type="application/json")
    answer["Cache-Control"] = files.BRIEFLY
    # To be read by programs of other sites: everything in it is public.
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def health(request: HttpRequest) -> HttpResponse:
    """Whether the portal answers and can read its workspace, for whoever watches it."""
    return HttpResponse(f"ok {len(shelf().products)} products\n", content_type="text/plain")
