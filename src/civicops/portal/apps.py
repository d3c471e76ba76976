"""The portal as a Django application.

Belongs here: its name. Does not belong here: anything that runs when it is loaded.
"""

from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """`civicops.portal`, called `portal` by Django."""

    name = "civicops.portal"
    label = "portal"
