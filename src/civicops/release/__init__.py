"""Releases: what consumers see, immutable, switched in all at once.

Belongs here: writing a release from a table, its descriptor, the pointer to what is current, comparing, rolling back,
deleting old ones. Does not belong here: deciding whether data is good (`civicops.checks`); the outcome is handed in.
"""

from civicops.release.diff import ColumnChange, DiffError, ReleaseDiff, RowChange, SchemaChange, diff
from civicops.release.files import ReleaseWriteError
from civicops.release.prune import Kept, PrunePlan, PrunePlanError, Retention, plan_prune
from civicops.release.prune import apply as apply_prune
from civicops.release.publish import Published, ReleaseConflictError, StagedRelease, discard, publish, stage
from civicops.release.rollback import RollbackError, rollback
from civicops.release.store import NoReleaseError, ReleaseBusyError, ReleaseStore, ReleaseStoreError
from civicops.release.treatments import ReleaseRefusedError
from civicops.release.values import CheckOutcome, Conservation, InputManifest, Provenance, Release, Switch

__all__ = [
    "CheckOutcome",
    "ColumnChange",
    "Conservation",
    "DiffError",
    "InputManifest",
    "Kept",
    "NoReleaseError",
    "Provenance",
    "PrunePlan",
    "PrunePlanError",
    "Published",
    "Release",
    "ReleaseBusyError",
    "ReleaseConflictError",
    "ReleaseDiff",
    "ReleaseRefusedError",
    "ReleaseStore",
    "ReleaseStoreError",
    "ReleaseWriteError",
    "Retention",
    "RollbackError",
    "RowChange",
    "SchemaChange",
    "StagedRelease",
    "Switch",
    "apply_prune",
    "diff",
    "discard",
    "plan_prune",
    "publish",
    "rollback",
    "stage",
]
