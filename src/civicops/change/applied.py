"""Which plans and operations were applied, and which of these undone: read from the switches they made.

Belongs here: how the reason of such a switch is written, and finding it again. Does not belong here: applying and undoing
(`civicops.orchestrate`).
"""

from __future__ import annotations

from collections.abc import Sequence

from civicops.release.store import ReleaseStore
from civicops.release.values import Switch

APPLIED, UNDONE = "plan ", "undo plan "
"""How the reason of a switch begins that applied a plan, or undid one; the plan's id follows."""
OPERATION = "operation "
"""How it begins for a dangerous operation; its id follows."""


def switched(store: ReleaseStore, products: Sequence[str], reason: str, undone: str) -> dict[str, Switch]:
    """The switches that were made for that reason, product to switch, if they were not undone since."""
    found: dict[str, Switch] = {}
    for product in products:
        for switch in reversed(store.history(product)):
            if switch.reason == undone:
                break
            if switch.reason == reason:
                found[product] = switch
                break
    return found
