"""Runs of a product: a list with charts, one run, and the rows it held back.

Belongs here: what these pages show. Does not belong here: bringing it together (`civicops.portal.running`).
"""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from civicops.errors import CivicopsError
from civicops.observe.held import held_rows
from civicops.portal import running
from civicops.portal.access import has_role
from civicops.portal.reading import run_log, shelf, workspace
from civicops.runs import RunRecord
from civicops.workspace import Product

HELD_SHOWN = 50


def listed(request: HttpRequest, product: str) -> HttpResponse:
    """Every run of a product, newest first, with how rules and held back rows went."""
    found = _product(product)
    text = request.GET.get("page", "1")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    rows, pages = running.run_rows(found, page)
    context = {
        "product": found,
        "runs": rows,
        "page": min(max(page, 1), pages),
        "pages": pages,
        "charts": [name for name in ("rules", "held") if running.chart_of(found, name) is not None],
    }
    return render(request, "portal/runs.html", context)


def chart(request: HttpRequest, product: str, chart: str) -> HttpResponse:
    """One of its charts as a Vega-Lite file."""
    spec = running.chart_of(_product(product), chart)
    if spec is None:
        raise Http404("There is nothing to draw.")
    return JsonResponse(spec)


def one(request: HttpRequest, product: str, run_id: str) -> HttpResponse:
    """Everything that one run did, however old it is."""
    found = _product(product)
    run = _run(product, run_id)
    context = {
        "product": found,
        "run": run,
        "began": datetime.fromisoformat(run.started_at),
        "ended": datetime.fromisoformat(run.finished_at) if run.finished_at else None,
        "accepted": [
            {**item, "left_out": sum(item["ignored"].values())} for item in run.datasets if item["layer"] == "accepted"
        ],
        "published": [
            {**item, "version": run.released.get(item["dataset"], "")}
            for item in run.datasets
            if item["layer"] == "published"
        ],
        "checks": running.checks_of(run),
        "may_see_rows": has_role(request.user, "steward"),
    }
    return render(request, "portal/run.html", context)


def held(request: HttpRequest, product: str, run_id: str, dataset: str) -> HttpResponse:
    """Rows that a run held back, as the source wrote them."""
    found, run = _product(product), _run(product, run_id)
    check = request.GET.get("check", "")[:200]
    try:
        rows = held_rows(workspace(), product, dataset, run=run, check=check or None, limit=HELD_SHOWN)
    except CivicopsError as error:
        raise Http404(error.message) from error
    context = {"product": found, "run": run, "dataset": dataset, "rows": rows, "check": check, "most": HELD_SHOWN}
    answer = render(request, "portal/run_held.html", context)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _product(name: str) -> Product:
    found = shelf().product(name)
    if found is None:
        raise Http404("There is no such product.")
    return found


def _run(product: str, run_id: str) -> RunRecord:
    found = run_log().find(run_id)
    if found is None or found.product != product:
        raise Http404("There is no such run.")
    return found
