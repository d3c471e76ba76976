"""Faults on demand: which request fails, and how.

Belongs here: describing a fault, deciding whether it strikes a request, counting. Does not belong here: doing it; the
routes change content (columns, rows), the server changes the wire (status, bytes, sockets).
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

# What the routes do (the answer's content) and what the server does (the answer's way over the wire).
CONTENT_KINDS: Final = (
    "page_twice", "rows_updated_between_pages", "column_renamed", "column_added", "column_dropped", "enum_grows",
    "empty_page",
)  # fmt: skip
WIRE_KINDS: Final = ("429", "500", "502", "503", "timeout", "truncated", "html_200", "bom", "latin1", "reset")


@dataclass
class Fault:
    """One fault. Matching: `dataset` id, `route` (resource, query, rows, view, catalog, geospatial), `contains` and
    `lacks` (parts of the decoded request line). It strikes the `nth` to `nth + times - 1`-th matching request (`times`
    null: for ever). The other fields say how, each used by the kinds named beside it.
    """

    kind: str
    dataset: str | None = None
    route: str | None = None
    contains: str | None = None
    lacks: str | None = None
    nth: int = 1
    times: int | None = 1
    retry_after: str | int | None = 1  # 429, 503: seconds, an HTTP date, or null for no header
    seconds: float = 5.0  # timeout: how long nothing is said before the connection closes
    how: str = "length"  # truncated: length, chunked, gzip
    keep: float = 0.5  # truncated, reset: share of the body that is sent
    rows: int = 5  # rows_updated_between_pages
    column: str = ""  # column_*, enum_grows: API field name
    to: str = "renamed_column"  # column_renamed
    value: str = "Something New"  # column_added, enum_grows
    share: float = 0.02  # enum_grows
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Fault":
        """Read one fault. Raises ValueError for an unknown kind or field."""
        known = {f.name for f in fields(cls) if f.init}
        wrong = sorted(set(raw) - known)
        if wrong:
            raise ValueError(f"unknown field {', '.join(wrong)}: a fault has {', '.join(sorted(known))}")
        kind = str(raw.get("kind", ""))
        if kind not in CONTENT_KINDS + WIRE_KINDS:
            raise ValueError(f"unknown kind {kind!r}: choose from {', '.join(CONTENT_KINDS + WIRE_KINDS)}")
        fault = cls(**{**raw, "kind": kind})
        if fault.kind == "truncated" and fault.how not in ("length", "chunked", "gzip"):
            raise ValueError(f"truncated: how is length, chunked or gzip, not {fault.how!r}")
        if fault.kind.startswith(("column_", "enum_")) and not fault.column:
            raise ValueError(f"{fault.kind} needs a column (API field name)")
        if fault.column and not re.fullmatch(r"[a-z_:@][a-z0-9_@]*", fault.column):
            raise ValueError(f"{fault.column!r} is not an API field name")
        return fault

    def matches(self, route: str, dataset: str | None, line: str) -> bool:
        """Whether the fault is about this request at all."""
        if self.dataset is not None and self.dataset != dataset:
            return False
        if self.route is not None and self.route != route:
            return False
        if self.contains is not None and self.contains not in line:
            return False
        return self.lacks is None or self.lacks not in line


class FaultBook:
    """The faults in force, counted under one lock."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, faults: list[Fault]) -> None:
        """Put faults in force."""
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        """The faults with how many requests each has `seen` and `struck`."""
        with self._lock:
            return [{f.name: getattr(fault, f.name) for f in fields(fault)} for fault in self._faults]

    def strike(self, route: str, dataset: str | None, line: str) -> tuple[Fault, ...]:
        """Count this request and return the faults that strike it."""
        hits = []
        with self._lock:
            for fault in self._faults:
                if not fault.matches(route, dataset, line):
                    continue
                fault.seen += 1
                if fault.seen >= fault.nth and (fault.times is None or fault.seen < fault.nth + fault.times):
                    fault.struck += 1
                    hits.append(fault)
        return tuple(hits)
