"""What people do in the portal, as events of the audit log; and the log, for those who may see it.

Belongs here: sign-ins, accounts and roles as events, and asking the log. Does not belong here: the log (`civicops.audit`), its
pages (`views.audit`).

An event is written into the outbox by the same transaction as what it is about, and brought into the log right after it.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from allauth.account.signals import password_changed, user_signed_up
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db import connection, transaction
from django.http import HttpRequest

from civicops.audit import Event, Log, open_log, outbox
from civicops.errors import CivicopsError
from civicops.portal.reading import workspace

_log = logging.getLogger("civicops.audit")


def audit_log() -> Log:
    """The log of the workspace that is served."""
    return open_log(workspace())


def record(event: Event) -> None:
    """Log an event together with the transaction that is open, or at once where none is."""
    row = outbox.row(event)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO audit_outbox (key, event) VALUES (%s, %s)", [row["key"], row["event"]])
        transaction.on_commit(flush)


def flush() -> None:
    """Bring what waits into the log; what cannot be brought there now waits on, and the next event brings it along."""
    try:
        audit_log().flush()
    except (CivicopsError, sa.exc.SQLAlchemyError) as error:
        _log.warning("The audit log did not take an event yet: %s", error)


def permission(change: str, by: str, about: str, **content: Any) -> None:
    """Somebody's rights were changed."""
    record(Event("permission", by, "account", {"change": change, **content}, about=about))


def connect() -> None:
    """Make every sign-in an event, whichever way it came, and what people do to their own account."""
    user_logged_in.connect(_signed_in, dispatch_uid="civicops.audit.signed_in")
    user_login_failed.connect(_failed, dispatch_uid="civicops.audit.failed")
    user_signed_up.connect(_signed_up, dispatch_uid="civicops.audit.signed_up")
    password_changed.connect(_new_password, dispatch_uid="civicops.audit.password")


def _signed_in(request: HttpRequest | None = None, user: Any = None, **_more: Any) -> None:
    record(Event("sign_in", user.get_username(), "account", {"outcome": "signed in"}, _where(request)))


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    """What was typed is only kept where it names an account: it may be a password in the wrong field."""
    typed = str(credentials.get("username") or "")
    user = get_user_model().objects.filter(username=typed).first() if typed else None
    known = user.get_username() if user is not None else ""
    content = {"outcome": "refused", "account": "known" if known else "unknown"}
    record(Event("sign_in", "public", "account", content, _where(request), about=known))


def _signed_up(user: Any = None, **_more: Any) -> None:
    permission("account made", user.get_username(), user.get_username())


def _new_password(user: Any = None, **_more: Any) -> None:
    permission("password set", user.get_username(), user.get_username())


def _where(request: HttpRequest | None) -> dict[str, str]:
    if request is None:
        return {}
    from allauth.account.adapter import get_adapter  # noqa: PLC0415 - needs a configured Django

    address = str(get_adapter().get_client_ip(request) or "")
    return {"address": address} if address else {}
