"""The programming interface, `/api/v1/`: read-only, the same for everybody.

Belongs here: putting routes together, errors as JSON. Does not belong here: what a question means (`questions`) and how it is
answered (`rows`).
"""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import Throttled, ValidationError
from ninja.renderers import JSONRenderer

from civicops import __version__
from civicops.portal.api.questions import QuestionError
from civicops.portal.api.routes import router
from civicops.portal.api.throttle import PerMinute
from civicops.portal.engine import BusyError, TooLongError


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
    description="Published datasets: what there is, what it means, and its rows. Reading only; no account for public data.",
    urls_namespace="api",
    docs_url=None,
    renderer=_Renderer(),
    throttle=[PerMinute(f"{settings.CIVICOPS_WORKSPACE.settings.portal.api_per_minute}/m")],
)
api.add_router("", router)


def _told(request: HttpRequest, status: int, message: str, hint: str = "") -> HttpResponse:
    return api.create_response(request, {"message": message, "hint": hint}, status=status)


@api.exception_handler(QuestionError)
def _question(request: HttpRequest, error: QuestionError) -> HttpResponse:
    return _told(request, error.status, error.message, error.hint)


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
