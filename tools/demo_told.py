"""What the demo shows of incidents: that one is open, that a mail told of it, that it was acknowledged and closed.

Belongs here: reading incidents and the mailbox. Does not belong here: what causes incidents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from civicops.observe.asking import Incident, attempts, incidents
from civicops.observe.tables import Database, open_database
from civicops.workspace import Workspace
from simulators.mailbox import Mailbox


@dataclass(frozen=True)
class Told:
    """The demo's workspace, how a command is typed in it, and its team's mailbox."""

    home: Path
    command: Callable[..., object]
    box: Mailbox

    def opened(self, product: str, words: str) -> bool:
        """Whether an incident about it is open, and a mail has told of it; prints both."""
        found = self._find(product, words)
        if found is None or found.is_over:
            return self._not(f"no open incident says '{words}'")
        print(f"  incident {found.id} [{found.severity}]: {found.title}")
        return self._mailed(found)

    def acknowledged(self, product: str, words: str, note: str) -> bool:
        """Acknowledge the open incident about it; whether that worked."""
        found = self._find(product, words)
        if found is None:
            return self._not(f"there is no incident that says '{words}'")
        self.command("incidents", "ack", str(found.id), "--who", "ada-example", "--note", note, "--json")
        found = self._find(product, words)
        if found is None or found.state != "acknowledged":
            return self._not("it could not be acknowledged")
        print(f"  incident {found.id} acknowledged by {found.acknowledged_by}: {note}")
        return True

    def resolved(self, product: str, words: str) -> bool:
        """Whether the incident about it is over by itself, and a mail has told so; prints both."""
        found = self._find(product, words)
        if found is None and (other := self._find(product, "")) is not None:
            # In some weeks chance alone gives the small made-up city another odd day; its incident then goes on, about that day.
            print(f"  the incident about it goes on for another reason: {other.title}")
            return True
        if found is None or found.resolved_by != "civicops":
            return self._not(f"the incident that says '{words}' is not over")
        print(f"  incident {found.id} resolved by its recovery: {found.title}")
        return self._mailed(found)

    def _mailed(self, found: Incident) -> bool:
        tried = attempts(self._database(), found.id)
        mail = next((one for one in reversed(self.box.mails) if f"/incidents/{found.id}/" in one.text), None)
        if mail is None or not tried or not tried[0].is_delivered:
            return self._not("nobody was told")
        print(f"  mail to {', '.join(mail.to)}: {mail.subject}")
        return True

    def _find(self, product: str, words: str) -> Incident | None:
        """The newest incident of a product whose title holds some words."""
        known = incidents(self._database(), Workspace.find(self.home), datetime.now(UTC), every=True, product=product)
        return next((one for one in known if words in one.title), None)

    def _database(self) -> Database:
        return open_database(Workspace.find(self.home))

    def _not(self, words: str) -> bool:
        print(f"  THIS IS NOT AS IT SHOULD BE: {words}")
        return False
