"""Answers to `HEAD`: the headers of `GET` and nothing else.

Belongs here: taking the content away. Does not belong here: anything about routes; the web server sends whatever it is given, and
what follows the headers would be taken for the next answer on the same connection.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase


class HeadMiddleware:
    """Outermost of all, so that it sees every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked_for_headers = request.method == "HEAD"
        if asked_for_headers and request.path.startswith("/api/"):
            # django-ninja knows no HEAD.
            request.method = "GET"
        response = self.get_response(request)
        if asked_for_headers and isinstance(response, HttpResponse):
            length = response.headers.get("Content-Length", str(len(response.content)))
            response.content = b""
            response["Content-Length"] = length
        return response
