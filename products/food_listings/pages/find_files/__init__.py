"""The files that the page 'find food near me' reads, and its downloads: all of them from public releases.

Belongs here: making files. Does not belong here: drawing them (`find/`), deciding what is public (the models).
"""

from .build import build

__all__ = ["build"]
