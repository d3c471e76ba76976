"""Faults on demand: what Drive does on a bad day.

Belongs here: which requests a fault strikes and what it does to them. Does not belong here: permissions that are really lost; the
group does those (`Group.hide`, `Group.lost`).
"""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from simulators.google.drive import RefusedError, invalid_token

Kind = Literal[
    "incomplete_search",
    "expired_token",
    "rate_limit",
    "too_many",
    "server_error",
    "page_repeats",
    "item_slips",
    "stall",
]
STATUS = {
    "rate_limit": (403, "userRateLimitExceeded"),
    "too_many": (429, "rateLimitExceeded"),
    "server_error": (503, "backendError"),
}


@dataclass
class Fault:
    """Strikes requests whose path holds `path` (and query `contains`): the `nth` and the `times - 1` after it (None: all)."""

    kind: Kind
    path: str = "/files"
    contains: str = ""
    nth: int = 1
    times: int | None = 1
    seen: int = 0
    struck: int = 0

    def strikes(self, path: str, query: str) -> bool:
        """Count the request; true when it is hit."""
        if not path.endswith(self.path) or self.contains not in query:
            return False
        self.seen += 1
        hit = self.seen >= self.nth and (self.times is None or self.struck < self.times)
        self.struck += hit
        return hit


@dataclass
class Faults:
    """All faults that are set."""

    faults: list[Fault] = field(default_factory=list)
    last: dict[str, list[Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, kind: Kind, **how: Any) -> Fault:
        """Set one more; returned so that a test can see that it struck."""
        fault = Fault(kind, **how)
        self.faults.append(fault)
        return fault

    def before(self, path: str, query: str) -> list[Fault]:
        """The faults that strike this request. Raises `RefusedError` for those that are an error status."""
        with self.lock:
            hit = [fault for fault in self.faults if fault.strikes(path, query)]
        for fault in hit:
            if fault.kind == "expired_token":
                raise invalid_token()
            if fault.kind in STATUS:
                raise RefusedError(*STATUS[fault.kind], "Please try again later.")
        return hit

    def after(self, hit: list[Fault], drive: str, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer as the faults leave it."""
        for fault in hit:
            if fault.kind == "incomplete_search":
                answer = answer | {"incompleteSearch": True}
            if fault.kind == "page_repeats":
                answer = answer | {"files": [*self.last.get(drive, [])[-3:], *answer["files"]]}
            if fault.kind == "item_slips":
                # It moved to a page that was read already, while the listing went on.
                answer = answer | {"files": answer["files"][1:]}
        if "files" in answer:
            self.last[drive] = answer["files"]
        return answer
