"""Who may do what: closed by default.

Belongs here: roles, the rule of every route, and the one place that holds requests to them. Does not belong here: making
accounts (`accounts`) or what a page shows.

A route is a name in `urls`. One without a line in `RULES` is refused for everybody, and a test lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

from civicops.contracts.model import Access
from civicops.portal.pages import ROLES, ProductPage, Role

Who = Literal["anybody", "signed_in", "nobody", "auditor"] | Role
User = AbstractBaseUser | AnonymousUser
AUDITOR = "auditor"
"""Sees the whole audit log and changes nothing. No role above or below the others: an account has it beside its role, or alone,
and being an admin does not include it."""


@dataclass(frozen=True)
class Rule:
    """Who may ask for a route, and with which methods. Which datasets and pages they see in it is asked again there."""

    who: Who
    methods: frozenset[str]


def _read(who: Who) -> Rule:
    return Rule(who, frozenset({"GET", "HEAD"}))


def _write(who: Who) -> Rule:
    return Rule(who, frozenset({"GET", "HEAD", "POST"}))


def _refuse(*names: str) -> dict[str, Rule]:
    return {name: Rule("nobody", frozenset({"GET", "HEAD", "POST"})) for name in names}


RULES: dict[str, Rule] = {
    "home": _read("anybody"),
    "health": _read("anybody"),
    # Only public datasets stand in it, whoever asks.
    "data_json": _read("anybody"),
    "static": _read("anybody"),
    "catalogue": _read("anybody"),
    "lineage": _read("anybody"),
    "product": _read("anybody"),
    "dataset": _read("anybody"),
    "version": _read("anybody"),
    "changes": _read("anybody"),
    "download": _read("anybody"),
    "page": _read("anybody"),
    # The page says which role may tick, and the view asks for it.
    "page_mark": Rule("viewer", frozenset({"POST"})),
    "page_files": _read("anybody"),
    "page_files_short": _read("anybody"),
    "interface": _read("anybody"),
    "incidents": _read("contributor"),
    "incident": _write("contributor"),
    "incident_chart": _read("contributor"),
    "runs": _read("contributor"),
    "runs_chart": _read("contributor"),
    "run": _read("contributor"),
    # Rows as the source wrote them, before anything was taken out of them.
    "run_held": _read("steward"),
    # It names people and what their products lack.
    "scorecard": _read("contributor"),
    "scorecard_product": _read("contributor"),
    "scorecard_chart": _read("contributor"),
    # Owners of what a plan touches agree to it; the view asks who they are.
    "plans": _read("contributor"),
    "plan": _write("contributor"),
    "status": _read("anybody"),
    # The view asks for this machine or a token: Prometheus signs in nowhere.
    "metrics": _read("anybody"),
    # Each kind of task asks for its own least role again.
    # Whoever holds the link may read the status or confirm the record; the link is the key.
    "suggest": _write("anybody"),
    "suggestion": _read("anybody"),
    "confirm": _write("anybody"),
    "review": _read("viewer"),
    "review_next": _write("viewer"),
    "review_team": _read("contributor"),
    "review_chart": _read("contributor"),
    "review_bulk": _write("contributor"),
    "review_list": _read("viewer"),
    "review_task": _write("viewer"),
    "review_draft": _write("viewer"),
    "import_list": _write("steward"),
    "import_file": _write("steward"),
    "people": _write("admin"),
    "audit": _read("auditor"),
    "audit_entry": _read("auditor"),
    "audit_proof": _read("auditor"),
    # They hold no personal data, and are there to be watched by others.
    "audit_files": _read("anybody"),
    "api:openapi-json": _read("anybody"),
    "api:datasets": _read("anybody"),
    "api:dataset": _read("anybody"),
    "api:versions": _read("anybody"),
    "api:rows": _read("anybody"),
    "api:review_kinds": _read("contributor"),
    "api:review_tasks": _read("contributor"),
    "api:review_next": _write("contributor"),
    "api:review_task": _read("contributor"),
    "api:review_decide": _write("contributor"),
    "api:review_undo": _write("contributor"),
    "api:review_reopen": _write("contributor"),
    "api:review_claim": _write("contributor"),
    "api:review_release": _write("contributor"),
    "api:review_draft": _write("contributor"),
    "api:review_assign": _write("contributor"),
    "api:review_snooze": _write("contributor"),
    "api:review_contact": _write("contributor"),
    "api:review_bulk": _write("contributor"),
    "api:review_team": _read("contributor"),
    "api:review_agreement": _read("contributor"),
    "api:review_calibration": _read("contributor"),
    "api:review_mine": _read("contributor"),
    "api:suggest": _write("anybody"),
    # One address, one resource: its rule is found under either name.
    "api:confirmable": _write("anybody"),
    "api:confirm": _write("anybody"),
    "api:suggestion": _read("anybody"),
    "account_login": _write("anybody"),
    "account_logout": _write("signed_in"),
    "account_change_password": _write("signed_in"),
    "account_reauthenticate": _write("signed_in"),
    "account_inactive": _read("anybody"),
    "socialaccount_login_cancelled": _read("anybody"),
    "socialaccount_login_error": _read("anybody"),
    "socialaccount_signup": _write("anybody"),
    "github_login": _write("anybody"),
    "github_callback": _read("anybody"),
    "google_login": _write("anybody"),
    "google_callback": _read("anybody"),
    # What the libraries bring along and we do not offer: signing up with a password, mail addresses, codes by mail.
    **_refuse(
        "api:api-root", "account_signup", "account_email", "account_email_verification_sent", "account_confirm_email",
        "account_set_password", "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
        "account_reset_password_from_key_done", "account_confirm_login_code", "socialaccount_connections",
        "google_login_by_token", "",
    ),
}  # fmt: skip
"""Route to rule; the route without a name is what a library left unnamed."""


def routes(patterns: Iterable[Any], before: str = "") -> Iterator[str]:
    """The name of every route below some of Django's URL patterns, with its namespace, as `RULES` names them."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            space = f"{before}{pattern.namespace}:" if pattern.namespace else before
            yield from routes(pattern.url_patterns, space)
        else:
            yield f"{before}{pattern.name or ''}"


