"""Importing a list: send the file, say what its columns are, see what would happen, add it, take it back.

Belongs here: the two pages. Does not belong here: reading files (`civicops.portal.importing`), keeping them
(`civicops.portal.uploads`).
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.ingest.declared import gathered_folder
from civicops.ingest.tables.fields import can_take_lists, fields_of
from civicops.ingest.tables.kept import KeptList, lists_of, source_name
from civicops.ingest.tables.layout import layouts_of
from civicops.portal import importing, uploads
from civicops.portal.reading import shelf, workspace
from civicops.portal.uploads import Choice, Upload
from civicops.workspace import Product


def upload(request: HttpRequest, product: str, dataset: str) -> HttpResponse:
    """The lists of a dataset and a form for a file; with POST, take the file or take the last one of a list back."""
    found, contract = _target(product, dataset)
    fault: CivicopsError | None = None
    if request.method == "POST" and request.POST.get("action") == "undo":
        code = request.POST.get("list", "")[:100]
        try:
            if code not in {one.code for one in _lists(found, contract)}:
                raise CivicopsError("There is no such list.", hint="Nothing was changed.")
            name = f"{product}.{dataset}"
            done = importing.command(workspace(), request.user.get_username(), "undo", name, code)
            words = f"has the {done['rows']:,} rows it had before" if done["rows"] else "is gone again"
            messages.success(request, f"List '{code}' {words}. The next run shows it.")
        except CivicopsError as error:
            messages.error(request, _words(error))
        return redirect("import_list", product, dataset)
    if request.method == "POST":
        try:
            token = _take(request, found, contract)
            return redirect("import_file", product, dataset, token)
        except CivicopsError as error:
            fault = error
    context = {
        "product": found,
        "contract": contract,
        "lists": _lists(found, contract),
        "most": workspace().settings.portal.import_megabytes,
        "hours": uploads.MINUTES // 60,
        "suffixes": ",".join(uploads.SUFFIXES),
        "fault": fault,
    }
    return _private(render(request, "portal/import.html", context, status=400 if fault else 200))


def uploaded(request: HttpRequest, product: str, dataset: str, token: str) -> HttpResponse:
    """One file: its columns and what would come of it; with POST, change what a column is, add the list, throw the file away."""
    found, contract = _target(product, dataset)
    kept = uploads.find(workspace(), token, _account(request), product, dataset)
    if kept is None:
        raise Http404("This file is not here any more. Send it again.")
    action = request.POST.get("action", "")
    account = request.user.get_username()
    if request.method == "POST" and action == "discard":
        kept.forget()
        messages.success(request, "The file was thrown away; nothing was changed.")
        return redirect("import_list", product, dataset)
    if request.method == "POST" and action == "add":
        if request.POST.get("seen") != kept.seen:
            messages.error(request, "The columns were changed in another tab. Look again, then add it.")
            return redirect("import_file", product, dataset, token)
        try:
            done = importing.command(workspace(), account, "add", *importing.arguments(kept, found, contract))
        except CivicopsError as error:
            messages.error(request, _words(error))
            return redirect("import_file", product, dataset, token)
        kept.forget()
        rows = f"{done['usable']:,} of {done['rows']:,} rows are in list '{done['list_code']}'"
        messages.success(request, f"{rows}. The next run checks and cleans them.")
        return redirect("import_list", product, dataset)
    if request.method == "POST":
        try:
            _change(request, kept, found, contract)
            kept.save()
        except CivicopsError as error:
            messages.error(request, _words(error))
        return redirect("import_file", product, dataset, token)
    return _private(render(request, "portal/import_file.html", _shown(kept, found, contract, account)))


def _take(request: HttpRequest, product: Product, contract: Contract) -> str:
    most = workspace().settings.portal.import_megabytes
    sent = request.FILES.get("file")
    if sent is None:
        raise CivicopsError("No file was sent.", hint="Choose one first.")
    if (sent.size or 0) > most * 1_000_000:
        raise CivicopsError(
            f"The file has {(sent.size or 0) / 1e6:,.1f} MB; this page takes {most:,} MB.",
            hint="Remove what is not needed, or use the command `civicops import`.",
        )
    name = sent.name or ""
    token, kept = uploads.keep(workspace(), _account(request), product.name, contract.dataset, name, sent.chunks())
    try:
        importing.look_into(workspace(), request.user.get_username(), product, contract, kept)
        kept.save()
    except CivicopsError:
        kept.forget()
        raise
    return token


def _change(request: HttpRequest, kept: Upload, product: Product, contract: Contract) -> None:
    """Take over what the form says. Another sheet or layout starts the columns anew."""
    fields = fields_of(contract)
    layouts = {one.code for one in layouts_of(product.lookups, list(fields))}
    kept.list_code = request.POST.get("list", "").strip()[:100] or kept.list_code
    sheet, layout = request.POST.get("sheet", kept.sheet), request.POST.get("layout", "")
    if sheet != kept.sheet and sheet in kept.sheets:
        kept.sheet = sheet
        importing.look_into(workspace(), request.user.get_username(), product, contract, kept)
        return
    if layout != kept.layout and layout in {*layouts, ""}:
        kept.layout = layout
        suggested = {
            name: {"field": one.field, "because": one.why}
            for name, one in zip(kept.header, kept.choices, strict=True)
            if one.why
        }
        importing.choose(kept, product, contract, suggested)
        return
    if request.POST.get("header") != str(len(kept.header)):
        raise CivicopsError("The file was changed in another tab.", hint="Look at it again.")
    rest = "ignore" if request.POST.get("rest") == "ignore" else ""
    for index, before in enumerate(kept.choices):
        chosen = request.POST.get(f"c{index}", "")
        chosen = chosen if chosen in fields or chosen == "ignore" else rest
        telling = request.POST.get(f"i{index}") == "yes" and chosen in fields
        kept.choices[index] = Choice(chosen, telling, before.why if chosen == before.field else "")


def _shown(kept: Upload, product: Product, contract: Contract, account: str) -> dict[str, Any]:
    fields = fields_of(contract)
    fault: CivicopsError | None = None
    found: dict[str, Any] = {}
    open_columns = [name for name, one in zip(kept.header, kept.choices, strict=True) if name and not one.field]
    try:
        found = importing.command(workspace(), account, "preview", *importing.arguments(kept, product, contract))
    except CivicopsError as error:
        fault = error
    before = _lists(product, contract)
    sample = found.get("sample", ())
    used = [name for name in fields if any(row.get(name) for row in sample)]
    return {
        "product": product,
        "contract": contract,
        "kept": kept,
        "columns": [
            (index, name, one) for index, (name, one) in enumerate(zip(kept.header, kept.choices, strict=True)) if name
        ],
        "fields": fields.items(),
        "layouts": [one.code for one in layouts_of(product.lookups, list(fields))],
        "open": open_columns,
        "found": found,
        "problems": found.get("problems", ()),
        "more": max(0, found.get("problem_count", 0) - len(found.get("problems", ()))),
        "held": sorted(found.get("held", {}).items()),
        "sample": [[(fields[name], row.get(name, "")) for name in used] for row in sample],
        "heads": [fields[name] for name in used],
        "list_now": next((one for one in before if one.code == kept.list_code), None),
        "can_add": bool(found.get("can_be_imported")) and not open_columns,
        "fault": fault,
    }


def _target(product: str, dataset: str) -> tuple[Product, Contract]:
    found = shelf().product(product)
    contract = next((one for one in found.contracts if one.dataset == dataset), None) if found else None
    if found is None or contract is None or not can_take_lists(contract):
        raise Http404("Lists cannot be imported there.")
    return found, contract


def _lists(product: Product, contract: Contract) -> tuple[KeptList, ...]:
    try:
        source = source_name(product, contract)
    except CivicopsError as error:
        raise Http404(error.message) from error
    return lists_of(gathered_folder(workspace(), product.name), source)


def _account(request: HttpRequest) -> int:
    """The number of who asks; the rule of these routes lets nobody in who is not signed in."""
    return int(request.user.pk or 0)


def _words(error: CivicopsError) -> str:
    return f"{error.message} {error.hint}".strip()


def _private(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "private, no-store"
    return answer
