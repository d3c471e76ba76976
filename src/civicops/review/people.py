"""Who acts: a name and a role.

Belongs here: the roles, least to most, and comparing them. Does not belong here: accounts (`civicops.portal`, which knows the
same roles; a test proves them equal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "contributor", "steward", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "contributor", "steward", "admin")
"""Least to most; each may do what those before it may."""
ITSELF = "civicops"
"""Who acts when nobody does."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in: the name of the account, and its role."""

    name: str
    role: Role

    def may(self, least: Role) -> bool:
        """Whether this person has at least that role."""
        return ROLES.index(self.role) >= ROLES.index(least)
