"""Where products stand: all of them at a glance, and one with evidence, goals, pain points and its way so far.

Belongs here: what these pages show. Does not belong here: measuring (`civicops.govern`).
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from civicops.govern.scorecard import ProductScore, changes, score, scores, trend
from civicops.portal.reading import shelf, workspace

WORDS = {"met": "met", "partly": "partly", "missing": "missing", "not_applicable": "does not apply"}


def listed(request: HttpRequest) -> HttpResponse:
    """Every product against every practice."""
    found = scores(workspace())
    known: dict[str, str] = {result.practice.id: result.practice.title for item in found for result in item.results}
    columns = [{"id": name, "title": title} for name, title in known.items()]
    products = [
        {"score": item, "cells": _cells(item, tuple(known)), "met": item.counts["met"], "gaps": len(item.gaps)}
        for item in found
    ]
    return render(request, "portal/scorecard.html", {"products": products, "practices": columns})


def one(request: HttpRequest, product: str) -> HttpResponse:
    """One product."""
    found = _score(product)
    days = trend(workspace(), product)
    context = {
        "score": found,
        "results": [{"result": item, "word": WORDS[item.found.state]} for item in found.results],
        "changes": changes(days, found),
        "has_chart": len(days) > 1,
        "first": days[0] if days else None,
        "met": found.counts["met"],
    }
    return render(request, "portal/scorecard_product.html", context)


def chart(_request: HttpRequest, product: str) -> HttpResponse:
    """How many practices were met over the last year, as a Vega-Lite file."""
    _score(product)
    days = trend(workspace(), product)
    if len(days) < 2:
        raise Http404("There is nothing to draw yet.")
    import altair as alt  # noqa: PLC0415 - a second that other pages do not need

    values = [{"day": day.day.isoformat(), "met": day.met, "of": day.asked} for day in days]
    drawn = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(interpolate="step-after", point=True)
        .encode(x=alt.X("day:T", title=None), y=alt.Y("met:Q", title="practices met", scale=alt.Scale(domainMin=0)))
        .properties(height=220, width="container")
    )
    return JsonResponse(drawn.to_dict())


def _cells(item: ProductScore, practices: tuple[str, ...]) -> list[dict[str, Any]]:
    by_id = {result.practice.id: result for result in item.results}
    cells = []
    for name in practices:
        result = by_id.get(name)
        state = result.found.state if result else "not_applicable"
        cells.append({
            "state": state, "word": WORDS[state], "binds": bool(result and result.weight == "binds"),
            "title": result.practice.title if result else "", "evidence": result.found.evidence if result else "",
        })  # fmt: skip
    return cells


def _score(name: str) -> ProductScore:
    found = shelf().product(name)
    if found is None:
        raise Http404("There is no such product.")
    return score(workspace(), found)
