"""Review for those who lead it: backlog, throughput, agreement, and many tasks at once.

Belongs here: the team's page and bulk actions with their preview. Does not belong here: one task (`review`), how figures are
computed (`civicops.review`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import altair as alt
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render

from civicops.portal import reviewing
from civicops.portal.views.review import day_of, person_or_refuse
from civicops.review import asking, automatic, deciding
from civicops.review import bulk as many
from civicops.review import team as figures
from civicops.review.agreement import agreement
from civicops.review.kinds import Kind
from civicops.review.people import Person
from civicops.review.room import Review
from civicops.review.values import ReviewError

_TOLD = 20
"""Tasks that were left alone and are named one by one."""
DAYS = 84
LAST_BULK = "review_last_bulk"
WORDS = {
    "accept": "Accept what is suggested",
    "reject": "Reject what is suggested",
    "approve": "Approve what was submitted",
    "request_changes": "Send back for changes",
    "assign": "Give to somebody",
    "snooze": "Put off until a day",
}
"""What each of `many.ACTIONS` says in the list to choose from."""


def team(request: HttpRequest) -> HttpResponse:
    """How the team does: what waits, what was done, who does what, how well people agree."""
    person, review, now = person_or_refuse(request), reviewing.review(), datetime.now(UTC)
    kinds = _led(person)
    ids = [kind.id for kind in kinds]
    quality: list[dict[str, Any]] = [
        {"kind": kind, "agreement": agreement(review, kind)[0], "report": automatic.report(review, kind)}
        for kind in kinds
    ]
    context = {
        "backlog": figures.backlog(review, now, ids), "members": figures.members(review, now, kinds=ids), "quality": quality,
        "has_months": any(agreed.units for agreed in (item["agreement"] for item in quality)),
    }  # fmt: skip
    return render(request, "portal/review/team.html", context)


def chart(request: HttpRequest, name: str) -> HttpResponse:
    """Answers a day, or agreement by month, as a Vega-Lite file."""
    person, review, now = person_or_refuse(request), reviewing.review(), datetime.now(UTC)
    kinds = _led(person)
    if name == "throughput":
        days = figures.throughput(review, now, days=DAYS, kinds=[kind.id for kind in kinds])
        rows = [
            {"day": item.day.isoformat(), "by": words, "answers": number}
            for item in days
            for words, number in (("people", item.answers), ("without a person", item.automatic))
        ]
        drawn = alt.Chart(alt.InlineData(values=rows)).mark_bar().encode(
            x=alt.X("yearweek(day):T", title="week", axis=alt.Axis(format="%-d %b")),
            y=alt.Y("sum(answers):Q", title="answers", axis=alt.Axis(tickMinStep=1)), color=alt.Color("by:N", title=None),
        )  # fmt: skip
    elif name == "agreement":
        rows = [
            {"month": item.period, "kind": kind.file.title, "share": item.percent}
            for kind in kinds
            for item in agreement(review, kind)[1:]
        ]
        drawn = alt.Chart(alt.InlineData(values=rows)).mark_line(point=True).encode(
            x=alt.X("month:T", timeUnit="yearmonth", title=None), color=alt.Color("kind:N", title=None),
            y=alt.Y("share:Q", title="pairs that agree", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
        )  # fmt: skip
    else:
        raise Http404("There is no such chart.")
    return JsonResponse(drawn.properties(width="container", height=240).to_dict())


def bulk(request: HttpRequest) -> HttpResponse:
    """One action on many tasks: choose, look at what would happen, then do it."""
    person, review, now = person_or_refuse(request), reviewing.review(), datetime.now(UTC)
    kinds = _led(person)
    if not kinds:
        raise PermissionDenied("Leading a kind of task needs a higher role.")
    if request.method == "POST":
        step = request.POST.get("step", "")
        if step == "undo":
            return _take_back(request, review, person)
        try:
            planned = _plan(request, review, person, now)
            if step == "apply":
                return _apply(request, review, planned)
            context = {"plan": planned, "words": WORDS[planned.action], "until": request.POST.get("until", "")}
            return render(request, "portal/review/bulk_preview.html", context)
        except ReviewError as error:
            messages.error(request, str(error))
    chosen = request.GET.get("kind", "")
    text = request.GET.get("q", "").strip()
    wanted = [kind.id for kind in kinds if chosen in ("", kind.id)]
    context = {
        "tasks": asking.tasks(review, now, kinds=wanted, text=text, limit=many.MOST), "kinds": kinds, "chosen": chosen,
        "q": text, "actions": [(name, WORDS[name]) for name in many.ACTIONS], "most": many.MOST,
        "tomorrow": (now + timedelta(days=1)).date().isoformat(), "last": request.session.get(LAST_BULK),
    }  # fmt: skip
    return render(request, "portal/review/bulk.html", context)


def _plan(request: HttpRequest, review: Review, person: Person, now: datetime) -> many.BulkPlan:
    """What was asked for; in the last step, on what was shown in the step before."""
    post = request.POST
    numbers = [int(item) for item in post.getlist("task") if item.isdigit()]
    until = day_of(post["until"]) if post.get("until") else None
    planned = many.plan(
        review, person, post.get("do", ""), numbers, now, reason=post.get("reason", ""), to=post.get("to", "").strip() or None,
        until=until,
    )  # fmt: skip
    if post.get("step") != "apply":
        return planned
    shown = tuple(replace(item, seen=post.get(f"seen-{item.id}", "")) for item in planned.tasks)
    return replace(planned, tasks=shown)


def _apply(request: HttpRequest, review: Review, planned: many.BulkPlan) -> HttpResponse:
    came = many.apply(review, planned, datetime.now(UTC))
    titles = {item.id: item.title for item in planned.tasks}
    if came.done:
        messages.success(request, f"Done with {len(came.done)} task{'s' if len(came.done) != 1 else ''}.")
        if planned.action not in ("assign", "snooze"):
            request.session[LAST_BULK] = {"tasks": list(came.done), "said": reviewing.SAID[planned.action]}
    for number, words in came.left[:_TOLD]:
        messages.error(request, f"Left alone: {titles.get(number) or number}: {words}")
    if len(came.left) > _TOLD:
        messages.error(request, f"{len(came.left) - _TOLD} more were left alone.")
    return redirect("review_bulk")


def _led(person: Person) -> tuple[Kind, ...]:
    return tuple(kind for kind in reviewing.kinds_for(person) if person.may(kind.file.who.approve))


def _take_back(request: HttpRequest, review: Review, person: Person) -> HttpResponse:
    last: dict[str, Any] = request.session.pop(LAST_BULK, None) or {"tasks": []}
    now, done, kept = datetime.now(UTC), 0, 0
    for number in last["tasks"]:
        try:
            deciding.undo(review, number, person, now)
            done += 1
        except ReviewError:
            kept += 1
    messages.success(request, f"Taken back: {done}.")
    if kept:
        messages.error(
            request, f"{kept} could not be taken back: a run has taken them up, or somebody has judged them."
        )
    return redirect("review_bulk")
