"""What the demo shows of incidents: that one is open, that a mail told of it, that it was acknowledged and closed.

Belongs here: asking the commands that a person would type, and the mailbox. Does not belong here: what causes incidents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.mailbox import Mailbox

Ask = Callable[..., Any]


@dataclass(frozen=True)
class Told:
    """The workspace's commands (as JSON) and its team's mailbox."""

    ask: Ask
    box: Mailbox

    def opened(self, product: str, words: str) -> bool:
        """Whether an incident about it is open, and a mail has told of it; prints both."""
        found = self._find(product, words)
        if found is None:
            return self._not(f"no incident says '{words}'")
        print(f"  incident {found['id']} [{found['severity']}]: {found['title']}")
        return self._mailed(found)

    def acknowledged(self, product: str, words: str, note: str) -> bool:
        """Acknowledge the open incident about it; whether that worked."""
        found = self._find(product, words)
        if found is None:
            return self._not(f"there is no incident that says '{words}'")
        self.ask("incidents", "ack", str(found["id"]), "--who", "ada-example", "--note", note, "--json")
        state = self._shown(found["id"])["state"]
        print(f"  incident {found['id']} {state}: ada-example, {note}")
        return bool(state == "acknowledged")

    def resolved(self, product: str, words: str) -> bool:
        """Whether the incident about it is over by itself, and a mail has told so; prints both."""
        found = self._find(product, words, every=True)
        if found is None or found["state"] != "resolved" or found["resolved_by"] != "civicops":
            return self._not(f"the incident that says '{words}' is not over")
        print(f"  incident {found['id']} resolved: {found['title']}")
        return self._mailed(found)

    def _mailed(self, found: Any) -> bool:
        tried = self.ask("incidents", "show", str(found["id"]), "--json")["attempts"]
        mail = next((one for one in reversed(self.box.mails) if f"/incidents/{found['id']}/" in one.text), None)
        if mail is None or not tried or not tried[0]["is_delivered"]:
            return self._not("nobody was told")
        print(f"  mail to {', '.join(mail.to)}: {mail.subject}")
        return True

    def _find(self, product: str, words: str, *, every: bool = False) -> Any:
        return next((one for one in self._open(product, every=every) if words in one["title"]), None)

    def _open(self, product: str, *, every: bool = False) -> list[Any]:
        found: list[Any] = self.ask("incidents", "list", product, *(["--all"] if every else []), "--json")
        return found

    def _shown(self, number: int) -> Any:
        return self.ask("incidents", "show", str(number), "--json")["incident"]

    def _not(self, words: str) -> bool:
        print(f"  THIS IS NOT AS IT SHOULD BE: {words}")
        return False
