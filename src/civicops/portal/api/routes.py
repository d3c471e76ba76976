"""The routes of the interface.

Belongs here: parameters, answers, caching headers. Does not belong here: SQL (`questions`, `rows`).
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from ninja import Router
from ninja.params.functions import Path, Query

from civicops.portal import catalogue, downloads, files
from civicops.portal.access import may_read
from civicops.portal.api import questions, rows, values
from civicops.portal.reading import store, workspace
from civicops.release.described import access_of
from civicops.release.store import NoReleaseError
from civicops.release.values import Release, is_version

router = Router()
_NAME = r"^[a-z][a-z0-9_]*$"
_VERSION = r"^\d{8}T\d{6}Z-[0-9a-f]{8}$"
Product = Annotated[str, Path(description="A product.", pattern=_NAME, max_length=80)]
Dataset = Annotated[str, Path(description="One of its datasets.", pattern=_NAME, max_length=80)]
_ASKED_WRONG = {404: values.Problem, 422: values.Problem, 429: values.Problem}


@router.get(
    "datasets", response={200: values.DatasetList, 422: values.Problem, 429: values.Problem}, url_name="datasets",
    summary="List datasets",
)  # fmt: skip
def datasets(
    request: HttpRequest,
    response: HttpResponse,
    q: str = Query("", description="Only those in which all these words occur.", max_length=200),
) -> dict[str, Any]:
    """Every dataset of the catalogue, or those that a search finds."""
    _open(response)
    found = catalogue.search(catalogue.entries(), q)
    return {"datasets": [_short(item) for item in sorted(found, key=lambda item: item.id)]}


@router.get(
    "datasets/{product}/{dataset}", response={200: values.DatasetOut, **_ASKED_WRONG}, url_name="dataset",
    summary="Describe a dataset",
)  # fmt: skip
def dataset(request: HttpRequest, response: HttpResponse, product: Product, dataset: Dataset) -> dict[str, Any]:
    """A dataset's contract, checks, and where to download it."""
    _open(response)
    item = _entry(product, dataset)
    contract, current = item.contract, item.current
    lineage = catalogue.dataset_lineage(item)
    return {
        **_short(item),
        "usage": contract.usage,
        "limitations": contract.limitations,
        "owner": contract.owner,
        "contract_version": contract.version,
        "key": list(contract.key),
        "columns": [
            {
                "name": column.name, "title": column.title, "type": column.logical_type, "unit": column.unit,
                "description": column.description, "is_key": column.name in contract.key, "required": column.required,
            }
            for column in contract.columns
        ],
        "checks": [
            {"id": row.id, "description": row.sentence, "column": row.column, "broken": row.count, "rows": row.rows}
            for row in catalogue.checks(item, current)
        ],
        "made_from": [*(f"{product}.{name}" for name in (*lineage.accepted, *lineage.published)), *lineage.others],
        "downloads": {kind: _address(item, current, kind) for kind in downloads.formats(item)} if current else {},
    }  # fmt: skip


@router.get(
    "datasets/{product}/{dataset}/versions", response={200: values.VersionList, **_ASKED_WRONG}, url_name="versions",
    summary="List versions",
)  # fmt: skip
def versions(request: HttpRequest, response: HttpResponse, product: Product, dataset: Dataset) -> dict[str, Any]:
    """Every version of a dataset that is still kept."""
    _open(response)
    return {
        "versions": [
            {
                "version": row.release.version, "created_at": row.release.created.isoformat(), "current": row.is_current,
                "rows": row.rows, "bytes": row.size_bytes, "contract_version": row.contract_version,
            }
            for row in catalogue.versions(_entry(product, dataset))
        ]
    }  # fmt: skip


@router.get(
    "datasets/{product}/{dataset}/rows",
    response={200: values.RowPage, 304: None, 403: values.Problem, **_ASKED_WRONG, 503: values.Problem}, url_name="rows",
    summary="Read rows",
)  # fmt: skip
def read_rows(
    request: HttpRequest,
    response: HttpResponse,
    product: Product,
    dataset: Dataset,
    version: str = Query("", description="A version; the current one when left out.", pattern=rf"{_VERSION}|^$"),
    columns: str = Query("", description="Names of columns, separated by commas; all when left out.", max_length=4000),
    filters: list[str] = Query(  # noqa: B008 - the default is ninja's way to describe a parameter
        [],
        alias="filter",
        description="`column:operator:value`, as often as needed; all must hold. Operators: eq, ne, lt, le, gt, ge, in "
        "(values separated by commas), contains (text or list), null (true or false).",
    ),
    limit: int = Query(100, description="Rows of one answer; the portal's own limit may be lower.", ge=1),
    cursor: str = Query("", description="`next` of the answer before.", max_length=2000),
) -> HttpResponse | dict[str, Any]:
    """Rows of one version, page by page, in the order of the release."""
    item = _entry(product, dataset)
    release = _release(item, version or questions.version_of_cursor(cursor))
    access = access_of(item.contract, release)
    if not may_read(request.user, access):
        raise questions.QuestionError(
            "This dataset is for stewards only.", hint=f"Ask {item.contract.owner}.", status=403
        )
    limits = workspace().settings.portal
    limit = min(limit, limits.api_rows)
    types = rows.column_types(release)
    question = questions.ask(types, columns=columns, filters=filters, cursor=cursor, version=release.version)
    # The version, the question and the page decide every byte of the answer.
    told = f"{item.id}\0{release.version}\0{question.mark}\0{question.after}\0{limit}"
    etag = f'"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'
    unchanged = get_conditional_response(request, etag=etag)
    for answer in filter(None, (response, unchanged)):
        answer["ETag"] = etag
        if access == "public":
            _open(answer)
            # A named version never changes; the current one is asked for again each time, and mostly answered with 304.
            answer["Cache-Control"] = files.FOREVER if version else "public, no-cache"
        else:
            answer["Cache-Control"] = files.NEVER
            patch_vary_headers(answer, ("Cookie",))
    if unchanged is not None:
        return unchanged
    found, following = rows.page(release, question, limit=limit, seconds=limits.api_seconds)
    return {
        "dataset": item.id, "version": release.version, "columns": list(question.columns), "rows": found, "next": following,
    }  # fmt: skip


def _open(response: HttpResponse) -> None:
    """Pages of other sites may read what is public."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Expose-Headers"] = "ETag, Retry-After"


def _entry(product: str, dataset: str) -> catalogue.Entry:
    found = catalogue.entry(product, dataset)
    if found is None:
        raise questions.QuestionError(
            f"There is no dataset '{product}.{dataset}'.", hint="/api/v1/datasets lists them.", status=404
        )
    return found


def _release(item: catalogue.Entry, version: str) -> Release:
    try:
        return store().find(item.product.name, item.contract.dataset, version if is_version(version) else None)
    except NoReleaseError as error:
        raise questions.QuestionError(
            error.message, hint="Begin again with the current version.", status=404
        ) from error


def _short(item: catalogue.Entry) -> dict[str, Any]:
    return {
        "id": item.id,
        "product": item.product.name,
        "dataset": item.contract.dataset,
        "title": item.contract.title,
        "purpose": item.contract.purpose,
        "access": item.access,
        "licence": item.contract.licence,
        "version": item.current.version if item.current else None,
        "rows": item.rows,
    }


def _address(item: catalogue.Entry, release: Release, kind: str) -> str:
    name = f"{item.contract.dataset}.{kind}"
    return reverse("download", args=[item.product.name, item.contract.dataset, release.version, name])
