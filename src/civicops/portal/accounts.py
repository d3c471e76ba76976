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
from civicops.portal.pages import ROLES, Role

SAMPLES: tuple[tuple[str, Role], ...] = (
    ("vera-viewer", "viewer"),
    ("coral-contributor", "contributor"),
    ("stefan-steward", "steward"),
    ("ada-admin", "admin"),
)
"""The made-up people of the demo."""


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
    """Make the groups of the four roles; does nothing when they are there."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)


def set_role(user: AbstractUser, role: Role | None) -> None:
    """Give an account this role and no other; `None` takes every role away."""
    with transaction.atomic():
        user.groups.remove(*Group.objects.filter(name__in=ROLES))
        if role is not None:
            user.groups.add(Group.objects.get(name=role))


def make_account(name: str, role: Role, password: str | None = None) -> tuple[AbstractUser, str]:
    """Make an account, or give an existing one a new password and role; returns it and the password.

    Without a password a random one is made. Raises `AccountError` for a name that Django does not take.
    """
    from django.core.exceptions import ValidationError  # noqa: PLC0415 - beside its one use

    model: Any = get_user_model()
    password = password or secrets.token_urlsafe(12)
    user: AbstractUser = model.objects.filter(username=name).first() or model(username=name)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise AccountError(
            f"'{name}' cannot be an account: {' '.join(error.messages)}", hint="Use letters, digits and -."
        ) from error
    with transaction.atomic():
        user.save()
        set_role(user, role)
    return user, password


def sample_accounts(host: str) -> Sequence[tuple[str, Role, str]]:
    """Make the demo's accounts with new passwords: (name, role, password). Raises `AccountError` for any host but loopback."""
    if not is_loopback(host):
        raise AccountError(
            f"Sample accounts are for this machine only, and '{host}' is open to others.",
            hint="Leave [portal] host and hosts out, or make accounts with `civicops portal account NAME`.",
        )
    return [(name, role, make_account(name, role)[1]) for name, role in SAMPLES]


def remove_samples() -> None:
    """Delete the demo's accounts, so that they never outlive the demo on a portal that others reach."""
    get_user_model().objects.filter(username__in=[name for name, _ in SAMPLES]).delete()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
