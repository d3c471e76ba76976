"""The portal as a Django application.

Belongs here: its name, and what must be connected before the first request. Does not belong here: anything else that runs when it
is loaded.
"""

from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """`civicops.portal`, called `portal` by Django."""

    name = "civicops.portal"
    label = "portal"

    def ready(self) -> None:
        """Make sign-ins events of the audit log."""
        from civicops.portal.auditing import connect  # noqa: PLC0415 - needs the accounts, which are loaded by now

        connect()
