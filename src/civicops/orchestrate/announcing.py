"""What people are told when a change has landed.

Belongs here: that message. Does not belong here: when it is sent (`continuous`), sending it (`civicops.observe`).
"""

from __future__ import annotations

from civicops.change.plan import Plan
from civicops.change.plan_words import headline
from civicops.observe.messages import Message
from civicops.workspace import Workspace


def announcement(workspace: Workspace, plan: Plan) -> Message:
    """What people are told when a change has landed: counts and names of datasets, no values of rows."""
    name = workspace.settings.workspace.organisation or "civicops"
    lines = [headline(plan), ""]
    lines += [
        f"{one.contract} {one.old_version or 'new'} -> {one.new_version or 'gone'}: {one.consumers} for readers"
        for one in plan.contracts
    ]
    for effect in plan.releases:
        if not effect.is_same:
            lines.append(
                f"{effect.dataset}: {effect.rows_before:,} rows -> {effect.rows_after:,}; {effect.added:,} added, "
                f"{effect.removed:,} removed, {effect.changed:,} changed"
            )
    lines += ["", f"Undo it: civicops rollback {plan.id}"]
    return Message(f"[{name}] A change is published: plan {plan.id}", "\n".join(lines))
