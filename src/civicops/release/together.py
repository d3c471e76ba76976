"""Switching the releases of several products in one step, forwards and back.

Belongs here: `publish_together`, `switch_together`, `recover_together`. Does not belong here: staging (`publish`), the journal
(`journal`), deciding what belongs together (`civicops.orchestrate.applying`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from civicops.release.journal import pending_switches, write_journal
from civicops.release.publish import ReleaseConflictError, StagedRelease, discard, place
from civicops.release.store import ReleaseStore
from civicops.release.values import Switch, SwitchAction


@contextmanager
def writing_all(store: ReleaseStore, products: Sequence[str], *, wait: float = 0.0) -> Iterator[None]:
    """Hold the releases of several products, always in the same order, so that two of these never wait for each other.

    Finishes first what a killed joint switch left. Raises `ReleaseBusyError`, `ReleaseWriteError`.
    """
    recover_together(store, wait=wait)
    with ExitStack() as stack:
        for product in sorted(set(products)):
            stack.enter_context(store.writing(product, wait=wait))
        yield


def publish_together(
    staged: Mapping[str, Sequence[StagedRelease]],
    *,
    store: ReleaseStore,
    reason: str,
    run_ids: Mapping[str, str] | None = None,
    wait: float = 0.0,
    now: datetime | None = None,
) -> dict[str, Switch]:
    """Switch all staged datasets of all these products in, in one step; product to switch, without products that stay as they
    are.

    Datasets of a product that are not among its staged ones keep their version. After any error, and after kill -9 at any moment,
    either nothing has changed or everything has. Raises as `publish` does; `discard` is due then.
    """
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    fresh = {product: [item for item in items if item.unchanged is None] for product, items in staged.items()}
    fresh = {product: items for product, items in fresh.items() if items}
    with writing_all(store, tuple(staged), wait=wait):
        for product, items in staged.items():
            _refuse_moved(store, product, items)
        try:
            afters = {}
            for product, items in sorted(fresh.items()):
                before = {name: release.version for name, release in store.snapshot(product).items()}
                afters[product] = before | place(items, store, moment)
            done = switch_together(store, afters, action="publish", reason=reason, run_ids=run_ids, now=moment)
        finally:
            for product in fresh:
                with suppress(OSError):
                    store.settle(product)
    for items in staged.values():
        discard(items)
    return done


def switch_together(
    store: ReleaseStore,
    afters: Mapping[str, Mapping[str, str]],
    *,
    action: SwitchAction,
    reason: str,
    run_ids: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> dict[str, Switch]:
    """Make these states current in all products at once. Only inside `writing_all` of them.

    Raises `NoReleaseError` when a version is not whole on the disk, `JournalError`, `OSError`; nothing has changed then.
    """
    runs = run_ids or {}
    switches = {
        product: store.prepared(product, after, action=action, reason=reason, run_id=runs.get(product), now=now)
        for product, after in sorted(afters.items())
    }
    if not switches:
        return {}
    write_journal(store.root, switches)
    # It has happened. What follows only brings every product's own pointer up to it; a crash leaves that to the next writer.
    for product, switch in switches.items():
        store.put(product, switch)
    store.settle_together()
    return switches


def recover_together(store: ReleaseStore, *, wait: float = 0.0) -> tuple[str, ...]:
    """Finish a joint switch that was cut short; the products it was of. Does nothing, and takes no lock, without one."""
    products = tuple(sorted(pending_switches(store.root)))
    for product in products:
        with store.writing(product, wait=wait):
            pass
    return products


def _refuse_moved(store: ReleaseStore, product: str, items: Sequence[StagedRelease]) -> None:
    snapshot = store.snapshot(product)
    for item in items:
        held = snapshot.get(item.contract.dataset)
        if (held.version if held else None) != item.base:
            message = f"{item.contract.id} was published or rolled back by somebody else meanwhile."
            raise ReleaseConflictError(message, hint="Nothing was changed; plan again.")
