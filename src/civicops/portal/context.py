"""What every template is given.

Belongs here: the values that the frame of all pages needs. Does not belong here: what one page shows.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from civicops.portal.access import has_role, is_auditor, role_of
from civicops.portal.reading import workspace
from civicops.portal.reviewing import has_kinds
from civicops.portal.settings import providers


def portal(request: HttpRequest) -> dict[str, Any]:
    """Organisation, role of the reader, and whether this page is being written for a static site."""
    exporting = getattr(request, "exporting", False)
    user = getattr(request, "user", None)
    signed_in = bool(user and not exporting and user.is_authenticated)
    return {
        "organisation": workspace().settings.workspace.organisation or "civicops",
        "exporting": exporting,
        "embedded": getattr(request, "embedded", False),
        "signed_in": signed_in,
        "role": role_of(user) if signed_in and user else None,
        "is_admin": bool(signed_in and user and has_role(user, "admin")),
        "can_review": bool(signed_in and user and has_role(user, "viewer") and has_kinds()),
        "is_auditor": bool(signed_in and user and is_auditor(user)),
        "can_see_trouble": bool(signed_in and user and has_role(user, "contributor")),
        "providers": tuple(providers()),
    }
