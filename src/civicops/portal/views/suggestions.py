"""What the public sends in: a form without an account, the status of what was sent, and links by which an organisation confirms.

Belongs here: the forms and their traps for robots. Does not belong here: taking suggestions (`civicops.review.intake`), deciding.

A robot is kept out without asking people anything: a field that no person sees has to stay empty, the form has to have been open
for some seconds, and it is signed. Nobody is told which of them failed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from civicops.portal import reviewing
from civicops.portal.engine import cursor
from civicops.portal.reading import shelf, store
from civicops.portal.words import LANGUAGES, words_of
from civicops.release.described import access_of, package
from civicops.release.sql import identifier, literal
from civicops.review import intake
from civicops.review.forms import Field, FormError
from civicops.review.kinds import Kind
from civicops.review.values import ReviewError

LEAST_SECONDS = 3
MOST_SECONDS = 24 * 3600
TRAP = "website_2"
"""A field that people do not see and robots like to fill in."""
SALT = "civicops.suggest"


def suggest(request: HttpRequest, product: str, kind: str) -> HttpResponse:
    """The form for a suggestion, or with `?about=` for a correction of one record; with POST, taking it."""
    found = _kind(product, kind)
    about = (request.POST if request.method == "POST" else request.GET).get("about", "").strip()[:250]
    record = _record(found, about) if about else None
    if about and record is None:
        raise Http404("There is no such record.")
    if request.method != "POST":
        return _form(request, found, about, record)
    return _take(request, found, about, record)


def _take(request: HttpRequest, kind: Kind, about: str, record: Mapping[str, Any] | None) -> HttpResponse:
    post = request.POST
    fields = _fields(kind)
    answer = reviewing.answer_of(post, fields)
    # A correction says only what is different; what the form showed and nobody touched is no suggestion.
    said = {
        name: value for name, value in answer.value.items() if not record or not _is_same(fields, name, value, record)
    }
    contact = {name: post.get(f"contact-{name}", "") for name in intake.CONTACTS}
    text = post.get("text", "")
    language = _language(request)
    entered = {"text": text, "contact": contact, "value": answer.value}
    try:
        if post.get(TRAP) or not _was_open(post.get("opened", "")):
            raise ReviewError(words_of(language)["not_taken"], hint=words_of(language)["try_again"])
        sent = intake.suggest(
            reviewing.review(), kind, said, now=datetime.now(UTC), address=reviewing.public_address(request),
            subject=about or None, text=text, current={name: record[name] for name in said if name in record} if record else None,
            title=_title(record, about), contact=contact,
        )  # fmt: skip
    except FormError as error:
        return _form(request, kind, about, record, entered=entered, faults=error.faults)
    except intake.TooManyError as error:
        return _form(request, kind, about, record, entered=entered, trouble=str(error), status=429)
    except ReviewError as error:
        return _form(request, kind, about, record, entered=entered, trouble=str(error))
    response = redirect("suggestion", token=sent.token)
    response["Location"] += f"?lang={language}&sent=1"
    return response


def _form(
    request: HttpRequest,
    kind: Kind,
    about: str,
    record: Mapping[str, Any] | None,
    *,
    entered: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    entered = entered or {}
    stands = dict(record or {}) | dict(entered.get("value") or {})
    language = _language(request)
    controls = [
        reviewing.control_of(item, stands.get(item.name), fault=(faults or {}).get(item.name, ""))
        for item in _fields(kind)
    ]
    context = {
        "kind": kind, "about": about, "name": _title(record, about), "controls": controls, "trouble": trouble,
        "text": entered.get("text", ""), "contact": entered.get("contact") or {},
        "opened": request.POST.get("opened") or signing.dumps(secrets.token_hex(8), salt=SALT), "trap": TRAP,
        "language": language, "languages": LANGUAGES, "say": words_of(language),
    }  # fmt: skip
    code = 400 if faults or (trouble and status == 200) else status
    return render(request, "portal/review/suggest.html", context, status=code)


def suggestion(request: HttpRequest, token: str) -> HttpResponse:
    """What became of a suggestion, for whoever holds its link."""
    found = intake.status(reviewing.review(), token)
    if found is None:
        raise Http404("There is no such suggestion.")
    language = _language(request)
    context = {
        "found": found, "is_new": "sent" in request.GET, "language": language, "languages": LANGUAGES, "say": words_of(language),
        "status_words": words_of(language)[f"status_{found.status}"], "address": request.build_absolute_uri(request.path),
    }  # fmt: skip
    return render(request, "portal/review/suggestion.html", context)


def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The record of an organisation, as its own people confirm or correct it by a link from a message."""
    review, now = reviewing.review(), datetime.now(UTC)
    language = _language(request)
    context: dict[str, Any] = {"language": language, "languages": LANGUAGES, "say": words_of(language)}
    try:
        about = intake.open_link(review, token, now)
    except intake.LinkError as error:
        return render(request, "portal/review/confirm.html", context | {"trouble": str(error)}, status=410)
    fields = _fields(about.kind)
    faults: Mapping[str, str] = {}
    stands: dict[str, Any] = dict(about.values)
    if request.method == "POST":
        answer = reviewing.answer_of(request.POST, fields)
        stands |= answer.value
        said = {
            name: value for name, value in answer.value.items() if not _is_same(fields, name, value, about.values)
        } if request.POST.get("action") == "correct" else {}  # fmt: skip
        try:
            intake.confirm(review, token, now, fields=said, text=request.POST.get("text", ""))
            return render(request, "portal/review/confirm.html", context | {"done": True})
        except FormError as error:
            faults = error.faults
        except ReviewError as error:
            context["trouble"] = str(error)
    controls = [reviewing.control_of(item, stands.get(item.name), fault=faults.get(item.name, "")) for item in fields]
    context |= {"about": about, "controls": controls, "name": about.values.get("name") or about.record}
    return render(request, "portal/review/confirm.html", context, status=400 if faults else 200)


