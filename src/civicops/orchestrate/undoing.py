"""Undoing a plan that was applied: all its products go back together.

Belongs here: which plan was applied last, and going back. Does not belong here: applying (`applying`), whose rooms take most of a
second to load: going back must not.
"""

from __future__ import annotations

from datetime import datetime

from civicops.change.applied import APPLIED, OPERATION, UNDONE
from civicops.errors import CivicopsError
from civicops.release.store import ReleaseStore
from civicops.release.together import recover_together, switch_together, writing_all
from civicops.release.values import Switch
from civicops.workspace import Workspace

WAIT_SECONDS = 30.0
"""How long another writer of the releases is waited for."""


class ApplyError(CivicopsError):
    """The plan cannot be applied, or not undone."""


def undo(workspace: Workspace, plan_id: str = "") -> dict[str, Switch]:
    """Make current again what was before a plan was applied, in all its products at once; by default the last one applied.

    Takes as long as writing a few small files. Raises `ApplyError` when there is none, or when something else was published
    since.
    """
    store = ReleaseStore(workspace.folder("releases"))
    recover_together(store, wait=WAIT_SECONDS)
    chosen, made = _last_applied(store, plan_id)
    what_it_is = "" if chosen.startswith(OPERATION) else APPLIED
    with writing_all(store, tuple(made), wait=WAIT_SECONDS):
        for product, switch in made.items():
            last = store.last_switch(product)
            if last is None or last.sequence != switch.sequence:
                what = last.reason or last.action if last else "nothing"
                raise ApplyError(
                    f"{product} has been published or rolled back since {what_it_is}{chosen} was applied ({what}).",
                    hint=f"`civicops release rollback {product}` goes back in that product alone.",
                )
        afters = {product: switch.before for product, switch in made.items()}
        return switch_together(store, afters, action="rollback", reason=f"{UNDONE}{chosen}")


def _last_applied(store: ReleaseStore, plan_id: str) -> tuple[str, dict[str, Switch]]:
    newest: tuple[datetime, str] | None = None
    undone: set[str] = set()
    found: dict[str, dict[str, Switch]] = {}
    for product in store.products():
        for switch in store.history(product):
            if switch.reason.startswith(UNDONE):
                name = switch.reason.removeprefix(UNDONE)
                undone.add(name)
                found.get(name, {}).pop(product, None)  # of this product: another may have been switched by it again
            elif switch.reason.startswith((APPLIED, OPERATION)):
                # An operation keeps its prefix: its id must not be taken for a plan's.
                name = switch.reason.removeprefix(APPLIED)
                found.setdefault(name, {})[product] = switch
                if newest is None or switch.at >= newest[0]:
                    newest = (switch.at, name)
    found = {name: switches for name, switches in found.items() if switches}
    known = [name for name in found if name.removeprefix(OPERATION).startswith(plan_id)]
    wanted = known if plan_id else [newest[1]] if newest else []
    if len(wanted) != 1 or wanted[0] not in found:
        gone = wanted[0] if wanted else plan_id
        names = {name.removeprefix(OPERATION) for name in undone}
        was = gone.removeprefix(OPERATION) in names
        message = f"{gone} was applied and undone already." if was else "No plan has been applied here."
        raise ApplyError(message, hint="`civicops release list PRODUCT` shows what is current.")
    return wanted[0], found[wanted[0]]
