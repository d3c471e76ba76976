"""What a reader sees when something is not there, not for them, or broken.

Belongs here: the answers 400, 403, 404, 500, and a form whose token is missing. Does not belong here: deciding that it is so.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

_WORDS = {
    400: ("That question cannot be read", "Check the address, or start from the home page."),
    403: ("This is not open to you", "If it should be, ask an admin of this portal for the role."),
    404: ("There is no such page", "It may have moved; the catalogue lists everything there is."),
    500: ("Something here is broken", "It was written into the log. Try again in a moment."),
}


def _answer(request: HttpRequest, status: int, told: str = "") -> HttpResponse:
    title, hint = _WORDS[status]
    if request.path.startswith("/api/"):
        return JsonResponse({"message": told or f"{title}.", "hint": hint}, status=status)
    return render(
        request, "portal/failure.html", {"title": title, "told": told, "hint": hint, "status": status}, status=status
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return _answer(request, 400)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _answer(request, 403, str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _answer(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """500, drawn without anything that could be broken as well."""
    title, hint = _WORDS[500]
    if request.path.startswith("/api/"):
        return JsonResponse({"message": f"{title}.", "hint": hint}, status=500)
    return HttpResponse(render_to_string("portal/broken.html", {"title": title, "hint": hint}), status=500)


def token_missing(request: HttpRequest, reason: str = "", **_more: Any) -> HttpResponse:
    """A form that did not come from one of our pages, or from one that was open too long."""
    return _answer(request, 403, "That form was open too long or did not come from here. Load the page again.")
