"""The journal of a switch of several products: all of them, or none, whatever is killed when.

    releases/.together.json      {"id": ..., "switches": {product: switch}}

Belongs here: writing it, reading it, removing it once every product's own pointer says the same. Does not belong here: what is
switched (`together`), the pointers (`store`).

The rename that puts the journal there is the one moment at which everything changes: readers ask it before a product's own
pointer. What a killed process left of it the next writer of each product completes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from civicops.durable import sync
from civicops.errors import CivicopsError
from civicops.release.files import replace_json
from civicops.release.values import Switch

JOURNAL_FILE = ".together.json"
_LOCK_FILE = ".together.lock"


class JournalError(CivicopsError):
    """The journal cannot be read, or another one is not settled yet."""


def pending_switches(root: Path) -> dict[str, Switch]:
    """Product to switch, of a joint switch that is not settled yet; empty without one. Raises `JournalError`."""
    path = root / JOURNAL_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {product: Switch.from_json(item) for product, item in json.loads(text)["switches"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        hint = "It is written by one rename, so this is damage of the disk; put it back from a backup."
        raise JournalError(f"{path} cannot be read.", hint=hint) from error


def write_journal(root: Path, switches: Mapping[str, Switch]) -> None:
    """Make all these switches happen, by one rename. The caller holds every product's `writing`.

    Raises `JournalError` when another joint switch is not settled (of other products, by a process that was killed), `OSError`.
    """
    content = {"id": uuid.uuid4().hex, "switches": {product: item.to_json() for product, item in switches.items()}}
    with FileLock(root / _LOCK_FILE, timeout=30, thread_local=False):
        if (root / JOURNAL_FILE).exists():
            message = "Another change of several products was cut short and is not settled yet; nothing was changed."
            raise JournalError(message, hint="Try again in a moment; if it stays, `civicops products` settles it.")
        replace_json(root / JOURNAL_FILE, content)


def settle_journal(root: Path, written: Callable[[str], Switch | None]) -> bool:
    """Remove the journal if every product's own pointer is as new as it says; whether there is none left. Raises `OSError`."""
    path = root / JOURNAL_FILE
    if not path.exists():
        return True
    with FileLock(root / _LOCK_FILE, timeout=30, thread_local=False):
        for product, switch in pending_switches(root).items():
            own = written(product)
            if own is None or own.sequence < switch.sequence:
                return False
        path.unlink(missing_ok=True)
        sync(root)
    return True
