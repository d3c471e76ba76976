"""How often one address may ask.

Belongs here: counting by address. Does not belong here: the number (`[portal] api_per_minute`) or sign-in, which
django-allauth counts.
"""

from __future__ import annotations

from django.http import HttpRequest
from ninja.throttling import SimpleRateThrottle


class PerMinute(SimpleRateThrottle):
    """So many questions per minute from one address, whoever is signed in there."""

    scope = "api"

    def get_cache_key(self, request: HttpRequest) -> str:
        """What is counted together."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
