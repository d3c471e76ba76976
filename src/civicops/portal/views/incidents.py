"""Incidents, the public status page, and numbers for Prometheus.

Belongs here: who sees what of them, and what people do to an incident. Does not belong here: bringing it together (`watching`).
"""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from civicops.observe.asking import Incident, attempts, events
from civicops.observe.incidents import IncidentError, acknowledge, resolve
from civicops.observe.messages import HOW_BAD, what_to_do
from civicops.portal import watching
from civicops.portal.access import has_role
from civicops.portal.accounts import is_loopback
from civicops.portal.auditing import flush
from civicops.portal.reading import workspace

TOKEN = "CIVICOPS_METRICS_TOKEN"  # noqa: S105 - the name of a variable
NOTE_LENGTH = 2000


def listed(request: HttpRequest) -> HttpResponse:
    """Open incidents, the worst first; with `?all` every one."""
    every = "all" in request.GET
    found = watching.all_incidents() if every else watching.open_incidents()
    return render(request, "portal/incidents.html", {"incidents": found, "every": every})


def one(request: HttpRequest, number: int) -> HttpResponse:
    """One incident with everything that happened to it; with POST, what somebody does about it."""
    found = _find(number)
    if request.method == "POST":
        return _act(request, found)
    database = watching.database()
    context = {
        "incident": found,
        "how_bad": HOW_BAD[found.severity],
        "to_do": what_to_do(found),
        "details": found.details(people=has_role(request.user, "steward")),
        "events": events(database, number),
        "attempts": attempts(database, number),
        "has_chart": watching.chart_of(found) is not None,
        "may_resolve": has_role(request.user, "steward"),
    }
    return render(request, "portal/incident.html", context)


def chart(request: HttpRequest, number: int) -> HttpResponse:
    """The chart of an incident as a Vega-Lite file."""
    spec = watching.chart_of(_find(number))
    if spec is None:
        raise Http404("There is nothing to draw.")
    return JsonResponse(spec)


def status(request: HttpRequest) -> HttpResponse:
    """How every product is, for anybody: no details, no names."""
    states = watching.public_states()
    trouble = [state for state in states if state.mark != "fresh"]
    return render(request, "portal/status.html", {"states": states, "trouble": trouble, "now": datetime.now(UTC)})


def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus: for this machine, or for who brings the token that the environment names."""
    wanted = os.environ.get(TOKEN, "")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if wanted:
        allowed = hmac.compare_digest(given.encode(), wanted.encode())
    else:
        # Behind a proxy everybody seems to be on this machine.
        is_proxied = workspace().settings.portal.proxies > 0 or "X-Forwarded-For" in request.headers
        allowed = is_loopback(request.META.get("REMOTE_ADDR", "")) and not is_proxied
    if not allowed:
        raise PermissionDenied(f"Set {TOKEN} and send it as a bearer token.")
    return HttpResponse(watching.metrics(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _find(number: int) -> Incident:
    try:
        return watching.one_incident(number)
    except IncidentError as error:
        raise Http404(error.message) from error


def _act(request: HttpRequest, found: Incident) -> HttpResponse:
    what, note = request.POST.get("action", ""), request.POST.get("note", "")[:NOTE_LENGTH]
    who = request.user.get_username()
    try:
        if what == "acknowledge":
            acknowledge(watching.database(), found.id, who, note, datetime.now(UTC))
            flush()
            messages.success(request, "You take care of it; it is not repeated any more.")
        elif what == "resolve":
            if not has_role(request.user, "steward"):
                raise PermissionDenied("Stewards say that an incident is over.")
            resolve(watching.database(), found.id, who, note, datetime.now(UTC))
            flush()
            messages.success(request, "It is resolved.")
        else:
            messages.error(request, "There is no such action; nothing was changed.")
    except IncidentError as error:
        messages.error(request, str(error))
    return redirect("incident", number=found.id)
