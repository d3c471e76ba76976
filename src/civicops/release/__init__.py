"""Releases: what consumers see, immutable, switched in all at once.

Belongs here: writing a release from a table, its descriptor, the pointer to what is current, comparing, rolling back,
deleting old ones. Does not belong here: deciding whether data is good (`civicops.checks`); the outcome is handed in.
"""

from civicops.release.files import ReleaseWriteError
from civicops.release.publish import Published, ReleaseConflictError, StagedRelease, discard, publish, stage
from civicops.release.sql import ReleaseRefusedError
from civicops.release.store import NoReleaseError, ReleaseBusyError, ReleaseStore, ReleaseStoreError
from civicops.release.values import CheckOutcome, Conservation, InputManifest, Provenance, Release, Switch

__all__ = [
    "CheckOutcome",
    "Conservation",
    "InputManifest",
    "NoReleaseError",
    "Provenance",
    "Published",
    "Release",
    "ReleaseBusyError",
    "ReleaseConflictError",
    "ReleaseRefusedError",
    "ReleaseStore",
    "ReleaseStoreError",
    "ReleaseWriteError",
    "StagedRelease",
    "Switch",
    "discard",
    "publish",
    "stage",
]
