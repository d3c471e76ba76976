"""Who has which role.

Belongs here: the one page on which an admin gives roles. Does not belong here: signing in (django-allauth) or what roles may do
(`access`).
"""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from civicops.portal.access import is_auditor, role_of
from civicops.portal.accounts import set_auditor, set_role
from civicops.portal.pages import ROLES, Role


def people(request: HttpRequest) -> HttpResponse:
    """List accounts; with POST, give one of them a role. Nobody changes their own, so that an admin always stays."""
    accounts = get_user_model().objects
    if request.method == "POST":
        name, role = request.POST.get("username", ""), request.POST.get("role", "")
        user = cast(AbstractUser | None, accounts.filter(username=name).first())
        if user is None or (role not in ROLES and role != "none"):
            messages.error(request, "There is no such account or role; nothing was changed.")
        elif user == request.user:
            messages.error(request, "You cannot change your own role; ask another admin.")
        else:
            by, audits = request.user.get_username(), request.POST.get("auditor") == "yes"
            set_role(user, None if role == "none" else cast(Role, role), by=by)
            set_auditor(user, audits, by=by)
            words = "without a role" if role == "none" else f"a {role}"
            messages.success(request, f"{name} is now {words}{' and an auditor' if audits else ''}.")
        return redirect("people")
    listed = accounts.order_by("username").prefetch_related("groups")[:500]
    context = {"people": [(one, role_of(one), is_auditor(one)) for one in listed], "roles": ROLES}
    return render(request, "portal/people.html", context)
