"""What runs and releases leave in the audit log.

Belongs here: which switches and contract changes have no event yet, and logging them. Does not belong here: the log
(`civicops.audit`), or what people do in the portal (`civicops.portal.auditing`).

A switch is on the record of the release store the moment it happens. Its event is made from that record, so one whose process
died before it was logged is logged by the next run, rollback, tick or `civicops audit verify`, and says when it happened.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping

import sqlalchemy as sa

from civicops.audit import Event, open_log
from civicops.change.operations import Operation
from civicops.change.plan import Plan, digest
from civicops.errors import CivicopsError
from civicops.release.history import who_acts
from civicops.release.store import ReleaseStore
from civicops.release.values import Switch
from civicops.workspace import Product, Workspace

_log = logging.getLogger("civicops.audit")


def reconcile(workspace: Workspace) -> tuple[str, ...]:
    """Log what waits in the outbox and every release switch that has no event; returns what these were about, in words.

    Raises `CivicopsError` when the log cannot take them; they are logged another time then.
    """
    log = open_log(workspace)
    log.flush()
    store = ReleaseStore(workspace.folder("releases"))
    switches = {
        _key(product, switch): (product, switch) for product in store.products() for switch in store.history(product)
    }
    known = log.knows(list(switches))
    # Only those without an event are read up: what a tick costs must not grow with all that was ever published.
    missing = [_switch_event(store, *about) for key, about in switches.items() if key not in known]
    if missing:
        log.append(*missing)
    return tuple(f"{event.kind} {event.content['sequence']} of {event.subject}" for event in missing)


def after_switch(workspace: Workspace) -> str:
    """`reconcile` after something that must not fail because of the log; returns what went wrong, or nothing."""
    try:
        reconcile(workspace)
    except (CivicopsError, OSError, sa.exc.SQLAlchemyError) as error:
        words = f"The audit log did not take it yet: {error} The next run or `civicops audit verify` tries again."
        _log.warning("%s", words)
        return words
    return ""


def note_plan(workspace: Workspace, plan: Plan) -> str:
    """Log that a plan was made, with the hash of all it says; returns what went wrong, or nothing."""
    content = {"step": "planned", "sha256": digest(plan), "base": plan.base_commit}
    return _appended(
        workspace,
        f"plan {plan.id}",
        Event("change.apply", who_acts(), f"plan/{plan.id}", content, key=_plan_key(plan)),
    )


def is_noted(workspace: Workspace, plan: Plan) -> bool:
    """Whether the log knows exactly this plan: one that somebody wrote or changed by hand it does not."""
    return bool(open_log(workspace).knows([_plan_key(plan)]))


def _plan_key(plan: Plan) -> str:
    return f"plan/{plan.id}/planned/{digest(plan)}"


def log_approvals(workspace: Workspace, plan: Plan, switches: Mapping[str, Switch]) -> str:
    """Log who agreed to a plan that made these switches; returns what went wrong, or nothing.

    It is what the one who applied it said of them, or trailers of commits: a name, not a sign-in.
    """
    # A plan that was undone can be applied again; its switches are others then.
    once = "/".join(f"{product}-{switch.sequence}" for product, switch in sorted(switches.items()))
    events = [
        Event("change.apply", one.who, f"plan/{plan.id}", {"step": "agreed"}, key=f"plan/{plan.id}/{once}/{one.who}")
        for one in plan.approvals
        if switches
    ]
    return _appended(workspace, f"who agreed to {plan.id}", *events)


def note_contracts(workspace: Workspace, product: Product, run_id: str) -> str:
    """Log each contract whose file is not the one that the last run used; returns what went wrong, or nothing."""
    try:
        log = open_log(workspace)
        events = []
        for contract in product.contracts:
            digest = hashlib.sha256(contract.path.read_bytes()).hexdigest()
            last = log.find(kind="contract.change", subject=contract.id, limit=1)
            before = last[0].content.get("sha256") if last else None
            if before != digest:
                content = {"version": contract.version, "sha256": digest, "before": before, "run_id": run_id}
                kept = {name: value for name, value in content.items() if value is not None}
                events.append(Event("contract.change", who_acts(), contract.id, kept))
        if events:
            log.append(*events)
    except (CivicopsError, OSError, sa.exc.SQLAlchemyError) as error:
        words = f"The audit log did not take the changed contracts: {error}"
        _log.warning("%s", words)
        return words
    return ""


def log_operation(workspace: Workspace, operation: Operation) -> str:
    """Log the newest change of state of a dangerous operation; returns what went wrong, or nothing.

    The file says the same; the log shows later that nobody wrote it otherwise.
    """
    last, number = operation.history[-1], len(operation.history)
    content = {
        "kind": operation.kind,
        "state": last.state,
        "product": operation.product,
        "operation_sha256": operation.digest,
        "comparison": last.comparison,
    }
    event = Event(
        "operation",
        last.by,
        f"operation/{operation.id}",
        {name: value for name, value in content.items() if value},
        {"reason": last.reason} if last.reason else {},
        key=f"operation/{operation.id}/{number}/{last.at.isoformat()}",
        happened_at=last.at,
    )
    return _appended(workspace, f"that {operation.id} is {last.state}", event)


def _appended(workspace: Workspace, about: str, *events: Event) -> str:
    """Append to the log what must not fail because of it; returns what went wrong, or nothing."""
    try:
        if events:
            open_log(workspace).append(*events)
    except (CivicopsError, OSError, sa.exc.SQLAlchemyError) as error:
        words = f"The audit log did not take {about}: {error}"
        _log.warning("%s", words)
        return words
    return ""


def _switch_event(store: ReleaseStore, product: str, switch: Switch) -> Event:
    changed = {name: version for name, version in switch.after.items() if switch.before.get(name) != version}
    content = {
        "sequence": switch.sequence,
        "datasets": {name: {"before": switch.before.get(name), "after": version} for name, version in changed.items()},
        "sha256": {
            name: found for name, version in changed.items() if (found := _sha256(store, product, name, version))
        },
        "run_id": switch.run_id,
    }
    if gone := sorted(switch.before.keys() - switch.after.keys()):
        content["gone"] = gone
    return Event(
        "release.rollback" if switch.action == "rollback" else "release.switch",
        switch.who,
        product,
        {name: value for name, value in content.items() if value},
        # What a person wrote is kept apart; a run's own reason says nothing.
        {"reason": switch.reason} if switch.reason and switch.run_id is None else {},
        key=_key(product, switch),
        happened_at=switch.at,
    )


def _key(product: str, switch: Switch) -> str:
    """What tells the event of a switch from all others."""
    return f"release/{product}/{switch.sequence}/{switch.at.isoformat()}"


def _sha256(store: ReleaseStore, product: str, dataset: str, version: str) -> str:
    try:
        return str(store.release(product, dataset, version).package()["resources"][0]["hash"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return ""  # pruned since
