"""Find food near me: pantries and meals on a list and a map, in English and Spanish.

Belongs here: the page. Does not belong here: the files it reads (`find_files`), what the browser does with them (`find/`).
"""

from __future__ import annotations

from civicops.portal.pages import Page

from .find_files import build

PAGE = Page(
    title="Find food near me",
    summary=(
        "Free groceries and meals near you: what is open now, when, what to bring, and how fresh each detail is. "
        "También en español."
    ),
    template="find.html",
    entry="find/main.ts",
    build=build,
)
