"""Drawing a page of a product, for the portal and for a static site alike.

Belongs here: from a `ProductPage` to HTML. Does not belong here: who may see it (the view) and what it builds (`built`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from django.http import HttpRequest
from django.template import engines
from django.template.loader import render_to_string

from civicops.marks import current_marks, open_marks
from civicops.portal.assets import page_entry
from civicops.portal.built import page_files
from civicops.portal.charts import read_charts
from civicops.portal.pages import PageClosedError, PageError, ProductPage, load_page, page_error
from civicops.portal.releases import Releases, readable_releases
from civicops.workspace import Product, Workspace


def find_page(workspace: Workspace, product: Product, name: str) -> tuple[ProductPage, Releases]:
    """A page and the releases it is given. Raises `PageError` when it cannot be loaded."""
    page = load_page(product, name)
    releases = readable_releases(workspace, product, restricted=page.sees_restricted)
    if page.page.marks is not None:
        releases = replace(releases, marks=current_marks(open_marks(workspace), product.name, page.page.marks.dataset))
    return page, releases


def draw(
    request: HttpRequest, workspace: Workspace, page: ProductPage, releases: Releases, *, older: bool = False
) -> str:
    """The HTML of a page. Raises `PageError` when one of its functions or its template fails, `PageClosedError` when data were
    kept from it because they are not public now."""
    try:
        return _drawn(request, workspace, page, releases, older=older)
    except PageError as error:
        if not releases.closed:
            raise
        names = ", ".join(releases.closed)
        message = (
            f"The page {page.product.name}/{page.name} is closed: no ethics review allows {names} to be public now."
        )
        raise PageClosedError(message, hint="`civicops ethics` says what is missing.") from error


def _drawn(request: HttpRequest, workspace: Workspace, page: ProductPage, releases: Releases, *, older: bool) -> str:
    # It asks Django for its settings when it is loaded; finding and building pages does without.
    from civicops.portal.access import has_role  # noqa: PLC0415

    files = page_files(workspace, page, releases, older=older)
    try:
        context = {
            "product": page.product,
            "name": page.name,
            "page": page.page,
            "entry": page_entry(page),
            "charts": read_charts(files),
            "has_files": files is not None,
            "releases": releases,
            "may_mark": page.page.marks is not None and has_role(request.user, page.page.marks.role),
            "marks_version": releases[page.page.marks.dataset].version
            if page.page.marks is not None and page.page.marks.dataset in releases
            else "",
            **(page.page.context(releases) if page.page.context else {}),
        }
        template = page.template_file
        if template is None:
            plain = "portal/page_app.html" if page.page.entry and not page.page.charts else "portal/page.html"
            return render_to_string(plain, context, request)
        return engines["django"].from_string(template.read_text(encoding="utf-8")).render(context, request)
    except PageError:
        raise
    except Exception as error:
        raise page_error(page, "drawn", error) from error


def built_files(workspace: Workspace, page: ProductPage, releases: Releases) -> Path | None:
    """The folder of the files that belong to a drawn page."""
    return page_files(workspace, page, releases, older=True)
