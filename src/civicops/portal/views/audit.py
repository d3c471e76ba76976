"""The audit log: to look through for auditors, to copy and check for anybody.

Belongs here: the list, one entry with its proof, the log's files. Does not belong here: changing anything; no view here does.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from civicops.audit.events import KINDS, NOBODY, AuditError, Entry
from civicops.audit.log import VKEY, existing_log
from civicops.audit.prove import prove
from civicops.audit.tiles import ENTRIES, WIDTH, tile_name
from civicops.audit.writing import CHECKPOINT
from civicops.portal.auditing import audit_log
from civicops.portal.files import FOREVER, below, send
from civicops.portal.reading import workspace

_PAGE = 50
_SHORT = 90
_TILE = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/(x\d{3}/)*\d{3}(\.p/[1-9]\d{0,2})?")


def listed(request: HttpRequest) -> HttpResponse:
    """Entries, newest first, narrowed down by what the address asks for."""
    asked = {name: request.GET.get(name, "").strip() for name in ("kind", "subject", "who", "since", "until", "before")}
    told = ""
    try:
        since, until = _day(asked["since"]), _day(asked["until"])
        before = int(asked["before"]) if asked["before"] else None
        if asked["kind"] and asked["kind"] not in KINDS:
            raise ValueError(asked["kind"])
    except ValueError:
        told, since, until, before = "That cannot be searched for; everything is shown.", None, None, None
        asked = dict.fromkeys(asked, "")
    log = audit_log()
    found = log.find(
        kind=asked["kind"], subject=asked["subject"], actor=asked["who"], since=since, until=until, before=before,
        limit=_PAGE + 1,
    )  # fmt: skip
    shown = found[:_PAGE]
    names = log.names_of(shown)
    query = request.GET.copy()
    if len(found) > _PAGE:
        query["before"] = str(shown[-1].index)
    context = {
        "entries": [(one, _name(one.actor, names), _name(one.about, names), _short(one)) for one in shown],
        "asked": asked,
        "told": told,
        "kinds": KINDS,
        "older": query.urlencode() if len(found) > _PAGE else "",
        "checkpoint": log.checkpoint(),
    }
    return render(request, "portal/audit.html", context)


def one(request: HttpRequest, index: int) -> HttpResponse:
    """One entry: what it says, what is kept of people beside it, and the proof that it is in the log."""
    log = audit_log()
    entry = _find(index)
    names = log.names_of([entry])
    personal = log.personal_of([entry]).get(index, {})
    try:
        proof, wrong = prove(log, index), ""
    except AuditError as error:
        proof, wrong = None, str(error)
    width = log.tiles().width(0, index // WIDTH)
    context = {
        "entry": entry,
        "who": _name(entry.actor, names),
        "about": _name(entry.about, names),
        "content": [(name, _words(value)) for name, value in entry.content.items()],
        "personal": [(name, personal.get(name), commitment) for name, commitment in entry.personal.items()],
        "proof": proof,
        "raw": proof.entry.decode() if proof else "",
        "path": [step.hex() for step in proof.path] if proof else (),
        "wrong": wrong,
        "bundle": tile_name(ENTRIES, index // WIDTH, width),
        "hashes": tile_name(0, index // WIDTH, width),
    }
    return render(request, "portal/audit_entry.html", context)


def proof_file(request: HttpRequest, index: int) -> HttpResponse:
    """The proof of an entry as a file that anybody can check."""
    _find(index)
    text = prove(audit_log(), index).text()
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="entry-{index}.tlog-proof"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def log_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """The files of the log as C2SP's tlog-tiles has them: no personal data, for anybody, so that anybody can watch it."""
    log = existing_log(workspace())
    if path in (CHECKPOINT, VKEY):
        answer = HttpResponse(below(log.folder, path).read_bytes(), content_type="text/plain; charset=utf-8")
        answer["Cache-Control"] = "no-cache"
    else:
        # Only what the signed head has: what a killed append left beside it is nobody's business.
        if not _TILE.fullmatch(path) or not _is_in_tree(path, log.checkpoint().size):
            raise Http404("There is no such file.")
        sent = send(request, below(log.folder, path), cache=FOREVER)
        sent["Content-Type"] = "application/octet-stream"
        sent["Access-Control-Allow-Origin"] = "*"
        return sent
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


def _is_in_tree(path: str, size: int) -> bool:
    _, level, rest = path.split("/", 2)
    number, _, width = rest.partition(".p/")
    place = int(number.replace("x", "").replace("/", ""))
    step = 1 if level == ENTRIES else 256 ** int(level)
    return (place * WIDTH + int(width or WIDTH)) * step <= size and int(width or 1) < WIDTH


def _words(value: object) -> str:
    """A value as it was logged."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(entry: Entry) -> str:
    text = ", ".join(f"{name.replace('_', ' ')}: {_words(value)}" for name, value in entry.content.items())
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _find(index: int) -> Entry:
    try:
        return audit_log().entry(index)
    except AuditError as error:
        raise Http404(error.message) from error


def _day(text: str) -> datetime | None:
    found = datetime.fromisoformat(text) if text else None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _name(pseudonym: str, names: dict[str, str]) -> str:
    if not pseudonym or pseudonym in NOBODY:
        return pseudonym
    return names.get(pseudonym, f"{pseudonym[:9]} (erased)")
