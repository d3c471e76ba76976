"""Going back: another version becomes current, and that is recorded like any other switch.

Belongs here: choosing what to go back to. Does not belong here: the switch itself (`store`) or deleting what was left behind
(`prune`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from civicops.release.values import Switch
from civicops.release.withdrawn import withdrawn


class RollbackError(CivicopsError):
    """There is nothing to go back to, or it is not clear what is meant."""


def rollback(
    store: ReleaseStore,
    product: str,
    dataset: str | None = None,
    to: str | None = None,
    *,
    reason: str = "",
    run_id: str | None = None,
    wait: float = 0.0,
    now: datetime | None = None,
) -> Switch:
    """Make an earlier state current again: one rename, whatever the size of the data.

    Without `dataset` all datasets of the product go back to what was current before the present releases were published.
    With it only that one does, and `to` may name a version. Going back twice goes back two steps; it never returns to a
    release that was rolled back.

    Raises `RollbackError`, `NoReleaseError` (no such version on the disk), `ReleaseBusyError`, `ReleaseWriteError`.
    """
    if to is not None and dataset is None:
        raise RollbackError("A version belongs to one dataset.", hint=f"Say which: {product}.<dataset>.")
    with store.writing(product, wait=wait):
        last = store.last_switch(product)
        if last is None:
            hint = f"`civicops run {product}` makes the first one."
            raise RollbackError(f"{product} has no release yet.", hint=hint)
        history = store.history(product)
        if dataset is None:
            after = _state_before(product, last.after, history)
        else:
            version = to or _version_before(product, dataset, last.after, history)
            _refuse_withdrawn(store, product, {dataset: version})
            after = {**last.after, dataset: store.find(product, dataset, version).version}
        _refuse_withdrawn(store, product, after)
        if after == last.after:
            raise RollbackError(f"{product} is already at that release.", hint="Nothing was changed.")
        return store.switch(product, after, action="rollback", reason=reason, run_id=run_id, now=now)


def _refuse_withdrawn(store: ReleaseStore, product: str, wanted: Mapping[str, str]) -> None:
    for dataset, version in wanted.items():
        note = next((one for one in withdrawn(store, product, dataset) if one.version == version), None)
        if note is not None:
            message = (
                f"Release {version} of {product}.{dataset} was withdrawn on {note.at[:10]} for request {note.request}."
            )
            raise RollbackError(message, hint="Its data are gone on purpose; docs/howto/keep-and-delete.md says why.")


def _state_before(product: str, state: Mapping[str, str], history: tuple[Switch, ...]) -> Mapping[str, str]:
    for switch in reversed(history):
        if switch.action == "publish" and switch.after == state:
            if not switch.before:
                hint = f"`civicops release list {product}` shows what there is."
                raise RollbackError(f"{product} has no release before the current one.", hint=hint)
            return switch.before
    message = f"The current releases of {product} were never published together, so there is no state before them."
    raise RollbackError(message, hint="An earlier rollback moved one dataset alone: roll back each dataset by name.")


def _version_before(product: str, dataset: str, state: Mapping[str, str], history: tuple[Switch, ...]) -> str:
    version = state.get(dataset)
    if version is None:
        raise RollbackError(f"{product}.{dataset} has no current release.", hint=f"Run `civicops run {product}`.")
    for switch in reversed(history):
        before = switch.before.get(dataset)
        if switch.action == "publish" and switch.after.get(dataset) == version and before != version:
            if before is None:
                break
            return before
    hint = f"`civicops release list {product}.{dataset}` shows what there is; name one to go to."
    raise RollbackError(f"{product}.{dataset} has no release before the current one.", hint=hint)