def role_of(user: User) -> Role | None:
    """The highest role of an account; `None` for somebody who is not signed in or has no role yet."""
    if not user.is_authenticated or not user.is_active:
        return None
    account: Any = user
    if not hasattr(account, "civicops_role"):
        names: Iterable[Any] = account.groups.values_list("name", flat=True)
        ranks = [ROLES.index(name) for name in names if name in ROLES]
        account.civicops_role = ROLES[max(ranks)] if ranks else None
    role: Role | None = account.civicops_role
    return role


def is_auditor(user: User) -> bool:
    """Whether an account may see the audit log."""
    if not user.is_authenticated or not user.is_active:
        return False
    account: Any = user
    if not hasattr(account, "civicops_auditor"):
        account.civicops_auditor = AUDITOR in {group.name for group in account.groups.all()}
    return bool(account.civicops_auditor)


def has_role(user: User, least: Role) -> bool:
    """Whether an account has at least this role."""
    role = role_of(user)
    return role is not None and ROLES.index(role) >= ROLES.index(least)


def allows(who: Who, user: User) -> bool:
    """Whether a rule's `who` includes this user."""
    if who in ("anybody", "nobody"):
        return who == "anybody"
    if who == "signed_in":
        return bool(user.is_authenticated)
    if who == AUDITOR:
        return is_auditor(user)
    return has_role(user, who)  # type: ignore[arg-type]


def may_read(user: User, access: Access | str) -> bool:
    """Whether a user may have the rows of a dataset with this access."""
    return access == "public" or (access == "restricted" and has_role(user, "steward"))


def may_see_page(user: User, page: ProductPage) -> bool:
    """Whether a user may see a page of a product."""
    return page.page.is_public or has_role(user, page.page.role)


class RuleMiddleware:
    """Refuses every request whose route has no rule, whose method is not in it, or whose user is not meant by it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Django calls this once it knows the route and before the view."""
        name = request.resolver_match.view_name if request.resolver_match else ""
        rule = RULES.get(name)
        if rule is None:
            raise PermissionDenied(f"The route '{name}' has no rule.")
        if request.method not in rule.methods:
            return HttpResponseNotAllowed(sorted(rule.methods))
        if allows(rule.who, request.user):
            return None
        if not request.user.is_authenticated and name.startswith("api:review_"):
            hint = "Sign in to the portal first; the interface uses its session."
            return JsonResponse({"message": "Nobody is signed in.", "hint": hint}, status=401)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), "account_login")
        raise PermissionDenied("Your account may not do this.")
