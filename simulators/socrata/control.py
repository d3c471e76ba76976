"""The stand-in's control panel under `/_sim/`: faults, time, log, truth. The real portal has none of it.

Belongs here: addresses for tests and demos. Does not belong here: anything a connector may ask for.
"""

import json
import threading
from typing import Any

from simulators.socrata import evolve
from simulators.socrata.faults import Fault, FaultBook
from simulators.socrata.messages import Answer, Request, as_json
from simulators.socrata.portal import Portal
from simulators.world import vocabulary as vocab
from simulators.world.city import make_city


class RequestLog:
    """What was asked, in order of arrival. Tokens are never kept, only whether one was shown and known."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, entry: dict[str, Any]) -> None:
        """Append one entry; it gets the next number."""
        with self._lock:
            self._entries.append({"number": len(self._entries) + 1, **entry})

    def since(self, number: int) -> list[dict[str, Any]]:
        """The entries after a number."""
        with self._lock:
            return self._entries[number:]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()


class Control:
    """Answers the control addresses."""

    def __init__(self, portal: Portal, book: FaultBook, log: RequestLog) -> None:
        self.portal, self.book, self.log = portal, book, log

    def answer(self, request: Request) -> Answer:
        """The answer to one control request; mistakes get a 400 that says what is wrong."""
        try:
            posted = json.loads(request.body) if request.body else None
            return self._answer(request, posted)
        except (ValueError, TypeError) as problem:
            return as_json({"error": str(problem)}, 400)

    def _answer(self, request: Request, posted: Any) -> Answer:
        match (request.method, request.path):
            case ("GET", "/_sim/health"):
                return as_json({"ok": True, "today": self.portal.today.isoformat(), "seed": self.portal.seed})
            case ("POST", "/_sim/advance"):
                return as_json(evolve.advance(self.portal, **(posted or {})))
            case ("POST", "/_sim/find-lost"):
                return as_json(evolve.find_lost(self.portal))
            case ("POST", "/_sim/faults"):
                listed = posted if isinstance(posted, list) else [posted]
                self.book.add([Fault.from_json(raw) for raw in listed])
                return as_json(self.book.list())
            case ("GET", "/_sim/faults"):
                return as_json(self.book.list())
            case ("DELETE", "/_sim/faults"):
                self.book.clear()
                return as_json([])
            case ("GET", "/_sim/log"):
                return as_json(self.log.since(int(request.params.get("since", "0"))))
            case ("DELETE", "/_sim/log"):
                self.log.clear()
                return as_json([])
            case ("GET", "/_sim/truth"):
                return as_json(self._truth(request.params.get("dataset")))
            case ("GET", "/_sim/datasets"):
                return as_json(self._datasets())
            case ("GET", "/_sim/vocabulary"):
                return as_json(vocabulary(self.portal.seed))
        return as_json({"error": f"no control address {request.method} {request.path}"}, 404)

    def _truth(self, only: str | None) -> dict[str, Any]:
        """Answer keys by dataset id (as published at the start), and what happened since."""
        out: dict[str, Any] = {}
        for dataset_id in list(self.portal.datasets):
            if only is None or only == dataset_id:
                dataset = self.portal.get(dataset_id)
                if dataset is not None and dataset.truth is not None:
                    out[dataset_id] = dataset.truth.to_json()
        return {"datasets": out, "advances": self.portal.advances}

    def _datasets(self) -> list[dict[str, Any]]:
        return [
            {"id": d.id, "name": d.name, "kind": d.kind, "year": d.year, "system": d.system, "columns": len(d.columns)}
            for d in self.portal.datasets.values()
        ]


def vocabulary(seed: int) -> dict[str, Any]:
    """Every value the world's requests can hold in their categories, planted unknown ones apart."""
    city = make_city(seed)

    def sources(kinds: tuple[vocab.Kind311, ...], rare: tuple[str, ...]) -> list[str]:
        return sorted({s for k in kinds for s in k.sources} | set(rare))

    return {
        "legacy": {
            "types": [k.name for k in vocab.LEGACY_TYPES],
            "statuses": ["Closed", "Cancelled", "Referred Out", *(s for s, _ in vocab.LEGACY_OPEN_STATUSES)],
            "sources": sources(vocab.LEGACY_TYPES, vocab.RARE_SOURCES),
        },
        "cases": {
            "types": [k.name for k in vocab.CASE_TYPES],
            "statuses": [s for s, _ in (*vocab.CASE_CLOSED_STATUSES, *vocab.CASE_OPEN_STATUSES)],
            "sources": sources(vocab.CASE_TYPES, vocab.CASE_RARE_SOURCES),
            "departments": sorted({k.owner for k in vocab.CASE_TYPES} | set(vocab.CASE_STAFF_OWNERS)),
        },
        "unknown": {
            "types": list(vocab.UNKNOWN_TYPES),
            "statuses": list(vocab.UNKNOWN_STATUSES),
            "sources": list(vocab.UNKNOWN_SOURCES),
        },
        "councils": [{"code": c.code, "name": c.name, "old_name": c.old_name} for c in city.councils],
    }
