"""The programming interface, `/api/v1/`: datasets, the same for everybody, and review, for those who are signed in.

Belongs here: putting routes together, errors as JSON. Does not belong here: what a question means (`questions`) and how it is
answered (`rows`).
"""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, Throttled, ValidationError
from ninja.renderers import JSONRenderer

from civicops import __version__
from civicops.errors import CivicopsError
from civicops.portal.api import review_routes
from civicops.portal.api.questions import QuestionError
from civicops.portal.api.routes import router
from civicops.portal.api.throttle import PerMinute
from civicops.portal.engine import BusyError, TooLongError
from civicops.review.filing import FilingError
from civicops.review.forms import FormError
from civicops.review.intake import LinkError, NoSuggestionError, TooManyError
from civicops.review.kinds import KindError
from civicops.review.values import ConflictError, NotAllowedError, NoTaskError, ReviewError


class _Renderer(JSONRenderer):
    """JSON without NaN and infinities, which the standard does not have; they become null."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> Any:
        """Data to text."""
        return super().render(request, _finite(data), response_status=response_status)


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data


api = NinjaAPI(
    title="civicops",
    version=__version__,
    description="Published datasets: what there is, what it means, and its rows; no account for public data. Review tasks, for "
    "those who are signed in.",
    urls_namespace="api",
    docs_url=None,
    renderer=_Renderer(),
    throttle=[PerMinute(f"{settings.CIVICOPS_WORKSPACE.settings.portal.api_per_minute}/m")],
)
api.add_router("", router)
api.add_router("review", review_routes.router)
api.add_router("review", review_routes.public)


def _told(request: HttpRequest, status: int, message: str, hint: str = "") -> HttpResponse:
    return api.create_response(request, {"message": message, "hint": hint}, status=status)


@api.exception_handler(QuestionError)
def _question(request: HttpRequest, error: QuestionError) -> HttpResponse:
    return _told(request, error.status, error.message, error.hint)


_REVIEW: tuple[tuple[type[CivicopsError], int], ...] = (
    (KindError, 404), (NoTaskError, 404), (NoSuggestionError, 404), (NotAllowedError, 403), (TooManyError, 429),
    (LinkError, 410), (ReviewError, 422), (FormError, 422), (FilingError, 422),
)  # fmt: skip
"""Failures of review and their status; the first that fits."""


def _review(request: HttpRequest, error: Any) -> HttpResponse:
    status = next(status for kind, status in _REVIEW if isinstance(error, kind))
    more: dict[str, Any] = {}
    if isinstance(error, ConflictError):
        status, more = 409, {"seen": error.seen, "now": error.now, "changes": error.changes}
    if isinstance(error, FormError):
        more = {"faults": error.faults}
    return api.create_response(request, {"message": error.message, "hint": error.hint, **more}, status=status)


for _kind, _ in _REVIEW:
    api.add_exception_handler(_kind, _review)


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _told(request, 401, "Nobody is signed in.", "Sign in to the portal first; this uses its session.")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {}
    where = str((first.get("loc") or ("the question",))[-1])
    return _told(request, 422, f"'{where}' cannot be read: {first.get('msg', 'it is not as it should be')}.")


@api.exception_handler(Throttled)
def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    response = _told(request, 429, "Too many questions.", "Wait a minute, or download the dataset as a file.")
    response["Retry-After"] = str(int(error.wait or 60))
    return response


@api.exception_handler(TooLongError)
def _too_long(request: HttpRequest, error: TooLongError) -> HttpResponse:
    return _told(request, 503, error.message, error.hint)


@api.exception_handler(BusyError)
def _busy(request: HttpRequest, error: BusyError) -> HttpResponse:
    response = _told(request, 503, error.message, error.hint)
    response["Retry-After"] = "5"
    return response
