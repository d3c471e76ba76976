"""Plans of changes: what each does to everybody, and a button for those who must agree.

Belongs here: what these pages show, and taking down that somebody agrees. Does not belong here: making and applying plans
(`civicops plan`, `civicops apply`), whose word counts (`civicops.change.agreed`).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from civicops.change.agreed import portal_event, said_in_portal
from civicops.change.applied import APPLIED, UNDONE, switched
from civicops.change.plan import FOLDER, Plan, PlanError, load, plans
from civicops.change.plan_words import headline
from civicops.portal.auditing import audit_log, record
from civicops.portal.reading import workspace
from civicops.release.store import ReleaseStore

MOST = 30
"""How many plans are listed, the newest first."""


def listed(request: HttpRequest) -> HttpResponse:
    """The newest plans, with what each does in a sentence."""
    who = request.user.get_username()
    found = []
    for plan in plans(workspace().folder(FOLDER), MOST):
        state = _state(plan)
        waits = (
            state == "open"
            and who in {one.who for one in plan.approvals}
            and said_in_portal(audit_log(), plan)[who] is None
        )
        found.append({"plan": plan, "state": state, "words": headline(plan), "waits": waits})
    return render(request, "portal/plans.html", {"plans": found})


def one(request: HttpRequest, plan: str) -> HttpResponse:
    """One plan; with POST, somebody who must agree says so or takes it back."""
    try:
        found = load(plan, workspace().folder(FOLDER))
    except PlanError as error:
        raise Http404(error.message) from error
    if found.id != plan:
        raise Http404("A plan is named in full.")
    said, who = said_in_portal(audit_log(), found), request.user.get_username()
    if request.method == "POST":
        return _act(request, found, who, is_asked=who in said)
    context: dict[str, Any] = {
        "plan": found,
        "state": _state(found),
        "words": headline(found),
        "approvals": [{"asked": one, "at": said[one.who]} for one in found.approvals],
        "releases": [effect for effect in found.releases if not effect.is_same],
        "same": sum(effect.is_same for effect in found.releases),
        "readers": [
            {"grade": grade, "items": list(items)} for grade, items in groupby(found.readers, key=lambda one: one.grade)
        ],
        "is_asked": who in said,
        "has_agreed": said.get(who) is not None,
    }
    return render(request, "portal/plan.html", context)


def _act(request: HttpRequest, plan: Plan, who: str, *, is_asked: bool) -> HttpResponse:
    if not is_asked:
        raise PermissionDenied("Those agree whom the plan names.")
    what = request.POST.get("action", "")
    if what not in ("agree", "take_back"):
        messages.error(request, "There is no such action; nothing was changed.")
    elif _state(plan) != "open":
        messages.error(request, "The plan is not open any more; nothing was changed.")
    elif event := portal_event(audit_log(), plan, who, agrees=what == "agree"):
        record(event)
        messages.success(request, "You agree to it." if what == "agree" else "You do not agree to it any more.")
    return redirect("plan", plan=plan.id)


def _state(plan: Plan) -> str:
    """`applied`, `undone`, `impossible` or `open`."""
    store = ReleaseStore(workspace().folder("releases"))
    if switched(store, plan.products, f"{APPLIED}{plan.id}", f"{UNDONE}{plan.id}"):
        return "applied"
    if any(switch.reason == f"{UNDONE}{plan.id}" for product in plan.products for switch in store.history(product)):
        return "undone"
    return "impossible" if plan.problems else "open"
