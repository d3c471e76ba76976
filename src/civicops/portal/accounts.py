"""Accounts and their roles.

Belongs here: making the roles, giving them, the made-up accounts of the demo, and what django-allauth asks us. Does not belong
here: what a role may do (`access`).
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.db import transaction
from django.http import HttpRequest

from civicops.errors import CivicopsError
from civicops.portal.access import AUDITOR
from civicops.portal.auditing import permission
from civicops.portal.pages import ROLES, Role

SAMPLES: tuple[tuple[str, Role], ...] = (
    ("vera-viewer", "viewer"),
    ("coral-contributor", "contributor"),
    ("stefan-steward", "steward"),
    ("ada-admin", "admin"),
)
"""The made-up people of the demo."""
SAMPLE_AUDITOR = "otto-auditor"


class AccountError(CivicopsError):
    """An account cannot be made or changed."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # django-allauth has no types
    """Nobody makes an account with a password by themselves; an admin does (`civicops portal account`)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether strangers may sign up with a password: never."""
        return False


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # django-allauth has no types
    """Who comes from GitHub or Google gets an account without a role; an admin gives it one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether people of a configured provider may sign in."""
        return True


def ensure_roles() -> None:
    """Make the groups of the four roles and of auditors; does nothing when they are there."""
    for role in (*ROLES, AUDITOR):
        Group.objects.get_or_create(name=role)


def set_role(user: AbstractUser, role: Role | None, *, by: str) -> None:
    """Give an account this role and no other; `None` takes every role away. `by`: the account that does so, for the audit log."""
    with transaction.atomic():
        before = sorted(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
        if before == ([role] if role else []):
            return
        user.groups.remove(*Group.objects.filter(name__in=ROLES))
        if role is not None:
            user.groups.add(Group.objects.get(name=role))
        permission("role", by, user.get_username(), before=", ".join(before) or "none", after=role or "none")


def set_auditor(user: AbstractUser, audits: bool, *, by: str) -> None:
    """Let an account see the audit log, or no longer."""
    with transaction.atomic():
        if user.groups.filter(name=AUDITOR).exists() == audits:
            return
        group = Group.objects.get(name=AUDITOR)
        if audits:
            user.groups.add(group)
        else:
            user.groups.remove(group)
        permission("auditor", by, user.get_username(), after="yes" if audits else "no")


def make_account(
    name: str, role: Role | None, password: str | None = None, *, by: str, audits: bool = False
) -> tuple[AbstractUser, str]:
    """Make an account, or give an existing one a new password and role; returns it and the password.

    Without a password a random one is made. Raises `AccountError` for a name that Django does not take.
    """
    from django.core.exceptions import ValidationError  # noqa: PLC0415 - beside its one use

    model: Any = get_user_model()
    password = password or secrets.token_urlsafe(12)
    user: AbstractUser = model.objects.filter(username=name).first() or model(username=name)
    is_new = user.pk is None
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise AccountError(
            f"'{name}' cannot be an account: {' '.join(error.messages)}", hint="Use letters, digits and -."
        ) from error
    with transaction.atomic():
        user.save()
        permission("account made" if is_new else "password set", by, user.get_username())
        set_role(user, role, by=by)
        set_auditor(user, audits, by=by)
    return user, password


def sample_accounts(host: str) -> Sequence[tuple[str, str, str]]:
    """Make the demo's accounts with new passwords: (name, role, password). Raises `AccountError` for any host but loopback."""
    if not is_loopback(host):
        raise AccountError(
            f"Sample accounts are for this machine only, and '{host}' is open to others.",
            hint="Leave [portal] host and hosts out, or make accounts with `civicops portal account NAME`.",
        )
    found: list[tuple[str, str, str]] = []
    with transaction.atomic():
        for name, role in SAMPLES:
            found.append((name, role, make_account(name, role, by="civicops")[1]))
        found.append((SAMPLE_AUDITOR, AUDITOR, make_account(SAMPLE_AUDITOR, None, by="civicops", audits=True)[1]))
    return found


def remove_samples() -> None:
    """Delete the demo's accounts, so that they never outlive the demo on a portal that others reach."""
    with transaction.atomic():
        names = [*(name for name, _ in SAMPLES), SAMPLE_AUDITOR]
        for user in get_user_model().objects.filter(username__in=names):
            permission("account removed", "civicops", user.get_username())
            user.delete()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
