"""Deleting old releases by a stated rule.

Belongs here: which releases may go (`plan_prune`, a value that can be printed and refused) and deleting them (`apply`).
Does not belong here: landing, quarantine or runs; each of those has a retention of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from civicops.errors import CivicopsError
from civicops.release.files import remove_folder
from civicops.release.store import ReleaseStore
from civicops.release.values import Release


class PrunePlanError(CivicopsError):
    """The plan no longer fits what is on the disk."""


@dataclass(frozen=True)
class Retention:
    """Keep the newest `newest` releases of a dataset, and the newest one of each of the last `months` months (UTC).

    `months=None`: of every month there is.
    """

    newest: int = 10
    months: int | None = None

    def __post_init__(self) -> None:
        if self.newest < 1 or (self.months is not None and self.months < 0):
            raise ValueError("retention keeps at least one release, and no negative number of months")


@dataclass(frozen=True)
class Kept:
    """A release that stays, and every reason for it."""

    release: Release
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class PrunePlan:
    """What would be deleted from one product and what stays. Nothing has happened yet."""

    product: str
    keep: tuple[Kept, ...]
    remove: tuple[Release, ...]
    bytes_freed: int


def plan_prune(
    store: ReleaseStore, product: str, retention: Retention | None = None, *, dataset: str | None = None
) -> PrunePlan:
    """Say what the rule (by default `Retention()`) keeps and what may go, for one dataset or all of the product.

    Always kept, whatever the rule: the current release, the one before it, and those that the last rollback went from and to.
    """
    retention = retention or Retention()
    keep: list[Kept] = []
    remove: list[Release] = []
    for name in [dataset] if dataset else store.datasets(product):
        releases = store.versions(product, name)
        reasons = _reasons(store, product, name, releases, retention)
        for release in releases:
            why = reasons.get(release.version, [])
            if why:
                keep.append(Kept(release, tuple(why)))
            else:
                remove.append(release)
    freed = sum(path.stat().st_size for release in remove for path in release.path.iterdir())
    return PrunePlan(product, tuple(keep), tuple(remove), freed)


def apply(store: ReleaseStore, plan: PrunePlan, *, wait: float = 0.0) -> tuple[Release, ...]:
    """Delete what the plan removes; a release is gone in one step, never seen half deleted. Safe to repeat.

    Returns those that were there to delete. Raises `PrunePlanError`, with nothing deleted, when the plan would take what has
    become current since; `ReleaseBusyError`, `ReleaseWriteError`.
    """
    with store.writing(plan.product, wait=wait):
        current = {release.path for release in store.snapshot(plan.product).values()}
        taken = [release for release in plan.remove if release.path in current]
        if taken:
            message = (
                f"{taken[0].product}.{taken[0].dataset} {taken[0].version} has become current since the plan was made."
            )
            raise PrunePlanError(message, hint="Nothing was deleted; plan again.")
        gone = tuple(release for release in plan.remove if release.path.is_dir())
        for release in gone:
            remove_folder(release.path)
        return gone


def _reasons(
    store: ReleaseStore, product: str, dataset: str, releases: Sequence[Release], retention: Retention
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}

    def keep(version: str | None, reason: str) -> None:
        if version is not None:
            found.setdefault(version, []).append(reason)

    for release in releases[-retention.newest :]:
        keep(release.version, f"one of the newest {retention.newest}")
    newest_of_month = {
        release.created.strftime("%Y-%m"): release for release in releases
    }  # oldest first: the last stays
    months = sorted(newest_of_month, reverse=True)
    for month in months if retention.months is None else months[: retention.months]:
        keep(newest_of_month[month].version, f"newest of {month}")
    history = store.history(product)
    current = store.current(product, dataset)
    if current is not None:
        keep(current.version, "current")
        # What a rollback would go to: not what a rollback came from, which is kept for its own reason below.
        published = [s for s in history if s.action == "publish" and s.after.get(dataset) == current.version]
        before = [s.before.get(dataset) for s in published]
        earlier = [version for version in before if version is not None and version != current.version]
        keep(earlier[-1] if earlier else None, "before the current one")
    rollbacks = [switch for switch in history if switch.action == "rollback"]
    if rollbacks:
        keep(rollbacks[-1].before.get(dataset), "the last rollback went from it")
        keep(rollbacks[-1].after.get(dataset), "the last rollback went to it")
    return found
