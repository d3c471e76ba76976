"""What a product shows in the portal: one `Page` per file in the product's `pages/` folder.

Belongs here: the `Page` that such a file holds, finding and loading those files. Does not belong here: drawing pages (`views`)
or keeping what they build (`built`).

A file `products/<product>/pages/<name>.py` holds `PAGE = Page(...)` and becomes the page `/p/<product>/<name>/`. Modules that
only help begin with `_`, or lie in a folder; a page may import them relatively (`from ._shapes import outline`,
`from ..maps import rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from civicops.errors import CivicopsError
from civicops.portal.releases import Releases
from civicops.product_code import code_hash, import_code
from civicops.release.values import is_name
from civicops.workspace import Product

Role = Literal["viewer", "contributor", "steward", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "contributor", "steward", "admin")
"""Who is signed in, least to most; each may do what those before it may."""


class PageError(CivicopsError):
    """A page of a product cannot be loaded, drawn or built."""


class PageClosedError(PageError):
    """A page cannot be drawn because data that it shows are not public now."""


@dataclass(frozen=True)
class Marks:
    """What people may tick off on a page: rows of one of the product's datasets.

    The page's `context` finds what is ticked in `releases.marks`, and its template draws the buttons
    (`portal/parts/mark.html`). A product that wants to work with ticks reads them as a source (`MarkSource`).
    """

    dataset: str
    """The published dataset whose rows may be ticked, found by the key of its contract."""
    role: Role = "contributor"
    """Who may tick, among those who see the page."""


@dataclass(frozen=True)
class Page:
    """What one page shows. Functions are given the product's current releases (`Releases`) and hold no state.

    `title` and `summary` are what the home page says of it. All else may be left out.
    """

    title: str
    summary: str
    is_public: bool = True
    """Whether anybody may see it. Public pages are given public datasets only, and `civicops export site` copies them."""
    role: Role = "viewer"
    """Who may see a page that is not public. From `steward` on it is given restricted datasets too."""
    template: str = ""
    """A Django template beside the file, such as `map.html`. Left out, a page with an entry and no charts gives it the whole
    window below the header; any other shows its charts one below the other."""
    entry: str = ""
    """A TypeScript or JavaScript entry of the web build, beside the file, such as `map/main.ts`; it draws into `#app`."""
    context: Callable[[Releases], Mapping[str, Any]] | None = None
    """Values for the template. `app`, a mapping, becomes `data-` attributes of `#app`."""
    charts: Mapping[str, Callable[[Releases], Any]] = field(default_factory=dict)
    """Id of the chart to a function that returns an `altair` chart; its title and description are shown beside it."""
    build: Callable[[Releases, Path], None] | None = None
    """Writes static files into the given empty folder; called once per set of releases and version of the product's code."""
    marks: Marks | None = None
    """What may be ticked off on it; not on a public page, for a tick names who made it."""


@dataclass(frozen=True)
class ProductPage:
    """A page with where it belongs: its product, its name in the address, and its code."""

    product: Product
    name: str
    page: Page
    code: str
    """A hash over all Python files of the product; when it changes, the page is loaded and built anew."""

    @property
    def folder(self) -> Path:
        """The folder that its template and entry lie in."""
        return self.product.folder / "pages"

    @property
    def template_file(self) -> Path | None:
        """The page's own template, if it has one."""
        return self.folder / self.page.template if self.page.template else None

    @property
    def sees_restricted(self) -> bool:
        """Whether it is given restricted datasets: only where nobody below a steward sees it."""
        return not self.page.is_public and ROLES.index(self.page.role) >= ROLES.index("steward")


def page_error(page: ProductPage, what: str, error: Exception) -> PageError:
    """The failure of one of a page's functions in words; `what` is 'built' or 'drawn'."""
    name = f"{page.product.name}/{page.name}"
    if isinstance(error, CivicopsError):
        return PageError(f"The page {name} cannot be {what}: {error.message}", hint=error.hint)
    message = f"The page {name} cannot be {what}: {type(error).__name__}: {str(error).rstrip('.')}."
    return PageError(message, hint=f"Mend {page.folder / page.name}.py, then load the page again.")


def page_names(product: Product) -> tuple[str, ...]:
    """The names of the product's pages, sorted; nothing is loaded for it."""
    found = (path.stem for path in (product.folder / "pages").glob("*.py"))
    return tuple(sorted(name for name in found if is_name(name)))


def load_page(product: Product, name: str) -> ProductPage:
    """Load one page. Raises `PageError` when there is no such file, when it fails, or when it holds no `PAGE`."""
    path = product.folder / "pages" / f"{name}.py"
    if not is_name(name) or not path.is_file():
        raise PageError(f"Product '{product.name}' has no page '{name}'.", hint=f"It would be {path}.")
    code = code_hash(product.folder)
    try:
        module = import_code(product.folder, f"pages.{name}", code)
    except CivicopsError:
        raise
    except Exception as error:
        raise PageError(
            f"{path} failed: {type(error).__name__}: {error}.", hint="Mend it and load the page again."
        ) from error
    page = getattr(module, "PAGE", None)
    if not isinstance(page, Page):
        hint = "Write PAGE = Page(...); a module that only helps begins with _ or lies in a folder."
        raise PageError(f"{path} holds no PAGE.", hint=hint)
    if page.marks is not None and page.is_public:
        raise PageError(f"{path} is public and has marks, which name people.", hint="Set is_public=False.")
    for beside in filter(None, (page.template, page.entry)):
        if not (path.parent / beside).is_file():
            raise PageError(f"{path} names '{beside}', which is not beside it.", hint="Mend the name or add the file.")
    return ProductPage(product, name, page, code)