def _kind(product: str, kind: str) -> Kind:
    found = reviewing.review().kinds.get(f"{product}.{kind}")
    if found is None or found.file.public != "suggest":
        raise Http404("Nothing can be suggested here.")
    return found


def _fields(kind: Kind) -> tuple[Field, ...]:
    wanted = kind.file.public_columns or kind.file.columns
    return tuple(item for item in kind.fields if item.name in wanted)


def _record(kind: Kind, about: str) -> Mapping[str, Any] | None:
    """The public row that a correction is about: only its columns that the form has, and its name."""
    dataset = kind.file.public_record
    contract = shelf().contract(kind.product, dataset) if dataset else None
    release = store().snapshot(kind.product).get(dataset) if contract else None
    if contract is None or release is None or access_of(contract, release) != "public" or len(contract.key) != 1:
        return None
    there = {item["name"] for item in package(release)["resources"][0]["schema"]["fields"]}
    names = [item.name for item in _fields(kind) if item.name in there]
    names += ["name"] if "name" in there and "name" not in names else []
    columns = ", ".join(identifier(name) for name in names) or "1"
    with cursor(seconds=5) as con:
        row = con.execute(
            f"SELECT {columns} FROM {literal(str(release.data))} WHERE {identifier(contract.key[0])}::VARCHAR = $about LIMIT 1",
            {"about": about},
        ).fetchone()
    return dict(zip(names, row, strict=False)) if row is not None else None


def _title(record: Mapping[str, Any] | None, about: str) -> str:
    name = str(record.get("name") or about) if record else ""
    return f"Correction of {name}" if name else ""


def _is_same(fields: tuple[Field, ...], name: str, value: Any, record: Mapping[str, Any]) -> bool:
    """Whether a form's value is what the record says anyway."""
    item = next((one for one in fields if one.name == name), None)
    if item is None:
        return False
    return bool(reviewing.control_of(item, value).value == reviewing.control_of(item, record.get(name)).value)


def _was_open(signed: str) -> bool:
    """Whether the form is one of ours and was open as long as a person needs."""
    try:
        signing.loads(signed, salt=SALT, max_age=MOST_SECONDS)
    except signing.BadSignature:
        return False
    try:
        signing.loads(signed, salt=SALT, max_age=LEAST_SECONDS)
    except signing.SignatureExpired:
        return True
    return False


def _language(request: HttpRequest) -> str:
    asked = request.GET.get("lang") or request.POST.get("lang") or ""
    if asked in LANGUAGES:
        return asked
    accepted = request.headers.get("Accept-Language", "").lower()
    return "es" if accepted.startswith("es") else "en"
