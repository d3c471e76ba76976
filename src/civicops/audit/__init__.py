"""The audit log: what was decided and done, by whom, in a form that anybody can check later.

Belongs here: the append-only log (a Merkle tree in files), its proofs, its verification, and the personal parts kept apart.
Does not belong here: deciding what is worth an event; each room says so where it happens, with `open_log(workspace).append(...)`,
or `post` inside its own transaction.
"""

from civicops.audit.events import AuditError, Event, Receipt
from civicops.audit.log import Log, open_log

__all__ = ["AuditError", "Event", "Log", "Receipt", "open_log"]
